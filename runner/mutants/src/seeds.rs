//! The mutants that are applied together: one, or a pair of breaks with different rules.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scrubjay_engine::KernelRun;
use scrubjay_kernels::Release;
use scrubjay_verdict::KernelVerdict;

use crate::mutant::{Kind, Mutant};
use crate::outcome::Outcome;

/// Between the ids of a pair.
const AND: &str = "+";

/// Mutants that are one kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeds<'a>(Vec<&'a Mutant>);

impl<'a> Seeds<'a> {
    /// One mutant.
    pub fn one(mutant: &'a Mutant) -> Self {
        Self(vec![mutant])
    }

    /// At most `count` pairs of breaks that have different rules and are tried on this release, each break in one of them.
    pub fn pairs(all: &[&'a Mutant], count: usize, release: Release) -> Vec<Self> {
        let is_break = |mutant: &&&Mutant| {
            matches!(mutant.kind, Kind::Break { .. }) && mutant.excluded_from(release).is_none()
        };
        let breaks: Vec<_> = all.iter().filter(is_break).copied().collect();
        let half = breaks.len() / 2;
        let differ = |(one, other): &(&&Mutant, &&Mutant)| one.kind.rule() != other.kind.rule();
        let pairs: Vec<_> = breaks[..half].iter().zip(&breaks[half..]).filter(differ).collect();
        // Spread over all of them.
        let step = (pairs.len() / count.max(1)).max(1);
        pairs.into_iter().step_by(step).take(count).map(|(one, other)| Self(vec![*one, *other])).collect()
    }

    /// Their ids.
    pub fn id(&self) -> String {
        self.0.iter().map(|mutant| mutant.id.as_str()).collect::<Vec<_>>().join(AND)
    }

    /// The mutants of such an id.
    pub fn find(id: &str, all: &'a [Mutant]) -> Option<Self> {
        let find = |id| all.iter().find(|mutant| mutant.id == id);
        id.split(AND).map(find).collect::<Option<_>>().map(Self)
    }

    /// The mutants.
    pub fn mutants(&self) -> &[&'a Mutant] {
        &self.0
    }

    /// The sessions that have to be run for them.
    pub fn sessions(&self) -> impl Iterator<Item = &'a String> {
        self.0.iter().flat_map(|mutant| &mutant.sessions)
    }

    /// Why they have no meaning on a release.
    pub fn excluded_from(&self, release: Release) -> Option<String> {
        self.0.iter().find_map(|mutant| mutant.excluded_from(release))
    }

    /// The files that they change, and the mutants of each.
    pub fn by_file(&self) -> BTreeMap<&'a PathBuf, Vec<&'a Mutant>> {
        let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
        self.0.iter().for_each(|mutant| files.entry(&mutant.file).or_default().push(*mutant));
        files
    }

    /// What came of them: what is not as it has to be comes before the rest.
    pub fn outcome(&self, run: &KernelRun, verdict: &KernelVerdict) -> Outcome {
        let mut outcomes: Vec<_> = self.0.iter().map(|mutant| Outcome::of(mutant, run, verdict)).collect();
        match outcomes.iter().position(|outcome| !outcome.is_expected()) {
            Some(at) => outcomes.swap_remove(at),
            None => outcomes.swap_remove(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutant::tests::mutant;

    #[test]
    fn pairs_are_of_breaks_with_different_rules_and_each_break_is_in_one() {
        let of = |id: &str, rule: &str| mutant(id, Kind::Break { rule: rule.into() });
        let all = [
            of("a", "x"),
            mutant("b", Kind::Harmless),
            of("c", "y"),
            of("d", "x"),
            of("e", "x"),
            of("f", "z"),
            of("g", "y"),
        ];
        let all: Vec<_> = all.iter().collect();
        let ids = |count| -> Vec<String> {
            Seeds::pairs(&all, count, "7.3".parse().expect("a release")).iter().map(Seeds::id).collect()
        };
        assert_eq!(ids(9), ["c+f", "d+g"]);
        assert_eq!(ids(1), ["c+f"]);
        assert_eq!(ids(0), [""; 0]);
    }
}
