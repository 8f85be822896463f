//! The model against what kernels gave: every recorded sweep, round by round.
//!
//! `UPDATE_EXPECT=1 cargo test -p scrubjay-model --test recorded` writes the table of docs/differences.md anew.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use scrubjay_model::rounds::rounds;
use scrubjay_model::{Allowed, Word, word};
use scrubjay_session::observation::{Observation, StepEnd};
use scrubjay_session::step::Sweep;
use scrubjay_session::{Action, Session};
use scrubjay_verdict::Library;

/// The errnos that a sweep gives, by number.
const ERRNOS: &[(i32, &str)] = &[
    (1, "EPERM"),
    (7, "E2BIG"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (22, "EINVAL"),
    (25, "ENOTTY"),
    (90, "EMSGSIZE"),
    (95, "EOPNOTSUPP"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// What the model says of one recorded sweep.
struct Held {
    session: String,
    step: String,
    rounds: usize,
    /// Rounds that the documentation has a word on.
    decided: usize,
    /// Rounds that went otherwise, each as a sentence.
    against: Vec<String>,
}

fn hold(session: &Session, step: &str, sweep: &Sweep, seen: &Observation, library: &Library) -> Held {
    let profile = library.profiles.get(&session.devices[0]).unwrap();
    let calls = rounds(session, sweep, profile);
    let mut held = Held {
        session: session.id.clone(),
        step: step.to_owned(),
        rounds: calls.len(),
        decided: 0,
        against: Vec::new(),
    };
    let given = seen.runs.iter().flat_map(|run| (0..run.count).map(|_| run.errno));
    assert_eq!(
        seen.runs.iter().map(|run| run.count).sum::<u64>(),
        calls.len() as u64,
        "{}: other rounds",
        session.id
    );
    for (number, (call, errno)) in calls.iter().zip(given).enumerate() {
        let name = ERRNOS.iter().find(|(known, _)| *known == errno).map(|(_, name)| *name);
        assert!(errno == 0 || name.is_some(), "{}: errno {errno} has no name here", session.id);
        let Word { allowed, promise, source } = word(call);
        held.decided += usize::from(allowed != Allowed::Unspecified);
        if !allowed.permits(name) {
            let gave = name.unwrap_or("success");
            held.against.push(format!(
                "{} round {number}: {gave}, where {source} has {allowed:?} ({promise})",
                session.id
            ));
        }
    }
    held
}

fn all() -> Vec<Held> {
    let library = Library::load(&root()).unwrap();
    let mut all = Vec::new();
    for session in library.sessions.iter() {
        let Some(golden) = library.goldens.get(&session.id) else { continue };
        for (step, recorded) in session.steps.iter().zip(&golden.steps) {
            let Action::Sweep(sweep) = &step.action else { continue };
            // A sweep beside others in a race is about the race.
            let seen = recorded.base.iter().chain(recorded.changes.iter().flat_map(|change| &change.seen));
            // One that did not come back has no rounds to hold.
            let whole = seen.filter(|seen| seen.end == StepEnd::CameBack);
            all.extend(whole.map(|seen| hold(session, &step.id, sweep, seen, &library)));
        }
    }
    all
}

#[test]
fn no_recorded_sweep_goes_against_a_word_of_the_documentation() {
    let all = all();
    let against: Vec<_> = all.iter().flat_map(|held| &held.against).map(String::as_str).collect();
    assert!(against.is_empty(), "{}", against.join("\n"));
    assert!(
        all.len() > 10 && all.iter().map(|held| held.decided).sum::<usize>() > 10_000,
        "the sweeps are gone"
    );
}

#[test]
fn a_kernel_that_went_otherwise_would_be_told() {
    let library = Library::load(&root()).unwrap();
    let session = library.sessions.get("sweep-set-effects").unwrap();
    let place = session.steps.iter().position(|step| matches!(step.action, Action::Sweep(_))).unwrap();
    let Action::Sweep(sweep) = &session.steps[place].action else { unreachable!() };
    let mut seen = library.goldens.get(&session.id).unwrap().steps[place].base[0].clone();
    for run in &mut seen.runs {
        run.errno = 0;
    }
    let told = hold(session, "set", sweep, &seen, &library).against;
    assert!(told.len() > 100 && told[0].contains("round 0: success"), "{told:#?}");
}

#[test]
fn the_table_of_the_book_is_what_came_of_it() {
    let row = |held: &Held| {
        let Held { session, step, rounds, decided, against } = held;
        format!("| `{session}`, `{step}` | {rounds} | {decided} | {} |\n", against.len())
    };
    let head = "| sweep | calls | of them the documentation decides | against it |\n|---|---|---|---|\n";
    let table = head.to_owned() + &all().iter().map(row).collect::<String>();
    let path = root().join("docs/differences.md");
    let was = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- sweeps: begin -->\n", "<!-- sweeps: end -->");
    let from = was.find(begin).expect("the table's begin") + begin.len();
    let to = from + was[from..].find(end).expect("the table's end");
    let text = [&was[..from], &table, &was[to..]].concat();
    expect_file![path].assert_eq(&text);
}
