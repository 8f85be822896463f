//! The answer as lines for a person.

use std::collections::BTreeSet;
use std::fmt;

use scrubjay_uapi::cxl::KnownFeature;
use scrubjay_verdict::{Cause, Feature, Policy};
use textwrap::Options;

use crate::answer::{Answer, Broken, Promised};
use crate::sight::{Sight, What};

/// The width that lines keep to where they can.
const WIDTH: usize = 100;

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in lines(self) {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}

fn lines(answer: &Answer) -> Vec<String> {
    let mut lines = vec![format!("kernel {} {}", answer.kernel, answer.decision), String::new()];
    lines.push(format!("{:36} {:7} {:8} {:7} where", "what it does", "exempt", "footgun", "frozen"));
    if answer.broken.is_empty() {
        lines.push("  nothing that a session sees".to_owned());
    }
    lines.extend(answer.broken.iter().flat_map(broken));
    let told = Policy::ALL.iter().zip(answer.breaks).map(|(policy, n)| format!("{} {n}", policy.name()));
    lines.push(format!("  findings that break: {}", told.collect::<Vec<_>>().join(", ")));
    if let Some(evidence) = &answer.absent {
        lines.extend(wrapped("  ", &format!("this kernel has no fwctl at all: {evidence}")));
    }
    for (feature, sights) in &answer.seen {
        lines.push(String::new());
        lines.push(format!("what a program sees of {} ({})", feature.name, feature.uuid));
        lines.extend(seen(feature, sights));
    }
    lines.push(String::new());
    lines.push("what stays".to_owned());
    let Answer { stayed, different, skipped, untested, .. } = answer;
    let counts = format!(
        "of all sessions {stayed} gave what they gave before, in every step; {different} gave something else, \
         {skipped} do not apply to this kernel, {} could not be tested",
        untested.values().map(Vec::len).sum::<usize>()
    );
    lines.extend(wrapped("  ", &counts));
    for (why, sessions) in untested {
        lines.extend(wrapped("    ", &format!("not tested: {}: {why}", some(sessions))));
    }
    lines
}

fn broken(group: &Broken) -> Vec<String> {
    let Broken { cause, promises, example } = group;
    let Cause { rule, what, sessions, steps, follows, severity, .. } = cause;
    let place = match sessions {
        0 => "the kernel as a whole".to_owned(),
        n => format!("{}, {}", count(*n, "session"), count(*steps, "step")),
    };
    let mut lines = vec![format!(
        "  {rule:34} {:7} {:8} {:7} {place}",
        severity.exempt.name(),
        severity.footgun.name(),
        severity.frozen.name()
    )];
    lines.extend(wrapped("    ", &format!("{what}, as in {example}")));
    for Promised { id, statement, class } in promises {
        lines.push(cut(&format!("    {id} ({}): {statement}", class.name())));
    }
    if !follows.is_empty() {
        let told = follows.iter().map(|follows| format!("{} {}", follows.findings.len(), follows.rule));
        lines.extend(wrapped("    follows: ", &told.collect::<Vec<_>>().join(", ")));
    }
    lines
}

/// A line that is not longer than others; the whole of a promise is told by `scrubjay promises ID`.
fn cut(line: &str) -> String {
    match line.chars().count() > WIDTH {
        true => line.chars().take(WIDTH - 3).chain("...".chars()).collect(),
        false => line.to_owned(),
    }
}

fn seen(feature: &Feature, sights: &[Sight]) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, name) in [
        (What::Set, "Set Feature"),
        (What::Get, "Get Feature"),
        (What::Entry, "the list"),
        (What::Node, "the node"),
        (What::Edac, "EDAC"),
    ] {
        let first = format!("  {name:12} ");
        let of_this: Vec<_> = sights.iter().filter(|sight| sight.what == what).collect();
        for sight in of_this.iter().filter(|sight| !sight.is_as_before()) {
            let Sight { was, is, steps, sessions, devices, .. } = sight;
            let on = if what == What::Node { format!(" on {}", some(devices)) } else { String::new() };
            lines.extend(wrapped(&first, &format!("{was} -> {is}{on} ({})", place(*steps, sessions))));
        }
        let stays: Vec<_> = of_this.iter().filter(|sight| sight.is_as_before()).collect();
        if !stays.is_empty() {
            let steps = stays.iter().map(|sight| sight.steps).sum();
            let sessions = stays.iter().flat_map(|sight| &sight.sessions).cloned().collect();
            let came = stays.iter().map(|sight| sight.was.as_str()).collect::<Vec<_>>().join("; ");
            lines.extend(wrapped(&first, &format!("as before: {came} ({})", place(steps, &sessions))));
        }
        match what {
            What::Edac => {
                let works = of_this.iter().any(|sight| sight.is.starts_with("done"));
                lines.extend(wrapped(&first, &edac(feature, works)));
            }
            _ if of_this.is_empty() => {
                lines.push(format!("{first}not tested: no session that was performed looks at it"))
            }
            _ => {}
        }
    }
    lines
}

/// How many steps of which sessions: these by name where they are two at most.
fn place(steps: usize, sessions: &BTreeSet<String>) -> String {
    let of = match sessions.len() {
        1 | 2 => sessions.iter().map(String::as_str).collect::<Vec<_>>().join(" and "),
        n => count(n, "session"),
    };
    format!("{} of {of}", count(steps, "step"))
}

/// What the kernel has beside fwctl.
fn edac(feature: &Feature, works: bool) -> String {
    match (feature.known(), feature.known().and_then(|known| known.edac_control()), works) {
        (None, ..) => "has nothing for it: a program has nowhere else to go".to_owned(),
        (Some(_), None, _) => "has nothing for it, though it is a Feature that the kernel knows".to_owned(),
        (Some(known), Some(control), true) => {
            let offers =
                format!("offers {control}* below /sys/bus/edac/devices/cxl_memN, by the steps above");
            match beside(known, control).as_slice() {
                [] => offers,
                others => {
                    format!("{offers}; {} have {control}* too, and the steps are of all", others.join(", "))
                }
            }
        }
        (Some(_), Some(control), false) => {
            format!(
                "has {control}* below /sys/bus/edac/devices/cxl_memN for it; no session saw it work: not tested"
            )
        }
    }
}

/// The other Features that EDAC controls by attributes of the same name.
fn beside(feature: KnownFeature, control: &str) -> Vec<&'static str> {
    let others = KnownFeature::ALL.into_iter().filter(|other| *other != feature);
    others.filter(|other| other.edac_control() == Some(control)).map(KnownFeature::name).collect()
}

/// Names, as many as a line takes.
fn some<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    const MOST: usize = 4;
    let names: Vec<_> = names.into_iter().map(String::as_str).collect();
    let named: Vec<_> = names.iter().take(MOST).copied().collect();
    let more = names.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

fn wrapped(first: &str, text: &str) -> Vec<String> {
    let others = " ".repeat(first.chars().count());
    let options = Options::new(WIDTH).initial_indent(first).subsequent_indent(&others);
    textwrap::wrap(text, options).into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;
    use scrubjay_verdict::cause::Follows;
    use scrubjay_verdict::{Class, Severities, Severity, Standing};

    use super::*;

    fn sight(what: What, was: &str, is: &str) -> Sight {
        Sight {
            what,
            was: was.to_owned(),
            is: is.to_owned(),
            steps: 2,
            sessions: BTreeSet::from(["a".to_owned()]),
            devices: BTreeSet::from(["vendor".to_owned()]),
        }
    }

    #[test]
    fn an_answer_reads_as_expected() {
        let feature = Feature { uuid: uuid::Uuid::nil(), name: "qos-map".to_owned() };
        let severity = Severities { exempt: Severity::Warn, ..Severities::all(Severity::Break) };
        let promised = Promised {
            id: "H06".to_owned(),
            statement: "a Set at the scope of its effects reaches the firmware".to_owned(),
            class: Class::Documented,
        };
        let cause = Cause {
            fingerprint: "c".to_owned(),
            rule: "set-blocked".to_owned(),
            what: "a write that worked is refused: set-feature gives EPERM instead of success".to_owned(),
            standing: Standing::Counts,
            promises: vec!["H06".to_owned()],
            sessions: 2,
            steps: 3,
            example: "e".to_owned(),
            findings: vec!["e".to_owned(), "f".to_owned()],
            follows: vec![Follows { rule: "get-changed".to_owned(), findings: vec!["g".to_owned()] }],
            severity,
        };
        let group = Broken { cause, promises: vec![promised], example: "a, full".to_owned() };
        let answer = Answer {
            decision: "keeps to itself: qos-map".to_owned(),
            kernel: "7.3-modular".to_owned(),
            broken: vec![group],
            breaks: [0, 2, 2],
            seen: vec![(
                feature,
                vec![
                    sight(What::Set, "done", "EPERM"),
                    sight(What::Get, "done", "done"),
                    sight(What::Node, "opens", "ENOENT"),
                ],
            )],
            stayed: 300,
            different: 2,
            skipped: 5,
            untested: BTreeMap::from([(
                "the guest is slow".to_owned(),
                vec!["c".to_owned(), "d".to_owned()],
            )]),
            absent: None,
        };
        expect![[r#"
            kernel 7.3-modular keeps to itself: qos-map

            what it does                         exempt  footgun  frozen  where
              set-blocked                        warn    break    break   2 sessions, 3 steps
                a write that worked is refused: set-feature gives EPERM instead of success, as in a, full
                H06 (documented): a Set at the scope of its effects reaches the firmware
                follows: 1 get-changed
              findings that break: exempt 0, footgun 2, frozen 2

            what a program sees of qos-map (00000000-0000-0000-0000-000000000000)
              Set Feature  done -> EPERM (2 steps of a)
              Get Feature  as before: done (2 steps of a)
              the list     not tested: no session that was performed looks at it
              the node     opens -> ENOENT on vendor (2 steps of a)
              EDAC         has nothing for it: a program has nowhere else to go

            what stays
              of all sessions 300 gave what they gave before, in every step; 2 gave something else, 5 do not
              apply to this kernel, 2 could not be tested
                not tested: c, d: the guest is slow
        "#]]
        .assert_eq(&answer.to_string());
    }
}
