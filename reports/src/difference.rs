//! What differs between an accepted and a seen value, in the fewest words. For the reader only.

use scrubjay_session::Field;
use scrubjay_verdict::{Finding, decoded};
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
    let show = |value: Option<String>| value.map_or("nothing".to_owned(), |v| shorten(&plain(&v), LONGEST));
    let mut lines: Vec<_> = decoded::differing(accepted, seen)
        .into_iter()
        .map(|(place, left, right)| match either(left.as_deref(), right.as_deref()) {
            Some(text) => format!("{}: {text}", plain(&place)),
            None => format!("{}: {} -> {}", plain(&place), show(left), show(right)),
        })
        .collect();
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(format!("and {} more", count(more, "difference")));
    }
    lines
}

/// What two leaves differ in, where that is short of both: words of a list, or the place in long bytes.
fn either(accepted: Option<&str>, seen: Option<&str>) -> Option<String> {
    let long = |text: &&str| text.len() > LONGEST;
    words(accepted, seen).or_else(|| bytes(accepted.filter(long)?, seen.filter(long)?))
}

/// What a list of words gained and lost, where that is short of both lists.
fn words(accepted: Option<&str>, seen: Option<&str>) -> Option<String> {
    let list = |text: &'_ str| {
        Some(text.strip_prefix('[')?.strip_suffix(']')?.split(", ").map(str::to_owned).collect())
    };
    let (was, is): (Vec<String>, Vec<String>) = (list(accepted?)?, list(seen?)?);
    let beyond = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter()
            .filter(|word| !word.is_empty() && !others.contains(word))
            .map(|word| plain(word))
            .collect()
    };
    let (lost, gained) = (beyond(&was, &is), beyond(&is, &was));
    let parts = [("lost", lost), ("gained", gained)];
    let told: Vec<_> = parts
        .iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(verb, words)| format!("{verb} {}", shorten(&words.join(", "), LONGEST)))
        .collect();
    (was.len().max(is.len()) > 2 && !told.is_empty()).then(|| told.join(", "))
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
    #[case::a_word_of_a_list(
        json!({"flags": ["a", "b", "c"]}), json!({"flags": ["a", "b", "c", "changeable"]}),
        &["flags: gained changeable"])]
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
