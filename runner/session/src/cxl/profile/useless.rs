//! Faults that can never act on a device: what they ask for is not there, is never sent, or changes nothing.

use scrubjay_uapi::cxl::Opcode;

use super::{OpcodeRef, Play, Profile, Trigger};
use crate::check::MOST_ROUNDS;

/// More commands than any session sends: no sweep has more rounds.
pub(crate) const MOST_COMMANDS: u32 = MOST_ROUNDS as u32;

pub(crate) fn no_feature(profile: &Profile, name: &str) -> String {
    let known: Vec<_> = profile.features.iter().map(|f| f.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("the profile `{}` has no Feature `{}` (it has: {known})", profile.id, name.escape_debug())
}

pub(crate) fn unsent(profile: &Profile, opcode: OpcodeRef) -> Option<String> {
    (!profile.may_receive(opcode.0))
        .then(|| format!("the effects log of `{}` has no {opcode}, so the kernel never sends it", profile.id))
}

/// Why a fault can never act on this device, if it cannot, and the field that makes it so.
pub(crate) fn useless(profile: &Profile, on: &Trigger, play: &Play) -> Option<(&'static str, String)> {
    let get = Opcode::GetFeature.number();
    let of_features = [get, Opcode::SetFeature.number()];
    if on.times == Some(0) {
        return Some(("on.times", "a fault that is played 0 times".to_owned()));
    }
    if on.skip >= MOST_COMMANDS {
        return Some(("on.skip", format!("no session sends as many as {} commands", on.skip)));
    }
    if let Some(why) = on.opcode.and_then(|opcode| unsent(profile, opcode)) {
        return Some(("on.opcode", why));
    }
    let mut size = None;
    if let Some(name) = &on.feature {
        let Some(feature) = profile.feature(name) else {
            return Some(("on.feature", no_feature(profile, name)));
        };
        if let Some(opcode) = on.opcode.filter(|opcode| !of_features.contains(&opcode.0)) {
            return Some((
                "on.feature",
                format!("{opcode} is about no single Feature; leave one of them out"),
            ));
        }
        if !of_features.iter().any(|&opcode| profile.may_receive(opcode)) {
            let why = format!("the effects log of `{}` has neither Get nor Set Feature", profile.id);
            return Some(("on.feature", why));
        }
        size = Some(u32::from(feature.get_size));
    }
    let for_list =
        on.feature.is_none() && on.opcode.is_none_or(|o| o.0 == Opcode::GetSupportedFeatures.number());
    let for_feature = on.opcode.is_none_or(|o| of_features.contains(&o.0));
    let outputs = match (on.opcode, &on.feature) {
        (Some(opcode), _) => profile.has_output(opcode.0),
        (None, Some(_)) => profile.has_output(get),
        (None, None) => true,
    };
    let features = profile.features.len();
    let no_output = || "what it meets answers without output, so nothing is changed".to_owned();
    let not_list = || "only Get Supported Features without a `feature` has this".to_owned();
    let beyond = |n: u32| format!("the output has never more than {n} bytes, so nothing is changed");
    let why = match play {
        Play::ReturnCodeFromOffset => {
            (!for_feature).then(|| "only Get and Set Feature have an offset".to_owned())
        }
        Play::Answer(answer) if answer.bytes.len() > profile.mailbox_payload as usize => Some(format!(
            "{} bytes are more than the {} of the mailbox payload",
            answer.bytes.len(),
            profile.mailbox_payload
        )),
        Play::OutputCut(_) | Play::OutputReplaced(_) if !outputs => Some(no_output()),
        Play::OutputCut(len) => size.filter(|size| len >= size).map(beyond),
        Play::OutputReplaced(replaced) if replaced.bytes.is_empty() => Some("no bytes".to_owned()),
        Play::OutputReplaced(replaced) => size.filter(|size| replaced.at >= *size).map(beyond),
        Play::OutputExtended(0) => Some("nothing is added".to_owned()),
        Play::NumEntries(_) | Play::SupportedCount(_) | Play::EntriesPerAnswer(_) | Play::ListShrunkTo(_)
            if !for_list =>
        {
            Some(not_list())
        }
        Play::SupportedCount(n) if usize::from(*n) == features => {
            Some(format!("the device has {features} Features, so this is the truth"))
        }
        Play::EntriesPerAnswer(n) | Play::ListShrunkTo(n) if usize::from(*n) >= features => {
            Some(format!("the device has only {features} Features, so nothing is left out"))
        }
        Play::DelayMs(0) => Some("a delay of nothing".to_owned()),
        Play::DelayMs(ms) if *ms > 10_000 => Some(format!("{ms} ms are more than 10,000")),
        Play::Background(background) if background.percent > 100 => {
            Some(format!("{} per cent are more than 100", background.percent))
        }
        _ => None,
    };
    why.map(|why| ("play", why))
}
