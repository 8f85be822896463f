//! From a raw answer to an observation: names for numbers, normalised where runs may differ.

use nix::errno::Errno;
use scrubjay_wire::{Answer, Bytes, Entry, LogLine};

use crate::decode;
use crate::klog::{self, Event};
use crate::lower::Meta;
use crate::observation::{Aside, BranchSeen, OK, Observation, Seen, UNKNOWN_TAINT, taint_gained};
use crate::session::Boot;
use crate::shape::Shape;

/// There is no step with this ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no step {0}")]
pub struct NoStep(pub u32);

/// Reads the answer of the step with this ticket. `metas` are the session's steps by ticket.
///
/// # Errors
/// It is none of them, or the answer of a branch is.
pub fn observe(ticket: u32, answer: Answer, metas: &[Meta], boot: Boot) -> Result<Seen, NoStep> {
    let meta = usize::try_from(ticket).ok().and_then(|at| metas.get(at)).ok_or(NoStep(ticket))?;
    let mut observation = Observation {
        errno: errno_name(answer.errno, answer.text.as_deref()),
        ret: answer.ret,
        entries: answer.entries.into_iter().filter(|entry| !is_of_power(entry)).collect(),
        runs: answer.runs,
        taint: taint_gained(answer.taint_before, answer.taint_after),
        log: events(&answer.log, boot),
        ..Observation::default()
    };
    let mut buffers = answer.buffers.into_iter();
    match &meta.shape {
        Shape::Info => {
            observation.arg = buffers.next();
            observation.out = buffers.next().filter(|out| !out.is_empty());
        }
        Shape::Rpc { input, .. } | Shape::MemdevSend { input, .. } => {
            observation.arg = buffers.next();
            observation.input = buffers.next().filter(|now| now != input);
            observation.out = buffers.next().filter(|out| !out.is_empty());
        }
        Shape::Ioctl | Shape::MemdevQuery => {
            observation.arg = buffers.next().filter(|arg: &Bytes| !arg.is_empty())
        }
        Shape::Parallel(names) => {
            let branches = names.iter().zip(answer.branches);
            let seen = branches.map(|(name, branch)| {
                let steps = branch.0.into_iter().map(|(t, a)| observe(t, a, metas, boot));
                Ok(BranchSeen { name: name.clone(), steps: steps.collect::<Result<_, _>>()? })
            });
            observation.branches = seen.collect::<Result<_, _>>()?;
        }
        Shape::Sweep | Shape::Taint | Shape::Plain => {}
    }
    observation.text = answer.text.filter(|_| answer.errno >= 0);
    if meta.shape == Shape::Taint {
        match answer.taint_before {
            // The agent could not read it either.
            u64::MAX => {
                (observation.errno, observation.ret) = (OK.to_owned(), 0);
                observation.text = Some(UNKNOWN_TAINT.to_owned());
            }
            _ => observation.text = observation.text.map(without_modules),
        }
    }
    observation.decoded = decode::observation(&meta.shape, &observation);
    let aside = Aside {
        nanos: answer.nanos,
        taint_before: answer.taint_before,
        taint_after: answer.taint_after,
        lines: answer.log,
        ..Aside::default()
    };
    Ok(Seen { id: meta.id.clone(), observation, aside })
}

/// Whether an entry is the driver core's directory of a device's power management, which CONFIG_PM decides about
/// (drivers/base/power/sysfs.c, dpm_sysfs_add).
fn is_of_power(entry: &Entry) -> bool {
    entry.name == "power" && entry.kind == 'd'
}

/// Taint flags that a module sets when it is loaded: proprietary, out of tree, unsigned
/// (kernel/module/main.c; Documentation/admin-guide/tainted-kernels.rst).
const TAINTS_OF_MODULES: u64 = 1 << 0 | 1 << 12 | 1 << 13;

/// The kernel's taint as read, without what its modules brought: that depends on how they were built.
fn without_modules(text: String) -> String {
    match text.trim_end().parse::<u64>() {
        Ok(taint) => text.replacen(text.trim_end(), &(taint & !TAINTS_OF_MODULES).to_string(), 1),
        Err(_) => text,
    }
}

/// An errno by name; what the agent itself could not do in its own words.
fn errno_name(errno: i32, text: Option<&str>) -> String {
    match errno {
        0 => OK.to_owned(),
        ..0 => format!("agent: {}", text.unwrap_or("no reason given")),
        _ => match Errno::from_raw(errno) {
            Errno::UnknownErrno => format!("errno {errno}"),
            known => format!("{known:?}"),
        },
    }
}

/// The events among log lines. A message that comes once a boot counts only where the boot is the
/// session's own: in a shared one it would go to whichever session came first.
pub fn events(lines: &[LogLine], boot: Boot) -> Vec<Event> {
    let counts = |event: &Event| {
        boot == Boot::Quarantine || event.class.is_damage() || !klog::once_a_boot(&event.what)
    };
    lines.iter().filter_map(klog::classify).filter(counts).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_wire::Branch;

    use super::*;

    #[rstest]
    #[case::of_the_program(4_000_000_000, vec![], 4_000_000_000)]
    #[case::of_a_branch(0, vec![(7, Answer::default())], 7)]
    fn an_answer_to_no_step_is_none(
        #[case] ticket: u32,
        #[case] branch: Vec<(u32, Answer)>,
        #[case] none: u32,
    ) {
        let shape = Shape::Parallel(vec!["a".to_owned()]);
        let metas = [Meta { id: "group".to_owned(), host: None, shape }];
        let answer = Answer { branches: vec![Branch(branch)], ..Answer::default() };
        assert_eq!(observe(ticket, answer, &metas, Boot::Clean), Err(NoStep(none)));
    }

    #[rstest]
    #[case::clean("0\n", "0\n")]
    #[case::unsigned_module("8192\n", "0\n")]
    #[case::tainted_by_fwctl_beside("532480\n", "524288\n")]
    #[case::warned("512\n", "512\n")]
    #[case::no_number("what\n", "what\n")]
    fn what_modules_brought_is_no_part_of_the_taint_read(#[case] text: &str, #[case] read: &str) {
        assert_eq!(without_modules(text.to_owned()), read);
    }

    #[test]
    fn a_listing_has_what_a_driver_puts_there_and_not_what_the_power_management_does() {
        let entry = |name: &str, kind| Entry { name: name.to_owned(), kind, mode: 0o755, uid: 0, gid: 0 };
        let (uevent, power) = (entry("uevent", 'f'), entry("power", 'f'));
        let entries = vec![entry("power", 'd'), uevent.clone(), power.clone()];
        let meta = Meta { id: "list".into(), shape: Shape::Plain, host: None };
        let answer = Answer { entries, ..Answer::default() };
        let seen = observe(0, answer, &[meta], Boot::Clean).expect("a step").observation;
        assert_eq!(seen.entries, [uevent, power]);
    }

    fn taint_step(errno: i32, text: Option<&str>, taint: u64) -> Observation {
        let meta = Meta { id: "taint".into(), shape: Shape::Taint, host: None };
        let answer = Answer {
            errno,
            text: text.map(str::to_owned),
            taint_before: taint,
            taint_after: taint,
            ..Answer::default()
        };
        observe(0, answer, &[meta], Boot::Quarantine).expect("a step").observation
    }

    #[test]
    fn a_step_that_reads_a_taint_which_the_kernel_does_not_show_equals_any() {
        let unread = taint_step(Errno::ENOENT as i32, None, u64::MAX);
        for (text, taint) in [("0\n", 0), ("524288\n", 1 << 19)] {
            let read = Observation { ret: text.len() as i64, ..taint_step(0, Some(text), taint) };
            assert_eq!(unread.differing(&read), []);
            assert_eq!(read.differing(&unread), []);
        }
        // One that should be there and is gone differs.
        let gone = taint_step(Errno::ENOENT as i32, None, 0);
        assert!(!gone.differing(&taint_step(0, Some("0\n"), 0)).is_empty());
    }
}
