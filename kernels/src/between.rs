//! What lies between two revisions: nothing that a kernel is built from, sources of modules alone, or more than that; and
//! the functions and tables that are touched.
//!
//! Reads names, lines and texts of a repository; builds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::KernelError;
use crate::git::{self, GitError};
use crate::manifest::{Manifest, Source};
use crate::progress::Progress;
use crate::resolver::Resolver;
use crate::site::Site;
use crate::tree;

/// How far what is between a base and a head reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Between {
    /// No file is changed that a kernel for x86-64 is built from.
    Nothing,
    /// Sources and headers below drivers/cxl, drivers/edac and drivers/fwctl are changed, and nothing else: each by its
    /// path below the tree, with the text that the head has.
    Modules(BTreeMap<PathBuf, String>),
    /// More than modules built anew would show: the first reason, in words.
    Kernel(String),
}

/// What no kernel is built from.
const BESIDE: [&str; 4] = ["Documentation", "LICENSES", "samples", "tools/testing"];
/// Files at the top that are for people.
const FOR_PEOPLE: [&str; 6] = [".clang-format", ".mailmap", "COPYING", "CREDITS", "MAINTAINERS", "README"];
/// Words of a line that say when code runs, or that it is another thing built in than as a module.
const WHEN: [&str; 7] = ["initcall", "__init", "__exit", "module_", "MODULE", "IS_BUILTIN", "IS_REACHABLE"];

/// How far what names a touched function is followed.
const STEPS: usize = 3;
/// So many are followed, and so many are taken, in a step: what more name is everywhere.
const WIDEST: usize = 32;

/// What is different between a base and a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How far it reaches.
    pub reach: Between,
    /// The functions and tables that are different; for one that is not known, those below drivers/cxl, drivers/edac and
    /// drivers/fwctl that name it, and so on, three steps far. What lies elsewhere is not looked at, and where git does
    /// not answer nothing is told.
    pub touched: BTreeSet<String>,
}

impl Resolver {
    /// What is different between two revisions of one repository, the head's series applied. Whoever asks says of which
    /// functions it is known what reaches them.
    ///
    /// # Errors
    /// git's; a series that does not apply; the cache's.
    pub fn between(
        &self,
        base: &Manifest,
        head: &Manifest,
        known: &dyn Fn(&str) -> bool,
        progress: &mut dyn Progress,
    ) -> Result<Difference, KernelError> {
        let (Some(Source::Revision { commit: base, .. }), Some(Source::Revision { repo, commit, series })) =
            (base.sources.first(), head.sources.first())
        else {
            let reach = Between::Kernel("one of the two is no revision".to_owned());
            return Ok(Difference { reach, touched: BTreeSet::new() });
        };
        let site = Site::of(&self.cache, repo, progress)?;
        let (source, head) = match series {
            Some(series) => {
                let source = site.check_out(repo, commit)?;
                series.apply(&source, commit)?;
                git::ask_on(&source, &["add", "--all", "--force"])?;
                let tree = git::ask_on(&source, &["write-tree"])?;
                (source, tree)
            }
            None => (site.repository(repo)?, commit.clone()),
        };
        let reach = between(&source, base, &head)?;
        Ok(Difference { reach, touched: touched(&source, base, &head, known).unwrap_or_default() })
    }
}

fn diff(repo: &Path, base: &str, head: &str, how: &[&str]) -> Result<String, GitError> {
    let plain = ["diff-tree", "-r", "--no-renames", "--no-ext-diff", "--no-textconv"];
    // What comes behind two dashes is about files.
    let dashes = how.iter().position(|word| *word == "--").unwrap_or(how.len());
    git::ask_on(repo, &[&plain[..], &how[..dashes], &[base, head], &how[dashes..]].concat())
}

/// See [`Difference::touched`].
fn touched(
    repo: &Path,
    base: &str,
    head: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<BTreeSet<String>, GitError> {
    let under_test = ["-p", "-U0", "--text", "--", "include/cxl", "include/fwctl"];
    let lines = diff(repo, base, head, &[&under_test[..], &tree::UNITS].concat())?;
    with_users(repo, head, in_lines(&lines), known)
}

/// The functions and tables whose lines are different: by the head that git gives each place, and by the lines that are
/// such a head themselves.
fn in_lines(diff: &str) -> BTreeSet<String> {
    let heads = diff.lines().filter_map(|line| {
        let at_its_begin = line
            .strip_prefix(['+', '-'])
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        line.strip_prefix("@@ ")
            .and_then(|rest| rest.split_once("@@ "))
            .map(|(_, head)| head)
            .or(at_its_begin)
    });
    heads.filter_map(called).map(str::to_owned).collect()
}

/// What is touched, and of what is not known what names it by its text: a pointer in a table is followed as a call is.
fn with_users(
    repo: &Path,
    head: &str,
    touched: BTreeSet<String>,
    known: &dyn Fn(&str) -> bool,
) -> Result<BTreeSet<String>, GitError> {
    let unknown = |names: &BTreeSet<String>| -> BTreeSet<String> {
        names.iter().filter(|name| !known(name)).take(WIDEST).cloned().collect()
    };
    let mut last = unknown(&touched);
    let mut all = touched;
    for _ in 0..STEPS {
        if last.is_empty() {
            break;
        }
        let names = last.iter().flat_map(|name| ["-e", name.as_str()]);
        let mut ask: Vec<&str> = ["grep", "-h", "-n", "-w", "-p", "-F"].into_iter().chain(names).collect();
        ask.extend([head, "--"].into_iter().chain(tree::UNITS));
        let found = match git::ask_on(repo, &ask) {
            Ok(found) => found,
            // It says nothing where it finds nothing.
            Err(error) if error.said.is_empty() => break,
            Err(error) => return Err(error),
        };
        // Before a line stands the head of what it is in, with `=` behind its number.
        let users: BTreeSet<String> = found
            .lines()
            .filter_map(|line| {
                let (number, head) = line.split_once('=')?;
                number.bytes().all(|byte| byte.is_ascii_digit()).then(|| called(head).map(str::to_owned))?
            })
            .collect();
        let new: BTreeSet<_> = users.difference(&all).take(WIDEST).cloned().collect();
        last = unknown(&new);
        all.extend(new);
    }
    Ok(all)
}

/// What the head of a function or of a table is called: the word before its first bracket or its `=`. A macro that
/// stands by itself (`EXPORT_SYMBOL_NS_GPL`) is none.
fn called(head: &str) -> Option<&str> {
    let end = head.find(['(', '[', '=', '{'])?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word = head[..end].trim_end().rsplit(|c| !is_word(c)).next()?;
    let is_name = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.len() > 2
        && word.contains(|c: char| c.is_ascii_lowercase());
    is_name.then_some(word)
}

/// How far the difference of two commits or trees of a repository of ours reaches.
fn between(repo: &Path, base: &str, head: &str) -> Result<Between, GitError> {
    let listed = diff(repo, base, head, &["--name-status", "-z"])?;
    let mut fields = listed.split('\0');
    let mut changed = Vec::new();
    while let (Some(status), Some(name)) = (fields.next(), fields.next()) {
        if is_of_kernel(Path::new(name)) {
            changed.push((status, name));
        }
    }
    if changed.is_empty() {
        return Ok(Between::Nothing);
    }
    if let Some(why) = changed.iter().find_map(|(status, name)| beyond_modules(status, Path::new(name))) {
        return Ok(Between::Kernel(why));
    }
    let lines = diff(repo, base, head, &["-p", "-U0", "--text"])?;
    if let Some(file) = another_built_in(&lines) {
        return Ok(Between::Kernel(format!("{file} changes what runs when the kernel or the module starts")));
    }
    let mut sources = BTreeMap::new();
    for (_, name) in changed {
        if let Some(user) = used_elsewhere(repo, head, name)? {
            return Ok(Between::Kernel(format!("{name} changes, which {user} names too")));
        }
        let text = git::ask_on(repo, &["cat-file", "blob", &format!("{head}:{name}")])?;
        sources.insert(PathBuf::from(name), text + "\n");
    }
    Ok(Between::Modules(sources))
}

/// Whether a file may be a part of what a kernel for x86-64 is built from.
fn is_of_kernel(file: &Path) -> bool {
    let of_another =
        file.starts_with("arch") && file.components().count() > 2 && !file.starts_with("arch/x86");
    let name = file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    // Kconfig and make read theirs wherever they stand: Kconfig at the top takes in Documentation/Kconfig.
    if name.starts_with("Kconfig") || name.starts_with("Makefile") || name == "Kbuild" {
        return !of_another;
    }
    let for_people = file.components().count() == 1 && FOR_PEOPLE.contains(&name.as_ref());
    !(of_another || for_people || name == ".gitignore" || BESIDE.iter().any(|dir| file.starts_with(dir)))
}

/// Why a change of this file is more than one of modules.
fn beyond_modules(status: &str, file: &Path) -> Option<String> {
    let is_source = file.extension().is_some_and(|ending| ending == "c" || ending == "h");
    let name = file.display();
    match status {
        "A" => Some(format!("{name} is new")),
        "D" => Some(format!("{name} is gone")),
        "M" if is_source && tree::unit_of(file).is_some() => None,
        _ => Some(format!("{name} changes")),
    }
}

/// The file in whose lines, or in the heads of whose functions, stands when code runs.
fn another_built_in(diff: &str) -> Option<&str> {
    let mut file = "";
    for line in diff.lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            file = name;
        } else if ["@@", "+", "-"].iter().any(|sign| line.starts_with(sign))
            && WHEN.iter().any(|word| line.contains(word))
        {
            return Some(file);
        }
    }
    None
}

/// A source outside the unit of a header that names it; none of what is no header.
fn used_elsewhere(repo: &Path, head: &str, header: &str) -> Result<Option<String>, GitError> {
    let path = Path::new(header);
    let (Some((unit, _)), true) = (tree::unit_of(path), path.extension().is_some_and(|e| e == "h")) else {
        return Ok(None);
    };
    // By its name and that of its directory: `../cxl/cxl.h`.
    let named: PathBuf = path.iter().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect();
    let named = named.display().to_string();
    let outside = [format!(":!{unit}"), ":!tools".to_owned(), ":!Documentation".to_owned()];
    let mut ask = vec!["grep", "-l", "-F", "-e", &named, head, "--", "*.c", "*.h", "*.S"];
    ask.extend(outside.iter().map(String::as_str));
    match git::ask_on(repo, &ask) {
        Ok(found) => {
            let first = found.lines().next().unwrap_or_default();
            Ok(Some(first.split_once(':').map_or(first, |(_, file)| file).to_owned()))
        }
        // It says nothing where it finds nothing.
        Err(error) if error.said.is_empty() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;
    use crate::git::tests::git;

    const FEATURES: &str = "static int a(void)\n{\n\treturn 0;\n}\n\nstatic int __init start(void)\n{\n\treturn 1;\n}\n\
                            subsys_initcall(start);\n";

    #[rstest]
    #[case::a_function("static int cxl_set_feature(struct cxl_mailbox *cxl_mbox,", Some("cxl_set_feature"))]
    #[case::a_table("static const uuid_t *const cxl_exclusive_feats[] = {", Some("cxl_exclusive_feats"))]
    #[case::a_structure("static const struct fwctl_ops cxlctl_ops = {", Some("cxlctl_ops"))]
    #[case::one_that_gives_a_pointer(
        "struct cxl_feat_entry *cxl_feature_info(struct x *y)",
        Some("cxl_feature_info")
    )]
    #[case::a_macro("EXPORT_SYMBOL_NS_GPL(cxl_get_feature, \"CXL\");", None)]
    #[case::no_head("/* words */", None)]
    #[case::of_a_loop("if (x)", None)]
    fn a_head_is_called_by_its_name(#[case] head: &str, #[case] expected: Option<&str>) {
        assert_eq!(called(head), expected);
    }

    #[test]
    fn functions_and_tables_are_touched_where_lines_of_theirs_are_different() {
        let lines = "--- a/drivers/cxl/core/features.c\n+++ b/drivers/cxl/core/features.c\n\
                     @@ -13,0 +14 @@ static const uuid_t *const cxl_exclusive_feats[] = {\n+\t&a,\n\
                     @@ -40 +41 @@ static int first(void)\n-\treturn 0;\n+\treturn 1;\n\
                     @@ -50,0 +52,3 @@\n+static int second(int a)\n+{\n+}\n";
        assert_eq!(
            in_lines(lines).into_iter().collect::<Vec<_>>(),
            ["cxl_exclusive_feats", "first", "second"]
        );
    }

    #[test]
    fn what_names_a_touched_table_is_followed_to_what_names_that() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path();
        git(path, &["init", "-q"]);
        let file = path.join("drivers/cxl/core/features.c");
        fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        let text = "static const int the_table[] = {\n\t1,\n};\n\nstatic bool is_kept(int a)\n{\n\treturn the_table[a];\n}\n\n\
                    static int check_set(int a)\n{\n\treturn is_kept(a);\n}\n\nstatic int other(void)\n{\n\treturn 0;\n}\n\n\
                    static const struct ops the_ops = {\n\t.check = check_set,\n};\n";
        fs::write(&file, text).expect("written");
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "head"]);
        let all = |known: &dyn Fn(&str) -> bool| {
            let touched = BTreeSet::from(["the_table".to_owned()]);
            let all = with_users(path, "HEAD", touched, known).expect("git answers");
            all.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(all(&|_| false), ["check_set", "is_kept", "the_ops", "the_table"]);
        assert_eq!(all(&|name| name == "is_kept"), ["is_kept", "the_table"]);
        assert_eq!(all(&|name| name == "the_table"), ["the_table"]);
    }

    /// What lies between a small repository and what `change` makes of it.
    fn of(change: impl FnOnce(&Path)) -> Between {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path();
        git(path, &["init", "-q"]);
        for (name, text) in [
            ("drivers/cxl/core/features.c", FEATURES),
            ("drivers/cxl/core/core.h", "int a;\n"),
            ("drivers/cxl/cxl.h", "int b;\n"),
            ("drivers/cxl/Kconfig", "config CXL\n"),
            ("drivers/dax/cxl.c", "#include \"../cxl/cxl.h\"\n"),
            ("include/cxl/features.h", "int c;\n"),
            ("Documentation/a.rst", "words\n"),
            ("arch/arm64/a.c", "int d;\n"),
            ("MAINTAINERS", "me\n"),
        ] {
            let file = path.join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("made");
            fs::write(file, text).expect("written");
        }
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "base"]);
        change(path);
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "head", "--allow-empty"]);
        between(path, "HEAD~1", "HEAD").expect("git answers")
    }

    fn appended(names: &[&str], text: &str) -> Between {
        of(|path| {
            for name in names {
                let file = path.join(name);
                let before = fs::read_to_string(&file).unwrap_or_default();
                fs::write(file, before + text).expect("written");
            }
        })
    }

    #[test]
    fn sources_and_headers_of_the_modules_are_given_with_their_texts() {
        let (source, header) = ("drivers/cxl/core/features.c", "drivers/cxl/core/core.h");
        let between = of(|path| {
            fs::write(path.join(source), FEATURES.replace("return 0;", "return 2;")).expect("written");
            fs::write(path.join(header), "int other;\n").expect("written");
            fs::write(path.join("Documentation/a.rst"), "other words\n").expect("written");
        });
        let texts = [
            (PathBuf::from(header), "int other;\n".to_owned()),
            (PathBuf::from(source), FEATURES.replace("return 0;", "return 2;")),
        ];
        assert_eq!(between, Between::Modules(BTreeMap::from(texts)));
    }

    #[rstest]
    #[case::nothing_at_all(&[])]
    #[case::words(&["Documentation/a.rst", "MAINTAINERS"])]
    #[case::another_architecture(&["arch/arm64/a.c"])]
    fn what_no_kernel_is_built_from_is_nothing(#[case] names: &[&str]) {
        assert_eq!(appended(names, "more\n"), Between::Nothing);
    }

    #[rstest]
    #[case::an_option("drivers/cxl/Kconfig", "more\n", "drivers/cxl/Kconfig changes")]
    #[case::an_option_of_the_documentation("Documentation/Kconfig", "more\n", "Documentation/Kconfig is new")]
    #[case::attributes(".gitattributes", "*.c -diff\n", ".gitattributes is new")]
    #[case::a_header_outside("include/cxl/features.h", "int n;\n", "include/cxl/features.h changes")]
    #[case::a_new_source("drivers/cxl/new.c", "int n;\n", "drivers/cxl/new.c is new")]
    #[case::a_driver_elsewhere("drivers/dax/cxl.c", "int n;\n", "drivers/dax/cxl.c changes")]
    #[case::a_header_that_others_name(
        "drivers/cxl/cxl.h",
        "int n;\n",
        "drivers/cxl/cxl.h changes, which drivers/dax/cxl.c names too"
    )]
    #[case::an_initcall(
        "drivers/cxl/core/features.c",
        "late_initcall(start);\n",
        "features.c changes what runs when"
    )]
    fn what_modules_do_not_show_wants_the_kernel(#[case] name: &str, #[case] text: &str, #[case] said: &str) {
        let Between::Kernel(why) = appended(&[name], text) else { panic!("the kernel") };
        assert!(why.contains(said), "{why}");
    }

    #[test]
    fn a_line_within_an_initialiser_wants_the_kernel_and_one_elsewhere_does_not() {
        let replaced = |from: &str, to: &str| {
            of(|path| {
                let file = path.join("drivers/cxl/core/features.c");
                fs::write(file, FEATURES.replace(from, to)).expect("written");
            })
        };
        assert!(matches!(replaced("return 1;", "return 2;"), Between::Kernel(_)));
        assert!(matches!(replaced("return 0;", "return 3;"), Between::Modules(_)));
    }
}
