//! A finding as lines that a maintainer can paste into a mail. The same for every text format.

use scrubjay_session::{Field, klog};
use scrubjay_verdict::finding::{Repeat, WHOLE_KERNEL};
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Finding, Policy, Promises, Rule, Status};

use scrubjay_wire::LogLine;

use crate::difference::differences;
use crate::paint::Colour;
use crate::text::{WIDTH, cut, plain, shorten, wrapped};

/// The longest raw value.
const LONGEST: usize = 200;

/// Lines of the kernel log that come with a finding.
const LOG_LINES: usize = 8;

/// The same where they are what it is about.
const DAMAGE_LINES: usize = 48;

/// The most commands or events of a list.
const MOST_ITEMS: usize = 8;

/// How findings are shown.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// The promises, for their statements.
    pub promises: &'a Promises,
    /// Whether to colour.
    pub colour: Colour,
    /// What every line begins with.
    pub indent: &'a str,
}

/// Where a finding was made: `set-by-scope, step full, field errno`; empty for one of the whole kernel.
pub fn place(finding: &Finding) -> String {
    let session = (finding.session != WHOLE_KERNEL).then(|| finding.session.clone());
    let step = (!finding.step.is_empty()).then(|| format!("step {}", finding.step));
    let field = finding.field.map(|field| format!("field {}", field.name()));
    session.into_iter().chain(step).chain(field).collect::<Vec<_>>().join(", ")
}

/// The finding in a few words: `set-blocked at step full, intermittent 1/3`.
pub fn brief(finding: &Finding) -> String {
    let mut text = match finding.step.as_str() {
        "" => finding.rule.clone(),
        step => format!("{} at step {step}", finding.rule),
    };
    if let Some(repeat) = finding.repeat.filter(|repeat| repeat.seen < repeat.of) {
        text.push_str(&format!(", {}", often(repeat)));
    }
    text
}

/// What a finding weighs under the policy that decides, or that it is waived.
pub fn weight(finding: &Finding, policy: Policy) -> &'static str {
    match finding.waived {
        Some(_) => Status::Waived.name(),
        // A gap of this suite: nothing of the kernel is broken.
        None if finding.rule == id::UNCLASSIFIED || finding.unsettled => Status::Error.name(),
        None => finding.severity.under(policy).name(),
    }
}

/// Lines of a log that are worth reading first: of damage from its report on, at most so many.
pub fn telling(log: &[String], most: usize) -> &[String] {
    let is_report = |text: &String| {
        let line = LogLine { seq: 0, micros: 0, level: 0, caller: None, text: text.clone() };
        klog::classify(&line).is_some_and(|event| event.class.is_damage())
    };
    let from = log.iter().position(is_report).unwrap_or_default();
    &log[from..log.len().min(from + most)]
}

/// The finding in full.
pub fn lines(finding: &Finding, look: Look) -> Vec<String> {
    let mut lines = wrapped_under(look, &headline(finding));
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&finding.rule, &look.colour.strong(&finding.rule), 1);
    }
    let mut rows = rows(finding, look.promises);
    if let Some(repeat) = finding.repeat {
        rows.push(("seen in", often(repeat)));
    }
    for (name, text) in &rows {
        lines.extend(wrapped(&format!("{}  {name:9} ", look.indent), text));
    }
    lines.extend(log(finding, look.indent));
    // Coloured words are no longer than they look only to a terminal: no wrapping here.
    let severities = finding.severity.each();
    let severities: Vec<_> =
        severities.map(|(policy, severity)| format!("{policy} {}", look.colour.severity(severity))).collect();
    lines.push(format!("{}  {:9} {}", look.indent, "weighs", severities.join(", ")));
    lines.push(format!("{}  {:9} {}", look.indent, "id", finding.fingerprint));
    lines
}

/// What a finding says whatever kernel shows it: a name and a text each, the name empty where the
/// text goes on with what stands before it.
pub fn rows(finding: &Finding, promises: &Promises) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if !finding.promise.is_empty() {
        rows.push(("promise", promise(finding, promises)));
    }
    rows.extend(differences(finding).into_iter().map(|difference| ("differs", difference)));
    for (name, value) in [("accepted", &finding.accepted), ("seen", &finding.seen)] {
        let items = items(finding.field, value).into_iter().enumerate();
        rows.extend(items.map(|(i, item)| (if i == 0 { name } else { "" }, item)));
    }
    if !finding.follows.is_empty() {
        let follows: Vec<_> = finding.follows.iter().map(|field| field.name()).collect();
        rows.push(("so too", follows.join(", ")));
    }
    rows.extend(finding.waived.iter().map(|waived| ("waived", plain(&waived.to_string()))));
    rows
}

/// How often a finding was seen: `2/2`, `intermittent 1/3`.
pub fn often(Repeat { seen, of }: Repeat) -> String {
    if seen < of { format!("intermittent {seen}/{of}") } else { format!("{seen}/{of}") }
}

/// Rule, place and the rule's title, in a line.
pub fn headline(finding: &Finding) -> String {
    let title = Rule::find(&finding.rule).map_or("", |rule| &rule.title);
    match place(finding) {
        place if place.is_empty() => format!("{}: {title}", finding.rule),
        place => format!("{} in {place}: {title}", finding.rule),
    }
}

fn wrapped_under(look: Look, text: &str) -> Vec<String> {
    let mut lines = wrapped(look.indent, text);
    for line in lines.iter_mut().skip(1) {
        line.insert_str(look.indent.len(), "  ");
    }
    lines
}

/// The promise of a finding: its id, how firmly it was made, what it says.
pub fn promise(finding: &Finding, promises: &Promises) -> String {
    let head = format!("{} ({})", finding.promise, finding.class.name());
    match promises.get(&finding.promise) {
        Some(promise) => format!("{head}: {}", cut(&plain(&promise.statement), 2 * WIDTH)),
        None => head,
    }
}

/// A value as its parts: one line a command or event, one for everything else.
fn items(field: Option<Field>, value: &str) -> Vec<String> {
    let text = if value.is_empty() { "nothing".to_owned() } else { plain(value) };
    let parts: Vec<_> = match field {
        Some(Field::Mailbox | Field::Log) => text.split("; ").collect(),
        _ => vec![text.as_str()],
    };
    let mut items: Vec<_> = parts.iter().take(MOST_ITEMS).map(|part| shorten(part, LONGEST)).collect();
    if parts.len() > MOST_ITEMS {
        items.push(format!("... {} in all", parts.len()));
    }
    items
}

fn log(finding: &Finding, indent: &str) -> Vec<String> {
    let damage = Rule::find(&finding.rule).is_some_and(|rule| rule.conclusive);
    let most = if damage { DAMAGE_LINES } else { LOG_LINES };
    let mut lines: Vec<_> = telling(&finding.log, most)
        .iter()
        .enumerate()
        .map(|(i, line)| format!("{indent}  {:9} {}", if i == 0 { "kernel" } else { "" }, plain(line)))
        .collect();
    if finding.log.len() > most {
        lines.push(format!("{indent}  {:9} ... {} lines in all", "", finding.log.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use scrubjay_samples::{catalogue, damage, finding, framed, waived};

    fn shown(finding: &Finding) -> String {
        let promises = catalogue();
        let look = Look { promises: &promises, colour: Colour::Never, indent: "    " };
        lines(finding, look).join("\n")
    }

    #[test]
    fn a_break_shows_rule_place_promise_values_and_all_three_weights() {
        let text = shown(&finding("set-blocked", "H06"));
        let expected = "    \
    set-blocked in set-by-scope, step full, field errno: a write that worked is refused
      promise   H06 (documented): Any immediate effect (bits 1 config,2 data,3 policy,4 log)
                requires scope 3; scopes 0,1,2 -> EINVAL (not EPERM).
      accepted  ok
      seen      EINVAL
      so too    ret, out
      weighs    exempt warn, footgun break, frozen break
      id        ";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn bytes_show_what_differs_decoded_and_both_raw_and_short() {
        let text = shown(&framed());
        assert!(text.contains("      differs   out-len: 1040 -> 16\n"), "{text}");
        assert!(text.contains("      accepted  ") && text.contains("1040 bytes in all"), "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
    }

    #[test]
    fn damage_brings_the_kernels_words_and_they_cannot_move_a_cursor() {
        let text = shown(&damage(60));
        assert!(text.contains("      kernel    BUG: kernel NULL pointer dereference"), "{text}");
        assert!(text.contains("... 60 lines in all") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn what_did_not_come_again_every_time_is_called_intermittent() {
        let mut finding = finding("set-blocked", "H06");
        finding.repeat = Some(Repeat { seen: 1, of: 3 });
        let text = shown(&finding);
        assert!(text.contains("      seen in   intermittent 1/3\n"), "{text}");
    }

    /// Whatever it weighs, a finding can be judged by what stands with it.
    #[test]
    fn every_finding_says_everything() {
        let mut finding = finding("errno-changed", "B03");
        finding.log = vec!["cxl_pci 0000:0d:00.0: mailbox timeout".into()];
        let text = shown(&finding);
        for said in [
            "errno-changed in set-by-scope, step full, field errno: ",
            "promise   B03 (incidental): ENOTTY is decided",
            "accepted  ok\n",
            "seen      EINVAL\n",
            "kernel    cxl_pci 0000:0d:00.0: mailbox timeout\n",
            "id        ",
        ] {
            assert!(text.contains(said), "{said:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_waived_finding_says_until_when_and_why() {
        let text = shown(&waived("a").findings[0]);
        assert!(
            text.contains("      waived    until 2026-12-31: the vendor ships it (ticket 7)\n"),
            "{text}"
        );
    }
}
