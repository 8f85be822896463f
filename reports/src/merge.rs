//! Puts the shards of one run together: what comes of it is the run as it would have been in one piece. A shard that is
//! missing, twice there, cut short or of another run is refused, and so is a session that is not where it belongs.
//!
//! What is said of a kernel as a whole is said anew, of all its sessions. A break that shows only then was seen once and
//! run again nowhere: it is not settled.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scrubjay_run::Shard;
use scrubjay_verdict::history::is_of_history;
use scrubjay_verdict::history::ranges::nearest;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{
    Expectation, Finding, KernelVerdict, Library, SessionVerdict, WaiverState, WaiverUse, Waivers, judge,
};

use crate::gather::empty;
use crate::kept;
use crate::run::{Asked, GuestCounts, KernelReport, KernelState, Run, Times};

/// Why shards are no run together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One of them is no part of this run.
    #[error("{}: {why}", path.display())]
    Shard {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it, and the remedy.
        why: String,
    },
    /// Some are not among them.
    #[error(
        "of {of} shards these are missing: {missing}; name their run.json too, nothing is said without them"
    )]
    Missing {
        /// How many there are.
        of: usize,
        /// Which are missing.
        missing: String,
    },
}

/// A shard, and where it was read.
pub struct Part {
    /// Its file.
    pub path: PathBuf,
    /// What it came to.
    pub run: Run,
}

/// The run that these are the shards of.
///
/// # Errors
/// A shard that is missing, comes twice, was cut short, or is of another run; a session that is missing or twice there.
pub fn merge(parts: Vec<Part>, library: &Library) -> Result<Run, MergeError> {
    let parts = in_order(parts)?;
    let Some(first) = parts.first().map(|part| &part.run) else {
        return Err(MergeError::Missing { of: 1, missing: "all".to_owned() });
    };
    let mut merged = Run {
        asked: Asked { shard: None, ..first.asked.clone() },
        notes: union(parts.iter().flat_map(|part| &part.run.notes)),
        kernels: Vec::new(),
        times: times(&parts),
        ..first.clone()
    };
    for part in &parts[1..] {
        for (kernel, evidence) in &part.run.evidence {
            let all = merged.evidence.entry(kernel.clone()).or_default();
            all.logs.extend(evidence.logs.clone());
            all.console_tail = evidence.console_tail.clone().or(all.console_tail.take());
        }
    }
    let waivers = Waivers::of_kept(&merged.waivers, &library.sessions);
    for (place, kernel) in merged.asked.kernels.iter().enumerate() {
        merged.kernels.push(of_kernel(kernel, place, &parts, &waivers, library)?);
    }
    let verdicts: Vec<_> = merged.kernels.iter().filter_map(|kernel| kernel.verdict.clone()).collect();
    merged.waivers = waivers.uses(&verdicts);
    Ok(kept::counted(merged))
}

/// The shards by their numbers, each once, all whole and of one run.
fn in_order(mut parts: Vec<Part>) -> Result<Vec<Part>, MergeError> {
    let bad = |part: &Part, why: String| Err(MergeError::Shard { path: part.path.clone(), why });
    let mut by_number: BTreeMap<usize, PathBuf> = BTreeMap::new();
    let mut of = 0;
    for (i, part) in parts.iter().enumerate() {
        let Some(shard) = part.run.asked.shard() else {
            return bad(part, "a whole run, and no shard of one; report it as it is".to_owned());
        };
        if !part.run.complete {
            let why =
                format!("shard {shard} was cut short (exit status {}); run it again", part.run.exit_status);
            return bad(part, why);
        }
        if let Some(what) = (i > 0).then(|| differs(&parts[0].run, &part.run)).flatten() {
            return bad(part, format!("of another run than {}: {what}", parts[0].path.display()));
        }
        if let Some(other) = by_number.insert(shard.number(), part.path.clone()) {
            return bad(part, format!("shard {shard}, and so is {}; leave one out", other.display()));
        }
        of = shard.of();
    }
    let missing: Vec<_> = (1..=of).filter(|number| !by_number.contains_key(number)).collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.iter().map(|number| format!("{number}/{of}")).collect();
        return Err(MergeError::Missing { of, missing: missing.join(", ") });
    }
    parts.sort_by_key(|part| part.run.asked.shard().map(Shard::number));
    Ok(parts)
}

/// In what two runs differ that are shards of one.
fn differs(one: &Run, two: &Run) -> Option<&'static str> {
    let of = |run: &Run| run.asked.shard().map(Shard::of);
    let stands = |used: &WaiverUse| (used.waiver.clone(), used.state == WaiverState::Expired);
    let waivers = |run: &Run| run.waivers.iter().map(stands).collect::<Vec<_>>();
    let what = [
        (one.policy != two.policy || one.own_policy != two.own_policy, "its policy"),
        (one.against != two.against, "what it was held against"),
        (one.baseline != two.baseline, "its baseline"),
        (one.asked.kernels != two.asked.kernels, "its kernels"),
        (one.asked.sessions != two.asked.sessions, "its sessions"),
        (one.asked.require_fixes != two.asked.require_fixes, "whether fixes are required"),
        (of(one) != of(two), "the number of its shards"),
        (waivers(one) != waivers(two), "its waivers, or the day on which they were read"),
    ];
    what.into_iter().find_map(|(differs, what)| differs.then_some(what))
}

fn of_kernel(
    kernel: &str,
    place: usize,
    parts: &[Part],
    waivers: &Waivers,
    library: &Library,
) -> Result<KernelReport, MergeError> {
    let mut reports = Vec::new();
    for part in parts {
        match part.run.kernels.get(place).filter(|report| report.kernel == kernel) {
            Some(report) => reports.push((part, report)),
            None => {
                let why = format!("kernel {kernel} is not where it belongs; it was altered, run it again");
                return Err(MergeError::Shard { path: part.path.clone(), why });
            }
        }
    }
    if let Some(report) = all_failed(&reports) {
        return Ok(report);
    }
    let mut sessions = Vec::new();
    for (part, report) in &reports {
        sessions.extend(of_shard(part, report)?);
    }
    sessions.sort_by(|a, b| a.session.cmp(&b.session));
    let verdicts: Vec<_> =
        reports.iter().filter_map(|(part, report)| Some((*part, report.verdict.as_ref()?))).collect();
    let verdict = conclude(kernel, &verdicts, sessions, waivers, library)?;
    let titles = reports.iter().flat_map(|(_, report)| report.sessions.clone());
    let mut tried_again: Vec<_> = reports.iter().flat_map(|(_, report)| report.tried_again.clone()).collect();
    tried_again.sort_by(|a, b| (&a.session, &a.why).cmp(&(&b.session, &b.why)));
    Ok(KernelReport {
        nearest_release: nearest(&verdict.changes, &library.changes).map(|nearest| nearest.to_string()),
        not_checked: union(reports.iter().flat_map(|(_, report)| &report.not_checked)),
        tried_again,
        guests: guests(reports.iter().filter_map(|(_, report)| report.guests.as_ref())),
        sessions: titles.collect(),
        verdict: Some(verdict),
        ..empty(kernel.to_owned(), KernelState::Judged)
    })
}

/// The kernel where no shard could test anything of it.
fn all_failed(reports: &[(&Part, &KernelReport)]) -> Option<KernelReport> {
    let (_, first) = reports.first()?;
    reports.iter().all(|(_, report)| report.state == KernelState::Failed).then(|| (*first).clone())
}

/// The sessions of a shard: just those that are its own. Where nothing of the kernel could be tested each is an error.
fn of_shard(part: &Part, report: &KernelReport) -> Result<Vec<SessionVerdict>, MergeError> {
    let asked: Vec<_> = part.run.asked.performed().collect();
    let Some(verdict) = &report.verdict else {
        let shard = part.run.asked.shard.as_deref().unwrap_or_default();
        let why = format!("shard {shard}: {}", report.why.as_deref().unwrap_or_default());
        let failed = |id: &&str| SessionVerdict { error: Some(why.clone()), ..SessionVerdict::new(id) };
        return Ok(asked.iter().map(failed).collect());
    };
    let mut there: Vec<_> = verdict.sessions.iter().map(|session| session.session.as_str()).collect();
    let mut due = asked;
    there.sort_unstable();
    due.sort_unstable();
    if there == due {
        return Ok(verdict.sessions.clone());
    }
    let missing = due.iter().find(|id| !there.contains(id)).map(|id| format!("session {id} is missing"));
    let twice =
        there.windows(2).find(|two| two[0] == two[1]).map(|two| format!("session {} is twice there", two[0]));
    let other =
        there.iter().find(|id| !due.contains(id)).map(|id| format!("session {id} is not of this shard"));
    let what = missing.or(twice).or(other).unwrap_or_default();
    let why = format!("kernel {}: {what}; it was altered, run it again", report.kernel);
    Err(MergeError::Shard { path: part.path.clone(), why })
}

/// Says of a kernel as a whole what all its sessions say.
fn conclude(
    kernel: &str,
    verdicts: &[(&Part, &KernelVerdict)],
    sessions: Vec<SessionVerdict>,
    waivers: &Waivers,
    library: &Library,
) -> Result<KernelVerdict, MergeError> {
    let said = |verdict: &KernelVerdict| (verdict.release.clone(), verdict.changes.held_to);
    let named = verdicts.iter().filter(|(_, verdict)| !verdict.release.is_empty());
    let mut named = named.map(|(part, verdict)| (*part, said(verdict)));
    let (release, held_to) = match named.next() {
        Some((first, said)) => {
            if let Some((part, other)) = named.find(|(_, other)| *other != said) {
                let first = first.path.display();
                let why = format!("kernel {kernel} calls itself {} here and {} in {first}", other.0, said.0);
                return Err(MergeError::Shard { path: part.path.clone(), why });
            }
            said
        }
        None => verdicts.first().map(|(_, verdict)| said(verdict)).unwrap_or_default(),
    };
    let policy = verdicts.first().map(|(part, _)| part.run.policy).unwrap_or_default();
    let require_fixes = verdicts.first().is_some_and(|(part, _)| part.run.asked.require_fixes);
    let expectation = Expectation { release: held_to, require_fixes, ..Expectation::default() };
    let mut verdict = judge::conclude(kernel, &release, None, sessions, &expectation, &library.books());
    // Which of them are waived is said anew too: what they say of the sessions is in their fingerprints.
    waivers.apply(kernel, &release, &mut verdict.findings);
    if let Some(own) = verdicts.first().and_then(|(part, _)| part.run.own_policy.as_ref()) {
        own.weigh(&mut verdict.findings);
    }
    let of_shards = || verdicts.iter().flat_map(|(_, verdict)| &verdict.findings);
    for finding in verdict.findings.iter_mut().filter(|finding| is_of_history(&finding.rule)) {
        let same = |other: &&Finding| other.rule == finding.rule && other.accepted == finding.accepted;
        // One that was confirmed in any shard is. Where it is waived it never broke, and nobody confirmed it.
        let was_asked = |other: &&Finding| other.unsettled || other.breaks(policy);
        match of_shards().filter(same).filter(was_asked).min_by_key(|other| other.unsettled) {
            Some(other) => {
                finding.repeat = other.repeat;
                finding.unsettled = other.unsettled && finding.breaks(policy);
            }
            None => finding.unsettled = finding.breaks(policy),
        }
    }
    let absent = of_shards().find(|finding| finding.rule == id::FWCTL_ABSENT).cloned();
    verdict.findings.splice(0..0, absent);
    Ok(verdict)
}

/// From the start of the first shard to the end of the last.
fn times(parts: &[Part]) -> Times {
    let all = || parts.iter().map(|part| &part.run.times);
    let started = all().map(|times| times.started_unix_seconds).min().unwrap_or_default();
    let end = |times: &Times| times.started_unix_seconds.saturating_sub(started) * 1000 + times.total_millis;
    let mut session_millis: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (kernel, sessions) in all().flat_map(|times| &times.session_millis) {
        session_millis.entry(kernel.clone()).or_default().extend(sessions.clone());
    }
    Times {
        started_unix_seconds: started,
        total_millis: all().map(end).max().unwrap_or_default(),
        session_millis,
    }
}

fn guests<'a>(all: impl Iterator<Item = &'a GuestCounts>) -> Option<GuestCounts> {
    all.cloned().reduce(|one, two| GuestCounts {
        booted: one.booted + two.booted,
        started: one.started + two.started,
        not_kept: union(one.not_kept.iter().chain(&two.not_kept)),
    })
}

/// Each once, in the order in which they first come.
fn union<'a>(all: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut union: Vec<String> = Vec::new();
    for one in all {
        if !union.contains(one) {
            union.push(one.clone());
        }
    }
    union
}
