//! `scrubjay report`: runs that were kept, rendered. Boots nothing.

use std::path::Path;

use scrubjay_reports::merge::{Part, merge};
use scrubjay_reports::{Detail, Run, kept};
use scrubjay_run::ExitStatus;
use scrubjay_verdict::Library;

use crate::args::{KeptArgs, KeptCommand, ReportArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::output;

/// Renders a run, or the one that its shards are together. Ends as the run did.
pub fn run(args: &KeptArgs, verbose: u8, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let detail = if verbose > 0 { Detail::Sessions } else { Detail::Causes };
    match (&args.command, &args.run) {
        (Some(KeptCommand::Merge { runs, reports }), _) => {
            let part = |path: &Path| Ok(Part { path: path.to_owned(), run: Run::read(path)? });
            let parts = runs.iter().map(|path| part(path)).collect::<Result<_>>()?;
            render(&merge(parts, &library)?, reports, detail, &library)
        }
        (None, Some(path)) => render(&Run::read(path)?, &args.reports, detail, &library),
        // The table of arguments asks for one of the two.
        (None, None) => Ok(ExitStatus::Usage),
    }
}

/// Hands a run to the reports that were asked for.
pub fn render(run: &Run, asked: &ReportArgs, detail: Detail, library: &Library) -> Result<ExitStatus> {
    let reports = output::reports(asked, detail, library, Some(&run.times))?;
    output::told(&reports, |reports| {
        kept::events(run).iter().for_each(|event| reports.event(event));
        Ok(())
    })
}
