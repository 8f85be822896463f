//! `scrubjay compare-packages`: what an update changes. It is `check --against`, with packages for kernels.

use scrubjay_run::ExitStatus;

use crate::args::{CheckArgs, CompareArgs};
use crate::check;
use crate::context::Context;
use crate::failure::Result;

/// Holds the new package against the old one.
pub fn run(args: &CompareArgs, verbose: u8, context: &Context) -> Result<ExitStatus> {
    let check = CheckArgs {
        kernels: vec![args.new.clone()],
        modules: None,
        lab: args.lab.clone(),
        policy: args.policy.clone(),
        reports: args.reports.clone(),
        thorough: false,
        shard: None,
        shuffle: None,
        against: Some(args.old.clone()),
        baseline: None,
        require_fixes: false,
        waivers: None,
    };
    check::run(&check, verbose, context)
}
