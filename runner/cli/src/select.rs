//! From what the user wrote to sessions and kernels.

use std::path::Path;

use glob::{MatchOptions, Pattern};
use scrubjay_kernels::{Asked, Catalogue, asked_one};
use scrubjay_session::{Session, Sessions};
use scrubjay_verdict::Release;

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
        let pattern = Pattern::new(word).map_err(|e| Usage(format!("`{word}` is not a pattern: {e}")))?;
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

/// The release that `--baseline` names: by itself, or as what a kernel is that is one as it was made.
///
/// # Errors
/// A word that is neither.
pub fn baseline(word: &str, catalogue: &Catalogue) -> Result<Release> {
    if let Ok(release) = word.parse() {
        return Ok(release);
    }
    let release = match asked_one(word, catalogue)? {
        Asked::Made(manifest) if manifest.history.unmodified => Release::leading(&manifest.version),
        Asked::Made(_) => None,
        Asked::File { image, .. } => image.release.parse().ok(),
    };
    let no_release = || {
        let why = "is not an unmodified release, so nobody knows which changes it has to carry; name one, such as \
                   7.2, 7.2.4 or 7.3-rc2";
        Usage(format!("--baseline: {word} {why}")).into()
    };
    release.ok_or_else(no_release)
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
    #[case::no_pattern("get-[", "is not a pattern")]
    fn a_word_that_names_nothing_is_refused(#[case] word: &str, #[case] said: &str) {
        let error = chosen(&["info", word]).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
