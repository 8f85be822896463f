//! The Features that the kernel keeps to itself: `cxl_exclusive_feats` in drivers/cxl/core/features.c.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

/// A Feature with a kernel interface of its own, or kept for one; fwctl refuses to set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KnownFeature {
    /// Device patrol scrub control (CXL r3.2, 8.2.10.9.11.1).
    PatrolScrub,
    /// DDR5 error check scrub control (8.2.10.9.11.2).
    Ecs,
    /// Soft post package repair (8.2.10.7.2.1).
    SoftPpr,
    /// Hard post package repair (8.2.10.7.2.2).
    HardPpr,
    /// Cacheline memory sparing (8.2.10.7.2.3).
    CachelineSparing,
    /// Row memory sparing (8.2.10.7.2.3).
    RowSparing,
    /// Bank memory sparing (8.2.10.7.2.3).
    BankSparing,
    /// Rank memory sparing (8.2.10.7.2.3).
    RankSparing,
}

impl KnownFeature {
    /// All of them, in the kernel's order.
    pub const ALL: [KnownFeature; 8] = [
        KnownFeature::PatrolScrub,
        KnownFeature::Ecs,
        KnownFeature::SoftPpr,
        KnownFeature::HardPpr,
        KnownFeature::CachelineSparing,
        KnownFeature::RowSparing,
        KnownFeature::BankSparing,
        KnownFeature::RankSparing,
    ];

    /// Its UUID (include/cxl/features.h).
    pub const fn uuid(self) -> Uuid {
        match self {
            KnownFeature::PatrolScrub => uuid!("96dad7d6-fde8-482b-a733-75774e06db8a"),
            KnownFeature::Ecs => uuid!("e5b13f22-2328-4a14-b8ba-b9691e893386"),
            KnownFeature::SoftPpr => uuid!("892ba475-fad8-474e-9d3e-692c917568bb"),
            KnownFeature::HardPpr => uuid!("80ea4521-786f-4127-afb1-ec7459fb0e24"),
            KnownFeature::CachelineSparing => uuid!("96c33386-91dd-44c7-9ecb-fdaf6503bac4"),
            KnownFeature::RowSparing => uuid!("450ebf67-b135-4f97-a498-c2d57f279bed"),
            KnownFeature::BankSparing => uuid!("78b79636-90ac-4b64-a4ef-faac5d18a863"),
            KnownFeature::RankSparing => uuid!("34dbaff5-0552-4281-8f76-da0b5e7a76a7"),
        }
    }

    /// The Feature with this UUID.
    pub fn from_uuid(uuid: Uuid) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.uuid() == uuid)
    }

    /// The name that JSON uses.
    pub const fn name(self) -> &'static str {
        match self {
            KnownFeature::PatrolScrub => "patrol-scrub",
            KnownFeature::Ecs => "ecs",
            KnownFeature::SoftPpr => "soft-ppr",
            KnownFeature::HardPpr => "hard-ppr",
            KnownFeature::CachelineSparing => "cacheline-sparing",
            KnownFeature::RowSparing => "row-sparing",
            KnownFeature::BankSparing => "bank-sparing",
            KnownFeature::RankSparing => "rank-sparing",
        }
    }

    /// The Feature with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }

    /// What the names of EDAC's attributes begin with by which the kernel controls it, below
    /// `/sys/bus/edac/devices/cxl_memN` (drivers/cxl/core/edac.c). Hard PPR has none.
    pub const fn edac_control(self) -> Option<&'static str> {
        match self {
            KnownFeature::PatrolScrub => Some("scrub"),
            KnownFeature::Ecs => Some("ecs_fru"),
            KnownFeature::HardPpr => None,
            KnownFeature::SoftPpr
            | KnownFeature::CachelineSparing
            | KnownFeature::RowSparing
            | KnownFeature::BankSparing
            | KnownFeature::RankSparing => Some("mem_repair"),
        }
    }

    /// Bytes that Get Feature gives; for ECS the bytes of a device with no media FRU, to which
    /// four for each FRU are added.
    pub const fn readable_size(self) -> usize {
        match self {
            KnownFeature::PatrolScrub => size_of::<super::scrub::ScrubRead>(),
            KnownFeature::Ecs => 1,
            KnownFeature::SoftPpr | KnownFeature::HardPpr => size_of::<super::repair::PprRead>(),
            KnownFeature::CachelineSparing
            | KnownFeature::RowSparing
            | KnownFeature::BankSparing
            | KnownFeature::RankSparing => size_of::<super::repair::SparingRead>(),
        }
    }

    /// Bytes that Set Feature takes; for ECS those without any media FRU, to which two for each are added.
    pub const fn writable_size(self) -> usize {
        match self {
            KnownFeature::PatrolScrub => size_of::<super::scrub::ScrubWrite>(),
            KnownFeature::Ecs => 1,
            KnownFeature::SoftPpr | KnownFeature::HardPpr => size_of::<super::repair::PprWrite>(),
            KnownFeature::CachelineSparing
            | KnownFeature::RowSparing
            | KnownFeature::BankSparing
            | KnownFeature::RankSparing => size_of::<super::repair::SparingWrite>(),
        }
    }
}
