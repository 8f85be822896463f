//! The sessions that a change of the kernel is likely to reach: those that were counted to reach what is touched, and those
//! of promises whose source names it.

use std::collections::BTreeSet;

use scrubjay_session::Session;
use scrubjay_verdict::{Claims, Library};

use crate::reach::Reach;
use crate::table;

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
            let is_reached = |session: &&&Session| reaching.contains(&session.id);
            sessions.extend(among.iter().filter(is_reached).map(|session| session.id.clone()));
            !reaching.is_empty()
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
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
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
        let nobody = of(&["nobody_names_this"]);
        assert_eq!(
            nobody.told().unwrap(),
            "no session comes first: none is known to reach nobody_names_this"
        );
        assert_eq!(of(&[]).told(), None);
    }
}
