//! Which sessions share a boot. Decides; boots nothing.

use std::collections::BTreeMap;

use scrubjay_session::{Boot, Session};

/// Sessions that share a boot, and the devices that the guest then needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPlan {
    /// What kind of boot.
    pub boot: Boot,
    /// Whether the guest has to be booted with its devices in it; else it may start from one that was kept.
    pub cold: bool,
    /// Added to the kernel's command line.
    pub command_line: String,
    /// In the order that the guest counts them.
    pub devices: Vec<Placed>,
    /// Session ids, in the order in which they are performed.
    pub sessions: Vec<String>,
    /// Which of the boots of this kind, from 1.
    pub number: usize,
}

/// A device of a guest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    /// Its profile's id.
    pub profile: String,
    /// The session that it is for, where no other may touch it.
    pub owner: Option<String>,
}

impl BootPlan {
    /// A name that is stable for the same plan: what files and locks are called by.
    pub fn name(&self) -> String {
        let mut name = self.boot.name().to_owned();
        if self.cold {
            name.push_str("-cold");
        }
        if !self.command_line.is_empty() {
            name.push('-');
            name.extend(self.command_line.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }));
        }
        if self.boot == Boot::Quarantine || self.sessions.len() == 1 {
            name.push('-');
            name.push_str(self.sessions.first().map_or("none", String::as_str));
        } else if self.number > 1 {
            name.push_str(&format!("-{}", self.number));
        }
        name
    }

    /// The same sessions with one boot for each set of devices: what is left to do when a guest
    /// with all of them does not come up whole.
    pub fn isolated(&self, sessions: &[&Session]) -> Vec<BootPlan> {
        let mut by_devices: BTreeMap<Vec<Placed>, Vec<String>> = BTreeMap::new();
        for id in &self.sessions {
            let session = sessions.iter().find(|s| s.id == *id);
            by_devices.entry(session.map(|s| devices(s)).unwrap_or_default()).or_default().push(id.clone());
        }
        by_devices
            .into_iter()
            .map(|(devices, sessions)| BootPlan { devices, sessions, ..self.clone() })
            .collect()
    }

    /// Takes in another plan if the guest has room for its devices.
    fn join(&mut self, other: &BootPlan, most_devices: usize) -> bool {
        let new: Vec<_> = other.devices.iter().filter(|d| !self.devices.contains(d)).cloned().collect();
        let room = self.devices.len() + new.len() <= most_devices;
        if room {
            self.devices.extend(new);
            self.sessions.extend(other.sessions.iter().cloned());
        }
        room
    }
}

/// Plans the boots for `sessions`, in their order: shared ones first, then one for each session
/// that needs a guest of its own. In a shared guest the sessions with devices of their own are last.
///
/// `most_devices` bounds the devices of one guest.
pub fn plan(sessions: &[&Session], most_devices: usize) -> Vec<BootPlan> {
    let mut shared: BTreeMap<(Boot, bool, &str), Vec<BootPlan>> = BTreeMap::new();
    let mut own = Vec::new();
    let (spoiling, sharing): (Vec<&Session>, Vec<_>) = sessions.iter().partition(|s| s.spoils_devices());
    for session in sharing.into_iter().chain(spoiling) {
        let alone = BootPlan {
            boot: session.boot,
            cold: session.cold_boot,
            command_line: session.command_line.clone(),
            devices: devices(session),
            sessions: vec![session.id.clone()],
            number: 1,
        };
        if session.spoils_guest() {
            own.push(alone);
            continue;
        }
        let plans = shared.entry((session.boot, session.cold_boot, &session.command_line)).or_default();
        if !plans.iter_mut().any(|plan| plan.join(&alone, most_devices)) {
            plans.push(BootPlan { number: plans.len() + 1, ..alone });
        }
    }
    shared.into_values().flatten().chain(own).collect()
}

/// Plans boots in which no session comes after one that it comes after in [`plan`]: what one of them did to another
/// there it cannot do here.
pub fn plan_apart(sessions: &[&Session], most_devices: usize) -> Vec<BootPlan> {
    let reversed = sessions.iter().rev().copied();
    let (spoiling, sharing): (Vec<_>, Vec<_>) = reversed.partition(|s| s.spoils_devices());
    plan(&sharing, most_devices).into_iter().chain(plan(&spoiling, most_devices)).collect()
}

/// What a guest needs for a session, each device once.
fn devices(session: &Session) -> Vec<Placed> {
    let mut devices = Vec::new();
    for profile in &session.devices {
        let owner = session.spoils_devices().then(|| session.id.clone());
        let placed = Placed { profile: profile.clone(), owner };
        if !devices.contains(&placed) {
            devices.push(placed);
        }
    }
    devices
}

/// The sessions in an order that `seed` decides, the same for the same seed.
pub fn shuffled(mut sessions: Vec<&Session>, seed: u64) -> Vec<&Session> {
    // Fisher-Yates over SplitMix64: small, and the same on every machine.
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    for i in (1..sessions.len()).rev() {
        sessions.swap(i, (next() % (i as u64 + 1)) as usize);
    }
    sessions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str, boot: &str, devices: &[&str], step: &str) -> Session {
        let json = format!(
            r#"{{"format":"scrubjay.session/1","id":"{id}","title":"t","devices":{devices:?},"boot":"{boot}",
                "promise":"A01","steps":[{{"id":"s","do":{step}}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    const READ: &str = r#"{"taint":{}}"#;
    const UNBIND: &str = r#"{"unbind":{"driver":"cxl_pci"}}"#;
    const RESCAN: &str = r#"{"rescan":{}}"#;

    #[test]
    fn sessions_of_one_kind_share_a_boot_with_all_their_devices() {
        let all = [
            session("a", "clean", &["x"], READ),
            session("b", "tainting", &["x"], READ),
            session("c", "clean", &["y", "x"], READ),
        ];
        let plans = plan(&all.iter().collect::<Vec<_>>(), 8);
        assert_eq!(plans.len(), 2);
        assert_eq!(plans[0].sessions, ["a", "c"]);
        assert_eq!(plans[0].devices.iter().map(|d| d.profile.as_str()).collect::<Vec<_>>(), ["x", "y"]);
    }

    #[test]
    fn a_session_that_spoils_its_devices_shares_a_boot_and_no_device() {
        let all = [
            session("a", "clean", &["x"], UNBIND),
            session("b", "clean", &["x"], READ),
            session("c", "clean", &["x"], UNBIND),
        ];
        let plans = plan(&all.iter().collect::<Vec<_>>(), 8);
        assert_eq!(plans.len(), 1);
        assert_eq!(plans[0].sessions, ["b", "a", "c"]);
        let owners = plans[0].devices.iter().map(|d| d.owner.as_deref()).collect::<Vec<_>>();
        assert_eq!(owners, [None, Some("a"), Some("c")]);
        assert_eq!(plans[0].isolated(&all.iter().collect::<Vec<_>>()).len(), 3);
    }

    #[test]
    fn apart_nobody_comes_after_whom_it_came_after() {
        let all = [
            session("a", "clean", &["x"], READ),
            session("b", "clean", &["x"], READ),
            session("c", "clean", &["x"], UNBIND),
            session("d", "clean", &["x"], UNBIND),
        ];
        let all: Vec<_> = all.iter().collect();
        let sessions = |plans: Vec<BootPlan>| plans.into_iter().map(|p| p.sessions).collect::<Vec<_>>();
        assert_eq!(sessions(plan(&all, 8)), [["a", "b", "c", "d"]]);
        assert_eq!(sessions(plan_apart(&all, 8)), [["b", "a"], ["d", "c"]]);
    }

    #[rstest::rstest]
    #[case::by_its_step(RESCAN)]
    #[case::unbind(r#"{"write":{"at":{"anchor":"root","path":"sys/bus/platform/drivers/cxl_acpi/unbind"},"text":"ACPI0017:00"}}"#)]
    #[case::override_of_a_driver(r#"{"write":{"at":{"anchor":"pci","path":"driver_override"},"text":"x"}}"#)]
    #[case::removal(r#"{"write":{"at":{"anchor":"pci","path":"remove"},"text":"1"}}"#)]
    #[case::in_a_branch(r#"{"parallel":{"branches":[{"name":"a","steps":[{"id":"w","do":{"write":{"at":{"anchor":"root","path":"sys/bus/pci/rescan"},"text":"1"}}}]}]}}"#)]
    fn a_session_that_rebinds_by_a_write_is_alone(#[case] step: &str) {
        let all = [session("a", "clean", &["x"], step), session("b", "clean", &["x"], READ)];
        assert_eq!(plan(&all.iter().collect::<Vec<_>>(), 8).len(), 2);
        let value =
            r#"{"write":{"at":{"anchor":"edac","path":"scrub0/current_cycle_duration"},"text":"43200"}}"#;
        assert!(!session("a", "clean", &["x"], value).spoils_guest());
    }

    #[test]
    fn a_session_that_needs_a_boot_shares_one_with_its_like() {
        let mut all = ["a", "b", "c", "d"].map(|id| session(id, "clean", &["x"], READ));
        (all[1].cold_boot, all[3].cold_boot) = (true, true);
        let plans = plan(&all.iter().collect::<Vec<_>>(), 8);
        let told = plans.iter().map(|plan| (plan.name(), plan.cold, plan.sessions.join(" ")));
        let expected = [("clean", false, "a c"), ("clean-cold", true, "b d")];
        assert!(
            told.eq(expected.map(|(name, cold, ids)| (name.to_owned(), cold, ids.to_owned()))),
            "{plans:?}"
        );
    }

    #[test]
    fn a_session_that_spoils_its_guest_is_alone() {
        let all = [session("a", "clean", &["x"], RESCAN), session("b", "quarantine", &["x"], READ)];
        let plans = plan(&all.iter().collect::<Vec<_>>(), 8);
        assert_eq!(plans.iter().map(|p| p.sessions.len()).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_guest_gets_no_more_devices_than_it_can_take() {
        let all = [session("a", "clean", &["x"], READ), session("b", "clean", &["y"], READ)];
        let plans = plan(&all.iter().collect::<Vec<_>>(), 1);
        assert_eq!(plans.iter().map(BootPlan::name).collect::<Vec<_>>(), ["clean-a", "clean-b"]);
        assert_eq!(plans[1].number, 2);
    }

    #[test]
    fn a_seed_decides_the_order() {
        let all: Vec<_> = (0..9).map(|i| session(&i.to_string(), "clean", &["x"], READ)).collect();
        let order =
            |seed| shuffled(all.iter().collect(), seed).iter().map(|s| s.id.clone()).collect::<Vec<_>>();
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
    }
}
