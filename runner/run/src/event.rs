//! The run as it happens: typed events, and who takes them. Knows no format.

use std::io;

use scrubjay_verdict::{KernelVerdict, OwnPolicy, Policy, SessionVerdict, WaiverUse};

use crate::shard::Shard;
use crate::status::ExitStatus;

/// Something that happened in a run.
#[derive(Clone, Debug)]
pub enum RunEvent {
    /// The first event.
    RunStarted {
        /// The policy that decides.
        policy: Policy,
        /// What it says, where it is one of the user's own.
        own_policy: Option<OwnPolicy>,
        /// The ids of the kernels, in the order in which they will come.
        kernels: Vec<String>,
        /// The ids of the sessions that each of them is asked for; of a shard, those of the whole run.
        sessions: Vec<String>,
        /// Which part of them this run performs, where it is one of several.
        shard: Option<Shard>,
        /// The kernel that they are held against instead of goldens.
        against: Option<String>,
        /// The kernel whose changes they have to carry, where one was named.
        baseline: Option<String>,
        /// Whether a fix that a kernel's own series has, and that it lacks, is a break.
        require_fixes: bool,
    },
    /// A line about the run as a whole: which accelerator and why, what is built. Two runs of the
    /// same say the same, so it holds no time.
    Note {
        /// One line.
        text: String,
    },
    /// The turn of the kernel comes that the others are held against.
    ReferenceStarted {
        /// Its id.
        kernel: String,
        /// How many sessions it is asked for.
        sessions: usize,
    },
    /// A session was performed on it.
    ReferencePerformed,
    /// A kernel's turn comes.
    KernelStarted {
        /// Its id.
        kernel: String,
        /// How many sessions it is asked for.
        sessions: usize,
    },
    /// A session was judged.
    SessionJudged {
        /// The kernel's id.
        kernel: String,
        /// What the session pins.
        title: String,
        /// The area that it belongs to: its directory below `vectors/sessions`.
        area: String,
        /// What it came to.
        verdict: SessionVerdict,
        /// How long it took, in milliseconds.
        millis: u64,
    },
    /// A kernel has had all its sessions, and is judged as a whole.
    KernelJudged {
        /// Its sessions once more, and what was found about it.
        verdict: KernelVerdict,
        /// Where in the history it stands: [`nearest`](scrubjay_verdict::history::ranges::nearest), in words.
        nearest: Option<String>,
        /// What could not be observed on it, and why.
        not_checked: Vec<String>,
        /// The end of the console of the guest that died last, as its sessions are ordered.
        console_tail: Option<String>,
        /// How its guests came up, and what was done once more.
        guests: Box<Guests>,
    },
    /// Nothing of a kernel could be tested: no image, none that boots.
    KernelFailed {
        /// Its id.
        kernel: String,
        /// Why.
        why: String,
    },
    /// What the waivers came to. Only where there are any.
    Waivers {
        /// Each of them.
        uses: Vec<WaiverUse>,
    },
    /// A report could not be written: whoever reads another one is told.
    ReportFailed {
        /// Where it was to go, and why it did not.
        why: String,
    },
    /// The last event.
    RunFinished {
        /// How the command ends if the run was ended before its time, by a signal or an error.
        cut: Option<ExitStatus>,
    },
}

/// How the guests of a kernel came up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guests {
    /// How many booted.
    pub booted: u32,
    /// How many started from one that had booted without devices and was kept.
    pub started: u32,
    /// Why none could be kept, where that was tried.
    pub not_kept: Vec<String>,
    /// What was done once more because the host may have had a part in it.
    pub again: Vec<Again>,
}

/// Boots or sessions that were tried once more, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Again {
    /// The session; none for a boot.
    pub session: Option<String>,
    /// Why.
    pub why: String,
}

/// Takes the events of one run.
///
/// The order of calls: `RunStarted`; `ReferenceStarted` and its `ReferencePerformed` where kernels are
/// held against another; then for each kernel `KernelStarted`, its `SessionJudged` and
/// one of `KernelJudged` and `KernelFailed` (which may also come without a `KernelStarted`); `Waivers`;
/// at the end `RunFinished`, once. `Note` and `ReportFailed` may come at any time, before `RunStarted` too. A run that is cut goes from
/// wherever it is to `RunFinished`. What was written has to be out of every buffer when `event`
/// returns from `RunFinished`.
pub trait Consumer {
    /// Takes one event.
    ///
    /// # Errors
    /// If the report cannot be written.
    fn event(&mut self, event: &RunEvent) -> io::Result<()>;
}
