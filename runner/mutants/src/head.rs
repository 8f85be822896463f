//! The head of a mutant's file: TOML in the comments that it begins with. Every error names the line.
//!
//! Reads text only. The semantic patch below the head is spatch's to read.

use std::path::{Path, PathBuf};

use scrubjay_kernels::Release;
use scrubjay_verdict::Rule;
use scrubjay_verdict::rule::id;
use serde::Deserialize;
use toml::Spanned;

use crate::mutant::{Kind, Mutant, MutantError};

/// What the lines of the head begin with; one space may follow.
const COMMENT: &str = "//";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    title: Spanned<String>,
    kind: Spanned<KindForm>,
    rule: Option<Spanned<String>>,
    change: Option<Spanned<String>>,
    file: Spanned<PathBuf>,
    #[serde(default)]
    sessions: Vec<Spanned<String>>,
    since: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    why: Spanned<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum KindForm {
    Break,
    Revert,
    Harmless,
}

/// What a head may name.
pub(crate) struct Known<'a> {
    /// Whether there is a session of this id.
    pub session: &'a dyn Fn(&str) -> bool,
    /// Whether there is a change of this id.
    pub change: &'a dyn Fn(&str) -> bool,
}

/// Reads the head of a mutant; the path gives the id and stands in the errors.
pub(crate) fn read(path: &Path, text: &str, known: &Known) -> Result<Mutant, MutantError> {
    // Line by line, so that the lines of the TOML are those of the file.
    let uncomment = |line: &str| {
        let line = line.strip_prefix(COMMENT)?;
        Some(format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
    };
    let toml: String = text.lines().map_while(uncomment).collect();
    let reader = Reader { path, toml: &toml };
    if toml.is_empty() {
        return Err(reader.bad(0, "no head; begin with lines such as `// title = \"…\"`"));
    }
    let form: Form = toml::from_str(&toml).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        reader.bad(at, error.message().trim_end().replace('\n', "; "))
    })?;
    reader.mutant(&form, known)
}

struct Reader<'a> {
    path: &'a Path,
    toml: &'a str,
}

impl Reader<'_> {
    fn bad(&self, offset: usize, what: impl Into<String>) -> MutantError {
        let line = self.toml.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1;
        MutantError::Bad { path: self.path.to_owned(), line, what: what.into() }
    }

    fn mutant(&self, form: &Form, known: &Known) -> Result<Mutant, MutantError> {
        let id = self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_id =
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_id {
            let what =
                format!("the file's stem `{id}` cannot be an id; use lower-case letters, digits and dashes");
            return Err(self.bad(0, what));
        }
        for (name, text) in [("title", &form.title), ("why", &form.why)] {
            if text.get_ref().trim().is_empty() {
                return Err(self.bad(text.span().start, format!("`{name}` is empty; write one sentence")));
            }
        }
        if let Some(session) = form.sessions.iter().find(|session| !(known.session)(session.get_ref())) {
            let what = format!("there is no session `{}`; see `scrubjay sessions list`", session.get_ref());
            return Err(self.bad(session.span().start, what));
        }
        let (since, until) = (self.release(form.since.as_ref())?, self.release(form.until.as_ref())?);
        if let (Some(since), Some(until), Some(at)) = (since, until, &form.until)
            && until < since
        {
            return Err(self.bad(at.span().start, format!("until {until} is before since {since}; mend one")));
        }
        Ok(Mutant {
            id: id.to_owned(),
            path: self.path.to_owned(),
            title: form.title.get_ref().clone(),
            kind: self.kind(form, known)?,
            file: form.file.get_ref().clone(),
            sessions: form.sessions.iter().map(|session| session.get_ref().clone()).collect(),
            since,
            until,
            why: form.why.get_ref().clone(),
        })
    }

    fn kind(&self, form: &Form, known: &Known) -> Result<Kind, MutantError> {
        let kind = form.kind.span().start;
        match (form.kind.get_ref(), &form.rule, &form.change) {
            (KindForm::Harmless, None, None) => Ok(Kind::Harmless),
            (KindForm::Harmless, Some(rule), _) => Err(self.bad(
                rule.span().start,
                "a harmless mutant is flagged by no rule; remove `rule`, or write kind = \"break\"",
            )),
            (KindForm::Break, None, _) => Err(self.bad(
                kind,
                "a break needs a `rule`: the one that has to flag it, of those of `scrubjay rules`",
            )),
            (KindForm::Break, Some(rule), None) => match Rule::find(rule.get_ref()) {
                Some(_) => Ok(Kind::Break { rule: rule.get_ref().clone() }),
                None => {
                    let what = format!("there is no rule `{}`; see `scrubjay rules`", rule.get_ref());
                    Err(self.bad(rule.span().start, what))
                }
            },
            (KindForm::Revert, None, None) => {
                Err(self
                    .bad(kind, "a revert needs a `change`: the one that it takes out, of `scrubjay changes`"))
            }
            (KindForm::Revert, Some(rule), _) => Err(self.bad(
                rule.span().start,
                format!("a revert is flagged as `{}`; remove `rule`", id::REGRESSED),
            )),
            (KindForm::Revert, None, Some(change)) if (known.change)(change.get_ref()) => {
                Ok(Kind::Revert { change: change.get_ref().clone() })
            }
            (KindForm::Revert, None, Some(change)) => {
                let what = format!("there is no change `{}`; see `scrubjay changes`", change.get_ref());
                Err(self.bad(change.span().start, what))
            }
            (KindForm::Break | KindForm::Harmless, _, Some(change)) => Err(self.bad(
                change.span().start,
                "only a revert takes out a change; remove `change`, or write kind = \"revert\"",
            )),
        }
    }

    fn release(&self, text: Option<&Spanned<String>>) -> Result<Option<Release>, MutantError> {
        let read = |text: &Spanned<String>| {
            text.get_ref().parse().map_err(|what: String| self.bad(text.span().start, what))
        };
        text.map(read).transpose()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = r#"// title = "CAP_SYS_RAWIO is no longer asked for full scope"
// kind = "break"
// rule = "call-unblocked"   # the one that has to flag it
// file = "drivers/fwctl/main.c"
// sessions = ["scope-3"]
// since = "6.16"
// until = "7.3"
// why = "somebody forgot"

@@ @@
- a
+ b
"#;

    fn parse(path: &str, text: &str) -> Result<Mutant, String> {
        let known = Known { session: &|session| session == "scope-3", change: &|change| change == "bounded" };
        read(Path::new(path), text, &known).map_err(|error| error.to_string())
    }

    #[test]
    fn a_head_is_read() {
        let mutant = parse("m/a-1.cocci", GOOD).expect("it is good");
        assert_eq!(mutant.id, "a-1");
        assert_eq!(mutant.kind, Kind::Break { rule: "call-unblocked".into() });
        assert_eq!(mutant.file, Path::new("drivers/fwctl/main.c"));
        assert_eq!(
            (mutant.sessions.len(), mutant.since, mutant.until),
            (1, "6.16".parse().ok(), "7.3".parse().ok())
        );
    }

    #[test]
    fn a_harmless_mutant_names_no_rule() {
        let text = GOOD.replace("\"break\"", "\"harmless\"");
        assert!(parse("a.cocci", &text).expect_err("it names one").starts_with("a.cocci:3: "));
        let text = text.replacen("// rule", "// # rule", 1);
        assert_eq!(parse("a.cocci", &text).expect("good").kind, Kind::Harmless);
    }

    const REVERT: &str = "\"revert\"\n// change = \"bounded\"";

    #[test]
    fn a_revert_names_the_change_that_it_takes_out() {
        let text = GOOD.replace("\"break\"", REVERT).replacen("// rule", "// # rule", 1);
        assert_eq!(parse("a.cocci", &text).expect("good").kind, Kind::Revert { change: "bounded".into() });
        let other = parse("a.cocci", &text.replace("\"bounded\"", "\"unbounded\""));
        assert!(other.expect_err("there is none").starts_with("a.cocci:3: there is no change `unbounded`"));
    }

    #[rstest]
    #[case::unknown_key("// since", "// sinse = \"x\"\n// since", "a.cocci:6: ", "sinse")]
    #[case::unknown_kind("\"break\"", "\"broken\"", "a.cocci:2: ", "broken")]
    #[case::unknown_rule("call-unblocked", "call-unblokked", "a.cocci:3: ", "no rule `call-unblokked`")]
    #[case::no_rule("// rule", "// # rule", "a.cocci:2: ", "needs a `rule`")]
    #[case::revert_of_nothing(
        "\"break\"\n// rule",
        "\"revert\"\n// # rule",
        "a.cocci:2: ",
        "needs a `change`"
    )]
    #[case::revert_with_a_rule("\"break\"", REVERT, "a.cocci:4: ", "flagged as `regressed`")]
    #[case::change_of_a_break("// file", "// change = \"bounded\"\n// file", "a.cocci:4: ", "only a revert")]
    #[case::no_title("// title", "// # title", "a.cocci:1: ", "title")]
    #[case::empty_title(
        "\"CAP_SYS_RAWIO is no longer asked for full scope\"",
        "\" \"",
        "a.cocci:1: ",
        "is empty"
    )]
    #[case::no_why("// why", "// # why", "a.cocci:1: ", "why")]
    #[case::unknown_session("scope-3\"]", "scope-9\"]", "a.cocci:5: ", "no session `scope-9`")]
    #[case::no_release("\"6.16\"", "\"next\"", "a.cocci:6: ", "no release series")]
    #[case::turned_round("\"7.3\"", "\"6.15\"", "a.cocci:7: ", "before since 6.16")]
    #[case::no_toml("// kind =", "// kind", "a.cocci:2: ", "")]
    #[case::not_at_the_top("// title", "\n// title", "a.cocci:1: ", "no head")]
    fn what_is_wrong_is_refused_with_file_and_line(
        #[case] of: &str,
        #[case] to: &str,
        #[case] place: &str,
        #[case] said: &str,
    ) {
        let error = parse("a.cocci", &GOOD.replacen(of, to, 1)).expect_err("it is wrong");
        assert!(error.starts_with(place) && error.contains(said), "{error}");
    }

    #[test]
    fn a_file_name_that_is_no_id_is_refused() {
        assert!(parse("No_Id.cocci", GOOD).expect_err("no id").contains("`No_Id`"));
    }
}
