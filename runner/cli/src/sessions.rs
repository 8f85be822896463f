//! `scrubjay sessions`: what there is to replay.

use scrubjay_run::ExitStatus;
use scrubjay_verdict::golden::PENDING;

use crate::args::{SessionsArgs, SessionsCommand};
use crate::context::Context;
use crate::failure::Result;
use crate::{select, table};

/// Lists sessions.
pub fn run(args: &SessionsArgs, context: &Context) -> Result<ExitStatus> {
    let SessionsCommand::List { sessions: words } = &args.command;
    let library = context.library()?;
    let sessions = select::sessions(words, &library.sessions, context)?;
    let rows: Vec<_> = sessions
        .iter()
        .map(|session| {
            let waits = library
                .golden_path(&session.id)
                .is_some_and(|path| path.with_file_name(format!("{}{PENDING}", session.id)).exists());
            let golden = match library.goldens.get(&session.id) {
                Some(golden) => golden.recorded.clone(),
                None => "none".to_owned(),
            };
            vec![
                session.id.clone(),
                session.boot.name().to_owned(),
                session.devices.join(" "),
                session.steps.len().to_string(),
                if waits { format!("{golden}, review") } else { golden },
                session.title.clone(),
            ]
        })
        .collect();
    table::print(&["session", "boot", "devices", "steps", "golden", "title"], &rows)?;
    Ok(ExitStatus::Clean)
}
