//! Properties of goldens: read as they were written, and what was recorded is expected, no less and nothing else.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use scrubjay_session::observation::{Aside, Observation, Seen, StepEnd};
use scrubjay_session::step::{Field, Outcome};
use scrubjay_session::{Performance, Session, Transcript, file};
use scrubjay_verdict::judge::{Books, judge_session};
use scrubjay_verdict::{Golden, Goldens, Library, SessionVerdict};

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).expect("the vectors are good")
});

/// Every session with its golden.
static GOLDENS: LazyLock<Vec<(&Session, &Golden)>> = LazyLock::new(|| {
    let sessions = LIBRARY.sessions.iter();
    sessions.filter_map(|session| Some((session, LIBRARY.goldens.get(&session.id)?))).collect()
});

/// Those that a healthy kernel gives and that say nothing of two steps at once: what is left of another transcript
/// of them is that it differs.
static PLAIN: LazyLock<Vec<(&Session, &Golden)>> = LazyLock::new(|| {
    let healthy = |seen: &Observation| {
        seen.end == StepEnd::CameBack
            && seen.branches.is_empty()
            && !seen.log.iter().any(|event| event.class.is_damage())
    };
    let plain = |(session, golden): &(&Session, &Golden)| {
        session.coherent.is_empty() && golden.steps.iter().all(|step| healthy(&step.base[0]))
    };
    GOLDENS.iter().copied().filter(plain).collect()
});

/// The first base of each step, as if a kernel had given it.
fn given(golden: &Golden) -> Transcript {
    let seen = golden.steps.iter().map(|step| Seen {
        id: step.id.clone(),
        observation: step.base[0].clone(),
        aside: Aside::default(),
    });
    Transcript { steps: seen.collect(), ..Transcript::new(&golden.session) }
}

fn written_and_read(golden: &Golden) -> Golden {
    let text = serde_json::to_string_pretty(golden).expect("it came from JSON");
    file::parse(Path::new("g.json"), &text).expect("it was written")
}

fn judged(golden: Golden, transcript: Transcript) -> SessionVerdict {
    let id = transcript.session.clone();
    let goldens: Goldens = [golden].into_iter().collect();
    let books = Books {
        sessions: &LIBRARY.sessions,
        goldens: &goldens,
        changes: &LIBRARY.changes,
        promises: &LIBRARY.promises,
        profiles: &LIBRARY.profiles,
    };
    judge_session(&id, &Performance::Performed(Box::new(transcript)), &books)
}

proptest! {
    // The same cases on every run.
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(12),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_golden_is_read_as_it_was_written(
        (_, golden) in prop::sample::select(GOLDENS.as_slice()), keep in prop::collection::vec(any::<bool>(), 40),
        errno in ".{0,20}", text in proptest::option::of(".{0,60}"), out in prop::collection::vec(any::<u8>(), 0..80),
        reason in ".{1,40}",
    ) {
        let mut golden = golden.clone();
        let mut kept = keep.into_iter();
        golden.steps.retain(|_| kept.next().unwrap_or(true));
        for seen in golden.steps.iter_mut().flat_map(|step| &mut step.base) {
            (seen.errno, seen.text, seen.out) = (errno.clone(), text.clone(), Some(out.clone().into()));
        }
        for accepted in &mut golden.why {
            accepted.reason.clone_from(&reason);
        }
        prop_assert_eq!(written_and_read(&golden), golden);
    }

    #[test]
    fn a_golden_of_which_a_part_is_lost_is_refused_with_its_file_and_line(
        (_, golden) in prop::sample::select(GOLDENS.as_slice()), cut in any::<prop::sample::Index>(),
    ) {
        let text = serde_json::to_string_pretty(golden).expect("it came from JSON");
        let cut = (0..cut.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let error = file::parse::<Golden>(Path::new("g.json"), &text[..cut]).expect_err("cut").to_string();
        prop_assert!(error.starts_with("g.json:"), "{}", error);
    }

    #[test]
    fn what_was_recorded_is_expected_and_another_errno_is_told(
        (session, golden) in prop::sample::select(PLAIN.as_slice()), release in "7\\.[0-9]",
        at in any::<prop::sample::Index>(),
    ) {
        let mut transcript = given(golden);
        let recorded = written_and_read(&Golden::record(session, &transcript, &release));
        let same = judged(recorded.clone(), transcript.clone());
        prop_assert!(same.findings.is_empty() && same.error.is_none(), "{:?}", same);

        let at = at.index(transcript.steps.len());
        let step = &session.steps[at];
        prop_assume!(step.outcome == Outcome::Value && step.masks.iter().all(|mask| mask.field != Field::Errno));
        transcript.steps[at].observation.errno.push('X');
        let other = judged(recorded, transcript);
        prop_assert!(other.findings.iter().any(|finding| finding.step == step.id), "{:?}", other);
    }
}
