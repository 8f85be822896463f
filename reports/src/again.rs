//! How guests came up, and what was tried once more because the host may have had a part in it, as lines of text.

use std::collections::BTreeMap;

use scrubjay_run::{Again, Guests};

use crate::text::count;

/// How the guests of a kernel came up, and why none was kept with a command line where one was wanted.
pub fn guests(Guests { booted, started, not_kept, .. }: &Guests) -> Vec<String> {
    let counts = format!("{booted} booted, {started} started from one that was kept");
    let why = not_kept.iter().map(|why| format!("none was kept: {}", why.lines().next().unwrap_or_default()));
    std::iter::once(counts).chain(why).collect()
}

/// Sessions that are named; more are counted.
const NAMED: usize = 3;

/// What was tried again for reasons that differ only in a number.
#[derive(Default)]
struct Reason<'a> {
    numbers: Vec<&'a str>,
    boots: usize,
    sessions: Vec<&'a str>,
}

/// A line for each reason: how many boots, which sessions or how many, and why.
pub fn again(all: &[Again]) -> Vec<String> {
    let mut reasons: BTreeMap<(&str, &str), Reason> = BTreeMap::new();
    for Again { session, why } in all {
        let (before, number, after) = number_in(headline(why));
        let reason = reasons.entry((before, after)).or_default();
        reason.numbers.push(number);
        match session {
            Some(session) => reason.sessions.push(session),
            None => reason.boots += 1,
        }
    }
    reasons.into_iter().map(|((before, after), reason)| reason.line(before, after)).collect()
}

impl Reason<'_> {
    fn line(mut self, before: &str, after: &str) -> String {
        let times = self.sessions.len();
        self.sessions.sort_unstable();
        self.sessions.dedup();
        let sessions = match (times, self.sessions.len()) {
            (0, _) => None,
            (times, n) if n <= NAMED && times == n => Some(self.sessions.join(", ")),
            (times, n) if times == n => Some(count(n, "session")),
            (times, n) if n <= NAMED => Some(format!("{}, {times} times in all", self.sessions.join(", "))),
            (times, n) => Some(format!("{}, {times} times in all", count(n, "session"))),
        };
        let boots = (self.boots > 0).then(|| count(self.boots, "boot"));
        let what: Vec<_> = boots.into_iter().chain(sessions).collect();
        let value = |number: &&str| number.parse::<f64>().unwrap_or_default();
        self.numbers.sort_by(|a, b| value(a).total_cmp(&value(b)));
        let number = match self.numbers.as_slice() {
            [first, .., last] if first != last => format!("{first} to {last}"),
            numbers => numbers.first().copied().unwrap_or_default().to_owned(),
        };
        format!("{}: {before}{number}{after}", what.join(", "))
    }
}

/// The first line of a reason, without the words that announce the lines below it (`; the console's last 24 lines:`).
fn headline(why: &str) -> &str {
    let first = why.lines().next().unwrap_or_default();
    match first.strip_suffix(':') {
        Some(head) => head.rsplit_once("; ").map_or(head, |(head, _)| head),
        None => first,
    }
}

/// A text at its first number, which may be empty.
fn number_in(text: &str) -> (&str, &str, &str) {
    let start = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let rest = &text[start..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    (&text[..start], &rest[..end], &rest[end..])
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
        let mut all = vec![
            one(None, "no word; the console's last 2 of 9 lines:\n  a\n  b"),
            one(Some("b"), stood),
            one(Some("a"), stood),
        ];
        assert_eq!(again(&all), ["1 boot: no word".to_owned(), format!("a, b: {stood}")]);
        all.extend([
            one(Some("a"), "scrubjay stood still for 12.0 s"),
            one(Some("c"), "QEMU was stopped for 1.0 s"),
        ]);
        assert_eq!(
            again(&all),
            [
                "c: QEMU was stopped for 1.0 s",
                "1 boot: no word",
                "a, b, 3 times in all: scrubjay stood still for 6.2 to 12.0 s"
            ]
        );
    }
}
