//! `scrubjay diff`: a run that was kept against an earlier one. Boots nothing.

use scrubjay_reports::Run;
use scrubjay_reports::diff::diff;
use scrubjay_run::ExitStatus;

use crate::args::DiffArgs;
use crate::failure::Result;
use crate::table;

/// Says what is new, gone and lost.
pub fn run(args: &DiffArgs) -> Result<ExitStatus> {
    let (before, after) = (Run::read(&args.before)?, Run::read(&args.after)?);
    let diff = diff(&before, &after);
    table::text(&(diff.lines().join("\n") + "\n"))?;
    Ok(diff.exit_status())
}
