//! How a policy is asked for: one of the three by name, or a file of one's own. Judges nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command, ValueEnum};
use scrubjay_session::cxl::profile::Profiles;
use scrubjay_verdict::policy::own::EXTENSION;
use scrubjay_verdict::{OwnPolicy, Policy, PolicyError, Promises};

/// A policy by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Name {
    /// Operations that taint the kernel carry no guarantee
    Exempt,
    /// fwctl stays, and the kernel survives state changes behind its back
    Footgun,
    /// What worked once works for ever
    Frozen,
}

/// A policy as it was asked for.
#[derive(Clone, Debug)]
pub enum PolicyWord {
    /// One of the three.
    Named(Policy),
    /// A file of one's own.
    File(PathBuf),
}

/// The policy that decides, and what it says where it is one of the user's own.
pub struct Decides {
    /// The policy.
    pub policy: Policy,
    /// What it says.
    pub own: Option<OwnPolicy>,
}

impl PolicyWord {
    /// Reads the file, where it is one.
    ///
    /// # Errors
    /// What is wrong in it.
    pub fn read(&self, promises: &Promises, profiles: &Profiles) -> Result<Decides, PolicyError> {
        Ok(match self {
            PolicyWord::Named(policy) => Decides { policy: *policy, own: None },
            PolicyWord::File(path) => {
                let own = OwnPolicy::load(path, promises, profiles)?;
                Decides { policy: own.policy(), own: Some(own) }
            }
        })
    }
}

/// Reads a name, or a path that ends in `.toml`.
#[derive(Clone)]
pub struct PolicyParser;

impl TypedValueParser for PolicyParser {
    type Value = PolicyWord;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<PolicyWord, clap::Error> {
        let path = Path::new(value);
        // A hidden file that has no other name has no ending.
        if path.extension().is_some_and(|extension| extension.as_bytes() == EXTENSION.as_bytes()) {
            return Ok(PolicyWord::File(path.to_owned()));
        }
        let name = EnumValueParser::<Name>::new().parse_ref(cmd, arg, value)?;
        Ok(PolicyWord::Named(match name {
            Name::Exempt => Policy::Exempt,
            Name::Footgun => Policy::Footgun,
            Name::Frozen => Policy::Frozen,
        }))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Name::value_variants().iter().filter_map(Name::to_possible_value)))
    }
}
