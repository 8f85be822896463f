//! Where Debian's packages are: the machine's own mirrors, asked of its apt, and the addresses in their pools.
//!
//! Writes no mirror anywhere and knows none by name; downloads nothing itself.

use std::process::Command;

use scrubjay_host::{Manner, process};

use crate::manifest::DebianPackage;

/// One package archive that the machine is configured to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its address, with no slash at the end.
    pub url: String,
    /// Whether it is a security archive, whose pool lies elsewhere.
    pub security: bool,
}

/// Why no archive was found.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is no apt here.
    #[error(
        "cannot run apt-get, which knows where this machine's Debian packages come from; take another source (an upstream tarball, a local tree or a prebuilt image) where there is no apt"
    )]
    NoApt {
        /// Why.
        source: std::io::Error,
    },
    /// apt failed.
    #[error("apt-get indextargets failed: {0}")]
    Apt(String),
    /// apt lists no archive that can be read over HTTP.
    #[error(
        "this machine's apt lists no archive over http or https; run apt-get update, and apt-get indextargets must then list one"
    )]
    None,
}

impl Archive {
    /// The archives that this machine's apt uses, the security ones last.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn of_this_machine() -> Result<Vec<Self>, ArchiveError> {
        let mut apt = Command::new("apt-get");
        apt.args(["indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"])
            .env("LC_ALL", "C");
        let output =
            process::output(apt, Manner::Ask, None).map_err(|source| ArchiveError::NoApt { source })?;
        if !output.status.success() {
            return Err(ArchiveError::Apt(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let archives = Self::parse(&String::from_utf8_lossy(&output.stdout));
        if archives.is_empty() { Err(ArchiveError::None) } else { Ok(archives) }
    }

    fn parse(targets: &str) -> Vec<Self> {
        let mut archives: Vec<Self> = Vec::new();
        for line in targets.lines() {
            let (url, release) = line.split_once(' ').unwrap_or((line, ""));
            // mirror+http lists, cdrom, file and tor addresses are not for an HTTP client.
            if !(url.starts_with("http://") || url.starts_with("https://")) {
                continue;
            }
            let url = url.trim_end_matches('/').to_owned();
            let security = url.contains("security") || release.contains("security");
            if !archives.iter().any(|known| known.url == url) {
                archives.push(Self { url, security });
            }
        }
        archives.sort_by_key(|archive| archive.security);
        archives
    }

    /// The address of a package in this archive's pool.
    pub fn address(&self, package: &DebianPackage) -> String {
        let pool = if self.security { "pool/updates/main" } else { "pool/main" };
        // The pool's folders are the first letter, or "lib" with the next one, and the source package's name.
        let source = &package.source;
        let letter = if source.starts_with("lib") && source.len() > 3 { &source[..4] } else { &source[..1] };
        format!("{}/{pool}/{letter}/{source}/{}", self.url, package.file_name())
    }
}

/// The proxy that apt is told to use for http, where there is one.
pub(crate) fn apt_proxy() -> Option<String> {
    let mut apt = Command::new("apt-config");
    apt.args(["shell", "PROXY", "Acquire::http::Proxy"]);
    let output = process::output(apt, Manner::Ask, None).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let value = text.trim().strip_prefix("PROXY='")?.strip_suffix('\'')?;
    (!value.is_empty() && value != "DIRECT").then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn package(version: &str, source: &str) -> DebianPackage {
        DebianPackage {
            package: "linux-source-7.3".to_owned(),
            version: version.to_owned(),
            architecture: "all".to_owned(),
            source: source.to_owned(),
            sha256: None,
        }
    }

    #[test]
    fn archives_are_taken_from_apts_list_the_security_one_last() {
        let archives = Archive::parse(
            "http://sec.example/debian-security/ trixie-security\n\
             http://deb.example/debian/ trixie\n\
             http://deb.example/debian/ trixie-updates\n\
             cdrom://disc/ trixie\nmirror+http://list.example/ trixie\n",
        );
        assert_eq!(
            archives,
            [
                Archive { url: "http://deb.example/debian".to_owned(), security: false },
                Archive { url: "http://sec.example/debian-security".to_owned(), security: true },
            ]
        );
    }

    #[rstest]
    #[case(
        "7.3.4-1~bpo13+1",
        "linux",
        false,
        "http://h/d/pool/main/l/linux/linux-source-7.3_7.3.4-1~bpo13+1_all.deb"
    )]
    #[case(
        "1:7.3.4-1",
        "linux",
        true,
        "http://h/d/pool/updates/main/l/linux/linux-source-7.3_7.3.4-1_all.deb"
    )]
    #[case("7.3-1", "libfoo", false, "http://h/d/pool/main/libf/libfoo/linux-source-7.3_7.3-1_all.deb")]
    fn a_package_lies_in_the_pool_of_its_archive(
        #[case] version: &str,
        #[case] source: &str,
        #[case] security: bool,
        #[case] address: &str,
    ) {
        let archive = Archive { url: "http://h/d".to_owned(), security };
        assert_eq!(archive.address(&package(version, source)), address);
    }
}
