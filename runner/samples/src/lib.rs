//! Verdicts and runs to render: made from the real rules, by hand otherwise.

use std::path::Path;

use scrubjay_run::{Again, Consumer, Guests, RunEvent};
use scrubjay_session::Field;
use scrubjay_verdict::finding::Repeat;
use scrubjay_verdict::finding::Waived;
use scrubjay_verdict::finding::{Place, WHOLE_KERNEL};
use scrubjay_verdict::history::{MissingFix, MissingFixes};
use scrubjay_verdict::{
    ChangeProfile, Defect, DefectSeen, DefectState, Finding, KernelVerdict, Policy, Promises, SessionVerdict,
    Severities, Severity, Waiver, WaiverState, WaiverUse,
};

/// Some promises: the samples' own, so that the catalogue may be worded anew without them.
pub fn catalogue() -> Promises {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("promises");
    Promises::load(&dir).expect("the samples' promises read")
}

fn place<'a>(session: &'a str, step: &'a str, field: Option<Field>, promise: &'a str) -> Place<'a> {
    Place { session, step, field, promise }
}

/// A refused call.
pub fn finding(rule: &str, promise: &str) -> Finding {
    let at = place("set-by-scope", "full", Some(Field::Errno), promise);
    let mut finding = Finding::new(rule, at, "ok".into(), "EINVAL".into(), &catalogue());
    finding.follows = vec![Field::Ret, Field::Out];
    finding
}

/// An answer with another length.
pub fn framed() -> Finding {
    let at = place("get-long", "get", Some(Field::Out), "D14");
    let raw = |last: u8| {
        let bytes: Vec<u8> = (0..1040u32).map(|i| if i == 1039 { last } else { (i * 7) as u8 }).collect();
        scrubjay_wire::Bytes::from(bytes).to_string()
    };
    let mut finding = Finding::new("get-changed", at, raw(1), raw(2), &catalogue());
    finding.accepted_decoded = serde_json::json!({"out-len": 1040, "retval": "success"});
    finding.seen_decoded = serde_json::json!({"out-len": 16, "retval": "success"});
    finding.severity = Severities { frozen: Severity::Break, ..Severities::all(Severity::Note) };
    finding
}

/// An oops with this many lines.
pub fn damage(lines: usize) -> Finding {
    let at = place("out-len-zero", "get", Some(Field::Log), "D06");
    let seen = "oops: kernel NULL pointer dereference".to_owned();
    let mut finding = Finding::new("kernel-oops", at, String::new(), seen, &catalogue());
    finding.log = vec!["BUG: kernel NULL pointer dereference, address: 0000000000000010".into()];
    finding.log.push("ok 1 a line that looks like a result".into());
    finding.log.push("\u{1b}[31mKernel panic - not syncing: VFS: and reboot: System halted".into());
    finding.log.push("KTAP version 1".into());
    finding.log.push("Subtest: one of a kernel's own".into());
    finding.log.extend((5..lines).map(|i| format!(" frame_{i}+0x1/0x2")));
    finding
}

/// That there is no fwctl; expected where a reason is given.
pub fn absence(expected: Option<&str>) -> Finding {
    let accepted = expected.map_or("a fwctl device".to_owned(), |why| format!("absent: {why}"));
    let seen = "no /sys/class/fwctl".to_owned();
    let mut finding =
        Finding::new("fwctl-absent", place(WHOLE_KERNEL, "", None, "A08"), accepted, seen, &catalogue());
    if expected.is_some() {
        finding.severity = Severities::all(Severity::Note);
    }
    finding
}

/// A session that came to nothing but this.
pub fn with(session: &str, findings: Vec<Finding>) -> SessionVerdict {
    SessionVerdict {
        session: session.into(),
        error: None,
        skipped: None,
        findings,
        carries: Vec::new(),
        lacks: Vec::new(),
        defects: Vec::new(),
    }
}

/// A session that passed.
pub fn passed(session: &str) -> SessionVerdict {
    with(session, Vec::new())
}

/// A session that could not be tested.
pub fn errored(session: &str) -> SessionVerdict {
    let why = "the guest went silent in step get # for 30 s\nlast words: none";
    SessionVerdict { error: Some(why.into()), ..passed(session) }
}

/// A session that does not apply.
pub fn skipped(session: &str) -> SessionVerdict {
    SessionVerdict { skipped: Some("this kernel has no lockdown".into()), ..passed(session) }
}

/// A session that passed, whose steps are marked as a defect and show this of it.
pub fn marked(session: &str, steps: &[&str], state: DefectState) -> SessionVerdict {
    let defect = Defect {
        promise: "D12".into(),
        breaks: "include/uapi/fwctl/fwctl.h, struct fwctl_rpc".into(),
        mended_by: (state == DefectState::Mended).then(|| "op-size-bounded".into()),
    };
    let seen = |step: &&str| DefectSeen { step: (*step).to_owned(), defect: defect.clone(), state };
    SessionVerdict { defects: steps.iter().map(seen).collect(), ..passed(session) }
}

/// A waiver for the finding of [`waived`].
pub fn waiver() -> Waiver {
    Waiver {
        fingerprint: "3ed398df9c0b354d".into(),
        session: "set-by-scope".into(),
        kernels: vec!["7.2..=7.3".into()],
        reason: "the vendor ships it".into(),
        reference: "ticket 7".into(),
        expires: "2026-12-31".parse().expect("a day"),
    }
}

/// A session with nothing but a break that is waived.
pub fn waived(session: &str) -> SessionVerdict {
    let Waiver { reason, reference, expires, .. } = waiver();
    let mut finding = finding("set-blocked", "H06");
    finding.waived = Some(Waived { reason, reference, expires });
    with(session, vec![finding])
}

/// A break that came three times of five.
pub fn intermittent() -> Finding {
    let mut finding = framed();
    finding.repeat = Some(Repeat { seen: 3, of: 5 });
    finding
}

/// A break that came once of twelve times: too seldom to be told.
pub fn unsettled() -> Finding {
    let mut finding = finding("set-blocked", "H06");
    (finding.repeat, finding.unsettled) = (Some(Repeat { seen: 1, of: 12 }), true);
    finding
}

/// One fix that the kernel's series has and one that only mainline has.
pub fn missing_fixes() -> MissingFixes {
    let fix =
        |change: &str, commit: Option<&str>, subject: &str, cve: Option<&str>, since: &str| MissingFix {
            change: change.into(),
            commit: commit.map(str::to_owned),
            subject: subject.into(),
            cve: cve.map(str::to_owned),
            since: since.parse().expect("a release"),
            shown_by: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
        };
    let subject = "cxl/features: Reject Get Feature count larger than the output buffer";
    let cve = Some("CVE-2026-23327");
    MissingFixes {
        in_series: vec![fix("get-count-bounded", Some("4bf6bac37507"), subject, cve, "7.1.3")],
        in_mainline: vec![fix("set-out-len-bounded", None, "a Set answers nothing", None, "7.3")],
    }
}

/// A kernel of these parts.
pub fn kernel(id: &str, findings: Vec<Finding>, sessions: Vec<SessionVerdict>) -> KernelVerdict {
    KernelVerdict {
        kernel: id.into(),
        release: format!("{id}.4"),
        findings,
        sessions,
        changes: ChangeProfile::default(),
    }
}

/// One event for each session, then the kernel's.
pub fn of_kernel(verdict: KernelVerdict, nearest: Option<&str>, unchecked: &[&str]) -> Vec<RunEvent> {
    let mut events =
        vec![RunEvent::KernelStarted { kernel: verdict.kernel.clone(), sessions: verdict.sessions.len() }];
    events.extend(verdict.sessions.iter().enumerate().map(|(i, session)| RunEvent::SessionJudged {
        kernel: verdict.kernel.clone(),
        title: format!("what {} pins", session.session),
        area: if session.session.starts_with("set") { "set-feature" } else { "get-feature" }.to_owned(),
        verdict: session.clone(),
        millis: 10 + i as u64,
    }));
    events.push(RunEvent::KernelJudged {
        verdict,
        nearest: nearest.map(str::to_owned),
        not_checked: unchecked.iter().map(|s| (*s).to_owned()).collect(),
        console_tail: None,
        guests: Box::new(Guests { booted: 2, started: 30, not_kept: Vec::new(), again: Vec::new() }),
    });
    events
}

/// A run over these kernels.
pub fn run_of(kernels: Vec<Vec<RunEvent>>) -> Vec<RunEvent> {
    let ids = kernels.iter().map(|events| match events.last() {
        Some(RunEvent::KernelJudged { verdict, .. }) => verdict.kernel.clone(),
        Some(RunEvent::KernelFailed { kernel, .. }) => kernel.clone(),
        _ => unreachable!("a kernel ends with one of the two"),
    });
    let mut sessions: Vec<String> = Vec::new();
    for event in kernels.iter().flatten() {
        if let RunEvent::SessionJudged { verdict, .. } = event
            && !sessions.contains(&verdict.session)
        {
            sessions.push(verdict.session.clone());
        }
    }
    let mut events = vec![RunEvent::RunStarted {
        policy: Policy::Frozen,
        own_policy: None,
        kernels: ids.collect(),
        sessions,
        shard: None,
        against: None,
        baseline: None,
        require_fixes: false,
    }];
    events.push(RunEvent::Note { text: "accelerator: TCG (no /dev/kvm)".into() });
    events.extend(kernels.into_iter().flatten());
    events.push(RunEvent::RunFinished { cut: None });
    events
}

/// A run with everything in it: a kernel with all outcomes, one without fwctl, one that failed.
pub fn mixed() -> Vec<RunEvent> {
    let sessions = vec![
        passed("info-basic"),
        marked("lost-set", &["set", "set-again"], DefectState::There),
        with("set-by-scope", vec![finding("set-blocked", "H06"), finding("return-changed", "B14")]),
        errored("slow"),
        skipped("locked"),
        with("out-len-zero", vec![damage(6)]),
        waived("set-waived"),
        with("get-long", vec![intermittent()]),
        with("gap", vec![finding("unclassified", "H06")]),
    ];
    let mut first = kernel("7.1", Vec::new(), sessions);
    first.changes = ChangeProfile {
        carries: vec!["op-size-bounded".into()],
        lacks: vec!["get-count-bounded".into(), "set-out-len-bounded".into()],
        regressed: vec!["get-count-bounded".into()],
        surplus: vec!["op-size-bounded".into()],
        undecided: vec!["set-out-len-bounded".into()],
        missing_fixes: missing_fixes(),
        held_to: "7.1.4".parse().ok(),
        ..ChangeProfile::default()
    };
    let absent = kernel("6.12", vec![absence(Some("fwctl came with 6.16"))], {
        let skip = |id: &str| SessionVerdict {
            skipped: Some("this kernel has no fwctl (no /sys/class/fwctl)".into()),
            ..passed(id)
        };
        vec![skip("info-basic"), skip("lost-set"), skip("set-by-scope")]
    });
    let failed = vec![RunEvent::KernelFailed {
        kernel: "7.2".into(),
        why: "not a kernel image: k: it is empty".into(),
    }];
    let mut first = of_kernel(
        first,
        Some("none; except for 1 change 7.2.4 to 7.2.5"),
        &["ia32 (built without CONFIG_IA32_EMULATION)"],
    );
    if let Some(RunEvent::KernelJudged { guests, .. }) = first.last_mut() {
        let one = |session: Option<&str>, why: &str| Again {
            session: session.map(str::to_owned),
            why: why.to_owned(),
        };
        guests.again =
            vec![one(None, "not a word in 32 s"), one(Some("slow"), "scrubjay stood still for 6.2 s")];
    }
    let mut events = run_of(vec![first, of_kernel(absent, None, &[]), failed]);
    let used = |fingerprint: &str, state| WaiverUse {
        waiver: Waiver { fingerprint: fingerprint.into(), ..waiver() },
        state,
        seen_on: Vec::new(),
    };
    let uses = vec![
        WaiverUse { waiver: waiver(), state: WaiverState::Applied, seen_on: vec!["7.1".into()] },
        used("0123456789abcdef", WaiverState::Expired),
        used("fedcba9876543210", WaiverState::Unmatched),
    ];
    events.insert(events.len() - 1, RunEvent::Waivers { uses });
    events
}

/// A run in which nothing is wrong.
pub fn clean() -> Vec<RunEvent> {
    let verdict = kernel("7.3", Vec::new(), vec![passed("a"), passed("b")]);
    run_of(vec![of_kernel(verdict, None, &[])])
}

/// Hands a run to a consumer.
pub fn play(events: &[RunEvent], consumer: &mut dyn Consumer) {
    for event in events {
        consumer.event(event).expect("the report is written");
    }
}
