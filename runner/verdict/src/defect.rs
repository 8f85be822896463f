//! Known defects: recorded behaviours that break a documented promise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::promise::{Class, Promises};

/// A recorded behaviour that breaks a promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defect {
    /// The promise, a documented one: where documentation is silent nothing is a defect.
    pub promise: String,
    /// Where the sentence stands that it breaks: document or header, and section.
    pub breaks: String,
    /// The change that mends it, once there is one; until then it is there on every kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended_by: Option<String>,
}

impl Defect {
    /// What is wrong with the mark of a step, and the remedy. `mends` says whether an alternative of
    /// the step has a change.
    pub(crate) fn wrong(&self, mends: impl Fn(&String) -> bool, promises: &Promises) -> Option<String> {
        let promise = promises.get(&self.promise);
        match promise.map(|promise| promise.class) {
            None => Some(format!("there is no promise `{}` in vectors/promises", self.promise)),
            Some(Class::Implied | Class::Incidental) => Some(format!(
                "promise `{}` is not documented; a defect breaks a sentence of the documentation",
                self.promise
            )),
            Some(Class::Documented) if self.breaks.trim().is_empty() => {
                Some("`breaks` is empty; say where the sentence stands that is broken".to_owned())
            }
            Some(Class::Documented) => self.mended_by.as_ref().filter(|id| !mends(id)).map(|id| {
                format!("no alternative of the step has `{id}`, so no kernel could be seen to mend it")
            }),
        }
    }
}
