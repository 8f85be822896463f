//! `scrubjay reach`: counts, on a kernel that can (CONFIG_FUNCTION_PROFILER, kernel/trace/ftrace.c), which functions each
//! session reaches.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use scrubjay_engine::{Lab, Progress};
use scrubjay_host::{Output, words};
use scrubjay_kernels::Asked;
use scrubjay_run::ExitStatus;
use scrubjay_session::observation::OK;
use scrubjay_session::{Performance, Session, Sessions, Transcript};
use serde_json::{Value, json};

use super::{Reach, cut};
use crate::args::ReachArgs;
use crate::context::Context;
use crate::failure::{Result, Untested};
use crate::interrupt::Interrupt;
use crate::{lab, table};

/// Where the kernel counts.
const TRACING: &str = "sys/kernel/tracing";
/// Whose functions are counted.
const MODULES: [&str; 8] =
    ["cxl_core", "cxl_port", "cxl_acpi", "cxl_pci", "cxl_mem", "cxl_pmem", "fwctl", "edac_core"];
/// Lines above the names.
const HEAD: usize = 2;
/// What is as long may have been cut by the agent, which reads no more of a file.
const CUT: usize = 64 << 10;
/// The step before the session's own, and the one behind them.
const FROM: &str = "count-from-here";
const TO: &str = "count-to-here";

/// Counts, and writes what was counted.
pub fn run(args: &ReachArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let catalogue = context.catalogue()?;
    let manifest = catalogue.get(&args.kernel)?;
    let vcpus = args.guests.vcpus;
    let dir = tempfile::tempdir()?;
    let counting = counting(&library.sessions, dir.path(), vcpus)?;
    let sessions: Vec<_> = counting.iter().collect();
    let resolver = context.resolver(None)?;
    let mut output = args.write.as_deref().map(Output::at).transpose()?;
    let interrupt = Interrupt::listen();
    let asked = Asked::Made(Cow::Borrowed(manifest));
    let (target, provenance) = lab::obtain(&asked, &sessions, &resolver, &interrupt)?
        .target
        .map_err(|why| Untested(format!("kernel {}: {why}", manifest.id)))?;
    interrupt.done()?;
    words::say(&provenance);
    let machine = lab::machine(&target)?;
    let lab = Lab { sessions: &counting, ..lab::lab(&library, &machine, &args.guests) };
    let run = lab.run(&target.kernel, &sessions, &mut |_: Progress| {});
    let mut counted = BTreeMap::new();
    for (id, performance) in run.performances {
        let of_it = match performance {
            Performance::Performed(transcript) => functions(&transcript, vcpus),
            // Half of what there is to count is worse than what was counted before.
            Performance::Failed { why } => return Err(Untested(format!("{id}: {why}")).into()),
            Performance::Skipped { why } => Err(why),
        };
        match of_it {
            Ok(functions) => drop(counted.insert(id, functions)),
            Err(why) => words::say(format!("not counted: {id}: {why}")),
        }
    }
    if counted.values().all(BTreeSet::is_empty) {
        let why = format!("kernel {} counts no function: it takes CONFIG_FUNCTION_PROFILER", manifest.id);
        return Err(Untested(why).into());
    }
    let reach = Reach::of(run.release, &counted, &library.sessions);
    let text = serde_json::to_string_pretty(&reach)? + "\n";
    match &mut output {
        Some(output) => output.write(&text)?,
        None => table::text(&text)?,
    }
    Ok(ExitStatus::Clean)
}

/// The sessions with steps around their own that count, laid out below a directory.
fn counting(sessions: &Sessions, dir: &Path, vcpus: u8) -> Result<Sessions> {
    for session in sessions.iter().filter(|session| !moves_modules(session)) {
        let mut form = serde_json::to_value(session)?;
        if let Some(steps) = form["steps"].as_array_mut() {
            // What came before a session is told by its first step.
            let at = usize::from(session.probe_step().is_some());
            steps.splice(at..at, before());
            steps.extend(after(vcpus));
        }
        let path = dir.join(format!("{}.json", session.id));
        fs::write(path, form.to_string())?;
    }
    Ok(Sessions::load(dir)?)
}

/// Whether a session unloads a module: the kernel then counts nothing of it any more.
fn moves_modules(session: &Session) -> bool {
    let moves = |kind: &String| matches!(kind.as_str(), "load-module" | "unload-module");
    session.every_step().iter().any(|step| step.action.kinds().iter().any(moves))
}

fn write(id: &str, file: &str, text: &str) -> Value {
    let at = json!({"anchor": "root", "path": format!("{TRACING}/{file}")});
    json!({"id": id, "do": {"write": {"at": at, "text": text}}})
}

fn before() -> Vec<Value> {
    let of = MODULES.iter().map(|module| {
        write(&format!("count-{}", module.replace('_', "-")), "set_ftrace_filter", &format!("*:mod:{module}"))
    });
    let begin = write(FROM, "function_profile_enabled", "1");
    [write("count-nothing", "function_profile_enabled", "0")].into_iter().chain(of).chain([begin]).collect()
}

fn after(vcpus: u8) -> Vec<Value> {
    let read = |cpu: u8| {
        let at = json!({"anchor": "root", "path": format!("{TRACING}/trace_stat/function{cpu}")});
        json!({"id": format!("counted-{cpu}"), "do": {"read": at}})
    };
    let end = write(TO, "function_profile_enabled", "0");
    [end].into_iter().chain((0..vcpus).map(read)).collect()
}

/// What was counted in a session, or why nothing is known.
fn functions(transcript: &Transcript, vcpus: u8) -> Result<BTreeSet<String>, String> {
    let of_cpus = (0..vcpus).map(|cpu| format!("counted-{cpu}"));
    let mut all = BTreeSet::new();
    for id in [FROM.to_owned(), TO.to_owned()].into_iter().chain(of_cpus) {
        let seen = transcript.steps.iter().find(|seen| seen.id == id);
        let seen = &seen.ok_or_else(|| format!("it has no step {id}"))?.observation;
        if seen.errno != OK {
            return Err(format!("{id} gives {}", seen.errno));
        }
        let text = seen.text.as_deref().unwrap_or_default();
        if text.len() >= CUT {
            return Err(format!("{id} gives {} bytes, which may not be all", text.len()));
        }
        all.extend(text.lines().skip(HEAD).filter_map(function));
    }
    Ok(all)
}

/// The function of a line, `NAME HITS`, without what the compiler puts behind the name of a copy. A part of a function
/// (`.part.0`) does not say that the function is reached, whose rest stands in its callers.
fn function(line: &str) -> Option<String> {
    let words: Vec<_> = line.split_whitespace().collect();
    let [name, _] = words.as_slice() else { return None };
    let plain = name.split('.').next().unwrap_or(name);
    (!name.contains(".part")).then(|| cut(plain).to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rstest::rstest;
    use scrubjay_session::observation::{Observation, Seen};
    use scrubjay_verdict::Library;

    use super::*;

    const TITLE: &str =
        "  Function                               Hit\n  --------                               ---\n";

    fn said(steps: &[(&str, &str, Option<&str>)]) -> Transcript {
        let mut transcript = Transcript::new("s");
        for (id, errno, text) in steps {
            let (errno, text) = ((*errno).to_owned(), text.map(|text| format!("{TITLE}{text}")));
            let observation = Observation { errno, text, ..Observation::default() };
            transcript.steps.push(Seen { id: (*id).to_owned(), observation, aside: Default::default() });
        }
        transcript
    }

    #[test]
    fn functions_are_those_of_all_processors_by_their_names() {
        let one = "  cxl_get_feature                          3\n  fwctl_fops_open.part.0  1\n";
        let other = "  cxl_internal_send_cmd.isra.0  1\n                     12\n";
        let steps =
            [(FROM, OK, None), (TO, OK, None), ("counted-0", OK, Some(one)), ("counted-1", OK, Some(other))];
        let of_both = functions(&said(&steps), 2).expect("counted");
        assert_eq!(of_both.into_iter().collect::<Vec<_>>(), ["cxl_get_feature", "cxl_internal_send_cmd"]);
    }

    #[rstest]
    #[case::not_begun(&[(FROM, "ENOMEM", None)], "count-from-here gives ENOMEM")]
    #[case::no_rights(&[(FROM, OK, None), (TO, "EACCES", None)], "count-to-here gives EACCES")]
    #[case::one_processor(&[(FROM, OK, None), (TO, OK, None), ("counted-0", OK, Some(""))], "no step counted-1")]
    #[case::not_as_far(&[], "no step count-from-here")]
    fn half_a_count_is_none(#[case] steps: &[(&str, &str, Option<&str>)], #[case] why: &str) {
        let refused = functions(&said(steps), 2).expect_err("no count");
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn sessions_are_counted_in_but_for_those_that_unload_modules() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let library = Library::load(&root).expect("the vectors");
        let dir = tempfile::tempdir().expect("a directory");
        let counting = counting(&library.sessions, dir.path(), 2).expect("they can be read");
        let left_out: Vec<_> =
            library.sessions.iter().filter(|session| counting.get(&session.id).is_none()).collect();
        assert!(left_out.iter().all(|session| moves_modules(session)) && !left_out.is_empty());
        for session in counting.iter() {
            let plain = library.sessions.get(&session.id).expect("it comes of one");
            assert_eq!(session.steps.len(), plain.steps.len() + MODULES.len() + 5);
        }
    }
}
