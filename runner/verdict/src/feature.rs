//! A Feature as a user names it: by the name that the kernel's list or a device profile gives it, or by its UUID.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_uapi::cxl::KnownFeature;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A Feature that a user names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Its UUID.
    #[schemars(with = "String")]
    pub uuid: Uuid,
    /// Its name in the kernel's list, else in a profile.
    pub name: String,
}

/// A word that names no Feature that could be tried.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// Nothing is called so.
    #[error("no Feature `{word}`; there are: {known}; or write a UUID")]
    Unknown {
        /// What the user wrote.
        word: String,
        /// The names that there are.
        known: String,
    },
    /// Several are called so.
    #[error("`{word}` is the name of several Features; write the UUID of the one that is meant: {uuids}")]
    Several {
        /// What the user wrote.
        word: String,
        /// Their UUIDs.
        uuids: String,
    },
    /// No device has it, so no session could say what changes.
    #[error(
        "no device profile has the Feature {uuid}, so nothing could be seen of it; add it to one (ci/new profile)"
    )]
    NoDevice {
        /// Its UUID.
        uuid: Uuid,
    },
}

impl Feature {
    /// The Feature that a word names.
    ///
    /// # Errors
    /// [`FeatureError`].
    pub fn find(word: &str, profiles: &Profiles) -> Result<Self, FeatureError> {
        let mut names: BTreeMap<&str, BTreeSet<Uuid>> = BTreeMap::new();
        for feature in profiles.iter().flat_map(|profile| &profile.features) {
            names.entry(&feature.name).or_default().insert(feature.uuid());
        }
        let uuid = match (Uuid::parse_str(word), KnownFeature::from_name(word), names.get(word)) {
            (Ok(uuid), _, _) => uuid,
            (_, Some(known), _) => known.uuid(),
            (_, _, Some(uuids)) => match Vec::from_iter(uuids).as_slice() {
                [uuid] => **uuid,
                uuids => {
                    let uuids = uuids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    return Err(FeatureError::Several { word: word.to_owned(), uuids });
                }
            },
            (Err(_), None, None) => {
                let of_kernel = KnownFeature::ALL.map(KnownFeature::name);
                let others = names.keys().copied().filter(|name| !of_kernel.contains(name));
                let known = of_kernel.into_iter().chain(others).collect::<Vec<_>>().join(", ");
                return Err(FeatureError::Unknown { word: word.to_owned(), known });
            }
        };
        let known = KnownFeature::from_uuid(uuid).map(KnownFeature::name);
        let of_profile = names.iter().find(|(_, uuids)| uuids.contains(&uuid)).map(|(name, _)| *name);
        let name = of_profile.map(|name| known.unwrap_or(name)).ok_or(FeatureError::NoDevice { uuid })?;
        Ok(Feature { uuid, name: name.to_owned() })
    }

    /// The Feature of the kernel's own list that this is.
    pub fn known(&self) -> Option<KnownFeature> {
        KnownFeature::from_uuid(self.uuid)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::*;

    fn profiles() -> Profiles {
        let devices = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/devices");
        Profiles::load_dir(&devices).expect("the profiles read")
    }

    #[rstest]
    #[case::of_the_kernel("patrol-scrub", "patrol-scrub", "96dad7d6-fde8-482b-a733-75774e06db8a")]
    #[case::of_a_profile("qos-map", "qos-map", "cfe5ef31-fccc-55f9-aa9d-c08e60b296bf")]
    #[case::by_uuid(
        "CFE5EF31-FCCC-55F9-AA9D-C08E60B296BF",
        "qos-map",
        "cfe5ef31-fccc-55f9-aa9d-c08e60b296bf"
    )]
    #[case::of_the_kernel_by_uuid(
        "e5b13f22-2328-4a14-b8ba-b9691e893386",
        "ecs",
        "e5b13f22-2328-4a14-b8ba-b9691e893386"
    )]
    fn a_feature_is_found_by_name_and_by_uuid(#[case] word: &str, #[case] name: &str, #[case] uuid: &str) {
        let found = Feature::find(word, &profiles()).expect("it is there");
        assert_eq!((found.name.as_str(), found.uuid.to_string().as_str()), (name, uuid));
    }

    #[rstest]
    #[case::mistyped("patrol-scurb", "no Feature `patrol-scurb`; there are: patrol-scrub, ecs, soft-ppr")]
    #[case::of_no_device("00000000-0000-4000-8000-000000000001", "no device profile has the Feature 0000")]
    fn a_word_that_names_none_is_refused(#[case] word: &str, #[case] said: &str) {
        let error = Feature::find(word, &profiles()).expect_err("none").to_string();
        assert!(error.contains(said), "{error}");
    }
}
