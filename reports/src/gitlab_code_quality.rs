//! GitLab's code quality: one list of issues. An issue that is not in it is taken for mended, so what was not tested is
//! one too.

use std::collections::BTreeMap;

use scrubjay_verdict::Promises;
use serde::Serialize;

use crate::problem::{Weight, problems};
use crate::run::Run;

/// An issue.
#[derive(Serialize)]
pub struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// The issues of a run; what is waived is none.
pub fn issues(run: &Run, promises: &Promises) -> Vec<Issue> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let problems = problems(run, promises).into_iter();
    problems
        .map(|problem| {
            // Each has to be there once; the same finding is on many kernels, and may be in two sessions.
            let key = format!("{}-{}", problem.fingerprint, problem.kernel);
            let nth = seen.entry(key.clone()).or_default();
            *nth += 1;
            Issue {
                description: format!("{}: {}", problem.kernel, problem.title),
                check_name: problem.rule.clone(),
                fingerprint: if *nth == 1 { key } else { format!("{key}-{nth}") },
                severity: match problem.weight {
                    Weight::Break => "critical",
                    Weight::NotTested => "major",
                    Weight::Warn => "minor",
                    Weight::Note => "info",
                },
                location: Location { path: problem.path.to_owned(), lines: Lines { begin: 1 } },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::expect_file;
    use scrubjay_samples::{catalogue, clean, mixed};

    use super::*;
    use crate::gather::Gather;

    #[test]
    fn a_run_reads_as_expected() {
        let issues = issues(&Gather::whole(&mixed()), &catalogue());
        let text = serde_json::to_string_pretty(&issues).unwrap() + "\n";
        expect_file!["../tests/expected/mixed.code-quality.json"].assert_eq(&text);
        assert!(super::issues(&Gather::whole(&clean()), &catalogue()).is_empty());
    }

    #[test]
    fn no_fingerprint_comes_twice() {
        let mut run = Gather::whole(&mixed());
        let sessions = &mut run.kernels[0].verdict.as_mut().unwrap().sessions;
        sessions.extend(std::iter::repeat_n(sessions[2].clone(), 3));
        let issues = issues(&run, &catalogue());
        let all: BTreeSet<_> = issues.iter().map(|issue| &issue.fingerprint).collect();
        assert_eq!(all.len(), issues.len());
    }
}
