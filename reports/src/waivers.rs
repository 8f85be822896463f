//! What is said of waivers at the end of a run. The same for every text format.

use scrubjay_verdict::{WaiverState, WaiverUse};

use crate::text::plain;

/// A sentence for each waiver that wants to be looked at: expired, or without its finding.
pub fn idle(uses: &[WaiverUse]) -> Vec<String> {
    uses.iter().filter_map(sentence).collect()
}

fn sentence(used: &WaiverUse) -> Option<String> {
    let waiver = &used.waiver;
    let who = format!("waiver {} ({})", waiver.fingerprint, waiver.session);
    let what = match (used.state, used.seen_on.as_slice()) {
        (WaiverState::Applied | WaiverState::Untried, _) => return None,
        (WaiverState::Expired, []) => {
            format!("expired after {}; its finding was not seen, remove it", waiver.expires)
        }
        (WaiverState::Expired, seen) => {
            format!("expired after {}; its finding is still there on {}", waiver.expires, seen.join(", "))
        }
        (WaiverState::Unmatched, _) => format!(
            "matches nothing: its session ran on a kernel of {} and did not give the finding",
            waiver.kernels.join(", ")
        ),
    };
    Some(format!("{who} {what}: {}", plain(&waiver.reason)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use scrubjay_samples::waiver;

    #[rstest]
    #[case::applied(WaiverState::Applied, &["7.2"], None)]
    #[case::untried(WaiverState::Untried, &[], None)]
    #[case::expired(WaiverState::Expired, &["7.2", "7.3"],
        Some("waiver 3ed398df9c0b354d (set-by-scope) expired after 2026-12-31; its finding is still there on 7.2, 7.3: the vendor ships it"))]
    #[case::expired_and_gone(WaiverState::Expired, &[],
        Some("waiver 3ed398df9c0b354d (set-by-scope) expired after 2026-12-31; its finding was not seen, remove it: the vendor ships it"))]
    #[case::unmatched(WaiverState::Unmatched, &[],
        Some("waiver 3ed398df9c0b354d (set-by-scope) matches nothing: its session ran on a kernel of 7.2..=7.3 and did not give the finding: the vendor ships it"))]
    fn a_waiver_that_does_nothing_is_told(
        #[case] state: WaiverState,
        #[case] seen_on: &[&str],
        #[case] expected: Option<&str>,
    ) {
        let seen_on = seen_on.iter().map(|id| (*id).to_owned()).collect();
        let used = WaiverUse { waiver: waiver(), state, seen_on };
        assert_eq!(idle(&[used]), expected.into_iter().collect::<Vec<_>>());
    }
}
