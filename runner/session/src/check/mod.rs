//! What a session must not say: everything that can be known when its file is read. Its form by itself
//! here, the [order] of its steps, its [bounds], steps that are to agree ([coherent]), commands of the memdev
//! ([memdev]), and what its devices cannot do ([fits]). Runs nothing.

mod bounds;
mod coherent;
mod fits;
mod memdev;
mod order;

use std::collections::HashSet;
use std::path::Path;

use crate::file::{self, FileError};
use crate::name;
use crate::session::{Boot, FORMAT, Session, is_call, walk};
use crate::step::{Action, Outcome, Step};

pub(crate) use bounds::ROUNDS as MOST_ROUNDS;

/// A contradiction: where in the session, and why, with the remedy.
struct Complaint {
    place: String,
    why: String,
}

type Checked = Result<(), Complaint>;

fn complain(place: impl Into<String>, why: impl Into<String>) -> Checked {
    Err(Complaint { place: place.into(), why: why.into() })
}

/// Complains where there is a reason to.
fn fine(place: impl Into<String>, wrong: Option<String>) -> Checked {
    wrong.map_or(Ok(()), |why| complain(place, why))
}

impl Session {
    /// Checks what the form alone does not, as far as it can be known without the device profiles.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub fn check(&self, path: &Path) -> Result<(), FileError> {
        if self.format != FORMAT {
            let why = format!("`{}` is not `{FORMAT}`", self.format.escape_debug());
            return Err(FileError::sense(path, "format", why));
        }
        file::check_stem(path, &self.id)?;
        self.check_parts().map_err(|wrong| FileError::sense(path, wrong.place, wrong.why))
    }

    fn check_parts(&self) -> Checked {
        fine("title", name::wrong_title(&self.title))?;
        self.check_devices()?;
        if self.steps.is_empty() {
            return complain("steps", "a session without a step pins nothing");
        }
        bounds::check(self)?;
        self.check_probe()?;
        let mut seen = HashSet::new();
        for (at, step) in self.steps_with_places() {
            if !seen.insert(&step.id) {
                let why = format!("`{}` is taken; step ids are unique in a session", step.id);
                return complain(format!("{at}.id"), why);
            }
            self.check_step(&at, step)?;
        }
        order::check(self)?;
        coherent::check(self)
    }

    /// Every step with its place in the file.
    fn steps_with_places(&self) -> Vec<(String, &Step)> {
        let mut all = Vec::new();
        walk("steps", &self.steps, &mut |at, step| all.push((at.to_owned(), step)));
        all
    }

    fn check_devices(&self) -> Checked {
        if self.devices.is_empty() {
            return complain("devices", "a session needs at least one device profile");
        }
        for (i, device) in self.devices.iter().enumerate() {
            if self.devices[..i].contains(device) {
                let why = format!("`{device}` is there twice and would be one device; name another profile");
                return complain(format!("devices[{i}]"), why);
            }
        }
        Ok(())
    }

    fn check_probe(&self) -> Checked {
        let probe = |step: &Step| matches!(step.action, Action::Probe(_));
        let untouched = self.boot == Boot::Quarantine || self.own_devices;
        if self.steps.iter().skip(1).any(probe) || (!untouched && probe(&self.steps[0])) {
            return complain(
                "steps",
                "a probe step is the first of a session with `\"own_devices\": true` or \
                 `\"boot\": \"quarantine\"`",
            );
        }
        Ok(())
    }

    fn check_step(&self, at: &str, step: &Step) -> Checked {
        let devices = self.devices.len();
        if let Some(device) = device_of(&step.action)
            && device >= devices
        {
            let why = format!("device {device} is not among the session's {devices} (they count from 0)");
            return complain(format!("{at}.do"), why);
        }
        if let Some(i) = step.masks.iter().position(|mask| mask.why.trim().is_empty()) {
            return complain(format!("{at}.masks[{i}].why"), "a mask is a hole, and wants its reason");
        }
        let in_branch = at.contains(".branches[");
        if in_branch && !(step.masks.is_empty() && step.outcome == Outcome::Value) {
            let why = "a group is compared as a whole; say this of the group, and mask its `branches`";
            return complain(at, why);
        }
        match &step.action {
            Action::Probe(_) if in_branch => complain(format!("{at}.do"), "a probe step in a branch"),
            Action::Parallel(_) if in_branch => {
                complain(format!("{at}.do"), "a parallel group inside a parallel group")
            }
            Action::Signal(_) | Action::WaitFor(_) if !in_branch => {
                complain(format!("{at}.do"), "points are only for the branches of a parallel group")
            }
            Action::MemdevSend(send) => memdev::check(&format!("{at}.do.memdev-send"), send),
            Action::Sweep(sweep) if !is_call(&sweep.call) || memdev::is_of_memdev(&sweep.call) => {
                complain(format!("{at}.do.sweep.call"), "only info, an RPC or an ioctl can be swept")
            }
            Action::Unplug(_) if !self.command_line.split(' ').any(|word| word == "pcie_ports=native") => {
                complain(
                    format!("{at}.do"),
                    "the kernel minds its slots with `\"command_line\": \"pcie_ports=native\"` only",
                )
            }
            _ => Ok(()),
        }
    }
}

/// The device that an action names.
fn device_of(action: &Action) -> Option<usize> {
    Some(match action {
        Action::Open(open) => open.device,
        Action::Read(place) | Action::List(place) | Action::Stat(place) | Action::Resolve(place) => {
            place.device
        }
        Action::Write(write) => write.at.device,
        Action::Unbind(driver) | Action::Bind(driver) => driver.device,
        Action::Remove(on)
        | Action::Rescan(on)
        | Action::Unplug(on)
        | Action::Plug(on)
        | Action::AwaitHeld(on)
        | Action::Release(on) => on.device,
        Action::Settle(settle) => settle.device,
        Action::FirmwareSet(set) => set.device,
        Action::FirmwareFail(fail) => fail.device,
        Action::FirmwareFault(fault) => fault.device,
        Action::Hold(hold) => hold.device,
        _ => return None,
    })
}
