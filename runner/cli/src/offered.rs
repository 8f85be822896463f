//! Kernels that the machine's own package source offers: fetched, and then named by their files.

use scrubjay_kernels::Resolver;

use crate::failure::Result;
use crate::interrupt::Interrupt;

/// The words as they are, but each `deb:NAME=VERSION` by the files that apt offers under it.
///
/// # Errors
/// apt does not offer it, or it cannot be fetched.
pub fn fetched(words: &[String], resolver: &Resolver) -> Result<Vec<String>> {
    let fetch = |word: &String| {
        let Some((name, version)) = package(word) else { return Ok(word.clone()) };
        let interrupt = Interrupt::listen();
        let files = resolver.fetch_offered(name, version, &mut interrupt.progress())?;
        interrupt.done()?;
        let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
        Ok(format!("deb:{}", files.join(",")))
    };
    words.iter().map(fetch).collect()
}

/// Name and version, where a word says these and no file.
fn package(word: &str) -> Option<(&str, &str)> {
    let (name, version) = word.strip_prefix("deb:")?.split_once('=')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-.~:".contains(c);
    let is_of_package =
        |text: &str| text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_plain);
    (is_of_package(name) && is_of_package(version) && !version.ends_with(".deb")).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("deb:linux-image-7.3-amd64=7.3.4-1~bpo13+1", Some(("linux-image-7.3-amd64", "7.3.4-1~bpo13+1")))]
    #[case("deb:linux-image-7.3-amd64=1:7.3.4-1", Some(("linux-image-7.3-amd64", "1:7.3.4-1")))]
    #[case::a_file("deb:./a=b.deb", None)]
    #[case::a_file_beside("deb:a=b.deb", None)]
    #[case::an_option("deb:-o=x", None)]
    #[case::an_option_as_version("deb:a=-x", None)]
    #[case::no_version("deb:linux-image-amd64", None)]
    #[case::a_kernel("7.3", None)]
    fn a_package_is_named_by_name_and_version(#[case] word: &str, #[case] expected: Option<(&str, &str)>) {
        assert_eq!(package(word), expected);
    }
}
