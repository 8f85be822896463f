//! Two lists of lines side by side, the golden's left and the recording's right. Knows no observation.

use std::fmt::Write;

use scrubjay_reports::Colour;
use similar::{DiffOp, TextDiff};

/// Lines around a difference.
const AROUND: usize = 3;

/// What every line begins with.
const INDENT: &str = "    ";

/// The narrowest column.
const NARROWEST: usize = 24;

/// A row: what stands left and right, and how the two differ.
struct Row<'a> {
    left: Option<&'a str>,
    right: Option<&'a str>,
    same: bool,
}

impl Row<'_> {
    /// As `diff --side-by-side` marks it.
    fn mark(&self) -> char {
        match (self.left, self.right) {
            _ if self.same => ' ',
            (Some(_), None) => '<',
            (None, Some(_)) => '>',
            _ => '|',
        }
    }
}

/// The differences with what is around them, in `width` columns; long lines go on in the next row.
pub fn side_by_side(
    heads: [&str; 2],
    accepted: &[String],
    seen: &[String],
    width: usize,
    colour: Colour,
) -> String {
    let column = (width.saturating_sub(INDENT.len() + 3) / 2).max(NARROWEST);
    let (left, right) = (accepted.join("\n") + "\n", seen.join("\n") + "\n");
    let diff = TextDiff::from_lines(left.as_str(), right.as_str());
    let head = |text: &str| colour.strong(&format!("{text:column$}"));
    let mut text = format!("{INDENT}{}   {}\n", head(heads[0]), colour.strong(heads[1]));
    for (i, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if i > 0 {
            let _ = writeln!(text, "{INDENT}...");
        }
        for row in group.iter().flat_map(|op| rows(op, accepted, seen)) {
            text.push_str(&shown(&row, column, colour));
        }
    }
    text
}

fn rows<'a>(op: &DiffOp, accepted: &'a [String], seen: &'a [String]) -> Vec<Row<'a>> {
    let (left, right) = (&accepted[op.old_range()], &seen[op.new_range()]);
    let same = matches!(op, DiffOp::Equal { .. });
    let row = |i: usize| Row {
        left: left.get(i).map(String::as_str),
        right: right.get(i).map(String::as_str),
        same,
    };
    (0..left.len().max(right.len())).map(row).collect()
}

fn shown(row: &Row, column: usize, colour: Colour) -> String {
    let (left, right) = (cells(row.left, column), cells(row.right, column));
    let mut text = String::new();
    for i in 0..left.len().max(right.len()) {
        let cell = |cells: &[String]| cells.get(i).cloned().unwrap_or_default();
        let (left, right) = (format!("{:column$}", cell(&left)), cell(&right));
        let (left, right) = match row.same {
            true => (left, right),
            false => (colour.removed(&left), colour.added(&right)),
        };
        let mark = if i == 0 { row.mark() } else { ' ' };
        let _ = writeln!(text, "{}", format!("{INDENT}{left} {mark} {right}").trim_end());
    }
    text
}

/// A line in pieces that fit a column. Nothing is cut off: the difference may be at the end.
fn cells(line: Option<&str>, column: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut left: Vec<char> = line.unwrap_or_default().chars().collect();
    loop {
        let indent = if pieces.is_empty() { "" } else { "  " };
        let room = (column - indent.len()).min(left.len());
        let rest = left.split_off(room);
        pieces.push(format!("{indent}{}", left.into_iter().collect::<String>()));
        if rest.is_empty() {
            return pieces;
        }
        left = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(accepted: &[&str], seen: &[&str]) -> String {
        let lines = |all: &[&str]| all.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        side_by_side(["golden", "recording"], &lines(accepted), &lines(seen), 55, Colour::Never)
    }

    #[test]
    fn what_differs_stands_side_by_side_with_what_is_around_it() {
        let text = columns(
            &["errno: ok", "flags: [changeable]", "out-len: 24", "size: 8"],
            &["errno: ok", "flags: [changeable]", "out-len: 16", "size: 8", "log: oops"],
        );
        let expected = "    golden                     recording
    errno: ok                  errno: ok
    flags: [changeable]        flags: [changeable]
    out-len: 24              | out-len: 16
    size: 8                    size: 8
                             > log: oops
";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_is_gone_has_nothing_beside_it() {
        let text = columns(&["errno: ok", "taint: fwctl"], &["errno: ok"]);
        assert!(text.ends_with("    taint: fwctl             <\n"), "{text}");
    }

    #[test]
    fn what_is_far_from_a_difference_is_left_out() {
        let lines: Vec<_> = (0..40).map(|i| format!("line {i}")).collect();
        let mut other = lines.clone();
        (other[5], other[30]) = ("five".to_owned(), "thirty".to_owned());
        let text = side_by_side(["golden", "recording"], &lines, &other, 55, Colour::Never);
        assert!(text.contains("    ...\n") && !text.contains("line 15"), "{text}");
        assert!(text.contains("line 30") && text.contains("| thirty"), "{text}");
    }

    #[test]
    fn a_long_line_goes_on_below_and_loses_nothing() {
        let long = "x".repeat(30);
        let text = columns(&[&format!("{long}1")], &[&format!("{long}2")]);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.ends_with("\n      xxxxxx1                    xxxxxx2\n"), "{text}");
    }
}
