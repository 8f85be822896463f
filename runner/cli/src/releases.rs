//! `scrubjay releases`: how each release differs from the one before, as a page.

use std::borrow::Cow;
use std::fmt::Write as _;

use scrubjay_check::explained;
use scrubjay_check::releases::{Difference, Passage, Release, passage};
use scrubjay_engine::{Lab, Progress};
use scrubjay_host::{Output, words};
use scrubjay_kernels::{Asked, Catalogue, Fwctl, Manifest};
use scrubjay_run::ExitStatus;
use scrubjay_session::{Performance, Session};
use scrubjay_verdict::{Library, Rule};

use crate::args::ReleasesArgs;
use crate::context::Context;
use crate::failure::{Result, Untested, Usage};
use crate::interrupt::Interrupt;
use crate::{lab, select, table};

/// A value that is longer is cut in a table.
const LONGEST: usize = 72;

/// Runs every release once, and writes what changed from each to the next.
pub fn run(args: &ReleasesArgs, context: &Context) -> Result<ExitStatus> {
    let library = context.library()?;
    let catalogue = context.catalogue()?;
    let sessions = select::sessions(&args.lab.sessions, &library.sessions, context)?;
    let manifests = wanted(&args.kernels, &catalogue)?;
    let resolver = context.resolver(args.lab.kernel_cache.as_deref())?;
    let mut output = args.write.as_deref().map(Output::at).transpose()?;
    let interrupt = Interrupt::listen();
    let mut targets = Vec::new();
    for manifest in &manifests {
        let obtained = lab::obtain(&Asked::Made(Cow::Borrowed(manifest)), &sessions, &resolver, &interrupt)?;
        targets.push(obtained.target.map_err(|why| Untested(format!("kernel {}: {why}", manifest.id)))?);
    }
    interrupt.done()?;
    let machine = lab::machine(&targets[0].0)?;
    let mut untested = false;
    let mut releases = Vec::new();
    let vcpus = table::count(args.lab.guests.vcpus.into(), "vCPU");
    let mut head = format!("QEMU {} under {}, {vcpus}:\n\n", machine.0.version(), machine.1.accel);
    for (target, provenance) in &targets {
        words::say(provenance);
        let lab = Lab { keep: false, ..lab::lab(&library, &machine, &args.lab.guests) };
        let stands = |id: &str, performance: &Performance| explained(&library, id, performance);
        let run = lab.run_judged(&target.kernel, &sessions, &stands, &mut |_: Progress| {});
        untested |= run.performances.values().any(|p| matches!(p, Performance::Failed { .. }));
        let unseen = match run.not_checked.as_slice() {
            [] => String::new(),
            what => format!(" Not seen on it: {}.", what.join("; ")),
        };
        writeln!(head, "- {}.{unseen}", provenance.trim_end_matches('.'))?;
        releases.push(Release {
            id: target.kernel.id.clone(),
            version: target.release.clone(),
            performances: run.performances,
        });
    }
    let page = words::plain_lines(&page(&library, &sessions, &releases, &head));
    match &mut output {
        Some(output) => output.write(&page)?,
        None => table::text(&page)?,
    }
    Ok(if untested { ExitStatus::Untested } else { ExitStatus::Clean })
}

/// The kernels that were asked for; else every release of the catalogue as it was released, in the order
/// of releases.
fn wanted<'a>(ids: &[String], catalogue: &'a Catalogue) -> Result<Vec<&'a Manifest>> {
    let mut manifests = if ids.is_empty() {
        let is_release = |m: &&Manifest| {
            m.history.unmodified && m.fwctl == Fwctl::Present && m.id == m.history.release.to_string()
        };
        catalogue.iter().filter(is_release).collect::<Vec<_>>()
    } else {
        ids.iter().map(|id| catalogue.get(id)).collect::<Result<_, _>>()?
    };
    manifests.sort_by_key(|m| m.history.release);
    if manifests.len() < 2 {
        return Err(Usage("one release has nothing to be compared with; name two or more".into()).into());
    }
    Ok(manifests)
}

fn page(library: &Library, sessions: &[&Session], releases: &[Release], head: &str) -> String {
    let mut page = String::from(
        "# Release by release\n\n\
         How each release differs from the one before, seen by running the same sessions on both. \
         Each difference has the rule that names it and the change that explains it; a change is told once, \
         below the table in which it first stands. What no change explains has one row a session, with the first of its \
         differences. Made by `scrubjay releases --write docs/releases.md`; \
         what no change names is explained in [findings](findings.md).\n\n",
    );
    page += &format!("{} on each release, in {head}", table::count(sessions.len(), "session"));
    for pair in releases.windows(2) {
        let [earlier, later] = pair else { continue };
        page += &section(library, earlier, later, &passage(library, earlier, later));
    }
    page
}

fn section(library: &Library, earlier: &Release, later: &Release, passage: &Passage) -> String {
    let mut text = format!("\n## {} to {}\n\n", earlier.version, later.version);
    let compared = table::count(passage.compared, "session");
    text += &match passage.differences.len() {
        0 => format!("{compared} compared, no difference.\n"),
        n => format!("{compared} compared, {}.\n", table::count(n, "difference")),
    };
    if !passage.left_out.is_empty() {
        let list = passage.left_out.iter().map(|(session, why)| format!("`{session}` ({why})"));
        text += &format!("\nNot compared: {}.\n", list.collect::<Vec<_>>().join(", "));
    }
    if passage.differences.is_empty() {
        return text;
    }
    text += &format!(
        "\n| rule | session, step, field | {} | {} | change |\n|---|---|---|---|---|\n",
        earlier.id, later.id
    );
    for group in passage.differences.chunk_by(of_one_cause) {
        let [first, more @ ..] = group else { continue };
        text += &row(first, more.len());
    }
    let named = passage.differences.iter().flat_map(|d| &d.changes);
    for id in named.collect::<std::collections::BTreeSet<_>>() {
        if let Some(change) = library.changes.get(id) {
            let ends = |text: &str| text.trim().trim_end_matches('.').to_owned();
            text += &format!(
                "\n**{}** ({}, {}): {}. {}. Reference: {}.\n",
                change.id,
                change.commit.as_ref().map_or("no commit", |commit| &commit.id),
                change
                    .since(scrubjay_verdict::Release::leading(&later.version).map(|release| release.series)),
                ends(&change.title),
                ends(&change.reason),
                ends(&change.reference)
            );
        }
    }
    text
}

/// Whether two differences are told in one row: those of a session that no change explains.
fn of_one_cause(one: &Difference, next: &Difference) -> bool {
    one.changes.is_empty() && next.changes.is_empty() && one.finding.session == next.finding.session
}

/// A difference, and how many more of its session it stands for.
fn row(Difference { finding, changes }: &Difference, more: usize) -> String {
    let field = finding.field.map_or("", |field| field.name());
    let step = match finding.step.as_str() {
        "" => String::new(),
        step => format!(", `{step}`"),
    };
    let changes = match changes.len() {
        0 => "none".to_owned(),
        _ => changes.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    let title = Rule::find(&finding.rule).map_or("", |rule| rule.title.as_str());
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "| `{}`: {title} | `{}`{step}, {field}{more} | {} | {} | {changes} |\n",
        finding.rule,
        finding.session,
        cell(&finding.accepted),
        cell(&finding.seen)
    )
}

/// A value as a cell of a table, cut where it is long.
fn cell(value: &str) -> String {
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
