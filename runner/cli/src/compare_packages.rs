//! `scrubjay compare-packages`: what an update changes. It is `check --against`, with packages for kernels.

use scrubjay_run::ExitStatus;

use crate::args::{CheckArgs, CompareArgs};
use crate::check;
use crate::context::Context;
use crate::failure::Result;

/// Files of these endings are packages without a word before them.
const PACKAGES: [(&str, &str); 2] = [(".deb", "deb:"), (".rpm", "rpm:")];

/// Holds the new package against the old one.
pub fn run(args: &CompareArgs, verbose: u8, context: &Context) -> Result<ExitStatus> {
    let check = CheckArgs {
        kernels: vec![word(&args.new)],
        modules: None,
        lab: args.lab.clone(),
        policy: args.policy.clone(),
        reports: args.reports.clone(),
        thorough: false,
        shard: None,
        shuffle: None,
        against: Some(word(&args.old)),
        baseline: None,
        require_fixes: false,
        waivers: None,
    };
    check::run(&check, verbose, context)
}

/// What the user wrote, as one of the words that name a kernel.
fn word(written: &str) -> String {
    let is_word = PACKAGES.iter().any(|(_, word)| written.starts_with(word));
    match PACKAGES.iter().find(|(ending, _)| written.ends_with(ending)) {
        Some((_, word)) if !is_word => format!("{word}{written}"),
        _ => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("./linux-image-7.3_1_amd64.deb", "deb:./linux-image-7.3_1_amd64.deb")]
    #[case("kernel-core-7.3.rpm,kernel-modules-7.3.rpm", "rpm:kernel-core-7.3.rpm,kernel-modules-7.3.rpm")]
    #[case("deb:linux-image-7.3_1_amd64.deb", "deb:linux-image-7.3_1_amd64.deb")]
    #[case("7.3", "7.3")]
    fn a_packages_file_needs_no_word_before_it(#[case] written: &str, #[case] expected: &str) {
        assert_eq!(word(written), expected);
    }
}
