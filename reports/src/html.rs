//! A run as one HTML page: nothing to fetch, readable without colour and, but for the filter, without a script.
//!
//! What it says of a cause and a finding is what the text formats say. What it has beside them is the matrix of
//! sessions and kernels, the table of promises, and a way to filter.

mod causes;
mod diff;
mod filter;
mod findings;
mod kernels;
mod promises;
mod sessions;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use scrubjay_host::words::plain_lines;
use scrubjay_verdict::{Claims, Promises, Status};

use crate::again::{again, guests};
use crate::run::{KernelReport, Run, Times};
use crate::text::{count, plain};
use crate::waivers::idle;
use scrubjay_run::Again;

const STYLE: &str = include_str!("html/style.css");

/// The only script; nothing of a run is in it.
const SCRIPT: &str = include_str!("html/filter.js");

/// The page.
pub fn page(run: &Run, all: &Promises, claims: &Claims) -> String {
    let verdict = verdict(run);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "scrubjay: " (verdict) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header class=(banner(run)) {
                    h1 { "scrubjay" }
                    p { strong { (verdict) } }
                    p { (asked(run)) }
                    p { (when(&run.times)) }
                    @if !run.complete { p { "The run was cut short: what is missing was not tested." } }
                }
                (filter::form(run))
                main {
                    (part("Causes", causes::list(run, all)))
                    (part("Kernels", kernels::table(run)))
                    (part("Not tested", sessions::untested(run)))
                    (part("Sessions", sessions::table(run)))
                    (part("Findings", findings::list(run, all)))
                    (part("Changes and defects", kernels::profiles(run)))
                    (part("Promises", promises::table(run, all, claims)))
                    (part("Waivers to look at", lines(&idle(&run.waivers))))
                    (part("Guests", lines(&tried_again(run))))
                    (part("How it was run", lines(&run.notes)))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    // The tags are its own; nothing else in it is more than text.
    plain_lines(&page.into_string())
}

/// What the run came to, as the exit status says it.
fn verdict(run: &Run) -> String {
    format!("exit status {}: {}", run.exit_status, run.meaning())
}

/// The look of the verdict: green only where everything that applies was tested.
fn banner(run: &Run) -> &'static str {
    match run.exit_status {
        0 => Status::Pass.name(),
        1 => Status::Break.name(),
        _ => Status::Error.name(),
    }
}

fn asked(run: &Run) -> String {
    let named = |what: &str, id: &Option<String>| id.as_ref().map(|id| format!(", {what} {id}"));
    let parts = [named("against", &run.against), named("baseline", &run.baseline)];
    let parts: String = parts.into_iter().flatten().collect();
    format!("{}{parts}; policy {} decides", count(run.kernels.len(), "kernel"), run.policy.name())
}

/// When it started, in UTC, and how long it took.
fn when(times: &Times) -> String {
    let started = i64::try_from(times.started_unix_seconds).unwrap_or(i64::MAX);
    let started = Timestamp::from_second(started).map(|at| at.to_string()).unwrap_or_default();
    format!("started {started}, took {} s", times.total_millis.div_ceil(1000))
}

/// A part of the page; none where there is nothing in it.
fn part(title: &str, body: Option<Markup>) -> Markup {
    let id = title.to_lowercase().replace(' ', "-");
    html! {
        @if let Some(body) = body {
            section id=(id) { h2 { (title) } (body) }
        }
    }
}

fn lines(texts: &[String]) -> Option<Markup> {
    (!texts.is_empty()).then(|| html! { ul { @for text in texts { li { (plain(text)) } } } })
}

/// How guests came up and what was tried once more, kernel by kernel.
fn tried_again(run: &Run) -> Vec<String> {
    let lines = |kernel: &KernelReport| {
        let all: Vec<_> = kernel.tried_again.iter().map(Again::from).collect();
        let tried = again(&all).into_iter().map(|line| format!("tried again: {line}"));
        let guests = kernel.guests.iter().flat_map(|counts| guests(&counts.into()));
        guests.chain(tried).map(|line| format!("{}: {line}", kernel.kernel)).collect::<Vec<_>>()
    };
    run.kernels.iter().flat_map(lines).collect()
}

/// A status in its colour; the word is always there.
fn status(status: Status) -> Markup {
    html! { span class=(status.name()) { (status.name()) } }
}

#[cfg(test)]
mod tests {
    use scrubjay_host::{Output, Signal};

    use super::*;
    use crate::document::{Document, Sink};
    use scrubjay_run::{ExitStatus, RunEvent};
    use scrubjay_samples::{catalogue, clean, mixed, play};

    /// Sessions of the samples, and a promise that none of them claims.
    fn claims() -> Claims {
        let mut claims = Claims::default();
        for (promise, session) in [
            ("A01", "info-basic"),
            ("A01", "locked"),
            ("B01", "a"),
            ("D12", "lost-set"),
            ("H06", "set-by-scope"),
            ("B14", "set-by-scope"),
            ("E01", "slow"),
            ("I01", "locked"),
        ] {
            claims.add(promise, session);
        }
        claims
    }

    fn written(events: &[RunEvent]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.html");
        play(events, &mut Document::html(Sink::File(Output::at(&path).unwrap()), catalogue(), claims()));
        std::fs::read_to_string(path).unwrap()
    }

    /// The cells of a promise's row, without their tags.
    fn row(page: &str, promise: &str) -> Vec<String> {
        let start = page.find(&format!("id=\"promise-{promise}\"")).expect("the promise is in the page");
        let row = &page[start..start + page[start..].find("</tr>").unwrap()];
        let cells = row.split("<td").skip(1).map(|cell| {
            let mut text = String::new();
            let mut inside = false;
            for c in cell.split_once('>').unwrap().1.chars() {
                match c {
                    '<' => inside = true,
                    '>' => inside = false,
                    c if !inside => text.push(c),
                    _ => {}
                }
            }
            text
        });
        cells.collect()
    }

    #[test]
    fn a_clean_run_is_green_and_shows_no_finding() {
        let page = written(&clean());
        assert!(
            page.contains("<header class=\"pass\">") && page.contains("exit status 0: no break"),
            "{page}"
        );
        assert!(!page.contains("id=\"findings\"") && !page.contains("id=\"not-tested\""), "{page}");
    }

    #[test]
    fn every_finding_is_there_with_its_place_values_and_id() {
        let page = written(&mixed());
        for said in [
            "<header class=\"break\">",
            "set-blocked in set-by-scope, step full, field errno: a write that worked is refused",
            "intermittent 3/5",
            "7.1: tried again: slow: scrubjay stood still for 6.2 s",
            "until 2026-12-31: the vendor ships it (ticket 7)",
            "<del>out-len: 1040</del>",
            "<ins>out-len: 16</ins>",
            "not a kernel image: k: it is empty",
            "the guest went silent in step get # for 30 s",
            "fwctl came with 6.16",
            "this kernel has no lockdown",
            "regressed: get-count-bounded",
            "waiver 0123456789abcdef",
            "accelerator: TCG (no /dev/kvm)",
        ] {
            assert!(page.contains(said), "{said:?} is not in\n{page}");
        }
    }

    #[test]
    fn causes_come_first_the_one_that_fails_the_run_before_what_is_waived() {
        let page = written(&mixed());
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} is not in\n{page}"));
        let causes = &page[at("id=\"causes\"")..at("id=\"kernels\"")];
        let place = |verdict: &str| causes.find(&format!("data-verdict=\"{verdict}\"")).expect(verdict);
        assert!(place("break") < place("error") && place("error") < place("waived"), "{causes}");
        assert!(at("id=\"causes\"") < at("id=\"sessions\"") && at("id=\"sessions\"") < at("id=\"findings\""));
        // A card is not folded: its example is read at once.
        assert!(causes.contains("<del>ok</del>") && causes.contains("<ins>EINVAL</ins>"), "{causes}");
    }

    #[test]
    fn what_can_be_filtered_says_by_what() {
        let page = written(&mixed());
        for said in [
            "data-verdicts=\"7.1:break 6.12:skip 7.2:-\"",
            "data-areas=\"set-feature\"",
            "data-rule=\"return-changed set-blocked\"",
            "<option value=\"kernel-oops\">",
            "<option value=\"get-feature\">",
            "<form id=\"filter\" role=\"search\" aria-label=\"Filter\" hidden>",
        ] {
            assert!(page.contains(said), "{said:?} is not in\n{page}");
        }
        assert!(!page.contains("http:") && !page.contains("https:") && !page.contains(" src="), "{page}");
    }

    #[test]
    fn what_a_kernel_says_is_text_and_nothing_else() {
        let mut events = mixed();
        for event in &mut events {
            if let RunEvent::KernelJudged { verdict, .. } = event {
                for finding in verdict.sessions.iter_mut().flat_map(|session| &mut session.findings) {
                    finding.log.push("<script>alert(1)</script>\u{1b}[2J".into());
                    finding.seen = "<b>".into();
                }
            }
        }
        let page = written(&events);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;\\u{1b}[2J"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "its own");
        assert!(!page.contains("<b>") && !page.contains('\u{1b}'));
    }

    #[test]
    fn a_promise_holds_only_where_a_session_that_claims_it_passed() {
        let page = written(&mixed());
        let last = |promise: &str| row(&page, promise).split_off(2);
        // One of its two sessions was skipped on 7.1; both on 6.12; 7.2 never booted.
        assert_eq!(last("A01"), ["holds 1/2", "not tested", "not tested"]);
        assert_eq!(last("D12"), ["defect 1/1", "not tested", "not tested"]);
        assert_eq!(last("H06"), ["break 0/1", "not tested", "not tested"]);
        // What differs and breaks nothing is not called held.
        assert_eq!(last("B14"), ["differs 0/1", "not tested", "not tested"]);
        assert_eq!(last("E01"), ["not tested", "not tested", "not tested"]);
        assert_eq!(last("I01"), ["not tested", "not tested", "not tested"]);
        assert_eq!(last("B01"), ["not tested", "not tested", "not tested"]);
        assert_eq!(last("A08"), ["not tested", "differs", "not tested"]);
    }

    #[test]
    fn a_run_that_was_cut_is_never_green() {
        let mut events = clean();
        events.truncate(4);
        events.push(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted(Signal::SIGINT)) });
        let page = written(&events);
        assert!(page.contains("<header class=\"error\">") && page.contains("cut short"), "{page}");
        assert!(page.contains("<td>interrupted</td>") && !page.contains("never came up"), "{page}");
    }

    #[test]
    fn links_inside_the_page_lead_somewhere() {
        let page = written(&mixed());
        let targets: Vec<_> =
            page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(!targets.is_empty());
        for target in targets {
            assert_eq!(page.matches(&format!("id=\"{target}\"")).count(), 1, "{target}");
        }
    }
}
