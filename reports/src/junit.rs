//! JUnit XML, in the form that Jenkins and GitLab read: a kernel is a test suite and the class of its test cases, a
//! session is a test case. What is said of a kernel as a whole is its last test case, `kernel`.

use std::io;
use std::time::Duration;

use chrono::DateTime;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};
use scrubjay_run::Again;
use scrubjay_verdict::finding::Repeat;
use scrubjay_verdict::{Finding, Promises, SessionVerdict, Status};

use crate::again::{again, guests};
use crate::finding::{self, Look, brief};
use crate::kept::with_logs;
use crate::paint::Colour;
use crate::problem::{NOT_TESTED, title};
use crate::profile::{changes, defects, fixes};
use crate::run::{KernelReport, Run};
use crate::text::{cut, plain};
use crate::untested::{NOT_REACHED, Untested, missing, untested};

/// The test case about the kernel as a whole.
const WHOLE: &str = "kernel";

/// The longest message, in characters: what a list of results shows.
const LONGEST: usize = 300;

/// The longest line of a text, in characters: some readers fail at what is much longer.
const WIDEST: usize = 1_000;

/// The most runs in which a finding came again that are told: none is tried as often.
const MOST_RERUNS: usize = 20;

/// The run as XML.
///
/// # Errors
/// None that is known: the writer is a string.
pub fn text(run: &Run, promises: &Promises) -> io::Result<String> {
    let mut report = Report::new("scrubjay");
    let started = i64::try_from(run.times.started_unix_seconds).ok();
    if let Some(started) = started.and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
        report.set_timestamp(started);
    }
    report.set_time(Duration::from_millis(run.times.total_millis));
    let writer = Writer { run, promises, untested: untested(run) };
    let told = run.kernels.iter().map(|kernel| kernel.kernel.as_str());
    let reached: Vec<_> = told.collect();
    report.add_test_suites(run.kernels.iter().map(|kernel| writer.suite(kernel)));
    let rest = run.asked.kernels.iter().filter(|kernel| !reached.contains(&kernel.as_str()));
    report.add_test_suites(rest.map(|kernel| {
        let mut suite = TestSuite::new(plain(kernel));
        suite.add_test_cases(run.asked.performed().map(|session| writer.not_reached(kernel, session)));
        suite.add_test_case(writer.whole(kernel, &[]));
        suite
    }));
    Ok(report.to_string().map_err(io::Error::other)? + "\n")
}

struct Writer<'a> {
    run: &'a Run,
    promises: &'a Promises,
    untested: Vec<Untested<'a>>,
}

impl Writer<'_> {
    fn suite(&self, kernel: &KernelReport) -> TestSuite {
        let Run { policy, exit_status, .. } = self.run;
        let mut suite = TestSuite::new(plain(&kernel.kernel));
        let times = self.run.times.session_millis.get(&kernel.kernel);
        let millis = |session: &str| times.and_then(|times| times.get(session)).copied().unwrap_or_default();
        suite.add_properties([
            Property::new("policy", policy.name()),
            Property::new("exit status", format!("{exit_status}: {}", self.run.meaning())),
        ]);
        suite.add_properties(self.run.asked.shard().map(|shard| Property::new("shard", shard.to_string())));
        let verdict = kernel.verdict.as_ref().map(|verdict| with_logs(self.run, verdict));
        let verdict = verdict.as_ref();
        if let Some(verdict) = verdict.filter(|verdict| !verdict.release.is_empty()) {
            suite.add_property(Property::new("release", plain(&verdict.release)));
        }
        let mut total = 0;
        for session in verdict.iter().flat_map(|verdict| &verdict.sessions) {
            let took = millis(&session.session);
            total += took;
            let mut case = self.session(kernel, session);
            case.set_time(Duration::from_millis(took));
            suite.add_test_case(case);
        }
        for session in missing(&self.run.asked, kernel).filter(|_| !self.run.complete) {
            suite.add_test_case(self.not_reached(&kernel.kernel, session));
        }
        let findings = verdict.map(|verdict| verdict.findings.as_slice()).unwrap_or_default();
        let mut whole = self.whole(&kernel.kernel, findings);
        let noted: Vec<_> = findings.iter().filter(|finding| !finding.breaks(*policy)).cloned().collect();
        let about = [about(kernel), self.lines(&noted)].concat();
        if !about.is_empty() {
            whole.set_system_out(about.join("\n"));
        }
        suite.add_test_case(whole);
        suite.set_time(Duration::from_millis(total));
        suite
    }

    fn case(&self, kernel: &str, name: &str, status: TestCaseStatus) -> TestCase {
        let mut case = TestCase::new(plain(name), status);
        case.set_classname(plain(kernel));
        case
    }

    fn not_reached(&self, kernel: &str, session: &str) -> TestCase {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(NOT_TESTED).set_message(NOT_REACHED);
        let mut case = self.case(kernel, session, status);
        case.set_time(Duration::ZERO);
        case
    }

    fn session(&self, kernel: &KernelReport, session: &SessionVerdict) -> TestCase {
        let policy = self.run.policy;
        let lines = self.lines(&session.findings);
        let status = match session.status(policy) {
            Status::Pass | Status::Waived => TestCaseStatus::success(),
            Status::Skip => {
                let mut status = TestCaseStatus::skipped();
                status.set_message(message(session.skipped.as_deref().unwrap_or_default()));
                status
            }
            Status::Break => self.failure(&session.findings),
            Status::Error => {
                let why = session.error.as_deref().unwrap_or("a difference that no rule names");
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                let told = why.lines().map(line).chain(lines.iter().cloned()).collect::<Vec<_>>();
                status.set_type(NOT_TESTED).set_message(message(why)).set_description(told.join("\n"));
                add_reruns(&mut status, &session.findings);
                status
            }
        };
        let is_told = matches!(session.status(policy), Status::Break | Status::Error);
        let mut case = self.case(&kernel.kernel, &session.session, status);
        let title = kernel.sessions.get(&session.session).map(|summary| plain(&summary.title));
        case.add_properties(
            title.filter(|title| !title.is_empty()).map(|title| Property::new("title", title)),
        );
        let mine = |one: &&Again| one.session.as_ref() == Some(&session.session);
        let all: Vec<Again> = kernel.tried_again.iter().map(Again::from).collect();
        let all: Vec<_> = all.iter().filter(mine).cloned().collect();
        let tried = again(&all).into_iter().map(|what| plain(&format!("tried again: {what}")));
        let out: Vec<_> = tried.chain(lines.into_iter().filter(|_| !is_told)).collect();
        if !out.is_empty() {
            case.set_system_out(out.join("\n"));
        }
        case
    }

    /// The kernel as a whole: what is found about it, or that it was not tested.
    fn whole(&self, kernel: &str, findings: &[Finding]) -> TestCase {
        let about = |one: &&Untested| one.kernel == kernel && one.session.is_none();
        let why: Vec<_> = self.untested.iter().filter(about).map(|one| one.why.as_str()).collect();
        let breaks = findings.iter().any(|finding| finding.breaks(self.run.policy));
        let status = match why.first() {
            _ if breaks => self.failure(findings),
            Some(first) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
                let told: Vec<_> = why.iter().flat_map(|why| why.lines()).map(line).collect();
                status.set_type(NOT_TESTED).set_message(message(first)).set_description(told.join("\n"));
                status
            }
            None => TestCaseStatus::success(),
        };
        self.case(kernel, WHOLE, status)
    }

    /// A failure, by the heaviest finding; runs in which it was seen once more are beside it.
    fn failure(&self, findings: &[Finding]) -> TestCaseStatus {
        let policy = self.run.policy;
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        if let Some(first) = findings.iter().find(|finding| finding.breaks(policy)) {
            let more = findings.len() - 1;
            let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
            status.set_type(first.rule.clone());
            status.set_message(message(&format!("{}{more}", title(first))));
        }
        status.set_description(self.lines(findings).join("\n"));
        let breaks: Vec<_> = findings.iter().filter(|finding| finding.breaks(policy)).cloned().collect();
        add_reruns(&mut status, &breaks);
        status
    }

    fn lines(&self, findings: &[Finding]) -> Vec<String> {
        let look = Look { promises: self.promises, colour: Colour::Never, indent: "" };
        let told = |finding: &Finding| {
            let mut lines = finding::lines(finding, look);
            if let Some(first) = lines.first_mut() {
                first.insert_str(0, &format!("{}: ", finding::weight(finding, self.run.policy)));
            }
            lines
        };
        findings.iter().flat_map(told).map(|text| line(&text)).collect()
    }
}

/// The runs in which a finding that was looked for again came again, beyond the first.
fn add_reruns(status: &mut TestCaseStatus, findings: &[Finding]) {
    let oftenest = findings.iter().filter_map(|finding| Some((finding.repeat?, finding)));
    let Some((Repeat { seen, of }, finding)) = oftenest.max_by_key(|(repeat, _)| repeat.seen) else { return };
    // A run that is kept may say any number.
    for nth in (2..=seen).take(MOST_RERUNS) {
        let mut rerun = TestRerun::new(NonSuccessKind::Failure);
        rerun.set_type(finding.rule.clone());
        rerun.set_message(message(&format!("{} came again, {nth} of {seen} in {of} runs", brief(finding))));
        status.add_rerun(rerun);
    }
}

/// What is said of a kernel beside its findings.
fn about(kernel: &KernelReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(verdict) = &kernel.verdict {
        let named = |name: &'static str, lines: Vec<String>| {
            lines.into_iter().map(move |line| format!("{name}: {line}")).collect::<Vec<_>>()
        };
        lines.extend(named("changes", changes(verdict, kernel.nearest_release.as_deref())));
        lines.extend(named("fixes", fixes(verdict)));
        lines.extend(named("defects", defects(verdict)));
    }
    lines.extend(kernel.not_checked.iter().map(|what| format!("not checked: {what}")));
    let counts = kernel.guests.iter().flat_map(|counts| guests(&counts.into()));
    lines.extend(counts.map(|line| format!("guests: {line}")));
    let all: Vec<_> = kernel.tried_again.iter().map(Again::from).collect();
    lines.extend(again(&all).into_iter().map(|line| format!("tried again: {line}")));
    lines.iter().map(|text| line(text)).collect()
}

fn line(text: &str) -> String {
    cut(&plain(text), WIDEST)
}

fn message(text: &str) -> String {
    cut(&plain(text.lines().next().unwrap_or_default()), LONGEST)
}

#[cfg(test)]
mod tests {
    use expect_test::{ExpectFile, expect_file};
    use rstest::rstest;
    use scrubjay_host::Signal;
    use scrubjay_run::{ExitStatus, RunEvent};
    use scrubjay_samples::{catalogue, clean, mixed};

    use super::*;
    use crate::gather::Gather;

    /// Tests, failures, errors, skipped.
    fn counts(report: &Report) -> [usize; 4] {
        [report.tests, report.failures, report.errors, report.skipped]
    }

    fn written(events: &[RunEvent]) -> String {
        let mut run = Gather::whole(events);
        run.times.started_unix_seconds = 1_790_000_000;
        run.times.total_millis = 61_000;
        text(&run, &catalogue()).unwrap()
    }

    #[rstest]
    #[case::clean(clean(), expect_file!["../tests/expected/clean.junit.xml"])]
    #[case::every_outcome(mixed(), expect_file!["../tests/expected/mixed.junit.xml"])]
    fn a_run_reads_as_expected(#[case] events: Vec<RunEvent>, #[case] expected: ExpectFile) {
        expected.assert_eq(&written(&events));
    }

    /// Of 7.1 nine sessions and the kernel, of 6.12 three and the kernel, of 7.2 the kernel.
    #[test]
    fn every_outcome_is_counted_as_what_it_is() {
        let report = Report::deserialize_from_str(&written(&mixed())).unwrap();
        assert_eq!(counts(&report), [15, 3, 3, 4]);
        let cases = &report.test_suites[0].test_cases;
        let case = |name: &str| cases.iter().find(|case| case.name.as_str() == name).unwrap();
        assert_eq!(case("info-basic").time, Some(Duration::from_millis(10)));
        assert_eq!(case("info-basic").classname.as_ref().unwrap().as_str(), "7.1");
        let TestCaseStatus::NonSuccess { description, .. } = &case("out-len-zero").status else {
            panic!("a break")
        };
        assert!(
            description.as_ref().unwrap().contains("BUG: kernel NULL pointer"),
            "the kernel's words are there"
        );
        let TestCaseStatus::NonSuccess { reruns, .. } = &case("get-long").status else { panic!("a break") };
        assert_eq!(reruns.runs.len(), 2);
    }

    #[test]
    fn what_a_run_that_was_cut_short_did_not_come_to_is_an_error() {
        let mut events = mixed();
        events.truncate(5);
        events.push(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted(Signal::SIGINT)) });
        let report = Report::deserialize_from_str(&written(&events)).unwrap();
        // Two of nine sessions were judged; of three kernels each has nine and itself.
        assert_eq!(counts(&report), [30, 0, 28, 0]);
    }
}
