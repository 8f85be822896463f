//! Whether a kernel shows what another one was found to show: decided by several runs, and never by one.

use std::collections::BTreeSet;
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
    /// It, as the bad end shows it.
    pub finding: Finding,
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

/// What its golden does not accept of what a session gave; known damage is none of it.
pub fn unaccepted(library: &Library, session: &str, given: &Performance) -> Vec<Finding> {
    let mut found = judge_session(session, given, &library.books()).findings;
    found.retain(|finding| finding.rule != id::KNOWN_DAMAGE);
    found
}

/// What a kernel shows in ten runs of a session.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Each finding, in how many runs it was, and what the session gave in one of these.
    findings: Vec<(Finding, u32, Box<Transcript>)>,
    /// In so many runs the session was performed.
    pub of: u32,
    /// Why it was not, in one of the others.
    pub silent: Option<String>,
}

impl Shown {
    /// Takes what one run gave, with what was found in it.
    pub fn take(&mut self, transcript: &Transcript, found: Vec<Finding>) {
        self.of += 1;
        let mut once = BTreeSet::new();
        for finding in found {
            if !once.insert(finding.fingerprint.clone()) {
                continue;
            }
            match self.findings.iter_mut().find(|(other, ..)| other.fingerprint == finding.fingerprint) {
                Some((_, seen, _)) => *seen += 1,
                None => self.findings.push((finding, 1, Box::new(transcript.clone()))),
            }
        }
    }

    /// The finding to look for: of those that were seen in most runs the first that is no mere consequence, a step that
    /// was not reached. None where none was seen twice.
    pub fn first(&self) -> Option<(&Finding, u32, &Transcript)> {
        let most = self.findings.iter().map(|(_, seen, _)| *seen).max().filter(|most| *most >= ENOUGH)?;
        let often = || self.findings.iter().filter(|(_, seen, _)| *seen == most);
        let first = often().find(|(finding, ..)| finding.rule != id::STEP_LOST).or_else(|| often().next());
        first.map(|(finding, seen, transcript)| (finding, *seen, &**transcript))
    }

    /// How many others were seen as often.
    pub fn others(&self) -> usize {
        let most = self.findings.iter().map(|(_, seen, _)| *seen).max().unwrap_or_default();
        self.findings.iter().filter(|(_, seen, _)| *seen == most).count().saturating_sub(1)
    }
}

/// Runs a session on a kernel until ten runs gave something, twice as often at most; `look` says what is found in one.
pub fn shown(
    lab: &Lab,
    target: &Target,
    session: &Session,
    look: &dyn Fn(&Performance) -> Vec<Finding>,
) -> Shown {
    let mut shown = Shown::default();
    for _ in 0..2 * MOST {
        match perform(lab, target, session) {
            Ok(transcript) => {
                let given = Performance::Performed(transcript.clone());
                shown.take(&transcript, look(&given));
            }
            Err(why) => shown.silent = Some(why),
        }
        if shown.of == MOST {
            break;
        }
    }
    shown
}

/// Performs a session once; why nothing can be said.
fn perform(lab: &Lab, target: &Target, session: &Session) -> Result<Box<Transcript>, String> {
    let mut run = lab.run(&target.kernel, &[session], &mut |_| {});
    if let Some(why) = &run.absent {
        return Err(format!("it has no fwctl: {why}"));
    }
    if let Some(why) = modules_refused(&run.not_checked).next() {
        return Err(why.clone());
    }
    match run.performances.remove(&session.id) {
        Some(Performance::Performed(transcript)) => Ok(transcript),
        Some(Performance::Failed { why } | Performance::Skipped { why }) => Err(why),
        None => Err("the session was not performed".to_owned()),
    }
}

impl Wanted<'_> {
    /// Runs the session once.
    pub fn once(&self, lab: &Lab, library: &Library, reference: &Reference, target: &Target) -> Once {
        match perform(lab, target, self.session) {
            Ok(transcript) => {
                let given = Performance::Performed(transcript.clone());
                let differences = differences(library, reference, &self.session.id, &given);
                let unaccepted = unaccepted(library, &self.session.id, &given);
                self.told_by(&differences, &unaccepted, transcript)
            }
            Err(why) => Once::Nothing(why),
        }
    }

    fn told_by(&self, differences: &[Finding], unaccepted: &[Finding], transcript: Box<Transcript>) -> Once {
        let Finding { fingerprint, step, field, .. } = &self.finding;
        if differences.iter().chain(unaccepted).any(|other| other.fingerprint == *fingerprint) {
            return Once::Shown(transcript);
        }
        // A golden may accept neither what the good end gives nor what the bad one does.
        if let Some(other) = differences.iter().find(|other| other.step == *step && other.field == *field) {
            return Once::Nothing(format!("step {step} gives something else again: {}", other.seen));
        }
        // A kernel that dies before it is no kernel without it.
        let came_back = |step: &str| transcript.observation(step).end == StepEnd::CameBack;
        let lost = match self.session.step(step) {
            Some(_) => Some(step.as_str()).filter(|step| !came_back(step)),
            // Of the boot, or of another thread: it may come with any step.
            None => self.session.steps.iter().map(|step| step.id.as_str()).find(|step| !came_back(step)),
        };
        match lost {
            Some(step) => Once::Nothing(format!("the session did not come through step {step}")),
            None => Once::NotShown(transcript),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use scrubjay_session::Field;
    use scrubjay_session::observation::{Aside, Observation, Seen};
    use scrubjay_verdict::Promises;
    use scrubjay_verdict::finding::Place;

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

    fn finding(rule: &str, step: &str, seen: &str) -> Finding {
        let place = Place { session: "s", step, field: Some(Field::Errno), promise: "X01" };
        Finding::new(rule, place, "ok".to_owned(), seen.to_owned(), &Promises::default())
    }

    #[test]
    fn what_is_seen_most_often_is_looked_for_and_no_fluke_and_no_mere_consequence() {
        let (lost, real) = (finding(id::STEP_LOST, "b", "lost"), finding("set-blocked", "a", "EPERM"));
        let fluke = finding("errno-changed", "a", "EIO");
        let mut shown = Shown::default();
        let transcript = Transcript::new("s");
        shown.take(&transcript, vec![fluke.clone(), lost.clone(), real.clone(), real.clone()]);
        assert_eq!(shown.first().map(|(finding, ..)| &finding.rule), None, "one run is none");
        shown.take(&transcript, vec![lost, real.clone()]);
        let (first, seen, _) = shown.first().expect("seen twice");
        assert_eq!((&first.fingerprint, seen, shown.of, shown.others()), (&real.fingerprint, 2, 2, 1));
    }

    #[rstest]
    #[case::it_is_there(&[("set-blocked", "a", "EPERM")], &["a", "b"], "shown")]
    #[case::nothing(&[], &["a", "b"], "not shown")]
    #[case::something_else_again(&[("errno-changed", "a", "EACCES")], &["a", "b"], "step a gives something else again: EACCES")]
    #[case::at_another_step(&[("errno-changed", "b", "EACCES")], &["a", "b"], "not shown")]
    #[case::it_died_before(&[("kernel-oops", "a", "x")], &[], "the session did not come through step a")]
    fn one_run_says_whether_it_is_there(
        #[case] found: &[(&str, &str, &str)],
        #[case] reached: &[&str],
        #[case] expected: &str,
    ) {
        let session = session();
        let wanted = Wanted { session: &session, finding: finding("set-blocked", "a", "EPERM") };
        let mut found: Vec<_> = found.iter().map(|(rule, step, seen)| finding(rule, step, seen)).collect();
        found.iter_mut().filter(|f| f.rule == "kernel-oops").for_each(|f| f.field = Some(Field::Log));
        let told = match wanted.told_by(&found, &[], transcript(reached)) {
            Once::Shown(_) => "shown".to_owned(),
            Once::NotShown(_) => "not shown".to_owned(),
            Once::Nothing(why) => why,
        };
        assert_eq!(told, expected);
    }

    #[rstest]
    #[case::what_the_bad_end_gives("EPERM", "shown")]
    #[case::what_the_good_end_gives("EACCES", "not shown")]
    fn a_golden_that_accepts_neither_end_tells_them_apart(#[case] seen: &str, #[case] expected: &str) {
        let session = session();
        let wanted = Wanted { session: &session, finding: finding("set-blocked", "a", "EPERM") };
        let unaccepted = [finding("set-blocked", "a", seen)];
        let told = match wanted.told_by(&[], &unaccepted, transcript(&["a", "b"])) {
            Once::Shown(_) => "shown",
            Once::NotShown(_) => "not shown",
            Once::Nothing(_) => "nothing",
        };
        assert_eq!(told, expected);
    }

    #[rstest]
    #[case::all_steps(&["a", "b"], true)]
    #[case::one_is_lost(&["a"], false)]
    fn what_is_of_no_step_is_not_there_where_every_step_came_back(
        #[case] reached: &[&str],
        #[case] expected: bool,
    ) {
        let session = session();
        let wanted = Wanted { session: &session, finding: finding("kernel-warning", "(boot)", "x") };
        let told = wanted.told_by(&[], &[], transcript(reached));
        assert_eq!(matches!(told, Once::NotShown(_)), expected, "{told:?}");
    }

    fn session() -> Session {
        let step = |id: &str| serde_json::json!({"id": id, "do": {"taint": {}}});
        serde_json::from_value(serde_json::json!({
            "format": "scrubjay.session/1", "id": "s", "title": "t", "devices": ["d"], "promise": "X01",
            "steps": [step("a"), step("b")]}))
        .expect("a session")
    }

    fn transcript(reached: &[&str]) -> Box<Transcript> {
        let mut transcript = Transcript::new("s");
        for id in reached {
            let observation = Observation { errno: "ok".to_owned(), ..Observation::default() };
            transcript.steps.push(Seen { id: (*id).to_owned(), observation, aside: Aside::default() });
        }
        Box::new(transcript)
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
