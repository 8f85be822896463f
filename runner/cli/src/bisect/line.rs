//! What a search goes along: commits of a repository, or kernels from the oldest to the newest.

use scrubjay_check::Target;
use scrubjay_kernels::{Mark, Standing};

use crate::failure::Result;

/// What came of building one of them.
pub enum Built {
    /// It can be run.
    Target(Box<Target>),
    /// It is the good end in all that a kernel is built from.
    AsGood,
    /// It cannot be run, with the reason.
    Not(String),
}

/// What a search goes along; the places are named by words.
pub trait Line {
    /// The good end.
    fn good(&self) -> &str;

    /// The bad end.
    fn bad(&self) -> &str;

    /// How many places there are behind the good end.
    ///
    /// # Errors
    /// git's.
    fn count(&self) -> Result<usize>;

    /// How the search stands.
    ///
    /// # Errors
    /// git's.
    fn standing(&self) -> Result<Standing>;

    /// Says what came of a place.
    ///
    /// # Errors
    /// git's: it contradicts the rest.
    fn mark(&mut self, place: &str, mark: Mark) -> Result<()>;

    /// Builds what is to be run.
    ///
    /// # Errors
    /// What is the user's to mend, and an interruption.
    fn build(&mut self, place: &str) -> Result<Built>;

    /// A place, for a reader.
    fn told(&self, place: &str) -> String;

    /// Builds the next ones in another way, in which the ends may differ; false where there is none.
    fn other_way(&mut self) -> bool;

    /// The place that was found, or the range in which it lies, as the regression tracker takes it.
    ///
    /// # Errors
    /// git's.
    fn introduced(&self, found: &Standing) -> Result<String>;
}
