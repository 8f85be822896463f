//! What was tried once more because the host may have had a part in it, as lines of text.

use std::collections::BTreeMap;

use scrubjay_run::Again;

use crate::text::count;

/// Sessions that are named; more are counted.
const NAMED: usize = 3;

/// A line for each reason: how many boots, which sessions or how many, and why.
pub fn again(all: &[Again]) -> Vec<String> {
    let mut reasons: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for Again { session, why } in all {
        let (boots, sessions) = reasons.entry(why.lines().next().unwrap_or_default()).or_default();
        match session {
            Some(session) => sessions.push(session),
            None => *boots += 1,
        }
    }
    let line = |(why, (boots, mut sessions)): (&str, (usize, Vec<&str>))| {
        let times = sessions.len();
        sessions.sort_unstable();
        sessions.dedup();
        let sessions = match (times, sessions.len()) {
            (0, _) => None,
            (times, n) if n <= NAMED && times == n => Some(sessions.join(", ")),
            (times, n) if times == n => Some(count(n, "session")),
            (times, n) => Some(format!("{}, {times} times in all", count(n, "session"))),
        };
        let boots = (boots > 0).then(|| count(boots, "boot"));
        let what: Vec<_> = boots.into_iter().chain(sessions).collect();
        format!("{}: {why}", what.join(", "))
    };
    reasons.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_again_is_told_by_reason() {
        let one = |session: Option<&str>, why: &str| Again {
            session: session.map(str::to_owned),
            why: why.to_owned(),
        };
        let stood = "scrubjay stood still for 6.2 s";
        let mut all = vec![one(None, "no word"), one(Some("b"), stood), one(Some("a"), stood)];
        assert_eq!(again(&all), ["boot: no word".replace("boot", "1 boot"), format!("a, b: {stood}")]);
        all.extend([one(Some("a"), stood), one(Some("c"), "QEMU was stopped for 1.0 s")]);
        assert_eq!(again(&all)[0], "c: QEMU was stopped for 1.0 s");
        assert_eq!(again(&all)[2], format!("2 sessions, 3 times in all: {stood}"));
    }
}
