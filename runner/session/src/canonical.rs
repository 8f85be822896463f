//! The canonical form of a session's file: what of it decides a transcript, with sorted keys and without blanks.
//!
//! Made of the file's JSON and not of what it was read into, so that a new field of the form changes none.

use serde_json::{Map, Value};

/// What only people, the choice of kernels and the naming of findings depend on.
const OF_THE_SESSION: [&str; 6] = ["format", "id", "title", "needs", "promise", "coherent"];
/// The same of a step.
const OF_A_STEP: [&str; 2] = ["promise", "pins"];
/// The same of a mask.
const OF_A_MASK: [&str; 1] = ["why"];

/// The canonical form of a file; `None` where it is no JSON.
pub(crate) fn of_text(text: &str) -> Option<String> {
    serde_json::from_str(text).ok().map(of)
}

/// The canonical form of a session.
pub(crate) fn of(mut session: Value) -> String {
    leave_out(&mut session, &OF_THE_SESSION);
    steps(&mut session);
    sorted(session).to_string()
}

fn steps(holder: &mut Value) {
    for step in list(holder, "steps") {
        leave_out(step, &OF_A_STEP);
        for mask in list(step, "masks") {
            leave_out(mask, &OF_A_MASK);
        }
        if let Some(group) = step.pointer_mut("/do/parallel") {
            list(group, "branches").iter_mut().for_each(steps);
        }
    }
}

fn list<'a>(holder: &'a mut Value, key: &str) -> &'a mut [Value] {
    holder.get_mut(key).and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

fn leave_out(object: &mut Value, keys: &[&str]) {
    if let Some(object) = object.as_object_mut() {
        object.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<_> = object.into_iter().collect();
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const FILE: &str = r#"{"id": "s", "title": "t", "devices": ["d"], "promise": "A01", "steps": [
        {"id": "a", "do": {"open": {"slot": "x"}}, "masks": [{"field": "text", "why": "w"}]},
        {"id": "b", "do": {"parallel": {"branches": [{"name": "n", "steps": [{"id": "c", "do": {"info": {}}}]}]}}}]}"#;

    #[rstest]
    #[case::blanks("\"t\"", "  \n \"t\"")]
    #[case::title("\"t\"", "\"another\"")]
    #[case::promise("A01", "B02")]
    #[case::needs("\"promise\"", "\"needs\": [\"edac\"], \"promise\"")]
    #[case::reason_of_a_mask("\"w\"", "\"another\"")]
    #[case::promise_of_a_step("\"id\": \"a\"", "\"id\": \"a\", \"promise\": \"B02\"")]
    #[case::promise_in_a_branch("\"id\": \"c\"", "\"id\": \"c\", \"promise\": \"B02\"")]
    #[case::order_of_keys(
        "\"id\": \"a\", \"do\": {\"open\": {\"slot\": \"x\"}}",
        "\"do\": {\"open\": {\"slot\": \"x\"}}, \"id\": \"a\""
    )]
    fn what_decides_no_transcript_is_left_out(#[case] what: &str, #[case] by: &str) {
        assert!(FILE.contains(what));
        assert_eq!(of_text(&FILE.replacen(what, by, 1)), of_text(FILE));
    }

    #[rstest]
    #[case::device("\"d\"", "\"e\"")]
    #[case::boot("\"promise\"", "\"boot\": \"tainting\", \"promise\"")]
    #[case::step("\"slot\": \"x\"", "\"slot\": \"y\"")]
    #[case::step_id("\"id\": \"a\"", "\"id\": \"z\"")]
    #[case::step_in_a_branch("\"info\": {}", "\"info\": {\"flags\": 1}")]
    #[case::masked_field("\"field\": \"text\"", "\"field\": \"out\"")]
    #[case::outcome("\"id\": \"a\"", "\"id\": \"a\", \"outcome\": \"undefined\"")]
    fn what_decides_a_transcript_is_kept(#[case] what: &str, #[case] by: &str) {
        assert!(FILE.contains(what));
        assert_ne!(of_text(&FILE.replacen(what, by, 1)), of_text(FILE));
    }
}
