//! Every boot of a whole run, one guest at a time: where the seconds go. And what the sweeps among its
//! sessions make of one.

use std::iter::Sum;
use std::ops::Add;

use scrubjay_engine::watched::{self, Watched};
use scrubjay_engine::{BootPlan, plan};
use scrubjay_machine::MOST_DEVICES;
use scrubjay_session::{Performance, Session, Transcript};

use crate::bench::{Bench, BenchError, Stage};
use crate::figures::{Everything, Group, Laps, Sweep};

/// The group of the boots that serve one session each.
const OWN: &str = "own";

/// Measures.
pub fn measure(bench: &Bench, tell: &mut dyn FnMut(Stage)) -> Result<Everything, BenchError> {
    let sessions: Vec<&Session> = bench.lab.sessions.iter().collect();
    let plans = plan(&sessions, MOST_DEVICES);
    let mut groups: Vec<Group> = Vec::new();
    let mut sweeps = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        tell(Stage::Boot(index + 1, plans.len()));
        let mut left = plan.clone();
        while !left.sessions.is_empty() {
            let (laps, served) = boot(bench, &mut left, &mut sweeps)?;
            let name = name(bench, plan);
            let laps = Laps::from(laps);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => {
                    group.boots += 1;
                    group.sessions += served;
                    group.laps = group.laps + laps;
                }
                None => groups.push(Group { name, boots: 1, sessions: served, laps }),
            }
        }
    }
    let laps = groups.iter().map(|group| group.laps).sum();
    Ok(Everything { groups, laps, sweeps })
}

/// One guest; takes the sessions that it served from the plan.
fn boot(
    bench: &Bench,
    plan: &mut BootPlan,
    sweeps: &mut Vec<Sweep>,
) -> Result<(watched::Laps, usize), BenchError> {
    let mut guest = Watched::up(bench.lab, bench.kernel, plan)?;
    let (mut served, mut spoiled) = (0, false);
    while !plan.sessions.is_empty() && !spoiled {
        let id = plan.sessions.remove(0);
        let Some(session) = bench.lab.sessions.get(&id) else { continue };
        let Some(lap) = guest.perform(session)? else { continue };
        served += 1;
        spoiled = lap.spoiled;
        if let Performance::Performed(transcript) = lap.performance {
            sweeps.extend(sweeps_of(&transcript));
        }
    }
    Ok((guest.down(), served))
}

fn name(bench: &Bench, plan: &BootPlan) -> String {
    let alone = plan.sessions.first().and_then(|id| bench.lab.sessions.get(id));
    match alone {
        Some(session) if session.spoils_guest() => OWN.to_owned(),
        _ => [plan.boot.name(), &plan.command_line].join(" ").trim_end().to_owned(),
    }
}

fn sweeps_of(transcript: &Transcript) -> impl Iterator<Item = Sweep> {
    let steps = transcript.steps.iter().filter(|seen| !seen.observation.runs.is_empty());
    steps.map(|seen| {
        let calls = seen.observation.runs.iter().map(|run| run.count).sum();
        let seconds = seen.aside.nanos as f64 / 1e9;
        Sweep {
            session: transcript.session.clone(),
            step: seen.id.clone(),
            calls,
            seconds,
            rate: calls as f64 / seconds.max(f64::MIN_POSITIVE),
        }
    })
}

impl From<watched::Laps> for Laps {
    fn from(laps: watched::Laps) -> Self {
        Laps {
            devices: laps.devices.as_secs_f64(),
            firmware: laps.firmware.as_secs_f64(),
            kernel: laps.kernel.as_secs_f64(),
            settle: laps.settle.as_secs_f64(),
            sessions: laps.sessions.as_secs_f64(),
            end: laps.end.as_secs_f64(),
            whole: laps.whole.as_secs_f64(),
        }
    }
}

impl Add for Laps {
    type Output = Laps;

    fn add(self, other: Laps) -> Laps {
        Laps {
            devices: self.devices + other.devices,
            firmware: self.firmware + other.firmware,
            kernel: self.kernel + other.kernel,
            settle: self.settle + other.settle,
            sessions: self.sessions + other.sessions,
            end: self.end + other.end,
            whole: self.whole + other.whole,
        }
    }
}

impl Sum for Laps {
    fn sum<I: Iterator<Item = Laps>>(laps: I) -> Laps {
        laps.fold(Laps::default(), Add::add)
    }
}
