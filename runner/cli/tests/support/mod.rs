//! Runs the command, and makes roots that a test may spoil.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The source tree.
pub fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the source tree is there")
}

/// The command on the source tree, with nothing of the environment that would sway it.
pub fn scrubjay(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scrubjay"));
    command.args(arguments).stdin(Stdio::null()).current_dir(source());
    for variable in ["CI", "SCRUBJAY_ROOT", "SCRUBJAY_QEMU", "SCRUBJAY_ACCEL", "SCRUBJAY_KERNEL_CACHE"] {
        command.env_remove(variable);
    }
    command
}

/// What it said and how it ended.
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

/// Runs it.
pub fn run(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().expect("the command runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Said { status: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

/// Makes a program of bash, and gives its path.
pub fn program(dir: &Path, name: &str, body: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, format!("#!/bin/bash\n{body}\n")).expect("written");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("its own file");
    path
}

/// A copy of the vectors and the kernels' manifests.
pub struct Root(tempfile::TempDir);

impl Root {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        copy(&source().join("vectors"), &dir.path().join("vectors"), ".pending.json");
        fs::create_dir(dir.path().join("kernels")).expect("a directory");
        for file in ["7.3.toml", "reference.config"] {
            let file = Path::new("kernels").join(file);
            fs::copy(source().join(&file), dir.path().join(&file)).expect("copied");
        }
        Root(dir)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A file below `vectors`.
    pub fn vector(&self, path: &str) -> PathBuf {
        self.path().join("vectors").join(path)
    }

    /// The command on this root.
    pub fn scrubjay(&self, arguments: &[&str]) -> Command {
        let mut command = scrubjay(arguments);
        command.arg("--root").arg(self.path());
        command
    }

    /// A directory of prebuilt images with one that has a kernel's header and nothing else.
    pub fn image(&self, version: &str) -> PathBuf {
        let cache = self.path().join("cache");
        fs::create_dir_all(cache.join(version)).expect("a directory");
        fs::write(cache.join(version).join("bzImage"), image(version)).expect("written");
        cache
    }

    /// Has a step of a golden recorded with another errno, as if on a release 9.9.
    pub fn record(&self, golden: &str, step: usize, errno: &str) -> PathBuf {
        let mut recorded = read(&self.vector(golden));
        for step in recorded["steps"].as_array_mut().expect("steps") {
            let step = step.as_object_mut().expect("a step");
            step.remove("changes");
            step.remove("defect");
            step["base"].as_array_mut().expect("a base").truncate(1);
        }
        recorded["recorded"] = "9.9.1".into();
        recorded["steps"][step]["base"][0] = serde_json::json!({ "errno": errno });
        let path = self.vector(&golden.replace(".json", ".pending.json"));
        fs::write(&path, recorded.to_string()).expect("written");
        path
    }
}

pub fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

fn copy(from: &Path, to: &Path, without: &str) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match path.is_dir() {
            true => copy(&path, &target, without),
            false if path.to_string_lossy().ends_with(without) => {}
            false => {
                fs::copy(&path, &target).expect("copied");
            }
        }
    }
}

/// The boot header of a 64-bit kernel of this version (Documentation/arch/x86/boot.rst).
fn image(version: &str) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[0x1f1] = 1;
    bytes[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    bytes[0x202..0x206].copy_from_slice(b"HdrS");
    bytes[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
    bytes[0x20e..0x210].copy_from_slice(&0x100_u16.to_le_bytes());
    bytes[0x236] = 1;
    bytes[0x300..0x300 + version.len()].copy_from_slice(version.as_bytes());
    bytes
}
