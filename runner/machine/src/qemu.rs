//! Finds a QEMU that can do what this needs, and says what it is.
//!
//! Looks at three places in order: `SCRUBJAY_QEMU`, the PATH, the private copy in the user's cache
//! that `ci/setup` makes. Installs nothing, boots nothing.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use scrubjay_host::{Manner, cache, process};

/// The program's name.
const PROGRAM: &str = "qemu-system-x86_64";

/// The first release with the vfio-user client.
pub const OLDEST: Version = Version { major: 10, minor: 1, micro: 0 };

/// The first release where a monitor is an object and `-mon` warns.
const MONITOR_OBJECTS: Version = Version { major: 11, minor: 1, micro: 0 };

/// The device that must be built in.
const CLIENT: &str = "vfio-user-pci";

/// How long a program may take to say what it is.
const ANSWER: Duration = Duration::from_secs(30);

/// What helps when there is no QEMU to use.
const REMEDY: &str = "run `ci/setup`, or name another one in SCRUBJAY_QEMU";

/// Why there is no QEMU to use. Every text ends with what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QemuError {
    /// None was found.
    #[error("{PROGRAM}: neither in PATH nor at {private}; {REMEDY}")]
    NotFound {
        /// Where the private copy would be.
        private: String,
    },
    /// It could not be run or did not say what it is.
    #[error("{path}: {why}; {REMEDY}")]
    Unusable {
        /// The program.
        path: PathBuf,
        /// What happened.
        why: String,
    },
    /// It is too old.
    #[error("{path}: QEMU {found}, and {OLDEST} or newer is needed; {REMEDY}")]
    TooOld {
        /// The program.
        path: PathBuf,
        /// What it says.
        found: Version,
    },
    /// It was built without the vfio-user client.
    #[error("{path}: QEMU {found} was built without {CLIENT}; {REMEDY}")]
    NoVfioUser {
        /// The program.
        path: PathBuf,
        /// What it says.
        found: Version,
    },
}

/// A release of QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub micro: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.micro)
    }
}

impl FromStr for Version {
    type Err = ();

    /// Takes what `--version` prints: the first word that begins with a number and a dot.
    fn from_str(text: &str) -> Result<Self, ()> {
        let numbers = |word: &str| {
            let mut parts = word.split('.').map(|part| {
                let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
                part[..digits].parse().ok()
            });
            let (major, minor) = (parts.next()??, parts.next()??);
            Some(Version { major, minor, micro: parts.next().flatten().unwrap_or(0) })
        };
        text.lines().next().unwrap_or_default().split_whitespace().find_map(numbers).ok_or(())
    }
}

/// A QEMU that was looked at and found fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    path: PathBuf,
    version: Version,
}

/// Where to look.
#[derive(Clone, Debug)]
pub struct Places {
    /// The one that the user named: if set, no other is taken.
    pub named: Option<PathBuf>,
    /// The PATH.
    pub path: OsString,
    /// The private copy.
    pub private: Option<PathBuf>,
}

impl Places {
    /// As the environment says.
    pub fn from_environment() -> Self {
        Places {
            named: env::var_os("SCRUBJAY_QEMU").filter(|v| !v.is_empty()).map(PathBuf::from),
            path: env::var_os("PATH").unwrap_or_default(),
            private: cache::directory().map(|cache| cache.join("qemu").join(PROGRAM)),
        }
    }

    fn in_path(&self) -> Option<PathBuf> {
        env::split_paths(&self.path).map(|dir| dir.join(PROGRAM)).find(|program| is_program(program))
    }
}

impl Qemu {
    /// Finds one as the environment says.
    pub fn find() -> Result<Self, QemuError> {
        Self::find_in(&Places::from_environment())
    }

    /// Finds one at these places. The private copy is taken when the PATH has none that is fit; if
    /// there is no private copy either, the error is about the one in the PATH.
    pub fn find_in(places: &Places) -> Result<Self, QemuError> {
        if let Some(named) = &places.named {
            return Self::look_at(named);
        }
        let public = places.in_path().map(|program| Self::look_at(&program));
        if let Some(Ok(qemu)) = public {
            return Ok(qemu);
        }
        match (places.private.as_deref().filter(|program| is_program(program)), public) {
            (Some(private), _) => Self::look_at(private),
            (None, Some(unfit)) => unfit,
            (None, None) => Err(QemuError::NotFound {
                private: places
                    .private
                    .as_ref()
                    .map_or_else(|| "a cache directory".into(), |p| p.display().to_string()),
            }),
        }
    }

    /// Looks at one program; what was seen is remembered as long as this process lives.
    pub fn look_at(program: &Path) -> Result<Self, QemuError> {
        static SEEN: LazyLock<Mutex<HashMap<PathBuf, Result<Qemu, QemuError>>>> =
            LazyLock::new(Mutex::default);
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(program.to_owned()).or_insert_with(|| look(program)).clone()
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether a monitor is made by `-object monitor-qmp`.
    pub(crate) fn has_monitor_objects(&self) -> bool {
        self.version >= MONITOR_OBJECTS
    }
}

impl fmt::Display for Qemu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QEMU {} ({})", self.version, self.path.display())
    }
}

fn look(program: &Path) -> Result<Qemu, QemuError> {
    let path = program.to_owned();
    let said = ask(program, &["--version"])?;
    let version: Version = said.parse().map_err(|()| QemuError::Unusable {
        path: path.clone(),
        why: format!("`--version` says `{}`", said.lines().next().unwrap_or_default()),
    })?;
    if version < OLDEST {
        return Err(QemuError::TooOld { path, found: version });
    }
    let quoted = format!("\"{CLIENT}\"");
    if !ask(program, &["-machine", "none", "-device", "help"])?.contains(&quoted) {
        return Err(QemuError::NoVfioUser { path, found: version });
    }
    Ok(Qemu { path, version })
}

fn ask(program: &Path, arguments: &[&str]) -> Result<String, QemuError> {
    let asked = arguments.join(" ");
    let unusable = |why: String| QemuError::Unusable { path: program.to_owned(), why };
    let mut command = Command::new(program);
    command.args(arguments);
    let output =
        process::output(command, Manner::Kill, Some(ANSWER)).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => {
                unusable(format!("`{asked}`: no answer within {} s", ANSWER.as_secs()))
            }
            _ => unusable(format!("cannot be run: {error}")),
        })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(unusable(format!("`{asked}`: {}: {}", output.status, stderr.trim_end())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("QEMU emulator version 10.1.0", (10, 1, 0))]
    #[case::debian("QEMU emulator version 11.1.3 (Debian 1:11.1.3+ds-1~bpo13+1)\nCopyright", (11, 1, 3))]
    #[case::fedora("QEMU emulator version 10.1.2 (qemu-10.1.2-1.fc43)", (10, 1, 2))]
    #[case::development("QEMU emulator version 10.0.50 (v10.0.0-2012-gabcdef)", (10, 0, 50))]
    #[case::candidate("QEMU emulator version 10.2-rc1", (10, 2, 0))]
    fn a_version_is_read_from_what_qemu_prints(#[case] said: &str, #[case] expected: (u32, u32, u32)) {
        let (major, minor, micro) = expected;
        assert_eq!(said.parse(), Ok(Version { major, minor, micro }));
    }

    #[rstest]
    #[case("")]
    #[case("command not found")]
    fn what_is_no_version_is_refused(#[case] said: &str) {
        assert_eq!(said.parse::<Version>(), Err(()));
    }
}
