//! The exit statuses and what each means: the one table of them. What leads to which is not its business.

use std::process::{ExitCode, Termination};

use scrubjay_host::Signal;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// 0: no break, and everything that applies was tested.
    Clean,
    /// 1: at least one break under the policy asked for.
    Broken,
    /// 2: wrong usage or a bad input file.
    Usage,
    /// 3: no break, but something could not be tested.
    Untested,
    /// 128 and the number of the signal that ended it: 130 for Ctrl-C.
    Interrupted(Signal),
}

impl ExitStatus {
    /// All but those of signals.
    pub const ALL: [ExitStatus; 4] =
        [ExitStatus::Clean, ExitStatus::Broken, ExitStatus::Usage, ExitStatus::Untested];

    /// What a signal's number is added to.
    pub const SIGNALLED: u8 = 128;

    /// The status of this number.
    pub fn of(number: u8) -> Option<Self> {
        let signal = || Signal::try_from(i32::from(number.checked_sub(Self::SIGNALLED)?)).ok();
        let plain = Self::ALL.into_iter().find(|status| status.number() == number);
        plain.or_else(|| signal().map(ExitStatus::Interrupted))
    }

    /// The number.
    pub fn number(self) -> u8 {
        match self {
            ExitStatus::Clean => 0,
            ExitStatus::Broken => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Untested => 3,
            ExitStatus::Interrupted(signal) => Self::SIGNALLED + signal as u8,
        }
    }

    /// What it means, in one line: help, man page and the book are made from this.
    pub fn meaning(self) -> String {
        let meaning = match self {
            ExitStatus::Clean => "no break, and everything that applies was tested",
            ExitStatus::Broken => "at least one break under the chosen policy",
            ExitStatus::Usage => "wrong usage or a bad input file",
            ExitStatus::Untested => "no break, but something could not be tested",
            ExitStatus::Interrupted(signal) => return format!("ended by {signal}"),
        };
        meaning.to_owned()
    }
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}
