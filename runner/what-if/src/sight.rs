//! What a program sees of a Feature on the kernel as it is and on the changed one: Set, Get, its entry in the list, the
//! node of a device that has it, and what EDAC has of it. Read from transcripts; judges nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use scrubjay_session::action::Node;
use scrubjay_session::cxl::profile::Profile;
use scrubjay_session::observation::{OK, StepEnd};
use scrubjay_session::{Action, Descriptors, Field, Observation, Performance, Session, Step};
use scrubjay_verdict::asked::{self, Asked};
use scrubjay_verdict::{Feature, Library, differing};
use scrubjay_wire::Anchor;
use serde_json::Value;
use uuid::Uuid;

use crate::run::Performances;

/// What of a Feature a program looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Set Feature through fwctl.
    Set,
    /// Get Feature through fwctl.
    Get,
    /// Its entry in what Get Supported Features lists.
    Entry,
    /// The node of a device that has it.
    Node,
    /// EDAC's attributes by which the kernel controls it.
    Edac,
}

/// Steps that came to the same before, and to the same afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What was looked at.
    pub what: What,
    /// What it gave on the kernel as it is.
    pub was: String,
    /// What it gives on the changed one.
    pub is: String,
    /// In so many steps.
    pub steps: usize,
    /// Of these sessions.
    pub sessions: BTreeSet<String>,
    /// On these devices.
    pub devices: BTreeSet<String>,
}

impl Sight {
    /// Whether a program sees no difference.
    pub fn is_as_before(&self) -> bool {
        self.was == self.is
    }
}

/// A step on both kernels.
pub(crate) struct Pair<'a> {
    session: &'a str,
    step: &'a Step,
    profile: &'a Profile,
    /// The Feature that it sets or gets.
    feature: Option<Uuid>,
    /// Whether the node of its device came or went: what is done with a node says nothing then.
    moved: bool,
    /// Whether what was read is something else.
    another: bool,
    /// The Features of its device of which a Set gave something else before it, in the same session.
    set_otherwise: BTreeSet<Uuid>,
    before: Observation,
    after: Observation,
}

/// The steps of the sessions that were performed on both kernels.
pub(crate) fn pairs<'a>(
    library: &'a Library,
    sessions: &[&'a Session],
    before: &Performances,
    after: &Performances,
) -> Vec<Pair<'a>> {
    let of = |session: &&'a Session| -> Vec<Pair<'a>> {
        match (before.get(&session.id).and_then(seen), after.get(&session.id).and_then(seen)) {
            (Some(before), Some(after)) => of_session(library, session, &before, &after),
            _ => Vec::new(),
        }
    };
    sessions.iter().flat_map(of).collect()
}

type Steps<'t> = HashMap<&'t str, &'t Observation>;

fn seen(performance: &Performance) -> Option<Steps<'_>> {
    let Performance::Performed(transcript) = performance else { return None };
    Some(transcript.every_step().into_iter().map(|seen| (seen.id.as_str(), &seen.observation)).collect())
}

fn of_session<'a>(
    library: &'a Library,
    session: &'a Session,
    before: &Steps,
    after: &Steps,
) -> Vec<Pair<'a>> {
    let observation = |steps: &Steps, id: &str| {
        let not_reached = || Observation { end: StepEnd::NotReached, ..Observation::default() };
        steps.get(id).map_or_else(not_reached, |seen| (*seen).clone())
    };
    let steps = session.every_step();
    let mut descriptors = Descriptors::default();
    let works = |steps: &Steps, id: &str| steps.get(id).is_some_and(|seen| seen.errno == OK);
    let moved: BTreeSet<usize> = steps
        .iter()
        .filter(|step| works(before, &step.id) != works(after, &step.id))
        .filter_map(|step| match &step.action {
            Action::Open(open) if open.node == Node::Fwctl => Some(open.device),
            _ => None,
        })
        .collect();
    let mut set_otherwise: BTreeMap<usize, BTreeSet<Uuid>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        // A sweep of a Set sets, though no single value of it is looked at.
        let call = match &step.action {
            Action::Sweep(sweep) => &*sweep.call,
            action => action,
        };
        let device = device(call, &descriptors);
        descriptors.take(number, &step.action);
        let (Some(device), Some(_)) = (device, kind(call)) else { continue };
        let Some(profile) = session.devices.get(device).and_then(|id| library.profiles.get(id).ok()) else {
            continue;
        };
        let feature = asked::names(call, profile);
        let (before, after) = (observation(before, &step.id), observation(after, &step.id));
        let differing = differing(&before, &after, step);
        let set = feature.filter(|_| kind(call) == Some(What::Set) && !differing.is_empty());
        pairs.push(Pair {
            session: &session.id,
            step,
            profile,
            feature,
            moved: moved.contains(&device),
            another: differing.iter().any(|field| matches!(field, Field::Out | Field::Text)),
            set_otherwise: set_otherwise.get(&device).cloned().unwrap_or_default(),
            before,
            after,
        });
        set_otherwise.entry(device).or_default().extend(set);
    }
    pairs
}

/// The device that an action is about, where it is one that is looked at here.
fn device(action: &Action, descriptors: &Descriptors) -> Option<usize> {
    match action {
        Action::Open(open) => Some(open.device),
        Action::Read(place) | Action::Stat(place) | Action::List(place) => Some(place.device),
        Action::Write(write) => Some(write.at.device),
        action => Some(descriptors.behind(asked::call(action)?.slot)?.device),
    }
}

/// What an action looks at.
fn kind(action: &Action) -> Option<What> {
    match action {
        Action::Open(open) if open.node == Node::Fwctl => Some(What::Node),
        Action::Read(place) | Action::Stat(place) | Action::List(place) => {
            (place.anchor == Anchor::Edac).then_some(What::Edac)
        }
        Action::Write(write) => (write.at.anchor == Anchor::Edac).then_some(What::Edac),
        action => match asked::call(action)?.asked {
            Asked::Supported => Some(What::Entry),
            Asked::Get => Some(What::Get),
            Asked::Set => Some(What::Set),
            Asked::Info | Asked::Rpc | Asked::Command | Asked::Other => None,
        },
    }
}

/// What a program sees of a Feature, the differences first.
pub(crate) fn of(feature: &Feature, pairs: &[Pair]) -> Vec<Sight> {
    let mut sights: BTreeMap<(What, String, String), Sight> = BTreeMap::new();
    for pair in pairs {
        let Some(what) = kind(&pair.step.action) else { continue };
        let Some((was, is)) = pair.looked_at(what, feature) else { continue };
        let sight = sights.entry((what, was.clone(), is.clone())).or_insert_with(|| Sight {
            what,
            was,
            is,
            steps: 0,
            sessions: BTreeSet::new(),
            devices: BTreeSet::new(),
        });
        sight.steps += 1;
        sight.sessions.insert(pair.session.to_owned());
        sight.devices.insert(pair.profile.id.clone());
    }
    let mut sights: Vec<_> = sights.into_values().collect();
    sights.sort_by_key(|sight| (sight.what, sight.is_as_before(), std::cmp::Reverse(sight.steps)));
    sights
}

impl Pair<'_> {
    /// What the step shows of the Feature on both kernels; `None` where it shows nothing of it.
    fn looked_at(&self, what: What, feature: &Feature) -> Option<(String, String)> {
        let has = || self.profile.features.iter().any(|other| other.uuid() == feature.uuid);
        match what {
            What::Node => has().then(|| (opened(&self.before), opened(&self.after))),
            What::Edac => {
                let control = feature.known()?.edac_control()?;
                (has() && path(&self.step.action)?.starts_with(control)).then(|| self.told(feature))
            }
            _ if self.moved => None,
            What::Set | What::Get => (self.feature == Some(feature.uuid)).then(|| self.told(feature)),
            What::Entry if self.before.errno != OK || self.after.errno != OK => {
                Some((brief(&self.before), brief(&self.after)))
            }
            What::Entry => {
                let (was, is) = (entry(&self.before, feature), entry(&self.after, feature));
                match (was, is) {
                    (None, None) => None,
                    (Some(was), Some(is)) if was == is => Some(("listed".to_owned(), "listed".to_owned())),
                    (Some(was), Some(is)) => Some(moved(&was, &is)),
                    (was, _) => {
                        let told = |there: bool| if there { "listed" } else { "not listed" }.to_owned();
                        Some((told(was.is_some()), told(was.is_none())))
                    }
                }
            }
        }
    }

    /// What it gave on both; a difference that shows in the bytes alone is said too.
    fn told(&self, feature: &Feature) -> (String, String) {
        let (was, is) = (brief(&self.before), brief(&self.after));
        let is = match is == was && self.another {
            true if self.set_otherwise.contains(&feature.uuid) => {
                format!("{is}, with the value that another Set left")
            }
            true => format!("{is}, with another answer"),
            false => is,
        };
        (was, is)
    }
}

fn path(action: &Action) -> Option<&str> {
    match action {
        Action::Read(place) | Action::Stat(place) | Action::List(place) => Some(&place.path),
        Action::Write(write) => Some(&write.at.path),
        _ => None,
    }
}

fn opened(seen: &Observation) -> String {
    if seen.errno == OK { "opens".to_owned() } else { brief(seen) }
}

/// What came of a call, in a word or two.
fn brief(seen: &Observation) -> String {
    if seen.end != StepEnd::CameBack {
        return seen.end.name().to_owned();
    }
    let retval = seen.decoded.get("retval").and_then(Value::as_str).filter(|retval| *retval != "success");
    match (seen.errno.as_str(), retval) {
        (OK, Some(retval)) => format!("refused by the firmware ({retval})"),
        (OK, None) => "done".to_owned(),
        (errno, _) => errno.to_owned(),
    }
}

/// The Feature's entry in a list, decoded.
fn entry(seen: &Observation, feature: &Feature) -> Option<Value> {
    let name = feature.known().map_or_else(|| feature.uuid.to_string(), |known| known.name().to_owned());
    let features = seen.decoded.get("features")?.as_array()?;
    features.iter().find(|entry| entry["feature"] == name.as_str()).cloned()
}

/// The parts of an entry that are different, before and afterwards.
fn moved(was: &Value, is: &Value) -> (String, String) {
    let part = |entry: &Value, other: &Value| {
        let fields =
            entry.as_object().into_iter().flatten().filter(|(key, value)| other[key.as_str()] != **value);
        fields.map(|(key, value)| format!("{key} {}", words(value))).collect::<Vec<_>>().join(", ")
    };
    (part(was, is), part(is, was))
}

fn words(value: &Value) -> String {
    match value {
        Value::Array(words) if words.is_empty() => "none".to_owned(),
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        Value::String(word) => word.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use scrubjay_session::Transcript;
    use scrubjay_session::observation::{Aside, Seen};
    use serde_json::json;

    use super::*;

    fn library() -> Library {
        Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).expect("the vectors read")
    }

    fn feature(name: &str) -> Feature {
        Feature::find(name, &library().profiles).expect("it is there")
    }

    fn performed(session: &str, steps: &[(&str, &str, Value)]) -> (String, Performance) {
        let mut transcript = Transcript::new(session);
        for (id, errno, decoded) in steps {
            let observation = Observation {
                errno: (*errno).to_owned(),
                decoded: decoded.clone(),
                ..Observation::default()
            };
            transcript.steps.push(Seen { id: (*id).to_owned(), observation, aside: Aside::default() });
        }
        (session.to_owned(), Performance::Performed(Box::new(transcript)))
    }

    /// What is seen of a Feature in one session.
    fn seen(
        name: &str,
        session: &str,
        before: &[(&str, &str, Value)],
        after: &[(&str, &str, Value)],
    ) -> Vec<String> {
        let library = library();
        let sessions = [library.sessions.get(session).expect("a session")];
        let (before, after) = ([performed(session, before)].into(), [performed(session, after)].into());
        let pairs = pairs(&library, &sessions, &before, &after);
        let told = |sight: Sight| {
            let Sight { what, was, is, steps, .. } = sight;
            format!("{what:?}: {was} -> {is} ({steps})")
        };
        of(&feature(name), &pairs).into_iter().map(told).collect()
    }

    #[test]
    fn a_set_that_is_let_through_is_seen_and_another_feature_is_not_taken_for_it() {
        let open = ("open", "ok", Value::Null);
        let before = [open.clone(), ("patrol-scrub", "EPERM", Value::Null), ("ecs", "EPERM", Value::Null)];
        let after =
            [open, ("patrol-scrub", "ok", json!({"retval": "success"})), ("ecs", "EPERM", Value::Null)];
        let told = seen("patrol-scrub", "set-exclusive-features", &before, &after);
        assert!(told.contains(&"Set: EPERM -> done (1)".to_owned()), "{told:?}");
        assert!(told.contains(&"Node: opens -> opens (1)".to_owned()), "{told:?}");
        let told = seen("ecs", "set-exclusive-features", &before, &[]);
        assert!(told.contains(&"Node: opens -> not-reached (1)".to_owned()), "{told:?}");
        assert!(
            !told.iter().any(|line| line.starts_with("Set")),
            "a node that is gone says nothing: {told:?}"
        );
    }

    fn seen_out(session: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
        let library = library();
        let performed = |steps: &[(&str, &str)]| {
            let mut transcript = Transcript::new(session);
            for (id, out) in steps {
                let out = Some(out.parse().expect("bytes"));
                let observation = Observation { errno: OK.into(), out, ..Observation::default() };
                transcript.steps.push(Seen { id: (*id).to_owned(), observation, aside: Aside::default() });
            }
            [(session.to_owned(), Performance::Performed(Box::new(transcript)))].into()
        };
        let sessions = [library.sessions.get(session).expect("a session")];
        let pairs = pairs(&library, &sessions, &performed(before), &performed(after));
        of(&feature("power-cap"), &pairs).into_iter().map(|s| format!("{:?}: {}", s.what, s.is)).collect()
    }

    #[test]
    fn a_get_is_told_as_another_by_what_it_read_and_not_by_what_a_set_before_it_may_explain() {
        let open = [("open-a", ""), ("open-b", ""), ("open-c", "")];
        let with = |rest: &[(&'static str, &'static str)]| [&open[..], rest].concat();
        let session = "thousand-rounds-of-get-set-and-list";
        let same = seen_out(session, &with(&[("after", "01")]), &with(&[("after", "01")]));
        assert!(same.contains(&"Get: done".to_owned()), "{same:?}");
        let alone = seen_out(session, &with(&[("after", "01")]), &with(&[("after", "02")]));
        assert!(alone.contains(&"Get: done, with another answer".to_owned()), "{alone:?}");
        let swept = seen_out(
            session,
            &with(&[("sets", "01"), ("after", "01")]),
            &with(&[("sets", "02"), ("after", "02")]),
        );
        assert!(swept.contains(&"Get: done, with the value that another Set left".to_owned()), "{swept:?}");
    }

    #[test]
    fn a_get_beside_a_list_that_differs_is_as_before() {
        let session = "list-while-a-doorbell-is-held";
        let steps = |list| [("open-a", ""), ("open-b", ""), ("get", "01"), ("list", list)];
        let told = seen_out(session, &steps("01"), &steps("02"));
        assert!(told.contains(&"Get: done".to_owned()), "{told:?}");
    }

    #[test]
    fn what_is_different_in_the_list_is_said_and_nothing_else_of_it() {
        let list = |size: u64, flags: &[&str]| {
            let entry = json!({"feature": "patrol-scrub", "id": 17, "set-size": size, "flags": flags});
            [("open", "ok", Value::Null), ("all", "ok", json!({"features": [entry]}))]
        };
        let told =
            seen("patrol-scrub", "supported-all", &list(0, &["saved-selection"]), &list(2, &["changeable"]));
        let entry = "Entry: flags saved-selection, set-size 0 -> flags changeable, set-size 2 (1)";
        assert!(told.contains(&entry.to_owned()), "{told:?}");
    }
}
