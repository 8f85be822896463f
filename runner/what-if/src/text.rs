//! The answer as lines for a person.

use std::collections::BTreeSet;
use std::fmt;

use scrubjay_verdict::{Policy, Rule};
use textwrap::Options;

use crate::answer::{Answer, Broken};
use crate::feature::Feature;
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
    let told = Policy::ALL.map(|policy| format!("{} {}", policy.name(), answer.breaks(policy)));
    lines.push(format!("  breaks: {}", told.join(", ")));
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
        untested.len()
    );
    lines.extend(wrapped("  ", &counts));
    for (session, why) in untested {
        lines.extend(wrapped("    ", &format!("not tested: {session}: {why}")));
    }
    lines
}

fn broken(group: &Broken) -> Vec<String> {
    let Broken { rule, promise, statement, class, severity, findings, sessions, example } = group;
    let place = format!("{} of {}", count(*findings, "finding"), count(sessions.len(), "session"));
    let mut lines = vec![format!(
        "  {rule:34} {:7} {:8} {:7} {place}",
        severity.exempt.name(),
        severity.footgun.name(),
        severity.frozen.name()
    )];
    let title = Rule::find(rule).map_or("", |rule| rule.title.as_str());
    lines.extend(wrapped("    ", title));
    lines.extend(wrapped("    ", &format!("{promise}, {}: {statement}", class.name())));
    lines.extend(wrapped("    ", &format!("as in {example}")));
    lines
}

fn seen(feature: &Feature, sights: &[Sight]) -> Vec<String> {
    let mut lines = Vec::new();
    for sight in sights {
        let Sight { what, was, is, steps, sessions, devices } = sight;
        let name = match what {
            What::Set => "Set Feature",
            What::Get => "Get Feature",
            What::Entry => "the list",
            What::Node => "the node",
            What::Edac => "EDAC",
        };
        let change =
            if sight.is_as_before() { format!("{was}, as before") } else { format!("{was} -> {is}") };
        let on = match (what, sight.is_as_before()) {
            (What::Node, false) => format!(" on {}", some(devices)),
            _ => String::new(),
        };
        let place = format!("{} of {}", count(*steps, "step"), count(sessions.len(), "session"));
        lines.extend(wrapped(&format!("  {name:12} "), &format!("{change}{on} ({place})")));
    }
    for (what, told) in [
        (What::Set, "Set Feature  no session sets it"),
        (What::Get, "Get Feature  no session gets it"),
        (What::Entry, "the list     no session looks for it there"),
    ] {
        if !sights.iter().any(|sight| sight.what == what) {
            lines.push(format!("  {told}: not tested"));
        }
    }
    lines.extend(wrapped("  EDAC         ", &edac(feature, sights)));
    lines
}

/// What the kernel has beside fwctl.
fn edac(feature: &Feature, sights: &[Sight]) -> String {
    let tested = sights.iter().any(|sight| sight.what == What::Edac);
    match (feature.known(), feature.known().and_then(|known| known.edac_control()), tested) {
        (None, ..) => "has nothing for it: a program has nowhere else to go".to_owned(),
        (Some(_), None, _) => "has nothing for it, though it is a Feature that the kernel knows".to_owned(),
        (Some(_), Some(control), true) => {
            format!("offers {control}* below /sys/bus/edac/devices/cxl_memN, by the steps above")
        }
        (Some(_), Some(control), false) => {
            format!(
                "would offer {control}* below /sys/bus/edac/devices/cxl_memN; no session looked: not tested"
            )
        }
    }
}

/// Names, as many as a line takes.
fn some(names: &BTreeSet<String>) -> String {
    const MOST: usize = 4;
    let named: Vec<_> = names.iter().take(MOST).map(String::as_str).collect();
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
    use expect_test::expect;
    use scrubjay_verdict::{Class, Severities, Severity};

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
        let severity =
            Severities { exempt: Severity::Warn, footgun: Severity::Break, frozen: Severity::Break };
        let group = Broken {
            rule: "set-blocked".to_owned(),
            promise: "H06".to_owned(),
            statement: "a Set at the scope of its effects reaches the firmware".to_owned(),
            class: Class::Documented,
            severity,
            findings: 3,
            sessions: BTreeSet::from(["a".to_owned(), "b".to_owned()]),
            example: "a, full: errno ok -> EPERM".to_owned(),
        };
        let answer = Answer {
            decision: "keeps to itself: qos-map".to_owned(),
            kernel: "7.3-modular".to_owned(),
            broken: vec![group],
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
            untested: vec![("c".to_owned(), "the guest is slow".to_owned())],
            absent: None,
        };
        expect![[r#""#]].assert_eq(&answer.to_string());
    }
}
