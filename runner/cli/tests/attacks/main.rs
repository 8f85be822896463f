//! A guest that lies: a program takes QEMU's place and says what no agent, console or monitor says, to the command
//! as it is. Each attack ends in time, in little memory, and with the exit status of the table in docs/attacks.md.
//!
//! This program plays both: started by the command in QEMU's place it lies ([`liar`]), else it attacks the command.

mod liar;
mod table;

#[expect(dead_code, reason = "some helpers are for other tests")]
#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use nix::libc;
use serde_json::Value;

use crate::support::{Root, scrubjay};
use crate::table::{Attack, attacks};

/// The variable that tells this program which attack it plays.
const VARIABLE: &str = "SCRUBJAY_ATTACK";

/// Longer than any attack may take: the longest is as long as a step under TCG.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the command may take at most, in MiB: what one guest may say twice over, beside the vectors themselves.
const MEMORY_MIB: i64 = 256;

/// A report of one session on one kernel is no longer than that, whatever its guest said.
const REPORT: u64 = 256 << 10;

fn main() -> ExitCode {
    if let Ok(attack) = std::env::var(VARIABLE) {
        return liar::main(&attack);
    }
    let mut trials: Vec<_> = attacks()
        .into_iter()
        .map(|attack| Trial::test(format!("{}::{}", attack.by, attack.name), move || attacked(&attack)))
        .collect();
    trials.push(Trial::test("the_page_has_every_attack", the_page));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn attacked(attack: &Attack) -> Result<(), Failed> {
    let root = Root::new();
    let kernel = root.image("7.3.4").join("7.3.4/bzImage");
    // As long as its header says; what would be in it is never run.
    File::options().write(true).open(&kernel)?.set_len(4096)?;
    let report = root.path().join("run.json");
    let said = root.path().join("said");
    let mut command = scrubjay(&["check", "--session", "info-flags", "--kernel"]);
    command.arg(&kernel).arg("--format").arg(format!("json:{}", report.display()));
    command.env(VARIABLE, attack.name).env("SCRUBJAY_QEMU", std::env::current_exe()?);
    command.env("SCRUBJAY_ACCEL", "tcg").env("TMPDIR", root.path()).env("XDG_CACHE_HOME", root.path());
    let into = || File::options().create(true).append(true).open(&said);
    command.stdout(into()?).stderr(into()?);
    let child = command.spawn()?;
    let (status, peak_mib) = wait(child.id())?;

    let text = fs::read_to_string(&said)?;
    let told = strings(&report)?;
    let wrong = |what: String| Err(Failed::from(format!("{what}\n{told}\n{text}")));
    if status != attack.status {
        return wrong(format!("exit status {status} and not {}", attack.status));
    }
    if !told.contains(attack.says) {
        return wrong(format!("it does not say `{}`", attack.says));
    }
    if peak_mib > MEMORY_MIB {
        return wrong(format!("{peak_mib} MiB, and {MEMORY_MIB} are the most"));
    }
    let length = fs::metadata(&report)?.len() + fs::metadata(&said)?.len();
    if length > REPORT {
        return Err(format!("{length} bytes are told, and {REPORT} are the most").into());
    }
    let left: Vec<_> = fs::read_dir(root.path())?.flatten().map(|entry| entry.file_name()).collect();
    match left.iter().find(|name| name.to_string_lossy().starts_with("sj-")) {
        Some(left) => wrong(format!("{left:?} is left behind")),
        None => Ok(()),
    }
}

/// Waits for a child: its exit status, and its peak of memory in MiB.
fn wait(id: u32) -> Result<(i32, i64), Failed> {
    let begin = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: both places outlive the call, and zeros are a `rusage`.
        let (ended, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            (libc::wait4(id as i32, &mut status, libc::WNOHANG, &mut usage), usage)
        };
        if ended == id as i32 {
            let exit = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 };
            return Ok((exit, usage.ru_maxrss / 1024));
        }
        if begin.elapsed() > PATIENCE {
            // SAFETY: the child has not been waited for, so the number is its own.
            unsafe { libc::kill(id as i32, libc::SIGTERM) };
            return Err(format!("it does not end within {PATIENCE:?}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every text of a report, one a line.
fn strings(report: &Path) -> Result<String, Failed> {
    fn walk(value: &Value, into: &mut String) {
        match value {
            Value::String(text) => {
                into.push_str(text);
                into.push('\n');
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, into)),
            Value::Object(values) => values.values().for_each(|value| walk(value, into)),
            _ => {}
        }
    }
    let mut text = String::new();
    if report.exists() {
        walk(&serde_json::from_str(&fs::read_to_string(report)?)?, &mut text);
    }
    Ok(text)
}

/// The page's table of these attacks is this table.
fn the_page() -> Result<(), Failed> {
    let path = support::source().join("docs/attacks.md");
    let page = fs::read_to_string(&path)?;
    let row = |attack: &Attack| {
        format!("| {} `{}` | {} | {} |\n", attack.by, attack.name, attack.does, table::told(attack))
    };
    let expected: String = attacks().iter().map(row).collect();
    match page.contains(&expected) {
        true => Ok(()),
        false => Err(format!("{}: the table should have these rows:\n{expected}", path.display()).into()),
    }
}
