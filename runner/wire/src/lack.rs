//! What a kernel may lack: the one list that agent, host and sessions share.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// Something that a kernel may lack. The agent looks for each; a session may need some of them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Lack {
    /// The fwctl class, built in or as a module.
    Fwctl,
    /// The EDAC subsystem.
    Edac,
    /// The lockdown LSM.
    Lockdown,
    /// User namespaces.
    UserNamespaces,
    /// `/proc/PID/stack`.
    Stack,
    /// The 32-bit entry (`int 0x80`).
    Ia32,
    /// `/proc/sys/kernel/tainted`.
    Taint,
    /// CXL's drivers as modules.
    Modules,
    /// PCIe hotplug.
    PcieHotplug,
    /// The slab allocator's checks.
    SlubDebug,
    /// Raw mailbox commands of the memdev's node, as the kernel's own config says that it has them.
    RawCommands,
    /// The refusal of each of them, as the kernel's own config says that it has them not.
    RawRefusal,
}

impl Lack {
    /// All of them.
    pub const ALL: &[Lack] = Lack::VARIANTS;

    /// The name that frames, sessions and reports use.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl std::fmt::Display for Lack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_has_one_name_in_frames_and_in_text() {
        for lack in Lack::ALL {
            assert_eq!(serde_json::to_string(lack).unwrap(), format!("\"{lack}\""));
        }
    }

    #[test]
    fn a_word_outside_the_list_is_refused_by_name() {
        let error = serde_json::from_str::<Vec<Lack>>(r#"["edac", "everything"]"#).unwrap_err().to_string();
        assert!(error.contains("`everything`") && error.contains("`slub-debug`"), "{error}");
    }
}
