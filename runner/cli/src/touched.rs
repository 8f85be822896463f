//! The sessions that a change of the kernel is likely to reach: those that were counted to reach what is touched, those
//! that make the call which is answered there, and those of promises whose source names it.

use std::collections::BTreeSet;

use scrubjay_session::Session;
use scrubjay_verdict::{Claims, Library};

use crate::reach::Reach;
use crate::table;

/// Functions that answer a call of user space and that the compiler makes one with their caller, so that they are not
/// counted; with the step that makes the call.
const ANSWERS: [(&str, &str); 3] = [
    ("cxlctl_get_supported_features", "get-supported-features"),
    ("cxlctl_get_feature", "get-feature"),
    ("cxlctl_set_feature", "set-feature"),
];

/// Whether it is known which sessions reach a function.
pub fn is_known(function: &str, reach: &Reach) -> bool {
    reach.sessions(function).is_some() || answers(function).is_some()
}

/// The step that a function answers.
fn answers(function: &str) -> Option<&'static str> {
    ANSWERS.iter().find(|(name, _)| *name == function).map(|(_, step)| *step)
}

/// Whether a session has such a step.
fn takes(session: &Session, step: &str) -> bool {
    session.every_step().iter().any(|other| other.action.kinds().iter().any(|kind| kind == step))
}

/// So many names are told.
const TOLD: usize = 8;

/// What is touched, and what comes first for it.
pub struct Touched {
    /// Functions and tables that sessions reach, or promises name.
    reached: BTreeSet<String>,
    /// The others.
    unknown: BTreeSet<String>,
    /// These sessions, and those that claim these promises.
    pub sessions: BTreeSet<String>,
}

impl Touched {
    /// Of these functions and tables, among these sessions.
    pub fn of(touched: BTreeSet<String>, reach: &Reach, library: &Library, among: &[&Session]) -> Self {
        let claims = Claims::of(library);
        let mut sessions = BTreeSet::new();
        let (reached, unknown) = touched.into_iter().partition(|name| {
            let of_it = library.promises.iter().filter(|promise| names(&promise.source, name));
            let claiming = of_it.flat_map(|promise| claims.sessions(&promise.id)).map(str::to_owned);
            let mut reaching = reach.sessions(name).cloned().unwrap_or_default();
            reaching.extend(claiming);
            let step = answers(name);
            let is_first = |session: &&&Session| {
                reaching.contains(&session.id) || step.is_some_and(|step| takes(session, step))
            };
            let mut first = among.iter().filter(is_first).peekable();
            let is_reached = first.peek().is_some();
            sessions.extend(first.map(|session| session.id.clone()));
            is_reached
        });
        Self { reached, unknown, sessions }
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
        let list = |names: &BTreeSet<String>| {
            let told = names.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
            let more = names.len().saturating_sub(TOLD);
            if more > 0 { format!("{told} and {more} more") } else { told }
        };
        let count = || table::count(self.sessions.len(), "session");
        match (self.sessions.is_empty(), self.unknown.is_empty()) {
            (true, true) => None,
            (true, false) => {
                Some(format!("no session comes first: none is known to reach {}", list(&self.unknown)))
            }
            (false, true) => Some(format!("{} first, which reach {}", count(), list(&self.reached))),
            (false, false) => {
                let (reached, unknown) = (list(&self.reached), list(&self.unknown));
                Some(format!("{} first, which reach {reached}; none is known to reach {unknown}", count()))
            }
        }
    }
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
    fn sessions_that_reach_a_function_or_whose_promise_names_it_come_first() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let library = Library::load(&root).unwrap();
        let reach = Reach::load(&root).unwrap();
        let all: Vec<_> = library.sessions.iter().collect();
        let of = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            Touched::of(names, &reach, &library, &all)
        };
        let touched = of(&["cxlctl_get_feature", "cxl_exclusive_feats", "nobody_names_this"]);
        assert!(touched.sessions.contains("get-value"), "{:?}", touched.sessions);
        assert!(!touched.sessions.contains("info-flags") && touched.sessions.len() < all.len());
        let order = touched.in_order(&all);
        assert_eq!(order.len(), all.len());
        assert!(order[..touched.sessions.len()].iter().all(|session| touched.sessions.contains(&session.id)));
        let told = touched.told().unwrap();
        let ends = " first, which reach cxl_exclusive_feats, cxlctl_get_feature; none is known to reach \
                    nobody_names_this";
        assert!(told.ends_with(ends), "{told}");
        let among: Vec<_> = all.iter().copied().filter(|session| session.id == "info-flags").collect();
        let names = BTreeSet::from(["cxlctl_get_feature".to_owned()]);
        let of_one = Touched::of(names, &reach, &library, &among);
        assert_eq!(
            of_one.told().unwrap(),
            "no session comes first: none is known to reach cxlctl_get_feature"
        );
        let many: Vec<_> = (0..11).map(|i| format!("f{i:02}")).collect();
        let told = of(&many.iter().map(String::as_str).collect::<Vec<_>>()).told().unwrap();
        assert!(told.ends_with(" reach f00, f01, f02, f03, f04, f05, f06, f07 and 3 more"), "{told}");
        let nobody = of(&["nobody_names_this"]);
        assert_eq!(
            nobody.told().unwrap(),
            "no session comes first: none is known to reach nobody_names_this"
        );
        assert_eq!(of(&[]).told(), None);
    }
}
