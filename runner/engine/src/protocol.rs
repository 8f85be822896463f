//! What a guest may say next, and what of it can be an answer: one conversation as a state machine.
//!
//! A guest runs the kernel under test, which may corrupt anything, so nothing that it says is believed before it has
//! passed here: its turn, its step, its counts, lengths and sizes. Says what is wrong; acts on nothing and judges
//! nothing.

use scrubjay_wire::{
    Answer, Branch, Bytes, End, Entry, GuestStep, Ioctl, LogLine, Op, Placement, Program, Run, Sweep,
};

/// The longest line of a kernel's log: a record has at most 8 KiB (the agent's buffer), and a byte that is no text
/// becomes a character of three.
const LONGEST_LINE: usize = 3 * 8192;

/// The longest text of an answer: 64 KiB of a file, as above.
const LONGEST_TEXT: usize = 3 * (64 << 10);

/// The longest name in a directory: NAME_MAX, as above.
const LONGEST_NAME: usize = 3 * 255;

/// The longest kernel stacks of a worker's threads.
const LONGEST_STACK: usize = 1 << 20;

/// The largest errno (include/linux/err.h, MAX_ERRNO); -1 is the agent's own.
const LARGEST_ERRNO: i32 = 4095;

/// What a guest said that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Offence {
    /// Nothing of the kind is due.
    #[error("it said `{said}` where {due} was due")]
    OutOfTurn {
        /// The frame's name.
        said: &'static str,
        /// What was due.
        due: String,
    },
    /// It speaks of a step that it cannot be at.
    #[error("it said `{said}` of step {ticket} where {due} was due")]
    WrongStep {
        /// The frame's name.
        said: &'static str,
        /// The step that it spoke of.
        ticket: u32,
        /// What was due.
        due: String,
    },
    /// The program has ended, and steps are left.
    #[error("it said that the program has ended, and {left} of its {all} steps were not performed")]
    Unfinished {
        /// Steps that are left.
        left: usize,
        /// All of them.
        all: usize,
    },
    /// The answer is none to this operation.
    #[error("its answer to step {ticket} cannot be: {wrong}")]
    Answer {
        /// The step.
        ticket: u32,
        /// What is wrong.
        wrong: Wrong,
    },
    /// What it says beside an answer.
    #[error("what it says cannot be: {0}")]
    Beside(Wrong),
}

/// What cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Another number than there are.
    #[error("{got} {what}, and there are {due}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many came.
        got: usize,
        /// How many there have to be.
        due: usize,
    },
    /// Something that the operation does not give.
    #[error("it has {0}, which the operation does not give")]
    Surplus(&'static str),
    /// Longer than it can be.
    #[error("{what} of {got} bytes, and {most} are the most")]
    Long {
        /// What.
        what: &'static str,
        /// How long it is.
        got: usize,
        /// How long it may be.
        most: usize,
    },
    /// A buffer of another length.
    #[error("buffer {index} has {got} bytes, and {due} are due")]
    Buffer {
        /// Which.
        index: usize,
        /// Its length.
        got: usize,
        /// What can be read of the length that it was given with.
        due: usize,
    },
    /// A number out of its range.
    #[error("{what} is {got}")]
    Number {
        /// What.
        what: &'static str,
        /// The number.
        got: i64,
    },
    /// Rounds that do not follow each other, or are more than there are.
    #[error("rounds {first} to {last} where round {due} of {all} is due")]
    Rounds {
        /// The first that is said.
        first: u64,
        /// The last.
        last: u64,
        /// The one that is due.
        due: u64,
        /// All of them.
        all: u64,
    },
    /// A branch with another step than its next.
    #[error("branch {branch} answers step {ticket} where {due} is due")]
    BranchStep {
        /// Which branch.
        branch: usize,
        /// The step.
        ticket: u32,
        /// What is due.
        due: String,
    },
    /// A step of a branch in which the host takes part, and was not asked to.
    #[error("step {0} of a branch was never announced")]
    Unannounced(u32),
    /// A text that is none of its kind.
    #[error("{what} `{got}`")]
    Text {
        /// What it should be.
        what: &'static str,
        /// What it is, cut short.
        got: String,
    },
}

/// Where a program is.
pub struct Protocol<'a> {
    steps: &'a [GuestStep],
    /// How many of them were performed.
    done: usize,
    under_way: Option<UnderWay<'a>>,
}

/// A step that was announced and is not done.
struct UnderWay<'a> {
    step: &'a GuestStep,
    /// Of each branch of a group: the steps that it may still announce.
    branches: Vec<&'a [GuestStep]>,
}

impl<'a> Protocol<'a> {
    /// Before the first step.
    pub fn new(program: &'a Program) -> Self {
        Protocol { steps: &program.steps, done: 0, under_way: None }
    }

    /// The step that was announced and is not done.
    pub fn under_way(&self) -> Option<&'a GuestStep> {
        self.under_way.as_ref().map(|under_way| under_way.step)
    }

    fn due(&self) -> String {
        match (&self.under_way, self.steps.get(self.done)) {
            (Some(under_way), _) => format!("`done` of step {}", under_way.step.ticket),
            (None, Some(next)) => format!("`begin` of step {}", next.ticket),
            (None, None) => "`end`".to_owned(),
        }
    }

    /// A frame that no session has.
    pub fn stranger(&self, said: &'static str) -> Offence {
        Offence::OutOfTurn { said, due: self.due() }
    }

    /// A step is announced.
    ///
    /// # Errors
    /// It is not the next one, nor one of a branch that goes on by itself.
    pub fn begin(&mut self, ticket: u32) -> Result<(), Offence> {
        let wrong = Offence::WrongStep { said: "begin", ticket, due: self.due() };
        let Some(under_way) = &mut self.under_way else {
            let step = self.steps.get(self.done).filter(|step| step.ticket == ticket).ok_or(wrong)?;
            let branches = match &step.op {
                Op::Parallel { branches } => branches.iter().map(Vec::as_slice).collect(),
                _ => Vec::new(),
            };
            self.under_way = Some(UnderWay { step, branches });
            return Ok(());
        };
        // A branch announces only those of its steps in which the host takes part, in their order.
        let announced = |step: &GuestStep| step.ticket == ticket && step.op == Op::Host;
        for left in &mut under_way.branches {
            if let Some(at) = left.iter().position(announced) {
                *left = left.get(at + 1..).unwrap_or_default();
                return Ok(());
            }
        }
        Err(wrong)
    }

    /// A step is done.
    ///
    /// # Errors
    /// It is not under way, or the answer is none to it.
    pub fn done(&mut self, ticket: u32, answer: &Answer) -> Result<(), Offence> {
        let step = self.under_way().filter(|step| step.ticket == ticket);
        let step = step.ok_or_else(|| Offence::WrongStep { said: "done", ticket, due: self.due() })?;
        check_answer(&step.op, answer).map_err(|wrong| Offence::Answer { ticket, wrong })?;
        let mut unannounced = self.under_way.iter().flat_map(|it| &it.branches).copied().flatten();
        let unannounced = unannounced.find(|step| step.op == Op::Host).filter(|_| answer.errno >= 0);
        if let Some(step) = unannounced {
            return Err(Offence::Answer { ticket, wrong: Wrong::Unannounced(step.ticket) });
        }
        self.under_way = None;
        self.done += 1;
        Ok(())
    }

    /// The program has ended.
    ///
    /// # Errors
    /// Steps are left and nothing is said to have gone wrong, or it went wrong at a step that it cannot have been at.
    pub fn end(&self, end: &End, log: &[LogLine]) -> Result<(), Offence> {
        check_log(log).map_err(Offence::Beside)?;
        let at = |ticket: u32, step: Option<&GuestStep>, checkpoint: u64| {
            let step = step.filter(|step| step.ticket == ticket);
            let step = step.ok_or_else(|| Offence::WrongStep { said: "end", ticket, due: self.due() })?;
            let rounds = if let Op::Sweep(sweep) = &step.op { rounds(sweep) } else { 0 };
            let wrong = Wrong::Rounds { first: 0, last: checkpoint, due: 0, all: rounds };
            if checkpoint > rounds { Err(Offence::Answer { ticket, wrong }) } else { Ok(()) }
        };
        match end {
            End::Finished if self.done == self.steps.len() => Ok(()),
            End::Finished => {
                Err(Offence::Unfinished { left: self.steps.len() - self.done, all: self.steps.len() })
            }
            End::Hung { ticket, checkpoint, stack } => {
                bounded("the stacks", stack, LONGEST_STACK).map_err(Offence::Beside)?;
                at(*ticket, self.under_way(), *checkpoint)
            }
            // The agent failed by itself: nothing is concluded from where.
            End::Died { signal: 0, .. } => Ok(()),
            // A process can also die of what its last step left behind.
            End::Died { ticket, checkpoint, .. } => match self.under_way() {
                Some(step) if step.ticket == *ticket => at(*ticket, Some(step), *checkpoint),
                _ => at(*ticket, self.done.checked_sub(1).and_then(|last| self.steps.get(last)), *checkpoint),
            },
        }
    }
}

/// What a guest says of its devices.
pub struct Settled {
    /// Whether each has a fwctl node.
    pub nodes: Vec<bool>,
    /// The PCI address of each, empty where there is none.
    pub addresses: Vec<String>,
    /// CXL roots that were bound by hand.
    pub bound: Vec<String>,
    /// The kernel's log since boot.
    pub log: Vec<LogLine>,
}

impl Settled {
    /// Checks it, for so many devices.
    ///
    /// # Errors
    /// What cannot be.
    pub fn check(self, reached: &[bool], devices: usize) -> Result<Self, Offence> {
        let wrong = |what, got| (got != devices).then_some(Wrong::Count { what, got, due: devices });
        let counts = [
            ("devices that were waited for", reached.len()),
            ("devices with or without a node", self.nodes.len()),
            ("addresses", self.addresses.len()),
        ];
        if let Some(wrong) = counts.into_iter().find_map(|(what, got)| wrong(what, got)) {
            return Err(Offence::Beside(wrong));
        }
        let not = |what, text: &String| {
            let got = text.chars().take(40).collect();
            Err(Offence::Beside(Wrong::Text { what, got }))
        };
        if let Some(address) = self.addresses.iter().find(|a| !a.is_empty() && !is_pci_address(a)) {
            return not("no PCI address:", address);
        }
        if let Some(root) = self.bound.iter().find(|name| !is_cxl_root(name)) {
            return not("no CXL root:", root);
        }
        check_log(&self.log).map_err(Offence::Beside)?;
        Ok(self)
    }
}

/// `0000:0d:00.0`.
fn is_pci_address(text: &str) -> bool {
    let form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b':',
        10 => byte == b'.',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 12 && text.bytes().enumerate().all(form)
}

/// `ACPI0017:00`.
fn is_cxl_root(text: &str) -> bool {
    let number = text.strip_prefix("ACPI0017:").unwrap_or_default();
    (2..=4).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Checks an answer to an operation.
fn check_answer(op: &Op, answer: &Answer) -> Result<(), Wrong> {
    let Answer { errno, buffers, text, entries, runs, branches, log, .. } = answer;
    if !(-1..=LARGEST_ERRNO).contains(errno) {
        return Err(Wrong::Number { what: "the errno", got: (*errno).into() });
    }
    check_log(log)?;
    if let Some(text) = text {
        bounded("a text", text, LONGEST_TEXT)?;
    }
    let none = |what, is_empty: bool| if is_empty { Ok(()) } else { Err(Wrong::Surplus(what)) };
    // What the agent could not do it says in words, and gives nothing.
    let has_text = matches!(op, Op::ReadFile { .. } | Op::Resolve { .. } | Op::Execute { .. });
    none("a text", has_text || *errno < 0 || text.is_none())?;
    match op {
        Op::Ioctl(call) => check_buffers(call, *errno, buffers)?,
        _ => none("buffers", buffers.is_empty())?,
    }
    match op {
        Op::Sweep(sweep) => check_runs(sweep, *errno, runs)?,
        _ => none("rounds", runs.is_empty())?,
    }
    match op {
        Op::Parallel { branches: asked } => check_branches(asked, *errno, branches)?,
        _ => none("branches", branches.is_empty())?,
    }
    match op {
        Op::List { .. } => entries.iter().try_for_each(check_entry),
        Op::Stat { .. } if entries.len() <= 1 => entries.iter().try_for_each(check_entry),
        Op::Stat { .. } => Err(Wrong::Count { what: "files", got: entries.len(), due: 1 }),
        _ => none("names", entries.is_empty()),
    }
}

fn check_buffers(call: &Ioctl, errno: i32, buffers: &[Bytes]) -> Result<(), Wrong> {
    if buffers.is_empty() && errno < 0 {
        return Ok(());
    }
    let due = call.buffers.len();
    if buffers.len() != due {
        return Err(Wrong::Count { what: "buffers", got: buffers.len(), due });
    }
    for (index, (got, given)) in buffers.iter().zip(&call.buffers).enumerate() {
        // Memory that the process cannot read, or that is another buffer's, comes back as none.
        let due = match given.placement {
            Placement::Normal | Placement::Unaligned | Placement::ReadOnly | Placement::PageEnd => {
                given.bytes.len()
            }
            Placement::Unmapped | Placement::Null | Placement::Kernel | Placement::SameAs(_) => 0,
        };
        if got.len() != due {
            return Err(Wrong::Buffer { index, got: got.len(), due });
        }
    }
    Ok(())
}

/// How many calls a sweep makes.
fn rounds(sweep: &Sweep) -> u64 {
    sweep.vary.iter().fold(1, |product: u64, vary| product.saturating_mul(vary.values.len()))
}

fn check_runs(sweep: &Sweep, errno: i32, runs: &[Run]) -> Result<(), Wrong> {
    let all = rounds(sweep);
    let mut due = 0u64;
    for run in runs {
        let end = run.first.checked_add(run.count).filter(|end| *end <= all && run.count > 0);
        match end.filter(|_| run.first == due) {
            Some(end) => due = end,
            None => {
                let last = run.first.saturating_add(run.count).saturating_sub(1);
                return Err(Wrong::Rounds { first: run.first, last, due, all });
            }
        }
        if !(0..=LARGEST_ERRNO).contains(&run.errno) {
            return Err(Wrong::Number { what: "a round's errno", got: run.errno.into() });
        }
        if run.words.len() != sweep.collect.len() {
            let (got, due) = (run.words.len(), sweep.collect.len());
            return Err(Wrong::Count { what: "words of a round", got, due });
        }
    }
    if errno >= 0 && due != all {
        return Err(Wrong::Rounds { first: due, last: all, due, all });
    }
    Ok(())
}

fn check_branches(asked: &[Vec<GuestStep>], errno: i32, branches: &[Branch]) -> Result<(), Wrong> {
    if branches.len() != asked.len() {
        return Err(Wrong::Count { what: "branches", got: branches.len(), due: asked.len() });
    }
    for (index, (steps, Branch(answers))) in asked.iter().zip(branches).enumerate() {
        let mut due = steps.iter();
        for (ticket, answer) in answers {
            let next = due.next();
            let step = next.filter(|step| step.ticket == *ticket).ok_or_else(|| Wrong::BranchStep {
                branch: index,
                ticket: *ticket,
                due: next.map_or("none".to_owned(), |step| step.ticket.to_string()),
            })?;
            check_answer(&step.op, answer)?;
        }
        // A branch of a group that failed may have stopped on its way.
        if errno >= 0 && due.len() > 0 {
            return Err(Wrong::Count { what: "answers of a branch", got: answers.len(), due: steps.len() });
        }
    }
    Ok(())
}

fn check_entry(entry: &Entry) -> Result<(), Wrong> {
    bounded("a name", &entry.name, LONGEST_NAME)?;
    match "fdlcb".contains(entry.kind) && entry.mode <= 0o7777 {
        true => Ok(()),
        false => {
            Err(Wrong::Text { what: "no kind of file:", got: format!("{}{:o}", entry.kind, entry.mode) })
        }
    }
}

fn check_log(log: &[LogLine]) -> Result<(), Wrong> {
    for line in log {
        bounded("a line of the log", &line.text, LONGEST_LINE)?;
        if let Some(caller) = &line.caller {
            bounded("a line's caller", caller, 32)?;
        }
        if line.level > 7 {
            return Err(Wrong::Number { what: "a line's level", got: line.level.into() });
        }
    }
    Ok(())
}

fn bounded(what: &'static str, text: &str, most: usize) -> Result<(), Wrong> {
    if text.len() > most { Err(Wrong::Long { what, got: text.len(), most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
