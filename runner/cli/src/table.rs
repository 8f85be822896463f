//! Lines of columns for lists on standard output.

use std::io::{self, Write};

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
    let widths: Vec<usize> = (0..heads.len())
        .map(|i| rows.clone().map(|row| row[i].chars().count()).chain([heads[i].len()]).max().unwrap_or(0))
        .collect();
    let heads: Vec<String> = heads.iter().map(|head| head.to_uppercase()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    std::iter::once(line(&heads)).chain(rows.map(line)).collect()
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
