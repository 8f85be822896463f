//! Properties of release series: ordered as numbers, written as they are read.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use scrubjay_kernels::Release;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, failure_persistence: None, rng_seed: RngSeed::Fixed(12), ..ProptestConfig::default()
    })]

    #[test]
    fn a_series_is_read_as_it_was_written(major in any::<u16>(), minor in any::<u16>()) {
        let release = Release { major, minor };
        prop_assert_eq!(release.to_string().parse(), Ok(release));
    }

    #[test]
    fn series_are_ordered_as_their_numbers(a in (0..20_u16, 0..200_u16), b in (0..20_u16, 0..200_u16)) {
        let release = |(major, minor)| Release { major, minor };
        prop_assert_eq!(release(a).cmp(&release(b)), a.cmp(&b));
    }

    #[test]
    fn what_is_no_series_is_refused_and_what_is_has_one_text(text in "[0-9.+ ]{0,9}|.{0,9}") {
        if let Ok(release) = text.parse::<Release>() {
            prop_assert_eq!(release.to_string(), text);
        }
    }
}
