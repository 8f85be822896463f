//! Which sessions share a boot. Decides; boots nothing.

use std::collections::BTreeMap;

use scrubjay_session::{Boot, Session};

/// Sessions that share a boot, and the devices that the guest then needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPlan {
    /// What kind of boot.
    pub boot: Boot,
    /// Added to the kernel's command line.
    pub command_line: String,
    /// Profile ids, in the order that the guest counts its devices.
    pub devices: Vec<String>,
    /// Session ids, in the order in which they are performed.
    pub sessions: Vec<String>,
}

impl BootPlan {
    /// A name that is stable for the same plan: what files and locks are called by.
    pub fn name(&self) -> String {
        let mut name = self.boot.name().to_owned();
        if !self.command_line.is_empty() {
            name.push('-');
            name.extend(self.command_line.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }));
        }
        if self.boot == Boot::Quarantine || self.sessions.len() == 1 {
            name.push('-');
            name.push_str(self.sessions.first().map_or("none", String::as_str));
        }
        name
    }

    /// The same sessions with one boot for each set of devices: what is left to do when a guest
    /// with all of them does not come up whole.
    pub fn isolated(&self, sessions: &[&Session]) -> Vec<BootPlan> {
        let mut by_devices: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for id in &self.sessions {
            let devices =
                sessions.iter().find(|s| s.id == *id).map(|s| s.devices.clone()).unwrap_or_default();
            by_devices.entry(devices).or_default().push(id.clone());
        }
        by_devices
            .into_iter()
            .map(|(devices, sessions)| BootPlan { devices, sessions, ..self.clone() })
            .collect()
    }
}

/// Plans the boots for `sessions`, in their order: shared ones first, then one for each session
/// that needs a guest of its own.
///
/// `most_devices` bounds the devices of one guest.
pub fn plan(sessions: &[&Session], most_devices: usize) -> Vec<BootPlan> {
    let mut shared: BTreeMap<(Boot, &str), Vec<BootPlan>> = BTreeMap::new();
    let mut own = Vec::new();
    for session in sessions {
        let alone = BootPlan {
            boot: session.boot,
            command_line: session.command_line.clone(),
            devices: distinct(&session.devices),
            sessions: vec![session.id.clone()],
        };
        if session.spoils_guest() {
            own.push(alone);
            continue;
        }
        let plans = shared.entry((session.boot, &session.command_line)).or_default();
        let room = plans.iter_mut().find(|plan| {
            let new = alone.devices.iter().filter(|d| !plan.devices.contains(d)).count();
            plan.devices.len() + new <= most_devices
        });
        match room {
            Some(plan) => {
                for device in alone.devices {
                    if !plan.devices.contains(&device) {
                        plan.devices.push(device);
                    }
                }
                plan.sessions.extend(alone.sessions);
            }
            None => plans.push(alone),
        }
    }
    shared.into_values().flatten().chain(own).collect()
}

fn distinct(devices: &[String]) -> Vec<String> {
    let mut distinct = Vec::new();
    for device in devices {
        if !distinct.contains(device) {
            distinct.push(device.clone());
        }
    }
    distinct
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
        assert_eq!(plans[0].devices, ["x", "y"]);
    }

    #[test]
    fn a_session_that_spoils_its_guest_is_alone() {
        let all = [session("a", "clean", &["x"], UNBIND), session("b", "quarantine", &["x"], READ)];
        let plans = plan(&all.iter().collect::<Vec<_>>(), 8);
        assert_eq!(plans.iter().map(|p| p.sessions.len()).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_guest_gets_no_more_devices_than_it_can_take() {
        let all = [session("a", "clean", &["x"], READ), session("b", "clean", &["y"], READ)];
        assert_eq!(plan(&all.iter().collect::<Vec<_>>(), 1).len(), 2);
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
