//! Performs sessions on a kernel and judges them as they come.

use std::collections::BTreeMap;

use scrubjay_engine::{Progress, shuffled};
use scrubjay_run::{RunEvent, nearest_release};
use scrubjay_session::Session;
use scrubjay_verdict::{KernelVerdict, SessionVerdict};

use crate::check::Check;
use crate::confirm;
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
        let id = target.kernel.id.clone();
        tell(RunEvent::KernelStarted { kernel: id.clone(), sessions: sessions.len() });
        let ordered = match self.shuffle {
            Some(seed) => shuffled(sessions.to_vec(), seed),
            None => sessions.to_vec(),
        };
        let mut consoles = BTreeMap::new();
        let mut suspects = Vec::new();
        let run = self.lab.run(&target.kernel, &ordered, &mut |progress| match progress {
            Progress::Session { session, performance, time } => {
                let verdict = self.judge_one(target, session, performance);
                if confirm::is_suspect(&verdict, self.policy) {
                    suspects.push(session.to_owned());
                    return;
                }
                tell(self.judged(&id, verdict, time.as_millis() as u64));
            }
            Progress::Retired { session, console, .. } => {
                consoles.extend(tail_of_the_dead(console).map(|tail| (session.to_owned(), tail)));
            }
            Progress::Booting(_) => {}
        });
        // Guests run at the same time: what is told of them must not depend on who was first.
        suspects.sort();
        let console = consoles.into_values().next_back();
        let repeats = confirm::confirm(self, target, &suspects, &run);
        for suspect in &suspects {
            if let Some(performance) = run.performances.get(suspect) {
                let mut verdict = self.judge_one(target, suspect, performance);
                repeats.apply(&mut verdict);
                tell(self.judged(&id, verdict, 0));
            }
        }
        let mut verdict = self.judge_run(target, &run);
        for session in &mut verdict.sessions {
            repeats.apply(session);
        }
        confirm::confirm_history(self, target, &run, &mut verdict);
        let nearest = nearest_release(&verdict.changes, &self.library.changes);
        tell(RunEvent::KernelJudged {
            verdict: verdict.clone(),
            nearest,
            not_checked: run.not_checked,
            console_tail: console,
        });
        verdict
    }

    fn judged(&self, kernel: &str, verdict: SessionVerdict, millis: u64) -> RunEvent {
        let session = self.library.sessions.get(&verdict.session);
        let title = session.map(|s| s.title.clone()).unwrap_or_default();
        RunEvent::SessionJudged { kernel: kernel.to_owned(), title, verdict, millis }
    }
}

/// The end of the console of a guest that died; `None` for one that was retired alive.
fn tail_of_the_dead(console: &str) -> Option<String> {
    let died = ["Kernel panic", "Oops", "BUG:", "KASAN"].iter().any(|word| console.contains(word));
    let lines: Vec<_> = console.lines().collect();
    died.then(|| lines[lines.len().saturating_sub(TAIL)..].join("\n"))
}
