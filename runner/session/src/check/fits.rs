//! Whether a session fits the devices that it runs against: names of Features, what their firmware is told to
//! do, faults that can never act.

use std::path::Path;

use scrubjay_uapi::cxl::Selection;

use super::{Checked, complain, device_of, fine};
use crate::cxl::action::FirmwareSet;
use crate::cxl::profile::useless::{MOST_COMMANDS, no_feature, unsent, useless};
use crate::cxl::profile::{Profile, Profiles};
use crate::file::FileError;
use crate::lower::{Surroundings, lower};
use crate::session::{Session, any_step, is_call};
use crate::step::{Action, Step};

impl Session {
    /// Checks that the session can be played against its devices: everything that lowering and the firmware
    /// would otherwise refuse while it runs.
    ///
    /// # Errors
    /// The file, the place in it and the remedy.
    pub fn check_against(&self, path: &Path, profiles: &Profiles) -> Result<(), FileError> {
        self.check_firmware(profiles).map_err(|wrong| FileError::sense(path, wrong.place, wrong.why))?;
        let version = |profile: &str, name: &str| {
            let feature = profiles.get(profile).ok()?.feature(name)?;
            Some((feature.uuid(), feature.set_version))
        };
        let devices: Vec<_> = (0..self.devices.len()).map(|i| i as u16).collect();
        let surroundings = Surroundings { feature: &version, devices: &devices, patience: 1.0, sample: None };
        lower(self, &surroundings).map_err(|wrong| FileError::sense(path, wrong.place, wrong.why))?;
        Ok(())
    }

    fn check_firmware(&self, profiles: &Profiles) -> Checked {
        let mut devices = Vec::new();
        for (i, id) in self.devices.iter().enumerate() {
            match profiles.get(id) {
                Ok(profile) => devices.push(profile),
                Err(_) => {
                    let why = format!("there is no profile `{}` in vectors/devices", id.escape_debug());
                    return complain(format!("devices[{i}]"), why);
                }
            }
        }
        for (at, step) in self.steps_with_places() {
            let Some(profile) = device_of(&step.action).and_then(|i| devices.get(i)) else { continue };
            check_step(&at, step, profile)?;
            if let Action::FirmwareFault(_) | Action::FirmwareFail(_) | Action::Hold(_) = step.action
                && let Some(i) = self.steps.iter().position(|s| s.id == step.id)
                && !any_step(&self.steps[i + 1..], &may_reach_firmware)
            {
                let why =
                    "no later step makes the kernel send a command, so this never acts; put it before one";
                return complain(format!("{at}.do"), why);
            }
        }
        Ok(())
    }
}

/// Whether a step may make the kernel send a mailbox command.
fn may_reach_firmware(action: &Action) -> bool {
    is_call(action)
        || matches!(
            action,
            Action::Sweep(_)
                | Action::Read(_)
                | Action::Write(_)
                | Action::FileCall(_)
                | Action::Bind(_)
                | Action::Unbind(_)
                | Action::Rescan(_)
                | Action::Plug(_)
                | Action::LoadModule(_)
                | Action::Settle(_)
        )
}

fn check_step(at: &str, step: &Step, profile: &Profile) -> Checked {
    let acts = matches!(
        step.action,
        Action::FirmwareSet(_)
            | Action::FirmwareFail(_)
            | Action::FirmwareFault(_)
            | Action::Hold(_)
            | Action::AwaitHeld(_)
            | Action::Release(_)
    );
    if acts && !profile.is_served() {
        let why = format!("QEMU has the device `{}` itself, and its firmware cannot act", profile.id);
        return complain(format!("{at}.do"), why);
    }
    match &step.action {
        Action::FirmwareSet(set) => check_set(&format!("{at}.do.firmware-set"), set, profile),
        Action::FirmwareFail(fail) => {
            let at = format!("{at}.do.firmware-fail");
            if !(1..=MOST_COMMANDS).contains(&fail.times) {
                let why = format!("{} times are not from 1 to {MOST_COMMANDS}", fail.times);
                return complain(format!("{at}.times"), why);
            }
            fine(format!("{at}.opcode"), unsent(profile, fail.opcode))
        }
        Action::Hold(hold) => fine(format!("{at}.do.hold.opcode"), unsent(profile, hold.opcode)),
        Action::FirmwareFault(fault) => match useless(profile, &fault.on, &fault.play) {
            Some((field, why)) => complain(format!("{at}.do.firmware-fault.{field}"), why),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn check_set(at: &str, set: &FirmwareSet, profile: &Profile) -> Checked {
    let Some(feature) = profile.feature(&set.feature) else {
        return complain(format!("{at}.feature"), no_feature(profile, &set.feature));
    };
    match Selection::from_number(set.selection.0) {
        Some(Selection::Current | Selection::Saved) => {}
        Some(Selection::Default) => {
            return complain(
                format!("{at}.selection"),
                "the default value is fixed; set `current` or `saved`",
            );
        }
        None => {
            return complain(format!("{at}.selection"), format!("a Feature has no value {}", set.selection));
        }
    }
    let (size, end) = (usize::from(feature.get_size), usize::from(set.offset) + set.bytes.len());
    if set.bytes.is_empty() || end > size {
        let why =
            format!("bytes {} up to {end} are none of the {size} that `{}` has", set.offset, feature.name);
        return complain(format!("{at}.bytes"), why);
    }
    Ok(())
}
