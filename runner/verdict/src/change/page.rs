//! Changes as people read them: the table of the book, and one in full.

use super::form::{Change, Changes, Known, Statement};
use super::stand::Stand;
use crate::release::{Release, Series};

impl Change {
    /// The commit, or that none can be named.
    pub fn commit_in_words(&self) -> String {
        match (&self.commit, &self.no_commit) {
            (Some(commit), _) => format!("{} {}", commit.id, commit.subject),
            (None, Some(why)) => format!("none: {why}"),
            (None, None) => "none".to_owned(),
        }
    }

    /// What a series has of it, in words: `from 7.2.4`, `lacks it to 7.1.13`, `from the start`.
    pub fn in_series(&self, series: Series) -> String {
        let mainline = self.mainline.release;
        if series == mainline.series {
            return format!("from {mainline}");
        }
        if series > mainline.series {
            return "from the start".to_owned();
        }
        let known = self.series.iter().find(|known| known.series == series);
        let release = |said: &Statement| said.release;
        let first = Some(Release::of(series, 0)).filter(|first| self.at(*first) == Stand::Lacks);
        let lacks_to = known.and_then(|known| known.lacks_to.as_ref()).map(release).or(first);
        let has_from = known.and_then(|known| known.has_from.as_ref()).map(release);
        match (lacks_to, has_from) {
            (Some(lacks), Some(has)) if !follows(lacks, has) => format!("lacks it to {lacks}, from {has}"),
            (_, Some(has)) => format!("from {has}"),
            (Some(lacks), None) => format!("lacks it to {lacks}"),
            (None, None) => "before the bug".to_owned(),
        }
    }

    /// All that is known of it, as a person reads it on a terminal.
    pub fn in_full(&self) -> String {
        let row = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut rows = vec![row("title", &self.title), row("commit", &self.commit_in_words())];
        rows.extend(self.cve.as_ref().map(|cve| row("cve", cve)));
        for (what, said) in self.statements() {
            rows.push((what, format!("{}, known by {}", said.release, said.known_by.name())));
        }
        rows.extend([
            row("reason", &self.reason),
            row("reference", &self.reference),
            row("promise", &self.promise),
            row("first seen", &self.first_seen),
        ]);
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let rows = rows.iter().map(|(name, text)| format!("{name:width$}  {text}\n"));
        format!("{}\n\n{}", self.id, rows.collect::<String>())
    }

    /// Each statement with how it is known, in the order of releases.
    pub fn statements(&self) -> Vec<(String, &Statement)> {
        let mut all = vec![("mainline has it from".to_owned(), &self.mainline)];
        all.extend(self.introduced.as_ref().map(|bug| ("mainline has the bug from".to_owned(), bug)));
        for known in &self.series {
            let series = known.series;
            all.extend(known.lacks_to.as_ref().map(|said| (format!("{series}.y lacks it to"), said)));
            all.extend(known.has_from.as_ref().map(|said| (format!("{series}.y has it from"), said)));
        }
        all.sort_by_key(|(_, said)| said.release);
        all
    }
}

/// Whether no release lies between the two.
fn follows(lacks: Release, has: Release) -> bool {
    lacks.rc.is_none() && has.rc.is_none() && lacks.point.checked_add(1) == Some(has.point)
}

impl Changes {
    /// The table of the book: what each series has of each change. Its changes are linked from a page
    /// beside `vectors`' parent.
    pub fn markdown(&self) -> String {
        let series = self.series();
        let heads: String = series.iter().map(|series| format!(" {series}.y |")).collect();
        let mut text = format!("| change | commit |{heads}\n|---|---|{}\n", "---|".repeat(series.len()));
        for change in self.iter() {
            let commit = change.commit.as_ref().map_or("none", |commit| &commit.id);
            let cells: String =
                series.iter().map(|series| format!(" {} |", change.in_series(*series))).collect();
            text += &format!("| [{0}](#{0}) | {commit} |{cells}\n", change.id);
        }
        for change in self.iter() {
            text += &change.section();
        }
        text
    }
}

impl Change {
    fn section(&self) -> String {
        let end = |text: &str| text.trim().trim_end_matches('.').to_owned();
        let cve = self.cve.as_ref().map(|cve| format!(" {cve}.")).unwrap_or_default();
        let mut text = format!(
            "\n### {}\n\n{}. {}. Commit: {}.{cve} Reference: {}. Promise: {}. First seen on {}.\n\n",
            self.id,
            end(&self.title),
            end(&self.reason),
            end(&self.commit_in_words()),
            end(&self.reference),
            self.promise,
            self.first_seen
        );
        for known in Known::ALL {
            let said = self.statements().into_iter().filter(|(_, said)| said.known_by == known);
            let said: Vec<_> = said.map(|(what, said)| format!("{what} {}", said.release)).collect();
            if !said.is_empty() {
                text += &format!("- known by {}: {}\n", known.name(), said.join("; "));
            }
        }
        text
    }
}
