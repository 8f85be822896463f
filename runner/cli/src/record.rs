//! `scrubjay record`: what a kernel gives, kept beside the goldens for review.

use scrubjay_check::record::{Recorded, record};
use scrubjay_check::{Check, explained};
use scrubjay_engine::{Lab, Progress};
use scrubjay_host::words;
use scrubjay_kernels::asked_one;
use scrubjay_run::ExitStatus;
use scrubjay_session::Performance;
use scrubjay_verdict::review::carried;
use scrubjay_verdict::{Library, Policy, Waivers};
use std::collections::BTreeSet;

use crate::args::RecordArgs;
use crate::context::Context;
use crate::failure::{Result, Untested};
use crate::interrupt::Interrupt;
use crate::select;
use crate::{lab, review, table};

/// Records.
pub fn run(args: &RecordArgs, context: &Context) -> Result<ExitStatus> {
    review::refuse_in_ci("record")?;
    let (library, unfit) = Library::load_to_record(&context.root)?;
    for error in unfit {
        words::say(format!("{error}"));
    }
    let catalogue = context.catalogue()?;
    let sessions = select::sessions(&args.lab.sessions, &library.sessions, context)?;
    let kernel = asked_one(&args.kernel, &catalogue)?;
    let resolver = context.resolver(args.lab.kernel_cache.as_deref())?;
    let interrupt = Interrupt::listen();
    let (target, provenance) =
        lab::obtain(&kernel, &sessions, &resolver, &interrupt)?.target.map_err(Untested)?;
    interrupt.done()?;
    let machine = lab::machine(&target)?;
    words::say(format!("{}\n{}\n{provenance}", machine.0, machine.1));
    let lab = Lab { keep: false, ..lab::lab(&library, &machine, &args.lab.guests) };
    let stands = |id: &str, performance: &Performance| explained(&library, id, performance);
    let run = lab.run_judged(&target.kernel, &sessions, &stands, &mut |progress| {
        if let Progress::Session { session, .. } = progress {
            words::say(format!("performed {session}"));
        }
    });
    let waivers = Waivers::default();
    let check = Check {
        library: &library,
        lab: &lab,
        first: &BTreeSet::new(),
        shuffle: None,
        policy: Policy::default(),
        own: None,
        waivers: &waivers,
        against: None,
    };
    let (mut pending, mut explained) = (0, 0);
    for (session, recorded) in record(&check, &target, &run)? {
        let told = match recorded {
            Recorded::Pending(path) => {
                pending += 1;
                let session_file = library.sessions.get(&session);
                let carried = session_file.map(|session| {
                    let goldens = &library.goldens;
                    carried(session, &target.release, &library.sessions, goldens, &library.changes)
                });
                let ids: Vec<_> = carried.unwrap_or_default().into_iter().map(|(id, _)| id).collect();
                let newer = match ids.is_empty() {
                    true => String::new(),
                    false => format!(
                        "; {} carries {}: a base only with a reason for that",
                        target.release,
                        ids.join(", ")
                    ),
                };
                format!("waits for review: {}{newer}", path.display())
            }
            Recorded::Explained => {
                explained += 1;
                "explained by the golden".to_owned()
            }
            Recorded::Not { why } => format!("not recorded: {why}"),
        };
        table::text(&format!("{session}: {told}\n"))?;
    }
    if pending > 0 {
        words::say(format!("{} to look at: scrubjay review", table::count(pending, "recording")));
    }
    let failed = |performance: &Performance| matches!(performance, Performance::Failed { .. });
    // What recorded nothing and explained nothing has shown nothing.
    let untested = run.performances.values().any(failed) || pending + explained == 0;
    if pending + explained == 0 {
        eprintln!("nothing was recorded: each line above says why, and what to do");
    }
    Ok(if untested { ExitStatus::Untested } else { ExitStatus::Clean })
}
