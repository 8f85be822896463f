//! Colour for words on a terminal, and nothing where colour is not wanted.

use anstyle::{AnsiColor, Style};
use scrubjay_verdict::{Severity, Status};

/// Whether to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// With escape sequences.
    Always,
}

impl Colour {
    /// For a stream: only where it is a terminal, and `NO_COLOR` is not set to anything
    /// (no-color.org), and the terminal is not a dumb one.
    pub fn for_stream(is_terminal: bool) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        if is_terminal && set("NO_COLOR").is_none() && !dumb { Colour::Always } else { Colour::Never }
    }

    fn paint(self, style: Style, text: &str) -> String {
        match self {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("{style}{text}{style:#}"),
        }
    }

    /// A status, padded to `width`.
    pub fn status(self, status: Status, width: usize) -> String {
        let colour = match status {
            Status::Pass => AnsiColor::Green,
            Status::Waived => AnsiColor::Cyan,
            Status::Break => AnsiColor::Red,
            Status::Error => AnsiColor::Magenta,
            Status::Skip => AnsiColor::Yellow,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        self.paint(
            if status == Status::Pass { style } else { style.bold() },
            &format!("{:width$}", status.name()),
        )
    }

    /// A severity.
    pub fn severity(self, severity: Severity) -> String {
        let colour = match severity {
            Severity::Break => AnsiColor::Red,
            Severity::Warn => AnsiColor::Yellow,
            Severity::Note => return severity.name().to_owned(),
        };
        self.paint(Style::new().fg_color(Some(colour.into())), severity.name())
    }

    /// A line that is no longer there.
    pub fn removed(self, text: &str) -> String {
        self.paint(Style::new().fg_color(Some(AnsiColor::Red.into())), text)
    }

    /// A line that is new.
    pub fn added(self, text: &str) -> String {
        self.paint(Style::new().fg_color(Some(AnsiColor::Green.into())), text)
    }

    /// Something that stands out.
    pub fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }
}
