//! The way from what was accepted to what was seen: what findings of one cause have in common.
//!
//! Reads a finding's own fields and nothing else.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use scrubjay_session::Field;
use scrubjay_session::observation::OK;
use scrubjay_wire::{Bytes, Entry, Run};

use crate::decoded;
use crate::finding::Finding;

/// The longest value that a way names.
const LONGEST: usize = 40;

/// The most fields of an answer that a way names.
const NAMED: usize = 3;

/// A way, as it is grouped by and as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// What is the same in all findings of a cause: `gives EINVAL instead of success`.
    pub key: String,
    /// The same with this finding's values, where they say more.
    pub exact: String,
}

impl Way {
    fn plain(key: impl Into<String>) -> Self {
        let key = key.into();
        Way { exact: key.clone(), key }
    }

    fn exact(key: impl Into<String>, exact: String) -> Self {
        Way { key: key.into(), exact }
    }
}

/// The ways of findings, the most frequent first, with how often each is taken.
pub fn keys(findings: &[&Finding]) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(of(finding).key).or_default() += 1;
    }
    let mut ways: Vec<_> = counts.into_iter().collect();
    ways.sort_by_key(|(_, count)| Reverse(*count));
    ways
}

/// The way of one finding.
pub fn of(finding: &Finding) -> Way {
    let (accepted, seen) = (finding.accepted.as_str(), finding.seen.as_str());
    match finding.field {
        None => Way::plain(of_the_kernel(accepted, seen)),
        Some(Field::Errno) => Way::plain(format!("gives {} instead of {}", errno(seen), errno(accepted))),
        Some(Field::Ret) => Way::exact("returns another number", number("returns", accepted, seen)),
        Some(Field::Arg | Field::Out) => answer(finding),
        Some(Field::Input) => Way::plain("changes the caller's own input"),
        Some(Field::Text) => {
            Way::exact("reads differently", format!("reads {} instead of {}", value(seen), value(accepted)))
        }
        Some(Field::Entries) => Way::plain(entries(accepted, seen)),
        Some(Field::Runs) => Way::plain(runs(accepted, seen)),
        Some(Field::Branches) => Way::plain("its branches come to something else"),
        Some(Field::Taint) => Way::plain(taint(accepted, seen)),
        Some(Field::Mailbox) => Way::plain(mailbox(accepted, seen)),
        Some(Field::Log) => Way::plain(log(accepted, seen)),
        Some(Field::End) => Way::plain(format!("{} instead of {}", ended(seen), ended(accepted))),
    }
}

/// What a kernel as a whole has and lacks: the change is what it is about.
fn of_the_kernel(accepted: &str, seen: &str) -> String {
    format!("{} where {} is expected", value(seen), value(accepted))
}

fn errno(name: &str) -> &str {
    if name == OK { "success" } else { name }
}

fn ended(end: &str) -> &str {
    match end {
        "came-back" => "comes back",
        "hung" => "hangs",
        "died" => "kills its process",
        "guest-died" => "kills the kernel",
        "not-reached" => "is not reached",
        other => other,
    }
}

fn value(text: &str) -> String {
    let text = text.trim();
    match text.chars().count() {
        0 => "nothing".to_owned(),
        n if n > LONGEST => format!("`{}...`", text.chars().take(LONGEST).collect::<String>()),
        _ => format!("`{text}`"),
    }
}

/// `returns 8 more`, or both numbers.
fn number(verb: &str, accepted: &str, seen: &str) -> String {
    match (accepted.parse::<i64>(), seen.parse::<i64>()) {
        (Ok(was), Ok(is)) if was != 0 && is > was => format!("{verb} {} more", is - was),
        (Ok(was), Ok(is)) if is != 0 && is < was => format!("{verb} {} less", was - is),
        _ => format!("{verb} {} instead of {}", value(seen), value(accepted)),
    }
}

/// By the fields that differ where the answer is known, by the first byte that differs elsewhere.
fn answer(finding: &Finding) -> Way {
    let differing = decoded::differing(&finding.accepted_decoded, &finding.seen_decoded);
    let name = |place: &str| {
        let last = place.rsplit('.').next().unwrap_or(place);
        last.split('[').next().unwrap_or(last).to_owned()
    };
    let names: BTreeSet<String> = differing.iter().map(|(place, ..)| name(place)).collect();
    let names: Vec<_> = names.into_iter().collect();
    match differing.as_slice() {
        [] => Way::plain(bytes(finding)),
        [(place, Some(was), Some(is))] => {
            let verb = format!("{} is", name(place));
            Way::exact(format!("{} differs", name(place)), number(&verb, was, is))
        }
        _ => {
            let more = names.len().saturating_sub(NAMED);
            let told = names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
            let and = if more > 0 { format!(" and {more} more") } else { String::new() };
            Way::plain(format!("{told}{and} differ"))
        }
    }
}

fn bytes(finding: &Finding) -> String {
    let read = |text: &str| text.parse::<Bytes>().ok();
    let (Some(was), Some(is)) = (read(&finding.accepted), read(&finding.seen)) else {
        return "answers differently".to_owned();
    };
    let structure = if finding.field == Some(Field::Arg) { "its structure" } else { "the answer" };
    match was.iter().zip(is.iter()).position(|(was, is)| was != is) {
        Some(at) => format!("{structure} differs from byte {at}"),
        None => format!("{structure} has another length"),
    }
}

fn entries(accepted: &str, seen: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Vec<Entry>>(text).unwrap_or_default();
    let (was, is) = (read(accepted), read(seen));
    let beyond = |some: &[Entry], others: &[Entry]| {
        let missing = some.iter().filter(|e| !others.iter().any(|o| o.name == e.name));
        missing.map(|e| e.name.clone()).collect::<Vec<_>>()
    };
    let (gone, new) = (beyond(&was, &is), beyond(&is, &was));
    let parts = [("lacks", gone), ("also has", new)];
    let told: Vec<_> = parts
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {}", names.join(", ")))
        .collect();
    if !told.is_empty() {
        return told.join(" and ");
    }
    let changed = was.iter().zip(&is).find(|(was, is)| was != is);
    changed.map_or("is in another order".to_owned(), |(was, is)| {
        format!(
            "has mode {:04o} ({}:{}) instead of {:04o} ({}:{})",
            is.mode, is.uid, is.gid, was.mode, was.uid, was.gid
        )
    })
}

/// The errnos of a sweep that came or went.
fn runs(accepted: &str, seen: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Vec<Run>>(text).unwrap_or_default();
    let (was, is) = (read(accepted), read(seen));
    let calls = |runs: &[Run]| runs.iter().filter(|run| run.errno == 0).map(|run| run.count).sum::<u64>();
    match (calls(&was), calls(&is)) {
        (was, is) if is > was => "lets through values that were refused".to_owned(),
        (was, is) if is < was => "refuses values that worked".to_owned(),
        _ => "answers some values differently".to_owned(),
    }
}

fn taint(accepted: &str, seen: &str) -> String {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let (was, is) = (words(accepted), words(seen));
    let list = |set: Vec<&String>| set.into_iter().cloned().collect::<Vec<_>>().join(", ");
    match (list(is.difference(&was).collect()), list(was.difference(&is).collect())) {
        (gained, lost) if lost.is_empty() => format!("taints the kernel ({gained})"),
        (gained, lost) if gained.is_empty() => format!("no longer taints the kernel ({lost})"),
        (gained, lost) => format!("taints the kernel with {gained} instead of {lost}"),
    }
}

/// The events that came or went.
fn log(accepted: &str, seen: &str) -> String {
    let (gained, lost) = beyond_each_other(accepted, seen);
    match (gained.as_slice(), lost.as_slice()) {
        ([], []) => "the kernel says the same in another order".to_owned(),
        ([], lost) => format!("the kernel no longer says {}", lost.join(", ")),
        (gained, _) => format!("the kernel says {}", gained.join(", ")),
    }
}

fn items(text: &str) -> Vec<&str> {
    if text == "nothing" { Vec::new() } else { text.split("; ").filter(|item| !item.is_empty()).collect() }
}

/// The items that only the second has, and those that only the first has; each once.
fn beyond_each_other(accepted: &str, seen: &str) -> (Vec<String>, Vec<String>) {
    let (was, is) = (items(accepted), items(seen));
    let beyond = |some: &[&str], others: &[&str]| {
        let count = |list: &[&str], item: &str| list.iter().filter(|other| **other == item).count();
        let missing = some.iter().filter(|item| count(some, item) > count(others, item));
        missing.map(|item| (*item).to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
    };
    (beyond(&is, &was), beyond(&was, &is))
}

/// One mailbox command as it is shown: its name, what it was given, what came back.
struct Command<'a> {
    name: &'a str,
    input: &'a str,
}

fn command(item: &str) -> Command<'_> {
    let (call, _) = item.split_once(" -> ").unwrap_or((item, ""));
    let (name, input) = call.split_once(" [").unwrap_or((call, ""));
    Command { name, input: input.trim_end_matches(']') }
}

fn mailbox(accepted: &str, seen: &str) -> String {
    let (was, is): (Vec<_>, Vec<_>) =
        (items(accepted).into_iter().map(command).collect(), items(seen).into_iter().map(command).collect());
    let names = |list: &[Command]| list.iter().map(|c| c.name).collect::<Vec<_>>().join("; ");
    let (gained, lost) = beyond_each_other(&names(&was), &names(&is));
    match (gained.as_slice(), lost.as_slice()) {
        ([], []) => {}
        (gained, []) => return format!("the firmware receives {} more often", gained.join(", ")),
        ([], lost) => return format!("the firmware receives {} less often", lost.join(", ")),
        (gained, lost) => {
            return format!("the firmware receives {} instead of {}", gained.join(", "), lost.join(", "));
        }
    }
    let read = |command: &Command| command.input.parse::<Bytes>().ok();
    let differs = was.iter().zip(&is).find(|(was, is)| was.input != is.input || was.name != is.name);
    match differs {
        None => "the firmware answers differently".to_owned(),
        Some((was, is)) if was.name != is.name => {
            "the firmware receives its commands in another order".to_owned()
        }
        Some((was, is)) => match (read(was), read(is)) {
            (Some(before), Some(now)) if before.len() != now.len() => {
                format!("the firmware receives {} with an input of another length", is.name)
            }
            (Some(before), Some(now)) => {
                let at = before.iter().zip(now.iter()).position(|(was, is)| was != is).unwrap_or_default();
                format!("the firmware receives {} with another byte {at}", is.name)
            }
            _ => format!("the firmware receives {} with another input", is.name),
        },
    }
}
