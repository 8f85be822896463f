//! What is decided, and the kernel's sources as they would be then.
//!
//! Writes semantic patches of the exclusive list and has them applied; builds nothing.

use std::path::{Path, PathBuf};
use std::{fs, io};

use scrubjay_kernels::{Workshop, WorkshopError};
use scrubjay_mutants::apply::{ApplyError, Sources, apply, apply_to_all};
use scrubjay_uapi::cxl::KnownFeature;
use uuid::Uuid;

use scrubjay_verdict::Feature;

/// The source with the list of the Features that the kernel keeps to itself.
const LIST: &str = "drivers/cxl/core/features.c";

/// What is decided about the kernel.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// What the kernel is to keep to itself.
    pub block: Vec<Feature>,
    /// What it is to let go.
    pub unblock: Vec<Feature>,
    /// Semantic patches, over everything that modules are built from.
    pub patches: Vec<PathBuf>,
}

/// Why there are no changed sources.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// Nothing is decided.
    #[error("nothing to try; name a Feature in --block or --unblock, or a semantic patch in --patch")]
    Nothing,
    /// It is to be both.
    #[error(
        "the Feature {0} cannot be blocked and let through at once; name it in one of --block and --unblock"
    )]
    Both(String),
    /// It is kept already.
    #[error("this kernel keeps the Feature {0} to itself already, so blocking it changes nothing")]
    Blocked(String),
    /// It is let through already.
    #[error("this kernel does not keep the Feature {0} to itself, so letting it through changes nothing")]
    NotBlocked(String),
    /// A list that this does not find.
    #[error(
        "kernel {0} has no list `cxl_exclusive_feats` in {LIST} that an entry could be added to; say with --patch what is to change"
    )]
    NoList(String),
    /// A patch that cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The kernel's sources.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// A file of ours.
    #[error("cannot write a semantic patch")]
    Io(#[from] io::Error),
}

impl Decision {
    /// Every Feature that it names.
    pub fn features(&self) -> impl Iterator<Item = &Feature> {
        self.block.iter().chain(&self.unblock)
    }

    /// What is decided, in words.
    pub fn told(&self) -> String {
        let names =
            |features: &[Feature]| features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
        let part = |what: &str, named: String| (!named.is_empty()).then(|| format!("{what} {named}"));
        let patches: Vec<_> = self.patches.iter().map(|path| path.display().to_string()).collect();
        let parts = [
            part("keeps to itself:", names(&self.block)),
            part("lets through:", names(&self.unblock)),
            part("is changed by:", patches.join(", ")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Refuses what no kernel has to be looked at for.
    ///
    /// # Errors
    /// [`DecisionError::Nothing`] and [`DecisionError::Both`].
    pub fn check(&self) -> Result<(), DecisionError> {
        if self.features().next().is_none() && self.patches.is_empty() {
            return Err(DecisionError::Nothing);
        }
        let both = self.block.iter().find(|feature| self.unblock.contains(feature));
        both.map_or(Ok(()), |both| Err(DecisionError::Both(both.name.clone())))
    }

    /// Those of the kernel's sources that are different then, each Feature and patch applied by itself: one that
    /// changes nothing is an error and never counts as tried.
    ///
    /// # Errors
    /// [`DecisionError`].
    pub fn sources(&self, kernel: &str, workshop: &Workshop) -> Result<Sources, DecisionError> {
        self.check()?;
        let mut changed = Sources::new();
        if self.features().next().is_some() {
            let mut text = workshop.source(Path::new(LIST))?;
            for feature in &self.unblock {
                text = without(feature, &text)?
                    .ok_or_else(|| DecisionError::NotBlocked(feature.name.clone()))?;
            }
            for feature in &self.block {
                text = with(feature, &text, kernel)?;
            }
            changed.insert(LIST.into(), text);
        }
        if !self.patches.is_empty() {
            let mut all = workshop.sources()?;
            all.extend(changed.clone());
            for patch in &self.patches {
                let patched = apply_to_all(patch, &all)?;
                all.extend(patched.clone());
                changed.extend(patched);
            }
        }
        Ok(changed)
    }
}

/// The source with the Feature on the list.
fn with(feature: &Feature, text: &str, kernel: &str) -> Result<String, DecisionError> {
    if without(feature, text)?.is_some() {
        return Err(DecisionError::Blocked(feature.name.clone()));
    }
    let entry = entry(feature.uuid);
    try_on(&format!("{{\n+\t{entry},\n \t...\n }};"), text)?
        .ok_or_else(|| DecisionError::NoList(kernel.to_owned()))
}

/// The source without the Feature on the list; `None` where it is not on it.
fn without(feature: &Feature, text: &str) -> Result<Option<String>, DecisionError> {
    let entry = entry(feature.uuid);
    try_on(&format!("{{\n \t...,\n-\t{entry},\n \t...,\n }};"), text)
}

/// The source with the list so; `None` where that matches nothing.
fn try_on(list: &str, text: &str) -> Result<Option<String>, DecisionError> {
    let symbols = KnownFeature::ALL.map(|known| format!("symbol {};\n", name_of(known))).concat();
    let script = format!(
        "@@\nsymbol cxl_exclusive_feats;\n{symbols}@@\n static const uuid_t cxl_exclusive_feats[] = {list}\n"
    );
    let file = tempfile::Builder::new().suffix(".cocci").tempfile()?;
    fs::write(file.path(), script)?;
    match apply(file.path(), Path::new(LIST), text) {
        Ok(text) => Ok(Some(text)),
        Err(ApplyError::NoMatch { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The entry of a Feature on the list.
fn entry(uuid: Uuid) -> String {
    if let Some(known) = KnownFeature::from_uuid(uuid) {
        return name_of(known).to_owned();
    }
    let (a, b, c, rest) = uuid.as_fields();
    let rest: Vec<_> = rest.iter().map(|byte| format!("{byte:#04x}")).collect();
    format!("UUID_INIT({a:#010x}, {b:#06x}, {c:#06x}, {})", rest.join(", "))
}

/// What the kernel calls the UUID (include/cxl/features.h).
fn name_of(known: KnownFeature) -> &'static str {
    match known {
        KnownFeature::PatrolScrub => "CXL_FEAT_PATROL_SCRUB_UUID",
        KnownFeature::Ecs => "CXL_FEAT_ECS_UUID",
        KnownFeature::SoftPpr => "CXL_FEAT_SPPR_UUID",
        KnownFeature::HardPpr => "CXL_FEAT_HPPR_UUID",
        KnownFeature::CachelineSparing => "CXL_FEAT_CACHELINE_SPARING_UUID",
        KnownFeature::RowSparing => "CXL_FEAT_ROW_SPARING_UUID",
        KnownFeature::BankSparing => "CXL_FEAT_BANK_SPARING_UUID",
        KnownFeature::RankSparing => "CXL_FEAT_RANK_SPARING_UUID",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list as the kernel has it.
    const TEXT: &str = "static const uuid_t cxl_exclusive_feats[] = {\n\tCXL_FEAT_PATROL_SCRUB_UUID,\n\tCXL_FEAT_ECS_UUID,\n};\n";

    fn feature(name: &str, uuid: Uuid) -> Feature {
        Feature { uuid, name: name.to_owned() }
    }

    fn scrub() -> Feature {
        feature("patrol-scrub", KnownFeature::PatrolScrub.uuid())
    }

    fn vendor() -> Feature {
        feature("qos-map", "cfe5ef31-fccc-55f9-aa9d-c08e60b296bf".parse().expect("a UUID"))
    }

    #[test]
    fn what_is_blocked_joins_the_list_and_leaves_it_again() {
        let blocked = with(&vendor(), TEXT, "k").expect("it is not on the list");
        let entry = "UUID_INIT(0xcfe5ef31, 0xfccc, 0x55f9, 0xaa, 0x9d, 0xc0, 0x8e, 0x60, 0xb2, 0x96, 0xbf),";
        assert_eq!(blocked.lines().nth(1).map(str::trim), Some(entry), "{blocked}");
        assert!(blocked.contains("CXL_FEAT_ECS_UUID"), "{blocked}");
        assert_eq!(without(&vendor(), &blocked).expect("spatch runs").as_deref(), Some(TEXT));
        let left = without(&scrub(), TEXT).expect("spatch runs").expect("it was on the list");
        assert_eq!(left, TEXT.replace("\tCXL_FEAT_PATROL_SCRUB_UUID,\n", ""));
        assert!(with(&scrub(), &left, "k").expect("it is not on the list").contains("PATROL_SCRUB"));
    }

    #[test]
    fn a_list_that_is_so_already_is_no_decision() {
        assert_eq!(without(&vendor(), TEXT).expect("spatch runs"), None);
        assert!(matches!(with(&scrub(), TEXT, "k"), Err(DecisionError::Blocked(_))));
        assert!(matches!(with(&scrub(), "int nothing;\n", "k"), Err(DecisionError::NoList(_))));
    }

    #[test]
    fn a_decision_is_told_in_words() {
        let decision =
            Decision { block: vec![vendor()], unblock: vec![scrub()], patches: vec!["a.cocci".into()] };
        let told = "keeps to itself: qos-map; lets through: patrol-scrub; is changed by: a.cocci";
        assert_eq!(decision.told(), told);
    }
}
