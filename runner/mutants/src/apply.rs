//! Applies a semantic patch to a source, by Coccinelle's spatch.
//!
//! Works on a private copy; what it gives is text.

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
        "{}: matches nothing in {}; mend the script, or say with since or until where it has a meaning",
        script.display(),
        file.display()
    )]
    NoMatch {
        /// The script.
        script: PathBuf,
        /// The source, below the kernel's tree.
        file: PathBuf,
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

/// The source `text` of `file` as the script changes it.
///
/// # Errors
/// [`ApplyError`]; one that leaves the source as it is, is an error too.
pub fn apply(script: &Path, file: &Path, text: &str) -> Result<String, ApplyError> {
    let failed = |source| ApplyError::Io { script: script.to_owned(), source };
    let dir = interrupt::enter(tempfile::tempdir, TempDir::path).map_err(failed)?;
    let applied = apply_in(dir.path(), script, file, text);
    let path = dir.path().to_owned();
    drop(dir);
    interrupt::leave(&path);
    applied
}

fn apply_in(dir: &Path, script: &Path, file: &Path, text: &str) -> Result<String, ApplyError> {
    let failed = |source| ApplyError::Io { script: script.to_owned(), source };
    let copy = dir.join(file.file_name().unwrap_or_default());
    fs::write(&copy, text).map_err(failed)?;
    let script = std::path::absolute(script).map_err(failed)?;
    let mut spatch = Command::new("spatch");
    spatch
        .args(["--very-quiet", "--no-includes", "--in-place", "--sp-file"])
        .arg(&script)
        .arg(&copy)
        .current_dir(dir);
    let output = process::output(spatch, Manner::Ask, None)
        .map_err(|error| ApplyError::Run { why: error.to_string() })?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(ApplyError::Failed { script, said: format!("{}{}", said, output.status) });
    }
    let changed = fs::read_to_string(&copy).map_err(failed)?;
    if changed == text {
        return Err(ApplyError::NoMatch { script, file: file.to_owned() });
    }
    Ok(changed)
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
    fn a_script_that_does_not_read_is_an_error_in_spatchs_words() {
        let error = apply_to("@@\n@@\n- answer(\n", SOURCE).expect_err("no script");
        let ApplyError::Failed { said, .. } = error else { panic!("{error}") };
        assert!(said.contains("m.cocci") || said.contains("parse error") || said.contains("minus"), "{said}");
    }
}
