//! Whatever a guest, an image or a file says is text in every format: it moves no cursor, ends no line, and is
//! taken for no result of ours.

use std::fs;

use rstest::rstest;
use scrubjay_host::Output;
use scrubjay_reports::{Bar, Colour, Document, Ktap, Sink, Terminal};
use scrubjay_run::{Again, RunEvent};
use scrubjay_samples::{catalogue, mixed, play};
use scrubjay_verdict::{Claims, Finding, SessionVerdict};

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
            RunEvent::RunStarted { kernels, against, baseline, .. } => {
                kernels.iter_mut().for_each(|kernel| kernel.push_str(text));
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

#[rstest]
fn nothing_that_is_said_is_more_than_text(
    #[values(
        "\u{1b}[2J\u{1b}]0;title\u{7}",
        "\nFORGED line\n",
        "\r\nFORGED line\r",
        "\u{85}FORGED\u{b}FORGED\u{c}FORGED",
        "\u{2028}FORGED\u{202e}\u{2066}\u{feff}",
        "\0\u{8}\u{7f}\u{9b}2J",
        "\nok 1 FORGED\n1..0\n# Subtest: FORGED\nKTAP version 1",
        " # SKIP FORGED",
        "<script>alert(1)</script>]]>\"'&",
        "{\"exit_status\": 0}"
    )]
    hostile: &str,
) {
    let events = spoiled(hostile);
    let plain = text(Colour::Never, &events);
    assert!(!plain.contains(does), "{plain:?}");
    let ours = |line: &str| !line.starts_with(FORGED) && !line.starts_with("ok ");
    assert!(plain.lines().all(ours), "{plain}");

    let coloured = text(Colour::Always, &events);
    for (i, _) in coloured.match_indices('\u{1b}') {
        let rest = coloured[i + 1..].trim_start_matches(|c: char| matches!(c, '[' | ';' | '0'..='9'));
        assert!(rest.starts_with('m'), "{:?}", &coloured[i..i + 8]);
    }
    assert!(!coloured.contains(|c| does(c) && c != '\u{1b}') && coloured.lines().all(ours), "{coloured:?}");

    let ktap = ktap(&events);
    assert!(!ktap.contains(does), "{ktap:?}");
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

    let html = document(|sink| Document::html(sink, catalogue(), Claims::default()), &events);
    assert!(!html.contains(does) && html.matches("<script").count() == 1, "{html}");

    let json = document(Document::json, &events);
    assert!(!json.contains(|c: char| c.is_control() && c != '\n'), "{json}");
    let run: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(run["exit_status"], 1);
    assert!(run["kernels"][0]["kernel"].as_str().unwrap().ends_with(hostile));
}
