//! What a kernel's config says of a run before anything boots: what there is no fwctl without, what a guest does not
//! come up without, which sessions are left out. Reads; judges nothing.

use std::collections::BTreeMap;

use scrubjay_kernels::Image;
use scrubjay_session::{Need, Session};

/// What no CXL device has a fwctl node without.
const FWCTL: [(&str, &str); 5] = [
    ("CONFIG_FWCTL", "this kernel has no fwctl"),
    ("CONFIG_CXL_BUS", "this kernel has no CXL, so no fwctl device"),
    ("CONFIG_CXL_PCI", "no driver takes a CXL memory device, so none has a fwctl node"),
    ("CONFIG_CXL_MEM", "no driver takes a CXL memory device up to its endpoint"),
    ("CONFIG_CXL_FEATURES", "the kernel does not look at CXL Features, so no device has a fwctl node"),
];

/// What a guest here does not come up, or not speak, without.
const GUEST: [(&str, &str); 9] = [
    ("CONFIG_PCI", "a guest finds no device"),
    ("CONFIG_ACPI", "a guest finds no CXL host bridge"),
    ("CONFIG_BLK_DEV_INITRD", "a guest does not start the agent"),
    ("CONFIG_BINFMT_ELF", "a guest does not start the agent"),
    ("CONFIG_DEVTMPFS", "a guest has no device nodes"),
    ("CONFIG_PROC_FS", "the agent learns nothing about the kernel"),
    ("CONFIG_SYSFS", "the agent finds no device"),
    ("CONFIG_PRINTK", "a kernel that is hurt does not say so"),
    ("CONFIG_SERIAL_8250_CONSOLE", "a guest that does not come up cannot say why"),
];

/// The options that a need hangs on, one of which has to be set; none where a config does not decide.
fn options(need: Need) -> &'static [&'static str] {
    match need {
        Need::Edac => &["CONFIG_EDAC"],
        Need::Ia32 => &["CONFIG_IA32_EMULATION"],
        Need::Lockdown => &["CONFIG_SECURITY_LOCKDOWN_LSM"],
        Need::UserNamespaces => &["CONFIG_USER_NS"],
        // Before 7.3 the one, since then the other (fs/proc/proc_sysctl.c, kernel/sysctl.c).
        Need::Taint => &["CONFIG_PROC_SYSCTL", "CONFIG_SYSCTL"],
        Need::PcieHotplug => &["CONFIG_HOTPLUG_PCI_PCIE"],
        Need::SlubDebug => &["CONFIG_SLUB_DEBUG"],
        // Each of these is the other's lack: no config has all.
        Need::Modules | Need::RawCommands | Need::RawRefusal => &[],
    }
}

/// The most sessions that are named.
const NAMED: usize = 3;

/// What the config of a kernel says, each in a sentence; nothing where no config is known.
pub fn outlook(image: &Image, sessions: &[&Session]) -> Vec<String> {
    match image.config {
        Some(_) => told(|option| image.option(option), sessions),
        None => Vec::new(),
    }
}

fn told(option: impl Fn(&str) -> Option<String>, sessions: &[&Session]) -> Vec<String> {
    let is_set = |name: &&str| option(name).is_some_and(|value| value != "n");
    let missing = |(name, what): &(&str, &str)| (!is_set(name)).then(|| format!("{name} is not set: {what}"));
    let mut told: Vec<String> = FWCTL.iter().find_map(missing).into_iter().collect();
    told.extend(GUEST.iter().filter_map(missing));
    let mut hidden: BTreeMap<Need, Vec<&str>> = BTreeMap::new();
    for session in sessions {
        for need in &session.needs {
            let names = options(*need);
            if !names.is_empty() && !names.iter().any(is_set) {
                hidden.entry(*need).or_default().push(&session.id);
            }
        }
    }
    told.extend(hidden.into_iter().map(|(need, sessions)| {
        let named = sessions.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = match sessions.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let options = options(need).join(" and ");
        let are = if options.contains(' ') { "are" } else { "is" };
        format!("{options} {are} not set: sessions that need {} are skipped: {named}{more}", need.name())
    }));
    told
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;
    use scrubjay_session::Sessions;

    use super::*;

    const WHOLE: &str = "CONFIG_FWCTL CONFIG_CXL_BUS CONFIG_CXL_PCI CONFIG_CXL_MEM CONFIG_CXL_FEATURES CONFIG_PCI \
                         CONFIG_ACPI CONFIG_BLK_DEV_INITRD CONFIG_BINFMT_ELF CONFIG_DEVTMPFS CONFIG_PROC_FS \
                         CONFIG_SYSFS CONFIG_PRINTK CONFIG_SERIAL_8250_CONSOLE CONFIG_EDAC CONFIG_IA32_EMULATION \
                         CONFIG_SECURITY_LOCKDOWN_LSM CONFIG_USER_NS CONFIG_SYSCTL CONFIG_HOTPLUG_PCI_PCIE \
                         CONFIG_SLUB_DEBUG";

    /// What is told of a kernel that has all but this option.
    fn without(option: &str) -> Vec<String> {
        let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/sessions");
        let sessions = Sessions::load(&sessions).expect("the sessions read");
        let sessions: Vec<_> = sessions.iter().collect();
        let has = |name: &str| {
            (name != option && WHOLE.split_whitespace().any(|other| other == name)).then(|| "y".to_owned())
        };
        told(has, &sessions)
    }

    #[rstest]
    #[case("CONFIG_FWCTL", "CONFIG_FWCTL is not set: this kernel has no fwctl")]
    #[case("CONFIG_CXL_FEATURES", "CONFIG_CXL_FEATURES is not set: the kernel does not look at")]
    #[case("CONFIG_DEVTMPFS", "CONFIG_DEVTMPFS is not set: a guest has no device nodes")]
    #[case(
        "CONFIG_USER_NS",
        "CONFIG_USER_NS is not set: sessions that need user-namespaces are skipped: scope-3-in-a"
    )]
    #[case("CONFIG_SYSCTL", "CONFIG_PROC_SYSCTL and CONFIG_SYSCTL are not set: sessions that need taint")]
    #[case("CONFIG_EDAC", "CONFIG_EDAC is not set: sessions that need edac are skipped: ")]
    fn an_option_that_is_missing_is_said_with_what_comes_of_it(#[case] option: &str, #[case] said: &str) {
        let told = without(option);
        assert!(told.len() == 1 && told[0].starts_with(said), "{told:?}");
    }

    #[test]
    fn of_a_whole_config_nothing_is_said() {
        assert_eq!(without(""), [] as [String; 0]);
    }
}
