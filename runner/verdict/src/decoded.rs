//! Decoded values as their leaves, so that two of them can be told apart place by place.

use std::collections::BTreeMap;

use serde_json::Value;

/// Every leaf by its place, `features[0].flags`; a list of plain values is one leaf.
pub fn leaves(value: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    flatten("", value, &mut out);
    out
}

/// The places at which two values differ, with the leaf of each side.
pub fn differing(accepted: &Value, seen: &Value) -> Vec<(String, Option<String>, Option<String>)> {
    if accepted.is_null() || seen.is_null() {
        return Vec::new();
    }
    let (left, right) = (leaves(accepted), leaves(seen));
    let mut places: Vec<&String> = left.keys().chain(right.keys()).collect();
    places.sort_unstable();
    places.dedup();
    let sides = |place: &String| (place.clone(), left.get(place).cloned(), right.get(place).cloned());
    places.into_iter().map(sides).filter(|(_, left, right)| left != right).collect()
}

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
        leaf => {
            out.insert(place.to_owned(), scalar(leaf));
        }
    }
}

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
