//! Names: what an id of a file or of a part of it may be, so that it can stand in a path, a pattern, a
//! terminal and a report. Reads nothing.

/// The most characters of an id.
pub const LONGEST: usize = 64;

/// The most characters of a title.
pub const LONGEST_TITLE: usize = 160;

/// Why a text is no id, if it is none: small letters, digits and single hyphens between them.
pub fn wrong(id: &str) -> Option<String> {
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if id.len() > LONGEST {
        return Some(format!("{} characters are more than the {LONGEST} of an id", id.chars().count()));
    }
    (!id.split('-').all(word))
        .then(|| format!("`{}` is not made of small letters, digits and single hyphens", id.escape_debug()))
}

/// Why a text is no title, if it is none: one line that can be shown.
pub fn wrong_title(title: &str) -> Option<String> {
    if title.trim().is_empty() {
        return Some("a title is needed".to_owned());
    }
    let length = title.chars().count();
    if length > LONGEST_TITLE {
        return Some(format!("{length} characters are more than the {LONGEST_TITLE} of a title"));
    }
    let hidden = title.chars().find(|c| c.is_control())?;
    Some(format!("`{}` cannot be shown; a title is one line", hidden.escape_debug()))
}

/// The most characters of a text that an error repeats.
const LONGEST_SHOWN: usize = 1_000;

/// A text from a file as an error may repeat it: what cannot be shown is escaped, and what is too long cut.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(LONGEST_SHOWN) {
        match c.is_control() {
            true => shown.extend(c.escape_debug()),
            false => shown.push(c),
        }
    }
    if text.chars().nth(LONGEST_SHOWN).is_some() {
        shown.push_str(" …");
    }
    shown
}
