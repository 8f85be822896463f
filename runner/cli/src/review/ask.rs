//! Questions and answers on a terminal.

use std::io::{self, BufRead, Write};

use scrubjay_verdict::Changes;
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
    facts.reference = ask("reference (commit, thread, or file and function)", &given.reference)?;
    facts.since = ask("the first upstream release that has it (7.2)", &given.since)?;
    facts.promise = ask("the promise that it serves or alters (D05)", &given.promise)?;
    Ok(facts)
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
        let given =
            FactArgs { reason: Some("given".into()), since: Some("7.2".into()), ..FactArgs::default() };
        let new = Acceptance::Changed(vec!["new".into()]);
        let typed = "\nthe thread\nD05\n";
        let facts = facts(&mut typed.as_bytes(), &mut io::sink(), &new, &given, &Changes::default()).unwrap();
        assert_eq!(facts.title, None);
        assert_eq!(facts.reason.as_deref(), Some("given"));
        assert_eq!(facts.reference.as_deref(), Some("the thread"));
        assert_eq!(facts.promise.as_deref(), Some("D05"));
    }
}
