//! Reads and writes the project's JSON files, with errors that say where.

use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_host::input::{self, InputError};
use scrubjay_host::output;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::locate::{self, keys};
use crate::name;

/// The longest file below `vectors` that is read, in bytes.
pub const LONGEST: u64 = 8 << 20;

/// Why a file is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is a directory, a device, a FIFO or a socket: reading it could block, or never end.
    #[error("{path}: not a regular file; put one there, or remove it")]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than such a file may be.
    #[error("{path}: longer than the {limit} bytes that such a file may have; split it")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Bytes.
        limit: u64,
    },
    /// It is not of the form that it should have.
    #[error("{path}:{line}:{column}: {}: {why}", at(place))]
    Form {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The JSON path; empty for the whole.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// It is well-formed and contradicts itself or its surroundings.
    #[error("{path}{}: {}: {why}", after(*line), at(place))]
    Sense {
        /// The file.
        path: PathBuf,
        /// From 1; none where the file is not there yet.
        line: Option<usize>,
        /// The JSON path.
        place: String,
        /// What is wrong, and the remedy.
        why: String,
    },
}

impl FileError {
    /// A contradiction at a place in a file, whose line is looked up.
    pub fn sense(path: &Path, place: impl Into<String>, why: impl Into<String>) -> Self {
        let (place, why) = (place.into(), why.into());
        match read_text(path, LONGEST) {
            Ok(text) => Self::sense_in(path, &text, place, why),
            Err(_) => FileError::Sense {
                path: path.to_owned(),
                line: None,
                place: name::visible(&place),
                why: name::visible(&why),
            },
        }
    }

    /// A contradiction at a place in the text that came from a file.
    pub fn sense_in(path: &Path, text: &str, place: impl Into<String>, why: impl Into<String>) -> Self {
        let place = place.into();
        let line = Some(locate::line(text, &locate::parse(&place)));
        let (place, why) = (name::visible(&place), name::visible(&why.into()));
        FileError::Sense { path: path.to_owned(), line, place, why }
    }
}

fn after(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

fn at(place: &str) -> String {
    match place {
        "" => "at the top level".to_owned(),
        place => format!("at `{place}`"),
    }
}

/// Reads a JSON file of at most [`LONGEST`] bytes.
///
/// # Errors
/// The file, the line and column, the JSON path, and what was expected there.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    read_up_to(path, LONGEST)
}

/// Reads a JSON file of at most `limit` bytes.
///
/// # Errors
/// As [`read`].
pub fn read_up_to<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<T, FileError> {
    parse(path, &read_text(path, limit)?)
}

/// Reads a text of at most `limit` bytes from a regular file.
///
/// # Errors
/// The file, and why not. A FIFO or a device is refused without waiting for it.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    input::read_text(path, limit).map_err(|error| match error {
        InputError::Io(source) => FileError::Io { path: path.to_owned(), source },
        InputError::NotRegular => FileError::NotRegular { path: path.to_owned() },
        InputError::TooLong(limit) => FileError::TooLong { path: path.to_owned(), limit },
    })
}

/// Reads JSON text that came from `path`.
///
/// # Errors
/// As [`read`].
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, FileError> {
    let form = |line, column, place: String, why: String| FileError::Form {
        path: path.to_owned(),
        line,
        column,
        place: name::visible(&place),
        why: name::visible(&why),
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let place = locate::place(e.path());
        let inner = e.into_inner();
        let why = match inner.is_syntax() {
            true => not_one_key(text, &place),
            false => None,
        };
        form(inner.line(), inner.column(), place, why.unwrap_or_else(|| without_position(&inner.to_string())))
    })?;
    json.end().map_err(|e| form(e.line(), e.column(), String::new(), without_position(&e.to_string())))?;
    if let Some(twice) = keys::twice(text) {
        let why = format!("`{}` is there twice; remove one", twice.key.escape_debug());
        return Err(form(twice.line, twice.column, twice.place, why));
    }
    Ok(value)
}

/// Where a text is JSON and yet a value does not parse, an object with another number of keys than
/// one stands in place of a choice.
fn not_one_key(text: &str, place: &str) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
    let keys = keys::of(locate::find(text, &locate::parse(place))?)?;
    let keys: Vec<_> = keys.iter().map(|key| format!("`{}`", key.escape_debug())).collect();
    match &keys[..] {
        [] => Some("an object without a key; name what it is".to_owned()),
        [_] => None,
        [first @ .., last] => {
            Some(format!("{} and {last} are two things, and only one can stand here", first.join(", ")))
        }
    }
}

/// serde_json ends its messages with the position, which already stands in front.
fn without_position(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(what, _)| what).to_owned()
}

/// Writes a JSON file whole or not at all: beside it first, then renamed.
///
/// # Errors
/// The file and why; what stood there before still stands.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    let mut text = serde_json::to_string_pretty(value).map_err(|e| io(e.into()))?;
    text.push('\n');
    write_text(path, &text)
}

/// Writes a text file whole or not at all, where a regular file or nothing stands ([`output`]).
///
/// # Errors
/// As [`write()`].
pub fn write_text(path: &Path, text: &str) -> Result<(), FileError> {
    output::write(path, text).map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// Every `.json` file below a directory, sorted by path.
///
/// # Errors
/// A directory that cannot be read.
pub fn json_below(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        let io = |source| FileError::Io { path: dir.clone(), source };
        for entry in fs::read_dir(&dir).map_err(io)? {
            let entry = entry.map_err(io)?;
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            match entry.file_type().map_err(io)?.is_dir() {
                _ if hidden => {}
                true => left.push(path),
                false if path.extension().is_some_and(|e| e == "json") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

/// That an id is a name, and the stem of its file.
///
/// # Errors
/// Both, and the remedy.
pub fn check_stem(path: &Path, id: &str) -> Result<(), FileError> {
    if let Some(why) = name::wrong(id) {
        return Err(FileError::sense(path, "id", why));
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match stem == id {
        true => Ok(()),
        false => {
            let why = format!("`{id}` is not the file's name; call it `{}`", stem.escape_debug());
            Err(FileError::sense(path, "id", why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[expect(dead_code, reason = "only read into")]
        steps: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only read into")]
        id: String,
    }

    #[test]
    fn an_unknown_field_is_named_with_file_line_and_place() {
        let text = "{\n \"steps\": [\n  {\"id\": \"a\"},\n  {\"idd\": \"b\"}\n ]\n}";
        let error = parse::<Shape>(Path::new("s.json"), text).unwrap_err().to_string();
        assert!(error.starts_with("s.json:4:"), "{error}");
        assert!(error.contains("`steps[1]") && error.contains("unknown field `idd`"), "{error}");
    }

    #[test]
    fn a_contradiction_is_named_with_the_line_of_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g.json");
        fs::write(&path, "{\n \"steps\": [\n  {\"id\": \"a\"},\n  {\n   \"id\": \"b\"}\n ]\n}").unwrap();
        let said = |place| FileError::sense(&path, place, "wrong").to_string();
        assert_eq!(said("steps[1].id"), format!("{}:5: at `steps[1].id`: wrong", path.display()));
        assert_eq!(said("steps[0].base"), format!("{}:3: at `steps[0].base`: wrong", path.display()));
        assert_eq!(FileError::sense(Path::new("none"), "a", "wrong").to_string(), "none: at `a`: wrong");
    }

    #[test]
    fn a_failed_write_leaves_what_was_there_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, &1).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
