//! Performs sessions on a kernel and judges them as they come.

use std::collections::BTreeMap;

use scrubjay_engine::{CameUp, KernelRun, Progress, shuffled};
use scrubjay_run::{Again, Guests, RunEvent};
use scrubjay_session::{Performance, Session};
use scrubjay_verdict::history::ranges::nearest;
use scrubjay_verdict::{KernelVerdict, SessionVerdict};

use crate::check::Check;
use crate::confirm::{self, Confirmed};
use crate::target::Target;

/// Lines of a lost guest's console that a report shows.
const TAIL: usize = 40;

impl Check<'_> {
    /// Performs `sessions` on a kernel and judges it; tells of each session as soon as it is judged.
    pub fn run(
        &self,
        target: &Target,
        sessions: &[&Session],
        tell: &mut (dyn FnMut(RunEvent) + Send),
    ) -> KernelVerdict {
        self.perform(target, sessions, tell).0
    }

    /// As [`Check::run`]; gives also what each session came to.
    pub fn perform(
        &self,
        target: &Target,
        sessions: &[&Session],
        tell: &mut (dyn FnMut(RunEvent) + Send),
    ) -> (KernelVerdict, BTreeMap<String, Performance>) {
        let id = target.kernel.id.clone();
        tell(RunEvent::KernelStarted { kernel: id.clone(), sessions: sessions.len() });
        let ordered = match self.shuffle {
            Some(seed) => shuffled(sessions.to_vec(), seed),
            None => sessions.to_vec(),
        };
        let order: BTreeMap<_, _> = ordered.iter().enumerate().map(|(i, s)| (s.id.as_str(), i)).collect();
        let mut consoles = BTreeMap::new();
        let (mut run, mut confirmed) = (KernelRun::default(), Confirmed::default());
        let (first, rest): (Vec<_>, Vec<_>) = ordered.iter().partition(|s| self.first.contains(&s.id));
        let mut console = |session: &str, console: &str| {
            consoles.insert(order.get(session).copied(), tail(console));
        };
        let mut left = ordered.clone();
        if !first.is_empty() && !rest.is_empty() {
            let mut told = Vec::new();
            let (part, settled) = self.part(target, &first, &mut console, &mut |event| told.push(event));
            // Whether a kernel has fwctl is said by all devices, and not by those of some sessions.
            if part.absent.is_none() {
                told.into_iter().for_each(&mut *tell);
                run.merge(part);
                confirmed.add(settled);
                left = rest;
            } else {
                confirmed.came_up.add(part.came_up);
                confirmed.came_up.add(settled.came_up);
            }
        }
        let (part, settled) = self.part(target, &left, &mut console, tell);
        run.merge(part);
        confirmed.add(settled);
        // Guests run at the same time: what is told of them must not depend on who was first.
        let console = consoles.into_values().next_back();
        let mut verdict = self.judge_run(target, &run, &|session| confirmed.apply(session));
        let more = confirm::confirm_history(self, target, &run, &confirmed, &mut verdict);
        let not_kept = target.kernel.kept.refusals();
        target.kernel.kept.forget();
        let nearest = nearest(&verdict.changes, &self.library.changes).map(|nearest| nearest.to_string());
        let mut came_up = run.came_up;
        came_up.add(confirmed.came_up);
        came_up.add(more);
        let CameUp { booted, started, again } = came_up;
        let mut again: Vec<Again> = again.into_iter().map(told).collect();
        again.sort();
        tell(RunEvent::KernelJudged {
            verdict: verdict.clone(),
            nearest,
            not_checked: run.not_checked,
            console_tail: console,
            guests: Box::new(Guests { booted, started, not_kept, again }),
        });
        (verdict, run.performances)
    }

    /// Performs some of the sessions, has their breaks confirmed and tells of each.
    fn part(
        &self,
        target: &Target,
        sessions: &[&Session],
        console: &mut (dyn FnMut(&str, &str) + Send),
        tell: &mut (dyn FnMut(RunEvent) + Send),
    ) -> (KernelRun, Confirmed) {
        let id = &target.kernel.id;
        // How long each took.
        let mut suspects = BTreeMap::new();
        let stands = |session: &str, performance: &Performance| self.stands(target, session, performance);
        let mut run =
            self.lab.run_judged(&target.kernel, sessions, &stands, &mut |progress| match progress {
                Progress::Session { session, performance, time } => {
                    let verdict = self.judge_one(target, session, performance);
                    let millis = time.as_millis() as u64;
                    if verdict.is_suspect(self.policy) {
                        suspects.insert(session.to_owned(), millis);
                        return;
                    }
                    tell(self.judged(id, verdict, millis));
                }
                Progress::Retired { session, console: said, died: true, .. } => console(session, said),
                Progress::Retired { .. } | Progress::Booting(_) => {}
            });
        let ids: Vec<_> = suspects.keys().cloned().collect();
        let mut confirmed = confirm::confirm(self, target, &ids, &run);
        run.performances.append(&mut confirmed.alone);
        for (suspect, millis) in suspects {
            if let Some(performance) = run.performances.get(&suspect) {
                let mut verdict = self.judge_one(target, &suspect, performance);
                confirmed.apply(&mut verdict);
                tell(self.judged(id, verdict, millis));
            }
        }
        (run, confirmed)
    }

    fn judged(&self, kernel: &str, verdict: SessionVerdict, millis: u64) -> RunEvent {
        let session = self.library.sessions.get(&verdict.session);
        let title = session.map(|s| s.title.clone()).unwrap_or_default();
        let area = self.library.sessions.area(&verdict.session).to_owned();
        RunEvent::SessionJudged { kernel: kernel.to_owned(), title, area, verdict, millis }
    }
}

fn told(again: scrubjay_engine::Again) -> Again {
    Again { session: again.session, why: again.why }
}

/// The end of a console.
fn tail(console: &str) -> String {
    let lines: Vec<_> = console.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}
