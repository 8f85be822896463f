//! A recording as text: each step decoded, and beside the golden where it differs. Decides nothing.

use std::fmt::Write;

use scrubjay_reports::Colour;
use scrubjay_session::action::Call;
use scrubjay_session::{Field, Observation, Session};
use scrubjay_verdict::Promises;
use scrubjay_verdict::review::{Pending, Reviewed, Standing};
use scrubjay_wire::{Bytes, Entry};
use serde_json::Value;

use super::columns::side_by_side;
use crate::table::count;

/// Bytes in a line of raw values.
const ROW: usize = 16;

/// The longest line; what is longer goes on in the next.
const LONGEST: usize = 160;

/// How a recording is shown.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The promises that fields belong to.
    pub promises: &'a Promises,
    /// Whether to colour.
    pub colour: Colour,
    /// Columns of the screen.
    pub width: usize,
}

/// The whole recording.
pub fn recording(pending: &Pending, session: &Session, look: Look) -> String {
    let Look { colour, .. } = look;
    let golden = match &pending.current {
        None => "no golden yet".to_owned(),
        Some(golden) if pending.is_stale() => {
            format!("golden recorded on {}, of an older form of the session", golden.recorded)
        }
        Some(golden) => format!("golden recorded on {}", golden.recorded),
    };
    let mut text = format!(
        "{}: recorded on {}; {golden}\n  {}\n  devices {}; {} boot\n",
        colour.strong(&session.id),
        pending.recorded.recorded,
        session.title,
        session.devices.join(", "),
        session.boot.name(),
    );
    for step in pending.steps(session) {
        text.push_str(&reviewed(&step, session, look));
    }
    text.push('\n');
    text
}

fn reviewed(step: &Reviewed, session: &Session, look: Look) -> String {
    let Look { promises, colour, width } = look;
    let head = colour.strong(&format!("step {}", step.id));
    match &step.standing {
        Standing::AsBase => format!("  {head}: as the base\n"),
        Standing::AsChanged(with) => format!("  {head}: as {} makes it\n", with.join(" with ")),
        Standing::New => {
            let mut text = format!("  {head}: new\n{}", action(step.id, session));
            for line in lines(step.seen) {
                for piece in pieces(&line) {
                    let _ = writeln!(text, "    {piece}");
                }
            }
            text
        }
        Standing::Differs { accepted, fields } => {
            let told: Vec<_> =
                fields.iter().map(|field| promised(step.id, *field, session, promises)).collect();
            let mut text = format!("  {head}: differs in {}\n{}", told.join(", "), action(step.id, session));
            let heads = ["golden", "recording"];
            text.push_str(&side_by_side(heads, &lines(accepted), &lines(step.seen), width, colour));
            text
        }
    }
}

fn promised(step: &str, field: Field, session: &Session, promises: &Promises) -> String {
    let promise = session.promise_of(step, field);
    format!("{} ({promise}, {})", field.name(), promises.class(promise).name())
}

fn action(step: &str, session: &Session) -> String {
    let action = session.step(step).and_then(|step| serde_json::to_value(&step.action).ok());
    let ordinary = serde_json::to_value(Call::default()).unwrap_or_default();
    let said = action.map(|action| telling(&action, &ordinary).to_string()).unwrap_or_default();
    let pieces = pieces(&said).join("\n      ");
    format!("    does {pieces}\n")
}

/// An action is written with every field that its author left out; those tell nothing.
fn telling(value: &Value, ordinary: &Value) -> Value {
    let Value::Object(map) = value else { return value.clone() };
    let kept = map.iter().filter(|(key, value)| match key.as_str() {
        "slot" => value.as_str() != Some("fd"),
        _ => !value.is_null(),
    });
    let told = kept.map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("call", Value::Object(call)) => {
                let departs = call.iter().filter(|(field, value)| ordinary.get(field) != Some(value));
                Value::Object(departs.map(|(field, value)| (field.clone(), value.clone())).collect())
            }
            _ => telling(value, ordinary),
        };
        (key.clone(), value)
    });
    Value::Object(told.collect())
}

/// An observation in lines that can be compared: decoded first, raw beneath.
fn lines(seen: &Observation) -> Vec<String> {
    let mut lines = Vec::new();
    let mut row = |name: &str, text: String| lines.push(format!("{name}: {text}"));
    if !seen.errno.is_empty() {
        row("errno", seen.errno.clone());
    }
    if seen.ret != 0 {
        row("returned", seen.ret.to_string());
    }
    if !seen.taint.is_empty() {
        row("taint", seen.taint.join(", "));
    }
    if seen.end.name() != "came-back" {
        row("end", seen.end.name().to_owned());
    }
    for event in &seen.log {
        row("log", format!("{}: {}", event.class.name(), event.what));
    }
    if let Some(text) = &seen.text {
        row("text", format!("{text:?}"));
    }
    outline("", &seen.decoded, &mut lines);
    for (name, bytes) in [("arg", &seen.arg), ("input", &seen.input), ("out", &seen.out)] {
        if let Some(bytes) = bytes {
            lines.push(format!("{name}: {}", count(bytes.len(), "byte")));
            raw(bytes, &mut lines);
        }
    }
    let json = |value: serde_json::Result<Value>| value.map(|v| v.to_string()).unwrap_or_default();
    lines.extend(seen.entries.iter().map(|entry| {
        let Entry { name, kind, mode, uid, gid } = entry;
        format!("entry: {name:?} {kind} {mode:04o} owner {uid} group {gid}")
    }));
    lines.extend(seen.runs.iter().map(|run| format!("run: {}", json(serde_json::to_value(run)))));
    for command in &seen.mailbox {
        lines.push(format!("mailbox: {command}"));
    }
    for branch in &seen.branches {
        lines.push(format!("branch {}", branch.name));
        for step in &branch.steps {
            lines.push(format!("  step {}", step.id));
            lines.extend(self::lines(&step.observation).into_iter().map(|line| format!("    {line}")));
        }
    }
    lines
}

/// A decoded value as indented lines.
fn outline(indent: &str, value: &Value, lines: &mut Vec<String>) {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let Value::Object(map) = value else { return };
    for (key, value) in map {
        match value {
            Value::Array(list) if list.iter().any(Value::is_object) => {
                for (i, item) in list.iter().enumerate() {
                    lines.push(format!("{indent}{key} {i}"));
                    outline(&format!("{indent}  "), item, lines);
                }
            }
            Value::Array(list) => {
                let words: Vec<_> = list.iter().map(plain).collect();
                lines.push(format!("{indent}{key}: [{}]", words.join(", ")));
            }
            Value::Object(_) => {
                lines.push(format!("{indent}{key}"));
                outline(&format!("{indent}  "), value, lines);
            }
            value => lines.push(format!("{indent}{key}: {}", plain(value))),
        }
    }
}

/// Bytes in rows with their offsets; rows of one and the same byte are one.
fn raw(bytes: &Bytes, lines: &mut Vec<String>) {
    let rows: Vec<&[u8]> = bytes.chunks(ROW).collect();
    let uniform = |row: &[u8], byte: u8| row.len() == ROW && row.iter().all(|b| *b == byte);
    let mut at = 0;
    while let Some(row) = rows.get(at) {
        let same = rows[at..].iter().take_while(|next| uniform(next, row[0])).count().max(1);
        let end = rows[at..at + same].iter().map(|row| row.len()).sum::<usize>() + at * ROW;
        lines.push(format!("  {:06x} {}", at * ROW, Bytes::from(&bytes[at * ROW..end])));
        at += same;
    }
}

/// A line in pieces that fit a screen. Nothing is cut off: what is reviewed is all of it.
fn pieces(line: &str) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    if chars.is_empty() {
        return vec![String::new()];
    }
    let whole = |(i, piece): (usize, &[char])| {
        let indent = if i == 0 { "" } else { "  " };
        format!("{indent}{}", piece.iter().collect::<String>())
    };
    chars.chunks(LONGEST).enumerate().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::one_row(&[1, 2, 3], &["  000000 010203"])]
    #[case::rows_of_one_byte_are_one(&[0xa5; 100], &["  000000 a5*96", "  000060 a5a5a5a5"])]
    #[case::rows_of_many(&[7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
        &["  000000 070102030405060708090a0b0c0d0e0f", "  000010 1011"])]
    fn raw_bytes_stand_in_rows(#[case] bytes: &[u8], #[case] expected: &[&str]) {
        let mut lines = Vec::new();
        raw(&Bytes::from(bytes), &mut lines);
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_long_value_is_shown_to_its_end_and_a_mode_in_octal() {
        let entry = Entry { name: "fwctlN".into(), kind: 'c', mode: 0o600, uid: 0, gid: 6 };
        let text = "x".repeat(2 * LONGEST) + "end";
        let seen = Observation { text: Some(text), entries: vec![entry], ..Observation::default() };
        let shown: Vec<_> = lines(&seen).iter().flat_map(|line| pieces(line)).collect();
        assert!(shown.iter().any(|line| line.contains("end")), "{shown:#?}");
        assert!(shown.contains(&"entry: \"fwctlN\" c 0600 owner 0 group 6".to_owned()), "{shown:#?}");
    }

    #[test]
    fn an_action_tells_only_what_departs_from_the_ordinary() {
        let ordinary = serde_json::to_value(Call::default()).unwrap();
        let call = Call { in_len: Some(36), ..Call::default() };
        let action = json!({"get-feature": {"slot": "fd", "count": 8, "call": call}});
        let told = json!({"get-feature": {"count": 8, "call": {"in_len": 36}}});
        assert_eq!(telling(&action, &ordinary), told);
    }

    #[test]
    fn a_difference_stands_beside_what_was_accepted() {
        let observation = |errno: &str, out_len: u32| Observation {
            errno: errno.into(),
            decoded: json!({"out-len": out_len, "features": [{"flags": ["changeable"]}]}),
            ..Observation::default()
        };
        let (left, right) = (lines(&observation("ok", 24)), lines(&observation("ok", 16)));
        let text = side_by_side(["golden", "recording"], &left, &right, 71, Colour::Never);
        let row = |left: &str, mark: char, right: &str| format!("    {left:32} {mark} {right}\n");
        let expected = [
            row("golden", ' ', "recording"),
            row("errno: ok", ' ', "errno: ok"),
            row("features 0", ' ', "features 0"),
            row("  flags: [changeable]", ' ', "  flags: [changeable]"),
            row("out-len: 24", '|', "out-len: 16"),
        ];
        assert_eq!(text, expected.concat());
    }
}
