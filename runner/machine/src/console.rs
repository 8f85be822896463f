//! Keeps what a guest's console says, and sees a panic in it.
//!
//! Owns the text and the copy in a file. Does not judge what it means for the run.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};

/// Lines that [`Console`] shows.
const TAIL: usize = 24;

/// Bytes of a line that [`Console`] shows.
const SHOWN: usize = 300;

/// A longer line is looked at in pieces, and what is beyond is left out of the text: above what a kernel says in one
/// line, whose record has at most 1,024 characters (kernel/printk/printk.c, PRINTK_MESSAGE_MAX).
const LONGEST_LINE: usize = 4096;

/// What the kernel says before it gives up (kernel/panic.c, `vpanic`).
const PANIC: &str = "Kernel panic - not syncing";

/// A console's whole text. Its `Display` is the last 24 lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Console(pub String);

impl Console {
    /// Whether anything was said.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Display for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<&str> = self.0.trim_end().lines().collect();
        if self.is_empty() {
            return f.write_str("the console is empty");
        }
        let left_out = lines.len().saturating_sub(TAIL);
        match left_out {
            0 => f.write_str("the console:")?,
            _ => write!(f, "the console's last {TAIL} of {} lines:", lines.len())?,
        }
        lines[left_out..].iter().try_for_each(|line| write!(f, "\n  {}", Short(line)))
    }
}

/// A line, or its start where it is long.
pub(crate) struct Short<'a>(pub &'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = self.0.char_indices().map(|(at, _)| at).take_while(|at| *at <= SHOWN).last().unwrap_or(0);
        let start = if self.0.len() <= SHOWN { self.0 } else { self.0.get(..end).unwrap_or_default() };
        match self.0.len() - start.len() {
            0 => f.write_str(start),
            more => write!(f, "{start}[… {more} bytes more]"),
        }
    }
}

/// A console that is still talking.
pub(crate) struct ConsoleLog {
    /// So many bytes are kept from the start, and as many from the end, of one that never stops.
    kept: usize,
    /// Bytes of the line that is being said, and of it beyond [`LONGEST_LINE`].
    length: usize,
    beyond: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: usize,
    line: Vec<u8>,
    panic: Option<String>,
    spoke: bool,
    file: Option<File>,
}

impl ConsoleLog {
    /// A console of which twice `kept` bytes are kept, and whose text goes to `file` as well.
    pub fn new(file: Option<File>, kept: usize) -> Self {
        ConsoleLog {
            kept,
            length: 0,
            beyond: 0,
            head: Vec::new(),
            tail: VecDeque::new(),
            left_out: 0,
            line: Vec::new(),
            panic: None,
            spoke: false,
            file,
        }
    }

    /// Takes what came. Fails if the file could not take it, and then writes to it no more; the text
    /// is kept in memory in any case.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.keep_lines(bytes);
        self.look(bytes);
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes));
        if written.is_err() {
            self.file = None;
        }
        written
    }

    /// Whether anything but blanks was said.
    pub fn spoke(&self) -> bool {
        self.spoke
    }

    /// The line of the first panic.
    pub fn panic(&self) -> Option<&str> {
        self.panic.as_deref()
    }

    /// Everything.
    pub fn text(&self) -> Console {
        let mut bytes = self.head.clone();
        if self.left_out > 0 {
            bytes.extend(format!("\n{}\n", left_out(self.left_out, "")).as_bytes());
        }
        bytes.extend(&self.tail);
        if self.beyond > 0 {
            bytes.extend(left_out(self.beyond, "of this line").as_bytes());
        }
        bytes.retain(|&b| b != b'\r');
        Console(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Keeps what came, but for what is beyond the length of a line.
    fn keep_lines(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&b| b == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.length);
            let (text, end) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, &b"\n"[..]),
                None => (piece, &b""[..]),
            };
            self.length += text.len();
            let (kept, beyond) = text.split_at(text.len().min(room));
            self.beyond += beyond.len();
            self.keep(kept);
            if !end.is_empty() {
                if self.beyond > 0 {
                    self.keep(left_out(self.beyond, "of this line").as_bytes());
                }
                (self.length, self.beyond) = (0, 0);
                self.keep(end);
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.kept - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.kept);
        self.tail.drain(..over);
        self.left_out += over;
    }

    fn look(&mut self, bytes: &[u8]) {
        self.spoke |= bytes.iter().any(|b| b.is_ascii_graphic());
        if self.panic.is_some() {
            return;
        }
        for &byte in bytes {
            if byte == b'\n' || self.line.len() == LONGEST_LINE {
                let line = String::from_utf8_lossy(&self.line);
                if let Some(at) = line.find(PANIC) {
                    self.panic = Some(line[at..].trim_end().to_owned());
                    return;
                }
                self.line.clear();
            }
            self.line.push(byte);
        }
    }
}

fn left_out(bytes: usize, of: &str) -> String {
    let space = if of.is_empty() { "" } else { " " };
    format!("[… {bytes} bytes{space}{of} left out …]")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: usize = 4 << 20;

    fn log(pieces: &[&str]) -> ConsoleLog {
        let mut log = ConsoleLog::new(None, KEPT);
        for piece in pieces {
            log.push(piece.as_bytes()).unwrap();
        }
        log
    }

    #[test]
    fn a_panic_is_seen_even_when_its_line_comes_in_pieces() {
        let log =
            log(&["[ 1.0] Kernel pan", "ic - not syncing: Attempted to kill init!\r", "\n[ 1.1] CPU: 0"]);
        assert_eq!(log.panic(), Some("Kernel panic - not syncing: Attempted to kill init!"));
    }

    #[test]
    fn an_oops_is_no_panic() {
        assert_eq!(log(&["Oops: 0000 [#1]\r\nWARNING: CPU: 0\r\n"]).panic(), None);
    }

    #[test]
    fn blanks_are_no_output() {
        assert!(!log(&["\r\n \n"]).spoke());
        assert!(log(&["\r\n", "L"]).spoke());
    }

    #[test]
    fn an_endless_console_keeps_its_start_and_its_end() {
        let mut log = log(&["first\n"]);
        let chunk = b"........\n".repeat(100_000);
        for _ in 0..40 {
            log.push(&chunk).unwrap();
        }
        log.push(b"\nlast\n").unwrap();
        let text = log.text().0;
        assert!(text.starts_with("first\n") && text.ends_with("\nlast\n"));
        assert!(text.contains("bytes left out") && text.len() < 2 * KEPT + 100);
    }

    #[test]
    fn a_line_of_megabytes_is_kept_and_shown_by_its_start() {
        let mut log = log(&["first\n"]);
        for _ in 0..12 {
            log.push(&vec![b'x'; 1 << 20]).unwrap();
        }
        let unfinished = log.text();
        assert!(unfinished.0.ends_with(&format!("x[… {} bytes of this line left out …]", (12 << 20) - 4096)));
        log.push(b"\nKernel panic - not syncing: y\n").unwrap();
        assert_eq!(log.panic(), Some("Kernel panic - not syncing: y"));
        let text = log.text();
        assert!(text.0.len() < 5_000 && text.0.ends_with("left out …]\nKernel panic - not syncing: y\n"));
        let shown = text.to_string();
        assert!(shown.len() < 1_000 && shown.contains("xxx[… ") && shown.contains("panic"), "{shown}");
    }

    #[test]
    fn only_the_end_is_shown() {
        let text: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let shown = Console(text).to_string();
        assert!(shown.contains("last 24 of 100 lines") && shown.ends_with("line 99"), "{shown}");
        assert!(!shown.contains("line 75\n"), "{shown}");
    }

    #[test]
    fn a_file_that_takes_no_more_is_told_once_and_the_text_is_kept() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut log = ConsoleLog::new(Some(full), KEPT);
        assert_eq!(log.push(b"one\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        log.push(b"two\n").unwrap();
        assert_eq!(log.text().0, "one\ntwo\n");
    }
}
