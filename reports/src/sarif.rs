//! SARIF 2.1.0, as GitHub's code scanning takes it: a run for each kernel, with a category of its own, so that the alerts
//! of one kernel do not close those of another.
//!
//! A finding is at the kernel source of its promise: what tools show of a session's file would be in no pull request of
//! a kernel. Suppressions are not read there, so what is waived is left out; what was not tested is a result of its own,
//! because a result that is missing is taken for one that is mended.

use std::collections::BTreeMap;

use scrubjay_verdict::{Policy, Promises, Rule, Severity};
use serde::Serialize;
use serde_json::{Value, json};

use crate::problem::{NOT_TESTED, Problem, Weight, problems};
use crate::run::Run;
use crate::text::{cut, plain};

/// The most runs of a file that GitHub takes.
pub const MOST_RUNS: usize = 20;

/// The most results of a run that GitHub keeps.
const MOST_RESULTS: usize = 5_000;

/// The longest text of a rule that GitHub takes, in characters.
const LONGEST: usize = 1_024;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The file.
pub fn log(run: &Run, promises: &Promises) -> Value {
    let rules = rules(run.policy);
    let places: BTreeMap<&str, usize> =
        rules.iter().enumerate().map(|(i, rule)| (rule.id.as_str(), i)).collect();
    let problems = problems(run, promises);
    let kernels = run.asked.kernels.iter().map(|kernel| {
        let kernel = plain(kernel);
        let mine: Vec<_> = problems.iter().filter(|problem| problem.kernel == kernel).collect();
        of_kernel(run, &kernel, &mine, &rules, &places)
    });
    json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": kernels.collect::<Vec<_>>() })
}

fn of_kernel(
    run: &Run,
    kernel: &str,
    problems: &[&Problem],
    rules: &[RuleForm],
    places: &BTreeMap<&str, usize>,
) -> Value {
    let mut nth: BTreeMap<&str, usize> = BTreeMap::new();
    let results = problems.iter().take(MOST_RESULTS).map(|problem| {
        let nth = nth.entry(problem.fingerprint.as_str()).or_default();
        *nth += 1;
        result(problem, *nth, places)
    });
    let results: Vec<_> = results.collect();
    let not_tested = problems.iter().filter(|problem| problem.weight == Weight::NotTested);
    let mut told: Vec<_> = not_tested.map(|problem| notification("error", &problem.title)).collect();
    if let Some(more) = problems.len().checked_sub(MOST_RESULTS).filter(|more| *more > 0) {
        told.push(notification(
            "error",
            &format!("{more} more results are left out: {MOST_RESULTS} are taken"),
        ));
    }
    let notes = run.notes.iter().map(|note| notification("note", &plain(note)));
    let shard = run.asked.shard().map(|s| format!("shard-{}-of-{}/", s.number(), s.of())).unwrap_or_default();
    json!({
        "tool": { "driver": {
            "name": "scrubjay",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        }},
        // Up to the last slash it is GitHub's category: what is not in it any more is closed, so a shard has its own.
        "automationDetails": { "id": format!("scrubjay/{kernel}/{shard}") },
        "invocations": [{
            "executionSuccessful": told.is_empty() && run.complete,
            "exitCode": run.exit_status,
            "exitCodeDescription": run.meaning(),
            "toolExecutionNotifications": told.into_iter().chain(notes).collect::<Vec<_>>(),
        }],
        "columnKind": "unicodeCodePoints",
        "properties": { "policy": run.policy.name(), "kernel": kernel },
        "results": results,
    })
}

fn result(problem: &Problem, nth: usize, places: &BTreeMap<&str, usize>) -> Value {
    let text = std::iter::once(&problem.title).chain(&problem.text);
    let text: Vec<_> = text.map(String::as_str).collect();
    let mut result = json!({
        "ruleId": problem.rule,
        "level": match problem.weight {
            Weight::Break | Weight::NotTested => "error",
            Weight::Warn => "warning",
            Weight::Note => "note",
        },
        "message": { "text": text.join("\n") },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": problem.path, "uriBaseId": "KERNEL" },
            // Promises cite functions; a line would be that of one release.
            "region": { "startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1 },
        }}],
        "partialFingerprints": { "primaryLocationLineHash": format!("{}:{nth}", problem.fingerprint) },
    });
    if let (Some(place), Some(result)) = (places.get(problem.rule.as_str()), result.as_object_mut()) {
        result.insert("ruleIndex".to_owned(), json!(place));
    }
    result
}

fn notification(level: &str, text: &str) -> Value {
    json!({ "level": level, "message": { "text": text } })
}

/// A rule.
#[derive(Serialize)]
struct RuleForm {
    id: String,
    #[serde(rename = "shortDescription")]
    short: Value,
    #[serde(rename = "fullDescription")]
    full: Value,
    help: Value,
    #[serde(rename = "defaultConfiguration")]
    default: Value,
    properties: Value,
}

/// The catalogue, as it weighs under a policy.
fn rules(policy: Policy) -> Vec<RuleForm> {
    let text = |text: &str| json!({ "text": cut(&plain(text.trim()), LONGEST) });
    let of = |rule: &Rule| {
        let Rule { id, title, user, firmware, example, reference, .. } = rule;
        let lines: Vec<_> = [
            ("For a program", user),
            ("For the firmware", firmware),
            ("For example", example),
            ("See", reference),
        ]
        .iter()
        .map(|(what, text)| format!("{what}: {}", plain(text.trim())))
        .chain(Policy::ALL.iter().map(|policy| {
            let weight = rule.weight(*policy);
            format!("Under {} {}: {}", policy.name(), weight.severity.name(), plain(weight.why.trim()))
        }))
        .collect();
        let level = match rule.weight(policy).severity {
            Severity::Break => "error",
            Severity::Warn => "warning",
            Severity::Note => "note",
        };
        RuleForm {
            id: id.clone(),
            short: text(title),
            full: text(user),
            help: json!({ "text": lines.join("\n") }),
            default: json!({ "level": level }),
            properties: json!({ "tags": [rule.object.name(), rule.kind.name(), rule.side.name()] }),
        }
    };
    let not_tested = "Something that was asked for could not be tested: nothing is said of the kernel there.";
    let ours = RuleForm {
        id: NOT_TESTED.to_owned(),
        short: text("what was asked for could not be tested"),
        full: text(not_tested),
        help: json!({ "text": not_tested }),
        default: json!({ "level": "error" }),
        properties: json!({ "tags": ["not tested"] }),
    };
    Rule::all().map(of).chain([ours]).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use scrubjay_samples::{catalogue, clean, mixed};
    use serde_sarif::sarif::Sarif;

    use super::*;
    use crate::gather::Gather;

    fn written(run: &Run) -> Value {
        log(run, &catalogue())
    }

    /// Without the catalogue of rules, which would be most of it.
    #[test]
    fn a_run_reads_as_expected() {
        let mut log = written(&Gather::whole(&mixed()));
        for run in log["runs"].as_array_mut().unwrap() {
            let rules = run["tool"]["driver"]["rules"].as_array_mut().unwrap();
            rules.retain(|rule| rule["id"] == "set-blocked" || rule["id"] == NOT_TESTED);
        }
        let text = serde_json::to_string_pretty(&log).unwrap() + "\n";
        expect_file!["../tests/expected/mixed.sarif"].assert_eq(&text);
    }

    #[test]
    fn it_reads_back_as_sarif_and_every_result_has_its_rule() {
        for events in [mixed(), clean()] {
            let log: Sarif = serde_json::from_value(written(&Gather::whole(&events))).unwrap();
            for run in &log.runs {
                let rules = run.tool.driver.rules.as_ref().unwrap();
                for result in run.results.iter().flatten() {
                    let rule = &rules[usize::try_from(result.rule_index.unwrap()).unwrap()];
                    assert_eq!(Some(&rule.id), result.rule_id.as_ref());
                }
            }
        }
    }

    #[test]
    fn what_is_waived_is_left_out_and_what_was_not_tested_is_not() {
        let log = written(&Gather::whole(&mixed()));
        let results = log["runs"][0]["results"].as_array().unwrap();
        let of = |rule: &str| results.iter().filter(|result| result["ruleId"] == rule).count();
        // In set-by-scope; that of set-waived is the same and waived.
        assert_eq!((of("set-blocked"), of(NOT_TESTED)), (1, 2));
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
        let failed = log["runs"][2]["results"].as_array().unwrap();
        assert_eq!(failed.len(), 1, "a kernel that failed is not without alerts");
    }

    #[test]
    fn the_most_that_github_takes_is_not_passed() {
        let mut run = Gather::whole(&mixed());
        let sessions = &mut run.kernels[0].verdict.as_mut().unwrap().sessions;
        let many = sessions[2].clone();
        sessions.extend(std::iter::repeat_n(many, MOST_RESULTS));
        let log = written(&run);
        let first = &log["runs"][0];
        assert_eq!(first["results"].as_array().unwrap().len(), MOST_RESULTS);
        assert!(first["invocations"].to_string().contains("more results are left out"));
        let rules = first["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            for text in ["shortDescription", "fullDescription"] {
                let length = rule[text]["text"].as_str().unwrap().chars().count();
                assert!((1..=LONGEST).contains(&length), "{rule}");
            }
            assert!(rule["properties"]["tags"].as_array().unwrap().len() <= 10);
        }
    }
}
