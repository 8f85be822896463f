//! Lines of columns for lists on standard output.

use std::io::{self, Write};

/// Prints rows below their heads; all columns but the last are as wide as their widest.
pub fn print(heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let widths: Vec<usize> = (0..heads.len())
        .map(|i| rows.iter().map(|row| row[i].chars().count()).chain([heads[i].len()]).max().unwrap_or(0))
        .collect();
    let mut out = io::stdout().lock();
    let heads: Vec<String> = heads.iter().map(|head| head.to_uppercase()).collect();
    for row in std::iter::once(&heads).chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        unless_closed(writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end()))?;
    }
    Ok(())
}

/// Prints text; a reader who has gone away is no error.
pub fn text(text: &str) -> io::Result<()> {
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
