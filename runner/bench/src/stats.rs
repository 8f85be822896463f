//! Medians. Knows no units.

/// The middle of what there is, or of the two in the middle the mean; 0 of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => (values[middle - 1] + values[middle]) / 2.0,
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::of_nothing(&[], 0.0)]
    #[case::of_one(&[7.0], 7.0)]
    #[case::one_far_away_does_not_matter(&[900.0, 1.0, 2.0], 2.0)]
    #[case::of_an_even_number(&[4.0, 1.0, 3.0, 2.0], 2.5)]
    fn the_median(#[case] values: &[f64], #[case] is: f64) {
        assert_eq!(median(values.iter().copied()), is);
    }
}
