//! A finding as lines that a maintainer can paste into a mail. The same for every text format.

use scrubjay_session::Field;
use scrubjay_verdict::finding::WHOLE_KERNEL;
use scrubjay_verdict::{Finding, Policy, Promises, Rule, Severity};

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
    /// The policy that decides.
    pub policy: Policy,
    /// Whether to colour.
    pub colour: Colour,
    /// What every line begins with.
    pub indent: &'a str,
}

/// Where a finding was made: `step full, field errno`; empty for one of the whole kernel.
pub fn place(finding: &Finding) -> String {
    let step = (!finding.step.is_empty()).then(|| format!("step {}", finding.step));
    let field = finding.field.map(|field| format!("field {}", field.name()));
    step.into_iter().chain(field).collect::<Vec<_>>().join(", ")
}

/// The finding in a few words: `set-blocked at step full`.
pub fn brief(finding: &Finding) -> String {
    match finding.step.as_str() {
        "" => finding.rule.clone(),
        step => format!("{} at step {step}", finding.rule),
    }
}

/// The finding in full; one that is a note under the policy that decides in two lines.
pub fn lines(finding: &Finding, look: Look) -> Vec<String> {
    let weight = finding.severity.under(look.policy);
    let mut lines = wrapped_under(look, &headline(finding));
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(&finding.rule, &look.colour.strong(&finding.rule), 1);
    }
    if weight == Severity::Note {
        let [accepted, seen] = [&finding.accepted, &finding.seen].map(|value| shorten(&plain(value), 60));
        let said = if accepted == seen { seen } else { format!("{accepted} -> {seen}") };
        lines.extend(wrapped(&format!("{}  note      ", look.indent), &said));
        return lines;
    }
    let mut row = |name: &str, text: &str| {
        lines.extend(wrapped(&format!("{}  {name:9} ", look.indent), text));
    };
    if !finding.promise.is_empty() {
        row("promise", &promise(finding, look.promises));
    }
    for difference in differences(finding) {
        row("differs", &difference);
    }
    for (name, value) in [("accepted", &finding.accepted), ("seen", &finding.seen)] {
        for (i, item) in items(finding.field, value).iter().enumerate() {
            row(if i == 0 { name } else { "" }, item);
        }
    }
    if !finding.follows.is_empty() {
        let follows: Vec<_> = finding.follows.iter().map(|field| field.name()).collect();
        row("so too", &follows.join(", "));
    }
    if let Some(repeat) = finding.repeat {
        let often = format!("{} of {} times", repeat.seen, repeat.of);
        row("seen in", &if repeat.seen < repeat.of { format!("{often}: intermittent") } else { often });
    }
    lines.extend(log(finding, look.indent));
    // Coloured words are no longer than they look only to a terminal: no wrapping here.
    let severities: Vec<_> = Policy::ALL
        .iter()
        .map(|policy| format!("{} {}", policy.name(), look.colour.severity(finding.severity.under(*policy))))
        .collect();
    lines.push(format!("{}  {:9} {}", look.indent, "weighs", severities.join(", ")));
    lines.push(format!("{}  {:9} {}", look.indent, "id", finding.fingerprint));
    lines
}

fn headline(finding: &Finding) -> String {
    let title = Rule::find(&finding.rule).map_or("", |rule| &rule.title);
    match place(finding) {
        place if place.is_empty() => format!("{}: {title}", finding.rule),
        place => format!("{} at {place}: {title}", finding.rule),
    }
}

fn wrapped_under(look: Look, text: &str) -> Vec<String> {
    let mut lines = wrapped(look.indent, text);
    for line in lines.iter_mut().skip(1) {
        line.insert_str(look.indent.len(), "  ");
    }
    lines
}

fn promise(finding: &Finding, promises: &Promises) -> String {
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
    let mut lines: Vec<_> = finding
        .log
        .iter()
        .take(most)
        .enumerate()
        .map(|(i, line)| format!("{indent}  {:9} {}", if i == 0 { "kernel" } else { "" }, plain(line)))
        .collect();
    if finding.log.len() > most {
        lines.push(format!("{indent}  {:9} ... {} lines in all", "", finding.log.len()));
    }
    lines
}

/// What a finding of a whole kernel is called where a session's id would stand.
pub fn owner(finding: &Finding) -> &str {
    if finding.session == WHOLE_KERNEL { "kernel" } else { &finding.session }
}

#[cfg(test)]
mod tests {
    use scrubjay_verdict::finding::Repeat;

    use super::*;
    use crate::samples::{catalogue, damage, finding, framed};

    fn shown(finding: &Finding, policy: Policy) -> String {
        let promises = catalogue();
        let look = Look { promises: &promises, policy, colour: Colour::Never, indent: "    " };
        lines(finding, look).join("\n")
    }

    #[test]
    fn a_break_shows_rule_place_promise_values_and_all_three_weights() {
        let text = shown(&finding("set-blocked", "H06"), Policy::Frozen);
        let expected = "    \
    set-blocked at step full, field errno: a write that worked is refused
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
        let text = shown(&framed(), Policy::Frozen);
        assert!(text.contains("      differs   out-len: 1040 -> 16\n"), "{text}");
        assert!(text.contains("      accepted  ") && text.contains("1040 bytes in all"), "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
    }

    #[test]
    fn damage_brings_the_kernels_words_and_they_cannot_move_a_cursor() {
        let text = shown(&damage(60), Policy::Exempt);
        assert!(text.contains("      kernel    BUG: kernel NULL pointer dereference"), "{text}");
        assert!(text.contains("... 60 lines in all") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn what_did_not_come_again_every_time_is_called_intermittent() {
        let mut finding = finding("set-blocked", "H06");
        finding.repeat = Some(Repeat { seen: 1, of: 3 });
        let text = shown(&finding, Policy::Frozen);
        assert!(text.contains("      seen in   1 of 3 times: intermittent\n"), "{text}");
    }

    #[test]
    fn what_is_only_a_note_takes_two_lines() {
        let text = shown(&finding("errno-changed", "B03"), Policy::Exempt);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.ends_with("note      ok -> EINVAL"), "{text}");
    }
}
