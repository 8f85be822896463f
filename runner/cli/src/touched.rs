//! The sessions that a change of the kernel is likely to reach: those of promises whose source names what is touched.

use std::collections::BTreeSet;

use scrubjay_session::Session;
use scrubjay_verdict::{Claims, Library};

use crate::table;

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
            let ids = among.iter().filter(|session| claiming.contains(session.id.as_str()));
            sessions.extend(ids.map(|session| session.id.clone()));
            !claiming.is_empty()
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

    /// What comes first and why, and what says nothing of the order; empty where nothing is touched.
    pub fn told(&self) -> Vec<String> {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut told = Vec::new();
        if !self.sessions.is_empty() {
            let count = table::count(self.sessions.len(), "session");
            told.push(format!("{count} first, of promises that name what is touched: {}", list(&self.named)));
        }
        if !self.unnamed.is_empty() {
            told.push(format!("touched, and named by no promise: {}", list(&self.unnamed)));
        }
        told
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
    fn sessions_of_promises_that_name_a_function_come_first() {
        let library = Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap();
        let all: Vec<_> = library.sessions.iter().collect();
        let touched = ["cxlctl_get_feature", "nobody_names_this"].map(str::to_owned).into_iter().collect();
        let touched = Touched::of(touched, &library, &all);
        assert!(touched.sessions.contains("get-value"), "{:?}", touched.sessions);
        assert!(touched.sessions.len() < all.len() / 2, "{}", touched.sessions.len());
        let order = touched.in_order(&all);
        assert_eq!(order.len(), all.len());
        assert!(order[..touched.sessions.len()].iter().all(|session| touched.sessions.contains(&session.id)));
        let told = touched.told();
        assert!(
            told[0].ends_with("first, of promises that name what is touched: cxlctl_get_feature"),
            "{told:?}"
        );
        assert_eq!(told[1], "touched, and named by no promise: nobody_names_this");
    }
}
