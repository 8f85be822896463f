//! Builds the guest's agent, so that the library can carry its bytes.
//!
//! A second cargo with a target directory of its own builds `scrubjay-agent`: the agent needs a
//! profile (small) and flags (static, fixed address) that the host's crates must not have. The
//! directory lies beside the profiles of the outer build, so that debug, release, clippy and doc
//! share it. This script must not depend on how it was started: everything that an outer cargo,
//! clippy or a coverage tool put into the environment for *its* build is taken out again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The guest is x86-64 whatever the host is.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// No libc in the guest, so everything is linked in; no relocation, because there is no loader.
const FLAGS: [&str; 2] = ["-Ctarget-feature=+crt-static", "-Crelocation-model=static"];

/// Every boot loads the agent: it has to stay below this.
const LARGEST: u64 = 2 << 20;

/// Variables by which a user says where crates come from, how much to print, and how many jobs may
/// run. All others that begin with `CARGO_` describe the outer build.
const KEPT: [&str; 8] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

fn main() {
    let here =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the manifest's directory"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the output directory"));
    let root = here.ancestors().nth(2).expect("the crate lies two directories below the workspace");
    // Relative to the package, so that they hold for a checkout that was moved with its build.
    for watched in ["../agent", "../wire", "../../Cargo.toml", "../../Cargo.lock"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    println!("cargo::rerun-if-changed=build.rs");

    let built = build(root, &target_dir(&out));
    let size = fs::metadata(&built).map(|m| m.len()).unwrap_or_else(|e| panic!("{}: {e}", built.display()));
    assert!(
        size < LARGEST,
        "{}: {size} bytes, and the guest's agent has to stay below {LARGEST}",
        built.display()
    );

    // A copy, because another outer build may replace the file while this one is compiled.
    let agent = out.join("scrubjay-agent");
    fs::copy(&built, &agent).unwrap_or_else(|e| panic!("{}: {e}", agent.display()));
    println!("cargo::rustc-env=SCRUBJAY_AGENT={}", agent.display());
}

/// The directory for the agent's build: in the outer target directory, which is known by the tag
/// that cargo puts there.
fn target_dir(out: &Path) -> PathBuf {
    let top = out.ancestors().skip(1).find(|dir| dir.join("CACHEDIR.TAG").is_file()).unwrap_or(out);
    top.join("guest-agent")
}

/// Builds the agent and says where it is.
fn build(root: &Path, target_dir: &Path) -> PathBuf {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["build", "--locked", "--package", "scrubjay-agent", "--profile", "agent", "--target", TARGET])
        .arg("--target-dir")
        .arg(target_dir);
    for (name, _) in env::vars_os() {
        if belongs_to_the_outer_build(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"));
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    if !output.status.success() {
        panic!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    target_dir.join(TARGET).join("agent/scrubjay-agent")
}

fn belongs_to_the_outer_build(name: &str) -> bool {
    let others = ["RUSTFLAGS", "RUSTDOCFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CLIPPY_ARGS"];
    others.contains(&name) || name.starts_with("CARGO_") && !KEPT.iter().any(|kept| name.starts_with(kept))
}
