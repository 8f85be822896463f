//! Text that was said by somebody else (a guest, an image, a file, a path) made harmless for a
//! terminal, a log and a page; and the way to standard error. Knows no format.

use std::fmt::Display;
use std::io::{self, Write};

/// What could move a cursor, end a line or turn the direction of reading made visible, and so is `##[`, which a log of
/// GitHub's takes for a command wherever it stands (actions/runner, ActionCommand.cs, `TryParse`).
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(' '),
            '[' if out.ends_with("##") => out.extend(c.escape_unicode()),
            c if c.is_control() => out.extend(c.escape_default()),
            c if is_unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// The same for a text of several lines, whose ends stay.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Characters that are not seen and change what is: separators of lines, marks and overrides of
/// direction (Unicode Bidirectional Algorithm, UAX 9, table 4), and those of no width.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Says something on standard error, harmless, in lines of its own. One that is gone, closed or full
/// is no reason to stop.
pub fn say(text: impl Display) {
    let text = format!("{}\n", plain_lines(&text.to_string()));
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_cursor("a\u{1b}[2Jb", "a\\u{1b}[2Jb")]
    #[case::a_line("a\nok 1 b\r", "a\\nok 1 b\\r")]
    #[case::a_blank("c\td", "c d")]
    #[case::a_control_of_eight_bits("\u{9b}2J\u{85}", "\\u{9b}2J\\u{85}")]
    #[case::a_direction("a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}")]
    #[case::a_line_of_unicode("a\u{2028}b", "a\\u{2028}b")]
    #[case::a_command_of_a_log("a ##[error]b", "a ##\\u{5b}error]b")]
    #[case::letters("Grüße, 雪 🐦", "Grüße, 雪 🐦")]
    fn what_is_not_a_letter_is_made_visible(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[test]
    fn lines_stay_lines_and_no_more() {
        assert_eq!(plain_lines("a\u{1b}\nb\r\nc"), "a\\u{1b}\nb\\r\nc");
    }
}
