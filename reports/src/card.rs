//! A cause as lines of text: what changed, under which promise, where, and what shows it. The same for every text
//! format.

use scrubjay_session::Field;
use scrubjay_verdict::finding::{Firmware, WHOLE_KERNEL};
use scrubjay_verdict::{Cause, Finding, Promises, Rule, Severity};

use crate::causes::Shown;
use crate::difference::differences;
use crate::finding::{often, place, promise, rows, telling};
use crate::text::{count, cut, plain, shorten};

/// The longest statement of a promise.
const STATEMENT: usize = 150;

/// The longest value.
const VALUE: usize = 120;

/// The most commands that are named one by one.
const MOST_COMMANDS: usize = 4;

/// Lines of the kernel log where they are what it is about, and elsewhere.
const DAMAGE_LINES: usize = 6;
const LOG_LINES: usize = 2;

/// Where a cause shows: `in 31 sessions, 44 steps, on 7.1 and 7.2`.
pub fn extent(one: &Shown, kernels: usize) -> String {
    let mut parts = match one.cause.sessions {
        0 => vec!["of the kernel as a whole".to_owned()],
        n => vec![count(n, "session"), count(one.cause.steps, "step")],
    };
    if kernels > 1 {
        parts.push(format!("on {}", one.kernels.join(", ")));
    }
    parts.join(", ")
}

/// What a card says below its first line: a name and a text each, the name empty where the text goes on.
pub fn facts(one: &Shown, promises: &Promises) -> Vec<(&'static str, String)> {
    let Shown { cause, example, .. } = one;
    let mut facts = Vec::new();
    if !example.promise.is_empty() {
        let others: Vec<_> =
            cause.promises.iter().filter(|id| **id != example.promise).take(6).cloned().collect();
        let also = if others.is_empty() { String::new() } else { format!("; also {}", others.join(", ")) };
        facts.push(("promise", format!("{}{also}", cut(&promise(example, promises), STATEMENT))));
    }
    if example.session != WHOLE_KERNEL {
        let repeat = example.repeat.map(|repeat| format!(", seen {}", often(repeat))).unwrap_or_default();
        facts.push(("example", format!("{}{repeat}", place(example))));
    }
    let differs = differences(example);
    match differs.is_empty() {
        false => facts.extend(
            differs.into_iter().enumerate().map(|(i, text)| (if i == 0 { "differs" } else { "" }, text)),
        ),
        // What the firmware received is told below.
        true if example.field == Some(Field::Mailbox) => {}
        true => {
            let values =
                rows(example, promises).into_iter().filter(|(name, _)| matches!(*name, "accepted" | "seen"));
            facts.extend(values.map(|(name, text)| (name, shorten(&text, VALUE))));
        }
    }
    facts.extend(received(example).map(|text| ("firmware", text)));
    let damage = Rule::find(&cause.rule).is_some_and(|rule| rule.conclusive);
    let log = telling(one.log, if damage { DAMAGE_LINES } else { LOG_LINES });
    facts.extend(log.iter().enumerate().map(|(i, line)| (if i == 0 { "kernel" } else { "" }, plain(line))));
    if !cause.follows.is_empty() {
        facts.push(("follows", follows(cause)));
    }
    facts.extend(example.waived.iter().map(|waived| ("waived", waived.to_string())));
    facts
}

/// How a cause weighs under each policy: `exempt warn, footgun break, frozen break`.
pub fn weights(one: &Shown) -> String {
    let word = |(policy, severity): (&str, Severity)| format!("{policy} {}", severity.name());
    one.cause.severity.each().map(word).collect::<Vec<_>>().join(", ")
}

/// What follows from a cause: `12 get-changed, 3 attribute-changed`.
pub fn follows(cause: &Cause) -> String {
    let told = cause.follows.iter().map(|follows| format!("{} {}", follows.findings.len(), follows.rule));
    told.collect::<Vec<_>>().join(", ")
}

/// What the firmware received, where that is not as it was: names where they tell, else the commands.
fn received(finding: &Finding) -> Option<String> {
    let items = |text: &String| text.split("; ").filter(|item| !item.is_empty()).map(str::to_owned).collect();
    let (was, is): (Vec<String>, Vec<String>) = match (&finding.firmware, finding.field) {
        (Some(Firmware { accepted, seen }), _) => (accepted.clone(), seen.clone()),
        (None, Some(Field::Mailbox)) => (items(&finding.accepted), items(&finding.seen)),
        (None, _) => return None,
    };
    let name =
        |command: &String| command.split_once(" [").map_or(command.as_str(), |(name, _)| name).to_owned();
    let list = |commands: &[String], show: &dyn Fn(&String) -> String| match commands {
        [] => "nothing".to_owned(),
        commands if commands.len() > MOST_COMMANDS => count(commands.len(), "command"),
        commands => commands.iter().map(show).collect::<Vec<_>>().join("; "),
    };
    let names = |commands: &[String]| commands.iter().map(name).collect::<Vec<_>>();
    if was == is {
        return None;
    }
    if names(&was) != names(&is) {
        return Some(format!("received {} instead of {}", list(&is, &name), list(&was, &name)));
    }
    let differs = was.iter().zip(&is).find(|(was, is)| was != is);
    differs.map(|(was, is)| format!("received {} instead of {}", shorten(is, VALUE), shorten(was, VALUE)))
}
