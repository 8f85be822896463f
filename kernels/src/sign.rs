//! Signs modules with the key that their kernel's build made for itself.
//!
//! Lockdown brings module signatures with it (security/lockdown/Kconfig). Without its signature a module taints the
//! kernel, and under lockdown it is refused (kernel/module/signing.c).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use scrubjay_host::{Manner, process};

/// Below the objects, and below a kept tree: the key, its certificate, and the program that signs.
pub(crate) const KEY: &str = "certs/signing_key.pem";
pub(crate) const CERTIFICATE: &str = "certs/signing_key.x509";
const PROGRAM: &str = "scripts/sign-file";
/// The option that names the digest.
const DIGEST: &str = "CONFIG_MODULE_SIG_HASH=";

/// Why a module has no signature.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign {}: {why}", module.display())]
pub struct SignError {
    /// The module.
    pub module: PathBuf,
    /// Why.
    pub why: String,
}

/// Signs a module in place; `tree` are the objects of its kernel, or the kept tree. A kernel that has no key wants no
/// signature.
pub(crate) fn sign(tree: &Path, module: &Path) -> Result<(), SignError> {
    if !tree.join(KEY).is_file() {
        return Ok(());
    }
    let failed = |why: String| SignError { module: module.to_owned(), why };
    let config =
        fs::read_to_string(tree.join(".config")).map_err(|error| failed(format!(".config: {error}")))?;
    let digest = config.lines().find_map(|line| line.strip_prefix(DIGEST));
    let digest = digest.ok_or_else(|| failed(format!(".config has no {DIGEST}")))?;
    let mut command = Command::new(tree.join(PROGRAM));
    command.arg(digest.trim_matches('"')).args([tree.join(KEY), tree.join(CERTIFICATE), module.to_owned()]);
    let output = process::output(command, Manner::Kill, None)
        .map_err(|error| failed(format!("{PROGRAM}: {error}")))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}
