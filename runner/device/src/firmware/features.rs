//! The Features commands (CXL r3.2, 8.2.10.6) and the values behind them.

use scrubjay_session::cxl::profile::{Feature, Profile};
use scrubjay_uapi::cxl::feature::{GetFeatureIn, GetSupportedIn, GetSupportedOut, SetFeatureIn};
use scrubjay_uapi::cxl::{
    Effects, FeatureEntry, FeatureFlags, KnownFeature, ReturnCode, Selection, Transfer,
};
use uuid::Uuid;
use zerocopy::{FromBytes, IntoBytes};

use super::{Answer, Outcome, layout};

/// One Feature: what the profile says of it, and its values now.
#[derive(Clone, Debug)]
pub(crate) struct State {
    profile: Feature,
    uuid: Uuid,
    pub known: Option<KnownFeature>,
    pub current: Vec<u8>,
    saved: Vec<u8>,
    /// Set, and waiting for a reset.
    pending: Option<Vec<u8>>,
}

impl State {
    fn new(profile: &Feature) -> Self {
        State {
            uuid: profile.uuid(),
            known: profile.known(),
            current: profile.value(Selection::Current).to_vec(),
            saved: profile.value(Selection::Saved).to_vec(),
            pending: None,
            profile: profile.clone(),
        }
    }

    /// The value that a Get Feature with this selection reads.
    fn value(&self, selection: Selection) -> &[u8] {
        match selection {
            Selection::Current => &self.current,
            Selection::Default => self.profile.value(Selection::Default),
            Selection::Saved => &self.saved,
        }
    }

    fn supports(&self, selection: Selection) -> bool {
        let flag = match selection {
            Selection::Current => FeatureFlags::default(),
            Selection::Default => FeatureFlags::DEFAULT_SELECTION,
            Selection::Saved => FeatureFlags::SAVED_SELECTION,
        };
        self.profile.flags.contains(flag)
    }

    /// Puts new data in force: at once, or after the next reset if that is all its effects say.
    fn set(&mut self, offset: usize, data: &[u8], save: bool) -> Result<(), ReturnCode> {
        let base = self.pending.as_ref().unwrap_or(&self.current);
        let value = match self.known {
            Some(known) => layout::written(known, base, offset, data)?,
            None => {
                let mut value = base.clone();
                value[offset..offset + data.len()].copy_from_slice(data);
                if let Some(mask) = &self.profile.writable {
                    let changed = base.iter().zip(&value).map(|(old, new)| old ^ new);
                    if changed.zip(mask.iter()).any(|(bits, mask)| bits & !mask != 0) {
                        return Err(ReturnCode::INVALID_INPUT);
                    }
                }
                value
            }
        };
        if save {
            self.saved.clone_from(&value);
        }
        let effects = self.profile.effects;
        if effects.intersects(Effects::AFTER_RESET) && !effects.intersects(Effects::IMMEDIATE) {
            self.pending = Some(value);
        } else {
            self.current = value;
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.current = self.pending.take().unwrap_or_else(|| self.saved.clone());
    }
}

/// A multi-part Set Feature that has begun.
#[derive(Clone, Debug)]
struct Parts {
    feature: usize,
    offset: usize,
    data: Vec<u8>,
}

/// How Get Supported Features shows the list while a fault is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListView {
    /// Most entries in one answer.
    pub per_answer: usize,
    /// Most entries in all.
    pub total: usize,
}

impl Default for ListView {
    fn default() -> Self {
        ListView { per_answer: usize::MAX, total: usize::MAX }
    }
}

/// Why a value cannot be read or changed from the firmware's side.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The profile has no such Feature.
    #[error("no Feature `{name}`")]
    NoFeature {
        /// The name asked for.
        name: String,
    },
    /// The bytes lie beyond the value.
    #[error("Feature `{name}` has {size} bytes, {offset} and {len} more lie beyond them")]
    Beyond {
        /// The Feature.
        name: String,
        /// Its size.
        size: usize,
        /// First byte asked for.
        offset: usize,
        /// Bytes asked for.
        len: usize,
    },
    /// A default value does not change.
    #[error("the default value of Feature `{name}` cannot be changed")]
    Default {
        /// The Feature.
        name: String,
    },
}

/// All Features of a device.
#[derive(Clone, Debug)]
pub(crate) struct Features {
    list: Vec<State>,
    parts: Option<Parts>,
    pub view: ListView,
}

impl Features {
    pub fn new(profile: &Profile) -> Self {
        let list = profile.features.iter().map(State::new).collect();
        Features { list, parts: None, view: ListView::default() }
    }

    pub fn iter(&self) -> impl Iterator<Item = &State> {
        self.list.iter()
    }

    /// The name in the profile of the Feature that an input names.
    pub fn name_in(&self, input: &[u8]) -> Option<&str> {
        let uuid = Uuid::from_slice(input.get(..16)?).ok()?;
        self.list.iter().find(|f| f.uuid == uuid).map(|f| f.profile.name.as_str())
    }

    /// A conventional reset: saved and waiting values come into force.
    pub fn reset(&mut self) {
        self.parts = None;
        self.list.iter_mut().for_each(State::reset);
    }

    /// Forgets a multi-part transfer.
    pub fn abort(&mut self) {
        self.parts = None;
    }

    /// Get Supported Features.
    pub fn list(&self, input: &[u8], payload: usize) -> Outcome {
        let request =
            GetSupportedIn::ref_from_bytes(input).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
        let header = size_of::<GetSupportedOut>();
        let total = self.list.len().min(self.view.total);
        let start = usize::from(request.start_idx.get());
        let room = (request.count.get() as usize).min(payload);
        if room < header || start > 0 && start >= total {
            return Err(ReturnCode::INVALID_INPUT);
        }
        let entries = (room - header) / size_of::<FeatureEntry>();
        let end = total.min(start + entries.min(self.view.per_answer));
        let mut output = GetSupportedOut {
            num_entries: ((end - start) as u16).into(),
            supported_feats: (total as u16).into(),
            reserved: [0; 4],
        }
        .as_bytes()
        .to_vec();
        for (index, feature) in self.list[start..end].iter().enumerate() {
            output.extend(feature.profile.entry((start + index) as u16).as_bytes());
        }
        Ok(Answer::output(output))
    }

    fn find(&self, uuid: Uuid) -> Result<usize, ReturnCode> {
        self.list.iter().position(|f| f.uuid == uuid).ok_or(ReturnCode::UNSUPPORTED)
    }

    /// Get Feature.
    pub fn get(&self, input: &[u8], payload: usize) -> Outcome {
        let request = GetFeatureIn::ref_from_bytes(input).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
        let feature = &self.list[self.find(request.uuid.into())?];
        let selection = Selection::from_number(request.selection).filter(|s| feature.supports(*s));
        let value = feature.value(selection.ok_or(ReturnCode::UNSUPPORTED_FEATURE_SELECTION)?);
        let (offset, count) = (usize::from(request.offset.get()), usize::from(request.count.get()));
        match value.get(offset..offset + count) {
            Some(part) if count <= payload => Ok(Answer::output(part)),
            _ => Err(ReturnCode::INVALID_INPUT),
        }
    }

    /// Set Feature.
    ///
    /// A part that the firmware refuses ends its transfer: the kernel sends no abort.
    pub fn set(&mut self, input: &[u8]) -> Outcome {
        let (header, data) =
            SetFeatureIn::ref_from_prefix(input).map_err(|_| ReturnCode::INVALID_PAYLOAD_LENGTH)?;
        let index = self.find(header.uuid.into())?;
        let transfer = header.transfer().map_err(|_| ReturnCode::INVALID_INPUT)?;
        match (&self.parts, transfer) {
            (Some(parts), _) if parts.feature != index => {
                return Err(ReturnCode::FEATURE_TRANSFER_IN_PROGRESS);
            }
            (Some(_), Transfer::Full | Transfer::Initiate) => {
                return Err(ReturnCode::FEATURE_TRANSFER_IN_PROGRESS);
            }
            (None, Transfer::Continue | Transfer::Finish | Transfer::Abort) => {
                return Err(ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER);
            }
            _ => {}
        }
        let parts = self.parts.take();
        if transfer == Transfer::Abort {
            return Ok(Answer::done());
        }
        let feature = &mut self.list[index];
        if !feature.profile.flags.contains(FeatureFlags::CHANGEABLE) {
            return Err(ReturnCode::UNSUPPORTED);
        }
        if header.version != feature.profile.set_version {
            return Err(ReturnCode::UNSUPPORTED_FEATURE_VERSION);
        }
        let offset = usize::from(header.offset.get());
        let mut parts = parts.unwrap_or(Parts { feature: index, offset, data: Vec::new() });
        if offset != parts.offset + parts.data.len() {
            return Err(ReturnCode::FEATURE_TRANSFER_OUT_OF_ORDER);
        }
        if data.is_empty() || offset + data.len() > usize::from(feature.profile.set_size) {
            return Err(ReturnCode::INVALID_PAYLOAD_LENGTH);
        }
        parts.data.extend_from_slice(data);
        match transfer {
            Transfer::Full | Transfer::Finish => {
                feature.set(parts.offset, &parts.data, header.saved_across_reset())?;
            }
            Transfer::Initiate | Transfer::Continue | Transfer::Abort => self.parts = Some(parts),
        }
        Ok(Answer::done())
    }

    fn by_name(&self, name: &str) -> Result<usize, ValueError> {
        let index = self.list.iter().position(|f| f.profile.name == name);
        index.ok_or_else(|| ValueError::NoFeature { name: name.to_owned() })
    }

    /// A value, as the firmware has it.
    pub fn value(&self, name: &str, selection: Selection) -> Result<&[u8], ValueError> {
        Ok(self.list[self.by_name(name)?].value(selection))
    }

    /// The firmware changes a value by itself, writable or not.
    pub fn change(
        &mut self,
        name: &str,
        selection: Selection,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), ValueError> {
        let index = self.by_name(name)?;
        let feature = &mut self.list[index];
        let value = match selection {
            Selection::Current => &mut feature.current,
            Selection::Saved => &mut feature.saved,
            Selection::Default => return Err(ValueError::Default { name: name.to_owned() }),
        };
        let size = value.len();
        let range = offset.checked_add(bytes.len()).and_then(|end| value.get_mut(offset..end));
        let beyond = || ValueError::Beyond { name: name.to_owned(), size, offset, len: bytes.len() };
        range.ok_or_else(beyond)?.copy_from_slice(bytes);
        Ok(())
    }
}
