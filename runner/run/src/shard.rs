//! A part of a run that is spread over several: which sessions it performs. Knows no session.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// The `number`th of `of` parts, from 1: it performs every `of`th session, as their ids are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// The most parts of a run.
const MOST: usize = 1000;

/// Why a text is no shard.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a shard; write it as 2/4, the second of four")]
pub struct ShardError(String);

impl Shard {
    /// Which it is, from 1.
    pub fn number(self) -> usize {
        self.number
    }

    /// How many there are.
    pub fn of(self) -> usize {
        self.of
    }

    /// Whether it performs the session at this place, from 0.
    pub fn takes(self, place: usize) -> bool {
        place % self.of == self.number - 1
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (number, of) = text.split_once('/')?;
            let shard = Shard { number: number.parse().ok()?, of: of.parse().ok()? };
            (shard.to_string() == text && (1..=shard.of).contains(&shard.number) && shard.of <= MOST)
                .then_some(shard)
        };
        parse().ok_or_else(|| ShardError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn every_session_is_of_one_shard(#[values(1, 2, 3, 4, 7)] of: usize) {
        for place in 0..23 {
            let takers = (1..=of).filter(|number| Shard { number: *number, of }.takes(place));
            assert_eq!(takers.count(), 1);
        }
    }

    #[rstest]
    #[case("2/4", true)]
    #[case("1/1", true)]
    #[case("0/4", false)]
    #[case("5/4", false)]
    #[case("02/4", false)]
    #[case("2", false)]
    #[case("1/1001", false)]
    #[case("a/b", false)]
    fn a_shard_is_written_in_one_way(#[case] text: &str, #[case] is_one: bool) {
        assert_eq!(
            text.parse::<Shard>().map(|shard| shard.to_string()).ok().as_deref(),
            is_one.then_some(text)
        );
    }
}
