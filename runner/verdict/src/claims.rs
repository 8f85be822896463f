//! Which sessions claim which promise, and what is said of a promise that none does.
//!
//! A session claims the promises that its steps and fields belong to, and those that a defect in its
//! golden breaks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::golden::Goldens;
use crate::library::Library;
use crate::promise::{Promise, Promises};

/// Sessions that a page names for a promise; of more it gives the number.
const NAMED: usize = 3;

/// The sessions of each promise.
#[derive(Clone, Debug, Default)]
pub struct Claims(BTreeMap<String, BTreeSet<String>>);

impl Claims {
    /// What the sessions of a library claim.
    pub fn of(library: &Library) -> Self {
        let mut claims = Claims::default();
        for session in library.sessions.iter() {
            for (_, promise) in session.promises() {
                claims.add(promise, &session.id);
            }
            for promise in broken(&library.goldens, &session.id) {
                claims.add(promise, &session.id);
            }
        }
        claims
    }

    /// Lets a session claim a promise.
    pub fn add(&mut self, promise: &str, session: &str) {
        self.0.entry(promise.to_owned()).or_default().insert(session.to_owned());
    }

    /// The sessions that claim a promise, by id.
    pub fn sessions(&self, promise: &str) -> impl Iterator<Item = &str> {
        self.0.get(promise).into_iter().flatten().map(String::as_str)
    }

    /// What is wrong with the table, a sentence each: a promise that nobody claims and that has no
    /// reason, and a reason for one that is claimed.
    pub fn holes(&self, promises: &Promises) -> Vec<String> {
        let hole = |promise: &Promise| {
            let claimed = self.sessions(&promise.id).next();
            match (claimed, &promise.untested) {
                (None, None) => {
                    Some(format!("{}: no session claims it, and no `untested` says why", promise.id))
                }
                (Some(session), Some(_)) => {
                    Some(format!("{}: `untested`, and session `{session}` claims it", promise.id))
                }
                (None, Some(why)) if why.trim().is_empty() => {
                    Some(format!("{}: `untested` gives no reason", promise.id))
                }
                _ => None,
            }
        };
        promises.iter().filter_map(hole).collect()
    }

    /// The table of the book: every promise with the sessions that claim it, an area a part.
    pub fn markdown(&self, library: &Library) -> String {
        let mut text = String::new();
        for (area, title) in library.promises.areas() {
            text += &format!("### {area}. {title}\n\n| promise | class | claimed by |\n|---|---|---|\n");
            for promise in library.promises.iter().filter(|promise| promise.id.starts_with(area)) {
                let changed =
                    promise.changed.as_ref().map(|when| format!(" Changed: {when}.")).unwrap_or_default();
                let statement = cell(&format!("{}{changed}", promise.statement));
                let class = promise.class.name();
                text += &format!(
                    "| **{}** {statement} | {class} | {} |\n",
                    promise.id,
                    self.said(promise, library)
                );
            }
            text += "\n";
        }
        format!("{}\n", text.trim_end())
    }

    /// Who claims a promise, those first that are about it; or why nobody does.
    fn said(&self, promise: &Promise, library: &Library) -> String {
        if let Some(why) = &promise.untested {
            return format!("not tested: {}", cell(why));
        }
        let about = |id: &&str| library.sessions.get(id).is_none_or(|session| session.promise != promise.id);
        let mut ids: Vec<_> = self.sessions(&promise.id).collect();
        ids.sort_by_key(about);
        let link = |id: &&str| {
            let vectors = library.root.join("vectors");
            let path = library.sessions.path(id).and_then(|path| path.strip_prefix(vectors).ok());
            format!("[{id}](../vectors/{})", path.unwrap_or(Path::new(id)).display())
        };
        let named = ids.iter().take(NAMED).map(link).collect::<Vec<_>>().join(", ");
        match ids.len().saturating_sub(NAMED) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }
}

/// The promises that the known defects of a session break.
fn broken<'a>(goldens: &'a Goldens, session: &str) -> impl Iterator<Item = &'a str> {
    let steps = goldens.get(session).into_iter().flat_map(|golden| &golden.steps);
    steps.filter_map(|step| step.defect.as_ref()).map(|defect| defect.promise.as_str())
}

/// A text as one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}
