//! A kernel as it lies on this machine: its image, and a directory of modules.
//!
//! Looks where distributions put them, and reads; changes nothing there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::layout;
use super::packages::PackageError;
use crate::digest;
use crate::image::{Image, ImageError};
use crate::modules::module_name;

/// Where the running kernel says what it is called.
const RELEASE: &str = "proc/sys/kernel/osrelease";
/// Where modules lie.
const MODULES: [&str; 2] = ["lib/modules", "usr/lib/modules"];

/// A kernel that lies on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Its image.
    pub image: PathBuf,
    /// Its config, where there is one beside the image or with the modules.
    pub config: Option<PathBuf>,
    /// Its `lib/modules/VERSION`, where there is one.
    pub modules: Option<PathBuf>,
    /// What it calls itself.
    pub release: String,
}

impl Installed {
    /// The kernel that runs on the machine whose directories are below `root`.
    ///
    /// # Errors
    /// [`PackageError::NotInstalled`] says what is not there or cannot be read.
    pub(crate) fn running(word: &str, root: &Path) -> Result<Self, PackageError> {
        let wrong = |why: String| PackageError::NotInstalled { word: word.to_owned(), why };
        let release = fs::read_to_string(root.join(RELEASE))
            .map_err(|error| {
                wrong(format!("cannot read {RELEASE}, which names the running kernel: {error}"))
            })?
            .trim()
            .to_owned();
        if release.is_empty() || release.contains('/') {
            return Err(wrong(format!("{RELEASE} names no kernel")));
        }
        let modules = MODULES.map(|dir| root.join(dir).join(&release)).into_iter().find(|dir| dir.is_dir());
        let beside = |part: &str| root.join("boot").join(format!("{part}-{release}"));
        let with = |part: &str| modules.iter().map(move |dir| dir.join(part)).collect::<Vec<_>>();
        let found = |part: &str| [beside(part)].into_iter().chain(with(part)).find(|path| path.is_file());
        let Some(image) = found(layout::IMAGE) else {
            return Err(wrong(format!(
                "Linux {release} runs here, and its image is neither boot/vmlinuz-{release} nor with its modules in \
                 lib/modules/{release}; name it (vmlinuz:PATH, with --modules DIR)"
            )));
        };
        Ok(Self { config: found(layout::CONFIG), image, modules, release })
    }

    /// An image with a directory of modules, which is its `lib/modules/VERSION` or the directory above.
    ///
    /// # Errors
    /// [`PackageError::Unfit`] for a directory that holds no module for it.
    pub(crate) fn with_modules(image: &Image, dir: &Path) -> Result<Self, PackageError> {
        let below = dir.join(&image.release);
        let modules = if below.is_dir() { below } else { dir.to_owned() };
        if !modules.is_dir() {
            let why = "is no directory; name the lib/modules/VERSION of the kernel (--modules)".to_owned();
            return Err(PackageError::Unfit { path: dir.to_owned(), why });
        }
        let with = Some(modules.join(layout::CONFIG)).filter(|path| path.is_file());
        Ok(Self {
            image: image.bzimage.clone(),
            config: image.config.clone().or(with),
            modules: Some(modules),
            release: image.release.clone(),
        })
    }

    /// What decides what is taken of it.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn state(&self) -> io::Result<String> {
        let mut state = digest::of_file(&self.image)?;
        if let Some(config) = &self.config {
            state += &format!(" config {}", digest::of_file(config)?);
        }
        if let Some(dir) = &self.modules {
            let mut lines = Vec::new();
            list(dir, dir, &mut lines)?;
            lines.sort();
            state += &format!(" modules {}", digest::of_bytes(lines.join("\n").as_bytes()));
        }
        Ok(state)
    }

    /// The image, read.
    ///
    /// # Errors
    /// [`ImageError`].
    pub(crate) fn read(&self) -> Result<Image, ImageError> {
        Image::from_file(&self.image)
    }
}

/// Names, lengths and times of the modules below a directory.
fn list(root: &Path, dir: &Path, lines: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            list(root, &path, lines)?;
        } else if module_name(&path).is_some() {
            let kind = entry.metadata()?;
            let modified = kind.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let name = path.strip_prefix(root).unwrap_or(&path).display();
            lines.push(format!("{name} {} {modified}", kind.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A machine with these files.
    fn machine(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, "7.3.4-1\n").expect("written");
        }
        dir
    }

    #[rstest]
    #[case::debian(
        &["boot/vmlinuz-7.3.4-1", "boot/config-7.3.4-1", "lib/modules/7.3.4-1/modules.dep"],
        ["boot/vmlinuz-7.3.4-1", "boot/config-7.3.4-1", "lib/modules/7.3.4-1"]
    )]
    #[case::fedora(
        &["usr/lib/modules/7.3.4-1/vmlinuz", "usr/lib/modules/7.3.4-1/config"],
        ["usr/lib/modules/7.3.4-1/vmlinuz", "usr/lib/modules/7.3.4-1/config", "usr/lib/modules/7.3.4-1"]
    )]
    fn the_running_kernel_is_found_where_distributions_put_it(
        #[case] files: &[&str],
        #[case] expected: [&str; 3],
    ) {
        let root = machine(&[files, &[RELEASE]].concat());
        let found = Installed::running("running", root.path()).expect("found");
        let places = [Some(found.image), found.config, found.modules];
        assert_eq!(places, expected.map(|path| Some(root.path().join(path))));
        assert_eq!(found.release, "7.3.4-1");
    }

    #[rstest]
    #[case::no_image(&[RELEASE, "boot/vmlinuz-7.3.4-2"], "Linux 7.3.4-1 runs here, and its image is neither")]
    #[case::nothing(&[], "cannot read proc/sys/kernel/osrelease")]
    fn what_is_not_there_is_told_with_what_to_do(#[case] files: &[&str], #[case] said: &str) {
        let root = machine(files);
        let error = Installed::running("running", root.path()).expect_err("not there").to_string();
        assert!(error.contains(said), "{error}");
    }

    #[test]
    fn another_module_is_another_state() {
        let root = machine(&["a/vmlinuz", "a/kernel/a.ko"]);
        let at = |name: &str| root.path().join("a").join(name);
        let kernel = Installed {
            image: at("vmlinuz"),
            config: None,
            modules: Some(root.path().join("a")),
            release: "7.3.4-1".to_owned(),
        };
        let before = kernel.state().expect("read");
        assert_eq!(before, kernel.state().expect("read"));
        fs::write(at("kernel/a.ko"), "longer than it was").expect("written");
        assert_ne!(before, kernel.state().expect("read"));
    }
}
