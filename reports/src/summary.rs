//! The end of the text: what did not pass, the kernels, what was not tested, and one line that says it all.

use std::collections::BTreeMap;

use scrubjay_run::{Again, Guests};
use scrubjay_verdict::{Promises, Status};

use crate::again::{again, guests};
use crate::card;
use crate::causes::{self, Shown};
use crate::not_tested::{self, NotTested};
use crate::paint::Colour;
use crate::profile::{changes, changes_in_short, defects, each_fix, fixes, fixes_in_short};
use crate::run::{Counts, KernelReport, KernelState, Run};
use crate::text::{count, plain, wrapped};
use crate::untested::untested;
use crate::waivers::idle;

/// Columns of a status word.
const STATUS: usize = 6;

/// Columns of a name before what is said of all kernels or of one.
const NAME: usize = 11;

/// Lines of the console of a guest that died.
const CONSOLE: usize = 8;

/// Lines of a reason that a session could not be tested.
const REASON: usize = 6;

/// How a run is summed up.
pub struct Look<'a> {
    /// The promises, for their statements.
    pub promises: &'a Promises,
    /// Whether to colour.
    pub colour: Colour,
    /// Whether to list what is otherwise counted: changes, defects.
    pub every: bool,
}

/// All of it.
pub fn lines(run: &Run, look: &Look) -> Vec<String> {
    let shown = causes::shown(run);
    let mut lines = Vec::new();
    if !run.complete {
        lines.push(String::new());
        lines.push("the run was cut short: what is missing was not tested".to_owned());
    }
    lines.extend(failed(run, look));
    lines.extend(cards(run, &shown, look));
    lines.extend(errors(run, look));
    lines.extend(consoles(run, &shown));
    lines.extend(minor(run, &shown));
    lines.extend(table(run, look));
    lines.extend(profiles(run, look));
    lines.extend(not_tested(run, look));
    lines.extend(came_up(run));
    let idle: Vec<_> = idle(&run.waivers).iter().flat_map(|text| wrapped("  ", text)).collect();
    if !idle.is_empty() {
        lines.push("waivers to look at:".to_owned());
        lines.extend(idle);
    }
    lines.push(String::new());
    // However long: it is the last line, and one.
    lines.push(last(run, &shown));
    lines
}

/// A name before the first line of a text.
fn named(name: &str, text: &str) -> Vec<String> {
    wrapped(&format!("{name:NAME$} "), text)
}

/// A status before the first line of a text, in its colour, which takes no room.
fn worded(look: &Look, status: Status, width: usize, text: &str) -> Vec<String> {
    let mut lines = wrapped(&" ".repeat(width + 1), text);
    if let Some(first) = lines.first_mut() {
        *first = format!("{} {}", look.colour.status(status, width), first.trim_start());
    }
    lines
}

fn failed(run: &Run, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for kernel in run.kernels.iter().filter(|kernel| kernel.state == KernelState::Failed) {
        let head = look.colour.strong(&format!("kernel {}", plain(&kernel.kernel)));
        lines.push(String::new());
        lines.push(format!("{head}: nothing could be tested"));
        lines.extend(kernel.why.iter().flat_map(|why| why.lines()).flat_map(|line| wrapped("  ", line)));
    }
    lines
}

fn cards(run: &Run, shown: &[Shown], look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for one in shown.iter().filter(|one| one.is_card(run.policy)) {
        lines.push(String::new());
        let weight = one.weight(run.policy);
        let word = match weight {
            "break" => look.colour.status(Status::Break, STATUS),
            "error" => look.colour.status(Status::Error, STATUS),
            other => format!("{other:STATUS$}"),
        };
        let rule = look.colour.strong(&plain(&one.cause.rule));
        lines.push(format!("{word} {rule}  {}", plain(&card::extent(one, run.kernels.len()))));
        lines.extend(wrapped("  ", &one.cause.what));
        for (name, text) in card::facts(one, look.promises) {
            lines.extend(wrapped(&format!("  {name:9} "), &text));
        }
        // Coloured words are no longer than they look only to a terminal: no wrapping here.
        let severities = one.cause.severity.each();
        let severities =
            severities.map(|(policy, severity)| format!("{policy} {}", look.colour.severity(severity)));
        lines.push(format!("  {:9} {}", "weighs", severities.collect::<Vec<_>>().join(", ")));
        lines.push(format!(
            "  {:9} {}, the example's {}",
            "id", one.cause.fingerprint, one.example.fingerprint
        ));
    }
    lines
}

/// Sessions that could not be tested, a paragraph for each reason.
fn errors(run: &Run, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for NotTested { who, why, .. } in not_tested::sessions(run).iter().filter(|told| !told.skipped) {
        lines.push(String::new());
        lines.extend(worded(look, Status::Error, STATUS, &format!("could not be tested: {who}")));
        lines.extend(why.lines().take(REASON).flat_map(|line| wrapped("  ", line)));
    }
    lines
}

/// The last words of guests that died, where something is wrong that they may explain.
fn consoles(run: &Run, shown: &[Shown]) -> Vec<String> {
    let mut lines = Vec::new();
    for kernel in &run.kernels {
        let wrong = kernel.counts.error > 0
            || shown.iter().any(|one| one.cause.breaks(run.policy) && one.kernels.contains(&&*kernel.kernel));
        let tail = run.evidence.get(&kernel.kernel).and_then(|evidence| evidence.console_tail.as_ref());
        let Some(tail) = tail.filter(|_| wrong) else { continue };
        let all: Vec<_> = tail.lines().collect();
        lines.push(String::new());
        lines.push(format!(
            "the end of the console of the last guest of {} that died:",
            plain(&kernel.kernel)
        ));
        let end = &all[all.len().saturating_sub(CONSOLE)..];
        lines.extend(end.iter().map(|line| format!("  | {}", plain(line.trim_end()))));
    }
    lines
}

/// What is waived or merely noted, a line for each cause.
fn minor(run: &Run, shown: &[Shown]) -> Vec<String> {
    let minor: Vec<_> = shown.iter().filter(|one| !one.is_card(run.policy)).collect();
    let mut lines: Vec<_> = minor.first().map(|_| String::new()).into_iter().collect();
    for one in minor {
        let until = one.example.waived.as_ref().map(|waived| format!("; {waived}"));
        let text = format!(
            "{}: {}: {}{}; id {}",
            one.cause.rule,
            one.cause.what,
            card::extent(one, run.kernels.len()),
            until.unwrap_or_default(),
            one.example.fingerprint
        );
        lines.extend(wrapped(&format!("{:STATUS$} ", one.weight(run.policy)), &text));
    }
    lines
}

/// A row for each kernel, and the areas in which something did not pass.
fn table(run: &Run, look: &Look) -> Vec<String> {
    let judged: Vec<_> = run.kernels.iter().filter(|kernel| kernel.state != KernelState::Failed).collect();
    if judged.is_empty() {
        return Vec::new();
    }
    let width =
        judged.iter().map(|kernel| plain(&kernel.kernel).chars().count()).max().unwrap_or(0).clamp(6, 60);
    let policies = run.policies();
    let names: Vec<_> = policies.iter().map(|policy| format!("{:>6}", policy.name())).collect();
    let mut lines = vec![
        String::new(),
        format!("{:width$}  pass waived break error  skip   breaks: {}   release", "kernel", names.join(" ")),
    ];
    for kernel in judged {
        let Counts { pass, waived, broken, error, skip } = kernel.counts;
        let breaks = policies.iter().zip(&names).map(|(policy, name)| {
            let width = name.len();
            format!("{:>width$}", kernel.breaks.under(*policy))
        });
        let release = match kernel.verdict.as_ref().map(|verdict| verdict.release.as_str()) {
            _ if kernel.state == KernelState::Interrupted => "interrupted",
            None | Some("") => "never came up",
            Some(release) => release,
        };
        let name = format!("{:width$}", plain(&kernel.kernel));
        lines.push(format!(
            "{} {pass:>5} {waived:>6} {broken:>5} {error:>5} {skip:>5}           {}   {}",
            look.colour.strong(&name),
            breaks.collect::<Vec<_>>().join(" "),
            plain(release)
        ));
        let areas = areas(kernel);
        if !areas.is_empty() {
            lines.extend(wrapped(&format!("{:width$}  ", ""), &areas));
        }
    }
    lines
}

/// The areas of a kernel in which something did not pass, with how many of those that apply did; the others counted.
fn areas(kernel: &KernelReport) -> String {
    let mut areas: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for session in kernel.sessions.values().filter(|session| session.status != Status::Skip) {
        let (passed, of) = areas.entry(&session.area).or_default();
        *of += 1;
        *passed += usize::from(matches!(session.status, Status::Pass | Status::Waived));
    }
    let (whole, not): (Vec<_>, Vec<_>) = areas.into_iter().partition(|(_, (passed, of))| passed == of);
    let mut told: Vec<_> = not.iter().map(|(area, (passed, of))| format!("{area} {passed}/{of}")).collect();
    match whole.len() {
        0 => {}
        n if told.is_empty() => {
            told.push(format!("every session that applies passes, in {}", count(n, "area")))
        }
        n => told.push(format!("{} pass", count(n, "other area"))),
    }
    told.join(", ")
}

/// Changes, missing fixes and defects of each kernel.
fn profiles(run: &Run, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for kernel in &run.kernels {
        let Some(verdict) = &kernel.verdict else { continue };
        let nearest = kernel.nearest_release.as_deref();
        let (changes, mut defects) = match look.every {
            true => (changes(verdict, nearest), defects(verdict)),
            false => (changes_in_short(verdict, nearest).into_iter().collect(), defects(verdict)),
        };
        if !look.every {
            defects.truncate(1);
        }
        let mut told = Vec::new();
        let fixes = match run.kernels.len() {
            1 => fixes(verdict),
            _ => fixes_in_short(verdict).into_iter().collect(),
        };
        for (name, texts) in [("changes", changes), ("fixes", fixes), ("defects", defects)] {
            for (i, text) in texts.iter().enumerate() {
                told.extend(named(if i == 0 { name } else { "" }, text));
            }
        }
        if run.kernels.len() > 1 && !told.is_empty() {
            lines.push(look.colour.strong(&format!("kernel {}", plain(&kernel.kernel))));
        }
        lines.extend(told);
    }
    if run.kernels.len() > 1 {
        lines.extend(missing_fixes(run));
    }
    lines
}

/// The fixes that some of several kernels lack, each once, with the kernels.
fn missing_fixes(run: &Run) -> Vec<String> {
    let mut missing: Vec<(String, Vec<&str>)> = Vec::new();
    for kernel in &run.kernels {
        for fix in kernel.verdict.iter().flat_map(each_fix) {
            match missing.iter_mut().find(|(told, _)| *told == fix) {
                Some((_, kernels)) => kernels.push(&kernel.kernel),
                None => missing.push((fix, vec![&kernel.kernel])),
            }
        }
    }
    missing
        .into_iter()
        .flat_map(|(fix, kernels)| named("missing", &format!("on {}: {fix}", kernels.join(", "))))
        .collect()
}

fn not_tested(run: &Run, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    for NotTested { who, why, .. } in not_tested::sessions(run).iter().filter(|told| told.skipped) {
        lines.extend(worded(look, Status::Skip, NAME, &format!("{who}: {why}")));
    }
    let unobserved = not_tested::unobserved(run);
    if !unobserved.is_empty() {
        lines.extend(named("not checked", &unobserved.join("; ")));
    }
    lines
}

/// How guests came up and what was tried once more, all kernels together.
fn came_up(run: &Run) -> Vec<String> {
    let mut all = Guests::default();
    let mut any = false;
    for kernel in &run.kernels {
        if let Some(counts) = &kernel.guests {
            any = true;
            all.booted += counts.booted;
            all.started += counts.started;
            all.not_kept.extend(
                counts.not_kept.iter().filter(|why| !all.not_kept.contains(why)).cloned().collect::<Vec<_>>(),
            );
        }
        all.again.extend(kernel.tried_again.iter().map(Again::from));
    }
    let mut lines = Vec::new();
    if any {
        lines.extend(named("guests", &guests(&all).join("; ")));
    }
    lines.extend(again(&all.again).iter().flat_map(|text| named("tried again", text)));
    lines
}

/// The exit status, what it means, and the numbers behind it.
pub fn last(run: &Run, shown: &[Shown]) -> String {
    let breaking = shown.iter().filter(|one| one.cause.breaks(run.policy)).count();
    let mut total = Counts::default();
    for Counts { pass, waived, broken, error, skip } in run.kernels.iter().map(|kernel| kernel.counts) {
        total.pass += pass;
        total.waived += waived;
        total.broken += broken;
        total.error += error;
        total.skip += skip;
    }
    let sessions = total.pass + total.waived + total.broken + total.error + total.skip;
    let verb = if sessions == 1 { "passes" } else { "pass" };
    let mut parts = vec![format!("{} of {} {verb}", total.pass, count(sessions, "session"))];
    let others =
        [("waived", total.waived), ("break", total.broken), ("error", total.error), ("skip", total.skip)];
    parts.extend(others.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")));
    let why = match breaking {
        0 => run.meaning(),
        1 => format!("1 cause breaks {}", run.policy.name()),
        n => format!("{n} causes break {}", run.policy.name()),
    };
    let untested = untested(run);
    let mut kernels: Vec<_> =
        untested.iter().filter(|one| one.session.is_none()).map(|one| one.kernel).collect();
    kernels.dedup();
    if !kernels.is_empty() {
        parts.push(format!("{} incomplete", count(kernels.len(), "kernel")));
    }
    let shard = run.asked.shard().map(|shard| format!(" of shard {shard} alone")).unwrap_or_default();
    format!("exit status {}{shard}: {why}; {}", run.exit_status, parts.join(", "))
}
