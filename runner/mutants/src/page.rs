//! The table of `docs/mutants.md`: one row a mutant, one column a kernel.
//!
//! Makes text, and puts it between the page's marks; runs nothing.

use std::fmt::Write;

use crate::mutant::Mutant;
use crate::trial::Trial;

/// Where the table begins and ends.
const BEGIN: &str = "<!-- mutants: begin -->\n";
const END: &str = "<!-- mutants: end -->";

/// What is wrong with a page that takes no table.
pub const NO_MARKS: &str = "there is no place for a table in it: it needs the lines `<!-- mutants: begin -->` and \
                            `<!-- mutants: end -->`";

/// The part of a row that the mutant's file gives.
pub fn row(mutant: &Mutant) -> String {
    let rule = mutant.kind.rule().map_or("nothing".to_owned(), |rule| format!("`{rule}`"));
    format!("| `{}` | {} | {rule} |", mutant.id, mutant.title.replace('|', "\\|"))
}

/// The table of what came of the mutants on each kernel, and its sums.
pub fn table(mutants: &[&Mutant], kernels: &[(String, Vec<Trial>)]) -> String {
    let mut text = String::from("| mutant | what is different | has to be flagged by |");
    for (kernel, _) in kernels {
        write!(text, " {kernel} |").expect("a string");
    }
    text.push_str("\n|---|---|---|");
    text.push_str(&"---|".repeat(kernels.len()));
    text.push('\n');
    for mutant in mutants {
        text.push_str(&row(mutant));
        for (_, trials) in kernels {
            let trial = trials.iter().find(|trial| trial.mutant == mutant.id);
            let cell = trial.map_or("not run".to_owned(), cell);
            write!(text, " {cell} |").expect("a string");
        }
        text.push('\n');
    }
    text.push('\n');
    for (kernel, trials) in kernels {
        writeln!(text, "{kernel}: {}.\n", sums(trials)).expect("a string");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// How many came to what: `40 caught, 10 quiet`.
pub fn sums(trials: &[Trial]) -> String {
    let order = ["caught", "quiet", "caught by another", "missed", "false alarm", "error", "excluded"];
    let count = |name: &str| trials.iter().filter(|trial| trial.outcome.name() == name).count();
    let sums = order.map(|name| (name, count(name)));
    sums.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

/// The outcome without places, which move with every session that is added.
fn cell(trial: &Trial) -> String {
    use crate::outcome::Outcome;
    match &trial.outcome {
        Outcome::CaughtByAnother { rules } => format!("caught by {}", rules.join(", ")),
        Outcome::Excluded { why } => why.clone(),
        outcome => outcome.name().to_owned(),
    }
}

/// A page with `table` between its marks; `None` when it has no marks.
pub fn with_table(page: &str, table: &str) -> Option<String> {
    let from = page.find(BEGIN)? + BEGIN.len();
    let to = from + page[from..].find(END)?;
    Some(format!("{}{table}{}", &page[..from], &page[to..]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::mutant::Kind;
    use crate::outcome::Outcome;

    fn mutant(id: &str, kind: Kind) -> Mutant {
        Mutant {
            id: id.into(),
            path: format!("{id}.cocci").into(),
            title: "a | b".into(),
            kind,
            file: "drivers/fwctl/main.c".into(),
            sessions: Vec::new(),
            since: None,
            until: None,
            why: "w".into(),
        }
    }

    fn trial(mutant: &str, outcome: Outcome) -> Trial {
        Trial { mutant: mutant.into(), outcome, build: Duration::ZERO, run: Duration::ZERO }
    }

    #[test]
    fn a_row_says_what_came_of_a_mutant_on_each_kernel_and_the_sums_stand_below() {
        let (one, two) = (mutant("one", Kind::Break { rule: "r".into() }), mutant("two", Kind::Harmless));
        let first =
            vec![trial("one", Outcome::Caught { place: "s at t".into() }), trial("two", Outcome::Quiet)];
        let second = vec![
            trial("one", Outcome::Excluded { why: "no meaning before 7.2".into() }),
            trial("two", Outcome::FalseAlarm { findings: vec!["r at s".into()] }),
        ];
        let table = table(&[&one, &two], &[("7.3".into(), first), ("6.16".into(), second)]);
        let wanted = "\
| mutant | what is different | has to be flagged by | 7.3 | 6.16 |
|---|---|---|---|---|
| `one` | a \\| b | `r` | caught | no meaning before 7.2 |
| `two` | a \\| b | nothing | quiet | false alarm |

7.3: 1 caught, 1 quiet.

6.16: 1 false alarm, 1 excluded.
";
        assert_eq!(table, wanted);
    }

    #[test]
    fn a_page_keeps_what_stands_around_its_table() {
        let page = format!("# M\n\n{BEGIN}old\n{END}\n\nmore\n");
        assert_eq!(with_table(&page, "new\n"), Some(format!("# M\n\n{BEGIN}new\n{END}\n\nmore\n")));
        assert_eq!(with_table("# M\n", "new\n"), None);
    }
}
