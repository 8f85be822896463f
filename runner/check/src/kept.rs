//! What a base gave, kept for the next time that something is held against it.
//!
//! ```text
//! transcripts/KEY/SESSION.json
//! ```
//!
//! The key is made of all that decides what sessions give beside themselves: the kernel and its modules, QEMU, the host
//! and this program, in which the device, the agent and every step are. A file has the digest of its session and of its
//! devices, and is taken where that is theirs. Only what the session's golden explains is kept: the host had no part in it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use scrubjay_engine::Lab;
use scrubjay_kernels::digest;
use scrubjay_session::{Performance, Session, Transcript, file};
use scrubjay_verdict::Library;
use scrubjay_verdict::golden::fingerprint;
use serde::{Deserialize, Serialize};

use crate::check::explained;
use crate::target::Target;

/// So many kernels are kept, those that were used last.
const KERNELS: usize = 4;

const USED: &str = "used";

/// What one kernel gave.
#[derive(Debug)]
pub struct Kept {
    dir: PathBuf,
}

/// What one session gave.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Digest of the session and its devices.
    of: String,
    /// What could not be observed in that run.
    not_checked: Vec<String>,
    transcript: Transcript,
}

impl Kept {
    /// That of a kernel, below `dir`.
    ///
    /// # Errors
    /// A file that decides what sessions give cannot be read.
    pub fn of(dir: &Path, target: &Target, lab: &Lab) -> io::Result<Self> {
        let Lab { qemu, accel, vcpus, thorough, .. } = lab;
        let mut key = format!("{} {} {accel} {vcpus} {thorough}", qemu.path().display(), qemu.version());
        // Under KVM a guest has the host's processor.
        for path in ["/proc/sys/kernel/osrelease", "/proc/cpuinfo"] {
            let text = fs::read_to_string(path)?;
            let host = text.lines().filter(|line| !line.contains("MHz")).collect::<Vec<_>>().join("\n");
            key += &format!(" {}", digest::of_bytes(host.as_bytes()));
        }
        let program = std::env::current_exe()?;
        let programs = [program.as_path(), qemu.path(), &target.kernel.image];
        for path in programs.into_iter().chain(target.kernel.modules.iter().map(PathBuf::as_path)) {
            key += &format!(" {}", digest::of_file(path)?);
        }
        let kept = Self { dir: dir.join(digest::of_bytes(key.as_bytes())) };
        fs::create_dir_all(&kept.dir)?;
        // Its time says when the directory was used last.
        fs::write(kept.dir.join(USED), "")?;
        forget_old(dir);
        Ok(kept)
    }

    /// What is known of these sessions, with what could not be observed then. A file that cannot be read is as none.
    pub fn known(
        &self,
        sessions: &[&Session],
        library: &Library,
    ) -> (BTreeMap<String, Performance>, Vec<String>) {
        let (mut known, mut not_checked) = (BTreeMap::new(), Vec::new());
        for session in sessions {
            let Ok(entry) = file::read::<Entry>(&self.path(session)) else { continue };
            if state(session, library).as_ref() != Some(&entry.of) || entry.transcript.session != session.id {
                continue;
            }
            let performance = Performance::Performed(Box::new(entry.transcript));
            if explained(library, &session.id, &performance) {
                known.insert(session.id.clone(), performance);
                not_checked.extend(entry.not_checked);
            }
        }
        not_checked.sort();
        not_checked.dedup();
        (known, not_checked)
    }

    /// Keeps what sessions gave. What cannot be written is not kept.
    pub fn keep(
        &self,
        performances: &BTreeMap<String, Performance>,
        not_checked: &[String],
        library: &Library,
    ) {
        // What is left out of a sweep is told of its session, and not of the kernel.
        let of_kernel: Vec<_> =
            not_checked.iter().filter(|what| !what.starts_with("values of a sweep")).cloned().collect();
        for (id, performance) in performances {
            let (Performance::Performed(transcript), Some(session)) = (performance, library.sessions.get(id))
            else {
                continue;
            };
            if !explained(library, id, performance) {
                continue;
            }
            let Some(of) = state(session, library) else { continue };
            let entry = Entry { of, not_checked: of_kernel.clone(), transcript: (**transcript).clone() };
            let _ = self.write(&self.path(session), &entry);
        }
    }

    fn write(&self, path: &Path, entry: &Entry) -> io::Result<()> {
        let beside = tempfile::NamedTempFile::new_in(&self.dir)?;
        serde_json::to_writer(&beside, entry)?;
        beside.persist(path)?;
        Ok(())
    }

    fn path(&self, session: &Session) -> PathBuf {
        self.dir.join(format!("{}.json", session.id))
    }
}

/// The digest of a session and of its devices.
fn state(session: &Session, library: &Library) -> Option<String> {
    let devices: Vec<_> =
        session.devices.iter().map(|id| library.profiles.get(id).ok()).collect::<Option<_>>()?;
    let devices = serde_json::to_string(&devices).ok()?;
    Some(digest::of_bytes(format!("{} {devices}", fingerprint(session)).as_bytes()))
}

/// Removes what was not used for longest.
fn forget_old(dir: &Path) {
    let used = |path: &PathBuf| fs::metadata(path.join(USED)).and_then(|used| used.modified()).ok();
    let mut all: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    all.retain(|path| used(path).is_some());
    all.sort_by_key(|path| std::cmp::Reverse(used(path)));
    for old in all.iter().skip(KERNELS) {
        let _ = fs::remove_dir_all(old);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::{Duration, SystemTime};

    use scrubjay_session::observation::Seen;

    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn library() -> Library {
        Library::load(&root()).expect("the vectors")
    }

    /// A transcript that the golden of the session explains.
    fn explained_by(library: &Library, id: &str) -> Performance {
        let golden = library.goldens.get(id).expect("a golden");
        let mut transcript = Transcript::new(id);
        for step in &golden.steps {
            let observation = step.base[0].clone();
            transcript.steps.push(Seen { id: step.id.clone(), observation, aside: Default::default() });
        }
        Performance::Performed(Box::new(transcript))
    }

    /// `info-flags` with a change in its file.
    fn of_file(change: impl FnOnce(&mut serde_json::Value)) -> Session {
        let text = fs::read_to_string(root().join("vectors/sessions/info/info-flags.json")).expect("read");
        let mut file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        change(&mut file);
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("info-flags.json");
        fs::write(&path, file.to_string()).expect("written");
        Session::load(&path).expect("a session")
    }

    #[test]
    fn what_is_kept_is_taken_where_nothing_that_decides_it_has_changed() {
        let library = library();
        let session = library.sessions.get("info-flags").expect("a session");
        let other = library.sessions.get("get-value").expect("a session");
        let dir = tempfile::tempdir().expect("a directory");
        let kept = Kept { dir: dir.path().to_owned() };
        let (mut given, unexplained) =
            (BTreeMap::new(), Performance::Performed(Box::new(Transcript::new("get-value"))));
        given.insert(session.id.clone(), explained_by(&library, &session.id));
        given.insert(other.id.clone(), unexplained);
        kept.keep(&given, &["stack".to_owned()], &library);
        let (known, not_checked) = kept.known(&[session, other], &library);
        assert_eq!(known.keys().collect::<Vec<_>>(), ["info-flags"], "what no golden explains is not kept");
        assert_eq!((&known["info-flags"], not_checked), (&given["info-flags"], vec!["stack".to_owned()]));

        assert_eq!(kept.known(&[&of_file(|_| ())], &library).0.len(), 1, "of another layout");
        let shorter = of_file(|file| drop(file["steps"].as_array_mut().expect("steps").pop()));
        assert!(kept.known(&[&shorter], &library).0.is_empty(), "of another form of the session");
        let of_another_device = of_file(|file| file["devices"][0] = "bare".into());
        assert!(kept.known(&[&of_another_device], &library).0.is_empty(), "of another device");
        fs::write(kept.path(session), "{").expect("written");
        assert!(kept.known(&[session], &library).0.is_empty(), "cut short");
    }

    #[test]
    fn those_that_were_used_last_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, age) in [("a", 0), ("b", 5), ("c", 4), ("d", 3), ("e", 2), ("f", 1)] {
            fs::create_dir(dir.path().join(name)).expect("made");
            let used = File::create(dir.path().join(name).join(USED)).expect("written");
            used.set_modified(SystemTime::now() - Duration::from_secs(age)).expect("of that time");
        }
        fs::create_dir(dir.path().join("something-else")).expect("made");
        forget_old(dir.path());
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).expect("read").flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["a", "d", "e", "f", "something-else"]);
    }
}
