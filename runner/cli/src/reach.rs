//! Which functions of the kernel each session reaches: data, `vectors/reach.json`, that [`count`] makes.

pub mod count;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use schemars::JsonSchema;
use scrubjay_session::{FileError, Sessions, file};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "scrubjay.reach/1";

/// The kernel cuts names here (kernel/trace/ftrace.c, function_stat_show).
const LONGEST: usize = 30;

/// Steps by which a device is found anew, so that what is reached then is counted.
const FINDING: [&str; 4] = ["bind", "rescan", "plug", "load-module"];

/// Which functions of CXL, EDAC and fwctl sessions reach, from their first step to their last. What the compiler makes
/// one with its caller is no function of its own.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// `scrubjay.reach/1`.
    format: String,
    /// The release that was counted on, as `uname -r` has it.
    release: String,
    /// Sessions in which nothing could be counted.
    unknown: BTreeSet<String>,
    /// What was counted; each function is in one group.
    reached: Vec<Group>,
}

/// Functions that the same sessions reach.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Group {
    /// Their names, cut after 30 characters.
    functions: BTreeSet<String>,
    /// The sessions, by id.
    sessions: BTreeSet<String>,
}

impl Reach {
    /// As it is kept below a root; nothing is known where there is no such file.
    ///
    /// # Errors
    /// The file is not of this form.
    pub fn load(root: &Path) -> Result<Self, FileError> {
        let path = root.join("vectors/reach.json");
        if !path.exists() {
            return Ok(Self::of(String::new(), &BTreeMap::new(), &Sessions::default()));
        }
        let reach: Self = file::read(&path)?;
        if reach.format != FORMAT {
            let why = format!("`{}` is not `{FORMAT}`; make it anew: scrubjay reach --write", reach.format);
            return Err(FileError::sense(&path, "format", why));
        }
        Ok(reach)
    }

    /// The sessions that reach a function; none where it is not known as one that any reaches.
    pub fn sessions(&self, function: &str) -> Option<&BTreeSet<String>> {
        let function = cut(function);
        self.reached.iter().find(|group| group.functions.contains(function)).map(|group| &group.sessions)
    }

    /// Of what was counted in each session. What is reached as a device is found is reached before the first step of the
    /// sessions that look at that (`probe`) as well.
    fn of(release: String, counted: &BTreeMap<String, BTreeSet<String>>, all: &Sessions) -> Self {
        let finds = |id: &String| {
            let steps = all.get(id).map(|session| session.every_step()).unwrap_or_default();
            steps.iter().any(|step| step.action.kinds().iter().any(|kind| FINDING.contains(&kind.as_str())))
        };
        let look: BTreeSet<String> =
            all.iter().filter(|session| session.probe_step().is_some()).map(|s| s.id.clone()).collect();
        let mut by_function = BTreeMap::<_, BTreeSet<String>>::new();
        for (session, functions) in counted {
            for function in functions {
                let sessions = by_function.entry(function).or_default();
                sessions.insert(session.clone());
                if finds(session) {
                    sessions.extend(look.iter().cloned());
                }
            }
        }
        let mut by_sessions = BTreeMap::<_, BTreeSet<String>>::new();
        for (function, sessions) in by_function {
            by_sessions.entry(sessions).or_default().insert(function.clone());
        }
        let reached =
            by_sessions.into_iter().map(|(sessions, functions)| Group { functions, sessions }).collect();
        let unknown = all.iter().map(|s| s.id.clone()).filter(|id| !counted.contains_key(id)).collect();
        Self { format: FORMAT.to_owned(), release, unknown, reached }
    }
}

/// A name as the kernel cuts it.
fn cut(name: &str) -> &str {
    name.get(..LONGEST).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use scrubjay_verdict::Library;

    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn functions_that_the_same_sessions_reach_stand_together_and_are_found_by_their_names() {
        let library = Library::load(&root()).expect("the vectors");
        let long = "a_function_whose_name_is_longer_than_thirty";
        let of = BTreeMap::from([
            ("info-flags".to_owned(), names(&["both", "also_both", cut(long)])),
            ("get-value".to_owned(), names(&["both", "also_both"])),
        ]);
        let reach = Reach::of("7.3.4".to_owned(), &of, &library.sessions);
        assert_eq!(reach.reached.len(), 2);
        assert_eq!(reach.unknown.len(), library.sessions.len() - 2);
        assert_eq!(reach.sessions("also_both"), Some(&names(&["get-value", "info-flags"])));
        assert_eq!(reach.sessions(long), Some(&names(&["info-flags"])));
        assert_eq!(reach.sessions("nobody"), None);
    }

    #[test]
    fn what_is_reached_as_a_device_is_found_is_reached_by_sessions_that_look_at_that() {
        let library = Library::load(&root()).expect("the vectors");
        let is = |kind: &str| {
            let has = |session: &&scrubjay_session::Session| {
                session.every_step().iter().any(|step| step.action.kinds().iter().any(|k| k == kind))
            };
            library.sessions.iter().find(has).expect("one").id.clone()
        };
        let of = BTreeMap::from([(is("bind"), names(&["cxl_pci_probe"]))]);
        let reach = Reach::of("7.3.4".to_owned(), &of, &library.sessions);
        let reaching = reach.sessions("cxl_pci_probe").expect("known");
        assert!(reaching.contains(&is("probe")) && !reaching.contains("info-flags"), "{reaching:?}");
    }

    #[test]
    fn another_form_is_refused_and_none_is_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(Reach::load(dir.path()).expect("nothing").sessions("cxlctl_get_feature"), None);
        std::fs::create_dir(dir.path().join("vectors")).expect("made");
        let text = r#"{"format": "scrubjay.reach/0", "release": "", "unknown": [], "reached": []}"#;
        std::fs::write(dir.path().join("vectors/reach.json"), text).expect("written");
        let refused = Reach::load(dir.path()).expect_err("another form").to_string();
        assert!(refused.contains("`scrubjay.reach/0` is not `scrubjay.reach/1`"), "{refused}");
    }

    #[test]
    fn what_is_kept_is_of_sessions_that_are_there() {
        let library = Library::load(&root()).expect("the vectors");
        let reach = Reach::load(&root()).expect("the form");
        let named = reach.reached.iter().flat_map(|group| &group.sessions).chain(&reach.unknown);
        for session in named {
            assert!(library.sessions.get(session).is_some(), "{session} is gone: scrubjay reach --write");
        }
        let of = |function: &str| reach.sessions(function).expect("known");
        assert!(of("cxl_get_feature").contains("get-value"));
        assert!(!of("cxl_set_feature").contains("get-value"));
        assert!(of("cxl_pci_probe").contains("count-of-zero"));
    }
}
