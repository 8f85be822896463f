//! Config fragments, one laid over another, and the check of a kernel's `.config` against the result.
//!
//! Kconfig drops an option whose dependencies are not met without a word; here that is an error that names the
//! option. Reads text; never runs make.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A fragment for `KCONFIG_ALLCONFIG`: options and the values wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The fragment's file, and those laid over it.
    files: Vec<PathBuf>,
    options: BTreeMap<String, String>,
}

/// What is wrong with a fragment or with the config made from it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the kernel config {}", path.display())]
    Read {
        /// The fragment or `.config`.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is neither an option nor a comment.
    #[error("{}:{line}: `{text}` is no kernel option; write CONFIG_NAME=value or # CONFIG_NAME is not set", path.display())]
    Line {
        /// The fragment or `.config`.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Two lines give one option two values.
    #[error("{}:{line}: {option} is set twice; remove one", path.display())]
    Twice {
        /// The fragment.
        path: PathBuf,
        /// The second line, counted from 1.
        line: usize,
        /// The option.
        option: String,
    },
    /// Options of the fragment are not in the resulting config.
    #[error(
        "options of {} that did not take effect: {}; a dependency is missing in the fragment, or this kernel has no \
         such option: then name it under [config.absent] in the manifest, with the reason",
        fragment,
        options.join(", ")
    )]
    NoEffect {
        /// The fragment's file, and those laid over it.
        fragment: String,
        /// Each option with the value wanted and the value found.
        options: Vec<String>,
    },
    /// Options that the manifest calls absent are there, or are not in the fragment at all.
    #[error("[config.absent] of the manifest is out of date: {}; remove them there", options.join(", "))]
    Stale {
        /// Each option with what was found.
        options: Vec<String>,
    },
}

impl Fragment {
    /// Reads a fragment.
    ///
    /// # Errors
    /// [`ConfigError::Read`], [`ConfigError::Line`], [`ConfigError::Twice`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// As [`Fragment::read`], from a text at hand; the path stands in the errors.
    ///
    /// # Errors
    /// [`ConfigError::Line`], [`ConfigError::Twice`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Ok(Self { files: vec![path.to_owned()], options: options(path, text)? })
    }

    /// This fragment with another laid over it, whose values win.
    #[must_use]
    pub fn under(mut self, over: Self) -> Self {
        self.files.extend(over.files);
        self.options.extend(over.options);
        self
    }

    /// The options as a file for `KCONFIG_ALLCONFIG`.
    pub fn text(&self) -> String {
        self.options().map(|(name, value)| format!("{name}={value}\n")).collect()
    }

    /// The options with their values, in the order of names; an option that is to be unset has the value `n`.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Checks a resulting `.config`: every option has the value wanted, but for those called absent, which must
    /// have none.
    ///
    /// # Errors
    /// [`ConfigError::NoEffect`] and [`ConfigError::Stale`] name every option concerned.
    pub fn check(
        &self,
        config: &Path,
        text: &str,
        absent: &BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        let found = options(config, text)?;
        let value = |name: &str| found.get(name).map_or("n", String::as_str);
        let stale: Vec<String> = absent
            .keys()
            .filter_map(|name| match (self.options.contains_key(name), value(name)) {
                (false, _) => Some(format!("{name} is not in the fragment")),
                (true, "n") => None,
                (true, value) => Some(format!("{name} is there with the value {value}")),
            })
            .collect();
        if !stale.is_empty() {
            return Err(ConfigError::Stale { options: stale });
        }
        let without = self.without_effect(config, text, absent)?;
        if without.is_empty() {
            Ok(())
        } else {
            let files: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
            Err(ConfigError::NoEffect { fragment: files.join(" with "), options: without })
        }
    }

    /// The options that a resulting `.config` has otherwise than wanted, each with the value wanted and the value found;
    /// those called absent are left out, whatever they are.
    ///
    /// # Errors
    /// A config that does not read.
    pub fn without_effect(
        &self,
        config: &Path,
        text: &str,
        absent: &BTreeMap<String, String>,
    ) -> Result<Vec<String>, ConfigError> {
        let found = options(config, text)?;
        let value = |name: &str| found.get(name).map_or("n", String::as_str);
        let differs =
            |(name, wanted): &(&String, &String)| !absent.contains_key(*name) && value(name) != *wanted;
        let told =
            |(name, wanted): (&String, &String)| format!("{name} (wanted {wanted}, found {})", value(name));
        Ok(self.options.iter().filter(differs).map(told).collect())
    }
}

fn options(path: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut options = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        let line = line.trim_end();
        let unset = line.strip_prefix("# ").and_then(|rest| rest.strip_suffix(" is not set"));
        let (name, value) = match (unset, line.split_once('=')) {
            (Some(name), _) => (name, "n"),
            _ if line.is_empty() || line.starts_with('#') => continue,
            (None, Some((name, value))) => (name, value),
            (None, None) => (line, ""),
        };
        let bare = name.strip_prefix("CONFIG_").unwrap_or_default();
        let is_option = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !is_option || value.is_empty() {
            return Err(ConfigError::Line {
                path: path.to_owned(),
                line: line_number,
                text: line.to_owned(),
            });
        }
        if options.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(ConfigError::Twice {
                path: path.to_owned(),
                line: line_number,
                option: name.to_owned(),
            });
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn fragment(text: &str) -> Result<Fragment, ConfigError> {
        Fragment::parse(Path::new("ref.config"), text)
    }

    fn check(fragment_text: &str, config: &str, absent: &[&str]) -> Result<(), String> {
        let absent = absent.iter().map(|name| ((*name).to_owned(), "a reason".to_owned())).collect();
        fragment(fragment_text)
            .expect("a fragment")
            .check(Path::new(".config"), config, &absent)
            .map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::all_there("CONFIG_A=y\nCONFIG_S=\"x=y\"\n", "CONFIG_S=\"x=y\"\nCONFIG_A=y\nCONFIG_B=y\n")]
    #[case::wanted_unset("# CONFIG_A is not set\n", "CONFIG_B=y\n")]
    #[case::wanted_unset_by_n("CONFIG_A=n\n", "# CONFIG_A is not set\n")]
    #[case::comments("# about A\n\nCONFIG_A=y\n", "# other\nCONFIG_A=y\n")]
    fn a_config_with_every_option_passes(#[case] fragment: &str, #[case] config: &str) {
        assert_eq!(check(fragment, config, &[]), Ok(()));
    }

    #[rstest]
    #[case::dropped("CONFIG_A=y\nCONFIG_FWCTL=y\n", "CONFIG_A=y\n", "CONFIG_FWCTL (wanted y, found n)")]
    #[case::module("CONFIG_A=y\n", "CONFIG_A=m\n", "CONFIG_A (wanted y, found m)")]
    #[case::string("CONFIG_S=\"a\"\n", "CONFIG_S=\"a,b\"\n", "CONFIG_S (wanted \"a\", found \"a,b\")")]
    #[case::set_against_the_wish("# CONFIG_A is not set\n", "CONFIG_A=y\n", "CONFIG_A (wanted n, found y)")]
    fn an_option_without_effect_is_named(#[case] fragment: &str, #[case] config: &str, #[case] named: &str) {
        let error = check(fragment, config, &[]).expect_err("an option is not in effect");
        assert!(error.contains(named) && error.contains("ref.config"), "{error}");
    }

    #[test]
    fn every_option_without_effect_is_named_at_once() {
        let error = check("CONFIG_A=y\nCONFIG_B=y\n", "", &[]).expect_err("two are missing");
        assert!(error.contains("CONFIG_A") && error.contains("CONFIG_B"), "{error}");
    }

    #[test]
    fn what_has_no_effect_is_known_where_the_absent_list_is_stale_too() {
        let absent = BTreeMap::from([("CONFIG_C".to_owned(), "gone".to_owned())]);
        let fragment = fragment("CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n").expect("a fragment");
        let config = "CONFIG_A=m\nCONFIG_B=y\nCONFIG_C=y\n";
        let without = fragment.without_effect(Path::new(".config"), config, &absent).expect("it reads");
        assert_eq!(without, ["CONFIG_A (wanted y, found m)"]);
    }

    #[test]
    fn an_option_called_absent_may_be_missing() {
        assert_eq!(check("CONFIG_A=y\nCONFIG_FWCTL=y\n", "CONFIG_A=y\n", &["CONFIG_FWCTL"]), Ok(()));
    }

    #[rstest]
    #[case::there_after_all("CONFIG_A=y\n", "CONFIG_A=y\n", "CONFIG_A is there with the value y")]
    #[case::never_asked_for("CONFIG_B=y\n", "CONFIG_B=y\n", "CONFIG_A is not in the fragment")]
    fn a_stale_entry_of_the_absent_list_is_an_error(
        #[case] fragment: &str,
        #[case] config: &str,
        #[case] named: &str,
    ) {
        let error = check(fragment, config, &["CONFIG_A"]).expect_err("the list is stale");
        assert!(error.contains(named), "{error}");
    }

    #[rstest]
    #[case::changed("CONFIG_A=m\n", "CONFIG_A=m\nCONFIG_B=y\n")]
    #[case::added("CONFIG_C=y\n", "CONFIG_A=y\nCONFIG_B=y\nCONFIG_C=y\n")]
    #[case::unset("# CONFIG_B is not set\n", "CONFIG_A=y\nCONFIG_B=n\n")]
    fn what_is_laid_over_a_fragment_wins(#[case] over: &str, #[case] together: &str) {
        let over = Fragment::parse(Path::new("over.config"), over).expect("a fragment");
        let both = fragment("CONFIG_A=y\nCONFIG_B=y\n").expect("a fragment").under(over);
        assert_eq!(both.text(), together);
        let error =
            both.check(Path::new(".config"), "CONFIG_X=y\n", &BTreeMap::new()).expect_err("not there");
        assert!(error.to_string().contains("ref.config with over.config"), "{error}");
    }

    #[rstest]
    #[case("CONFIG_A=y\nFWCTL=y\n", "ref.config:2: `FWCTL=y`")]
    #[case("CONFIG_A\n", "ref.config:1: `CONFIG_A`")]
    #[case("CONFIG_A=\n", "ref.config:1")]
    #[case("CONFIG_A=y\n\nCONFIG_A=m\n", "ref.config:3: CONFIG_A is set twice")]
    fn a_bad_line_is_refused_with_its_number(#[case] text: &str, #[case] named: &str) {
        let error = fragment(text).expect_err("a bad line").to_string();
        assert!(error.contains(named), "{error}");
    }
}
