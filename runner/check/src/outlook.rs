//! What a kernel's config says of a run before anything boots: what there is no fwctl without, what a guest does not
//! come up without, which sessions are left out. Reads; judges nothing.

use std::collections::BTreeMap;

use scrubjay_kernels::{FWCTL, Image};
use scrubjay_session::{Need, Session};

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
        Some(_) => told(|option| image.option(option), !image.modules.is_empty(), sessions),
        None => Vec::new(),
    }
}

/// `loads`: whether a guest loads modules; what is one is not there otherwise.
fn told(option: impl Fn(&str) -> Option<String>, loads: bool, sessions: &[&Session]) -> Vec<String> {
    let unset = |name: &str| match option(name).as_deref() {
        None | Some("n") => Some("is not set"),
        Some("m") if !loads => Some("is a module, and none is loaded here"),
        Some(_) => None,
    };
    let is_set = |name: &&str| unset(name).is_none();
    let missing =
        |(name, what): &(&str, &str)| unset(name).map(|missing| format!("{name} {missing}: {what}"));
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
        let are = match options(need) {
            [name] => unset(name).unwrap_or_default(),
            _ => "are not set",
        };
        let options = options(need).join(" and ");
        format!("{options} {are}: sessions that need {} are skipped: {named}{more}", need.name())
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
        with(option, None, false)
    }

    /// What is told of a kernel that has all, with this value of one option.
    fn with(option: &str, value: Option<&str>, loads: bool) -> Vec<String> {
        let sessions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/sessions");
        let sessions = Sessions::load(&sessions).expect("the sessions read");
        let sessions: Vec<_> = sessions.iter().collect();
        let has = |name: &str| {
            let other = || WHOLE.split_whitespace().any(|other| other == name).then(|| "y".to_owned());
            if name == option { value.map(str::to_owned) } else { other() }
        };
        told(has, loads, &sessions)
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

    #[rstest]
    #[case("CONFIG_FWCTL", "CONFIG_FWCTL is a module, and none is loaded here: this kernel has no fwctl")]
    #[case("CONFIG_EDAC", "CONFIG_EDAC is a module, and none is loaded here: sessions that need edac")]
    fn a_module_is_there_only_where_modules_are_loaded(#[case] option: &str, #[case] said: &str) {
        let told = with(option, Some("m"), false);
        assert!(told.len() == 1 && told[0].starts_with(said), "{told:?}");
        assert_eq!(with(option, Some("m"), true), [] as [String; 0]);
    }

    #[test]
    fn of_a_whole_config_nothing_is_said() {
        assert_eq!(without(""), [] as [String; 0]);
    }
}
