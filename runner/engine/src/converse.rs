//! One session with one guest: says go, acts as firmware, cuts the device's trace, collects.

use std::collections::HashMap;
use std::time::Duration;

use scrubjay_machine::{Death, Guest, GuestError};
use scrubjay_session::cxl::messages::MAILBOX_TIMEOUT;
use scrubjay_session::klog;
use scrubjay_session::lower::{HostAction, Lowered};
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::observe::{NoStep, events, observe};

use scrubjay_session::{Action, Field, MailboxCommand, Performance, Session, Transcript};
use scrubjay_wire::{Answer, End, LogLine, Op, ToGuest, ToHost};

use crate::bank::{ActError, Bank};
use crate::protocol::{Offence, Protocol};

/// What a session came to, and what it left behind.
pub struct Spoken {
    /// The transcript, or why there is none.
    pub performance: Performance,
    /// Why the guest can serve no other session; `None` when it can.
    pub spoiled: Option<String>,
    /// Why it may be the host's doing, though no stall of it was seen: another guest may do better.
    pub doubt: Option<String>,
}

/// What was there before a session.
pub struct Before<'a> {
    /// `/proc/sys/kernel/tainted`.
    pub taint: u64,
    /// The flags that sessions of this boot do not mind.
    pub expected: u64,
    /// What the kernel said on the way up.
    pub log: &'a [LogLine],
    /// The PCI address of each of the guest's devices.
    pub addresses: &'a [String],
}

impl Before<'_> {
    /// What the kernel said on the way up, without the lines that name other devices than these.
    fn log_of(&self, indices: &[u16]) -> Vec<LogLine> {
        let is_other = |i: usize| !indices.iter().any(|own| usize::from(*own) == i);
        let others: Vec<_> =
            self.addresses.iter().enumerate().filter(|(i, a)| is_other(*i) && !a.is_empty()).collect();
        let names_other = |line: &LogLine| others.iter().any(|(_, address)| line.text.contains(*address));
        self.log.iter().filter(|line| !names_other(line)).cloned().collect()
    }
}

/// Performs a session.
pub fn converse(
    guest: &mut Guest,
    bank: &Bank,
    session: &Session,
    lowered: &Lowered,
    silence: Duration,
    before: &Before,
) -> Spoken {
    let indices = bank.indices(session);
    let probe_trace = bank.take_traces(&indices);
    let mut talk = Talk {
        guest,
        bank,
        session,
        lowered,
        silence,
        before,
        probe_trace,
        indices,
        transcript: Transcript::new(&session.id),
        said: HashMap::new(),
        protocol: Protocol::new(&lowered.program),
    };
    for &index in &talk.indices {
        bank.reset(index);
    }
    let spoken = talk.run();
    bank.release_all();
    spoken
}

/// Why a step that was announced could not be let go.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error("the guest broke the protocol: {0}")]
    Offence(#[from] Offence),
    #[error("step `{0}`: {1}")]
    Act(String, ActError),
    #[error(transparent)]
    Guest(#[from] GuestError),
}

struct Talk<'a> {
    guest: &'a mut Guest,
    bank: &'a Bank,
    session: &'a Session,
    lowered: &'a Lowered,
    silence: Duration,
    before: &'a Before<'a>,
    /// What the devices received before the session.
    probe_trace: Vec<MailboxCommand>,
    indices: Vec<u16>,
    transcript: Transcript,
    /// What the firmware had to say, by step id.
    said: HashMap<String, String>,
    /// Where the guest is, and what it may say.
    protocol: Protocol<'a>,
}

impl Talk<'_> {
    fn run(&mut self) -> Spoken {
        if let Err(e) = self.guest.send(&ToGuest::Run(self.lowered.program.clone())) {
            return self.lost(e);
        }
        loop {
            let heard = match self.guest.receive(self.patience()) {
                Ok(heard) => heard,
                Err(e) => return self.lost(e),
            };
            match heard {
                ToHost::Begin { ticket } => match self.begin(ticket) {
                    Ok(()) => {}
                    Err(BeginError::Guest(e)) => return self.lost(e),
                    Err(refusal) => {
                        let late = matches!(refusal, BeginError::Act(_, ActError::Late(_)));
                        let doubt = late.then(|| refusal.to_string());
                        return Spoken { doubt, ..self.failed(refusal.to_string()) };
                    }
                },
                ToHost::Done { ticket, answer } => {
                    if let Err(offence) = self.done(ticket, *answer) {
                        return self.offended(&offence);
                    }
                }
                ToHost::End { end, log, taint } => {
                    return match self.protocol.end(&end, &log) {
                        Ok(()) => self.end(end, log, taint),
                        Err(offence) => self.offended(&offence),
                    };
                }
                ToHost::Failed { why } => return self.failed(format!("the agent failed: {why}")),
                other @ (ToHost::Ready(_) | ToHost::Parked { .. } | ToHost::Settled { .. }) => {
                    return self.offended(&self.protocol.stranger(other.name()));
                }
            }
        }
    }

    /// The guest said what cannot be: nothing that it says counts any more.
    fn offended(&self, offence: &Offence) -> Spoken {
        self.failed(BeginError::Offence(offence.clone()).to_string())
    }

    /// How long the next frame may take: the agent watches the step's own deadline.
    fn patience(&self) -> Duration {
        let step = self.protocol.under_way().map_or(0, |step| step.deadline_ms);
        self.silence + Duration::from_millis(step.into())
    }

    fn begin(&mut self, ticket: u32) -> Result<(), BeginError> {
        self.protocol.begin(ticket)?;
        if let Some(meta) = self.lowered.steps.get(ticket as usize)
            && let Some(action) = &meta.host
        {
            let said = self.bank.act(action, &self.indices, self.guest);
            let said = said.map_err(|e| BeginError::Act(meta.id.clone(), e))?;
            self.said.extend(said.map(|said| (meta.id.clone(), said)));
        }
        Ok(self.guest.send(&ToGuest::Go { ticket })?)
    }

    fn done(&mut self, ticket: u32, mut answer: Answer) -> Result<(), Offence> {
        self.protocol.done(ticket, &answer)?;
        let foreign = take_foreign(&mut answer);
        self.transcript.unattributed.extend(foreign);
        let no_step = |NoStep(ticket)| Offence::WrongStep { said: "done", ticket, due: "a step".to_owned() };
        let mut seen = observe(ticket, answer, &self.lowered.steps, self.session.boot).map_err(no_step)?;
        let trace = self.bank.take_traces(&self.indices);
        if !self.is_long(&seen.id) {
            seen.observation.mailbox = trace;
        }
        let action = self.lowered.steps.get(ticket as usize).and_then(|meta| meta.host.as_ref());
        if action == Some(&HostAction::Probe) {
            seen.observation.mailbox = std::mem::take(&mut self.probe_trace);
            let log = self.before.log_of(&self.indices);
            seen.observation.log = events(&log, self.session.boot);
            seen.aside.lines = log;
        }
        add_said(&mut seen, &self.said);
        self.transcript.steps.push(seen);
        Ok(())
    }

    /// Whether a step is a sweep whose commands are not compared: as many as its rounds, they are not kept.
    fn is_long(&self, step: &str) -> bool {
        self.session.step(step).is_some_and(|step| {
            matches!(step.action, Action::Sweep(_))
                && step.masks.iter().any(|mask| mask.field == Field::Mailbox)
        })
    }

    fn end(&mut self, end: End, log: Vec<LogLine>, taint: u64) -> Spoken {
        let spoiled = match end {
            End::Finished => {
                self.transcript.unattributed.extend(telling(log));
                None
            }
            End::Hung { ticket, checkpoint, stack } => {
                self.cut_short(ticket, StepEnd::Hung, log, stack, checkpoint);
                Some("a step hung".to_owned())
            }
            End::Died { status, signal: 0, ticket, .. } => {
                let step = self.lowered.steps.get(ticket as usize).map_or("?", |m| &m.id);
                return self
                    .failed(format!("the agent's worker ended with status {status} in step `{step}`"));
            }
            End::Died { ticket, checkpoint, signal, .. } => {
                self.cut_short(ticket, StepEnd::Died, log, format!("signal {signal}"), checkpoint);
                Some(format!("the process died of signal {signal}"))
            }
        };
        let hurt = self.transcript.steps.iter().find_map(|s| s.observation.damage());
        let hurt = hurt.map(|class| format!("the kernel was hurt: {}", class.name()));
        let other =
            self.transcript.unattributed.iter().filter_map(klog::classify).find(|e| e.class.is_damage());
        let other = other.map(|event| format!("the kernel was hurt: {}", event.class.name()));
        let before = self.before.taint;
        let other_taint = (taint ^ before) & !self.before.expected != 0;
        let tainted = other_taint.then(|| format!("taint went from {before} to {taint}"));
        let talkative =
            self.guest.has_said_much().then(|| "it has said more than half of what one guest may".to_owned());
        let own = self.session.spoils_guest().then(|| "the session needs a guest of its own".to_owned());
        let dead = self.bank.dead().map(str::to_owned);
        if let Some(profile) = dead {
            return self.failed(format!("the server of the device `{profile}` died"));
        }
        let bank = self.bank;
        if let Some((_, profile)) = bank.clients_gone().find(|(index, _)| !self.guest.has_removed(*index)) {
            let why = format!(
                "the host stood still: QEMU has given up on the server of the device `{profile}`, which answered too late"
            );
            return Spoken { doubt: Some(why.clone()), ..self.failed(why) };
        }
        let misbehaves = |action: &HostAction| matches!(action, HostAction::Fault(_));
        let slow_by_intent = self.bank.misbehaves(&self.indices)
            || self.lowered.steps.iter().any(|step| step.host.as_ref().is_some_and(misbehaves));
        let doubt = (!slow_by_intent && gave_up(&self.transcript)).then(|| GAVE_UP.to_owned());
        Spoken {
            performance: Performance::Performed(Box::new(self.take_transcript())),
            spoiled: spoiled.or(hurt).or(other).or(tainted).or(own).or(talkative),
            doubt,
        }
    }

    fn take_transcript(&mut self) -> Transcript {
        std::mem::replace(&mut self.transcript, Transcript::new(&self.session.id))
    }

    /// A step that did not come back.
    fn cut_short(&mut self, ticket: u32, end: StepEnd, log: Vec<LogLine>, stack: String, checkpoint: u64) {
        let Some(meta) = self.lowered.steps.get(ticket as usize) else { return };
        let sweeps =
            self.lowered.program.steps.iter().any(|s| s.ticket == ticket && matches!(s.op, Op::Sweep(_)));
        let observation = Observation {
            end,
            log: events(&log, self.session.boot),
            mailbox: self.bank.take_traces(&self.indices),
            ..Observation::default()
        };
        let aside = Aside { lines: log, stack, checkpoint: sweeps.then_some(checkpoint), ..Aside::default() };
        self.transcript.steps.push(Seen { id: meta.id.clone(), observation, aside });
    }

    /// The guest is gone: that it died in a step is the kernel's doing and conclusive, anything else
    /// is ours.
    fn lost(&mut self, error: GuestError) -> Spoken {
        let spoiled = Some(error.to_string());
        if let (GuestError::Died { death: Death::Panicked(_) | Death::Reset, console }, Some(ticket)) =
            (&error, self.under_way())
        {
            let log = damage_lines(&console.0);
            self.cut_short(ticket, StepEnd::GuestDied, log, String::new(), 0);
            return Spoken {
                performance: Performance::Performed(Box::new(self.take_transcript())),
                spoiled,
                doubt: None,
            };
        }
        let place = self.under_way().and_then(|t| self.lowered.steps.get(t as usize));
        let place = place.map_or("between steps".to_owned(), |m| format!("in step `{}`", m.id));
        let why = match self.bank.dead() {
            Some(profile) => format!("the server of the device `{profile}` died {place}"),
            None => format!("{place}: {error}"),
        };
        Spoken { performance: Performance::Failed { why }, spoiled, doubt: None }
    }

    fn under_way(&self) -> Option<u32> {
        self.protocol.under_way().map(|step| step.ticket)
    }

    fn failed(&self, why: String) -> Spoken {
        Spoken { performance: Performance::Failed { why: why.clone() }, spoiled: Some(why), doubt: None }
    }
}

/// What is said of a session in which it did.
const GAVE_UP: &str = "the kernel gave up on a mailbox that answers in time";

/// Whether the kernel gave up on a mailbox: by its own count 2 s had gone since it rang. Where the firmware
/// answers at once, or as soon as the session lets a doorbell go ([`LATE`](crate::bank::LATE) at most), it is
/// the host that was busy meanwhile, so such a session is tried again; a kernel that does it each time is
/// judged by what it does.
fn gave_up(transcript: &Transcript) -> bool {
    let steps = transcript.steps.iter();
    let nested = steps.clone().flat_map(|seen| &seen.observation.branches).flat_map(|branch| &branch.steps);
    steps.chain(nested).flat_map(|seen| &seen.observation.log).any(|event| event.what == MAILBOX_TIMEOUT)
}

/// Takes the lines out of an answer that another thread caused, where the kernel says whose they are.
fn take_foreign(answer: &mut Answer) -> Vec<LogLine> {
    let mut own = vec![format!("T{}", answer.tid)];
    own.extend(answer.branches.iter().flat_map(|b| &b.0).map(|(_, a)| format!("T{}", a.tid)));
    let lines = std::mem::take(&mut answer.log);
    let is_own = |line: &LogLine| line.caller.as_ref().is_none_or(|caller| own.contains(caller));
    let (own, foreign): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_own);
    answer.log = own;
    telling(foreign).collect()
}

/// Of lines that belong to no step, those that mean something: an event's first line, and all from the first
/// report of damage on, without which the report's own first line explains nothing.
fn telling(lines: Vec<LogLine>) -> impl Iterator<Item = LogLine> {
    let mut hurt = false;
    lines.into_iter().filter(move |line| {
        let event = klog::classify(line);
        hurt |= event.as_ref().is_some_and(|event| event.class.is_damage());
        hurt || event.is_some()
    })
}

fn add_said(seen: &mut Seen, said: &HashMap<String, String>) {
    if let Some(text) = said.get(&seen.id) {
        seen.observation.text = Some(text.clone());
    }
    for step in seen.observation.branches.iter_mut().flat_map(|b| &mut b.steps) {
        add_said(step, said);
    }
}

/// The most lines of a console's end that are kept: reports of several oopses and a panic. One has about sixty.
const MOST_LINES: usize = 1_000;

/// What a console says of the kernel's end: from the first report on, as log lines, at most `MOST_LINES`.
pub fn damage_lines(console: &str) -> Vec<LogLine> {
    let line = |(i, text): (usize, &str)| LogLine {
        seq: i as u64,
        micros: 0,
        level: 0,
        caller: None,
        text: strip_stamp(text).to_owned(),
    };
    let lines: Vec<_> = console.lines().enumerate().map(line).collect();
    let is_report = |l: &LogLine| klog::classify(l).is_some_and(|e| e.class.is_damage());
    let first = lines.iter().position(is_report).unwrap_or(lines.len());
    lines.into_iter().skip(first).take(MOST_LINES).collect()
}

/// A console line without its time and caller: `[    1.234567][    T1] text`.
fn strip_stamp(line: &str) -> &str {
    let mut rest = line.trim_end();
    while let Some((_, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        rest = after.trim_start();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_the_console_is_taken_apart() {
        let console = "[    0.1] boot\n[    1.2][   T71] BUG: kernel NULL pointer dereference, address: 0\n[    1.3] Kernel panic - not syncing: x\n";
        let lines = damage_lines(console);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].text.starts_with("BUG: kernel NULL"));
    }

    fn line(text: &str) -> LogLine {
        LogLine { seq: 0, micros: 0, level: 4, caller: None, text: text.to_owned() }
    }

    #[test]
    fn a_report_of_another_thread_is_kept_whole() {
        let report = "WARNING: possible circular locking dependency detected";
        let said =
            ["chatter", "cxl_pci 0000:0d:00.0: mailbox timeout (opcode: 0x501)", "more", report, "a lock"];
        let kept: Vec<_> = telling(said.map(line).to_vec()).map(|line| line.text).collect();
        assert_eq!(kept, [said[1], said[3], said[4]]);
    }

    #[test]
    fn what_a_kernel_said_of_another_device_is_not_of_the_session() {
        let log = [line("cxl_pci 0000:0d:00.0: mailbox timeout"), line("cxl_pci 0000:0e:00.0: x"), line("x")];
        let addresses = ["0000:0d:00.0".to_owned(), "0000:0e:00.0".to_owned(), String::new()];
        let before = Before { taint: 0, expected: 0, log: &log, addresses: &addresses };
        assert_eq!(before.log_of(&[1]), log[1..]);
        assert_eq!(before.log_of(&[0, 2]), [log[0].clone(), log[2].clone()]);
    }

    #[test]
    fn a_kernel_that_gave_up_on_a_mailbox_is_noticed() {
        let step = |what: &str| {
            let log = vec![klog::Event { class: klog::Class::Message, what: what.to_owned() }];
            let observation = Observation { log, ..Observation::default() };
            Seen { id: "get".to_owned(), observation, aside: Aside::default() }
        };
        let with = |steps| Transcript { steps, ..Transcript::new("s") };
        assert!(gave_up(&with(vec![step("mailbox-busy"), step("mailbox-timeout")])));
        assert!(!gave_up(&with(vec![step("mailbox-busy")])));
    }

    #[test]
    fn lines_of_another_thread_are_not_the_steps() {
        let line = |caller: &str, text: &str| LogLine {
            seq: 1,
            micros: 1,
            level: 4,
            caller: Some(caller.to_owned()),
            text: text.to_owned(),
        };
        let mut answer = Answer {
            tid: 7,
            log: vec![line("T7", "mine"), line("T9", "WARNING: CPU: 0 PID: 9 at f.c:1 f+0x1/0x2")],
            ..Answer::default()
        };
        assert_eq!(take_foreign(&mut answer).len(), 1);
        assert_eq!(answer.log.len(), 1);
    }
}
