//! Kernels from the oldest to the newest, halved again and again.

use scrubjay_check::bisect::{Built, Line};
use scrubjay_kernels::{Asked, Found, Mark, Resolver, Standing};
use scrubjay_session::Session;

use crate::bisect::Told;
use crate::failure::{Failure, Result, Usage};
use crate::interrupt::Interrupt;
use crate::lab;

/// The kernels, with what is known of each.
pub struct Releases<'a> {
    kernels: Vec<Asked<'a>>,
    resolver: &'a Resolver,
    sessions: Vec<&'a Session>,
    marks: Marks,
}

/// What is known of places in a row, of which the first is good and the last is bad.
#[derive(Debug)]
struct Marks(Vec<Option<Mark>>);

impl Marks {
    fn new(places: usize) -> Self {
        let mut marks = vec![None; places];
        if let [first, .., last] = marks.as_mut_slice() {
            (*first, *last) = (Some(Mark::Good), Some(Mark::Bad));
        }
        Self(marks)
    }

    /// The last good place, and the first bad one.
    fn nearest(&self) -> (usize, usize) {
        let bad = self.0.iter().position(|mark| *mark == Some(Mark::Bad)).unwrap_or_default();
        let good = self.0[..bad].iter().rposition(|mark| *mark == Some(Mark::Good)).unwrap_or_default();
        (good, bad)
    }

    /// The place to be marked next: of those that nothing is known of the one nearest to the middle; or those among which
    /// the first bad one is.
    fn next(&self) -> Result<usize, Vec<usize>> {
        let (good, bad) = self.nearest();
        let unknown = (good + 1..bad).filter(|at| self.0[*at].is_none());
        let from_the_middle = |at: &usize| (2 * at).abs_diff(good + bad);
        unknown.min_by_key(from_the_middle).ok_or_else(|| (good + 1..=bad).collect())
    }
}

impl<'a> Releases<'a> {
    /// Of two kernels or more; `sessions` are those that they are wanted for.
    pub fn new(kernels: Vec<Asked<'a>>, resolver: &'a Resolver, sessions: Vec<&'a Session>) -> Result<Self> {
        if kernels.len() < 2 {
            let why = "there is nothing between one kernel and itself; name two or more, the oldest first";
            return Err(Usage(why.to_owned()).into());
        }
        let marks = Marks::new(kernels.len());
        Ok(Self { kernels, resolver, sessions, marks })
    }

    fn at(&self, place: &str) -> usize {
        self.kernels.iter().position(|kernel| kernel.id() == place).unwrap_or_default()
    }

    fn id(&self, at: usize) -> String {
        self.kernels[at].id().to_owned()
    }
}

impl Line for Releases<'_> {
    type Error = Failure;

    fn good(&self) -> &str {
        self.kernels[0].id()
    }

    fn bad(&self) -> &str {
        self.kernels[self.kernels.len() - 1].id()
    }

    fn standing(&self) -> Result<Standing> {
        Ok(match self.marks.next() {
            Ok(at) => Standing::Next(self.id(at)),
            Err(among) => match among.as_slice() {
                [first] => Standing::Ended(Found::First(self.id(*first))),
                among => Standing::Ended(Found::Among(among.iter().map(|at| self.id(*at)).collect())),
            },
        })
    }

    fn mark(&mut self, place: &str, mark: Mark) -> Result<()> {
        let at = self.at(place);
        self.marks.0[at] = Some(mark);
        Ok(())
    }

    fn build(&mut self, place: &str) -> Result<Built> {
        let interrupt = Interrupt::listen();
        let kernel = &self.kernels[self.at(place)];
        let obtained = lab::obtain(kernel, &self.sessions, self.resolver, &interrupt)?;
        interrupt.done()?;
        Ok(match obtained.target {
            Ok((target, _)) => Built::Target(Box::new(target)),
            Err(why) => Built::Not(why),
        })
    }

    fn told(&self, place: &str) -> String {
        place.to_owned()
    }
}

impl Told for Releases<'_> {
    fn count(&self) -> Result<usize> {
        Ok(self.kernels.len() - 1)
    }

    fn other_way(&mut self) -> bool {
        false
    }

    fn introduced(&self, _: &Found) -> Result<String> {
        let (good, bad) = self.marks.nearest();
        let tag = |at: usize| match &self.kernels[at] {
            Asked::Made(manifest) if manifest.history.unmodified => format!("v{}", manifest.version),
            kernel => kernel.id().to_owned(),
        };
        Ok(format!("{}..{}", tag(good), tag(bad)))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::the_first(1, &[], &[1])]
    #[case::in_the_middle(4, &[], &[4])]
    #[case::the_last(7, &[], &[7])]
    #[case::one_away_is_skipped(2, &[5], &[2])]
    #[case::the_one_before_is_skipped(4, &[3], &[3, 4])]
    #[case::it_is_skipped_itself(4, &[4], &[4, 5])]
    #[case::all_are(4, &[1, 2, 3, 4, 5, 6], &[1, 2, 3, 4, 5, 6, 7])]
    fn the_first_bad_one_of_eight_is_found(
        #[case] first: usize,
        #[case] skipped: &[usize],
        #[case] expected: &[usize],
    ) {
        let mut marks = Marks::new(8);
        let found = loop {
            match marks.next() {
                Ok(at) if skipped.contains(&at) => marks.0[at] = Some(Mark::Skip),
                Ok(at) => marks.0[at] = Some(if at < first { Mark::Good } else { Mark::Bad }),
                Err(found) => break found,
            }
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn two_kernels_have_nothing_between_them() {
        assert_eq!(Marks::new(2).next(), Err(vec![1]));
    }
}
