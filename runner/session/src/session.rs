//! Sessions: an ordered list of steps that one user-space program takes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use scrubjay_wire::Lack;
use serde::{Deserialize, Serialize};

use crate::canonical;
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
    /// Whether it needs a guest that was booted with its devices in it: what it pins comes at boot alone. Any other
    /// may start in a guest that was kept without devices and found them later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cold_boot: bool,
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
    /// [`canonical`] of the file; of the session as it would be written where it is from none.
    #[serde(skip)]
    canonical: Option<String>,
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
    /// Raw mailbox commands of the memdev's node (CONFIG_CXL_MEM_RAW_COMMANDS).
    RawCommands,
    /// A kernel that was built without them, and refuses each.
    RawRefusal,
}

impl Need {
    /// The name that JSON and the agent use.
    pub fn name(self) -> &'static str {
        self.lack().name()
    }

    /// What a kernel lacks that has not this.
    pub fn lack(self) -> Lack {
        match self {
            Need::Edac => Lack::Edac,
            Need::Ia32 => Lack::Ia32,
            Need::Lockdown => Lack::Lockdown,
            Need::UserNamespaces => Lack::UserNamespaces,
            Need::Taint => Lack::Taint,
            Need::Modules => Lack::Modules,
            Need::PcieHotplug => Lack::PcieHotplug,
            Need::SlubDebug => Lack::SlubDebug,
            Need::RawCommands => Lack::RawCommands,
            Need::RawRefusal => Lack::RawRefusal,
        }
    }

    /// What a session may ask for, where a kernel may lack it. Every session needs fwctl; none needs a kernel that
    /// shows its stacks.
    pub fn of(lack: Lack) -> Option<Need> {
        match lack {
            Lack::Fwctl | Lack::Stack => None,
            Lack::Edac => Some(Need::Edac),
            Lack::Lockdown => Some(Need::Lockdown),
            Lack::UserNamespaces => Some(Need::UserNamespaces),
            Lack::Ia32 => Some(Need::Ia32),
            Lack::Taint => Some(Need::Taint),
            Lack::Modules => Some(Need::Modules),
            Lack::PcieHotplug => Some(Need::PcieHotplug),
            Lack::SlubDebug => Some(Need::SlubDebug),
            Lack::RawCommands => Some(Need::RawCommands),
            Lack::RawRefusal => Some(Need::RawRefusal),
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
        let text = file::read_text(path, file::LONGEST)?;
        let session = Session { canonical: canonical::of_text(&text), ..file::parse(path, &text)? };
        session.check(path)?;
        Ok(session)
    }

    /// What of the session's file decides its transcript, in one form however the file is laid out. A field that
    /// the form gains later and the file does not use leaves it as it is.
    pub fn canonical(&self) -> String {
        self.canonical
            .clone()
            .unwrap_or_else(|| canonical::of(serde_json::to_value(self).expect("a session is made of JSON")))
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

    /// Every step, a group before the steps of its branches.
    pub fn every_step(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        walk("steps", &self.steps, &mut |_, step| all.push(step));
        all
    }

    /// Every promise that the session names, with its place in the file.
    pub fn promises(&self) -> Vec<(String, &str)> {
        let mut all = vec![("promise".to_owned(), self.promise.as_str())];
        walk("steps", &self.steps, &mut |at, step| {
            all.extend(step.promise.as_deref().map(|id| (format!("{at}.promise"), id)));
            for (i, pin) in step.pins.iter().enumerate() {
                all.push((format!("{at}.pins[{i}].promise"), pin.promise.as_str()));
            }
        });
        all
    }

    /// The place of a step in the file, `steps[2].do.parallel.branches[0].steps[1]`; `steps` where there is none.
    pub(crate) fn place_of(&self, id: &str) -> String {
        let mut place = "steps".to_owned();
        walk("steps", &self.steps, &mut |at, step| {
            if step.id == id {
                place = at.to_owned();
            }
        });
        place
    }
}

/// Visits every step with its place, a group before the steps of its branches.
pub(crate) fn walk<'a>(at: &str, steps: &'a [Step], visit: &mut impl FnMut(&str, &'a Step)) {
    for (i, step) in steps.iter().enumerate() {
        let at = format!("{at}[{i}]");
        visit(&at, step);
        if let Action::Parallel(group) = &step.action {
            for (b, branch) in group.branches.iter().enumerate() {
                walk(&format!("{at}.do.parallel.branches[{b}].steps"), &branch.steps, visit);
            }
        }
    }
}

fn find_step<'a>(steps: &'a [Step], id: &str) -> Option<&'a Step> {
    let mut found = None;
    walk("steps", steps, &mut |_, step| {
        if step.id == id {
            found = Some(step);
        }
    });
    found
}

pub(crate) fn any_step(steps: &[Step], is_it: &impl Fn(&Action) -> bool) -> bool {
    let mut any = false;
    walk("steps", steps, &mut |_, step| any |= is_it(&step.action));
    any
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
            | Action::MemdevQuery(_)
            | Action::MemdevSend(_)
            | Action::Ioctl(_)
    )
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

    /// The area of one of them: the directory that its file is in; empty where there is none.
    pub fn area(&self, id: &str) -> &str {
        let area = self.path(id).and_then(|path| path.parent()?.file_name()?.to_str());
        area.unwrap_or_default()
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
