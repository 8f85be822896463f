//! `scrubjay rules`, `explain` and `promises`: what differences are called and what they are held to.

use std::fmt::Write;

use scrubjay_reports::ExitStatus;
use scrubjay_verdict::{Policy, Promises, Rule};

use crate::args::{ExplainArgs, PromisesArgs};
use crate::context::Context;
use crate::failure::Usage;
use crate::table;

/// The width that text is filled to.
const WIDTH: usize = 96;

/// Lists the rules.
pub fn rules() -> anyhow::Result<ExitStatus> {
    let row = |rule: &Rule| {
        let mut row = vec![rule.id.clone()];
        row.extend(Policy::ALL.map(|policy| rule.severity.under(policy).name().to_owned()));
        row.push(rule.title.clone());
        row
    };
    let rows: Vec<_> = Rule::all().map(row).collect();
    let [exempt, footgun, frozen] = Policy::ALL.map(Policy::name);
    table::print(&["rule", exempt, footgun, frozen, "title"], &rows)?;
    Ok(ExitStatus::Clean)
}

/// Explains one rule.
pub fn explain(args: &ExplainArgs) -> anyhow::Result<ExitStatus> {
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
    let mut text = format!("{}: {}\n", rule.id, rule.title);
    for paragraph in [&rule.means, &rule.why] {
        write!(text, "\n{}\n", fill(paragraph))?;
    }
    let weights =
        Policy::ALL.map(|policy| format!("{} {}", policy.name(), rule.severity.under(policy).name()));
    write!(text, "\nweighs: {}\n", weights.join(", "))?;
    text.push_str(&fill(
        "An implied promise bounds that to a break under frozen and a warning otherwise, an incidental one to a \
         warning under frozen and a note otherwise.",
    ));
    text.push('\n');
    table::text(&text)?;
    Ok(ExitStatus::Clean)
}

/// Lists promises.
pub fn promises(args: &PromisesArgs, context: &Context) -> anyhow::Result<ExitStatus> {
    let all = Promises::load(&context.vectors().join("promises"))?;
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
        for part in [&promise.statement, &promise.source] {
            let options = textwrap::Options::new(WIDTH).initial_indent("     ").subsequent_indent("     ");
            writeln!(text, "{}", textwrap::fill(part, options))?;
        }
    }
    table::text(&text)?;
    Ok(ExitStatus::Clean)
}

fn fill(text: &str) -> String {
    textwrap::fill(text.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), WIDTH)
}
