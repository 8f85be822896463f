//! From a difference to the rule that names it.

use scrubjay_session::observation::{OK, StepEnd};
use scrubjay_session::{Action, Field, Observation, Step};

use crate::damage;

/// The differences of one step as findings: each a rule, the field that shows it, and the fields
/// that follow from it.
pub fn classify(
    step: Option<&Step>,
    accepted: &Observation,
    seen: &Observation,
    fields: &[Field],
) -> Vec<(&'static str, Field, Vec<Field>)> {
    if let Some(rule) = damage::rule(seen).filter(|_| accepted.damage().is_none()) {
        let field = if fields.contains(&Field::Log) { Field::Log } else { Field::End };
        return vec![(rule, field, rest(fields, field))];
    }
    let recovered = accepted.damage().is_some() || accepted.end != seen.end;
    if seen.end == StepEnd::NotReached || (recovered && seen.end == StepEnd::CameBack) {
        let rule = if seen.end == StepEnd::NotReached { "step-lost" } else { "step-regained" };
        let field = if fields.contains(&Field::End) { Field::End } else { Field::Log };
        return vec![(rule, field, rest(fields, field))];
    }
    let action = step.map(|step| &step.action);
    if fields.contains(&Field::Errno) {
        // Whether a call is refused decides what it writes and what the firmware sees.
        return vec![(errno_rule(action, accepted, seen), Field::Errno, rest(fields, Field::Errno))];
    }
    fields.iter().map(|&field| (field_rule(action, field, accepted, seen), field, Vec::new())).collect()
}

fn rest(fields: &[Field], without: Field) -> Vec<Field> {
    fields.iter().copied().filter(|f| *f != without).collect()
}

fn errno_rule(action: Option<&Action>, accepted: &Observation, seen: &Observation) -> &'static str {
    let (worked, works) = (accepted.errno == OK, seen.errno == OK);
    if !worked && !works {
        return "errno-changed";
    }
    match (action, works) {
        (Some(Action::Open(_)), false) if seen.errno == "ENOENT" => "node-missing",
        (Some(Action::Open(_)), false) => "open-blocked",
        (Some(Action::Info(_)), false) => "info-blocked",
        (Some(Action::GetFeature(_) | Action::GetSupportedFeatures(_)), false) => "get-blocked",
        (Some(Action::GetFeature(_) | Action::GetSupportedFeatures(_)), true) => "get-unblocked",
        (Some(Action::SetFeature(_)), false) => "set-blocked",
        (Some(Action::SetFeature(_)), true) => "set-unblocked",
        (Some(Action::Read(_) | Action::Write(_)), false) => "attribute-blocked",
        (Some(Action::Read(_) | Action::Write(_)), true) => "attribute-unblocked",
        (_, false) => "call-blocked",
        (_, true) => "call-unblocked",
    }
}

fn field_rule(
    action: Option<&Action>,
    field: Field,
    accepted: &Observation,
    seen: &Observation,
) -> &'static str {
    match field {
        Field::Ret => "return-changed",
        Field::Arg => "argument-changed",
        Field::Input => "input-overwritten",
        Field::Out => match action {
            Some(Action::GetFeature(_) | Action::GetSupportedFeatures(_)) => "get-changed",
            Some(Action::SetFeature(_)) => "set-changed",
            _ => "answer-changed",
        },
        Field::Text => "attribute-changed",
        Field::Entries => "listing-changed",
        Field::Runs => "sweep-changed",
        Field::Branches => "race-changed",
        Field::Taint if seen.taint.iter().any(|flag| !accepted.taint.contains(flag)) => "taint-gained",
        Field::Taint => "taint-lost",
        Field::Mailbox => "mailbox-changed",
        Field::Log if seen.log.iter().any(|event| !accepted.log.contains(event)) => "message-added",
        Field::Log => "message-removed",
        Field::Errno | Field::End => "unclassified",
    }
}
