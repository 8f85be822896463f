//! A finding's two sides beside each other: what was accepted left, what was seen right.

use maud::{Markup, html};
use scrubjay_session::Field;
use scrubjay_verdict::{Finding, decoded};
use scrubjay_wire::Bytes;
use similar::{DiffOp, TextDiff};

use crate::text::{plain, shorten};

/// Lines around a difference.
const AROUND: usize = 3;

/// The longest line.
const LONGEST: usize = 400;

/// Bytes in a line of a dump.
const DUMP: usize = 16;

/// The two sides of the field that shows a finding, decoded where that can be.
pub fn of(finding: &Finding) -> Markup {
    let decoded = decoded::differing(&finding.accepted_decoded, &finding.seen_decoded);
    let [accepted, seen] = match decoded.is_empty() {
        false => [&finding.accepted_decoded, &finding.seen_decoded].map(|value| {
            decoded::leaves(value).iter().flat_map(|(place, value)| leaf(place, value)).collect()
        }),
        true => [&finding.accepted, &finding.seen].map(|value| lines(finding.field, value)),
    };
    two_sided(&accepted, &seen)
}

/// A leaf in one line, or its bytes as a dump: what is long is not cut where it differs.
fn leaf(place: &str, value: &str) -> Vec<String> {
    match value.parse::<Bytes>() {
        Ok(bytes) if bytes.len() > DUMP => {
            let dump = lines(Some(Field::Out), value).into_iter().map(|line| format!("  {line}"));
            std::iter::once(format!("{place}:")).chain(dump).collect()
        }
        _ => vec![format!("{place}: {value}")],
    }
}

/// What the firmware received, both sides; none where it is the same and nothing differs.
pub fn firmware(finding: &Finding) -> Option<Markup> {
    let firmware = finding.firmware.as_ref().filter(|_| finding.field != Some(Field::Mailbox))?;
    Some(two_sided(&firmware.accepted, &firmware.seen))
}

/// A value as lines: a dump of bytes, an item a line, else as it is.
fn lines(field: Option<Field>, value: &str) -> Vec<String> {
    if value.is_empty() {
        return vec!["nothing".to_owned()];
    }
    match field {
        Some(Field::Arg | Field::Input | Field::Out) => match value.parse::<Bytes>() {
            Ok(bytes) => dump(&bytes),
            Err(_) => vec![value.to_owned()],
        },
        Some(Field::Mailbox | Field::Log | Field::Branches) => value.split("; ").map(str::to_owned).collect(),
        _ => value.lines().map(str::to_owned).collect(),
    }
}

fn dump(bytes: &[u8]) -> Vec<String> {
    let line = |(i, chunk): (usize, &[u8])| {
        let hex: Vec<_> = chunk.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:04x}  {}", i * DUMP, hex.join(" "))
    };
    bytes.chunks(DUMP).enumerate().map(line).collect()
}

fn two_sided(accepted: &[String], seen: &[String]) -> Markup {
    let (left, right) = (text(accepted), text(seen));
    let diff = TextDiff::from_lines(left.as_str(), right.as_str());
    let groups = diff.grouped_ops(AROUND);
    html! {
        div class="wide" { table class="diff" {
            thead { tr { th scope="col" { "accepted" } th scope="col" { "seen" } } }
            tbody {
                @if groups.is_empty() { @for line in accepted.iter().take(2 * AROUND) { (row(Some(line), Some(line), true)) } }
                @for (i, group) in groups.iter().enumerate() {
                    @if i > 0 { tr { td colspan="2" class="none" { "..." } } }
                    @for op in group { (rows(op, accepted, seen)) }
                }
            }
        } }
    }
}

/// Lines as one text; an end of a line within one is made visible, so that it stays one.
fn text(lines: &[String]) -> String {
    lines.iter().map(|line| plain(line) + "\n").collect()
}

fn rows(op: &DiffOp, accepted: &[String], seen: &[String]) -> Markup {
    let (old, new) = (&accepted[op.old_range()], &seen[op.new_range()]);
    let same = matches!(op, DiffOp::Equal { .. });
    html! { @for i in 0..old.len().max(new.len()) { (row(old.get(i), new.get(i), same)) } }
}

fn row(left: Option<&String>, right: Option<&String>, same: bool) -> Markup {
    let show = |line: &String| shorten(&plain(line), LONGEST);
    html! {
        tr class=[(!same).then_some("differs")] {
            td { @if let Some(line) = left { @if same { (show(line)) } @else { del { (show(line)) } } } }
            td { @if let Some(line) = right { @if same { (show(line)) } @else { ins { (show(line)) } } } }
        }
    }
}
