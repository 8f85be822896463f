//! `scrubjay reach`: which functions of the kernel each session reaches, counted on a kernel that can
//! (CONFIG_FUNCTION_PROFILER, kernel/trace/ftrace.c). What comes of it is data: `vectors/reach.json`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use scrubjay_engine::{Lab, Progress};
use scrubjay_host::{Output, words};
use scrubjay_kernels::Asked;
use scrubjay_run::ExitStatus;
use scrubjay_session::{Performance, Sessions, Transcript, file};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
/// The kernel cuts names here (kernel/trace/ftrace.c, function_stat_show).
const LONGEST: usize = 30;
/// Lines above the names.
const HEAD: usize = 2;

/// Which functions sessions reach, from their first step to their last. What the kernel makes one with its caller is no
/// function of its own and is not counted.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// The release that was counted on.
    release: String,
    /// Sessions in which nothing could be counted.
    unknown: BTreeSet<String>,
    /// Functions that the same sessions reach.
    reached: Vec<Group>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    functions: BTreeSet<String>,
    sessions: BTreeSet<String>,
}

impl Reach {
    /// As it is kept below a root; of nothing where there is none.
    ///
    /// # Errors
    /// The file is no such form.
    pub fn load(root: &Path) -> Result<Self> {
        let path = root.join("vectors/reach.json");
        if path.exists() { Ok(file::read(&path)?) } else { Ok(Self::default()) }
    }

    /// The sessions that reach a function; none where it is not known as one.
    pub fn sessions(&self, function: &str) -> Option<&BTreeSet<String>> {
        let function = cut(function);
        self.reached.iter().find(|group| group.functions.contains(function)).map(|group| &group.sessions)
    }

    fn of(release: String, functions: BTreeMap<String, BTreeSet<String>>, all: &Sessions) -> Self {
        let mut by_function = BTreeMap::<String, BTreeSet<String>>::new();
        for (session, functions) in &functions {
            for function in functions {
                by_function.entry(function.clone()).or_default().insert(session.clone());
            }
        }
        let mut by_sessions = BTreeMap::<_, BTreeSet<String>>::new();
        for (function, sessions) in by_function {
            by_sessions.entry(sessions).or_default().insert(function);
        }
        let unknown = all.iter().map(|s| s.id.clone()).filter(|id| !functions.contains_key(id)).collect();
        let reached =
            by_sessions.into_iter().map(|(sessions, functions)| Group { functions, sessions }).collect();
        Self { release, unknown, reached }
    }
}

/// Counts, and writes what was counted.
pub fn run(args: &ReachArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let catalogue = context.catalogue()?;
    let manifest = catalogue.get(&args.kernel)?;
    let dir = tempfile::tempdir()?;
    let counted = counted(&library.sessions, dir.path(), args.guests.vcpus)?;
    let sessions: Vec<_> = counted.iter().collect();
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
    let lab = Lab { sessions: &counted, ..lab::lab(&library, &machine, &args.guests) };
    let run = lab.run(&target.kernel, &sessions, &mut |_: Progress| {});
    let functions: BTreeMap<_, _> = run
        .performances
        .into_iter()
        .filter_map(|(id, performance)| match performance {
            Performance::Performed(transcript) => Some((id, functions(&transcript)?)),
            _ => None,
        })
        .collect();
    if functions.values().all(BTreeSet::is_empty) {
        let why = format!("kernel {} counts no function: it takes CONFIG_FUNCTION_PROFILER", manifest.id);
        return Err(Untested(why).into());
    }
    let reach = Reach::of(run.release, functions, &counted);
    let unknown = reach.unknown.len();
    let text = serde_json::to_string_pretty(&reach)? + "\n";
    match &mut output {
        Some(output) => output.write(&text)?,
        None => table::text(&text)?,
    }
    if unknown > 0 {
        words::say(format!("not counted: {}", table::count(unknown, "session")));
    }
    Ok(ExitStatus::Clean)
}

/// The sessions with steps around them that count, laid out below a directory.
fn counted(sessions: &Sessions, dir: &Path, vcpus: u8) -> Result<Sessions> {
    for session in sessions.iter().filter(|session| !session.devices.is_empty()) {
        let Some(path) = sessions.path(&session.id) else { continue };
        let mut form: Value = file::read(path)?;
        let Some(steps) = form["steps"].as_array_mut() else { continue };
        steps.splice(0..0, before());
        steps.extend(after(vcpus));
        let area = dir.join(sessions.area(&session.id));
        fs::create_dir_all(&area)?;
        fs::write(area.join(format!("{}.json", session.id)), form.to_string())?;
    }
    Ok(Sessions::load(dir)?)
}

fn write(id: &str, file: &str, text: &str) -> Value {
    let at = json!({"anchor": "root", "path": format!("{TRACING}/{file}")});
    json!({"id": id, "do": {"write": {"at": at, "text": text}}})
}

fn before() -> Vec<Value> {
    let of = MODULES
        .iter()
        .map(|module| write(&format!("count-{module}"), "set_ftrace_filter", &format!("*:mod:{module}")));
    let begin = write("count-from-here", "function_profile_enabled", "1");
    [write("count-nothing", "function_profile_enabled", "0")].into_iter().chain(of).chain([begin]).collect()
}

fn after(vcpus: u8) -> Vec<Value> {
    let read = |cpu: u8| {
        let at = json!({"anchor": "root", "path": format!("{TRACING}/trace_stat/function{cpu}")});
        json!({"id": format!("counted-{cpu}"), "do": {"read": at}})
    };
    let end = write("count-to-here", "function_profile_enabled", "0");
    [end].into_iter().chain((0..vcpus).map(read)).collect()
}

/// What was counted in a session; nothing where a count is missing.
fn functions(transcript: &Transcript) -> Option<BTreeSet<String>> {
    let of_cpus = transcript.steps.iter().filter(|seen| seen.id.starts_with("counted-"));
    let mut all = BTreeSet::new();
    let mut cpus = 0;
    for seen in of_cpus {
        let text = seen.observation.text.as_deref()?;
        all.extend(text.lines().skip(HEAD).filter_map(|line| line.split_whitespace().next()).map(plain));
        cpus += 1;
    }
    (cpus > 0).then_some(all)
}

/// A function's name, without what the compiler puts behind that of a part or a copy of it.
fn plain(name: &str) -> String {
    cut(name.split('.').next().unwrap_or(name)).to_owned()
}

fn cut(name: &str) -> &str {
    name.get(..LONGEST).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use scrubjay_session::observation::{Observation, Seen};
    use scrubjay_verdict::Library;

    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn said(texts: &[Option<&str>]) -> Transcript {
        let mut transcript = Transcript::new("s");
        for (cpu, text) in texts.iter().enumerate() {
            let observation = Observation { text: text.map(str::to_owned), ..Observation::default() };
            transcript.steps.push(Seen {
                id: format!("counted-{cpu}"),
                observation,
                aside: Default::default(),
            });
        }
        transcript
    }

    #[test]
    fn functions_are_those_of_all_processors_by_their_names() {
        let head =
            "  Function                               Hit\n  --------                               ---\n";
        let one =
            format!("{head}  cxl_get_feature                          3\n  fwctl_fops_open.part.0  1\n");
        let other = format!("{head}  cxl_internal_send_cmd.isra.0  1\n");
        let of_both = functions(&said(&[Some(&one), Some(&other)])).expect("counted");
        assert_eq!(
            of_both.into_iter().collect::<Vec<_>>(),
            ["cxl_get_feature", "cxl_internal_send_cmd", "fwctl_fops_open"]
        );
        assert_eq!(functions(&said(&[Some(&one), None])), None, "a count that could not be read");
        assert_eq!(functions(&said(&[])), None, "a session that did not get as far");
    }

    #[test]
    fn every_session_with_a_device_can_be_counted_in() {
        let library = Library::load(&root()).expect("the vectors");
        let dir = tempfile::tempdir().expect("a directory");
        let counted = counted(&library.sessions, dir.path(), 2).expect("they can be read");
        assert_eq!(counted.len(), library.sessions.iter().filter(|s| !s.devices.is_empty()).count());
        let (plain, counted) = (library.sessions.get("info-flags"), counted.get("info-flags"));
        let (plain, counted) = (plain.expect("one"), counted.expect("one"));
        assert_eq!(counted.steps.len(), plain.steps.len() + MODULES.len() + 5);
    }

    #[test]
    fn functions_that_the_same_sessions_reach_stand_together_and_are_found_by_their_names() {
        let library = Library::load(&root()).expect("the vectors");
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let long = "a_function_whose_name_is_longer_than_thirty";
        let of = BTreeMap::from([
            ("info-flags".to_owned(), names(&["both", "also_both", &plain(long)])),
            ("get-value".to_owned(), names(&["both", "also_both"])),
        ]);
        let reach = Reach::of("7.3.4".to_owned(), of, &library.sessions);
        assert_eq!(reach.reached.len(), 2);
        assert_eq!(reach.unknown.len(), library.sessions.len() - 2);
        assert_eq!(reach.sessions("also_both"), Some(&names(&["get-value", "info-flags"])));
        assert_eq!(reach.sessions(long), Some(&names(&["info-flags"])));
        assert_eq!(reach.sessions("nobody"), None);
    }

    #[test]
    fn what_is_kept_is_of_sessions_that_are_there() {
        let library = Library::load(&root()).expect("the vectors");
        let reach = Reach::load(&root()).expect("the form");
        let named = reach.reached.iter().flat_map(|group| &group.sessions).chain(&reach.unknown);
        for session in named {
            assert!(library.sessions.get(session).is_some(), "{session} is gone: scrubjay reach --write");
        }
        assert!(reach.sessions("cxlctl_get_feature").is_some_and(|of| of.contains("get-value")));
    }
}
