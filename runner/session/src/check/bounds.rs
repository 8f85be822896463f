//! How large and how long the parts of a session may be, and what its names may be made of.

use scrubjay_wire::op::Values;

use super::{Checked, complain, fine};
use crate::action::Place;
use crate::lower::STEP_DEADLINE_MS;
use crate::name;
use crate::session::Session;
use crate::step::{Action, Parallel, Step, Sweep};

/// The devices that a guest takes.
const DEVICES: usize = 32;
/// The steps of a session, branches included.
const STEPS: usize = 1_024;
/// The branches of a group.
const BRANCHES: usize = 16;
/// The descriptors that one step opens.
const DESCRIPTORS: u32 = 1_000;
/// The longest deadline, in milliseconds.
const DEADLINE_MS: u32 = 600_000;
/// The rounds of a sweep.
pub(crate) const ROUNDS: u64 = 1 << 20;
/// The values of a list of a sweep.
const VALUES: usize = 65_536;
/// The characters added to a command line; the kernel has room for 2,048 (arch/x86/include/asm/setup.h,
/// COMMAND_LINE_SIZE).
const COMMAND_LINE: usize = 1_024;
/// The bytes of a text that is written, and of a path.
const TEXT: usize = 65_536;
const PATH: usize = 4_095;

pub(super) fn check(session: &Session) -> Checked {
    if session.devices.len() > DEVICES {
        return complain(
            "devices",
            format!("{} devices are more than the {DEVICES} of a guest", session.devices.len()),
        );
    }
    let line = &session.command_line;
    if line.len() > COMMAND_LINE || !line.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        let why = format!("at most {COMMAND_LINE} printable ASCII characters are added to a command line");
        return complain("command_line", why);
    }
    let steps = session.steps_with_places();
    if steps.len() > STEPS {
        return complain(
            "steps",
            format!("{} steps are more than {STEPS}; make two sessions of them", steps.len()),
        );
    }
    steps.iter().try_for_each(|(at, step)| check_step(at, step))
}

fn check_step(at: &str, step: &Step) -> Checked {
    fine(format!("{at}.id"), name::wrong(&step.id))?;
    let deadline = step.deadline_ms.unwrap_or(STEP_DEADLINE_MS);
    if !(1..=DEADLINE_MS).contains(&deadline) {
        let why = format!("{deadline} ms are not from 1 to {DEADLINE_MS}");
        return complain(format!("{at}.deadline_ms"), why);
    }
    match &step.action {
        Action::Open(open) => {
            fine(format!("{at}.do.open.slot"), name::wrong(&open.slot))?;
            if !(1..=DESCRIPTORS).contains(&open.count) {
                let why = format!("a node is opened 1 to {DESCRIPTORS} times, not {}", open.count);
                return complain(format!("{at}.do.open.count"), why);
            }
            Ok(())
        }
        Action::Dup(dup) => fine(format!("{at}.do.dup.to"), name::wrong(&dup.to)),
        Action::Reopen(dup) => fine(format!("{at}.do.reopen.to"), name::wrong(&dup.to)),
        Action::Signal(point) => fine(format!("{at}.do.signal.point"), name::wrong(&point.point)),
        Action::WaitFor(point) => fine(format!("{at}.do.wait-for.point"), name::wrong(&point.point)),
        Action::Parallel(group) => check_group(at, group, deadline),
        Action::Pause(pause) if pause.ms == 0 || pause.ms >= deadline => {
            let why = format!(
                "a pause of {} ms is not from 1 ms to below the step's deadline of {deadline} ms; raise `deadline_ms`",
                pause.ms
            );
            complain(format!("{at}.do.pause.ms"), why)
        }
        Action::Sweep(sweep) => check_sweep(at, sweep),
        Action::Read(place) => check_place(&format!("{at}.do.read"), place),
        Action::List(place) => check_place(&format!("{at}.do.list"), place),
        Action::Stat(place) => check_place(&format!("{at}.do.stat"), place),
        Action::Resolve(place) => check_place(&format!("{at}.do.resolve"), place),
        Action::Write(write) => {
            check_place(&format!("{at}.do.write.at"), &write.at)?;
            let long = write.text.len() > TEXT;
            fine(format!("{at}.do.write.text"), long.then(|| format!("longer than {TEXT} bytes")))
        }
        Action::LoadModule(module) => check_module(&format!("{at}.do.load-module.name"), &module.name),
        Action::UnloadModule(module) => check_module(&format!("{at}.do.unload-module.name"), &module.name),
        _ => Ok(()),
    }
}

fn check_group(at: &str, group: &Parallel, deadline: u32) -> Checked {
    let at = format!("{at}.do.parallel.branches");
    if !(1..=BRANCHES).contains(&group.branches.len()) {
        return complain(at, format!("{} branches are not 1 to {BRANCHES}", group.branches.len()));
    }
    for (b, branch) in group.branches.iter().enumerate() {
        let here = format!("{at}[{b}]");
        fine(format!("{here}.name"), name::wrong(&branch.name))?;
        if group.branches[..b].iter().any(|other| other.name == branch.name) {
            return complain(
                format!("{here}.name"),
                format!("another branch is called `{}` too", branch.name),
            );
        }
        if branch.steps.is_empty() {
            return complain(format!("{here}.steps"), "a branch without a step");
        }
        let pauses = branch.steps.iter().map(|step| match &step.action {
            Action::Pause(pause) => u64::from(pause.ms),
            _ => 0,
        });
        let pauses: u64 = pauses.sum();
        if pauses >= u64::from(deadline) {
            let why = format!(
                "its pauses of {pauses} ms in all reach the group's deadline of {deadline} ms; raise the group's \
                 `deadline_ms`"
            );
            return complain(format!("{here}.steps"), why);
        }
    }
    Ok(())
}

fn check_sweep(at: &str, sweep: &Sweep) -> Checked {
    let at = format!("{at}.do.sweep.vary");
    if sweep.vary.is_empty() {
        return complain(at, "nothing moves; a sweep repeats a call with values that do");
    }
    let mut rounds = 1_u64;
    for (v, moving) in sweep.vary.iter().enumerate() {
        let here = format!("{at}[{v}]");
        let wrong = match &moving.values {
            Values::List(list) if list.is_empty() => Some("no values".to_owned()),
            Values::List(list) if list.len() > VALUES => {
                Some(format!("{} values are more than the {VALUES} of a list; write a range", list.len()))
            }
            Values::Range { step: 0, .. } => Some("a range goes on by a step of at least 1".to_owned()),
            Values::Range { from, to, .. } if from > to => {
                Some(format!("a range from {from} up to {to} is empty"))
            }
            Values::Range { to, .. } if *to > u64::from(u32::MAX) => Some(format!("{to} is above 32 bits")),
            _ => None,
        };
        fine(format!("{here}.values"), wrong)?;
        if moving.places.is_empty() {
            return complain(format!("{here}.places"), "no place takes these values");
        }
        rounds = rounds.saturating_mul(moving.values.len());
    }
    let many = rounds > ROUNDS;
    fine(at, many.then(|| format!("{rounds} rounds are more than {ROUNDS}; make several sweeps of them")))
}

fn check_place(at: &str, place: &Place) -> Checked {
    let path = &place.path;
    let wrong = if path.starts_with('/') {
        Some("a path goes on from its anchor, without a `/` in front; `root` is `/`")
    } else if path.contains('\0') || path.len() > PATH {
        Some("no path: it holds a NUL, or is longer than 4,095 bytes")
    } else {
        None
    };
    fine(format!("{at}.path"), wrong.map(str::to_owned))
}

/// What MODULE_NAME_LEN and `/proc/modules` have room for (include/linux/module.h).
fn check_module(at: &str, name: &str) -> Checked {
    let fits = (1..56).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let why = || format!("`{}` is not a module name as `/proc/modules` has it", name.escape_debug());
    fine(at, (!fits).then(why))
}
