//! The shared boot with all its sessions, beside a bare boot of the same guest.

use std::collections::BTreeMap;

use scrubjay_engine::watched::{self, Watched, bare_boot};
use scrubjay_engine::{BootPlan, plan};
use scrubjay_machine::MOST_DEVICES;
use scrubjay_session::Session;

use crate::bench::{Bench, BenchError, Stage};
use crate::figures::{Laps, Shared};
use crate::host;
use crate::stats::median;

/// How many of the longest sessions are named.
const NAMED: usize = 5;

/// Measures pairs, one boot after the other, so that a host that grows busier makes both longer.
/// Gives what the kernel says that it is, too.
pub fn measure(bench: &Bench, tell: &mut dyn FnMut(Stage)) -> Result<(String, Shared), BenchError> {
    let plan = largest(bench).ok_or(BenchError::NothingShared)?;
    let mut release = String::new();
    let (mut with, mut bare, mut laps, mut each) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut sessions: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for pair in 0..bench.pairs {
        tell(Stage::Pair(pair + 1, bench.pairs));
        bare.push(bare_boot(bench.lab, bench.kernel, &plan)?.as_secs_f64());
        let mut guest = Watched::up(bench.lab, bench.kernel, &plan)?;
        release = guest.release().to_owned();
        let (before, mut steps) = (host::process(), 0);
        for id in &plan.sessions {
            let Some(session) = bench.lab.sessions.get(id) else { continue };
            let Some(lap) = guest.perform(session)? else { continue };
            if lap.spoiled {
                return Err(BenchError::Spoiled { session: id.clone() });
            }
            sessions.entry(id.clone()).or_default().push(lap.time.as_secs_f64());
            steps += session.every_step().len();
        }
        each.push((steps, (host::process() - before) * 1e6 / steps.max(1) as f64));
        laps.push(guest.down());
        with.push(laps[pair].whole.as_secs_f64());
    }
    let ratios = with.iter().zip(&bare).map(|(with, bare)| with / bare);
    let mut longest: Vec<_> = sessions.into_iter().map(|(id, times)| (id, median(times))).collect();
    longest.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    longest.truncate(NAMED);
    let shared = Shared {
        sessions: plan.sessions.len(),
        devices: plan.devices.len(),
        pairs: bench.pairs,
        ratio: median(ratios),
        seconds: median(with.iter().copied()),
        bare_seconds: median(bare.iter().copied()),
        steps: each.first().map_or(0, |(steps, _)| *steps),
        step_micros: median(each.iter().map(|(_, micros)| *micros)),
        laps: medians(&laps),
        longest,
    };
    Ok((release, shared))
}

/// The boot that most sessions share.
fn largest(bench: &Bench) -> Option<BootPlan> {
    let sessions: Vec<&Session> = bench.lab.sessions.iter().collect();
    let plans = plan(&sessions, MOST_DEVICES).into_iter();
    plans.filter(|plan| plan.sessions.len() > 1).max_by_key(|plan| plan.sessions.len())
}

/// The median of each part.
fn medians(laps: &[watched::Laps]) -> Laps {
    let laps: Vec<Laps> = laps.iter().copied().map(Laps::from).collect();
    let of = |part: fn(&Laps) -> f64| median(laps.iter().map(part));
    Laps {
        devices: of(|l| l.devices),
        firmware: of(|l| l.firmware),
        kernel: of(|l| l.kernel),
        settle: of(|l| l.settle),
        sessions: of(|l| l.sessions),
        end: of(|l| l.end),
        whole: of(|l| l.whole),
    }
}
