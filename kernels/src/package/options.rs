//! What a config says of options, and of those that fwctl hangs on.
//!
//! Reads text.

/// What no CXL device has a fwctl node without: options, and what it means that one is not set.
pub const FWCTL: [(&str, &str); 5] = [
    ("CONFIG_FWCTL", "this kernel has no fwctl"),
    ("CONFIG_CXL_BUS", "this kernel has no CXL, so no fwctl device"),
    ("CONFIG_CXL_PCI", "no driver takes a CXL memory device, so none has a fwctl node"),
    ("CONFIG_CXL_MEM", "no driver takes a CXL memory device up to its endpoint"),
    ("CONFIG_CXL_FEATURES", "the kernel does not look at CXL Features, so no device has a fwctl node"),
];

/// The first of [`FWCTL`] that a kernel is built without, in a sentence.
pub(crate) fn without_fwctl(option: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (name, what) = FWCTL.iter().find(|(name, _)| option(name).is_none_or(|value| value == "n"))?;
    Some(format!("{name} is not set: {what}"))
}

/// What a config says of an option.
pub(super) fn value(config: &str, name: &str) -> Option<String> {
    config.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WHOLE: &str =
        "CONFIG_FWCTL=m\nCONFIG_CXL_BUS=y\nCONFIG_CXL_PCI=m\nCONFIG_CXL_MEM=m\nCONFIG_CXL_FEATURES=y\n";

    #[test]
    fn a_config_with_all_of_it_has_fwctl() {
        assert_eq!(without_fwctl(|name| value(WHOLE, name)), None);
    }

    #[rstest]
    #[case(
        "CONFIG_FWCTL=m",
        "# CONFIG_FWCTL is not set",
        "CONFIG_FWCTL is not set: this kernel has no fwctl"
    )]
    #[case("CONFIG_FWCTL=m", "CONFIG_FWCTL_MLX5=m", "CONFIG_FWCTL is not set: this kernel has no fwctl")]
    #[case("CONFIG_CXL_FEATURES=y", "CONFIG_CXL_FEATURES=n", "CONFIG_CXL_FEATURES is not set: the kernel")]
    fn the_first_option_that_is_missing_is_told(
        #[case] line: &str,
        #[case] instead: &str,
        #[case] said: &str,
    ) {
        let text = WHOLE.replace(line, instead);
        let told = without_fwctl(|name| value(&text, name)).expect("it is missing");
        assert!(told.starts_with(said), "{told}");
    }
}
