//! Which kernel source a finding is about: that of its promise, else that of its rule. Reads no source.

use scrubjay_verdict::{Finding, Promises, Rule};

/// The top directories of a kernel tree in which something is cited.
const TOPS: [&str; 9] =
    ["drivers/", "include/", "fs/", "lib/", "kernel/", "mm/", "security/", "tools/", "Documentation/"];

/// Where fwctl's calls enter the kernel: the place of what cites nothing, or is about no one finding.
pub const ENTRY: &str = "drivers/fwctl/main.c";

/// The path from the top of a kernel tree.
pub fn of_finding<'a>(finding: &Finding, promises: &'a Promises) -> &'a str {
    let promise = promises.get(&finding.promise).and_then(|promise| cited(&promise.source));
    let rule = || Rule::find(&finding.rule).and_then(|rule| cited(&rule.reference));
    promise.or_else(rule).unwrap_or(ENTRY)
}

/// The first file that a text cites, code before documents.
fn cited(text: &str) -> Option<&str> {
    let words = || text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '+' | '"'));
    let path = |word: &str| {
        let end = word.find(':').unwrap_or(word.len());
        let word = &word[..end];
        let is_file = word.rsplit('/').next().is_some_and(|name| name.contains('.') && !name.ends_with('.'));
        let known = TOPS.iter().any(|top| word.starts_with(top));
        let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
        (is_file && known && plain && !word.contains("..")).then_some(end)
    };
    let files = words().filter_map(|word| path(word).map(|end| &word[..end]));
    let (code, documents): (Vec<_>, Vec<_>) = files.partition(|file| !file.starts_with("Documentation/"));
    code.into_iter().chain(documents).next()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_function(
        "drivers/fwctl/main.c, fwctl_fops_open; drivers/cxl/core/features.c",
        Some("drivers/fwctl/main.c")
    )]
    #[case::no_root(
        "cxlmem.h, cxl_mbox_cmd_rc2errno; drivers/cxl/core/mbox.c",
        Some("drivers/cxl/core/mbox.c")
    )]
    #[case::a_line("drivers/Makefile:81 vs 137; drivers/cxl/pci.c", Some("drivers/cxl/pci.c"))]
    #[case::a_line_of_a_file("include/linux/panic.h:91", Some("include/linux/panic.h"))]
    #[case::a_document_alone(
        "Documentation/userspace-api/fwctl/fwctl.rst \"sysfs Class\"",
        Some("Documentation/userspace-api/fwctl/fwctl.rst")
    )]
    #[case::code_before_a_document("Documentation/a.rst; drivers/cxl/pci.c", Some("drivers/cxl/pci.c"))]
    #[case::nothing("feat_mutex", None)]
    #[case::outside_the_tree("drivers/../../etc/passwd.c", None)]
    #[case::a_hostile_word("drivers/<script>.c", None)]
    fn the_first_file_of_a_tree_is_what_is_cited(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(cited(text), expected);
    }

    /// The few that cite none are those that have no place: a lock, an absence.
    #[test]
    fn nearly_every_promise_of_the_catalogue_cites_a_file() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/promises");
        let promises = Promises::load(&dir).unwrap();
        let without: Vec<_> =
            promises.iter().filter(|p| cited(&p.source).is_none()).map(|p| p.id.as_str()).collect();
        assert_eq!(without, ["A16", "H11", "I25", "I26"]);
    }
}
