//! From a difference to the rule that names it.
//!
//! A step is judged within its session: what was given up or unbound before, what the same call did
//! at another scope, what EDAC showed. [`Scene`] holds all of that; each module here knows the rules
//! of one field, or of one kind of action.

mod answer;
pub mod asked;
mod coherence;
mod errno;
mod features;
mod files;
mod mailbox;
mod past;
mod sweep;

use scrubjay_session::observation::{OK, StepEnd};
use scrubjay_session::{Action, Field, Observation, Session, Step};

pub use asked::on;

use crate::damage;
use crate::rule::id;

/// A session's steps with what was accepted of each, and what was seen.
pub struct Scene<'a> {
    moments: Vec<Moment<'a>>,
    coherent: &'a [Vec<String>],
}

/// One step of a [`Scene`].
pub struct Moment<'a> {
    /// The step.
    pub step: &'a Step,
    /// What explains it, or would have been accepted.
    pub accepted: &'a Observation,
    /// What was seen.
    pub seen: &'a Observation,
    /// The fields that differ; none where it is explained.
    pub fields: &'a [Field],
}

/// A difference with its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// The rule's id.
    pub rule: &'static str,
    /// The field that shows it.
    pub field: Field,
    /// Fields that differ as a consequence.
    pub follows: Vec<Field>,
}

impl<'a> Scene<'a> {
    /// The steps of a session, in order.
    pub fn new(session: &'a Session, moments: Vec<Moment<'a>>) -> Self {
        Scene { moments, coherent: &session.coherent }
    }

    /// Names the differences of one step.
    pub fn name(&self, at: usize) -> Vec<Named> {
        let Moment { accepted, seen, fields, .. } = self.moments[at];
        let whole = |rule, field: Field| {
            let follows = fields.iter().copied().filter(|f| *f != field).collect();
            vec![Named { rule, field, follows }]
        };
        let end = if fields.contains(&Field::End) { Field::End } else { Field::Log };
        if let Some(rule) = damage::rule(seen).filter(|_| accepted.damage().is_none()) {
            return whole(rule, if fields.contains(&Field::Log) { Field::Log } else { Field::End });
        }
        if seen.end == StepEnd::NotReached && accepted.end != StepEnd::NotReached {
            return whole(id::STEP_LOST, end);
        }
        if seen.end == StepEnd::CameBack && (accepted.end != StepEnd::CameBack || accepted.damage().is_some())
        {
            return whole(id::STEP_REGAINED, end);
        }
        if fields.contains(&Field::Errno) {
            // Whether a call is refused decides what it writes and what the firmware sees.
            return whole(errno::rule(self, at), Field::Errno);
        }
        // What was read follows from what the firmware said, and its length from what was read.
        let shows = fields.iter().copied().find(|field| matches!(field, Field::Out | Field::Text));
        let said = || mailbox::only_answers_differ(&accepted.mailbox, &seen.mailbox);
        let follows = |field: Field| match field {
            Field::Mailbox => shows.is_some() && said(),
            Field::Arg => shows == Some(Field::Out) && answer::length_follows(&self.moments[at]),
            _ => false,
        };
        let own = fields.iter().copied().filter(|field| !follows(*field));
        own.map(|field| {
            let with = fields.iter().copied().filter(|other| shows == Some(field) && follows(*other));
            Named { rule: self.field_rule(at, field), field, follows: with.collect() }
        })
        .collect()
    }

    fn field_rule(&self, at: usize, field: Field) -> &'static str {
        let moment = &self.moments[at];
        let Moment { step, accepted, seen, .. } = moment;
        match field {
            Field::Ret => files::ret_rule(&step.action, accepted.ret),
            Field::Arg => answer::arg_rule(moment),
            Field::Input => id::INPUT_OVERWRITTEN,
            Field::Out => answer::out_rule(self, at),
            Field::Text => files::text_rule(self, at),
            Field::Entries => files::entries_rule(&step.action, &accepted.entries, &seen.entries),
            Field::Runs => sweep::rule(&accepted.runs, &seen.runs),
            Field::Branches => id::RACE_CHANGED,
            Field::Taint => taint_rule(&step.action, accepted, seen),
            Field::Mailbox => mailbox::rule(&step.action, &accepted.mailbox, &seen.mailbox),
            Field::Log if seen.log.iter().any(|event| !accepted.log.contains(event)) => id::MESSAGE_ADDED,
            Field::Log if accepted.log.len() < seen.log.len() => id::MESSAGE_ADDED,
            Field::Log => id::MESSAGE_REMOVED,
            Field::Errno | Field::End => id::UNCLASSIFIED,
        }
    }

    /// Whether a step gave what was accepted, and that it worked.
    fn works_as_before(&self, at: usize) -> bool {
        let Moment { accepted, seen, .. } = &self.moments[at];
        accepted.errno == OK && seen.errno == OK
    }
}

fn taint_rule(action: &Action, accepted: &Observation, seen: &Observation) -> &'static str {
    let gained = seen.taint.iter().any(|flag| !accepted.taint.contains(flag));
    match (gained, asked::is_get(action)) {
        (true, true) => id::GET_TAINTS,
        (true, false) => id::TAINT_GAINED,
        (false, _) => id::TAINT_LOST,
    }
}
