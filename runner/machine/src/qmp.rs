//! Speaks QEMU's monitor protocol: one command at a time, each with its answer.
//!
//! Owns the matching of answers to commands. Does not read the socket (see [`crate::pump`]) and does
//! not know what the commands are good for. (Protocol: QEMU's docs/interop/qmp-spec.rst.)

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use qapi::qmp::Event;
use qapi::{Command, Execute};
use serde_json::Value;

/// Why a command gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// QEMU said no.
    #[error("QEMU refused `{command}`: {why}")]
    Refused {
        /// The command.
        command: &'static str,
        /// What QEMU said.
        why: String,
    },
    /// QEMU did not answer: it hangs or has ended.
    #[error("QEMU gave no answer to `{command}` in {within:?}")]
    NoAnswer {
        /// The command.
        command: &'static str,
        /// How long it had.
        within: Duration,
    },
    /// The answer has another form than the command's.
    #[error("QEMU's reply to `{command}` could not be read")]
    Garbled {
        /// The command.
        command: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The command could not be sent.
    #[error("QEMU does not take `{command}`")]
    NotTaken {
        /// The command.
        command: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// How long QEMU may take over a command: its main loop may be waiting for a device's server.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer to the command with this id.
pub(crate) struct Reply {
    id: Option<u64>,
    result: Result<Value, String>,
}

/// The side that gives commands.
pub(crate) struct Qmp {
    writer: UnixStream,
    replies: Receiver<Reply>,
    last: u64,
}

impl Qmp {
    /// Leaves the greeting state. The answer is not waited for: QEMU takes commands in order. A QEMU
    /// that is already dead does not take this one, and is told with what it died of by who waits for
    /// the guest.
    pub fn new(writer: UnixStream, replies: Receiver<Reply>) -> Self {
        let mut qmp = Qmp { writer, replies, last: 0 };
        if let Err(error) = qmp.send(qapi::qmp::qmp_capabilities { enable: None }) {
            tracing::debug!(%error, "QEMU is gone before its first command");
        }
        qmp
    }

    /// Gives a command and waits for its answer.
    pub fn execute<C: Command>(&mut self, command: C) -> Result<C::Ok, QmpError> {
        self.send(command)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match self.replies.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(reply) if reply.id == Some(self.last) => {
                    let value = reply.result.map_err(|why| QmpError::Refused { command: C::NAME, why })?;
                    return serde_json::from_value(value)
                        .map_err(|source| QmpError::Garbled { command: C::NAME, source });
                }
                // An answer to a command that was given up.
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(QmpError::NoAnswer { command: C::NAME, within: PATIENCE });
                }
            }
        }
    }

    fn send<C: Command>(&mut self, command: C) -> Result<(), QmpError> {
        self.last += 1;
        let mut line = serde_json::to_vec(&Execute::with_id(command, self.last))
            .expect("commands have string keys and finite numbers");
        line.push(b'\n');
        self.writer.write_all(&line).map_err(|source| QmpError::NotTaken { command: C::NAME, source })
    }
}

/// What a line of the monitor is.
pub(crate) enum Said {
    Event(Box<Event>),
    Reply(Reply),
    /// The greeting, or an event that is newer than this program.
    Nothing,
}

/// Reads one line.
pub(crate) fn parse(line: &[u8]) -> Said {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(line) else { return Said::Nothing };
    if object.contains_key("event") {
        return match serde_json::from_value(Value::Object(object)) {
            Ok(event) => Said::Event(Box::new(event)),
            Err(error) => {
                tracing::debug!(%error, line = %String::from_utf8_lossy(line), "an event that is not known");
                Said::Nothing
            }
        };
    }
    let id = object.get("id").and_then(Value::as_u64);
    let result = match (object.remove("return"), object.remove("error")) {
        (Some(value), _) => Ok(value),
        (None, Some(error)) => Err(error["desc"].as_str().unwrap_or("no reason given").to_owned()),
        (None, None) => return Said::Nothing,
    };
    Said::Reply(Reply { id, result })
}

/// Where answers go.
pub(crate) type Replies = Sender<Reply>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::sync::mpsc::channel;

    fn reply(line: &str) -> Reply {
        match parse(line.as_bytes()) {
            Said::Reply(reply) => reply,
            _ => panic!("no reply: {line}"),
        }
    }

    #[test]
    fn an_answer_to_a_command_that_was_given_up_is_not_taken_for_the_next_ones() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (sender, replies) = channel();
        let mut qmp = Qmp::new(ours, replies);
        sender.send(reply(r#"{"return": {}, "id": 1}"#)).unwrap();
        sender.send(reply(r#"{"return": {"status": "running", "running": true}, "id": 2}"#)).unwrap();
        let status = qmp.execute(qapi::qmp::query_status {}).unwrap();
        assert!(status.running);
        let sent: Vec<String> = BufReader::new(theirs).lines().take(2).map(Result::unwrap).collect();
        assert_eq!(sent[0], r#"{"execute":"qmp_capabilities","arguments":{},"id":1}"#);
        assert_eq!(sent[1], r#"{"execute":"query-status","arguments":{},"id":2}"#);
    }

    #[test]
    fn a_qemu_that_is_dead_already_refuses_the_first_command_that_counts() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let (_sender, replies) = channel();
        let mut qmp = Qmp::new(ours, replies);
        let error = qmp.execute(qapi::qmp::query_status {}).unwrap_err();
        assert_eq!(error.to_string(), "QEMU does not take `query-status`");
    }

    #[test]
    fn a_refusal_carries_what_qemu_said() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (sender, replies) = channel();
        let mut qmp = Qmp::new(ours, replies);
        sender
            .send(reply(r#"{"id": 2, "error": {"class": "DeviceNotFound", "desc": "no such device"}}"#))
            .unwrap();
        let error = qmp.execute(qapi::qmp::device_del { id: "x".into() }).unwrap_err();
        assert_eq!(error.to_string(), "QEMU refused `device_del`: no such device");
    }

    #[test]
    fn an_event_newer_than_this_program_is_passed_over() {
        let line =
            br#"{"event": "FROM_THE_FUTURE", "data": {}, "timestamp": {"seconds": 1, "microseconds": 2}}"#;
        assert!(matches!(parse(line), Said::Nothing));
    }
}
