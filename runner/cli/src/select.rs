//! From what the user wrote to sessions and kernels.

use std::path::Path;

use glob::{MatchOptions, Pattern};
use scrubjay_kernels::{Catalogue, Image, Manifest};
use scrubjay_session::{Session, Sessions};

use crate::context::Context;
use crate::failure::{Result, Usage};

/// The sessions that were asked for, by id; all where nothing was.
///
/// A word is an id, or a pattern (`*`, `?`, `[…]`) that an id or a path below vectors/sessions,
/// without its ending, has to match.
///
/// # Errors
/// A word that names nothing: who mistypes must not see a pass.
pub fn sessions<'a>(words: &[String], all: &'a Sessions, context: &Context) -> Result<Vec<&'a Session>> {
    let base = context.vectors().join("sessions");
    let path_of = |session: &Session| {
        let path = all.path(&session.id).unwrap_or(Path::new("")).with_extension("");
        path.strip_prefix(&base).map(|path| path.display().to_string()).unwrap_or_default()
    };
    let known: Vec<(&Session, String)> = all.iter().map(|session| (session, path_of(session))).collect();
    let chosen = choose("session", words, &known, |(session, path)| [session.id.as_str(), path.as_str()])?;
    Ok(chosen.into_iter().map(|(session, _)| *session).collect())
}

/// Those of `all` that the words name, in the order of `all`. `what` they are is told in errors.
///
/// # Errors
/// A word that names nothing, or a pattern that is none.
pub fn choose<'a, T>(
    what: &str,
    words: &[String],
    all: &'a [T],
    names: impl for<'b> Fn(&'b T) -> [&'b str; 2],
) -> Result<Vec<&'a T>> {
    let mut wanted = vec![words.is_empty(); all.len()];
    for word in words {
        let pattern = Pattern::new(word).map_err(|e| Usage(format!("`{word}` is no pattern: {e}")))?;
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        let mut any = false;
        for (item, wanted) in all.iter().zip(&mut wanted) {
            let hit = names(item).iter().any(|name| *name == word || pattern.matches_with(name, options));
            *wanted |= hit;
            any |= hit;
        }
        if !any {
            let like = all.iter().map(|item| names(item)[0]).filter(|id| alike(id, word)).take(5);
            let like: Vec<_> = like.collect();
            let hint =
                if like.is_empty() { String::new() } else { format!("; there is {}", like.join(", ")) };
            return Err(Usage(format!("no {what} `{word}`{hint}")).into());
        }
    }
    Ok(all.iter().zip(wanted).filter_map(|(item, wanted)| wanted.then_some(item)).collect())
}

/// Whether a name could have been meant.
fn alike(name: &str, word: &str) -> bool {
    let stem = word.split(['*', '?', '[', '/']).find(|part| part.len() > 2).unwrap_or(word);
    name.contains(stem) || name.split('-').any(|part| part.len() > 3 && word.contains(part))
}

/// A kernel that was asked for.
pub enum Wanted<'a> {
    /// One of the catalogue.
    Listed(&'a Manifest),
    /// A file.
    File {
        /// Its release, or its path where another kernel has that name.
        id: String,
        /// Its path, as the user wrote it.
        word: String,
        /// The kernel.
        image: Box<Image>,
    },
}

impl Wanted<'_> {
    /// What it is called in reports.
    pub fn id(&self) -> &str {
        match self {
            Wanted::Listed(manifest) => &manifest.id,
            Wanted::File { id, .. } => id,
        }
    }
}

/// One kernel by its id or its path.
///
/// # Errors
/// One that is neither in the catalogue nor a kernel's file.
pub fn kernel<'a>(word: &str, catalogue: &'a Catalogue) -> Result<Wanted<'a>> {
    match catalogue.get(word) {
        Ok(manifest) => Ok(Wanted::Listed(manifest)),
        Err(_) if word.contains('/') || Path::new(word).is_file() => {
            let image = Box::new(Image::from_file(Path::new(word))?);
            Ok(Wanted::File { id: image.release.clone(), word: word.to_owned(), image })
        }
        Err(unknown) => Err(unknown.into()),
    }
}

/// The kernels that were asked for, in that order, each once.
///
/// # Errors
/// One that is neither in the catalogue nor a kernel's file.
pub fn kernels<'a>(words: &[String], catalogue: &'a Catalogue) -> Result<Vec<Wanted<'a>>> {
    let mut wanted: Vec<Wanted> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        if !words[..i].contains(word) {
            wanted.push(kernel(word, catalogue)?);
        }
    }
    tell_apart(wanted.iter_mut());
    Ok(wanted)
}

/// Gives each file whose release another kernel has too the name that the user wrote.
pub fn tell_apart<'w, 'c: 'w>(wanted: impl Iterator<Item = &'w mut Wanted<'c>>) {
    let mut wanted: Vec<_> = wanted.collect();
    let ids: Vec<String> = wanted.iter().map(|kernel| kernel.id().to_owned()).collect();
    for kernel in &mut wanted {
        if let Wanted::File { id, word, .. } = kernel
            && ids.iter().filter(|other| *other == id).count() > 1
        {
            id.clone_from(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ALL: [(&str, &str); 4] = [
        ("get-value", "get-feature/get-value"),
        ("get-part", "get-feature/get-part"),
        ("edac-limits", "edac/edac-limits"),
        ("info", "info/info"),
    ];

    fn chosen(words: &[&str]) -> Result<Vec<&'static str>, String> {
        let words: Vec<_> = words.iter().map(|w| (*w).to_owned()).collect();
        let chosen = choose("session", &words, &ALL, |(id, path)| [id, path]);
        chosen.map(|all| all.into_iter().map(|(id, _)| *id).collect()).map_err(|e| e.to_string())
    }

    #[rstest]
    #[case::all(&[], &["get-value", "get-part", "edac-limits", "info"])]
    #[case::by_id(&["info"], &["info"])]
    #[case::by_pattern_over_ids(&["get-*"], &["get-value", "get-part"])]
    #[case::by_directory(&["edac/*"], &["edac-limits"])]
    #[case::each_once_and_in_order(&["info", "get-part", "*-part"], &["get-part", "info"])]
    fn words_choose_sessions(#[case] words: &[&str], #[case] expected: &[&str]) {
        assert_eq!(chosen(words).unwrap(), expected);
    }

    #[rstest]
    #[case::mistyped("get-valeu", "no session `get-valeu`")]
    #[case::names_what_is_alike("edac", "there is edac-limits")]
    #[case::matches_nothing("set-*", "no session `set-*`")]
    #[case::no_pattern("get-[", "is no pattern")]
    fn a_word_that_names_nothing_is_refused(#[case] word: &str, #[case] said: &str) {
        let error = chosen(&["info", word]).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
