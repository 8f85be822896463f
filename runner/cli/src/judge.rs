//! `scrubjay judge`: a run that was kept, judged again by another policy or other waivers. Boots nothing.

use scrubjay_reports::rejudge::{Anew, rejudge};
use scrubjay_reports::{Detail, Run};
use scrubjay_run::ExitStatus;

use crate::args::JudgeArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::policy::Decides;
use crate::report;

/// Judges a run again, and renders it. Ends as the run would have under that policy.
pub fn run(args: &JudgeArgs, verbose: u8, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let asked =
        args.policy.as_ref().map(|policy| policy.read(&library.promises, &library.profiles)).transpose()?;
    let run = Run::read(&args.run)?;
    let of_the_run = || Decides { policy: run.policy, own: run.own_policy.clone() };
    let Decides { policy, own } = asked.unwrap_or_else(of_the_run);
    let waivers = match &args.waivers {
        Some(path) => Some(context.waivers(Some(path), &library.sessions, &context.catalogue()?)?),
        None => None,
    };
    let judged = rejudge(&run, &Anew { policy, own_policy: own.as_ref(), waivers: waivers.as_ref() });
    let detail = if verbose > 0 { Detail::Sessions } else { Detail::Causes };
    report::render(&judged, &args.reports, detail, &library)
}
