//! The table of `docs/mutants.md`: one row a mutant, one column a kernel.
//!
//! Makes text, and puts it between the page's marks; runs nothing.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::mutant::Mutant;
use crate::outcome::Outcome;
use crate::trial::Trial;

/// Where the table begins and ends.
const BEGIN: &str = "<!-- mutants: begin -->\n";
const END: &str = "<!-- mutants: end -->";

/// The columns that every table has.
const HEAD: &str = "| mutant | what is different | has to be flagged by |";
/// The cell of what was not run.
const NOT_RUN: &str = "not run";
/// What the cells begin with that say more than the outcome's name.
const ANOTHER: &str = "caught by ";
const EXCLUDED: &str = "excluded: ";
/// The order of the sums.
const NAMES: [&str; 8] =
    ["caught", "quiet", "caught by another", "missed", "false alarm", "error", "excluded", NOT_RUN];

/// What is wrong with a page that takes no table.
pub const NO_MARKS: &str = "there is no place for a table in it: it needs the lines `<!-- mutants: begin -->` and \
                            `<!-- mutants: end -->`";

/// The part of a row that the mutant's file gives.
pub fn row(mutant: &Mutant) -> String {
    let rule = mutant.kind.rule().map_or("nothing".to_owned(), |rule| format!("`{rule}`"));
    let rule = mutant.kind.change().map_or(rule.clone(), |change| format!("{rule}: `{change}`"));
    format!("| `{}` | {} | {rule} |", mutant.id, mutant.title.replace('|', "\\|"))
}

/// What came of the mutants on each kernel, as the page has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// In the order of the columns.
    kernels: Vec<String>,
    /// By kernel and mutant; what is not there was not run.
    cells: BTreeMap<(String, String), String>,
}

impl Table {
    /// The table of a page; `None` when it has no marks. A row that says something else of its mutant than the
    /// mutant's file does is not taken over: what was run was another mutant.
    pub fn read(page: &str, mutants: &[Mutant]) -> Option<Self> {
        let (from, to) = place(page)?;
        let lines: Vec<&str> = page[from..to].lines().collect();
        let mut table = Self::default();
        let Some(columns) = lines.first().and_then(|line| line.strip_prefix(HEAD)) else {
            return Some(table);
        };
        table.kernels = cells(columns).collect();
        for mutant in mutants {
            let row = row(mutant);
            let Some(rest) = lines.iter().find_map(|line| line.strip_prefix(row.as_str())) else { continue };
            for (kernel, cell) in table.kernels.iter().zip(cells(rest)).filter(|(_, cell)| cell != NOT_RUN) {
                table.cells.insert((kernel.clone(), mutant.id.clone()), cell);
            }
        }
        Some(table)
    }

    /// Puts in what came of one.
    pub fn set(&mut self, kernel: &str, trial: &Trial) {
        if !self.kernels.iter().any(|known| known == kernel) {
            self.kernels.push(kernel.to_owned());
        }
        self.cells.insert((kernel.to_owned(), trial.mutant.clone()), cell(&trial.outcome));
    }

    /// The rows, one a mutant, and the sums.
    pub fn text(&self, mutants: &[Mutant]) -> String {
        let mut text = HEAD.to_owned();
        for kernel in &self.kernels {
            write!(text, " {kernel} |").expect("a string");
        }
        text.push_str("\n|---|---|---|");
        text.push_str(&"---|".repeat(self.kernels.len()));
        text.push('\n');
        let cell = |kernel: &String, mutant: &Mutant| {
            self.cells.get(&(kernel.clone(), mutant.id.clone())).map_or(NOT_RUN, String::as_str)
        };
        for mutant in mutants {
            text.push_str(&row(mutant));
            for kernel in &self.kernels {
                write!(text, " {} |", cell(kernel, mutant)).expect("a string");
            }
            text.push('\n');
        }
        for kernel in &self.kernels {
            let names = mutants.iter().map(|mutant| class(cell(kernel, mutant)));
            write!(text, "\n{kernel}: {}.\n", count(names)).expect("a string");
        }
        text
    }

    /// `page` with this table between its marks; `None` when it has none.
    pub fn into_page(&self, page: &str, mutants: &[Mutant]) -> Option<String> {
        let (from, to) = place(page)?;
        Some(format!("{}{}{}", &page[..from], self.text(mutants), &page[to..]))
    }
}

/// How many came to what: `40 caught, 10 quiet`.
pub fn sums(trials: &[Trial]) -> String {
    count(trials.iter().map(|trial| trial.outcome.name()))
}

fn count<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let of = |name: &&str| names.iter().filter(|seen| *seen == name).count();
    let sums = NAMES.iter().map(|name| (name, of(name))).filter(|(_, n)| *n > 0);
    sums.map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}

/// The outcome without places, which move with every session that is added.
fn cell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::CaughtByAnother { rules } => format!("{ANOTHER}{}", rules.join(", ")),
        Outcome::Excluded { why } => format!("{EXCLUDED}{}", why.replace('|', "/")),
        outcome => outcome.name().to_owned(),
    }
}

/// The outcome's name, from its cell.
fn class(cell: &str) -> &str {
    match cell {
        cell if cell.starts_with(ANOTHER) => "caught by another",
        cell if cell.starts_with(EXCLUDED) => "excluded",
        cell => cell,
    }
}

/// The cells of the rest of a row.
fn cells(rest: &str) -> impl Iterator<Item = String> {
    let rest = rest.trim().trim_end_matches('|');
    rest.split('|').map(|cell| cell.trim().to_owned()).filter(|cell| !cell.is_empty())
}

/// Where the table of a page begins and ends.
fn place(page: &str) -> Option<(usize, usize)> {
    let from = page.find(BEGIN)? + BEGIN.len();
    Some((from, from + page[from..].find(END)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::mutant::Kind;
    use crate::mutant::tests;

    fn mutant(id: &str, kind: Kind) -> Mutant {
        Mutant { title: "a | b".into(), ..tests::mutant(id, kind) }
    }

    fn trial(mutant: &str, outcome: Outcome) -> Trial {
        Trial { mutant: mutant.into(), outcome, build: Duration::ZERO, run: Duration::ZERO }
    }

    fn page(table: &str) -> String {
        format!("# M\n\n{BEGIN}{table}{END}\n\nmore\n")
    }

    const TABLE: &str = "\
| mutant | what is different | has to be flagged by | 7.3 | 6.16 |
|---|---|---|---|---|
| `one` | a \\| b | `r` | caught | excluded: no meaning before 7.2 |
| `three` | a \\| b | `r` | caught by other, r2 | not run |
| `two` | a \\| b | nothing | quiet | false alarm |

7.3: 1 caught, 1 quiet, 1 caught by another.

6.16: 1 false alarm, 1 excluded, 1 not run.
";

    fn mutants() -> Vec<Mutant> {
        let kind = || Kind::Break { rule: "r".into() };
        vec![mutant("one", kind()), mutant("three", kind()), mutant("two", Kind::Harmless)]
    }

    #[test]
    fn a_row_says_what_came_of_a_mutant_on_each_kernel_and_the_sums_stand_below() {
        let mut table = Table::default();
        table.set("7.3", &trial("one", Outcome::Caught { place: "s at t".into() }));
        table.set("7.3", &trial("two", Outcome::Quiet));
        let rules = vec!["other".into(), "r2".into()];
        table.set("7.3", &trial("three", Outcome::CaughtByAnother { rules }));
        table.set("6.16", &trial("one", Outcome::Excluded { why: "no meaning before 7.2".into() }));
        table.set("6.16", &trial("two", Outcome::FalseAlarm { findings: vec!["r at s".into()] }));
        assert_eq!(table.text(&mutants()), TABLE);
    }

    #[test]
    fn a_table_is_read_as_it_was_written_and_one_cell_is_run_anew() {
        let mut table = Table::read(&page(TABLE), &mutants()).unwrap();
        assert_eq!(table.text(&mutants()), TABLE);
        table.set("6.16", &trial("three", Outcome::Missed));
        let wanted = page(&TABLE.replace("not run", "missed").replace(
            "6.16: 1 false alarm, 1 excluded, 1 missed",
            "6.16: 1 missed, 1 false alarm, 1 excluded",
        ));
        assert_eq!(table.into_page(&page(TABLE), &mutants()), Some(wanted));
    }

    #[test]
    fn a_mutant_that_is_another_by_now_was_not_run() {
        let mut mutants = mutants();
        mutants[0].kind = Kind::Break { rule: "another".into() };
        let text = Table::read(&page(TABLE), &mutants).unwrap().text(&mutants);
        assert!(text.contains("| `another` | not run | not run |"), "{text}");
    }

    #[test]
    fn an_empty_page_takes_a_table_and_one_without_marks_does_not() {
        assert_eq!(Table::read(&page(""), &mutants()), Some(Table::default()));
        assert_eq!(Table::read("# M\n", &mutants()), None);
    }
}
