//! Shows the kernel's own parser what the KTAP report says, and asks what it understood.
//!
//! The parsers are those of kernel trees: the one that SCRUBJAY_KUNIT names (kunit.py), else all that
//! came with kernels in the user's cache. Where there is none the trials count as ignored.

use scrubjay_host::Signal;
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_host::cache;
use scrubjay_reports::Ktap;
use scrubjay_run::{ExitStatus, RunEvent};

/// What the parser's summary counts, and whether it was content.
struct Understood {
    text: String,
    content: bool,
}

type Check = fn(&Path) -> Result<(), Failed>;

const CHECKS: [(&str, Check); 3] = [
    ("a_clean_run_is_a_pass", clean),
    ("every_outcome_is_counted_as_what_it_is", mixed),
    ("an_interrupted_run_is_never_a_pass", interrupted),
];

fn main() {
    let kunits = kunits();
    let mut trials = Vec::new();
    for (kernel, kunit) in &kunits {
        for (name, check) in CHECKS {
            let kunit = kunit.clone();
            trials.push(Trial::test(format!("to_the_parser_of_{kernel}::{name}"), move || check(&kunit)));
        }
    }
    if kunits.is_empty() {
        eprintln!("no kunit.py: build a kernel (scrubjay kernels build), or name one in SCRUBJAY_KUNIT");
        let none =
            |(name, _)| Trial::test(format!("to_no_parser::{name}"), || Ok(())).with_ignored_flag(true);
        trials.extend(CHECKS.map(none));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The parsers that are here, by the kernel that each came with.
fn kunits() -> Vec<(String, PathBuf)> {
    if let Some(named) = env::var_os("SCRUBJAY_KUNIT").filter(|v| !v.is_empty()) {
        return vec![("SCRUBJAY_KUNIT".to_owned(), named.into())];
    }
    let kernels = cache::directory().and_then(|cache| fs::read_dir(cache.join("kernels")).ok());
    let parser = |entry: fs::DirEntry| {
        // ID-RECIPE; one in the making begins with a dot.
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        let path = entry.path().join("tools/testing/kunit/kunit.py");
        path.is_file().then_some((name, path))
    };
    let mut all: Vec<_> = kernels.into_iter().flatten().flatten().filter_map(parser).collect();
    all.sort();
    all
}

fn parse(kunit: &Path, events: &[RunEvent]) -> Result<Understood, Failed> {
    let mut ktap = Vec::new();
    scrubjay_samples::play(events, &mut Ktap::new(&mut ktap, scrubjay_samples::catalogue()));
    let mut python = Command::new("python3")
        .arg(kunit)
        .arg("parse")
        // It writes byte code beside itself, and wants to be at a kernel tree's top.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(kunit.ancestors().nth(4).ok_or("kunit.py is not in a kernel tree")?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    python.stdin.take().ok_or("no pipe")?.write_all(&ktap)?;
    let output = python.wait_with_output()?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok(Understood { text, content: output.status.success() })
}

fn expect(condition: bool, understood: &Understood) -> Result<(), Failed> {
    if condition { Ok(()) } else { Err(understood.text.clone().into()) }
}

fn clean(kunit: &Path) -> Result<(), Failed> {
    let understood = parse(kunit, &scrubjay_samples::clean())?;
    // Two sessions and the kernel as a whole.
    expect(understood.content && understood.text.contains("Ran 3 tests: passed: 3\n"), &understood)
}

fn mixed(kunit: &Path) -> Result<(), Failed> {
    let understood = parse(kunit, &scrubjay_samples::mixed())?;
    let said = [
        // 7.1: 2 pass, 1 waived, 3 break, 2 error, 1 skip and the kernel; 6.12: 3 skips and the kernel; 7.2: the kernel.
        "Ran 15 tests: passed: 5, failed: 6, skipped: 4\n",
        "[PASSED] set-waived",
        "[SKIPPED] locked",
        "[FAILED] slow",
        "[PASSED] lost-set",
        "[FAILED] 7.1",
        "[PASSED] 6.12",
        "[FAILED] 7.2",
    ];
    expect(!understood.content, &understood)?;
    expect(!understood.text.contains("[ERROR]"), &understood)?;
    said.iter().try_for_each(|words| expect(understood.text.contains(words), &understood))
}

fn interrupted(kunit: &Path) -> Result<(), Failed> {
    let mut events = scrubjay_samples::clean();
    // Before the second session.
    events.truncate(4);
    events.push(RunEvent::RunFinished { cut: Some(ExitStatus::Interrupted(Signal::SIGINT)) });
    let understood = parse(kunit, &events)?;
    expect(!understood.content && understood.text.contains("missing expected subtest!"), &understood)
}
