//! Texts that are read from files which somebody else wrote: bounded, and from regular files only.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

/// Why a text cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a directory, a device, a FIFO or a socket: reading it could block, or never end.
    #[error("not a regular file; put one there, or remove it")]
    NotRegular,
    /// It is longer than such a file may be.
    #[error("longer than the {0} bytes that such a file may have; split it")]
    TooLong(u64),
}

impl From<InputError> for io::Error {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidInput, other),
        }
    }
}

/// Reads a text of at most `limit` bytes from a regular file, or from what a link to one leads to.
///
/// # Errors
/// Why not. A FIFO or a device is refused without waiting for it.
pub fn read_text(path: &Path, limit: u64) -> Result<String, InputError> {
    // The open of a FIFO waits for the other end, and that of a terminal may make it ours.
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = fs::File::options().read(true).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(InputError::NotRegular);
    }
    let mut text = String::new();
    file.take(limit.saturating_add(1)).read_to_string(&mut text)?;
    match text.len() as u64 > limit {
        true => Err(InputError::TooLong(limit)),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;

    #[test]
    fn only_a_regular_file_within_its_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("text");
        fs::write(&path, "four").unwrap();
        assert_eq!(read_text(&path, 4).unwrap(), "four");
        assert!(matches!(read_text(&path, 3), Err(InputError::TooLong(3))));
        assert!(matches!(read_text(dir.path(), 4), Err(InputError::NotRegular)));
        assert!(matches!(read_text(Path::new("/dev/zero"), 4), Err(InputError::NotRegular)));
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        assert!(matches!(read_text(&fifo, 4), Err(InputError::NotRegular)));
    }
}
