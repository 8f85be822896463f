//! Finds the line of a place in a JSON text, for complaints about what is valid JSON.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

pub(crate) mod keys;

/// One step down a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

/// `features[3].current`.
pub(crate) fn display(path: &[Segment<'_>]) -> String {
    let mut out = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) if out.is_empty() => out.push_str(key),
            Segment::Key(key) => {
                out.push('.');
                out.push_str(key);
            }
            Segment::Index(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

/// The path that [`display`] writes so.
pub(crate) fn parse(place: &str) -> Vec<Segment<'_>> {
    let mut path = Vec::new();
    for part in place.split('.') {
        let (key, indexes) = part.split_at(part.find('[').unwrap_or(part.len()));
        path.extend((!key.is_empty()).then_some(Segment::Key(key)));
        path.extend(indexes.split(['[', ']']).filter_map(|i| i.parse().ok().map(Segment::Index)));
    }
    path
}

/// The path of an error as [`display`] writes it; empty for the whole text.
pub(crate) fn place(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment as Told;
    let segments = path.iter().filter_map(|segment| match segment {
        Told::Seq { index } => Some(Segment::Index(*index)),
        Told::Map { key } | Told::Enum { variant: key } => Some(Segment::Key(key)),
        Told::Unknown => None,
    });
    display(&segments.collect::<Vec<_>>())
}

/// The value at this path.
pub(crate) fn find<'a>(text: &'a str, path: &[Segment<'_>]) -> Option<&'a str> {
    path.iter().try_fold(text, |text, segment| child(text, segment))
}

/// The line, from 1, of the value at this path, or of the deepest one above it that is there.
pub(crate) fn line(text: &str, path: &[Segment<'_>]) -> usize {
    let mut rest = text.trim_start();
    let mut offset = text.len() - rest.len();
    for segment in path {
        let Some(raw) = child(rest, segment) else { break };
        // `raw` borrows from `rest`, so the distance between their starts is an offset within it.
        offset += raw.as_ptr() as usize - rest.as_ptr() as usize;
        rest = raw;
    }
    1 + text[..offset].matches('\n').count()
}

fn child<'a>(text: &'a str, segment: &Segment<'_>) -> Option<&'a str> {
    match segment {
        Segment::Key(key) => {
            let map: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            map.get(*key).map(|raw| raw.get())
        }
        Segment::Index(index) => {
            let list: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            list.get(*index).map(|raw| raw.get())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const TEXT: &str = "\n{\n  \"a\": 1,\n  \"b\": [\n    {\n      \"c\": 2\n    },\n    3\n  ]\n}\n";

    #[rstest]
    #[case::root(&[], 2)]
    #[case::key(&[Segment::Key("a")], 3)]
    #[case::index(&[Segment::Key("b"), Segment::Index(1)], 8)]
    #[case::deep(&[Segment::Key("b"), Segment::Index(0), Segment::Key("c")], 6)]
    #[case::absent_key_of_a_present_object(&[Segment::Key("b"), Segment::Index(0), Segment::Key("x")], 5)]
    fn a_path_leads_to_its_line(#[case] path: &[Segment<'_>], #[case] expected: usize) {
        assert_eq!(line(TEXT, path), expected);
    }

    #[rstest]
    fn a_path_reads_as_one_writes_it() {
        let path = [Segment::Key("features"), Segment::Index(3), Segment::Key("current")];
        assert_eq!(display(&path), "features[3].current");
        assert_eq!(parse("features[3].current"), path);
    }
}
