//! Reads and writes the project's JSON files, with errors that say where.

use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_host::output;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::locate;

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
    /// It is not of the form that it should have.
    #[error("{path}:{line}:{column}: at `{place}`: {why}")]
    Form {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// The JSON path.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// It is well-formed and contradicts itself or its surroundings.
    #[error("{path}{}: at `{place}`: {why}", after(*line))]
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
        let place = place.into();
        let text = fs::read_to_string(path).ok();
        let line = text.map(|text| locate::line(&text, &locate::parse(&place)));
        FileError::Sense { path: path.to_owned(), line, place, why: why.into() }
    }
}

fn after(line: Option<usize>) -> String {
    line.map(|line| format!(":{line}")).unwrap_or_default()
}

/// Reads a JSON file.
///
/// # Errors
/// The file, the line and column, the JSON path, and what was expected there.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, FileError> {
    let text = fs::read_to_string(path).map_err(|source| FileError::Io { path: path.to_owned(), source })?;
    parse(path, &text)
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
        place,
        why,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let place = e.path().to_string();
        let inner = e.into_inner();
        form(inner.line(), inner.column(), place, without_position(&inner.to_string()))
    })?;
    json.end().map_err(|e| form(e.line(), e.column(), ".".into(), without_position(&e.to_string())))?;
    Ok(value)
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

/// That a file's stem is the id it holds.
///
/// # Errors
/// Both, and the remedy.
pub fn check_stem(path: &Path, id: &str) -> Result<(), FileError> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match stem == id {
        true => Ok(()),
        false => {
            Err(FileError::sense(path, "id", format!("`{id}` is not the file's name; call it `{stem}`")))
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
