//! Where Debian's packages are: the machine's own mirrors, asked of its apt, the addresses in their pools, and what apt
//! offers by name and version.
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
    /// apt does not offer a package.
    #[error(
        "apt offers no {name} in version {version}: {said}; run apt-get update, or name a file of the package"
    )]
    NotOffered {
        /// The package.
        name: String,
        /// Its version.
        version: String,
        /// What apt said.
        said: String,
    },
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
        let asked = ["indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"];
        let targets = apt("apt-get", &asked)?.map_err(|said| ArchiveError::Apt(said.trim().to_owned()))?;
        let archives = Self::parse(&targets);
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

/// A package that apt offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    /// Where it is.
    pub url: String,
    /// The name of its file.
    pub file: String,
    /// Its SHA-256, where apt knows it.
    pub sha256: Option<String>,
}

/// The packages of one kernel that apt offers: the one of this name and version, and what of the kernel's other packages
/// it needs in just that version.
pub(crate) fn offered(name: &str, version: &str) -> Result<Vec<Offered>, ArchiveError> {
    let mut names = vec![name.to_owned()];
    let mut offered = Vec::new();
    let mut next = 0;
    while let Some(name) = names.get(next).cloned() {
        next += 1;
        let wanted = format!("{name}={version}");
        let not_offered = |said: &str| ArchiveError::NotOffered {
            name: name.clone(),
            version: version.to_owned(),
            said: said.trim().trim_start_matches("E: ").to_owned(),
        };
        let uris =
            apt("apt-get", &["--print-uris", "download", &wanted])?.map_err(|said| not_offered(&said))?;
        let mut found =
            in_uris(&uris).ok_or_else(|| not_offered("it names no address over http or https"))?;
        let shown = apt("apt-cache", &["show", &wanted])?.map_err(|said| not_offered(&said))?;
        // What is printed with the address is the strongest digest, which may be another.
        let digest = || shown.lines().find_map(|line| line.strip_prefix("SHA256: ").map(str::to_owned));
        found.sha256 = found.sha256.or_else(digest);
        if found.sha256.is_none() {
            return Err(not_offered("it knows no SHA-256 of it"));
        }
        offered.push(found);
        for more in needed(&shown, version) {
            if !names.contains(&more) {
                names.push(more);
            }
        }
    }
    Ok(offered)
}

/// What one of apt's commands says, or what it complains of.
fn apt(program: &str, args: &[&str]) -> Result<Result<String, String>, ArchiveError> {
    let mut apt = Command::new(program);
    apt.args(args).env("LC_ALL", "C");
    let output = process::output(apt, Manner::Ask, None).map_err(|source| ArchiveError::NoApt { source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    })
}

/// The first line of the form `'URI' FILE SIZE SHA256:DIGEST`.
fn in_uris(text: &str) -> Option<Offered> {
    let (url, rest) = text.lines().find_map(|line| line.strip_prefix('\'')?.split_once("' "))?;
    let mut words = rest.split_whitespace();
    let file = words.next()?;
    let sha256 = words.find_map(|word| word.strip_prefix("SHA256:"));
    let is_plain = !file.contains('/') && file.ends_with(".deb");
    (is_plain && url.starts_with("http")).then(|| Offered {
        url: url.to_owned(),
        // apt writes a version's colon as it stands in an address.
        file: file.to_owned(),
        sha256: sha256.map(str::to_owned),
    })
}

/// The packages of a kernel that are needed in this version, of what apt shows of one.
fn needed(shown: &str, version: &str) -> Vec<String> {
    let fields = ["Depends: ", "Pre-Depends: "];
    let lines = shown.lines().filter_map(|line| fields.iter().find_map(|field| line.strip_prefix(field)));
    let exact = format!("(= {version})");
    let of_kernel = |need: &str| need.starts_with("linux-") && need.ends_with(&exact);
    let needs = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|need| of_kernel(need));
    needs.filter_map(|need| Some(need.split_whitespace().next()?.to_owned())).collect()
}

/// The proxy that apt is told to use for http, where there is one.
pub(crate) fn apt_proxy() -> Option<String> {
    let text = apt("apt-config", &["shell", "PROXY", "Acquire::http::Proxy"]).ok()?.ok()?;
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

    #[test]
    fn where_a_package_is_stands_in_what_apt_prints() {
        let offered = in_uris(
            "'http://deb.example/debian/pool/main/l/linux/linux-binary-7.3_7.3.4-1_amd64.deb' \
             linux-binary-7.3_7.3.4-1_amd64.deb 1476 SHA256:4bf758\n",
        );
        let offered = offered.expect("a package");
        assert_eq!(offered.file, "linux-binary-7.3_7.3.4-1_amd64.deb");
        assert!(offered.url.ends_with("/linux/linux-binary-7.3_7.3.4-1_amd64.deb"));
        assert_eq!(offered.sha256.as_deref(), Some("4bf758"));
    }

    #[rstest]
    #[case::a_file_elsewhere("'http://h/a.deb' ../a.deb 1 SHA256:4b")]
    #[case::not_over_http("'cdrom://disc/a.deb' a.deb 1 SHA256:4b")]
    #[case::nothing("")]
    fn what_is_no_package_over_http_is_not_taken(#[case] printed: &str) {
        assert_eq!(in_uris(printed), None);
    }

    #[test]
    fn the_other_packages_of_a_kernel_are_those_that_it_needs_in_its_version() {
        let shown = "Package: linux-image-7.3\nPre-Depends: linux-base-7.3 (= 7.3.4-1)\n\
                     Depends: kmod, linux-base (>= 4.3~), linux-binary-7.3 (= 7.3.4-1), linux-modules-7.3 (= 7.3.4-1) , \
                     linux-other (= 7.3.4-2), initramfs-tools (= 7.3.4-1)\n";
        assert_eq!(needed(shown, "7.3.4-1"), ["linux-base-7.3", "linux-binary-7.3", "linux-modules-7.3"]);
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
