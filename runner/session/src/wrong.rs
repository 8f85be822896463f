//! What cannot be laid out of a step.

/// What is wrong with a part of a step, and which.
pub(crate) struct Wrong {
    /// Below the step.
    pub place: String,
    /// What is wrong, and the remedy.
    pub why: String,
}
