//! The exit statuses and what each means: the one table of them. What leads to which is not its business.

use std::process::{ExitCode, Termination};

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
    /// 130: ended by Ctrl-C.
    Interrupted,
}

impl ExitStatus {
    /// All of them.
    pub const ALL: [ExitStatus; 5] = [
        ExitStatus::Clean,
        ExitStatus::Broken,
        ExitStatus::Usage,
        ExitStatus::Untested,
        ExitStatus::Interrupted,
    ];

    /// The number.
    pub fn number(self) -> u8 {
        match self {
            ExitStatus::Clean => 0,
            ExitStatus::Broken => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Untested => 3,
            ExitStatus::Interrupted => 130,
        }
    }

    /// What it means, in one line: help, man page and the book are made from this.
    pub fn meaning(self) -> &'static str {
        match self {
            ExitStatus::Clean => "no break, and everything that applies was tested",
            ExitStatus::Broken => "at least one break under the chosen policy",
            ExitStatus::Usage => "wrong usage or a bad input file",
            ExitStatus::Untested => "no break, but something could not be tested",
            ExitStatus::Interrupted => "interrupted",
        }
    }
}

impl Termination for ExitStatus {
    fn report(self) -> ExitCode {
        ExitCode::from(self.number())
    }
}
