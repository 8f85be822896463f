//! Who disturbed a guest: a session that fails in company and passes alone is judged by what it gives alone, and the
//! session that it does not go well after is found by trying. Decides what to try; boots nothing.

use std::collections::{BTreeMap, BTreeSet};

/// A session that failed in company, and the sessions that its guest had performed before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Its id.
    pub session: String,
    /// In order.
    pub before: Vec<String>,
}

/// Performs sessions in one guest, in this order, and says which of the victims, which come last, fail as they did.
pub type Fails<'a> = dyn FnMut(&[String], &[String]) -> BTreeSet<String> + 'a;

/// Sessions that together disturb a guest, and those that fail after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disturbance {
    /// One where one is enough.
    pub culprits: Vec<String>,
    /// Who fails after them and passes alone.
    pub victims: BTreeSet<String>,
}

/// Finds who disturbed the guests of these victims: halves of what came before, until one is left or neither half is
/// enough. A victim that does not fail again in the same company is in none.
pub fn culprits(victims: &[Victim], fails: &mut Fails) -> Vec<Disturbance> {
    let mut found = Vec::new();
    let mut left: BTreeMap<&str, &Victim> = victims.iter().map(|v| (v.session.as_str(), v)).collect();
    while let Some((_, victim)) = left.pop_first() {
        let own = [victim.session.clone()];
        let mut fails_after = |before: &[String]| !before.is_empty() && !fails(before, &own).is_empty();
        if !fails_after(&victim.before) {
            continue;
        }
        let mut culprits = victim.before.clone();
        while culprits.len() > 1 {
            let (first, second) = culprits.split_at(culprits.len() / 2);
            // What comes right before is the likelier half.
            let half = [second, first].into_iter().find(|half| fails_after(half));
            match half.map(<[String]>::to_vec) {
                Some(half) => culprits = half,
                None => break,
            }
        }
        let after = |v: &&Victim| culprits.iter().all(|culprit| v.before.contains(culprit));
        let others: Vec<_> = left.values().copied().filter(after).map(|v| v.session.clone()).collect();
        let mut hit = if others.is_empty() { BTreeSet::new() } else { fails(&culprits, &others) };
        left.retain(|session, _| !hit.contains(*session));
        hit.insert(victim.session.clone());
        found.push(Disturbance { culprits, victims: hit });
    }
    found
}

impl Disturbance {
    /// What is to be said of one of its culprits.
    pub fn told(&self, culprit: &str) -> String {
        let victims: Vec<_> = self.victims.iter().map(|v| format!("`{v}`")).collect();
        let others: Vec<_> =
            self.culprits.iter().filter(|c| *c != culprit).map(|c| format!("`{c}`")).collect();
        let with = match others.as_slice() {
            [] => String::new(),
            others => format!(" (together with {})", others.join(", ")),
        };
        format!(
            "this session disturbs its guest{with}: {} failed after it and passed alone; what changes more than a \
             device's values needs `own_devices`, or a guest of its own (`\"boot\": \"quarantine\"`)",
            victims.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// A world in which these victims fail when all of these sessions came before them.
    fn find(victims: &[(&str, &str)], bad: &str, hits: &str) -> (Vec<Disturbance>, usize) {
        let (bad, hits) = (ids(bad), ids(hits));
        let mut tried = 0;
        let mut fails = |before: &[String], victims: &[String]| {
            tried += 1;
            let disturbed = bad.iter().all(|bad| before.contains(bad));
            victims.iter().filter(|v| disturbed && hits.contains(v)).cloned().collect()
        };
        let victim = |(id, before): &(&str, &str)| Victim { session: (*id).to_owned(), before: ids(before) };
        let victims: Vec<_> = victims.iter().map(victim).collect();
        (culprits(&victims, &mut fails), tried)
    }

    fn disturbance(culprits: &str, victims: &str) -> Disturbance {
        Disturbance { culprits: ids(culprits), victims: ids(victims).into_iter().collect() }
    }

    #[test]
    fn the_one_that_disturbs_is_found_by_halves() {
        let before: Vec<String> = (0..64).map(|n| format!("s{n}")).collect();
        for bad in ["s0", "s17", "s63"] {
            let (found, tried) = find(&[("v", &before.join(" "))], bad, "v");
            assert_eq!(found, [disturbance(bad, "v")]);
            assert!(tried <= 13, "{tried}");
        }
    }

    #[test]
    fn all_its_victims_are_found_with_one_more_try() {
        let (found, _) = find(&[("v", "a x b"), ("w", "a x b v"), ("y", "a x b v w")], "x", "v w y");
        assert_eq!(found, [disturbance("x", "v w y")]);
    }

    #[test]
    fn two_that_disturb_only_together_are_both_named() {
        let (found, _) = find(&[("v", "a x b c d y")], "x y", "v");
        assert_eq!(found.len(), 1);
        assert!(ids("x y").iter().all(|bad| found[0].culprits.contains(bad)), "{found:?}");
    }

    #[test]
    fn what_does_not_fail_again_in_the_same_company_has_no_culprit() {
        assert_eq!(find(&[("v", "a b c"), ("first", "")], "nobody", "v").0, []);
    }

    #[test]
    fn a_culprit_is_told_with_its_victims() {
        let both = disturbance("x y", "v w");
        assert!(
            both.told("x")
                .starts_with("this session disturbs its guest (together with `y`): `v`, `w` failed")
        );
    }
}
