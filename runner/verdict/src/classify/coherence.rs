//! Whether EDAC and fwctl read the same.

use scrubjay_session::Action;
use scrubjay_session::action::Place;
use scrubjay_session::cxl::action::GetFeature;
use scrubjay_session::observation::OK;
use scrubjay_uapi::cxl::ecs::{self, EcsFruRead};
use scrubjay_uapi::cxl::rpc::RpcOutHeader;
use scrubjay_uapi::cxl::scrub::{self, ScrubRead};
use scrubjay_uapi::cxl::{KnownFeature, Selection};
use zerocopy::FromBytes;

use super::{Moment, Scene, asked};

/// Whether a step reads something else than a step of its coherent group does by the other interface:
/// than one whose reading can be held against its own, or, where nobody knows how, than one that reads
/// as before.
pub fn is_broken(scene: &Scene, at: usize) -> bool {
    let here = &scene.moments[at];
    let id = &here.step.id;
    let groups = scene.coherent.iter().filter(|group| group.contains(id));
    let others = groups.flatten().filter(|other| *other != id);
    let mut found = others.filter_map(|other| scene.moments.iter().find(|m| m.step.id == *other));
    found.any(|other| disagree(here, other))
}

fn disagree(here: &Moment, other: &Moment) -> bool {
    if other.seen.errno != OK {
        return false;
    }
    let (attribute, place, feature, get) = match (&here.step.action, &other.step.action) {
        (Action::Read(place), Action::GetFeature(get)) => (here, place, other, get),
        (Action::GetFeature(get), Action::Read(place)) => (other, place, here, get),
        _ => return false,
    };
    match (text(attribute), reading(place, get, feature.seen.out.as_deref())) {
        (Some(shown), Some(read)) => shown != read,
        _ => other.fields.is_empty(),
    }
}

fn text<'a>(moment: &'a Moment) -> Option<&'a str> {
    moment.seen.text.as_deref().map(str::trim)
}

/// What an attribute has to show where fwctl reads this; `None` where that is not known.
fn reading(place: &Place, get: &GetFeature, out: Option<&[u8]>) -> Option<String> {
    if get.offset != 0 || get.selection.0 != Selection::Current.number() {
        return None;
    }
    let (_, value) = RpcOutHeader::read_from_prefix(out?).ok()?;
    let (control, attribute) = place.path.split_once('/')?;
    match asked::known_feature(&Action::GetFeature(get.clone()))? {
        KnownFeature::PatrolScrub => scrub_reading(attribute, value),
        KnownFeature::Ecs => ecs_reading(control.strip_prefix("ecs_fru")?.parse().ok()?, attribute, value),
        _ => None,
    }
}

/// drivers/cxl/core/edac.c, `cxl_patrol_scrub_get_scrub_cycle` and its neighbours.
fn scrub_reading(attribute: &str, value: &[u8]) -> Option<String> {
    const SECONDS: u32 = 3600;
    let (scrub, _) = ScrubRead::read_from_prefix(value).ok()?;
    Some(match attribute {
        "current_cycle_duration" => (u32::from(scrub.cycle_hours) * SECONDS).to_string(),
        "min_cycle_duration" => (u32::from(scrub.min_cycle_hours) * SECONDS).to_string(),
        "enable_background" => (scrub.flags & scrub::ENABLED).to_string(),
        _ => return None,
    })
}

/// drivers/cxl/core/edac.c, `cxl_get_ecs_threshold` and its neighbours.
fn ecs_reading(fru: usize, attribute: &str, value: &[u8]) -> Option<String> {
    let (header, frus) = value.split_at_checked(ecs::HEADER)?;
    let (fru, _) = EcsFruRead::read_from_prefix(frus.get(fru * size_of::<EcsFruRead>()..)?).ok()?;
    let config = fru.config.get();
    Some(match attribute {
        "log_entry_type" => (header[0] & ecs::LOG_ENTRY_TYPE_MASK).to_string(),
        "threshold" => match config & ecs::THRESHOLD_MASK {
            3 => "256",
            4 => "1024",
            5 => "4096",
            _ => "0",
        }
        .to_owned(),
        "mode" => u8::from(config & ecs::COUNT_CODEWORDS != 0).to_string(),
        _ => return None,
    })
}
