//! Rules for the entries of Get Supported Features.

use crate::rule::id;
use scrubjay_uapi::cxl::FeatureEntry;
use scrubjay_uapi::cxl::bits::FeatureFlags;
use scrubjay_uapi::cxl::feature::{GetSupportedOut, WireUuid};
use zerocopy::FromBytes;

/// A list of entries, as far as it came.
struct Listing {
    total: u16,
    entries: Vec<FeatureEntry>,
}

fn listing(payload: &[u8]) -> Option<Listing> {
    let (header, mut rest) = GetSupportedOut::read_from_prefix(payload).ok()?;
    let mut entries = Vec::new();
    while entries.len() < usize::from(header.num_entries.get())
        && let Ok((entry, more)) = FeatureEntry::read_from_prefix(rest)
    {
        entries.push(entry);
        rest = more;
    }
    Some(Listing { total: header.supported_feats.get(), entries })
}

/// The rule for another list; `None` where the entries are the same or there are none to read.
pub fn rule(accepted: &[u8], seen: &[u8]) -> Option<&'static str> {
    let (was, is) = (listing(accepted)?, listing(seen)?);
    match was.total.cmp(&is.total) {
        std::cmp::Ordering::Greater => return Some(id::FEATURE_REMOVED),
        std::cmp::Ordering::Less => return Some(id::FEATURE_ADDED),
        std::cmp::Ordering::Equal => {}
    }
    let (before, now) = (uuids(&was), uuids(&is));
    let lacks = |some: &[WireUuid], others: &[WireUuid]| {
        let count = |list: &[WireUuid], uuid| list.iter().filter(|u| *u == uuid).count();
        some.iter().any(|uuid| count(some, uuid) > count(others, uuid))
    };
    if lacks(&before, &now) {
        return Some(id::FEATURE_REMOVED);
    }
    if lacks(&now, &before) {
        return Some(id::FEATURE_ADDED);
    }
    if before != now {
        return Some(id::FEATURE_ENTRY_CHANGED);
    }
    let pairs = || was.entries.iter().zip(&is.entries).filter(|(was, is)| was != is);
    match () {
        () if pairs().next().is_none() => None,
        () if pairs().all(|(was, is)| only_lost_changeable(was, is)) => Some(id::FEATURE_NOT_CHANGEABLE),
        () if pairs().all(|(was, is)| only_lost_changeable(is, was)) => Some(id::FEATURE_CHANGEABLE),
        () => Some(id::FEATURE_ENTRY_CHANGED),
    }
}

fn uuids(listing: &Listing) -> Vec<WireUuid> {
    listing.entries.iter().map(|entry| entry.uuid).collect()
}

/// Whether nothing went but the flag, and with it the size of what can be set.
fn only_lost_changeable(was: &FeatureEntry, is: &FeatureEntry) -> bool {
    let cleared = FeatureEntry { flags: (was.flags.get() & !FeatureFlags::CHANGEABLE.0).into(), ..*was };
    let emptied = FeatureEntry { set_feat_size: 0.into(), ..cleared };
    was.flags().contains(FeatureFlags::CHANGEABLE) && (*is == cleared || *is == emptied)
}
