//! Which of a golden step's expectations a kernel's observation fits.

use scrubjay_session::step::Outcome;
use scrubjay_session::{Field, Observation, Step};

use crate::golden::GoldenStep;

/// How an observation is explained.
#[derive(Debug)]
pub enum Explained<'a> {
    /// As recorded, without any change.
    Base(&'a Observation),
    /// As these changes make it.
    With {
        /// The changes.
        with: &'a [String],
        /// What they make of it.
        accepted: &'a Observation,
    },
    /// By nothing: the nearest expectation and the fields that differ from it.
    Not {
        /// What would have been accepted.
        accepted: &'a Observation,
        /// In the order of [`Field`]; never empty.
        fields: Vec<Field>,
    },
}

impl<'a> Explained<'a> {
    /// What explains it, or would have been accepted, and the fields that differ from that.
    pub fn accepted(&self) -> (&'a Observation, &[Field]) {
        match self {
            Explained::Base(accepted) | Explained::With { accepted, .. } => (accepted, &[]),
            Explained::Not { accepted, fields } => (accepted, fields),
        }
    }
}

/// Explains what `step` gave.
pub fn explain<'a>(golden: &'a GoldenStep, step: &Step, seen: &Observation) -> Explained<'a> {
    let bases = golden.base.iter().map(|accepted| (accepted, None));
    let alternatives =
        golden.changes.iter().flat_map(|a| a.seen.iter().map(move |s| (s, Some(a.with.as_slice()))));
    let mut nearest: Option<(&Observation, Vec<Field>)> = None;
    for (accepted, with) in bases.chain(alternatives) {
        let fields = differing(accepted, seen, step);
        if fields.is_empty() {
            return match with {
                Some(with) => Explained::With { with, accepted },
                None => Explained::Base(accepted),
            };
        }
        if nearest.as_ref().is_none_or(|(_, best)| fields.len() < best.len()) {
            nearest = Some((accepted, fields));
        }
    }
    let (accepted, fields) = nearest.expect("a golden step has at least one expectation");
    Explained::Not { accepted, fields }
}

/// The fields that differ and are compared.
pub fn differing(accepted: &Observation, seen: &Observation, step: &Step) -> Vec<Field> {
    match (accepted.damage(), seen.damage()) {
        // Damage is damage: which address it came to is not compared.
        (Some(_), Some(_)) => return Vec::new(),
        (None, Some(_)) => {
            let mut fields = accepted.differing(seen);
            let tells = |field: &Field| matches!(field, Field::Log | Field::End);
            fields.retain(|field| tells(field) || is_compared(*field, step));
            // Even where everything that is compared were masked, damage is told.
            if !fields.contains(&Field::Log) && !fields.contains(&Field::End) {
                fields.push(Field::Log);
            }
            return fields;
        }
        _ if step.outcome == Outcome::Undefined => return Vec::new(),
        _ => {}
    }
    let mut fields = accepted.differing(seen);
    fields.retain(|field| is_compared(*field, step));
    fields
}

/// Whether a field is compared at all: what is not is not recorded either.
fn is_compared(field: Field, step: &Step) -> bool {
    step.outcome != Outcome::Undefined && !step.masks.iter().any(|mask| mask.field == field)
}
