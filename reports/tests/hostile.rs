//! Whatever a guest, an image or a file says is text in every format: it moves no cursor, ends no line, and is
//! taken for no result of ours.

use std::fs;

use quick_junit::Report;
use rstest::rstest;
use scrubjay_host::Output;
use scrubjay_reports::{Bar, Colour, Document, Ktap, Sink, Terminal};
use scrubjay_run::{Again, RunEvent};
use scrubjay_samples::{catalogue, mixed, play};
use scrubjay_verdict::{Claims, Finding, SessionVerdict};
use serde_json::Value;
use serde_sarif::sarif::Sarif;

/// What a line begins with that is none of ours.
const FORGED: &str = "FORGED";

fn finding(finding: &mut Finding, text: &str) {
    for part in [&mut finding.session, &mut finding.step, &mut finding.accepted, &mut finding.seen] {
        part.push_str(text);
    }
    finding.accepted_decoded = serde_json::json!({ text: text, "words": [text] });
    finding.seen_decoded = serde_json::json!({ text: format!("{text}{text}"), "words": [text, text] });
    finding.log.push(text.to_owned());
    if let Some(waived) = &mut finding.waived {
        waived.reason.push_str(text);
        waived.reference.push_str(text);
    }
}

fn session(verdict: &mut SessionVerdict, text: &str) {
    verdict.session.push_str(text);
    for part in [&mut verdict.error, &mut verdict.skipped].into_iter().flatten() {
        part.push_str(text);
    }
    verdict.findings.iter_mut().for_each(|one| finding(one, text));
    for seen in &mut verdict.defects {
        seen.step.push_str(text);
        seen.defect.breaks.push_str(text);
    }
}

/// A run with that text in everything that comes from elsewhere.
fn spoiled(text: &str) -> Vec<RunEvent> {
    let mut events = mixed();
    for event in &mut events {
        match event {
            RunEvent::RunStarted { kernels, sessions, against, baseline, .. } => {
                kernels.iter_mut().chain(sessions).for_each(|id| id.push_str(text));
                (*against, *baseline) = (Some(text.to_owned()), Some(text.to_owned()));
            }
            RunEvent::Note { text: said } | RunEvent::ReportFailed { why: said } => said.push_str(text),
            RunEvent::KernelStarted { kernel, .. } => kernel.push_str(text),
            RunEvent::SessionJudged { kernel, title, verdict, .. } => {
                kernel.push_str(text);
                title.push_str(text);
                session(verdict, text);
            }
            RunEvent::KernelJudged { verdict, nearest, not_checked, console_tail, guests } => {
                verdict.kernel.push_str(text);
                verdict.release.push_str(text);
                verdict.findings.iter_mut().for_each(|one| finding(one, text));
                verdict.sessions.iter_mut().for_each(|one| session(one, text));
                let changes = &mut verdict.changes;
                for list in [&mut changes.carries, &mut changes.lacks, &mut changes.unknown] {
                    list.push(text.to_owned());
                }
                *nearest = Some(text.to_owned());
                not_checked.push(text.to_owned());
                *console_tail = Some(text.to_owned());
                guests.not_kept.push(text.to_owned());
                guests.again.push(Again { session: Some(text.to_owned()), why: text.to_owned() });
            }
            RunEvent::KernelFailed { kernel, why } => {
                kernel.push_str(text);
                why.push_str(text);
            }
            RunEvent::Waivers { uses } => {
                for used in uses {
                    used.waiver.session.push_str(text);
                    used.waiver.reason.push_str(text);
                    used.seen_on.push(text.to_owned());
                }
            }
            RunEvent::ReferenceStarted { .. }
            | RunEvent::ReferencePerformed
            | RunEvent::RunFinished { .. } => {}
        }
    }
    let failed = RunEvent::ReportFailed { why: text.to_owned() };
    events.insert(events.len() - 1, failed);
    events
}

fn text(colour: Colour, events: &[RunEvent]) -> String {
    let mut out = Vec::new();
    play(events, &mut Terminal::new(&mut out, colour, catalogue(), Bar::hidden()));
    String::from_utf8(out).unwrap()
}

fn ktap(events: &[RunEvent]) -> String {
    let mut out = Vec::new();
    play(events, &mut Ktap::new(&mut out, catalogue()));
    String::from_utf8(out).unwrap()
}

fn document(make: impl FnOnce(Sink) -> Document, events: &[RunEvent]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("report");
    play(events, &mut make(Sink::File(Output::at(&path).unwrap())));
    fs::read_to_string(path).unwrap()
}

/// A character that does more than stand there.
fn does(c: char) -> bool {
    (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{2066}' | '\u{2028}' | '\u{feff}')
}

/// What a text that is said by somebody else may try.
const HOSTILE: [&str; 17] = [
    "\u{1b}[2J\u{1b}]0;title\u{7}",
    "\nFORGED line\n",
    "\r\nFORGED line\r",
    "\u{85}FORGED\u{b}FORGED\u{c}FORGED",
    "\u{2028}FORGED\u{202e}\u{2066}\u{feff}",
    "\0\u{8}\u{7f}\u{9b}2J",
    "\nok 1 FORGED\n1..0\n# Subtest: FORGED\nKTAP version 1",
    " # SKIP FORGED",
    "<script>alert(1)</script>]]>\"'&",
    "]]><testcase name=\"FORGED\"/><![CDATA[",
    "{\"exit_status\": 0}",
    "\n::error::FORGED\n   ::add-mask::FORGED",
    " ##[error]FORGED ##[add-mask]FORGED",
    "%0A::error::FORGED,line=2::",
    "| FORGED |\n| --- |\n[a](javascript:x) ![b](http://c) @team <!-- ` http://d www.e.f",
    "\u{fffd}\u{fffe}\u{ffff}\u{e000}",
    "../../etc/passwd",
];

/// Text that ends no line but with `\n`, moves nothing, and holds no command that a log of GitHub's would take.
fn is_text(text: &str) -> bool {
    !text.contains(does) && !text.contains("##[")
}

#[rstest]
fn nothing_that_is_said_is_more_than_text(
    #[values(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)] nth: usize,
) {
    every_format(HOSTILE[nth]);
}

#[test]
fn a_text_that_does_not_end_is_more_than_no_format_can_bear() {
    every_format(&"a word <&>|::] ".repeat(2_000));
}

/// What is checked of a format: what was tried, and the run that it was tried in.
type Check = fn(&str, &[RunEvent]);

/// The checks of each format, by its name.
const CHECKS: [(&str, Check); 12] = [
    ("terminal", terminal),
    ("ktap", as_ktap),
    ("html", html),
    ("json", json),
    ("list", list),
    ("markdown", markdown),
    ("junit", junit),
    ("sarif", sarif),
    ("gitlab-code-quality", gitlab_code_quality),
    ("github-annotations", github_annotations),
    ("github-summary", github_summary),
    ("kcidb", kcidb),
];

fn every_format(hostile: &str) {
    let events = spoiled(hostile);
    for (name, check) in CHECKS {
        eprintln!("{name}");
        check(hostile, &events);
    }
}

fn terminal(_: &str, events: &[RunEvent]) {
    let plain = text(Colour::Never, events);
    assert!(is_text(&plain), "{plain:?}");
    let ours = |line: &str| {
        !line.starts_with(FORGED) && !line.starts_with("ok ") && !line.trim_start().starts_with("::")
    };
    assert!(plain.lines().all(ours), "{plain}");

    let coloured = text(Colour::Always, events);
    for (i, _) in coloured.match_indices('\u{1b}') {
        let rest = coloured[i + 1..].trim_start_matches(|c: char| matches!(c, '[' | ';' | '0'..='9'));
        assert!(rest.starts_with('m'), "{:?}", &coloured[i..i + 8]);
    }
    assert!(!coloured.contains(|c| does(c) && c != '\u{1b}') && coloured.lines().all(ours), "{coloured:?}");
}

fn as_ktap(_: &str, events: &[RunEvent]) {
    let ktap = ktap(events);
    assert!(is_text(&ktap), "{ktap:?}");
    let known = ktap.lines().all(|line| {
        let line = line.trim_start();
        ["#", "KTAP version 1", "1..", "ok ", "not ok "].iter().any(|start| line.starts_with(start))
    });
    assert!(known && !ktap.lines().any(|line| line.trim_start().starts_with("ok 1 FORGED")), "{ktap}");
    // Of one kernel three results, and each plan is met.
    let results = |line: &&str| line.starts_with("ok ") || line.starts_with("not ok ");
    assert_eq!(ktap.lines().filter(results).count(), 3, "{ktap}");
    let skipped = |line: &&str| line.trim_start().contains("ok ") && !line.trim_start().starts_with('#');
    let skipped = ktap.lines().filter(skipped).filter(|line| line.contains("# SKIP")).count();
    assert_eq!(skipped, 4, "{ktap}");
}

fn html(_: &str, events: &[RunEvent]) {
    let html = document(|sink| Document::html(sink, catalogue(), Claims::default()), events);
    assert!(!html.contains(does) && html.matches("<script").count() == 1, "{html}");
}

fn json(hostile: &str, events: &[RunEvent]) {
    let json = document(Document::json, events);
    assert!(!json.contains(|c: char| c.is_control() && c != '\n') && !json.contains("##["), "{json}");
    let run: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(run["exit_status"], 1);
    assert!(run["kernels"][0]["kernel"].as_str().unwrap().ends_with(hostile));
}

fn junit(_: &str, events: &[RunEvent]) {
    let junit = document(|sink| Document::junit(sink, catalogue()), events);
    assert!(is_text(&junit), "{junit}");
    let report = Report::deserialize_from_str(&junit).unwrap();
    assert_eq!([report.tests, report.failures, report.errors, report.skipped], [15, 3, 3, 4]);
    let names = report.test_suites.iter().flat_map(|suite| &suite.test_cases).map(|case| case.name.as_str());
    assert!(!names.into_iter().any(|name| name == FORGED));
}

fn sarif(_: &str, events: &[RunEvent]) {
    let sarif = document(|sink| Document::sarif(sink, catalogue()), events);
    assert!(is_text(&sarif), "{sarif}");
    let log: Sarif = serde_json::from_str(&sarif).unwrap();
    let results: Vec<_> = log.runs.iter().map(|run| run.results.as_ref().unwrap().len()).collect();
    assert_eq!(results, [6, 1, 1]);
    // 10 MB, packed, are the most that GitHub takes.
    assert!(sarif.len() < 10 << 20);
}

fn gitlab_code_quality(_: &str, events: &[RunEvent]) {
    let issues = document(|sink| Document::gitlab_code_quality(sink, catalogue()), events);
    assert!(is_text(&issues), "{issues}");
    let issues: Vec<Value> = serde_json::from_str(&issues).unwrap();
    assert_eq!(issues.len(), 8);
    let path = |issue: &Value| issue["location"]["path"].as_str().unwrap().to_owned();
    assert!(issues.iter().map(path).all(|path| path.starts_with("drivers/") && !path.contains("..")));
}

fn github_annotations(_: &str, events: &[RunEvent]) {
    let text = document(|sink| Document::github_annotations(sink, catalogue()), events);
    assert!(is_text(&text), "{text}");
    let file = |line: &str| {
        let (_, rest) = line.split_once(" file=drivers/").expect("a file");
        let (properties, _) = rest.split_once("::").expect("a text");
        properties.matches(',').count() == 2 && properties.matches('=').count() >= 2
    };
    let levels = ["::error ", "::warning ", "::notice "];
    let ours = |line: &str| levels.iter().any(|level| line.starts_with(level)) && file(line);
    assert!(text.lines().all(ours) && text.lines().count() == 8, "{text}");
}

fn github_summary(_: &str, events: &[RunEvent]) {
    let text = document(|sink| Document::github_summary(sink, catalogue()), events);
    assert!(is_text(&text) && text.len() < 1 << 20, "{text}");
    let table: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    let cells = |line: &&str| line.replace("\\|", "").matches('|').count() == 10;
    assert!(table.len() == 5 && table.iter().all(cells), "{text}");
    let starts = ["## ", "### ", "|", "- ", "9 sessions on "];
    let ours = |line: &str| line.is_empty() || starts.iter().any(|start| line.starts_with(start));
    assert!(text.lines().all(ours), "{text}");
    let bare = text.replace("\\]", "").replace("\\[", "");
    assert!(!bare.contains(['<', '>', '@', '[', ']']), "{text}");
}

fn list(_: &str, events: &[RunEvent]) {
    let text = document(|sink| Document::list(sink, catalogue()), events);
    assert!(is_text(&text) && text.lines().count() < 40, "{text}");
    // Only a command may be longer: it is there to be copied.
    let long = |line: &&str| line.chars().count() > 72 && !line.starts_with("  scrubjay check ");
    assert_eq!(text.lines().find(long), None, "{text}");
}

fn markdown(_: &str, events: &[RunEvent]) {
    let text = document(|sink| Document::markdown(sink, catalogue()), events);
    assert!(is_text(&text) && text.len() < 65_536, "{text}");
    assert!(text.starts_with("<!-- scrubjay: "), "{text}");
    let (opened, closed) = (text.matches("<details>").count(), text.matches("</details>").count());
    assert!(opened > 0 && opened == closed, "{text}");
    // What stands in a fence or between backticks is code; outside of it there are no tags but ours, and nobody is called.
    let outside = text.split("```").step_by(2).collect::<String>().replace("\\`", "");
    let outside: Vec<_> = outside.split('`').step_by(2).collect();
    let ours = [
        "<!-- scrubjay: ",
        " -->",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<code>",
        "</code>",
    ];
    let bare = ours.iter().fold(outside.concat(), |text, tag| text.replace(tag, ""));
    assert!(!bare.contains(['<', '>', '@']), "{bare}");
}

fn kcidb(_: &str, events: &[RunEvent]) {
    let report = document(|sink| Document::kcidb(sink, catalogue()), events);
    assert!(is_text(&report), "{report}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let tests = report["tests"].as_array().unwrap();
    for test in tests {
        let path = test["path"].as_str().unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        assert!(path.starts_with("fwctl.") && path.chars().all(plain), "{path}");
        let excerpt = test["log_excerpt"].as_str().unwrap_or_default();
        assert!(excerpt.chars().count() <= 16_384);
    }
    assert_eq!(tests.iter().filter(|test| test["status"] == "FAIL").count(), 3);
}
