//! Questions and answers on a terminal.

use std::io::{self, BufRead, Write};

use scrubjay_verdict::Changes;
use scrubjay_verdict::change::Statement;
use scrubjay_verdict::review::Acceptance;

use super::change;
use crate::args::FactArgs;

/// What becomes of a recording.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is accepted.
    Accept(Acceptance),
    /// It is removed.
    Reject,
    /// It stays.
    Skip,
    /// It stays, and so do those after it.
    Quit,
}

/// Asks until the answer is one. The end of input is `quit`.
pub fn answer(
    input: &mut impl BufRead,
    output: &mut impl Write,
    left: usize,
    changes: &Changes,
) -> io::Result<Answer> {
    loop {
        write!(output, "[b]ase, [a]lso, [c]hange, [r]eject, [s]kip, [q]uit ({left} more)? ")?;
        let Some(word) = line(input, output)? else { return Ok(Answer::Quit) };
        return Ok(match word.as_str() {
            "b" | "base" => Answer::Accept(Acceptance::Base),
            "a" | "also" => Answer::Accept(Acceptance::Also),
            "r" | "reject" => Answer::Reject,
            "s" | "skip" | "" => Answer::Skip,
            "q" | "quit" => Answer::Quit,
            "c" | "change" => {
                let known: Vec<_> = changes.iter().map(|change| change.id.as_str()).collect();
                let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
                writeln!(output, "changes: {known}")?;
                write!(output, "id, of one of these or a new one (A+B for both together): ")?;
                match line(input, output)?.map(|id| change::acceptance(&format!("change:{id}"))) {
                    Some(Ok(acceptance)) => Answer::Accept(acceptance),
                    Some(Err(error)) => {
                        writeln!(output, "{error}")?;
                        continue;
                    }
                    None => Answer::Quit,
                }
            }
            _ => continue,
        });
    }
}

/// Asks for what is not known yet: why the base is so, or all about a change that is new.
pub fn facts(
    input: &mut impl BufRead,
    output: &mut impl Write,
    acceptance: &Acceptance,
    given: &FactArgs,
    changes: &Changes,
) -> io::Result<FactArgs> {
    let mut facts = FactArgs::default();
    let mut ask = |question: &str, given: &Option<String>| -> io::Result<Option<String>> {
        if given.is_some() {
            return Ok(given.clone());
        }
        write!(output, "  {question}: ")?;
        line(input, output)
    };
    if let Acceptance::Base | Acceptance::Also = acceptance {
        facts.reason = ask("why the base is so", &given.reason)?;
        facts.reference = ask("reference (commit, thread, or file and function)", &given.reference)?;
        return Ok(facts);
    }
    let missing = change::missing(acceptance, changes);
    let [id] = missing.as_slice() else { return Ok(facts) };
    facts.title =
        ask(&format!("change `{id}` is new; what is different afterwards, in one line"), &given.title)?
            .filter(|t| !t.is_empty());
    facts.reason = ask("why the kernel was changed", &given.reason)?;
    facts.reference = ask("reference (thread, or file and function)", &given.reference)?;
    facts.promise = ask("the promise that it serves or alters (D05)", &given.promise)?;
    facts.no_commit.clone_from(&given.no_commit);
    if given.no_commit.is_none() {
        facts.commit =
            ask("mainline's commit (12 digits or more; nothing where none can be named)", &given.commit)?
                .filter(|id| !id.is_empty());
        match facts.commit {
            Some(_) => facts.subject = ask("the first line of its message", &given.subject)?,
            None => facts.no_commit = ask("why no commit can be named", &None)?,
        }
    }
    facts.cve = ask("its CVE (nothing where it has none)", &given.cve)?.filter(|cve| !cve.is_empty());
    let mut state = |question: &str, given: &[Statement]| statements(input, output, question, given);
    let first = |mut all: Vec<Statement>| (!all.is_empty()).then(|| all.remove(0));
    facts.mainline = first(state("mainline's first tag with it (7.3=list)", given.mainline.as_slice())?);
    facts.introduced = first(state(
        "mainline's first tag with the bug that it mends (6.15=source; nothing where it mends nothing)",
        given.introduced.as_slice(),
    )?);
    facts.lacks_to = state(
        "the last release of each stable series that lacks it (6.18.49=list 7.2.3=list)",
        &given.lacks_to,
    )?;
    facts.has_from = state(
        "the first release of each stable series that has it (6.18.50=list 7.2.4=list)",
        &given.has_from,
    )?;
    Ok(facts)
}

/// Asks for statements until each of them is one.
fn statements(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    given: &[Statement],
) -> io::Result<Vec<Statement>> {
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    loop {
        write!(output, "  {question}: ")?;
        let typed = line(input, output)?.unwrap_or_default();
        let read: Result<Vec<Statement>, _> = typed.split_whitespace().map(str::parse).collect();
        match read {
            Ok(statements) => return Ok(statements),
            Err(error) => writeln!(output, "{error}")?,
        }
    }
}

/// One line without what is around it; `None` at the end of input.
fn line(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<Option<String>> {
    output.flush()?;
    let mut text = String::new();
    Ok((input.read_line(&mut text)? > 0).then(|| text.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn answered(typed: &str) -> Answer {
        answer(&mut typed.as_bytes(), &mut io::sink(), 3, &Changes::default()).unwrap()
    }

    #[rstest]
    #[case("b\n", Answer::Accept(Acceptance::Base))]
    #[case("also\n", Answer::Accept(Acceptance::Also))]
    #[case("r\n", Answer::Reject)]
    #[case("\n", Answer::Skip)]
    #[case("", Answer::Quit)]
    #[case("what\nq\n", Answer::Quit)]
    #[case("c\na+b\n", Answer::Accept(Acceptance::Changed(vec!["a".into(), "b".into()])))]
    #[case("c\nA B\ns\n", Answer::Skip)]
    #[case("c\n", Answer::Quit)]
    fn what_is_typed_becomes_an_answer(#[case] typed: &str, #[case] expected: Answer) {
        assert_eq!(answered(typed), expected);
    }

    #[rstest]
    #[case(Acceptance::Base)]
    #[case(Acceptance::Also)]
    fn what_goes_into_the_base_is_asked_for_its_reason(#[case] acceptance: Acceptance) {
        let typed = "it was wrong\nthe thread\n";
        let given = FactArgs::default();
        let facts =
            facts(&mut typed.as_bytes(), &mut io::sink(), &acceptance, &given, &Changes::default()).unwrap();
        assert_eq!(facts.reason.as_deref(), Some("it was wrong"));
        assert_eq!(facts.reference.as_deref(), Some("the thread"));
    }

    #[test]
    fn only_what_is_not_given_is_asked() {
        let given = FactArgs {
            reason: Some("given".into()),
            mainline: Some("7.3=list".parse().unwrap()),
            ..FactArgs::default()
        };
        let new = Acceptance::Changed(vec!["new".into()]);
        let typed = "\nthe thread\nD05\nf687394af983\nbound it\n\n\n6.18.49 7.2.3=list\n\
                     6.18.49=list 7.2.3=source\n7.2.4=list\n";
        let facts = facts(&mut typed.as_bytes(), &mut io::sink(), &new, &given, &Changes::default()).unwrap();
        assert_eq!(facts.title, None);
        assert_eq!(facts.reason.as_deref(), Some("given"));
        assert_eq!(facts.reference.as_deref(), Some("the thread"));
        assert_eq!(facts.promise.as_deref(), Some("D05"));
        assert_eq!((facts.commit.as_deref(), facts.no_commit), (Some("f687394af983"), None));
        assert_eq!((facts.subject.as_deref(), facts.cve), (Some("bound it"), None));
        assert_eq!((facts.mainline, facts.introduced), (given.mainline, None));
        let read = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(facts.lacks_to, read(&["6.18.49=list", "7.2.3=source"]), "the first line was no answer");
        assert_eq!(facts.has_from, read(&["7.2.4=list"]));
    }
}
