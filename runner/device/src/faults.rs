//! Which fault meets a command, and what it makes of an answer.

use std::collections::VecDeque;

use scrubjay_session::cxl::profile::{Fault, Play, Profile};
use scrubjay_uapi::cxl::{Opcode, ReturnCode};

use crate::firmware::{Answer, ListView};

/// A fault and how often it came up.
#[derive(Clone, Debug)]
struct Armed {
    fault: Fault,
    seen: u32,
    played: u32,
}

/// The faults of a device: those of the profile, and before them those that the host added.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(VecDeque<Armed>);

impl Faults {
    pub fn new(profile: &Profile) -> Self {
        let armed = |fault: &Fault| Armed { fault: fault.clone(), seen: 0, played: 0 };
        Faults(profile.faults.iter().map(armed).collect())
    }

    /// Adds one that comes before all others.
    pub fn add(&mut self, fault: Fault) {
        self.0.push_front(Armed { fault, seen: 0, played: 0 });
    }

    /// The fault that meets a command; `feature` is the name of the one it is about, if any.
    /// Every fault that the command matches counts it.
    pub fn meet(&mut self, opcode: u16, feature: Option<&str>) -> Option<Play> {
        let mut met = None;
        for armed in &mut self.0 {
            let on = &armed.fault.on;
            let matches = on.opcode.is_none_or(|o| o.0 == opcode)
                && on.feature.as_deref().is_none_or(|name| Some(name) == feature);
            if !matches {
                continue;
            }
            armed.seen = armed.seen.saturating_add(1);
            let due = armed.seen > on.skip && on.times.is_none_or(|times| armed.played < times);
            if due && met.is_none() {
                armed.played = armed.played.saturating_add(1);
                met = Some(armed.fault.play.clone());
            }
        }
        met
    }
}

/// How Get Supported Features shows its list under a fault.
pub(crate) fn view(play: Option<&Play>) -> ListView {
    let mut view = ListView::default();
    match play {
        Some(Play::EntriesPerAnswer(most)) => view.per_answer = usize::from(*most),
        Some(Play::ListShrunkTo(most)) => view.total = usize::from(*most),
        _ => {}
    }
    view
}

/// The byte that output beyond the truth is made of.
const SURPLUS: u8 = 0xee;

/// An answer as it leaves the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub code: ReturnCode,
    pub output: Vec<u8>,
    /// What the command register says of the output's length.
    pub claimed: u32,
}

impl Sent {
    /// An answer that tells the truth of its length.
    pub fn whole(code: ReturnCode, output: Vec<u8>) -> Self {
        Sent { code, claimed: output.len() as u32, output }
    }
}

/// Distorts an answer; `payload` bounds the output.
pub(crate) fn distort(play: Option<&Play>, opcode: u16, answer: Answer, payload: usize) -> Sent {
    let Answer { mut code, mut output } = answer;
    let header = |output: &mut Vec<u8>, at: usize, value: u16| {
        if opcode == Opcode::GetSupportedFeatures.number()
            && let Some(field) = output.get_mut(at..at + 2)
        {
            field.copy_from_slice(&value.to_le_bytes());
        }
    };
    match play {
        Some(Play::PerformThenReturnCode(other)) => {
            code = *other;
            output.clear();
        }
        Some(Play::OutputCut(len)) => output.truncate(*len as usize),
        Some(Play::OutputExtended(more)) => {
            output.resize((output.len() + *more as usize).min(payload), SURPLUS);
        }
        Some(Play::OutputReplaced(replaced)) => {
            let places = output.iter_mut().skip(replaced.at as usize);
            places.zip(replaced.bytes.iter()).for_each(|(place, byte)| *place = *byte);
        }
        Some(Play::NumEntries(number)) => header(&mut output, 0, *number),
        Some(Play::SupportedCount(number)) => header(&mut output, 2, *number),
        _ => {}
    }
    let claimed = match play {
        Some(Play::OutputLengthClaimed(len)) => *len,
        _ => output.len() as u32,
    };
    Sent { code, output, claimed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use scrubjay_session::cxl::profile::{OpcodeRef, Replaced, Trigger};

    fn on(skip: u32, times: Option<u32>) -> Trigger {
        Trigger { opcode: Some(OpcodeRef(0x501)), feature: None, skip, times }
    }

    #[rstest]
    #[case::always(on(0, None), "xxxx")]
    #[case::once(on(0, Some(1)), "x---")]
    #[case::third_on(on(2, None), "--xx")]
    #[case::second_only(on(1, Some(1)), "-x--")]
    fn a_fault_is_played_when_its_trigger_says_so(#[case] on: Trigger, #[case] played: &str) {
        let mut faults = Faults::default();
        faults.add(Fault { on, play: Play::DoorbellStuck });
        assert_eq!(faults.meet(0x502, None), None);
        let seen: String =
            (0..4).map(|_| if faults.meet(0x501, None).is_some() { 'x' } else { '-' }).collect();
        assert_eq!(seen, played);
    }

    #[rstest]
    fn a_fault_of_one_feature_spares_the_others() {
        let mut faults = Faults::default();
        let trigger = Trigger { feature: Some("fan".into()), ..Trigger::default() };
        faults.add(Fault { on: trigger, play: Play::DoorbellStuck });
        assert_eq!(faults.meet(0x501, Some("pump")), None);
        assert_eq!(faults.meet(0x501, None), None);
        assert_eq!(faults.meet(0x501, Some("fan")), Some(Play::DoorbellStuck));
    }

    #[rstest]
    fn a_fault_added_later_comes_first() {
        let mut faults = Faults::default();
        faults.add(Fault { on: on(0, None), play: Play::DoorbellStuck });
        faults.add(Fault { on: on(0, Some(1)), play: Play::DelayMs(1) });
        assert_eq!(faults.meet(0x501, None), Some(Play::DelayMs(1)));
        assert_eq!(faults.meet(0x501, None), Some(Play::DoorbellStuck));
    }

    fn replaced(at: u32, bytes: &[u8]) -> Play {
        Play::OutputReplaced(Replaced { at, bytes: scrubjay_wire::Bytes(bytes.to_vec()) })
    }

    #[rstest]
    #[case::honest(None, 0, &[1, 2, 3, 4], 4)]
    #[case::code(Some(Play::PerformThenReturnCode(ReturnCode::BUSY)), 6, &[], 0)]
    #[case::cut(Some(Play::OutputCut(3)), 0, &[1, 2, 3], 3)]
    #[case::extended(Some(Play::OutputExtended(2)), 0, &[1, 2, 3, 4, 0xee, 0xee], 6)]
    #[case::extended_up_to_the_payload(Some(Play::OutputExtended(9)), 0, &[1, 2, 3, 4, 0xee, 0xee, 0xee, 0xee], 8)]
    #[case::replaced(Some(replaced(1, &[7, 7])), 0, &[1, 7, 7, 4], 4)]
    #[case::replaced_up_to_the_end(Some(replaced(3, &[7, 7])), 0, &[1, 2, 3, 7], 4)]
    #[case::claimed(Some(Play::OutputLengthClaimed(99)), 0, &[1, 2, 3, 4], 99)]
    #[case::entries(Some(Play::NumEntries(0x0908)), 0, &[8, 9, 3, 4], 4)]
    #[case::count(Some(Play::SupportedCount(0x0908)), 0, &[1, 2, 8, 9], 4)]
    fn a_fault_distorts_an_answer(
        #[case] play: Option<Play>,
        #[case] code: u16,
        #[case] output: &[u8],
        #[case] claimed: u32,
    ) {
        let sent = distort(play.as_ref(), 0x500, Answer::output([1, 2, 3, 4]), 8);
        assert_eq!((sent.code.0, &sent.output[..], sent.claimed), (code, output, claimed));
    }
}
