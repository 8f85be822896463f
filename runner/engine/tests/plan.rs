//! Properties of the plan: whatever the sessions are, each is performed once, in a guest that has its devices and in which
//! nobody disturbs it. Boots nothing.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;
use scrubjay_engine::{Placed, plan, shuffled};
use scrubjay_session::Session;

/// As many as a guest takes, and as a session can ask for.
const MOST: usize = 3;

/// One step: harmless, one that spoils the session's devices, and two that spoil its guest.
const STEPS: [&str; 4] = [
    r#"{"taint":{}}"#,
    r#"{"unbind":{"driver":"cxl_pci"}}"#,
    r#"{"rescan":{}}"#,
    r#"{"write":{"at":{"anchor":"pci","path":"remove"},"text":"1"}}"#,
];

/// Sessions of every kind, numbered.
fn sessions() -> impl Strategy<Value = Vec<Session>> {
    let session = (
        // Harmless ones are most, or little would be shared.
        prop_oneof![3 => Just(STEPS[0]), 2 => select(&STEPS[1..])],
        prop_oneof![9 => select(&["clean", "tainting"][..]), 1 => Just("quarantine")],
        subsequence(vec!["a", "b", "c", "d", "e"], 1..=MOST),
        prop_oneof![3 => Just(""), 1 => Just("nokaslr")],
        prop::bool::weighted(0.2),
    );
    vec(session, 0..24).prop_map(|all| {
        let with_ids = all.into_iter().enumerate();
        with_ids
            .map(|(i, (step, boot, devices, command_line, own))| {
                let json = format!(
                    r#"{{"format":"scrubjay.session/1","id":"s{i}","title":"t","devices":{devices:?},"boot":"{boot}",
                        "own_devices":{own},"command_line":"{command_line}","promise":"A01",
                        "steps":[{{"id":"s","do":{step}}}]}}"#
                );
                serde_json::from_str(&json).expect("a session")
            })
            .collect()
    })
}

/// The devices that a session has to find in its guest.
fn wanted(session: &Session) -> BTreeSet<Placed> {
    let owner = session.spoils_devices().then(|| session.id.clone());
    session.devices.iter().map(|profile| Placed { profile: profile.clone(), owner: owner.clone() }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(12),
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_session_is_in_one_guest_with_its_devices_and_nobody_who_disturbs_it(all in sessions()) {
        let session = |id: &String| all.iter().find(|s| s.id == *id).expect("one that was planned");
        let plans = plan(&all.iter().collect::<Vec<_>>(), MOST);

        let mut planned: Vec<_> = plans.iter().flat_map(|p| &p.sessions).collect();
        planned.sort();
        let mut asked: Vec<_> = all.iter().map(|s| &s.id).collect();
        asked.sort();
        prop_assert_eq!(planned, asked, "each session once");

        for plan in &plans {
            let performed: Vec<_> = plan.sessions.iter().map(session).collect();
            prop_assert!(plan.devices.len() <= MOST, "room for {MOST} devices: {plan:?}");
            prop_assert!(performed.len() == 1 || !performed.iter().any(|s| s.spoils_guest()), "alone: {plan:?}");
            prop_assert!(performed.iter().all(|s| s.boot == plan.boot), "one kind of boot: {plan:?}");
            prop_assert!(performed.iter().all(|s| s.command_line == plan.command_line), "one command line: {plan:?}");

            // An owner's device has its name on it, so nobody else's are among them.
            let devices: BTreeSet<_> = plan.devices.iter().cloned().collect();
            prop_assert_eq!(devices.len(), plan.devices.len(), "each device once: {:?}", plan);
            let needed: BTreeSet<_> = performed.iter().flat_map(|s| wanted(s)).collect();
            prop_assert_eq!(devices, needed, "the devices of its sessions and no other: {:?}", plan);
        }
    }

    #[test]
    fn a_shuffle_loses_no_session(all in sessions(), seed in any::<u64>()) {
        let mut shuffled: Vec<_> = shuffled(all.iter().collect(), seed).into_iter().map(|s| &s.id).collect();
        shuffled.sort();
        let mut asked: Vec<_> = all.iter().map(|s| &s.id).collect();
        asked.sort();
        prop_assert_eq!(shuffled, asked);
    }
}
