//! Sessions: an ordered list of steps that one user-space program takes.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use scrubjay_wire::Anchor;
use serde::{Deserialize, Serialize};

use crate::file::{self, FileError};
use crate::step::{Action, Field, Step};

/// The form that this program reads.
pub const FORMAT: &str = "scrubjay.session/1";

/// A session file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// [`FORMAT`].
    pub format: String,
    /// The file's stem.
    pub id: String,
    /// What it pins, in one line.
    pub title: String,
    /// Ids of the device profiles that it runs against; steps count them from 0.
    pub devices: Vec<String>,
    /// What kind of boot it needs.
    #[serde(default)]
    pub boot: Boot,
    /// Whether no other session may touch its devices: it spoils them, or looks at what they received
    /// before it. So it is for every session that binds, unbinds, removes or unplugs one, without this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_devices: bool,
    /// Added to the kernel's command line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command_line: String,
    /// What the kernel has to have; without it the session is skipped, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// The promise that the fields of its steps belong to, where a step names no other.
    pub promise: String,
    /// In order.
    pub steps: Vec<Step>,
    /// Steps that read one state of a Feature after it was written, through EDAC and through fwctl:
    /// the steps of a list have to agree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coherent: Vec<Vec<String>>,
}

/// What kind of boot a session needs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Boot {
    /// Shared with others; no step taints the kernel.
    #[default]
    Clean,
    /// Shared with others; the kernel is tainted by fwctl before the first session starts, so that
    /// none of them sees another's taint.
    Tainting,
    /// A boot of its own: it may hurt the kernel, or needs it untouched.
    Quarantine,
}

impl Boot {
    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Boot::Clean => "clean",
            Boot::Tainting => "tainting",
            Boot::Quarantine => "quarantine",
        }
    }
}

/// Something that a kernel may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// The EDAC subsystem.
    Edac,
    /// The 32-bit entry.
    Ia32,
    /// The lockdown LSM.
    Lockdown,
    /// User namespaces.
    UserNamespaces,
    /// `/proc/sys/kernel/tainted`.
    Taint,
    /// CXL and fwctl as modules.
    Modules,
    /// PCIe hotplug.
    PcieHotplug,
    /// The slab allocator's checks, which `slab_debug` on the command line switches on.
    SlubDebug,
}

impl Need {
    /// The name that JSON and the agent use.
    pub fn name(self) -> &'static str {
        match self {
            Need::Edac => "edac",
            Need::Ia32 => "ia32",
            Need::Lockdown => "lockdown",
            Need::UserNamespaces => "user-namespaces",
            Need::Taint => "taint",
            Need::Modules => "modules",
            Need::PcieHotplug => "pcie-hotplug",
            Need::SlubDebug => "slub-debug",
        }
    }
}

/// Attributes of buses, drivers, devices and slots by which devices come, go or change drivers
/// (Documentation/ABI/testing/sysfs-bus-pci, sysfs-bus-cxl; drivers/base/bus.c).
const REBINDS: [&str; 10] = [
    "bind",
    "unbind",
    "new_id",
    "remove_id",
    "driver_override",
    "drivers_probe",
    "drivers_autoprobe",
    "remove",
    "rescan",
    "power",
];

impl Session {
    /// Reads and checks one file.
    ///
    /// # Errors
    /// The file, the place in it and the remedy.
    pub fn load(path: &Path) -> Result<Self, FileError> {
        let session: Session = file::read(path)?;
        session.check(path)?;
        Ok(session)
    }

    /// Checks what the form alone does not.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub fn check(&self, path: &Path) -> Result<(), FileError> {
        let sense = |place: String, why: String| Err(FileError::sense(path, place, why));
        if self.format != FORMAT {
            return sense("format".into(), format!("`{}` is not `{FORMAT}`", self.format));
        }
        file::check_stem(path, &self.id)?;
        if self.devices.is_empty() {
            return sense("devices".into(), "a session needs at least one device profile".into());
        }
        if self.steps.is_empty() {
            return sense("steps".into(), "a session without a step pins nothing".into());
        }
        let probe = |step: &Step| matches!(step.action, Action::Probe(_));
        let untouched = self.boot == Boot::Quarantine || self.own_devices;
        if self.steps.iter().skip(1).any(probe) || (!untouched && probe(&self.steps[0])) {
            return sense(
                "steps".into(),
                "a probe step is the first of a session with `\"own_devices\": true` or \
                 `\"boot\": \"quarantine\"`"
                    .into(),
            );
        }
        let mut seen = HashSet::new();
        check_steps(path, "steps", &self.steps, self.devices.len(), &mut seen, false)?;
        for (i, group) in self.coherent.iter().enumerate() {
            if let Err(why) = self.check_coherent(group) {
                return sense(format!("coherent[{i}]"), why);
            }
        }
        Ok(())
    }

    /// That steps can disagree about one state.
    fn check_coherent(&self, group: &[String]) -> Result<(), String> {
        let mut at = Vec::new();
        for id in group {
            let step = self.steps.iter().position(|step| step.id == *id);
            at.push(step.ok_or_else(|| format!("there is no step `{id}` outside of branches"))?);
        }
        let reads_edac = |action: &Action| matches!(action, Action::Read(p) if p.anchor == Anchor::Edac);
        let reads_fwctl = |action: &Action| matches!(action, Action::GetFeature(_));
        let actions = || at.iter().map(|&at| &self.steps[at].action);
        if let Some(other) = actions().position(|action| !reads_edac(action) && !reads_fwctl(action)) {
            return Err(format!("`{}` reads neither an EDAC attribute nor a Feature", group[other]));
        }
        if !actions().any(reads_edac) || !actions().any(reads_fwctl) {
            return Err("one of the steps reads an EDAC attribute and another a Feature".into());
        }
        let (first, last) = (at.iter().min().copied().unwrap_or(0), at.iter().max().copied().unwrap_or(0));
        if !self.steps[..first].iter().any(|step| writes_feature(&step.action)) {
            return Err("nothing is written before these steps, so they could never disagree".into());
        }
        match self.steps[first..last].iter().find(|step| writes_feature(&step.action)) {
            Some(step) => Err(format!("`{}` writes between these steps: they read two states", step.id)),
            None => Ok(()),
        }
    }

    /// Whether the guest can serve no other session afterwards. A scan of the bus finds the devices again
    /// that other sessions removed, and a module is for all devices. A write that does the like by its path may
    /// take any device or driver, whatever its anchor.
    pub fn spoils_guest(&self) -> bool {
        self.boot == Boot::Quarantine
            || any_step(&self.steps, &|action| match action {
                Action::Rescan(_) | Action::LoadModule(_) | Action::UnloadModule(_) => true,
                Action::Write(write) => {
                    write.at.path.rsplit('/').next().is_some_and(|name| REBINDS.contains(&name))
                }
                _ => false,
            })
    }

    /// Whether its devices can serve no other session afterwards, or none before it.
    pub fn spoils_devices(&self) -> bool {
        self.own_devices
            || any_step(&self.steps, &|action| {
                matches!(action, Action::Unbind(_) | Action::Bind(_) | Action::Remove(_) | Action::Unplug(_))
            })
    }

    /// The id of the step that shows what came before the session.
    pub fn probe_step(&self) -> Option<&str> {
        self.steps.iter().find(|s| matches!(s.action, Action::Probe(_))).map(|s| s.id.as_str())
    }

    /// The promise that a field of a step belongs to.
    pub fn promise_of(&self, step: &str, field: Field) -> &str {
        let Some(step) = find_step(&self.steps, step) else { return &self.promise };
        step.pins
            .iter()
            .find(|pin| pin.field == field)
            .map(|pin| &pin.promise)
            .or(step.promise.as_ref())
            .unwrap_or(&self.promise)
    }

    /// A step by its id, in branches too.
    pub fn step(&self, id: &str) -> Option<&Step> {
        find_step(&self.steps, id)
    }

    /// Every promise that the session names.
    pub fn promises(&self) -> Vec<&str> {
        let mut all = vec![self.promise.as_str()];
        walk(&self.steps, &mut |step| {
            all.extend(step.promise.as_deref());
            all.extend(step.pins.iter().map(|pin| pin.promise.as_str()));
        });
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn walk<'a>(steps: &'a [Step], visit: &mut impl FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        if let Action::Parallel(group) = &step.action {
            for branch in &group.branches {
                walk(&branch.steps, visit);
            }
        }
    }
}

fn find_step<'a>(steps: &'a [Step], id: &str) -> Option<&'a Step> {
    let mut found = None;
    walk(steps, &mut |step| {
        if step.id == id {
            found = Some(step);
        }
    });
    found
}

fn any_step(steps: &[Step], is_it: &impl Fn(&Action) -> bool) -> bool {
    let mut any = false;
    walk(steps, &mut |step| any |= is_it(&step.action));
    any
}

fn check_steps<'a>(
    path: &Path,
    at: &str,
    steps: &'a [Step],
    devices: usize,
    seen: &mut HashSet<&'a str>,
    in_branch: bool,
) -> Result<(), FileError> {
    for (i, step) in steps.iter().enumerate() {
        let here = format!("{at}[{i}]");
        let sense = |place: &str, why: String| Err(FileError::sense(path, format!("{here}{place}"), why));
        if step.id.is_empty() || !seen.insert(&step.id) {
            return sense(
                ".id",
                format!("`{}` is empty or taken; step ids are unique in a session", step.id),
            );
        }
        if let Some(device) = device_of(&step.action)
            && device >= devices
        {
            return sense(
                ".do",
                format!("device {device} is not among the session's {devices} (they count from 0)"),
            );
        }
        match &step.action {
            Action::Open(open) if open.count == 0 => {
                return sense(".do.open.count", "a node is opened at least once".into());
            }
            Action::Parallel(_) if in_branch => {
                return sense(".do", "a parallel group inside a parallel group".into());
            }
            Action::Parallel(group) => {
                for (b, branch) in group.branches.iter().enumerate() {
                    let at = format!("{here}.do.parallel.branches[{b}].steps");
                    check_steps(path, &at, &branch.steps, devices, seen, true)?;
                }
            }
            Action::Signal(_) | Action::WaitFor(_) if !in_branch => {
                return sense(".do", "points are only for the branches of a parallel group".into());
            }
            Action::Sweep(sweep) => {
                if !is_call(&sweep.call) {
                    return sense(".do.sweep.call", "only info, an RPC or an ioctl can be swept".into());
                }
                if let Some(empty) = sweep.vary.iter().position(|v| v.values.is_empty()) {
                    return sense(&format!(".do.sweep.vary[{empty}]"), "no values".into());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether an action is an ioctl on a descriptor.
pub(crate) fn is_call(action: &Action) -> bool {
    matches!(
        action,
        Action::Info(_)
            | Action::GetSupportedFeatures(_)
            | Action::GetFeature(_)
            | Action::SetFeature(_)
            | Action::Rpc(_)
            | Action::Ioctl(_)
    )
}

/// Whether an action writes a Feature, whoever does it.
fn writes_feature(action: &Action) -> bool {
    match action {
        Action::Write(write) => write.at.anchor == Anchor::Edac,
        Action::SetFeature(_) | Action::FirmwareSet(_) => true,
        _ => false,
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

/// All sessions below a directory, by id.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    by_id: BTreeMap<String, (PathBuf, Session)>,
}

impl Sessions {
    /// Reads every session below `dir`.
    ///
    /// # Errors
    /// The first file that is wrong, or an id that two files share.
    pub fn load(dir: &Path) -> Result<Self, FileError> {
        let mut sessions = Sessions::default();
        for path in file::json_below(dir)? {
            let session = Session::load(&path)?;
            let id = session.id.clone();
            if let Some((other, _)) = sessions.by_id.insert(id.clone(), (path.clone(), session)) {
                let why = format!("`{id}` is the id of {} too", other.display());
                return Err(FileError::sense(&path, "id", why));
            }
        }
        Ok(sessions)
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<&Session> {
        self.by_id.get(id).map(|(_, session)| session)
    }

    /// The file of one of them.
    pub fn path(&self, id: &str) -> Option<&Path> {
        self.by_id.get(id).map(|(path, _)| path.as_path())
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_id.values().map(|(_, session)| session)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}
