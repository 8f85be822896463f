//! GitHub's annotations, as workflow commands: lines that a step prints. GitHub shows ten of each level, so the heaviest
//! come first and the tenth says how many more there are.

use scrubjay_verdict::Promises;

use crate::problem::{Problem, Weight, problems};
use crate::run::Run;
use crate::text::count;

/// The most annotations of a level and step that GitHub shows.
const MOST: usize = 10;

/// The commands, a line each.
pub fn text(run: &Run, promises: &Promises) -> String {
    let problems = problems(run, promises);
    let mut out = String::new();
    for level in ["error", "warning", "notice"] {
        let mut mine: Vec<_> = problems.iter().filter(|problem| level_of(problem.weight) == level).collect();
        mine.sort_by_key(|problem| problem.weight);
        let shown = if mine.len() > MOST { MOST - 1 } else { mine.len() };
        for problem in &mine[..shown] {
            out.push_str(&command(level, problem));
        }
        if shown < mine.len() {
            let more = format!("{} more of {level}: see the report", count(mine.len() - shown, "finding"));
            out.push_str(&format!("::{level} title=scrubjay::{}\n", data(&more)));
        }
    }
    out
}

fn level_of(weight: Weight) -> &'static str {
    match weight {
        Weight::Break | Weight::NotTested => "error",
        Weight::Warn => "warning",
        Weight::Note => "notice",
    }
}

fn command(level: &str, problem: &Problem) -> String {
    let title = format!("{} on {}", problem.rule, problem.kernel);
    let lines: Vec<_> = std::iter::once(&problem.title).chain(&problem.text).map(String::as_str).collect();
    let (file, title, text) = (property(problem.path), property(&title), data(&lines.join("\n")));
    format!("::{level} file={file},line=1,title={title}::{text}\n")
}

/// What stands behind the second `::` (actions/toolkit, packages/core/src/command.ts, `escapeData`).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands behind a `=` (there, `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use scrubjay_samples::{catalogue, clean, mixed};

    use super::*;
    use crate::gather::Gather;

    #[test]
    fn a_run_reads_as_expected() {
        let text = text(&Gather::whole(&mixed()), &catalogue());
        expect_file!["../tests/expected/mixed.annotations.txt"].assert_eq(&text);
        assert_eq!(super::text(&Gather::whole(&clean()), &catalogue()), "");
    }

    #[test]
    fn of_more_than_are_shown_the_last_says_how_many() {
        let mut run = Gather::whole(&mixed());
        let sessions = &mut run.kernels[0].verdict.as_mut().unwrap().sessions;
        sessions.extend(std::iter::repeat_n(sessions[2].clone(), 20));
        let text = text(&run, &catalogue());
        let errors: Vec<_> = text.lines().filter(|line| line.starts_with("::error ")).collect();
        assert_eq!(errors.len(), MOST);
        assert!(
            errors[MOST - 1].ends_with("::17 findings more of error: see the report"),
            "{}",
            errors[MOST - 1]
        );
    }
}
