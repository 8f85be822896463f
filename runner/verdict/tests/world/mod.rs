//! Vectors of one session, made for a test, and what a kernel gives of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::{Performance, Transcript};
use scrubjay_verdict::golden::fingerprint;
use scrubjay_verdict::judge::judge;
use scrubjay_verdict::{Expectation, KernelVerdict, Library};
use serde_json::{Value, json};

/// A directory with one profile, one session `s` of an open and the step given, and its golden.
pub struct World(tempfile::TempDir);

impl World {
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn new(step: Value, base: Value, changed: Option<Value>) -> Self {
        let world = World(tempfile::tempdir().unwrap());
        world.write(
            "devices/d.json",
            json!({"format": "scrubjay.device/1", "id": "d", "title": "t", "serial": "0x1",
                "attach": "pcie", "until": "memdev"}),
        );
        world.write(
            "promises/p.json",
            json!({"format": "scrubjay.promises/1", "area": "P", "title": "t", "promises": [
                {"id": "P01", "statement": "s", "class": "documented", "source": "x"},
                {"id": "P02", "statement": "s", "class": "implied", "source": "x"},
                {"id": "P03", "statement": "s", "class": "incidental", "source": "x"}]}),
        );
        world.write(
            "changes/c.json",
            json!({"format": "scrubjay.change/2", "id": "c", "title": "t", "no-commit": "made for a test",
                "mainline": {"release": "7.2", "known-by": "list"}, "reason": "r",
                "reference": "x", "promise": "P02", "first-seen": "7.2"}),
        );
        world.write(
            "sessions/s.json",
            json!({"format": "scrubjay.session/1", "id": "s", "title": "t", "devices": ["d"],
                "promise": "P01", "steps": [{"id": "open", "do": {"open": {}}}, step]}),
        );
        fs::create_dir_all(world.0.path().join("vectors/goldens")).unwrap();
        let session = world.library().sessions.get("s").unwrap().clone();
        let base = if base.is_array() { base } else { json!([base]) };
        let changes = changed.map(|seen| json!([{"with": ["c"], "seen": [seen]}])).unwrap_or(json!([]));
        world.write(
            "goldens/s.json",
            json!({"format": "scrubjay.golden/1", "session": "s", "of": fingerprint(&session),
                "recorded": "7.1", "steps": [
                    {"id": "open", "base": [{"errno": "ok"}]},
                    {"id": "step", "base": base, "changes": changes}]}),
        );
        world
    }

    pub fn write(&self, path: &str, value: Value) {
        let path = self.0.path().join("vectors").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }

    /// Puts a value into a file of the vectors, at a JSON pointer's parent under its last name.
    pub fn edit(&self, file: &str, pointer: &str, value: Value) {
        let path = self.path().join("vectors").join(file);
        let mut json: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        json.pointer_mut(parent).unwrap()[name] = value;
        fs::write(path, serde_json::to_string_pretty(&json).unwrap()).unwrap();
    }

    pub fn library(&self) -> Library {
        Library::load(self.0.path()).unwrap_or_else(|e| panic!("{e}"))
    }

    pub fn judge(&self, seen: Observation, release: &str) -> KernelVerdict {
        self.outcome(performed(seen), release)
    }

    pub fn outcome(&self, performance: Performance, release: &str) -> KernelVerdict {
        let library = self.library();
        let outcomes = BTreeMap::from([("s".to_owned(), performance)]);
        let expectation = Expectation { release: release.parse().ok(), ..Expectation::default() };
        judge("k", release, None, &outcomes, &expectation, &library.books())
    }
}

/// The session was performed, and its step gave this.
pub fn performed(seen: Observation) -> Performance {
    let mut transcript = Transcript::new("s");
    let step = |id: &str, observation| Seen { id: id.into(), observation, aside: Aside::default() };
    transcript.steps.push(step("open", ok()));
    if seen.end != StepEnd::NotReached {
        transcript.steps.push(step("step", seen));
    }
    Performance::Performed(Box::new(transcript))
}

pub fn ok() -> Observation {
    Observation { errno: "ok".into(), ..Observation::default() }
}

pub fn errno(name: &str) -> Observation {
    Observation { errno: name.into(), ..Observation::default() }
}

pub fn get() -> Value {
    json!({"id": "step", "do": {"get-feature": {"feature": "patrol-scrub", "count": 4}}})
}

pub fn set() -> Value {
    json!({"id": "step", "do": {"set-feature": {"feature": "patrol-scrub", "scope": "debug-write", "data": "00"}}})
}
