//! Lines of columns for lists on standard output.

use std::io::{self, Write};

use scrubjay_host::words;

/// The most columns that a cell is filled to.
const WIDEST: usize = 120;

/// Prints rows below their heads; all columns but the last are as wide as their widest.
pub fn print(heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    text(&lines(heads, rows.iter()).concat())
}

/// Prints groups of rows, each below its name and an empty line, all in the same columns.
pub fn grouped(heads: &[&str], groups: &[(&str, Vec<Vec<String>>)]) -> io::Result<()> {
    let mut lines = lines(heads, groups.iter().flat_map(|(_, rows)| rows)).into_iter();
    let mut out: String = lines.next().into_iter().collect();
    for (name, rows) in groups.iter().filter(|(_, rows)| !rows.is_empty()) {
        out += &format!("\n{name}\n");
        out.extend(lines.by_ref().take(rows.len()));
    }
    text(&out)
}

/// The line of heads, and one for each row.
fn lines<'a>(heads: &[&str], rows: impl Iterator<Item = &'a Vec<String>> + Clone) -> Vec<String> {
    let plain = |row: &Vec<String>| row.iter().map(|cell| words::plain(cell)).collect::<Vec<_>>();
    let heads: Vec<String> = heads.iter().map(|head| head.to_uppercase()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(rows.map(plain)).collect();
    let widest = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0).min(WIDEST);
    let last = rows[0].len().saturating_sub(1);
    let widths: Vec<usize> = (0..last).map(widest).collect();
    let line = |row: &Vec<String>| {
        // What comes last is as long as it is.
        let cells = row.iter().zip(widths.iter().copied().chain([0]));
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Prints lines, harmless whatever is in them; a reader who has gone away is no error.
pub fn text(text: &str) -> io::Result<()> {
    raw(&words::plain_lines(text))
}

/// Prints a text of ours as it is.
pub fn raw(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// `1 session`, `2 sessions`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
