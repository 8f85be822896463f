//! The sessions that a change of the kernel is likely to reach: those of promises whose source names what is touched, or
//! what leads to it, and those that make the call which the kernel answers there.

use std::collections::BTreeSet;

use scrubjay_session::Session;
use scrubjay_verdict::{Claims, Library};

use crate::table;

/// The functions that answer a call of user space, with the step that makes it.
const ANSWERS: [(&str, &str); 4] = [
    ("fwctl_cmd_info", "info"),
    ("cxlctl_get_supported_features", "get-supported-features"),
    ("cxlctl_get_feature", "get-feature"),
    ("cxlctl_set_feature", "set-feature"),
];

/// What is touched, and what comes first for it.
pub struct Touched {
    /// Functions and tables that promises name.
    named: BTreeSet<String>,
    /// Those that no promise names.
    unnamed: BTreeSet<String>,
    /// The sessions that claim these promises.
    pub sessions: BTreeSet<String>,
}

impl Touched {
    /// Of these functions and tables, among these sessions.
    pub fn of(touched: BTreeSet<String>, library: &Library, among: &[&Session]) -> Self {
        let claims = Claims::of(library);
        let mut sessions = BTreeSet::new();
        let (named, unnamed) = touched.into_iter().partition(|name| {
            let of_it = library.promises.iter().filter(|promise| names(&promise.source, name));
            let claiming: BTreeSet<_> = of_it.flat_map(|promise| claims.sessions(&promise.id)).collect();
            let step = ANSWERS.iter().find(|(function, _)| function == name).map(|(_, step)| *step);
            let is_reached = |session: &&&Session| {
                claiming.contains(session.id.as_str()) || step.is_some_and(|step| takes(session, step))
            };
            sessions.extend(among.iter().filter(is_reached).map(|session| session.id.clone()));
            step.is_some() || !claiming.is_empty()
        });
        Self { named, unnamed, sessions }
    }

    /// The sessions, those that are reached first.
    pub fn in_order<'s>(&self, sessions: &[&'s Session]) -> Vec<&'s Session> {
        let (mut first, rest): (Vec<_>, Vec<_>) =
            sessions.iter().partition(|session| self.sessions.contains(&session.id));
        first.extend(rest);
        first
    }

    /// What comes first and why; nothing where nothing is touched.
    pub fn told(&self) -> Option<String> {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        match (self.sessions.len(), self.unnamed.is_empty()) {
            (0, true) => None,
            (0, false) => Some(format!("no session comes first: no promise names {}", list(&self.unnamed))),
            (count, _) => {
                let count = table::count(count, "session");
                Some(format!(
                    "{count} first, of promises that name what is touched or leads to it: {}",
                    list(&self.named)
                ))
            }
        }
    }
}

/// Whether a session has such a step.
fn takes(session: &Session, step: &str) -> bool {
    session.every_step().iter().any(|other| other.action.kinds().iter().any(|kind| kind == step))
}

/// Whether a source names a function or a table as a word.
fn names(source: &str, name: &str) -> bool {
    source.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn sessions_of_promises_that_name_a_function_come_first() {
        let library = Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
        let all: Vec<_> = library.sessions.iter().collect();
        let touched = ["cxlctl_get_feature", "nobody_names_this"].map(str::to_owned).into_iter().collect();
        let touched = Touched::of(touched, &library, &all);
        assert!(touched.sessions.contains("get-value"), "{:?}", touched.sessions);
        assert!(!touched.sessions.contains("info-flags") && touched.sessions.len() < all.len());
        let order = touched.in_order(&all);
        assert_eq!(order.len(), all.len());
        assert!(order[..touched.sessions.len()].iter().all(|session| touched.sessions.contains(&session.id)));
        let told = touched.told().unwrap();
        let ends = " first, of promises that name what is touched or leads to it: cxlctl_get_feature";
        assert!(told.ends_with(ends), "{told}");
        let nobody = Touched::of(["nobody_names_this".to_owned()].into(), &library, &all);
        assert_eq!(nobody.told().unwrap(), "no session comes first: no promise names nobody_names_this");
        assert_eq!(Touched::of(BTreeSet::new(), &library, &all).told(), None);
    }
}
