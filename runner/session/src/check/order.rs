//! The order of steps: that a descriptor was opened before it is used, and that what is waited for comes.

use std::collections::{BTreeSet, HashMap};

use super::{Checked, complain};
use crate::session::Session;
use crate::step::{Action, BranchSteps, Parallel, Step};

/// Descriptors by name that were opened for certain. A closed one stays: to use it is a way to pin EBADF.
type Opened = BTreeSet<String>;

pub(super) fn check(session: &Session) -> Checked {
    let mut opened = Opened::new();
    let everywhere = opened_by_all(session);
    for (i, step) in session.steps.iter().enumerate() {
        let at = format!("steps[{i}]");
        match &step.action {
            Action::Parallel(group) => {
                let points = Points::of(&at, group);
                points.all_come()?;
                points.check_slots(&opened, &everywhere)?;
                let all = group.branches.iter().flat_map(|branch| &branch.steps);
                opened.extend(all.flat_map(|step| opens(&step.action)));
            }
            action => {
                check_uses(&at, action, &opened, &everywhere)?;
                opened.extend(opens(action));
            }
        }
    }
    Ok(())
}

/// Each descriptor with the first step that opens it.
fn opened_by_all(session: &Session) -> HashMap<String, &str> {
    let mut all = HashMap::new();
    for (_, step) in session.steps_with_places() {
        for slot in opens(&step.action) {
            all.entry(slot).or_insert(step.id.as_str());
        }
    }
    all
}

fn opens(action: &Action) -> Vec<String> {
    match action {
        Action::Open(open) => open.slots(),
        Action::Dup(dup) | Action::Reopen(dup) => vec![dup.to.clone()],
        _ => Vec::new(),
    }
}

/// The descriptor that an action needs, and the name of the field that holds it.
fn uses(action: &Action) -> Option<(&str, &'static str)> {
    Some(match action {
        Action::Close(slot) => (&slot.slot, "close.slot"),
        Action::Dup(dup) => (&dup.from, "dup.from"),
        Action::Reopen(dup) => (&dup.from, "reopen.from"),
        Action::Info(info) => (&info.slot, "info.slot"),
        Action::GetSupportedFeatures(get) => (&get.slot, "get-supported-features.slot"),
        Action::GetFeature(get) => (&get.slot, "get-feature.slot"),
        Action::SetFeature(set) => (&set.slot, "set-feature.slot"),
        Action::Rpc(rpc) => (&rpc.slot, "rpc.slot"),
        Action::MemdevQuery(query) => (&query.slot, "memdev-query.slot"),
        Action::MemdevSend(send) => (&send.slot, "memdev-send.slot"),
        Action::Ioctl(ioctl) => (&ioctl.slot, "ioctl.slot"),
        Action::FileCall(call) => (&call.slot, "file-call.slot"),
        _ => return None,
    })
}

fn check_uses(at: &str, action: &Action, opened: &Opened, everywhere: &HashMap<String, &str>) -> Checked {
    let (used, within) = match action {
        Action::Sweep(sweep) => (uses(&sweep.call), ".do.sweep.call."),
        action => (uses(action), ".do."),
    };
    let Some((slot, field)) = used else { return Ok(()) };
    if opened.contains(slot) {
        return Ok(());
    }
    let shown = slot.escape_debug();
    let why = match everywhere.get(slot) {
        Some(step) => format!(
            "nothing says that step `{step}`, which opens `{shown}`, comes before this; open it earlier, or wait \
             for a point that comes after it"
        ),
        None if opened.is_empty() => format!("no step opens `{shown}`; open it first"),
        None => {
            let known: Vec<_> = opened.iter().take(8).map(|slot| format!("`{slot}`")).collect();
            format!("no step opens `{shown}`; open here: {}", known.join(", "))
        }
    };
    complain(format!("{at}{within}{field}"), why)
}

/// A group, and which of its steps come before which.
struct Points<'a> {
    at: String,
    branches: &'a [BranchSteps],
}

impl<'a> Points<'a> {
    fn of(at: &str, group: &'a Parallel) -> Self {
        Points { at: format!("{at}.do.parallel.branches"), branches: &group.branches }
    }

    fn place(&self, branch: usize, step: usize) -> String {
        format!("{}[{branch}].steps[{step}]", self.at)
    }

    /// Every step that raises a point: branch and index.
    fn raised_at(&self, point: &str) -> Vec<(usize, usize)> {
        let raises = |step: &Step| matches!(&step.action, Action::Signal(raised) if raised.point == point);
        let of = |(b, branch): (usize, &BranchSteps)| {
            let steps = branch.steps.iter().enumerate().filter(|(_, step)| raises(step));
            steps.map(|(i, _)| (b, i)).collect::<Vec<_>>()
        };
        self.branches.iter().enumerate().flat_map(of).collect()
    }

    /// That no branch waits for ever. A point that was raised stays raised, and nothing else blocks for good, so
    /// going as far as one can finds every wait that is never over.
    fn all_come(&self) -> Checked {
        let mut next = vec![0; self.branches.len()];
        let mut raised = BTreeSet::new();
        loop {
            let before = next.clone();
            for (branch, next) in self.branches.iter().zip(&mut next) {
                while let Some(step) = branch.steps.get(*next) {
                    match &step.action {
                        Action::WaitFor(point) if !raised.contains(&point.point) => break,
                        Action::Signal(point) => {
                            raised.insert(&point.point);
                        }
                        _ => {}
                    }
                    *next += 1;
                }
            }
            if next == before {
                break;
            }
        }
        let stuck = self.branches.iter().zip(&next).enumerate();
        for (b, (branch, &i)) in stuck {
            let Some(Step { action: Action::WaitFor(point), .. }) = branch.steps.get(i) else { continue };
            let point = point.point.as_str();
            let why = match self.raised_at(point).first() {
                None => format!(
                    "nobody signals `{point}`, so this would wait for ever; signal it in another branch"
                ),
                Some(&(other, signal)) => format!(
                    "this would wait for ever: step `{}`, which signals `{point}`, comes after a wait that is never \
                     over; signal it earlier",
                    self.branches[other].steps[signal].id
                ),
            };
            return complain(format!("{}.do.wait-for.point", self.place(b, i)), why);
        }
        Ok(())
    }

    /// That each descriptor is opened before the group, earlier in the branch, or before a point that the branch
    /// has waited for.
    fn check_slots(&self, before: &Opened, everywhere: &HashMap<String, &str>) -> Checked {
        let mut after: Vec<Vec<Opened>> =
            self.branches.iter().map(|branch| vec![Opened::new(); branch.steps.len()]).collect();
        loop {
            let was = after.clone();
            for (b, branch) in self.branches.iter().enumerate() {
                let mut opened = before.clone();
                for (i, step) in branch.steps.iter().enumerate() {
                    if let Action::WaitFor(point) = &step.action {
                        // Whichever of them raised it: what all of them came after.
                        let sources = self.raised_at(&point.point).into_iter();
                        let common = sources.map(|(b, i)| after[b][i].clone()).reduce(|a, b| &a & &b);
                        opened.extend(common.into_iter().flatten());
                    }
                    opened.extend(opens(&step.action));
                    after[b][i].clone_from(&opened);
                }
            }
            if after == was {
                break;
            }
        }
        for (b, branch) in self.branches.iter().enumerate() {
            for (i, step) in branch.steps.iter().enumerate() {
                let earlier = i.checked_sub(1).map_or(before, |i| &after[b][i]);
                check_uses(&self.place(b, i), &step.action, earlier, everywhere)?;
            }
        }
        Ok(())
    }
}
