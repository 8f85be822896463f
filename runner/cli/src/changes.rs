//! `scrubjay changes`: the ABI's history, in short or one change in full.

use scrubjay_run::ExitStatus;
use scrubjay_verdict::{Change, Changes};

use crate::args::ChangesArgs;
use crate::context::Context;
use crate::failure::{Result, Usage};
use crate::table;

/// Lists the changes, or shows one.
pub fn run(args: &ChangesArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let changes = library.changes;
    match &args.id {
        None => {
            table::print(&["change", "commit", "mainline", "stable", "title"], &rows(&changes))?;
            let unseen = library.unseen.iter().count();
            if unseen > 0 {
                let more = table::count(unseen, "more upstream change");
                table::text(&format!("\n{more} that no session shows: docs/changes.md says why\n"))?;
            }
        }
        Some(id) => match changes.get(id) {
            Some(change) => table::text(&change.in_full())?,
            None => {
                let known: Vec<_> = changes.iter().map(|change| change.id.as_str()).collect();
                return Err(Usage(format!("no change `{id}`; there are: {}", known.join(", "))).into());
            }
        },
    }
    Ok(ExitStatus::Clean)
}

fn rows(changes: &Changes) -> Vec<Vec<String>> {
    let row = |change: &Change| {
        let commit = change.commit.as_ref().map_or("none", |commit| &commit.id);
        let stable = change.series.iter().filter_map(|known| known.has_from.as_ref());
        let stable: Vec<_> = stable.map(|has| has.release.to_string()).collect();
        let stable = if stable.is_empty() { "none".to_owned() } else { stable.join(", ") };
        vec![
            change.id.clone(),
            commit.to_owned(),
            change.mainline.release.to_string(),
            stable,
            change.title.clone(),
        ]
    };
    changes.iter().map(row).collect()
}
