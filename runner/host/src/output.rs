//! Files that the user named, written without harming what stands there.
//!
//! A regular file, or nothing, is replaced by a whole file: written beside it and renamed. A link is
//! followed and stays. Anything else (a device, a pipe, `/proc/self/fd/N`, `>(cat)`) is written
//! through, and so is a file that cannot be replaced, because it is mounted or its directory may not
//! be written. What cannot be written is refused by [`Output::at`], before there is anything to write.
//! Knows no format.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::libc::O_NOCTTY;

/// The most links that lead to one another.
const MOST_LINKS: usize = 40;

/// What has to fit beside a file for it to count as one that can be written, in bytes.
const TRIAL: usize = 4096;

/// A place that cannot be written, seen before there was anything to write.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct OutputError {
    /// As the user named it.
    pub path: PathBuf,
    what: &'static str,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// What was to be written could not be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {CANNOT}", path.display())]
pub struct UnwrittenError {
    /// As the user named it.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A place that can be written.
#[derive(Debug)]
pub struct Output {
    named: PathBuf,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Replaced: the path, with every link followed.
    Replace(PathBuf),
    /// A regular file whose content is replaced.
    Rewrite(File),
    /// Written to.
    Through(File),
}

impl Output {
    /// Looks whether that place can be written, and changes nothing there. Missing directories above
    /// it are made. Opening a pipe waits for its reader.
    ///
    /// # Errors
    /// A directory, a place without permission, a full disk.
    pub fn at(path: &Path) -> Result<Self, OutputError> {
        let named = path.to_owned();
        let failed = |what, source| OutputError { path: named.clone(), what, source };
        let way = way(path).map_err(|(what, source)| failed(what, source))?;
        Ok(Output { named, way })
    }

    /// Writes the whole of it.
    ///
    /// # Errors
    /// What stood there before still stands where it was to be replaced.
    pub fn write(&mut self, text: &str) -> Result<(), UnwrittenError> {
        let written = match &mut self.way {
            Way::Replace(path) => replace(path, text.as_bytes()),
            Way::Rewrite(file) => rewrite(file, text.as_bytes()),
            Way::Through(file) => file.write_all(text.as_bytes()),
        };
        written.map_err(|source| UnwrittenError { path: self.named.clone(), source })
    }

    /// A file for what is written as it comes; what a regular one held is gone.
    ///
    /// # Errors
    /// It can no longer be opened.
    pub fn stream(self) -> Result<File, OutputError> {
        let opened = match self.way {
            Way::Replace(path) => File::create(path),
            Way::Rewrite(file) => file.set_len(0).map(|()| file),
            Way::Through(file) => Ok(file),
        };
        opened.map_err(|source| OutputError { path: self.named, what: CANNOT, source })
    }
}

impl From<UnwrittenError> for io::Error {
    fn from(error: UnwrittenError) -> Self {
        io::Error::new(error.source.kind(), format!("{error}: {}", error.source))
    }
}

/// Writes a whole file at once.
///
/// # Errors
/// Those of [`Output::at`] and [`Output::write`].
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut output = Output::at(path).map_err(|error| error.source)?;
    output.write(text).map_err(|error| error.source)
}

const CANNOT: &str = "cannot be written";

type Refusal = (&'static str, io::Error);

fn way(path: &Path) -> Result<Way, Refusal> {
    let cannot = |source| (CANNOT, source);
    let Some(path) = followed(path).map_err(cannot)? else {
        // Of the process's own descriptors: what was written there before stays.
        return File::options().append(true).open(path).map(Way::Through).map_err(cannot);
    };
    let there = match path.metadata() {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let dir = above(&path);
            fs::create_dir_all(dir).map_err(|source| ("its directory cannot be made", source))?;
            room_in(dir).map_err(cannot)?;
            return Ok(Way::Replace(path));
        }
        Err(error) => return Err(cannot(error)),
    };
    if there.is_dir() {
        return Err(("name a file in it", ErrorKind::IsADirectory.into()));
    }
    // Neither truncated nor made: only whether it may be written.
    let file = File::options().write(true).custom_flags(O_NOCTTY).open(&path).map_err(cannot)?;
    if !there.is_file() {
        return Ok(Way::Through(file));
    }
    let dir = above(&path);
    let mounted = dir.metadata().map_err(cannot)?.dev() != there.dev();
    Ok(match room_in(dir) {
        _ if mounted => Way::Rewrite(file),
        Ok(()) => Way::Replace(path),
        Err(error) if error.kind() == ErrorKind::StorageFull => return Err(cannot(error)),
        Err(_) => Way::Rewrite(file),
    })
}

/// Where a path leads over all its links; none where that is one of a process's open descriptors.
fn followed(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match path.symlink_metadata() {
            Ok(there) if there.is_symlink() => {}
            Ok(_) => return Ok(Some(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(path)),
            Err(error) => return Err(error),
        }
        let dir = above(&path).canonicalize()?;
        if dir.starts_with("/proc") {
            return Ok(None);
        }
        path = dir.join(fs::read_link(&path)?);
    }
    Err(io::Error::other("too many links"))
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Tries whether a file can be made in a directory, by one that has no name there.
fn room_in(dir: &Path) -> io::Result<()> {
    tempfile::tempfile_in(dir)?.write_all(&[0; TRIAL])
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let there = match path.symlink_metadata() {
        Ok(there) if there.is_file() => Some(there),
        Ok(_) => return Err(io::Error::other("something else than a file stands there now")),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut beside = tempfile::Builder::new()
        .prefix(&format!(".{}.", path.file_name().unwrap_or_default().to_string_lossy()))
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(above(path))?;
    beside.write_all(text)?;
    beside.as_file().sync_data()?;
    if let Some(there) = there {
        beside.as_file().set_permissions(there.permissions())?;
    }
    match beside.persist(path) {
        Ok(_) => Ok(()),
        // A mount of the same disk.
        Err(error) if error.error.kind() == ErrorKind::ResourceBusy => {
            rewrite(&mut File::options().write(true).open(path)?, text)
        }
        Err(error) => Err(error.error),
    }
}

fn rewrite(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::thread;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use rstest::rstest;

    use super::*;

    fn dir() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn nothing_and_a_file_become_the_whole_text_and_leave_nothing_beside() {
        let dir = dir();
        let path = dir.path().join("new/deep/run.json");
        for text in ["first and longer", "second"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn who_may_read_a_file_may_read_it_still() {
        let dir = dir();
        let path = dir.path().join("run.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(&path, "new").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o640);
    }

    #[test]
    fn looking_changes_nothing() {
        let dir = dir();
        let (there, nothing) = (dir.path().join("there"), dir.path().join("nothing"));
        fs::write(&there, "old").unwrap();
        Output::at(&there).unwrap();
        Output::at(&nothing).unwrap();
        assert_eq!(fs::read_to_string(&there).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[rstest]
    #[case::to_a_file(true)]
    #[case::to_nothing(false)]
    fn a_link_stays_and_what_it_leads_to_is_written(#[case] there: bool) {
        let dir = dir();
        let (link, step, file) = (dir.path().join("link"), dir.path().join("step"), dir.path().join("file"));
        symlink("step", &link).unwrap();
        symlink(&file, &step).unwrap();
        if there {
            fs::write(&file, "old").unwrap();
        }
        write(&link, "new").unwrap();
        assert!(link.is_symlink() && step.is_symlink() && !file.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let dir = dir();
        let link = dir.path().join("link");
        symlink("link", &link).unwrap();
        assert!(Output::at(&link).is_err());
    }

    #[test]
    fn a_pipe_is_written_through_and_stays_one() {
        let dir = dir();
        let path = dir.path().join("pipe");
        mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
        let reader = thread::spawn({
            let path = path.clone();
            move || fs::read_to_string(path).unwrap()
        });
        write(&path, "text").unwrap();
        assert_eq!(reader.join().unwrap(), "text");
        assert!(path.metadata().unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_descriptor_of_this_process_is_written_through() {
        // As `>(cat)` names it.
        let (mut reader, writer) = io::pipe().unwrap();
        write(Path::new(&format!("/dev/fd/{}", writer.as_raw_fd())), "text").unwrap();
        drop(writer);
        let mut said = String::new();
        reader.read_to_string(&mut said).unwrap();
        assert_eq!(said, "text");
    }

    #[test]
    fn a_file_behind_a_descriptor_keeps_what_was_written_there_before() {
        let dir = dir();
        let path = dir.path().join("stdout");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"before, ").unwrap();
        write(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())), "after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before, after");
    }

    #[test]
    fn a_device_stays_one() {
        write(Path::new("/dev/null"), "text").unwrap();
        let full = write(Path::new("/dev/full"), "text").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        for device in ["/dev/null", "/dev/full"] {
            assert!(Path::new(device).metadata().unwrap().file_type().is_char_device());
        }
    }

    #[rstest]
    #[case::a_directory("", "name a file in it")]
    #[case::below_a_file("file/run.json", "cannot be written")]
    #[case::deep_below_a_file("file/new/run.json", "cannot be")]
    fn what_cannot_be_written_is_refused_by_name_before_there_is_a_text(
        #[case] below: &str,
        #[case] said: &str,
    ) {
        let dir = dir();
        fs::write(dir.path().join("file"), "old").unwrap();
        let path = dir.path().join(below);
        let error = Output::at(&path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()) && error.contains(said), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "old");
    }

    #[test]
    fn what_came_to_stand_there_meanwhile_stays() {
        let dir = dir();
        let path = dir.path().join("run.json");
        let mut output = Output::at(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(output.write("text").is_err());
        assert!(path.is_dir() && fs::read_dir(dir.path()).unwrap().count() == 1);
    }
}
