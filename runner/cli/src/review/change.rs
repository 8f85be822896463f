//! From words to an acceptance, and to a change that has no file yet. Writes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scrubjay_verdict::change::{Commit, FORMAT, InSeries};
use scrubjay_verdict::review::{Acceptance, Grounds};
use scrubjay_verdict::{Change, Changes, Promises, Series};

use crate::args::FactArgs;
use crate::failure::{Result, Usage};

/// Reads `base`, `also` or `change:ID[+ID…]`.
///
/// # Errors
/// Anything else.
pub fn acceptance(word: &str) -> Result<Acceptance, Usage> {
    match (word, word.strip_prefix("change:")) {
        ("base", _) => Ok(Acceptance::Base),
        ("also", _) => Ok(Acceptance::Also),
        (_, Some(ids)) => {
            let ids: Vec<String> = ids.split('+').map(str::to_owned).collect();
            match ids.iter().find(|id| !is_id(id)) {
                Some(id) => Err(Usage(format!(
                    "`{id}` is not a valid id of a change: small letters, digits and hyphens"
                ))),
                None => Ok(Acceptance::Changed(ids)),
            }
        }
        _ => Err(Usage(format!("`{word}`: accept as base, also, or change:ID"))),
    }
}

/// A file's stem that is the same on every file system.
fn is_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !id.is_empty() && id.chars().all(plain) && !id.starts_with('-') && !id.ends_with('-')
}

/// Why a recording goes into the base; what a change gives has its reason there.
///
/// # Errors
/// One that is not given.
pub fn grounds(acceptance: &Acceptance, facts: &FactArgs) -> Result<Option<Grounds>, Usage> {
    let word = match acceptance {
        Acceptance::Changed(_) => return Ok(None),
        Acceptance::Base => "base",
        Acceptance::Also => "also",
    };
    let said = |fact: &Option<String>| fact.clone().filter(|text| !text.trim().is_empty());
    match (said(&facts.reason), said(&facts.reference)) {
        (Some(reason), Some(reference)) => Ok(Some(Grounds { reason, reference })),
        _ => Err(Usage(format!("accepting as {word} needs --reason and --reference"))),
    }
}

/// The change of an acceptance that there is not yet.
pub fn missing<'a>(acceptance: &'a Acceptance, changes: &Changes) -> Vec<&'a str> {
    match acceptance {
        Acceptance::Changed(ids) => {
            ids.iter().map(String::as_str).filter(|id| changes.get(id).is_none()).collect()
        }
        Acceptance::Base | Acceptance::Also => Vec::new(),
    }
}

/// The change that an acceptance names and that has no file yet, made from the facts; `release` is
/// where it was first seen.
///
/// # Errors
/// A fact that is missing, wrong, or given for nothing.
pub fn new(
    acceptance: &Acceptance,
    facts: &FactArgs,
    release: &str,
    changes: &Changes,
    promises: &Promises,
    dir: &Path,
) -> Result<Option<(PathBuf, Change)>> {
    let id = match missing(acceptance, changes).as_slice() {
        [] if !is_about_a_change(acceptance, facts) => return Ok(None),
        [] => {
            let why = "facts about a change are for one that has no file yet; this one has, or none is named";
            return Err(Usage(why.into()).into());
        }
        [id] => (*id).to_owned(),
        ids => return Err(Usage(format!("{} are all new: make one at a time", ids.join(", "))).into()),
    };
    let series = series(facts)?;
    let mut lacking = Vec::new();
    if facts.commit.is_none() && facts.no_commit.is_none() {
        lacking.push("--commit or --no-commit");
    }
    if facts.mainline.is_none() {
        lacking.push("--mainline");
    }
    let mut fact = |flag: &'static str, value: &Option<String>| {
        value.clone().filter(|text| !text.trim().is_empty()).unwrap_or_else(|| {
            lacking.push(flag);
            String::new()
        })
    };
    let reason = fact("--reason", &facts.reason);
    let reference = fact("--reference", &facts.reference);
    let promise = fact("--promise", &facts.promise);
    let (Some(mainline), []) = (&facts.mainline, lacking.as_slice()) else {
        return Err(Usage(format!("change `{id}` has no file yet: it needs {}", lacking.join(", "))).into());
    };
    let subject = || facts.subject.clone().unwrap_or_default();
    let change = Change {
        format: FORMAT.to_owned(),
        title: facts.title.clone().unwrap_or_else(|| id.replace('-', " ")),
        commit: facts.commit.clone().map(|id| Commit { id, subject: subject() }),
        no_commit: facts.no_commit.clone(),
        cve: facts.cve.clone(),
        mainline: mainline.clone(),
        introduced: facts.introduced.clone(),
        series,
        reason,
        reference,
        promise,
        first_seen: release.to_owned(),
        id,
    };
    if promises.get(&change.promise).is_none() {
        return Err(Usage(format!("--promise: there is no promise `{}`", change.promise)).into());
    }
    let path = dir.join(format!("{}.json", change.id));
    change.check(&path)?;
    Ok(Some((path, change)))
}

/// Whether anything is said that only a change has.
fn is_about_a_change(acceptance: &Acceptance, facts: &FactArgs) -> bool {
    let FactArgs {
        reason,
        reference,
        title,
        commit,
        subject,
        no_commit,
        mainline,
        introduced,
        cve,
        lacks_to,
        has_from,
        promise,
    } = facts;
    let mut given = vec![title, commit, subject, no_commit, cve, promise];
    if let Acceptance::Changed(_) = acceptance {
        given.extend([reason, reference]);
    }
    let stated = mainline.is_some() || introduced.is_some() || !lacks_to.is_empty() || !has_from.is_empty();
    stated || given.iter().any(|fact| fact.is_some())
}

/// What is known of stable series, each once.
fn series(facts: &FactArgs) -> Result<Vec<InSeries>, Usage> {
    let mut series: BTreeMap<Series, InSeries> = BTreeMap::new();
    let sides = [("--lacks-to", &facts.lacks_to), ("--has-from", &facts.has_from)];
    for (flag, said) in sides.into_iter().flat_map(|(flag, all)| all.iter().map(move |said| (flag, said))) {
        let of = said.release.series;
        let known = series.entry(of).or_insert(InSeries { series: of, lacks_to: None, has_from: None });
        let side = if flag == "--lacks-to" { &mut known.lacks_to } else { &mut known.has_from };
        if side.replace(said.clone()).is_some() {
            return Err(Usage(format!("{flag}: {of} is named twice; one release says it")));
        }
    }
    Ok(series.into_values().collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("base", Acceptance::Base)]
    #[case("also", Acceptance::Also)]
    #[case("change:op-size-bounded", Acceptance::Changed(vec!["op-size-bounded".into()]))]
    #[case("change:a+b", Acceptance::Changed(vec!["a".into(), "b".into()]))]
    fn an_acceptance_is_read(#[case] word: &str, #[case] expected: Acceptance) {
        assert_eq!(acceptance(word).unwrap(), expected);
    }

    #[rstest]
    #[case("golden")]
    #[case("change:")]
    #[case("change:../x")]
    #[case("change:a+")]
    #[case("change:Loud")]
    fn what_is_no_acceptance_is_refused(#[case] word: &str) {
        assert!(acceptance(word).is_err());
    }
}
