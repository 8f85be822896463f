//! `scrubjay rules`, `explain` and `promises`: what differences are called and what they are held to.

use std::fmt::Write;

use scrubjay_run::ExitStatus;
use scrubjay_verdict::rule::Object;
use scrubjay_verdict::{Claims, Library, Policy, Rule};

use crate::args::{ExplainArgs, PromisesArgs};
use crate::context::Context;
use crate::failure::{Result, Usage};
use crate::table;

/// The width that text is filled to.
const WIDTH: usize = 96;

/// Lists the rules by what they are about.
pub fn rules() -> Result<ExitStatus> {
    let row = |rule: &Rule| {
        let mut row = vec![rule.id.clone()];
        row.extend(Policy::ALL.map(|policy| rule.weight(policy).severity.name().to_owned()));
        row.push(rule.title.clone());
        row
    };
    let groups: Vec<_> = Object::ALL
        .iter()
        .map(|&object| (object.name(), Rule::all().filter(|r| r.object == object).map(row).collect()))
        .collect();
    let [exempt, footgun, frozen] = Policy::ALL.map(Policy::name);
    table::grouped(&["rule", exempt, footgun, frozen, "title"], &groups)?;
    Ok(ExitStatus::Clean)
}

/// Explains one rule.
pub fn explain(args: &ExplainArgs) -> Result<ExitStatus> {
    let Some(rule) = Rule::find(&args.rule) else {
        let part = args.rule.split('-').next().unwrap_or_default();
        let like: Vec<_> = Rule::all().map(|r| r.id.as_str()).filter(|id| id.contains(part)).collect();
        let like = if like.is_empty() {
            "see `scrubjay rules`".to_owned()
        } else {
            format!("there is {}", like.join(", "))
        };
        return Err(Usage(format!("no rule `{}`; {like}", args.rule)).into());
    };
    table::text(&explained(rule)?)?;
    Ok(ExitStatus::Clean)
}

/// All that a rule's file says, as a person reads it.
fn explained(rule: &Rule) -> Result<String, std::fmt::Error> {
    let mut text = format!("{}: {}\n\n", rule.id, rule.title);
    let mut row = |name: &str, said: &str| writeln!(text, "{}", beside(name, said));
    row(
        "about",
        &format!("{}, {}; noticed by the {}", rule.object.name(), rule.kind.name(), rule.side.name()),
    )?;
    row("programs", &rule.user)?;
    row("firmware", &rule.firmware)?;
    row("example", &rule.example)?;
    row("reference", &rule.reference)?;
    match (&rule.mirror, &rule.no_mirror) {
        (Some(mirror), _) => row("mirror", mirror)?,
        (None, Some(why)) => row("mirror", &format!("none: {why}"))?,
        (None, None) => row("mirror", "itself: what changed changes back under the same name")?,
    }
    for policy in Policy::ALL {
        let weight = rule.weight(policy);
        row(policy.name(), &format!("{}: {}", weight.severity.name(), weight.why))?;
    }
    row("bounds", if rule.bounded { BOUNDED } else { UNBOUNDED })?;
    if rule.conclusive {
        row("seen once", "is conclusive: it is not run again")?;
    }
    Ok(text)
}

/// What is said of a rule that the class of a promise bounds.
const BOUNDED: &str = "a documented promise leaves these weights as they are; an implied one makes a break \
                       a warning under exempt and footgun, an incidental one a note there and a warning \
                       under frozen";

/// What is said of one that it does not.
const UNBOUNDED: &str = "none: it weighs the same whatever promise the step pins";

/// Lists promises.
pub fn promises(args: &PromisesArgs, context: &Context) -> Result<ExitStatus> {
    let library = Library::load(&context.root)?;
    let (all, claims) = (&library.promises, Claims::of(&library));
    let named = |id: &str| {
        args.ids.iter().any(|word| word == id || (word.len() == 1 && id.starts_with(word.as_str())))
    };
    if let Some(word) = args.ids.iter().find(|word| {
        !all.iter().any(|p| p.id == **word || (word.len() == 1 && p.id.starts_with(word.as_str())))
    }) {
        return Err(Usage(format!("no promise `{word}`; they are called by a letter and two digits")).into());
    }
    let mut text = String::new();
    for promise in all.iter().filter(|promise| args.ids.is_empty() || named(&promise.id)) {
        let note = promise.class_note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
        let changed =
            promise.changed.as_ref().map(|changed| format!("; changed: {changed}")).unwrap_or_default();
        writeln!(text, "{}  {}{note}{changed}", promise.id, promise.class.name())?;
        let claimed = claims.sessions(&promise.id).collect::<Vec<_>>().join(", ");
        let tested = match &promise.untested {
            Some(why) => format!("not tested: {why}"),
            None => format!("claimed by {claimed}"),
        };
        for part in [&promise.statement, &promise.source, &tested] {
            let options = textwrap::Options::new(WIDTH).initial_indent("     ").subsequent_indent("     ");
            writeln!(text, "{}", textwrap::fill(part, options))?;
        }
    }
    table::text(&text)?;
    Ok(ExitStatus::Clean)
}

/// A name and what is said of it, filled beside it.
fn beside(name: &str, said: &str) -> String {
    let first = format!("{name:11}");
    let rest = " ".repeat(first.len());
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(&first)
        .subsequent_indent(&rest)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(&said.split_whitespace().collect::<Vec<_>>().join(" "), options)
}
