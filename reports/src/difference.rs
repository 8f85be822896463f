//! What differs between an accepted and a seen value, in the fewest words. For the reader only.

use std::collections::BTreeMap;

use scrubjay_session::Field;
use scrubjay_verdict::Finding;
use scrubjay_wire::Bytes;
use serde_json::Value;

use crate::text::{count, plain, shorten};

/// The most differences that are told one by one.
const MOST: usize = 6;

/// The longest value in a difference.
const LONGEST: usize = 48;

/// One line for each difference: of decoded fields where there are any, of bytes otherwise.
pub fn differences(finding: &Finding) -> Vec<String> {
    let decoded = decoded(&finding.accepted_decoded, &finding.seen_decoded);
    if !decoded.is_empty() {
        return decoded;
    }
    match finding.field {
        Some(Field::Arg | Field::Input | Field::Out) => {
            bytes(&finding.accepted, &finding.seen).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn decoded(accepted: &Value, seen: &Value) -> Vec<String> {
    if accepted.is_null() || seen.is_null() {
        return Vec::new();
    }
    let (mut left, mut right) = (BTreeMap::new(), BTreeMap::new());
    flatten("", accepted, &mut left);
    flatten("", seen, &mut right);
    let mut places: Vec<&String> = left.keys().chain(right.keys()).collect();
    places.sort_unstable();
    places.dedup();
    let show = |value: Option<&String>| value.map_or("nothing".to_owned(), |v| shorten(&plain(v), LONGEST));
    let mut lines: Vec<_> = places
        .into_iter()
        .filter(|place| left.get(*place) != right.get(*place))
        .map(|place| format!("{place}: {} -> {}", show(left.get(place)), show(right.get(place))))
        .collect();
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {} more", count(more, "difference")));
    }
    lines
}

/// Every leaf by its place; a list of plain values is one leaf.
fn flatten(place: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                flatten(&place, value, out);
            }
        }
        Value::Array(list) if list.iter().any(|v| v.is_object() || v.is_array()) => {
            for (i, value) in list.iter().enumerate() {
                flatten(&format!("{place}[{i}]"), value, out);
            }
        }
        Value::Array(list) => {
            let words: Vec<_> = list.iter().map(scalar).collect();
            out.insert(place.to_owned(), format!("[{}]", words.join(", ")));
        }
        scalar_value => {
            out.insert(place.to_owned(), scalar(scalar_value));
        }
    }
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn bytes(accepted: &str, seen: &str) -> Option<String> {
    let (accepted, seen) = (accepted.parse::<Bytes>().ok()?, seen.parse::<Bytes>().ok()?);
    if accepted.len() != seen.len() {
        return Some(format!("{} bytes -> {} bytes", accepted.len(), seen.len()));
    }
    let differ: Vec<usize> = (0..accepted.len()).filter(|&i| accepted[i] != seen[i]).collect();
    let (first, last) = (*differ.first()?, *differ.last()?);
    let part = |bytes: &Bytes| shorten(&Bytes::from(&bytes[first..=last]).to_string(), LONGEST);
    let of = count(differ.len(), "byte");
    Some(format!("from byte {first}: {} -> {} ({of} of {} differ)", part(&accepted), part(&seen), seen.len()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::one_field(json!({"out-len": 24, "size": 8}), json!({"out-len": 16, "size": 8}), &["out-len: 24 -> 16"])]
    #[case::a_flag(
        json!({"features": [{"flags": ["changeable"]}]}), json!({"features": [{"flags": []}]}),
        &["features[0].flags: [changeable] -> []"])]
    #[case::gone(json!({"data": "0102"}), json!({}), &["data: 0102 -> nothing"])]
    #[case::undecodable(json!({"data": "0102"}), Value::Null, &[])]
    fn decoded_values_tell_only_what_differs(
        #[case] accepted: Value,
        #[case] seen: Value,
        #[case] expected: &[&str],
    ) {
        assert_eq!(decoded(&accepted, &seen), expected);
    }

    #[test]
    fn many_differences_are_counted() {
        let many = |n: u32| Value::Object((0..9).map(|i| (format!("f{i}"), json!(n))).collect());
        let lines = decoded(&many(1), &many(2));
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (MOST + 1, "and 3 differences more"));
    }

    #[rstest]
    #[case::a_byte("0011 00*8", "0012 00*8", "from byte 1: 11 -> 12 (1 byte of 10 differ)")]
    #[case::length("0011", "001100", "2 bytes -> 3 bytes")]
    fn bytes_tell_where_they_differ(#[case] accepted: &str, #[case] seen: &str, #[case] expected: &str) {
        assert_eq!(bytes(accepted, seen).unwrap(), expected);
    }
}
