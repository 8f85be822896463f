//! The process of one session: announces each step, performs it, answers.
//!
//! Never outlives its session, and never touches another's descriptors or memory.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use scrubjay_wire::{Answer, Branch, FrameError, GuestStep, Op, Program, ToGuest, ToHost};

use crate::channel::Channel;
use crate::heartbeat::heartbeat;
use crate::kmsg;
use crate::perform::perform;
use crate::slots::Slots;

/// Performs a program; returns when its last step is answered.
pub fn run(channel: &mut Channel, program: &Program) -> Result<(), FrameError> {
    let slots = Slots::default();
    let Some(first) = program.steps.first() else { return Ok(()) };
    channel.send(&ToHost::Begin { ticket: first.ticket })?;
    for (i, step) in program.steps.iter().enumerate() {
        wait_for(channel, step.ticket)?;
        heartbeat().begin(step);
        let taint_before = kmsg::taint();
        let mut answer = match &step.op {
            Op::Parallel { branches } => parallel(channel, branches, &slots),
            op => perform(op, &slots, Duration::from_millis(step.deadline_ms.into())),
        };
        heartbeat().end();
        answer.taint_before = taint_before;
        answer.taint_after = kmsg::taint();
        answer.log = kmsg::fresh();
        let done = ToHost::Done { ticket: step.ticket, answer: Box::new(answer) };
        match program.steps.get(i + 1) {
            Some(next) => channel.send_both(&done, &ToHost::Begin { ticket: next.ticket })?,
            None => channel.send(&done)?,
        }
    }
    Ok(())
}

fn wait_for(channel: &mut Channel, ticket: u32) -> Result<(), FrameError> {
    match channel.receive()? {
        ToGuest::Go { ticket: t } if t == ticket => Ok(()),
        other => Err(FrameError::Garbled(format!("expected the go for step {ticket}, got {other:?}"))),
    }
}

/// The channel among the branches of a group: whoever waits reads for all.
struct Shared<'a> {
    channel: Mutex<&'a mut Channel>,
    gone: Mutex<HashSet<u32>>,
    came: Condvar,
}

impl Shared<'_> {
    fn announce(&self, ticket: u32) -> Result<(), FrameError> {
        self.channel.lock().unwrap_or_else(|e| e.into_inner()).send(&ToHost::Begin { ticket })?;
        loop {
            let mut gone = self.gone.lock().unwrap_or_else(|e| e.into_inner());
            if gone.remove(&ticket) {
                return Ok(());
            }
            match self.channel.try_lock() {
                Ok(mut channel) => {
                    drop(gone);
                    let heard = channel.receive()?;
                    drop(channel);
                    if let ToGuest::Go { ticket } = heard {
                        self.gone.lock().unwrap_or_else(|e| e.into_inner()).insert(ticket);
                    }
                    self.came.notify_all();
                }
                Err(_) => {
                    // Someone else reads; woken by it, or soon enough to take its place.
                    gone = self
                        .came
                        .wait_timeout(gone, Duration::from_millis(2))
                        .map_or_else(|e| e.into_inner().0, |w| w.0);
                    drop(gone);
                }
            }
        }
    }
}

/// Named points that branches raise and wait for.
#[derive(Default)]
struct Points {
    raised: Mutex<HashSet<String>>,
    changed: Condvar,
}

impl Points {
    fn raise(&self, point: &str) {
        self.raised.lock().unwrap_or_else(|e| e.into_inner()).insert(point.to_owned());
        self.changed.notify_all();
    }

    fn wait(&self, point: &str, deadline: Duration) -> bool {
        let start = Instant::now();
        let mut raised = self.raised.lock().unwrap_or_else(|e| e.into_inner());
        while !raised.contains(point) {
            let Some(left) = deadline.checked_sub(start.elapsed()) else { return false };
            raised = self.changed.wait_timeout(raised, left).map_or_else(|e| e.into_inner().0, |w| w.0);
        }
        true
    }
}

fn parallel(channel: &mut Channel, branches: &[Vec<GuestStep>], slots: &Slots) -> Answer {
    let shared =
        Shared { channel: Mutex::new(channel), gone: Mutex::new(HashSet::new()), came: Condvar::new() };
    let points = Points::default();
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            branches.iter().map(|steps| scope.spawn(|| branch(steps, slots, &shared, &points))).collect();
        let panicked = |_| (Branch::default(), Some("a branch panicked".to_owned()));
        threads.into_iter().map(|t| t.join().unwrap_or_else(panicked)).collect()
    });
    let mut answer = Answer::default();
    for (branch, failure) in results {
        answer.branches.push(branch);
        if let Some(why) = failure {
            answer.errno = -1;
            answer.text = Some(why);
        }
    }
    answer
}

/// Performs a branch: what its steps gave, and why it stopped on its way if it did.
fn branch(steps: &[GuestStep], slots: &Slots, shared: &Shared, points: &Points) -> (Branch, Option<String>) {
    let mut answers = Vec::with_capacity(steps.len());
    for step in steps {
        let deadline = Duration::from_millis(step.deadline_ms.into());
        let answer = match &step.op {
            Op::Signal { point } => {
                points.raise(point);
                Answer::default()
            }
            Op::WaitFor { point } => match points.wait(point, deadline) {
                true => Answer::default(),
                false => return (Branch(answers), Some(format!("no branch raised `{point}` in time"))),
            },
            op => {
                // Only what the host takes part in is announced: the rest must not wait for a branch
                // that waits for the device.
                if matches!(op, Op::Host)
                    && let Err(error) = shared.announce(step.ticket)
                {
                    return (Branch(answers), Some(error.to_string()));
                }
                perform(op, slots, deadline)
            }
        };
        answers.push((step.ticket, answer));
    }
    (Branch(answers), None)
}
