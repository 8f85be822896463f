//! What a profile must not say: contradictions that the JSON form alone does not rule out.

use std::collections::HashSet;

use scrubjay_uapi::cxl::{FeatureFlags, KnownFeature, ecs};
use scrubjay_wire::{Bytes, Probe};

use super::useless::useless;
use super::{Attach, FORMAT, Fault, Feature, Profile};
use crate::locate::Segment::{self, Index, Key};
use crate::name;

/// A contradiction: where, and why.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) path: Vec<Segment<'static>>,
    pub(super) why: String,
}

type Checked = Result<(), Complaint>;

fn complain(path: &[Segment<'static>], why: impl Into<String>) -> Checked {
    Err(Complaint { path: path.to_vec(), why: why.into() })
}

fn require(holds: bool, path: &[Segment<'static>], why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { complain(path, why()) }
}

fn fine(wrong: Option<String>, path: &[Segment<'static>]) -> Checked {
    wrong.map_or(Ok(()), |why| complain(path, why))
}

/// The smallest and the largest mailbox payload (CXL r3.2, 8.2.8.4.3: 2^8 to 2^20 bytes).
const PAYLOAD: std::ops::RangeInclusive<u32> = 256..=1 << 20;

/// Checks a whole profile; `stem` is its file's name without extension.
pub(super) fn check(profile: &Profile, stem: &str) -> Checked {
    require(profile.format == FORMAT, &[Key("format")], || {
        format!("`{}` is not the format `{FORMAT}`", profile.format)
    })?;
    fine(name::wrong(&profile.id), &[Key("id")])?;
    require(profile.id == stem, &[Key("id")], || {
        format!("`{}` is not the file's stem `{}`", profile.id, stem.escape_debug())
    })?;
    fine(name::wrong_title(&profile.title), &[Key("title")])?;
    require(profile.serial.0 != 0, &[Key("serial")], || "0 is not a serial number".into())?;
    let comes_up = !matches!(profile.until, Probe::Gone | Probe::NodeGone);
    require(comes_up, &[Key("until")], || "a device cannot come up as something that is gone".into())?;
    if profile.attach == Attach::QemuCxlType3 {
        return check_stock(profile);
    }
    require(
        profile.until != Probe::Endpoint || profile.attach == Attach::CxlEndpoint,
        &[Key("until")],
        || "`endpoint` is reached by a device attached as `cxl-endpoint` only".into(),
    )?;
    let payload = profile.mailbox_payload;
    require(payload.is_power_of_two() && PAYLOAD.contains(&payload), &[Key("mailbox-payload")], || {
        format!("{payload} is not a power of two from {} to {}", PAYLOAD.start(), PAYLOAD.end())
    })?;
    let claimed = profile.claimed_payload();
    require(claimed.is_power_of_two(), &[Key("mailbox-payload-claimed")], || {
        format!("{claimed} is not a power of two, and the register holds no other")
    })?;
    let version = &profile.firmware_version;
    require(
        (1..=16).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_graphic() || b == b' '),
        &[Key("firmware-version")],
        || format!("`{version}` is not 1 to 16 printable ASCII characters"),
    )?;
    let capacity = profile.capacity_mib;
    require(capacity > 0 && capacity.is_multiple_of(256), &[Key("capacity-mib")], || {
        format!("{capacity} is not a multiple of 256 above 0")
    })?;
    let capabilities = &profile.component_capabilities;
    for (index, capability) in capabilities.iter().enumerate() {
        require(
            !capabilities[..index].contains(capability),
            &[Key("component-capabilities"), Index(index)],
            || "is there already; each capability is there once".to_owned(),
        )?;
    }
    let mut names = HashSet::new();
    let mut uuids = HashSet::new();
    for (index, feature) in profile.features.iter().enumerate() {
        let at = |key| [Key("features"), Index(index), Key(key)];
        require(names.insert(feature.name.as_str()), &at("name"), || {
            format!("another Feature is called `{}` too", feature.name)
        })?;
        check_feature(feature, index)?;
        require(uuids.insert(feature.uuid()), &at("uuid"), || {
            format!("another Feature has {} too (an entry that lies says so in `entry`)", feature.uuid())
        })?;
    }
    check_faults(profile)
}

fn check_stock(profile: &Profile) -> Checked {
    let why = || "stock QEMU decides this for a `qemu-cxl-type3`".to_owned();
    require(profile.features.is_empty(), &[Key("features")], why)?;
    require(profile.faults.is_empty(), &[Key("faults")], why)?;
    require(profile.cel.is_none(), &[Key("cel")], why)
}

fn check_feature(feature: &Feature, index: usize) -> Checked {
    let at = |key| [Key("features"), Index(index), Key(key)];
    fine(name::wrong(&feature.name), &at("name"))?;
    let by_name = KnownFeature::from_name(&feature.name);
    match (feature.uuid, by_name) {
        (None, None) => {
            return complain(
                &at("name"),
                format!("`{}` is not a known Feature, so it needs a `uuid`", feature.name),
            );
        }
        (Some(uuid), Some(known)) if uuid != known.uuid() => {
            return complain(&at("uuid"), format!("`{}` stands for {}", feature.name, known.uuid()));
        }
        _ => {}
    }
    require(feature.get_size > 0, &at("get-size"), || "a Feature has at least one byte".into())?;
    let changeable = feature.flags.contains(FeatureFlags::CHANGEABLE);
    require(changeable == (feature.set_size > 0), &at("set-size"), || {
        format!(
            "a set size of {} contradicts flags that {} `changeable`",
            feature.set_size,
            if changeable { "have" } else { "lack" }
        )
    })?;
    match feature.known() {
        Some(known) => check_known(feature, known, index)?,
        None => require(feature.set_size <= feature.get_size, &at("set-size"), || {
            format!("{} bytes to set are more than {} to get", feature.set_size, feature.get_size)
        })?,
    }
    let length = |value: &Bytes, size: u16, key| {
        require(value.len() == usize::from(size), &at(key), || {
            format!("{} bytes are not the {size} that the sizes say", value.len())
        })
    };
    length(&feature.current, feature.get_size, "current")?;
    let selectable = |value: &Option<Bytes>, flag: FeatureFlags, key| {
        let Some(value) = value else { return Ok(()) };
        length(value, feature.get_size, key)?;
        require(feature.flags.contains(flag), &at(key), || {
            format!("the flags lack `{}`, so no one could read it", flag.names().concat())
        })
    };
    selectable(&feature.default, FeatureFlags::DEFAULT_SELECTION, "default")?;
    selectable(&feature.saved, FeatureFlags::SAVED_SELECTION, "saved")?;
    if let Some(mask) = &feature.writable {
        require(feature.known().is_none(), &at("writable"), || {
            "the layout of a known Feature says what is writable".into()
        })?;
        length(mask, feature.set_size, "writable")?;
    }
    if let Some(reserved) = feature.entry.as_ref().and_then(|e| e.reserved.as_ref()) {
        let path = [Key("features"), Index(index), Key("entry"), Key("reserved")];
        require(reserved.len() == 18, &path, || format!("{} bytes are not 18", reserved.len()))?;
    }
    Ok(())
}

fn check_known(feature: &Feature, known: KnownFeature, index: usize) -> Checked {
    let at = |key| [Key("features"), Index(index), Key(key)];
    let (get, set) = (usize::from(feature.get_size), usize::from(feature.set_size));
    let (mut want_get, mut want_set) = (known.readable_size(), known.writable_size());
    if known == KnownFeature::Ecs {
        let frus = get.saturating_sub(ecs::HEADER) / size_of::<ecs::EcsFruRead>();
        require(frus > 0, &at("get-size"), || format!("{get} bytes have no room for a media FRU"))?;
        want_get += frus * size_of::<ecs::EcsFruRead>();
        want_set += frus * size_of::<ecs::EcsFruWrite>();
    }
    require(get == want_get, &at("get-size"), || {
        format!(
            "`{}` reads as {want_get} bytes, not {get} (an entry that lies says so in `entry`)",
            known.name()
        )
    })?;
    require(set == want_set || set == 0, &at("set-size"), || {
        format!(
            "`{}` is set by {want_set} bytes, not {set} (an entry that lies says so in `entry`)",
            known.name()
        )
    })
}

fn check_faults(profile: &Profile) -> Checked {
    for (index, fault) in profile.faults.iter().enumerate() {
        let at = |field: &'static str| {
            let mut path = vec![Key("faults"), Index(index)];
            path.extend(field.split('.').map(Key));
            path
        };
        if let Some((field, why)) = useless(profile, &fault.on, &fault.play) {
            return complain(&at(field), why);
        }
        // The first that is due is played.
        let always = |earlier: &&Fault| {
            earlier.on.skip == 0
                && earlier.on.times.is_none()
                && earlier.on.opcode.is_none_or(|opcode| fault.on.opcode == Some(opcode))
                && earlier.on.feature.as_ref().is_none_or(|name| fault.on.feature.as_ref() == Some(name))
        };
        if let Some(earlier) = profile.faults[..index].iter().position(|fault| always(&fault)) {
            return complain(
                &at("on"),
                format!("faults[{earlier}] is always played in its place; put this first"),
            );
        }
    }
    Ok(())
}
