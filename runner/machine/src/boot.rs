//! From a [`Spec`] to a guest whose agent has spoken, or to the reason why it has not.
//!
//! Owns the judgement of what went wrong on the way. Starts QEMU through [`crate::vm`]; what happens
//! after the agent's first word is [`crate::guest`]'s.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use scrubjay_wire::{Hello, ToHost, frame};

use crate::console::Console;
use crate::deadlines::Deadlines;
use crate::guest::{BootTimes, Guest, GuestError};
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
        let mut vm = Vm::start(qemu, spec, deadlines)?;
        let (way, hello) = wait_for_agent(&mut vm, spec, deadlines)?;
        let ready = vm.started.elapsed();
        // The console is read before the frames: what it said until now has been seen.
        let Some(first) = vm.first_word() else {
            return Err(BootError::NoSerialConsole { kernel: spec.kernel.clone() });
        };
        let times = BootTimes { output: first.duration_since(vm.started), ready };
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
        ToHost::Ready(hello) if hello.version == frame::VERSION => Ok(hello),
        ToHost::Ready(hello) => Err(BootError::AgentVersion { agent: hello.version, ours: frame::VERSION }),
        ToHost::Failed { why } => Err(BootError::AgentConfused { said: format!("`failed`: {why}") }),
        other => Err(BootError::AgentConfused { said: format!("{other:?}") }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn ready(version: u32) -> ToHost {
        ToHost::Ready(Hello {
            version,
            release: "7.3.4".into(),
            banner: String::new(),
            taint: 0,
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

    #[rstest]
    #[case::another_version(ready(frame::VERSION + 1), "version")]
    #[case::another_word(ToHost::Begin { ticket: 3 }, "Begin")]
    #[case::a_failure(ToHost::Failed { why: "no devtmpfs".into() }, "no devtmpfs")]
    fn an_agent_that_begins_otherwise_is_refused(#[case] message: ToHost, #[case] said: &str) {
        let error = hello(message).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}
