//! A part of the mutants that moves on from day to day, so that a short run sees all of them in time.

use std::time::{SystemTime, UNIX_EPOCH};

/// So many in a row, round the end, from a place that the day decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Days since 1970.
    pub day: u64,
    /// How many.
    pub size: usize,
}

impl Window {
    /// Today's, in UTC.
    pub fn today(size: usize) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { day: since.as_secs() / 86_400, size }
    }

    /// Its part of `all`, in their order; each once, also where there are fewer than asked for.
    pub fn of<'a, T>(&self, all: &'a [T]) -> Vec<&'a T> {
        let size = self.size.min(all.len());
        let first =
            if all.is_empty() { 0 } else { (self.day % all.len() as u64) as usize * size % all.len() };
        all.iter().cycle().skip(first).take(size).collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, 3, &[0, 1, 2])]
    #[case(1, 3, &[3, 4, 5])]
    #[case(2, 3, &[6, 0, 1])]
    #[case(20_000, 0, &[])]
    #[case(1, 9, &[0, 1, 2, 3, 4, 5, 6])]
    fn the_day_decides_the_part(#[case] day: u64, #[case] size: usize, #[case] part: &[i32]) {
        let all = [0, 1, 2, 3, 4, 5, 6];
        assert_eq!(Window { day, size }.of(&all), part.iter().collect::<Vec<_>>());
    }

    #[rstest]
    #[case(10, 62)]
    #[case(7, 7)]
    #[case(3, 9)]
    fn every_one_has_its_day(#[case] size: usize, #[case] count: usize) {
        let all: Vec<usize> = (0..count).collect();
        let mut seen = vec![false; count];
        for day in 19_000..19_000 + count as u64 {
            Window { day, size }.of(&all).into_iter().for_each(|i| seen[*i] = true);
        }
        assert!(seen.iter().all(|seen| *seen));
    }

    #[test]
    fn nothing_has_no_part() {
        assert!(Window::today(3).of::<u8>(&[]).is_empty());
    }
}
