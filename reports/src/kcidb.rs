//! What KernelCI's database takes: a report of KCIDB's schema, version 5.3. A kernel is a checkout and a build of it,
//! a session is a test, and what is said of a kernel as a whole is the test `fwctl.kernel`.

use jiff::Timestamp;
use scrubjay_verdict::{Finding, KernelVerdict, Promises, SessionVerdict, Status};
use serde_json::{Map, Value, json};

use crate::finding::{self, Look};
use crate::kept::with_logs;
use crate::paint::Colour;
use crate::run::{KernelReport, Run};
use crate::text::{cut, plain};
use crate::untested::{NOT_REACHED, Untested, missing, untested};

/// Who says it.
const ORIGIN: &str = "scrubjay";

/// What every test's path begins with; the kernel is not in it, so that the same test of two kernels has one path.
const SUITE: &str = "fwctl";

/// The test about a kernel as a whole.
const WHOLE: &str = "kernel";

/// The longest excerpt of a log, in characters.
const LONGEST: usize = 16_384;

/// The report.
pub fn report(run: &Run, promises: &Promises) -> Value {
    let (mut checkouts, mut builds, mut tests) = (Vec::new(), Vec::new(), Vec::new());
    let untested = untested(run);
    for asked in &run.asked.kernels {
        let report = run.kernels.iter().find(|kernel| kernel.kernel == *asked);
        let verdict = report.and_then(|report| report.verdict.as_ref());
        let verdict = verdict.map(|verdict| with_logs(run, verdict));
        let kernel = Kernel { run, promises, id: plain(asked), report, verdict, untested: &untested };
        checkouts.push(kernel.checkout());
        builds.push(kernel.build());
        tests.extend(kernel.tests());
    }
    json!({
        "version": { "major": 5, "minor": 3 },
        "checkouts": checkouts,
        "builds": builds,
        "tests": tests,
    })
}

struct Kernel<'a> {
    run: &'a Run,
    promises: &'a Promises,
    id: String,
    report: Option<&'a KernelReport>,
    /// With the kernel's words.
    verdict: Option<KernelVerdict>,
    /// Of all kernels.
    untested: &'a [Untested<'a>],
}

impl Kernel<'_> {
    /// An id that no other run gives: the database takes two reports of one id for one.
    fn unique(&self, of: &str) -> String {
        let times = &self.run.times;
        let shard = self.run.asked.shard().map(|shard| format!("-{}", shard.number())).unwrap_or_default();
        format!("{ORIGIN}:{}.{}{shard}-{}{of}", times.started_unix_seconds, times.total_millis, self.id)
    }

    fn release(&self) -> Option<String> {
        let release = &self.verdict.as_ref()?.release;
        (!release.is_empty()).then(|| plain(release))
    }

    fn checkout(&self) -> Value {
        json!({ "id": self.unique(""), "origin": ORIGIN, "comment": format!("the source of kernel {}", self.id) })
    }

    fn build(&self) -> Value {
        let mut misc = Map::from_iter([("kernel".to_owned(), json!(self.id))]);
        misc.extend(self.release().map(|release| ("release".to_owned(), json!(release))));
        json!({
            "id": self.unique(""),
            "checkout_id": self.unique(""),
            "origin": ORIGIN,
            "architecture": "x86_64",
            "comment": format!("kernel {}", self.id),
            "misc": misc,
        })
    }

    fn tests(&self) -> Vec<Value> {
        let verdict = self.verdict.as_ref();
        let sessions = verdict.iter().flat_map(|verdict| &verdict.sessions);
        let mut tests: Vec<_> = sessions.map(|session| self.session(session)).collect();
        let asked = || self.run.asked.performed();
        let rest: Vec<_> = match self.report {
            Some(report) if self.run.complete && report.verdict.is_some() => Vec::new(),
            Some(report) => missing(&self.run.asked, report).collect(),
            None => asked().collect(),
        };
        let why = self.report.and_then(|report| report.why.as_deref());
        let why = why.unwrap_or(NOT_REACHED);
        tests.extend(rest.into_iter().map(|session| {
            let mut test = self.test(session, "MISS");
            test.insert("log_excerpt".to_owned(), json!(excerpt(&[plain_lines(why)])));
            Value::Object(test)
        }));
        tests.push(self.whole());
        tests
    }

    fn test(&self, name: &str, status: &str) -> Map<String, Value> {
        let started = i64::try_from(self.run.times.started_unix_seconds).ok();
        let started = started.and_then(|seconds| Timestamp::from_second(seconds).ok());
        let mut test = Map::from_iter([
            ("id".to_owned(), json!(self.unique(&format!("-{}", plain(name))))),
            ("build_id".to_owned(), json!(self.unique(""))),
            ("origin".to_owned(), json!(ORIGIN)),
            ("path".to_owned(), json!(format!("{SUITE}.{}", segment(name)))),
            ("status".to_owned(), json!(status)),
            ("environment".to_owned(), json!({ "comment": "QEMU with an emulated CXL memory device" })),
        ]);
        // When the run started: a session's own start is not kept.
        test.extend(started.map(|at| ("start_time".to_owned(), json!(at.to_string()))));
        test
    }

    fn session(&self, session: &SessionVerdict) -> Value {
        let policy = self.run.policy;
        let status = match session.status(policy) {
            Status::Pass | Status::Waived => "PASS",
            Status::Break => "FAIL",
            Status::Error => "ERROR",
            Status::Skip => "SKIP",
        };
        let mut test = self.test(&session.session, status);
        let id = &session.session;
        let title =
            self.report.and_then(|report| report.sessions.get(id)).map(|summary| plain(&summary.title));
        let title = title.filter(|title| !title.is_empty());
        test.extend(title.map(|title| ("comment".to_owned(), json!(title))));
        let times = self.report.and_then(|report| self.run.times.session_millis.get(&report.kernel));
        let millis = times.and_then(|times| times.get(id));
        test.extend(millis.map(|millis| ("duration".to_owned(), json!(*millis as f64 / 1000.0))));
        let why = session.error.iter().chain(&session.skipped).map(|why| plain_lines(why));
        let lines: Vec<_> = why.chain(self.lines(&session.findings)).collect();
        if !lines.is_empty() {
            test.insert("log_excerpt".to_owned(), json!(excerpt(&lines)));
        }
        self.explain(&mut test, &session.findings);
        Value::Object(test)
    }

    fn whole(&self) -> Value {
        let verdict = self.verdict.as_ref();
        let findings = verdict.map(|verdict| verdict.findings.as_slice()).unwrap_or_default();
        let mine = self.untested.iter().filter(|one| plain(one.kernel) == self.id && one.session.is_none());
        let why: Vec<_> = mine.map(|one| plain_lines(&one.why)).collect();
        let status = match () {
            () if findings.iter().any(|finding| finding.breaks(self.run.policy)) => "FAIL",
            () if verdict.is_none() => "MISS",
            () if !why.is_empty() => "ERROR",
            () => "PASS",
        };
        let mut test = self.test(WHOLE, status);
        let lines: Vec<_> = why.into_iter().chain(self.lines(findings)).collect();
        if !lines.is_empty() {
            test.insert("log_excerpt".to_owned(), json!(excerpt(&lines)));
        }
        self.explain(&mut test, findings);
        Value::Object(test)
    }

    /// Who decided, and each finding in short.
    fn explain(&self, test: &mut Map<String, Value>, findings: &[Finding]) {
        let told = findings.iter().map(|finding| {
            let mut told = json!({
                "rule": finding.rule,
                "step": plain(&finding.step),
                "promise": plain(&finding.promise),
                "fingerprint": finding.fingerprint,
                "severity": finding.severity,
            });
            if let (Some(waived), Some(told)) = (&finding.waived, told.as_object_mut()) {
                told.insert("waived".to_owned(), json!(plain(&waived.to_string())));
            }
            told
        });
        let mut misc = Map::from_iter([("policy".to_owned(), json!(self.run.policy.name()))]);
        if !findings.is_empty() {
            misc.insert("findings".to_owned(), told.collect());
        }
        test.insert("misc".to_owned(), Value::Object(misc));
    }

    fn lines(&self, findings: &[Finding]) -> Vec<String> {
        let look = Look { promises: self.promises, colour: Colour::Never, indent: "" };
        let told = findings.iter().flat_map(|finding| finding::lines(finding, look));
        told.map(|line| plain(&line)).collect()
    }
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

fn excerpt(lines: &[String]) -> String {
    cut(&lines.join("\n"), LONGEST)
}

/// A name as a segment of a path.
fn segment(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let text: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if text.is_empty() { "_".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use scrubjay_host::Signal;
    use scrubjay_run::{ExitStatus, RunEvent};
    use scrubjay_samples::{catalogue, mixed};

    use super::*;
    use crate::gather::Gather;

    fn written(events: &[RunEvent]) -> Value {
        let mut run = Gather::whole(events);
        (run.times.started_unix_seconds, run.times.total_millis) = (1_790_000_000, 61_000);
        report(&run, &catalogue())
    }

    fn statuses(report: &Value, kernel: &str) -> Vec<String> {
        let tests = report["tests"].as_array().unwrap().iter();
        let mine = tests.filter(|test| test["build_id"].as_str().unwrap().ends_with(&format!("-{kernel}")));
        mine.map(|t| format!("{} {}", t["path"].as_str().unwrap(), t["status"].as_str().unwrap())).collect()
    }

    #[test]
    fn a_run_reads_as_expected() {
        let text = serde_json::to_string_pretty(&written(&mixed())).unwrap() + "\n";
        expect_file!["../tests/expected/mixed.kcidb.json"].assert_eq(&text);
    }

    #[test]
    fn every_outcome_is_what_the_database_calls_it() {
        let report = written(&mixed());
        let expected = [
            "fwctl.info-basic PASS",
            "fwctl.lost-set PASS",
            "fwctl.set-by-scope FAIL",
            "fwctl.slow ERROR",
            "fwctl.locked SKIP",
            "fwctl.out-len-zero FAIL",
            "fwctl.set-waived PASS",
            "fwctl.get-long FAIL",
            "fwctl.gap ERROR",
            "fwctl.kernel PASS",
        ];
        assert_eq!(statuses(&report, "7.1"), expected);
        // Of a kernel that did not come up every session is missing.
        let failed = statuses(&report, "7.2");
        assert_eq!(failed.len(), 10);
        assert!(failed.iter().all(|test| test.ends_with(" MISS")), "{failed:?}");
    }

    #[test]
    fn what_a_run_that_was_cut_short_did_not_come_to_is_missing() {
        let mut events = mixed();
        events.truncate(5);
        events.push(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted(Signal::SIGINT)) });
        let report = written(&events);
        for (kernel, missing) in [("7.1", 7), ("6.12", 10), ("7.2", 10)] {
            let told = statuses(&report, kernel);
            assert_eq!(told.iter().filter(|test| test.ends_with(" MISS")).count(), missing, "{told:?}");
        }
    }
}
