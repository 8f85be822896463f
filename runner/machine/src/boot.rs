//! From a [`Spec`] to a guest whose agent has spoken, or to the reason why it has not.
//!
//! Owns the judgement of what went wrong on the way. Starts QEMU through [`crate::vm`]; what happens
//! after the agent's first word is [`crate::guest`]'s.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use scrubjay_wire::{Hello, ToHost, frame};

use crate::console::{Console, Short};
use crate::deadlines::Deadlines;
use crate::guest::{BootTimes, Guest, GuestError};
use crate::memory::Memory;
use crate::pump::Way;
use crate::qemu::Qemu;
use crate::spec::Spec;
use crate::vm::{Next, StartError, Vm};

/// Why there is no guest.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// There is not even a QEMU with a guest in it.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The kernel said nothing at all.
    #[error(
        "kernel {kernel}: not a word on the first serial port in {within:?}; it does not boot, or it has no \
         serial console (CONFIG_SERIAL_8250_CONSOLE)"
    )]
    NoOutput {
        /// The kernel.
        kernel: PathBuf,
        /// How long it had.
        within: Duration,
    },
    /// The agent is up, and the console said nothing: whatever kills this guest would not be seen.
    #[error(
        "kernel {kernel}: boots, and has no serial console (CONFIG_SERIAL_8250_CONSOLE, or a parameter that \
         silences it)"
    )]
    NoSerialConsole {
        /// The kernel.
        kernel: PathBuf,
    },
    /// The kernel ran PID 1, and PID 1 said nothing.
    #[error(
        "kernel {kernel}: booted, and the agent did not report in {within:?} (neither a virtio-serial port \
         nor ttyS1?); {console}"
    )]
    NoAgent {
        /// The kernel.
        kernel: PathBuf,
        /// How long it had.
        within: Duration,
        /// What the console said.
        console: Console,
    },
    /// The kernel did not get as far as PID 1.
    #[error("kernel {kernel}: not up after {within:?}; {console}")]
    TooSlow {
        /// The kernel.
        kernel: PathBuf,
        /// How long it had.
        within: Duration,
        /// What the console said.
        console: Console,
    },
    /// The agent speaks another version of the protocol.
    #[error("the agent speaks version {agent} of the channel's protocol, and this program {ours}")]
    AgentVersion {
        /// The agent's.
        agent: u32,
        /// Ours.
        ours: u32,
    },
    /// The agent's first word was another one.
    #[error("the agent began with {said} instead of `ready`")]
    AgentConfused {
        /// What it said.
        said: String,
    },
    /// What the agent says of itself cannot be.
    #[error("the agent's first word cannot be: {what} is {}", Short(said))]
    AgentWord {
        /// Of what.
        what: &'static str,
        /// What it says.
        said: String,
    },
    /// The guest or its QEMU ended on the way.
    #[error("kernel {kernel}: did not come up")]
    Guest {
        /// The kernel.
        kernel: PathBuf,
        /// How.
        source: Box<GuestError>,
    },
}

/// What the kernel says before it starts PID 1 (init/main.c, `run_init_process`), since 5.5 whatever
/// the log level.
const RUN_INIT: &str = " as init process";

impl Guest {
    /// Boots a guest and waits for its agent.
    ///
    /// # Errors
    /// Whatever is wrong with the kernel, the parameters, QEMU or the guest. Nothing is left of a guest
    /// that did not boot.
    pub fn boot(qemu: &Qemu, spec: &Spec, deadlines: &Deadlines) -> Result<Self, BootError> {
        Self::boot_in(qemu, spec, deadlines, Memory::Own)
    }

    /// The same, with its memory there.
    pub(crate) fn boot_in(
        qemu: &Qemu,
        spec: &Spec,
        deadlines: &Deadlines,
        memory: Memory<'_>,
    ) -> Result<Self, BootError> {
        let mut vm = Vm::start(qemu, spec, deadlines, memory)?;
        let (way, hello) = wait_for_agent(&mut vm, spec, deadlines)?;
        let ready = vm.started.elapsed();
        // The console is read before the frames: what it said until now has been seen.
        let Some(first) = vm.first_word() else {
            return Err(BootError::NoSerialConsole { kernel: spec.kernel.clone() });
        };
        // A word of the console may have come while the agent's was looked at.
        let output = first.duration_since(vm.started).min(ready);
        let times = BootTimes { output, ready };
        tracing::debug!(?times, release = %hello.release, channel = %way, "guest is up");
        Ok(Guest::new(vm, way, hello, times, spec, *deadlines))
    }
}

fn wait_for_agent(vm: &mut Vm, spec: &Spec, deadlines: &Deadlines) -> Result<(Way, Hello), BootError> {
    let kernel = || spec.kernel.clone();
    let until = vm.started + deadlines.boot;
    let until_output = vm.started + deadlines.output;
    loop {
        let silent = vm.first_word().is_none();
        match vm.next(if silent { until_output.min(until) } else { until }) {
            Next::Frame(way, message) => return hello(*message).map(|hello| (way, hello)),
            Next::Ended(ending) => {
                let source = Box::new(GuestError::from_ending(ending, vm, spec.console_file.as_deref()));
                return Err(BootError::Guest { kernel: kernel(), source });
            }
            Next::Late if vm.first_word().is_none() => {
                return Err(BootError::NoOutput { kernel: kernel(), within: vm.started.elapsed() });
            }
            // It spoke, only not to the agent's end: the longer deadline holds.
            Next::Late if Instant::now() < until => {}
            Next::Late => {
                let (kernel, within, console) = (kernel(), deadlines.boot, vm.console());
                return Err(match console.0.contains(RUN_INIT) {
                    true => BootError::NoAgent { kernel, within, console },
                    false => BootError::TooSlow { kernel, within, console },
                });
            }
        }
    }
}

fn hello(message: ToHost) -> Result<Hello, BootError> {
    match message {
        ToHost::Ready(hello) if hello.version == frame::VERSION => check(hello),
        ToHost::Ready(hello) => Err(BootError::AgentVersion { agent: hello.version, ours: frame::VERSION }),
        ToHost::Failed { why } => {
            Err(BootError::AgentConfused { said: format!("`failed`: {}", Short(&why)) })
        }
        other => Err(BootError::AgentConfused { said: format!("`{}`", other.name()) }),
    }
}

/// The longest `uname -r`: a name in `struct new_utsname` has 64 bytes (include/uapi/linux/utsname.h).
const LONGEST_RELEASE: usize = 64;

/// The longest `/proc/version` and `/proc/cmdline`: a page.
const LONGEST_PAGE: usize = 4096;

/// The most modules of a guest, and the longest line about one.
const MOST_MODULES: usize = 512;

/// Checks what an agent says of itself and of its kernel.
fn check(hello: Hello) -> Result<Hello, BootError> {
    let wrong = |what, said: String| Err(BootError::AgentWord { what, said });
    let is_line = |text: &str| !text.chars().any(char::is_control);
    let Hello { release, banner, channel, lacks, modules_refused, cmdline, .. } = &hello;
    let is_release = !release.is_empty() && release.bytes().all(|b| b.is_ascii_graphic());
    if !is_release || release.len() > LONGEST_RELEASE {
        return wrong("the release", format!("{release:?}"));
    }
    for (what, text) in [("the banner", banner), ("the command line", cmdline)] {
        if text.len() > LONGEST_PAGE || !is_line(text) {
            return wrong(what, format!("{text:?}"));
        }
    }
    if !["virtio", "16550"].contains(&channel.as_str()) {
        return wrong("the channel", format!("{channel:?}"));
    }
    if let Some(twice) = lacks.iter().enumerate().find(|(i, lack)| lacks[..*i].contains(lack)) {
        return wrong("what the kernel lacks", format!("`{}`, twice", twice.1));
    }
    if modules_refused.len() > MOST_MODULES {
        return wrong("the number of modules refused", modules_refused.len().to_string());
    }
    match modules_refused.iter().find(|line| line.len() > MOST_MODULES || !is_line(line)) {
        Some(line) => wrong("a module refused", format!("{line:?}")),
        None => Ok(hello),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use scrubjay_wire::Lack;

    fn ready(version: u32) -> ToHost {
        ToHost::Ready(Hello {
            version,
            release: "7.3.4".into(),
            banner: String::new(),
            channel: "virtio".into(),
            lacks: vec![],
            modules_refused: vec![],
            cmdline: String::new(),
        })
    }

    #[test]
    fn an_agent_of_this_version_is_welcome() {
        assert_eq!(hello(ready(frame::VERSION)).unwrap().release, "7.3.4");
    }

    /// A first word that is right but for this.
    fn but(spoil: fn(&mut Hello)) -> ToHost {
        let ToHost::Ready(mut hello) = ready(frame::VERSION) else { unreachable!() };
        spoil(&mut hello);
        ToHost::Ready(hello)
    }

    #[rstest]
    #[case::no_release(|hello: &mut Hello| hello.release.clear(), "the release is \"\"")]
    #[case::a_forged_line(|hello: &mut Hello| hello.release.push_str("\nexit status 0"), r#"the release is "7.3.4\nexit"#)]
    #[case::an_escape(|hello: &mut Hello| hello.release.push('\x1b'), "the release is")]
    #[case::a_long_release(|hello: &mut Hello| hello.release = "7".repeat(65), "the release is")]
    #[case::a_long_banner(|hello: &mut Hello| hello.banner = "x".repeat(5000), "the banner is \"xxx")]
    #[case::a_long_command_line(|hello: &mut Hello| hello.cmdline = "x".repeat(5000), "the command line is")]
    #[case::a_channel_that_is_none(|hello: &mut Hello| hello.channel = "pigeon".into(), "the channel is \"pigeon\"")]
    #[case::a_lack_twice(|hello: &mut Hello| hello.lacks = vec![Lack::Edac, Lack::Edac], "`edac`, twice")]
    #[case::many_modules(|hello: &mut Hello| hello.modules_refused = vec![String::new(); 513], "is 513")]
    #[case::a_forged_module(|hello: &mut Hello| hello.modules_refused = vec!["a\nb".into()], "a module refused is")]
    fn what_an_agent_cannot_say_of_itself_is_refused_by_name(
        #[case] spoil: fn(&mut Hello),
        #[case] said: &str,
    ) {
        let error = hello(but(spoil)).unwrap_err().to_string();
        assert!(error.contains(said) && error.len() < 500, "{error}");
    }

    #[rstest]
    #[case::another_version(ready(frame::VERSION + 1), "version")]
    #[case::another_word(ToHost::Begin { ticket: 3 }, "began with `begin`")]
    #[case::a_failure(ToHost::Failed { why: "no devtmpfs".into() }, "no devtmpfs")]
    fn an_agent_that_begins_otherwise_is_refused(#[case] message: ToHost, #[case] said: &str) {
        let error = hello(message).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
