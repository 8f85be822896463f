//! KVM or TCG: tried out by a real boot, remembered until the host boots again.
//!
//! `/dev/kvm` can be there, open and make a VM and still not run one: QEMU dies of it, or goes on
//! with its CPUs stopped, or the guest crawls in an emulator inside the host's kernel. So nothing but
//! a guest whose agent speaks in time counts. Owns that trial and its memory in the cache.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use scrubjay_host::cache;
use serde::{Deserialize, Serialize};

use crate::accelerator::Accel;
use crate::boot::BootError;
use crate::deadlines::Deadlines;
use crate::guest::Guest;
use crate::guest::GuestError;
use crate::qemu::Qemu;
use crate::spec::Spec;

/// An accelerator and why it is this one. Its `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The accelerator.
    pub accel: Accel,
    /// Why.
    pub why: String,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accelerator: {} ({})", self.accel, self.why)
    }
}

/// `SCRUBJAY_ACCEL` is neither `kvm` nor `tcg`.
#[derive(Debug, thiserror::Error)]
#[error("SCRUBJAY_ACCEL={value}: neither `kvm` nor `tcg`")]
pub struct AccelError {
    /// What it is.
    pub value: String,
}

/// The device that KVM is reached through.
const DEVICE: &str = "/dev/kvm";

/// A guest that runs under KVM says its first word in a quarter of a second, and is up in half a one.
const TRIAL_OUTPUT: Duration = Duration::from_secs(4);
const TRIAL_BOOT: Duration = Duration::from_secs(12);

/// More than a memory has.
const LONGEST_MEMORY: u64 = 64 << 10;

/// Chooses: what `SCRUBJAY_ACCEL` says, else what is remembered, else what a trial with this kernel
/// gives.
///
/// # Errors
/// If `SCRUBJAY_ACCEL` says something else than `kvm` or `tcg`. A KVM that does not work is no error.
pub fn choose(qemu: &Qemu, kernel: &Path) -> Result<Choice, AccelError> {
    if let Some(value) = env::var_os("SCRUBJAY_ACCEL").filter(|value| !value.is_empty()) {
        let why = "SCRUBJAY_ACCEL".to_owned();
        return match value.to_str() {
            Some("kvm") => Ok(Choice { accel: Accel::Kvm, why }),
            Some("tcg") => Ok(Choice { accel: Accel::Tcg, why }),
            _ => Err(AccelError { value: value.to_string_lossy().into_owned() }),
        };
    }
    if let Some(why) = no_device(Path::new(DEVICE)) {
        return Ok(Choice { accel: Accel::Tcg, why });
    }
    let place = cache::directory().map(|dir| dir.join("accel.json"));
    Ok(remembered(place.as_deref(), &Key::of_this_host(qemu), || try_out(qemu, kernel)))
}

/// Boots a guest under KVM and sees whether it comes up.
pub fn try_out(qemu: &Qemu, kernel: &Path) -> Choice {
    let spec = Spec::new(kernel, Accel::Kvm);
    let deadlines =
        Deadlines { output: TRIAL_OUTPUT, boot: TRIAL_BOOT, ..Deadlines::new(Accel::Kvm, spec.vcpus) };
    match Guest::boot(qemu, &spec, &deadlines) {
        Ok(guest) => Choice {
            accel: Accel::Kvm,
            why: format!("a guest was up in {:.1} s", guest.times().ready.as_secs_f64()),
        },
        Err(error) => {
            tracing::debug!(%error, "KVM was tried and does not work");
            Choice { accel: Accel::Tcg, why: format!("KVM opens but runs no guest: {}", briefly(&error)) }
        }
    }
}

/// Why a trial failed, in a few words.
fn briefly(error: &BootError) -> String {
    match error {
        BootError::NoOutput { within, .. } => format!("not a word in {:.0} s", within.as_secs_f64()),
        BootError::Guest { source, .. } => match &**source {
            GuestError::Stopped { state, .. } => format!("QEMU stopped it, {state}"),
            GuestError::QemuExited { status, stderr, .. } => {
                let status = status.map_or_else(|| "unknown status".into(), |status| status.to_string());
                match stderr.lines().last() {
                    Some(line) => format!("QEMU ended, {status}, {line}"),
                    None => format!("QEMU ended, {status}"),
                }
            }
            other => first_line(other),
        },
        other => first_line(other),
    }
}

fn first_line(error: &dyn std::error::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Why KVM need not be tried.
fn no_device(device: &Path) -> Option<String> {
    let error = File::options().read(true).write(true).open(device).err()?;
    Some(match error.kind() {
        io::ErrorKind::NotFound => format!("no {}", device.display()),
        io::ErrorKind::PermissionDenied => {
            format!("{} is not for this user: is one of its group", device.display())
        }
        _ => format!("{}: {error}", device.display()),
    })
}

/// What a trial's result holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    /// `/proc/sys/kernel/random/boot_id`.
    host_boot: String,
    qemu: String,
    /// `model name` of `/proc/cpuinfo`.
    cpu: String,
}

impl Key {
    fn of_this_host(qemu: &Qemu) -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find(|line| line.starts_with("model name")).unwrap_or_default();
        Key {
            host_boot: fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            qemu: format!("{} {}", qemu.path().display(), qemu.version()),
            cpu: model.split_once(": ").unwrap_or_default().1.to_owned(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Memory {
    key: Key,
    accel: Accel,
    why: String,
}

/// What the file at `place` remembers for `key`, else the outcome of `trial`, which is then
/// remembered. The file is locked meanwhile, so that of many processes one tries. A cache that
/// cannot be used costs a trial and is no error.
fn remembered(place: Option<&Path>, key: &Key, trial: impl FnOnce() -> Choice) -> Choice {
    let Some(mut file) = place.and_then(|place| open_locked(place).ok()) else { return trial() };
    let mut text = String::new();
    let _ = Read::by_ref(&mut file).take(LONGEST_MEMORY).read_to_string(&mut text);
    if let Ok(memory) = serde_json::from_str::<Memory>(&text)
        && memory.key == *key
    {
        return Choice { accel: memory.accel, why: memory.why };
    }
    let choice = trial();
    let memory = Memory { key: key.clone(), accel: choice.accel, why: choice.why.clone() };
    if let Err(error) = rewrite(&mut file, &memory) {
        tracing::warn!(%error, path = %place.unwrap_or(Path::new("")).display(), "the accelerator is not remembered");
    }
    choice
}

fn open_locked(place: &Path) -> io::Result<File> {
    fs::create_dir_all(place.parent().map_or_else(PathBuf::new, Path::to_owned))?;
    let file = File::options().read(true).write(true).create(true).truncate(false).open(place)?;
    file.lock()?;
    Ok(file)
}

fn rewrite(file: &mut File, memory: &Memory) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(&serde_json::to_vec_pretty(memory)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(boot: &str) -> Key {
        Key { host_boot: boot.into(), qemu: "q 11.1.3".into(), cpu: "c".into() }
    }

    fn tcg(why: &str) -> Choice {
        Choice { accel: Accel::Tcg, why: why.into() }
    }

    #[test]
    fn a_trial_is_made_once_a_boot_of_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("new/accel.json");
        let first = remembered(Some(&place), &key("one"), || tcg("tried"));
        assert_eq!(remembered(Some(&place), &key("one"), || panic!("tried again")), first);
        assert_eq!(remembered(Some(&place), &key("two"), || tcg("tried anew")), tcg("tried anew"));
    }

    #[test]
    fn a_memory_that_cannot_be_read_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("accel.json");
        fs::write(&place, "{\"key\": 1").unwrap();
        assert_eq!(remembered(Some(&place), &key("one"), || tcg("tried")), tcg("tried"));
        assert_eq!(remembered(Some(&place), &key("one"), || panic!("tried again")), tcg("tried"));
    }

    #[test]
    fn a_full_disk_costs_a_trial_and_no_more() {
        assert_eq!(remembered(Some(Path::new("/dev/full")), &key("one"), || tcg("tried")), tcg("tried"));
    }

    #[test]
    fn no_device_and_a_device_of_others_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        assert!(no_device(&dir.path().join("kvm")).unwrap().starts_with("no /"));
        assert_eq!(no_device(Path::new("/dev/null")), None);
    }
}
