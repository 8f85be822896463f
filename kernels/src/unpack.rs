//! Unpacks Debian packages and tarballs, streaming: nothing is written but what is asked for, and nothing outside
//! the directory given.
//!
//! Knows archive formats; knows nothing of where archives come from or what a kernel is.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use liblzma::read::XzDecoder;

use crate::progress::{Phase, Progress, Unit};

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive cannot be read, or what is in it cannot be written.
    #[error("cannot unpack {}", archive.display())]
    Io {
        /// The archive.
        archive: PathBuf,
        /// Why: damage, or a full disk.
        source: io::Error,
    },
    /// An entry would land outside the directory.
    #[error("{} holds the path `{entry}`, which leads outside; it is not unpacked: do not use this archive", archive.display())]
    Escape {
        /// The archive.
        archive: PathBuf,
        /// The entry's path.
        entry: String,
    },
    /// The archive is not what its name says.
    #[error("{}: {what}", archive.display())]
    Unexpected {
        /// The archive.
        archive: PathBuf,
        /// What was found or not found.
        what: String,
    },
    /// The caller asked to stop.
    #[error("unpacking {} was interrupted", archive.display())]
    Interrupted {
        /// The archive.
        archive: PathBuf,
    },
}

/// Unpacks a kernel tree from a Debian source package (whose tarball lies in `usr/src`) or from a tarball into
/// `dest`, which exists and is empty. Gives the directory of the tree.
pub(crate) fn kernel_tree(
    archive: &Path,
    dest: &Path,
    progress: &mut dyn Progress,
) -> Result<PathBuf, UnpackError> {
    let job = Job::new(archive);
    let input = job.open(progress)?;
    if has_suffix(archive, ".deb") {
        let mut found = false;
        job.package_files(input, progress, &mut |path, file, progress| {
            let is_source = path.parent() == Some(Path::new("usr/src"))
                && path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.contains(".tar"));
            if is_source && !found {
                found = true;
                job.tarball(path, file, dest, progress)?;
            }
            Ok(())
        })?;
        if !found {
            return Err(job.unexpected("no tarball in usr/src of this package"));
        }
    } else {
        job.tarball(archive, input, dest, progress)?;
    }
    progress.finish();
    let tree = job.single_directory(dest)?;
    for file in ["Makefile", "Kconfig", "arch/x86/Makefile"] {
        if !tree.join(file).is_file() {
            return Err(job.unexpected(format!("no kernel source: {file} is not in it")));
        }
    }
    Ok(tree)
}

/// Writes those files of a Debian package that `wanted` gives a place below `dest`.
pub(crate) fn package_files(
    archive: &Path,
    dest: &Path,
    wanted: &dyn Fn(&Path) -> Option<PathBuf>,
    progress: &mut dyn Progress,
) -> Result<(), UnpackError> {
    let job = Job::new(archive);
    let input = job.open(progress)?;
    job.package_files(input, progress, &mut |path, file, _| {
        let Some(place) = wanted(path) else { return Ok(()) };
        if !is_inside(&place) {
            return Err(job.escape(&place));
        }
        let target = dest.join(place);
        let parent = target.parent().unwrap_or(dest);
        fs::create_dir_all(parent)
            .and_then(|()| File::create(&target))
            .and_then(|mut out| io::copy(file, &mut out))
            .map_err(|source| job.failed(source))?;
        Ok(())
    })?;
    progress.finish();
    Ok(())
}

/// The decoder that a file name asks for; a name with no known suffix is taken as it is.
pub(crate) fn decoder<'a>(name: &Path, input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(if has_suffix(name, ".xz") {
        Box::new(XzDecoder::new_multi_decoder(input))
    } else if has_suffix(name, ".zst") {
        Box::new(zstd::Decoder::new(input)?)
    } else if has_suffix(name, ".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(input))
    } else {
        Box::new(input)
    })
}

type Visit<'v> = dyn FnMut(&Path, &mut dyn Read, &mut dyn Progress) -> Result<(), UnpackError> + 'v;

/// One archive while it is unpacked.
struct Job {
    archive: PathBuf,
    read: Rc<Cell<u64>>,
}

impl Job {
    fn new(archive: &Path) -> Self {
        Self { archive: archive.to_owned(), read: Rc::default() }
    }

    fn failed(&self, source: io::Error) -> UnpackError {
        UnpackError::Io { archive: self.archive.clone(), source }
    }

    fn unexpected(&self, what: impl Into<String>) -> UnpackError {
        UnpackError::Unexpected { archive: self.archive.clone(), what: what.into() }
    }

    fn escape(&self, entry: &Path) -> UnpackError {
        UnpackError::Escape { archive: self.archive.clone(), entry: entry.display().to_string() }
    }

    fn open(&self, progress: &mut dyn Progress) -> Result<Counted<BufReader<File>>, UnpackError> {
        let file = File::open(&self.archive).map_err(|source| self.failed(source))?;
        let total = file.metadata().map_err(|source| self.failed(source))?.len();
        let name = self.archive.file_name().unwrap_or_default().to_string_lossy();
        progress.start(&Phase { what: &format!("unpack {name}"), unit: Unit::Bytes, total: Some(total) });
        Ok(Counted { inner: BufReader::with_capacity(1 << 18, file), count: Rc::clone(&self.read) })
    }

    fn tick(&self, progress: &mut dyn Progress) -> Result<(), UnpackError> {
        progress.advance(self.read.get());
        if progress.cancelled() {
            Err(UnpackError::Interrupted { archive: self.archive.clone() })
        } else {
            Ok(())
        }
    }

    /// Visits the regular files of a Debian package's data, in the order in which they lie there.
    fn package_files(
        &self,
        input: impl Read,
        progress: &mut dyn Progress,
        visit: &mut Visit<'_>,
    ) -> Result<(), UnpackError> {
        let mut package = ar::Archive::new(input);
        while let Some(member) = package.next_entry() {
            let member = member.map_err(|source| self.failed(source))?;
            let name = String::from_utf8_lossy(member.header().identifier()).trim_end_matches('/').to_owned();
            if !name.starts_with("data.tar") {
                continue;
            }
            let data = decoder(Path::new(&name), member).map_err(|source| self.failed(source))?;
            let mut data = tar::Archive::new(data);
            for entry in data.entries().map_err(|source| self.failed(source))? {
                self.tick(progress)?;
                let mut entry = entry.map_err(|source| self.failed(source))?;
                let path = entry.path().map_err(|source| self.failed(source))?.into_owned();
                if !is_inside(&path) {
                    return Err(self.escape(&path));
                }
                if entry.header().entry_type().is_file() {
                    let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
                    visit(&path, &mut entry, progress)?;
                }
            }
            return Ok(());
        }
        Err(self.unexpected("no data in this package; is it a Debian package?"))
    }

    /// Unpacks a tarball of files, directories and links.
    fn tarball(
        &self,
        name: &Path,
        input: impl Read,
        dest: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), UnpackError> {
        let input = decoder(name, input).map_err(|source| self.failed(source))?;
        let mut archive = tar::Archive::new(input);
        archive.set_overwrite(false);
        for entry in archive.entries().map_err(|source| self.failed(source))? {
            self.tick(progress)?;
            let mut entry = entry.map_err(|source| self.failed(source))?;
            let path = entry.path().map_err(|source| self.failed(source))?.into_owned();
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
                return Err(
                    self.unexpected(format!("`{}` is neither file, directory nor link", path.display()))
                );
            }
            // The check of the path, then tar's own of the directory that it leads to, links followed.
            if !is_inside(&path) || !entry.unpack_in(dest).map_err(|source| self.failed(source))? {
                return Err(self.escape(&path));
            }
        }
        Ok(())
    }

    fn single_directory(&self, dest: &Path) -> Result<PathBuf, UnpackError> {
        let entries = fs::read_dir(dest)
            .and_then(|entries| entries.collect::<io::Result<Vec<_>>>())
            .map_err(|source| self.failed(source))?;
        match entries.as_slice() {
            [entry] if entry.path().is_dir() => Ok(entry.path()),
            entries => {
                Err(self
                    .unexpected(format!("one directory was expected in it, {} entries found", entries.len())))
            }
        }
    }
}

/// Whether a path stays below the directory that it is joined to.
fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

fn has_suffix(path: &Path, suffix: &str) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(suffix))
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}
