//! Unpacks Debian packages, RPM packages and tarballs, streaming: nothing is written but what is asked for, and nothing
//! outside the directory given.
//!
//! An archive is believed in nothing: what it may cost is bounded by the constants here, whatever it says of itself.
//! Knows archive formats; knows nothing of where archives come from or what a kernel is.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use cpio::newc;
use liblzma::read::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::bounded::{Bound, Bounded};
use crate::deb;
use crate::progress::{Phase, Progress, Unit};
use crate::rpm;

/// The most that an archive unpacks to, in times of its size on the disk; kernel sources are at ten.
pub const MOST_TIMES: u64 = 100;
/// What an archive of any size may unpack to, in bytes.
pub const SMALL: u64 = 16 << 20;
/// The most that any archive unpacks to, in bytes: ten kernel trees.
pub const LARGEST: u64 = 16 << 30;
/// The most entries of an archive: ten kernel trees.
pub const MOST_ENTRIES: usize = 1_000_000;
/// The most bytes that stand between two files' contents: headers, long names, extended attributes.
pub const LONGEST_HEADERS: u64 = 1 << 20;
/// The most memory that a decoder may take, in bytes: four times what `xz -9` asks for.
pub const DECODER_MEMORY: u64 = 256 << 20;
/// The largest window of zstd, as a power of two: what `zstd -19` and dpkg-deb use.
const ZSTD_WINDOW: u32 = 27;

/// The bits of a mode that say what an entry is, and those of a regular file (cpio(5)).
const FILE_KIND: u32 = 0o170_000;
const REGULAR_FILE: u32 = 0o100_000;

const UNPACKS_WITHOUT_END: &str = "it unpacks to far more than such an archive holds";
const HEADERS_WITHOUT_END: &str = "the name or the attributes of an entry are far too long";

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
///
/// # Errors
/// [`UnpackError`]; what was unpacked until then stays in `dest`.
pub fn kernel_tree(archive: &Path, dest: &Path, progress: &mut dyn Progress) -> Result<PathBuf, UnpackError> {
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

/// Writes those files of a Debian or RPM package that `wanted` gives a place below `dest`, each once: links, devices and
/// directories are none.
///
/// # Errors
/// [`UnpackError`]; what was unpacked until then stays in `dest`.
pub fn package_files(
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
        let made = fs::create_dir_all(parent).and_then(|()| File::create_new(&target));
        match made.and_then(|mut out| io::copy(file, &mut out)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(job
                .unexpected(format!("`{}` is in it, or in another of the packages, twice", path.display()))),
            Err(source) => Err(job.failed(source)),
        }
    })?;
    progress.finish();
    Ok(())
}

/// The decoder that a file name asks for; a name with no known suffix is taken as it is.
pub(crate) fn decoder<'a>(name: &Path, input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(if has_suffix(name, ".xz") {
        let stream = Stream::new_stream_decoder(DECODER_MEMORY, CONCATENATED)?;
        Box::new(XzDecoder::new_stream(input, stream))
    } else if has_suffix(name, ".zst") {
        let mut decoder = zstd::Decoder::new(input)?;
        decoder.window_log_max(ZSTD_WINDOW)?;
        Box::new(decoder)
    } else if has_suffix(name, ".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(input))
    } else {
        Box::new(input)
    })
}

type Visit<'v> = dyn FnMut(&Path, &mut dyn Read, &mut dyn Progress) -> Result<(), UnpackError> + 'v;

type VisitEntry<'v> =
    dyn FnMut(&Path, &mut tar::Entry<'_, Unpacked<'_>>, &mut dyn Progress) -> Result<(), UnpackError> + 'v;

/// What a decoder gives, bounded as a whole and between files.
type Unpacked<'a> = Bounded<Bounded<Box<dyn Read + 'a>>>;

/// One archive while it is unpacked.
struct Job {
    archive: PathBuf,
    read: Rc<Cell<u64>>,
    /// Of all that is unpacked.
    whole: Bound,
}

impl Job {
    fn new(archive: &Path) -> Self {
        Self { archive: archive.to_owned(), read: Rc::default(), whole: Bound::default() }
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
        self.whole.allow(total.saturating_mul(MOST_TIMES).clamp(SMALL, LARGEST));
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

    /// Visits the regular files of a package, in the order in which they lie there.
    fn package_files(
        &self,
        mut input: impl Read,
        progress: &mut dyn Progress,
        visit: &mut Visit<'_>,
    ) -> Result<(), UnpackError> {
        let mut magic = Vec::new();
        let first = Read::by_ref(&mut input).take(rpm::MAGIC.len() as u64).read_to_end(&mut magic);
        first.map_err(|source| self.failed(source))?;
        let is_rpm = magic == rpm::MAGIC;
        let input = io::Cursor::new(magic).chain(input);
        match is_rpm {
            true => self.rpm_files(input, progress, visit),
            false => self.deb_files(input, progress, visit),
        }
    }

    fn rpm_files(
        &self,
        mut input: impl Read,
        progress: &mut dyn Progress,
        visit: &mut Visit<'_>,
    ) -> Result<(), UnpackError> {
        let failed = |source| self.failed(source);
        let packed = rpm::head(&mut input).map_err(failed)?.packed;
        let headers = Bound::default();
        headers.allow(LONGEST_HEADERS);
        let unpacked = decoder(Path::new(&format!("cpio{packed}")), input).map_err(failed)?;
        let unpacked = Bounded::new(unpacked, self.whole.clone(), UNPACKS_WITHOUT_END);
        let mut unpacked = Bounded::new(unpacked, headers.clone(), HEADERS_WITHOUT_END);
        for number in 0.. {
            self.tick(progress)?;
            if number >= MOST_ENTRIES {
                return Err(self.unexpected(format!("more than {MOST_ENTRIES} entries")));
            }
            let mut file = newc::Reader::new(unpacked).map_err(failed)?;
            let entry = file.entry().clone();
            headers.allow(u64::from(entry.file_size()) + LONGEST_HEADERS);
            if entry.is_trailer() {
                unpacked = file.finish().map_err(failed)?;
                break;
            }
            let path = Path::new(entry.name());
            if !is_inside(path) {
                return Err(self.escape(path));
            }
            let path = path.strip_prefix(".").unwrap_or(path);
            if entry.mode() & FILE_KIND == REGULAR_FILE {
                visit(path, &mut file, progress)?;
            }
            unpacked = file.finish().map_err(failed)?;
        }
        headers.allow(self.whole.left());
        io::copy(&mut unpacked, &mut io::sink()).map_err(failed)?;
        Ok(())
    }

    fn deb_files(
        &self,
        input: impl Read,
        progress: &mut dyn Progress,
        visit: &mut Visit<'_>,
    ) -> Result<(), UnpackError> {
        let failed = |source| self.failed(source);
        let Some((name, mut data)) = deb::data(input).map_err(failed)? else {
            return Err(self.unexpected("no data in this package; is it a Debian package?"));
        };
        self.entries(Path::new(&name), &mut data, progress, &mut |path, entry, progress| {
            if !entry.header().entry_type().is_file() {
                return Ok(());
            }
            visit(path.strip_prefix(".").unwrap_or(path), entry, progress)
        })?;
        if data.limit() > 0 {
            return Err(self.unexpected("it is cut short, or holds something behind its data"));
        }
        Ok(())
    }

    /// Unpacks a tarball of files, directories and links.
    fn tarball(
        &self,
        name: &Path,
        input: impl Read,
        dest: &Path,
        progress: &mut dyn Progress,
    ) -> Result<(), UnpackError> {
        self.entries(name, input, progress, &mut |path, entry, _| {
            let kind = entry.header().entry_type();
            if !(kind.is_file() || kind.is_dir() || kind.is_symlink() || kind.is_hard_link()) {
                return Err(
                    self.unexpected(format!("`{}` is neither file, directory nor link", path.display()))
                );
            }
            let link = entry.link_name().map_err(|source| self.failed(source))?;
            let leads_out = kind.is_symlink() && link.is_none_or(|link| !stays_inside(path, &link));
            // tar's own check is of the directory that the path leads to, links followed, and of what a hard link names.
            if leads_out || !entry.unpack_in(dest).map_err(|source| self.failed(source))? {
                return Err(self.escape(path));
            }
            Ok(())
        })
    }

    /// Visits the entries of a tarball, whose paths stay inside, up to the end of what is packed.
    fn entries<R: Read>(
        &self,
        name: &Path,
        mut input: R,
        progress: &mut dyn Progress,
        visit: &mut VisitEntry<'_>,
    ) -> Result<(), UnpackError> {
        let failed = |source| self.failed(source);
        let headers = Bound::default();
        headers.allow(LONGEST_HEADERS);
        let unpacked = decoder(name, &mut input).map_err(failed)?;
        let unpacked = Bounded::new(unpacked, self.whole.clone(), UNPACKS_WITHOUT_END);
        let mut archive = tar::Archive::new(Bounded::new(unpacked, headers.clone(), HEADERS_WITHOUT_END));
        archive.set_overwrite(false);
        for (number, entry) in archive.entries().map_err(failed)?.enumerate() {
            self.tick(progress)?;
            let mut entry = entry.map_err(failed)?;
            if number >= MOST_ENTRIES {
                return Err(self.unexpected(format!("more than {MOST_ENTRIES} entries")));
            }
            let path = entry.path().map_err(failed)?.into_owned();
            if entry.header().entry_type().is_gnu_sparse() {
                return Err(self.unexpected(format!("`{}` is a file with holes", path.display())));
            }
            headers.allow(entry.size().saturating_add(LONGEST_HEADERS));
            if entry.header().entry_type().is_pax_global_extensions() {
                continue;
            }
            if !is_inside(&path) {
                return Err(self.escape(&path));
            }
            visit(&path, &mut entry, progress)?;
        }
        // Behind the last entry stands what the decoder checks the whole by.
        headers.allow(self.whole.left());
        io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(failed)?;
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

/// Whether a link at `path` that holds `target` names something below the directory in which `path` counts.
fn stays_inside(path: &Path, target: &Path) -> bool {
    let mut depth = path.components().filter(|part| matches!(part, Component::Normal(_))).count() - 1;
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    true
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
