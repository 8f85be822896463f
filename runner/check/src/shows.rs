//! Whether a kernel shows what another one was found to show: decided by several runs, and never by one.

use std::fmt;

use scrubjay_engine::Lab;
use scrubjay_session::observation::StepEnd;
use scrubjay_session::{Performance, Session, Transcript, modules_refused};
use scrubjay_verdict::judge::judge_session;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, Library, Reference};

use crate::target::Target;

/// In so many runs it has to be seen.
const ENOUGH: u32 = 2;
/// After so many runs without it a kernel does not have it, where the other shows it in each.
const FEW: u32 = 3;
/// So many runs are tried where they do not agree.
const MOST: u32 = 10;
/// How sure a kernel is told not to have what another shows in some runs only: of a hundred that have it, one is missed.
const MISSED: f64 = 0.01;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The session that shows it.
    pub session: &'a Session,
    /// Any of these.
    pub findings: Vec<Finding>,
}

/// What one run says.
#[derive(Clone, Debug, PartialEq)]
pub enum Once {
    /// It is there.
    Shown(Box<Transcript>),
    /// It is not, and the session came to where it would be.
    NotShown(Box<Transcript>),
    /// Why nobody can tell.
    Nothing(String),
}

/// What some runs say together.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is there.
    Shows {
        /// In so many runs.
        seen: u32,
        /// Of so many.
        of: u32,
        /// What the session gave in one of these.
        example: Box<Transcript>,
    },
    /// It is not.
    Lacks {
        /// In so many runs.
        of: u32,
        /// What the session gave.
        example: Box<Transcript>,
    },
    /// So many runs are not enough to tell.
    Undecided {
        /// It was seen in so many runs.
        seen: u32,
        /// Of so many.
        of: u32,
    },
    /// No run said anything.
    Nothing(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Shows { seen, of, .. } => write!(f, "has it, seen in {seen} of {of} runs"),
            Answer::Lacks { of, .. } => write!(f, "does not have it, {of} runs"),
            Answer::Undecided { seen, of } => write!(f, "undecided, seen in {seen} of {of} runs"),
            Answer::Nothing(why) => write!(f, "not tested: {}", brief(why)),
        }
    }
}

/// The first line of a reason, and of a compiler's words the first error.
fn brief(why: &str) -> String {
    let first = why.lines().next().unwrap_or_default().trim_end_matches(':');
    match why.lines().skip(1).find(|line| line.contains("error:")) {
        Some(error) => format!("{first}: {}", error.trim()),
        None => first.to_owned(),
    }
}

/// After how many runs without it a kernel does not have what another showed in `seen` of `of` runs.
pub fn runs_without(seen: u32, of: u32) -> u32 {
    if seen >= of {
        return FEW;
    }
    let share = f64::from(seen) / f64::from(of);
    let runs = (MISSED.ln() / (1.0 - share).ln()).ceil();
    // Never negative, and small: `seen` is one at the least.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as said above")]
    let runs = runs as u32;
    runs.max(FEW)
}

/// Runs until it is decided; `without` is what [`runs_without`] says.
pub fn decide(without: u32, mut run: impl FnMut() -> Once) -> Answer {
    let (mut with, mut lacking, mut silent) = (Vec::new(), Vec::new(), Vec::new());
    let count = |runs: &[Box<Transcript>]| u32::try_from(runs.len()).unwrap_or(u32::MAX);
    for _ in 0..MOST + without {
        match run() {
            Once::Shown(transcript) => with.push(transcript),
            Once::NotShown(transcript) => lacking.push(transcript),
            Once::Nothing(why) => silent.push(why),
        }
        let (seen, of) = (count(&with), count(&with) + count(&lacking));
        match () {
            () if seen >= ENOUGH => return Answer::Shows { seen, of, example: with.swap_remove(0) },
            () if seen == 0 && of >= without => {
                return Answer::Lacks { of, example: lacking.swap_remove(0) };
            }
            () if of == 0 && silent.len() >= FEW as usize => return Answer::Nothing(silent.swap_remove(0)),
            () if of >= MOST.max(without) => break,
            () => {}
        }
    }
    Answer::Undecided { seen: count(&with), of: count(&with) + count(&lacking) }
}

/// How often a kernel shows it, of [`MOST`] runs that say something.
pub fn measure(mut run: impl FnMut() -> Once) -> Answer {
    let (mut seen, mut of, mut example, mut silent) = (0, 0, None, None);
    for _ in 0..2 * MOST {
        match run() {
            Once::Shown(transcript) => {
                (seen, of) = (seen + 1, of + 1);
                example = Some(transcript);
            }
            Once::NotShown(_) => of += 1,
            Once::Nothing(why) => silent = Some(why),
        }
        if of == MOST {
            break;
        }
    }
    match (example, silent) {
        (Some(example), _) if seen >= ENOUGH => Answer::Shows { seen, of, example },
        (_, Some(why)) if of == 0 => Answer::Nothing(why),
        _ => Answer::Undecided { seen, of },
    }
}

/// What a session differs in from what the reference gave; known damage is none of it.
pub fn differences(
    library: &Library,
    reference: &Reference,
    session: &str,
    given: &Performance,
) -> Vec<Finding> {
    let mut found = reference.judge_session(session, given, &library.books()).findings;
    found.retain(|finding| finding.rule != id::KNOWN_DAMAGE);
    found
}

/// The same, and what its golden does not accept.
pub fn findings(
    library: &Library,
    reference: &Reference,
    session: &str,
    given: &Performance,
) -> Vec<Finding> {
    let mut found = differences(library, reference, session, given);
    found.extend(judge_session(session, given, &library.books()).findings);
    found.retain(|finding| finding.rule != id::KNOWN_DAMAGE);
    found
}

/// What `look` finds in what a kernel gives in these sessions. One session is run until there is something, [`MOST`] times
/// at most; all of them together once.
pub fn found_in(
    lab: &Lab,
    target: &Target,
    sessions: &[&Session],
    look: &dyn Fn(&str, &Performance) -> Vec<Finding>,
) -> Vec<Finding> {
    let tries = if sessions.len() == 1 { MOST } else { 1 };
    for _ in 0..tries {
        let run = lab.run(&target.kernel, sessions, &mut |_| {});
        let found: Vec<_> = run.performances.iter().flat_map(|(id, given)| look(id, given)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

impl Wanted<'_> {
    /// Runs the session once.
    pub fn once(&self, lab: &Lab, library: &Library, reference: &Reference, target: &Target) -> Once {
        let run = lab.run(&target.kernel, &[self.session], &mut |_| {});
        if let Some(why) = &run.absent {
            return Once::Nothing(format!("it has no fwctl: {why}"));
        }
        if let Some(why) = modules_refused(&run.not_checked).next() {
            return Once::Nothing(why.clone());
        }
        match run.performances.get(&self.session.id) {
            Some(Performance::Performed(transcript)) => self.told_by(library, reference, transcript),
            Some(Performance::Failed { why } | Performance::Skipped { why }) => Once::Nothing(why.clone()),
            None => Once::Nothing("the session was not performed".to_owned()),
        }
    }

    fn told_by(&self, library: &Library, reference: &Reference, transcript: &Transcript) -> Once {
        let given = Performance::Performed(Box::new(transcript.clone()));
        let found = findings(library, reference, &self.session.id, &given);
        let is_wanted = |f: &Finding| self.findings.iter().any(|wanted| wanted.fingerprint == f.fingerprint);
        if found.iter().any(is_wanted) {
            return Once::Shown(Box::new(transcript.clone()));
        }
        // A kernel that dies before it is no kernel without it.
        let reached = |step: &str| step.is_empty() || transcript.observation(step).end == StepEnd::CameBack;
        match self.findings.iter().find(|wanted| !reached(&wanted.step)) {
            Some(wanted) => Once::Nothing(format!("the session did not come through step {}", wanted.step)),
            None => Once::NotShown(Box::new(transcript.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// `+` it is seen, `-` it is not, `0` nothing is said; what comes after the last is like the last.
    fn answer(without: u32, runs: &str) -> String {
        let (mut runs, mut run) = (runs.chars(), '0');
        let transcript = || Box::new(Transcript::new("s"));
        decide(without, || {
            run = runs.next().unwrap_or(run);
            match run {
                '+' => Once::Shown(transcript()),
                '-' => Once::NotShown(transcript()),
                _ => Once::Nothing("it did not boot".to_owned()),
            }
        })
        .to_string()
    }

    #[rstest]
    #[case::each_time("+", "has it, seen in 2 of 2 runs")]
    #[case::never("-", "does not have it, 3 runs")]
    #[case::at_times("+--+", "has it, seen in 2 of 4 runs")]
    #[case::late("--+", "has it, seen in 2 of 4 runs")]
    #[case::once("+-", "undecided, seen in 1 of 10 runs")]
    #[case::does_not_boot("0", "not tested: it did not boot")]
    #[case::boots_half_the_time("0-0-0-", "does not have it, 3 runs")]
    #[case::boots_seldom("0-0", "undecided, seen in 0 of 1 runs")]
    fn some_runs_decide(#[case] runs: &str, #[case] expected: &str) {
        assert_eq!(answer(FEW, runs), expected);
    }

    #[test]
    fn of_what_make_says_the_first_error_is_told() {
        let why =
            "it does not build (exit status: 2):\n  CC a.o\n  a.c:3:1: error: no\n  b.c:1:1: error: neither";
        let told = Answer::Nothing(why.to_owned()).to_string();
        assert_eq!(told, "not tested: it does not build (exit status: 2): a.c:3:1: error: no");
    }

    #[test]
    fn the_bad_end_is_run_ten_times() {
        let mut runs = "0+-".chars().cycle();
        let answer = measure(|| match runs.next() {
            Some('+') => Once::Shown(Box::new(Transcript::new("s"))),
            Some('-') => Once::NotShown(Box::new(Transcript::new("s"))),
            _ => Once::Nothing("it did not boot".to_owned()),
        });
        assert_eq!(answer.to_string(), "has it, seen in 5 of 10 runs");
    }

    #[rstest]
    #[case::each_time(2, 2, 3)]
    #[case::half_of_them(2, 4, 7)]
    #[case::seldom(2, 10, 21)]
    fn what_is_seen_at_times_is_looked_for_more_often(
        #[case] seen: u32,
        #[case] of: u32,
        #[case] expected: u32,
    ) {
        assert_eq!(runs_without(seen, of), expected);
    }
}
