//! Which findings are of one cause: those of one rule, and with them those that tell the same in another form or come
//! of it.
//!
//! The rules are put in order by what they weigh and by how much they say ([`rank`]). One that says less joins one that
//! says more where nothing shows that it stands by itself: each of its findings lies behind the other in a session, or
//! it is the other once more, as a sweep or a race. Where it does stand by itself it is a cause of its own. A sweep or a
//! race that weighs more than the call that it repeats still joins that: the call says what happened.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, WHOLE_KERNEL};
use crate::policy::Severity;
use crate::rule::{Kind, Rule, id};

use super::rank;

/// Findings of one cause.
pub struct Group<'a> {
    /// The rule that names what happened.
    pub rule: &'a str,
    /// Those of that rule.
    pub own: Vec<&'a Finding>,
    /// Those that join them.
    pub following: Vec<&'a Finding>,
}

/// Findings of one rule, before it is known what they join.
struct Family<'a> {
    rule: &'a str,
    findings: Vec<Placed<'a>>,
    /// The sessions that begin to differ with one of them.
    led: usize,
}

/// A finding and which of the session's differing steps it is at.
#[derive(Clone, Copy)]
struct Placed<'a> {
    finding: &'a Finding,
    at: usize,
}

/// The groups of findings that count alike; every finding is in one.
pub fn groups<'a>(findings: &[&'a Finding]) -> Vec<Group<'a>> {
    let families = families(&placed(findings));
    let mut roots: Vec<usize> = Vec::new();
    for (i, family) in families.iter().enumerate() {
        let joined = (0..i).find(|other| joins(family, &families[*other]));
        roots.push(joined.map_or(i, |other| roots[other]));
    }
    // What no session begins with comes of what its sessions begin with, wherever that stands in the order.
    for (i, family) in families.iter().enumerate() {
        if roots[i] == i && family.led == 0 && rank::of(family.rule) >= rank::VALUE {
            let root = leader(family, &families).map_or(i, |leader| roots[leader]);
            roots.iter_mut().filter(|other| **other == i).for_each(|other| *other = root);
        }
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (i, root) in roots.iter().enumerate() {
        let new = || Group { rule: families[*root].rule, own: Vec::new(), following: Vec::new() };
        let group = groups.entry(*root).or_insert_with(new);
        let its = families[i].findings.iter().map(|placed| placed.finding);
        if i == *root { group.own.extend(its) } else { group.following.extend(its) }
    }
    let mut groups: Vec<_> = groups.into_values().map(with_the_lost_taint).collect();
    groups.sort_by_key(|group| {
        let all = group.own.iter().chain(&group.following);
        Reverse(all.map(|finding| weight(finding)).max())
    });
    groups
}

/// Of a lost taint: what other sessions gain because their boot did not have it follows, where a step shows the loss.
fn with_the_lost_taint(mut group: Group) -> Group {
    if group.own.iter().any(|finding| !finding.untainted) {
        let (own, gained) = group.own.into_iter().partition(|finding| !finding.untainted);
        group.own = own;
        group.following.extend::<Vec<_>>(gained);
    }
    group
}

fn placed<'a>(findings: &[&'a Finding]) -> Vec<Placed<'a>> {
    let mut placed: Vec<Placed> = Vec::new();
    for finding in findings {
        let at = match placed.last() {
            Some(last) if last.finding.session != finding.session => 0,
            Some(last) if last.finding.step == finding.step => last.at,
            Some(last) => last.at + 1,
            None => 0,
        };
        placed.push(Placed { finding, at });
    }
    placed
}

/// The families, in the order in which they explain: what weighs more, says more, shows more often.
fn families<'a>(all: &[Placed<'a>]) -> Vec<Family<'a>> {
    let mut by_rule: BTreeMap<(&str, &str), Vec<Placed>> = BTreeMap::new();
    for placed in all {
        let finding = placed.finding;
        let key = match finding {
            // What is lost is the taint that the boot's own RPC had to set.
            Finding { untainted: true, .. } => (id::TAINT_LOST, ""),
            // A change or fix of the whole kernel is a cause by itself.
            Finding { session, .. } if session == WHOLE_KERNEL => (&*finding.rule, &*finding.accepted),
            _ => (&*finding.rule, ""),
        };
        by_rule.entry(key).or_default().push(*placed);
    }
    let family = |((rule, _), findings): ((&'a str, &str), Vec<Placed<'a>>)| {
        let led: BTreeSet<_> = findings.iter().filter(|p| p.at == 0).map(|p| &p.finding.session).collect();
        Family { rule, led: led.len(), findings }
    };
    let families: Vec<_> = by_rule.into_iter().map(family).collect();
    // As heavy as its sweeps and races, so that these never come before the call that they repeat.
    let weight = |family: &Family| {
        let repeats = families.iter().filter(|other| repeats(other.rule) && is_another_form(other, family));
        std::iter::once(family).chain(repeats).filter_map(Family::weight).max()
    };
    let mut weighed: Vec<_> = families.iter().map(weight).zip(0..).collect();
    weighed.sort_by_key(|(weight, at): &(_, usize)| {
        let family = &families[*at];
        let shows = (Reverse(family.findings.len()), Reverse(family.led));
        (Reverse(*weight), rank::of(family.rule), shows, family.rule)
    });
    let mut families: Vec<_> = families.into_iter().map(Some).collect();
    weighed.into_iter().filter_map(|(_, at)| families[at].take()).collect()
}

impl Family<'_> {
    fn weight(&self) -> Option<Severity> {
        self.findings.iter().map(|placed| weight(placed.finding)).max()
    }
}

/// What a finding weighs for the order of causes: under the user's own policy, or under the strictest of the three.
pub fn weight(finding: &Finding) -> Severity {
    finding.severity.own.map_or(finding.severity.frozen, |own| own.severity)
}

/// Whether a rule tells once more, as a sweep or a race, what another rule tells of a single call.
fn repeats(rule: &str) -> bool {
    [id::SWEEP_BLOCKED, id::SWEEP_UNBLOCKED, id::SWEEP_CHANGED, id::RACE_CHANGED].contains(&rule)
}

/// The family that says more and that most sessions of this one begin to differ with.
fn leader(family: &Family, families: &[Family]) -> Option<usize> {
    let sessions: BTreeSet<&str> = family.findings.iter().map(|p| &*p.finding.session).collect();
    let leads = |other: &Family| {
        let first = other.findings.iter().filter(|p| p.at == 0 && sessions.contains(&*p.finding.session));
        first.map(|p| &p.finding.session).collect::<BTreeSet<_>>().len()
    };
    let says_more = |(_, other): &(usize, &Family)| rank::of(other.rule) < rank::of(family.rule);
    let led = families.iter().enumerate().filter(says_more).map(|(i, other)| (leads(other), Reverse(i)));
    led.filter(|(n, _)| *n > 0).max().map(|(_, Reverse(i))| i)
}

/// Whether a family is of the cause of another, which explains more.
fn joins(family: &Family, other: &Family) -> bool {
    let (rule, leads) = (family.rule, other.rule);
    let (rank, above) = (rank::of(rule), rank::of(leads));
    if [rank, above].contains(&rank::WHOLE) && !is_damage(leads) {
        return false;
    }
    let behind = family.findings.iter().filter(|placed| is_behind(placed, other)).count();
    let all_behind = behind == family.findings.len();
    let closed = [id::NODE_MISSING, id::NODE_APPEARED, id::OPEN_BLOCKED].contains(&leads);
    match () {
        () if all_behind && (closed || is_damage(leads)) => true,
        () if all_behind && (rank >= rank::VALUE || (rank >= rank::FORM && above < rank::FORM)) => true,
        () if at_the_same_steps(family, other) => true,
        () if rank == rank::VALUE && family.led == 0 && 2 * behind >= family.findings.len() => true,
        () => is_another_form(family, other),
    }
}

/// Whether the session came to the other at that step or before.
fn is_behind(placed: &Placed, other: &Family) -> bool {
    other.findings.iter().any(|o| o.finding.session == placed.finding.session && o.at <= placed.at)
}

fn at_the_same_steps(family: &Family, other: &Family) -> bool {
    family.findings.iter().all(|placed| {
        other.findings.iter().any(|o| o.finding.session == placed.finding.session && o.at == placed.at)
    })
}

/// Whether a family is the other once more: as a sweep, a race, another errno of the same refusal, or the same list
/// where it cannot be told by its entries.
fn is_another_form(family: &Family, other: &Family) -> bool {
    let (rule, leads) = (family.rule, other.rule);
    let above = rank::of(leads);
    let overlap = || calls(family).intersection(&calls(other)).next().is_some();
    match rule {
        id::MAILBOX_COMMAND_ADDED => leads == id::GET_WRITES_DEVICE,
        id::GET_CHANGED if leads.starts_with("feature-") => {
            calls(family).iter().all(|call| ["get-supported-features", "rpc"].contains(call))
        }
        id::SWEEP_BLOCKED => above < rank::VALUE && is_closing(leads) == Some(true) && overlap(),
        id::SWEEP_UNBLOCKED => above < rank::VALUE && is_closing(leads) == Some(false) && overlap(),
        id::SWEEP_CHANGED => above < rank::VAGUE && overlap(),
        id::RACE_CHANGED => above < rank::VAGUE && overlap(),
        id::ERRNO_CHANGED => {
            let common = || errnos(family).intersection(&errnos(other)).next().is_some();
            above < rank::VALUE && overlap() && (leads.starts_with("sweep-") || common())
        }
        _ => false,
    }
}

fn is_damage(rule: &str) -> bool {
    Rule::find(rule).is_some_and(|rule| rule.conclusive)
}

/// Whether a rule is about something that no longer works, or about something that works now; `None` for neither.
fn is_closing(rule: &str) -> Option<bool> {
    match Rule::find(rule)?.kind {
        Kind::Blocked | Kind::Tightened | Kind::Removed => Some(true),
        Kind::Unblocked | Kind::Loosened | Kind::Added => Some(false),
        Kind::Changed => None,
    }
}

fn calls<'a>(family: &Family<'a>) -> BTreeSet<&'a str> {
    family.findings.iter().flat_map(|placed| placed.finding.call.split(", ")).collect()
}

/// The errnos on either side, success left out.
fn errnos<'a>(family: &Family<'a>) -> BTreeSet<&'a str> {
    let sides = family.findings.iter().flat_map(|p| [p.finding.accepted.as_str(), p.finding.seen.as_str()]);
    sides.filter(|errno| *errno != "ok").collect()
}
