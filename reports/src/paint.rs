//! Colour for words on a terminal, and nothing where colour is not wanted.

use anstyle::{AnsiColor, Style};
use scrubjay_host::words::plain;
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
            Colour::Always => format!("{style}{}{style:#}", plain(text)),
        }
    }

    /// A line as it leaves: nothing in it but colours of this table, where there are any, moves a cursor
    /// or ends the line. The one place through which every line for a terminal goes.
    pub fn line(self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some((before, after)) = rest.split_once('\u{1b}').filter(|_| self == Colour::Always) {
            out.push_str(&plain(before));
            let end = after.find(|c: char| !matches!(c, '[' | ';' | '0'..='9')).unwrap_or(after.len());
            rest = match after[end..].strip_prefix('m').filter(|_| after.starts_with('[')) {
                Some(left) => {
                    out.push('\u{1b}');
                    out.push_str(&after[..=end]);
                    left
                }
                None => {
                    out.push_str(&plain("\u{1b}"));
                    after
                }
            };
        }
        out.push_str(&plain(rest));
        out
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_colour("\u{1b}[1mx\u{1b}[0m", "\u{1b}[1mx\u{1b}[0m")]
    #[case::a_cursor("\u{1b}[2Jx", "\\u{1b}[2Jx")]
    #[case::a_title("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}")]
    #[case::two_in_a_row("\u{1b}\u{1b}[1m", "\\u{1b}\u{1b}[1m")]
    #[case::cut_off("x\u{1b}[1", "x\\u{1b}[1")]
    #[case::a_line("x\ny", "x\\ny")]
    fn only_colours_leave(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(Colour::Always.line(line), expected);
        assert_eq!(Colour::Never.line(line), plain(line));
    }
}
