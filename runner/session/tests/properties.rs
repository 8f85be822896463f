//! Properties: what a kernel says is classed whatever stands around it, and sessions and profiles are read as they were
//! written.

use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use scrubjay_session::cxl::profile::{Profile, Profiles};
use scrubjay_session::klog::{self, Class};
use scrubjay_session::{Session, Sessions, file};
use scrubjay_wire::LogLine;

/// The same cases on every run.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(12),
        ..ProptestConfig::default()
    }
}

fn line(text: String) -> LogLine {
    LogLine { seq: 0, micros: 0, level: 3, caller: None, text }
}

fn vectors() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors")
}

static SESSIONS: LazyLock<Vec<Session>> = LazyLock::new(|| {
    let sessions = Sessions::load(&vectors().join("sessions")).expect("they are good");
    sessions.iter().cloned().collect()
});

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let profiles = Profiles::load_dir(&vectors().join("devices")).expect("they are good");
    profiles.iter().cloned().collect()
});

/// How a report begins, and its class.
fn report() -> impl Strategy<Value = (&'static str, Class)> {
    prop::sample::select(vec![
        ("BUG: KASAN: ", Class::Kasan),
        ("UBSAN: ", Class::Ubsan),
        ("WARNING: possible ", Class::Lockdep),
        ("INFO: task ", Class::HungTask),
        ("unreferenced object ", Class::Leak),
        ("Kernel panic - not syncing: ", Class::Panic),
        ("Oops: ", Class::Oops),
        ("BUG: ", Class::Oops),
        ("kernel BUG at ", Class::Oops),
        ("WARNING: CPU: ", Class::Warning),
    ])
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn any_line_has_a_class_or_none_and_names_no_more_than_it_says(text in ".{0,200}") {
        let event = klog::classify(&line(text.clone()));
        prop_assert!(event.is_none_or(|event| event.what.len() <= text.len().max(40)));
    }

    #[test]
    fn what_follows_the_words_of_a_report_does_not_change_its_class(
        (words, class) in report(), rest in "([ -~]|\\x1b\\[[0-9;]{0,4}m|\\\\x1b|[\\r\\t\u{0}\u{202e}é]){0,60}",
    ) {
        // A rest that makes the words of another report or message of it is another line.
        prop_assume!(!["K", "MAX_LOCKDEP", "possible", "requested full", "mailbox", "Reserved", "timeout", "raw command"]
            .iter().any(|other| rest.contains(other)));
        let event = klog::classify(&line(format!("{words}{rest}"))).expect("a report");
        prop_assert_eq!(event.class, class, "{:?}", rest);
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_session_is_read_as_it_was_written(
        session in prop::sample::select(SESSIONS.as_slice()), keep in prop::collection::vec(any::<bool>(), 40),
        title in ".{1,40}", command_line in ".{0,20}",
    ) {
        let mut session = session;
        (session.title, session.command_line) = (title, command_line);
        let mut kept = keep.into_iter();
        session.steps.retain(|_| kept.next().unwrap_or(true));
        let text = serde_json::to_string_pretty(&session).expect("it came from JSON");
        let again = file::parse::<Session>(Path::new("s.json"), &text).expect("it was written");
        prop_assert_eq!(serde_json::to_string_pretty(&again).expect("JSON"), text);
    }

    #[test]
    fn a_session_of_which_a_part_is_lost_is_refused_with_its_file_and_line(
        session in prop::sample::select(SESSIONS.as_slice()), cut in any::<prop::sample::Index>(),
    ) {
        let text = serde_json::to_string_pretty(&session).expect("it came from JSON");
        let cut = (0..cut.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let error = file::parse::<Session>(Path::new("s.json"), &text[..cut]).expect_err("cut").to_string();
        prop_assert!(error.starts_with("s.json:"), "{}", error);
    }

    #[test]
    fn a_profile_is_read_as_it_was_written(profile in prop::sample::select(PROFILES.as_slice())) {
        let text = serde_json::to_string_pretty(&profile).expect("it came from JSON");
        let path = format!("{}.json", profile.id);
        let again = Profile::parse(&text, Path::new(&path)).expect("it was written");
        prop_assert_eq!(serde_json::to_string_pretty(&again).expect("JSON"), text);
    }
}
