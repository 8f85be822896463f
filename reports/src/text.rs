//! Text that fits a mail: no line that never ends. Knows no event.

pub use scrubjay_host::words::plain;
use scrubjay_wire::Bytes;
use textwrap::{Options, WordSplitter};

/// The width that lines keep to where they can.
pub const WIDTH: usize = 100;

/// At most `most` characters: what is too long loses its middle, and its length is said.
pub fn shorten(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let parts = |told: &str| {
        let room = most.saturating_sub(told.len()).max(8);
        (room - room / 3, room / 3)
    };
    let (start, told, end) = match text.parse::<Bytes>() {
        Ok(bytes) if !bytes.is_empty() => {
            let told = format!(" ...{} bytes in all... ", bytes.len());
            // Two digits a byte: none is cut in half, and a run only makes it shorter.
            let (head, tail) = parts(&told);
            let part = |part: &[u8]| Bytes::from(part).to_string();
            (part(&bytes[..head / 2]), told, part(&bytes[bytes.len() - tail / 2..]))
        }
        _ => {
            let told = format!(" ...{length} characters in all... ");
            let (head, tail) = parts(&told);
            let start = text.chars().take(head).collect();
            (start, told, text.chars().skip(length - tail).collect())
        }
    };
    format!("{}{told}{}", start.trim_end(), end.trim_start())
}

/// At most `most` characters of one line; the end is cut.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// Lines of at most [`WIDTH`], the first after `first`, the others as far in. An end of a line in the text
/// is made visible, not taken for one.
pub fn wrapped(first: &str, text: &str) -> Vec<String> {
    wrapped_to(WIDTH, first, text)
}

/// The same, of at most `width`.
pub fn wrapped_to(width: usize, first: &str, text: &str) -> Vec<String> {
    let others = " ".repeat(first.chars().count());
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(&others)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(&plain(text), options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A line that GitHub takes for no command when a step prints it: one begins with `::`, however far in (actions/runner,
/// ActionCommand.cs, `TryParseV2`).
pub fn inert(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    match line[start..].strip_prefix("::") {
        Some(rest) => format!("{}\\u{{3a}}:{rest}", &line[..start]),
        None => line.to_owned(),
    }
}

/// A text that is nothing else in Markdown: no tag, no link, no mention, no end of a cell.
pub fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => out.extend(['\\', c]),
            // A bare address would become a link.
            ':' => out.push_str("&#58;"),
            c => out.push(c),
        }
    }
    // So would one without a scheme.
    out.replace("www.", "www&#46;")
}

/// `1 session`, `2 sessions`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The names, or `none`.
pub fn names(list: &[String]) -> String {
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::short("0102", 10, "0102")]
    #[case::bytes(
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        40,
        "000102030405 ...32 bytes in all... 1e1f"
    )]
    #[case::words(
        "a long text that is not made of bytes at all, but of words",
        40,
        "a long t ...58 characters in all... ords"
    )]
    fn a_long_value_loses_its_middle_and_says_its_length(
        #[case] text: &str,
        #[case] most: usize,
        #[case] expected: &str,
    ) {
        assert_eq!(shorten(text, most), expected);
    }

    #[rstest]
    #[case("    ::error::x", "    \\u{3a}:error::x")]
    #[case("a ::error::x", "a ::error::x")]
    fn no_line_is_a_command_of_a_log(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(inert(line), expected);
    }

    #[rstest]
    #[case("a|b", "a\\|b")]
    #[case("<img src=x>", "&lt;img src=x&gt;")]
    #[case("@team [a](http://b)", "&#64;team \\[a\\](http&#58;//b)")]
    #[case("www.b.c", "www&#46;b.c")]
    #[case("a\n# b", "a\\\\n\\# b")]
    fn a_text_is_nothing_else_in_markdown(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(markdown(text), expected);
    }

    #[test]
    fn no_wrapped_line_is_too_long_even_without_a_space() {
        let lines = wrapped("    seen      ", &"x".repeat(300));
        assert!(lines.len() > 2 && lines.iter().all(|line| line.len() <= WIDTH), "{lines:?}");
        assert!(lines[1].starts_with("              x"));
    }
}
