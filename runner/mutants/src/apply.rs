//! Applies a semantic patch to a source, by Coccinelle's spatch.
//!
//! Works on a private copy; what it gives is text.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use scrubjay_host::{Manner, interrupt, process};
use tempfile::TempDir;

/// Why there is no changed source.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// spatch could not be run.
    #[error("cannot run spatch ({why}); run ci/setup, or install coccinelle")]
    Run {
        /// Why.
        why: String,
    },
    /// The script does not read, or spatch could not go on.
    #[error("{}: spatch failed:\n{said}", script.display())]
    Failed {
        /// The script.
        script: PathBuf,
        /// What spatch said.
        said: String,
    },
    /// The script matches nothing in this source, so there is nothing to test.
    #[error(
        "{}: matches nothing in {place}; mend the script (a mutant says with since or until where it has a meaning)",
        script.display()
    )]
    NoMatch {
        /// The script.
        script: PathBuf,
        /// The source, below the kernel's tree, or how many of them.
        place: String,
    },
    /// The private copy could not be made or read.
    #[error("cannot apply {}", script.display())]
    Io {
        /// The script.
        script: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Sources by their path below the kernel's tree.
pub type Sources = BTreeMap<PathBuf, String>;

/// The source `text` of `file` as the script changes it.
///
/// # Errors
/// [`ApplyError`]; one that leaves the source as it is, is an error too.
pub fn apply(script: &Path, file: &Path, text: &str) -> Result<String, ApplyError> {
    let changed = apply_to_all(script, &Sources::from([(file.to_owned(), text.to_owned())]))?;
    Ok(changed.into_values().next().unwrap_or_default())
}

/// Those of the sources that the script changes, as it changes them.
///
/// # Errors
/// [`ApplyError`]; one that leaves all of them as they are, is an error too.
pub fn apply_to_all(script: &Path, sources: &Sources) -> Result<Sources, ApplyError> {
    let failed = |source| ApplyError::Io { script: script.to_owned(), source };
    let dir = interrupt::enter(tempfile::tempdir, TempDir::path).map_err(failed)?;
    let applied = apply_in(dir.path(), script, sources);
    let path = dir.path().to_owned();
    drop(dir);
    interrupt::leave(&path);
    applied
}

fn apply_in(dir: &Path, script: &Path, sources: &Sources) -> Result<Sources, ApplyError> {
    let failed = |source| ApplyError::Io { script: script.to_owned(), source };
    for (file, text) in sources {
        let copy = dir.join(file);
        fs::create_dir_all(copy.parent().unwrap_or(dir))
            .and_then(|()| fs::write(&copy, text))
            .map_err(failed)?;
    }
    let script = std::path::absolute(script).map_err(failed)?;
    let mut spatch = Command::new("spatch");
    spatch.args(["--very-quiet", "--no-includes", "--in-place", "--sp-file"]).arg(&script).current_dir(dir);
    match sources.keys().next() {
        Some(file) if sources.len() == 1 => spatch.arg(dir.join(file)),
        _ => spatch.args(["--include-headers", "--dir"]).arg(dir),
    };
    let output = process::output(spatch, Manner::Ask, None)
        .map_err(|error| ApplyError::Run { why: error.to_string() })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(ApplyError::Failed { script, said: format!("{}{}", said, output.status) });
    }
    let mut changed = Sources::new();
    for (file, text) in sources {
        let now = fs::read_to_string(dir.join(file)).map_err(failed)?;
        if now != *text {
            changed.insert(file.clone(), now);
        }
    }
    match sources.keys().next() {
        _ if !changed.is_empty() => Ok(changed),
        Some(file) if sources.len() == 1 => {
            Err(ApplyError::NoMatch { script, place: file.display().to_string() })
        }
        _ => Err(ApplyError::NoMatch { script, place: format!("any of {} sources", sources.len()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "#include <linux/module.h>\nstatic int answer(void)\n{\n\treturn -EINVAL;\n}\n";
    const SCRIPT: &str =
        "// title = \"t\"\n\n@@\n@@\n answer(...) {\n ...\n-return -EINVAL;\n+return -EPERM;\n }\n";

    fn apply_to(script: &str, source: &str) -> Result<String, ApplyError> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("m.cocci");
        fs::write(&path, script).expect("written");
        apply(&path, Path::new("drivers/fwctl/main.c"), source)
    }

    #[test]
    fn a_script_changes_what_it_matches_and_nothing_else() {
        let changed = apply_to(SCRIPT, SOURCE).expect("it matches");
        assert_eq!(changed, SOURCE.replace("EINVAL", "EPERM"));
    }

    #[test]
    fn a_script_that_matches_nothing_is_an_error_that_names_script_and_source() {
        let error = apply_to(SCRIPT, &SOURCE.replace("EINVAL", "EIO")).expect_err("no match");
        assert!(matches!(error, ApplyError::NoMatch { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("m.cocci") && text.contains("drivers/fwctl/main.c"), "{text}");
    }

    #[test]
    fn a_script_changes_those_of_many_sources_that_it_matches() {
        let dir = tempfile::tempdir().expect("a directory");
        let script = dir.path().join("m.cocci");
        fs::write(&script, SCRIPT).expect("written");
        let other = SOURCE.replace("EINVAL", "EIO");
        let sources = ["drivers/cxl/a.c", "drivers/cxl/core/b.h", "drivers/fwctl/main.c"].map(PathBuf::from);
        let [a, b, main] = &sources;
        let texts = [(a, SOURCE), (b, SOURCE), (main, other.as_str())];
        let texts: Sources = texts.map(|(file, text)| (file.clone(), text.to_owned())).into();
        let changed = apply_to_all(&script, &texts).expect("it matches two");
        assert_eq!(changed.keys().collect::<Vec<_>>(), [a, b]);
        assert_eq!(changed[b], SOURCE.replace("EINVAL", "EPERM"));
        let error = apply_to_all(&script, &Sources::from([(a.clone(), other.clone()), (b.clone(), other)]));
        let error = error.expect_err("no match").to_string();
        assert!(error.contains("any of 2 sources"), "{error}");
    }

    #[test]
    fn a_script_that_does_not_read_is_an_error_in_spatchs_words() {
        let error = apply_to("@@\n@@\n- answer(\n", SOURCE).expect_err("no script");
        let ApplyError::Failed { said, .. } = error else { panic!("{error}") };
        assert!(said.contains("m.cocci") || said.contains("parse error") || said.contains("minus"), "{said}");
    }
}
