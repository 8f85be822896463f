//! The recipe of a kernel: all that decides what comes out of a build, and its hash, which names the cache's entry.
//!
//! Reads manifests, fragments, a tree's state and the compiler's version; builds nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use scrubjay_host::{Manner, process};
use serde::{Deserialize, Serialize};

use crate::config::ConfigError;
use crate::digest;
use crate::git::{self, GitError};
use crate::manifest::{Compiler, Manifest, Source};
use crate::package;
use crate::series::Series;
use crate::site::is_product;
use crate::tree;

/// How many hexadecimal digits of the hash stand in a name.
const HASH_LENGTH: usize = 16;
/// Raised when the way of building changes so that old results should not be taken.
const SCHEME: u32 = 1;

/// All that decides what a build gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    scheme: u32,
    version: String,
    source: String,
    /// The digest that the manifest pins, or the state of a tree.
    source_state: Option<String>,
    modules: Vec<String>,
    options: Vec<String>,
    absent: Vec<String>,
    compiler: Option<String>,
    /// The form of the tree that is kept; left out where none is, so that nothing else is made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tree: Option<u32>,
}

/// Why there is no recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The fragment does not read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The compiler is not here.
    #[error("cannot run {command} --version ({why}); run ci/setup, or install {command}")]
    Compiler {
        /// The command.
        command: &'static str,
        /// Why.
        why: String,
    },
    /// The repository cannot be asked.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The local tree, or the installed kernel, cannot be read.
    #[error("cannot read the kernel at {}", path.display())]
    Tree {
        /// The tree, or the image.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Recipe {
    /// The recipe of a manifest with one of its sources; none for a prebuilt image, which is not made.
    ///
    /// # Errors
    /// [`RecipeError`]; of the compiler only where the source is built.
    pub fn of(manifest: &Manifest, source: &Source) -> Result<Option<Self>, RecipeError> {
        if let Source::Prebuilt { .. } = source {
            return Ok(None);
        }
        let modules = match source {
            Source::DebianImage { modules, .. } => modules.clone(),
            Source::Packages(_) | Source::Installed(_) => package::wanted(),
            _ => Vec::new(),
        };
        let state = state(source)?;
        let mut recipe = Self {
            scheme: SCHEME,
            version: manifest.version.clone(),
            source: format!("{} {}", source.kind(), source.describe()),
            source_state: state,
            modules,
            options: Vec::new(),
            absent: Vec::new(),
            compiler: None,
            tree: None,
        };
        if let Some(config) = &manifest.config {
            recipe.options =
                config.options()?.options().map(|(name, value)| format!("{name}={value}")).collect();
            recipe.modules.clone_from(&config.modules);
            recipe.tree = config.keep_tree.then_some(tree::SCHEME);
            recipe.absent = config.absent.keys().cloned().collect();
            recipe.compiler = Some(compiler_version(config.compiler)?);
        }
        Ok(Some(recipe))
    }

    /// The hash that names the cache's entry: 16 hexadecimal digits.
    pub fn hash(&self) -> String {
        let text = serde_json::to_vec(self).expect("a recipe is plain text and numbers");
        let mut hash = digest::of_bytes(&text);
        hash.truncate(HASH_LENGTH);
        hash
    }

    /// The first line of the compiler's version; nothing where nothing is compiled.
    pub fn compiler(&self) -> Option<&str> {
        self.compiler.as_deref()
    }

    /// The source's kind and name.
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// How long a compiler may take to say what it is.
const ANSWER: Duration = Duration::from_secs(30);

fn compiler_version(compiler: Compiler) -> Result<String, RecipeError> {
    let command = compiler.command();
    let failed = |why: String| RecipeError::Compiler { command, why };
    let mut version = Command::new(command);
    version.arg("--version").env("LC_ALL", "C");
    let output =
        process::output(version, Manner::Kill, Some(ANSWER)).map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() && !line.trim().is_empty() => Ok(line.trim().to_owned()),
        _ => Err(failed(format!("it ended with {}", output.status))),
    }
}

/// What is known of what a source holds: the digest that the manifest pins, or the state of a tree.
fn state(source: &Source) -> Result<Option<String>, RecipeError> {
    Ok(match source {
        Source::Prebuilt { .. } => None,
        Source::UpstreamTarball { sha256, .. } => sha256.clone(),
        Source::DebianSource(package) => package.sha256.clone(),
        Source::DebianImage { packages, .. } => {
            let packages: Vec<String> =
                packages.iter().map(|p| format!("{} {:?}", p.file_name(), p.sha256)).collect();
            Some(packages.join(","))
        }
        Source::LocalTree { path } => Some(tree_state(path)?),
        Source::Packages(packages) => Some(packages.state()),
        Source::Installed(kernel) => {
            let failed = |source| RecipeError::Tree { path: kernel.image.clone(), source };
            Some(kernel.state().map_err(failed)?)
        }
        Source::Revision { repo, commit, series } => {
            let tree = git::ask(repo, &["rev-parse", &format!("{commit}^{{tree}}")])?;
            Some(format!("git {tree}{}", with(series.as_ref())))
        }
        Source::Patched { source, series } => {
            Some(format!("{}{}", state(source)?.unwrap_or_default(), with(Some(series))))
        }
    })
}

fn with(series: Option<&Series>) -> String {
    series.map_or(String::new(), |series| format!(" with series {}", series.digest()))
}

/// The state of a tree: git's tree id where everything is committed, so that going back to a commit finds its
/// kernel again, else with what is changed; without git a digest over the names, lengths and times of all files.
fn tree_state(path: &Path) -> Result<String, RecipeError> {
    let failed = |source| RecipeError::Tree { path: path.to_owned(), source };
    if !path.is_dir() {
        return Err(failed(std::io::ErrorKind::NotADirectory.into()));
    }
    if git::is_repository(path)
        && let Ok(state) = git::state(path)
    {
        return Ok(state);
    }
    let mut lines = Vec::new();
    list(path, path, &mut lines).map_err(failed)?;
    lines.sort();
    Ok(format!("files {}", digest::of_bytes(lines.join("\n").as_bytes())))
}

fn list(root: &Path, dir: &Path, lines: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let metadata = entry.metadata()?;
        if is_product(&path) {
            continue;
        }
        if metadata.is_dir() {
            if entry.file_name() != ".git" {
                list(root, &path, lines)?;
            }
            continue;
        }
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = path.strip_prefix(root).unwrap_or(&path).display();
        lines.push(format!("{name} {} {modified}", metadata.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MANIFEST: &str = r#"
version = "7.3.4"
history = { release = "7.3", unmodified = true }
fwctl = { expect = "present" }
[config]
fragment = "reference.config"
compiler = "gcc"
[[source]]
kind = "debian-source"
package = "linux-source-7.3"
version = "7.3.4-1"
"#;

    fn hash(manifest: &str, fragment: &str) -> String {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("reference.config"), fragment).expect("written");
        fs::write(dir.path().join("over.config"), "CONFIG_A=m\n").expect("written");
        let manifest = Manifest::parse(&dir.path().join("7.3.toml"), manifest).expect("a manifest");
        let recipe = Recipe::of(&manifest, &manifest.sources[0]).expect("a recipe");
        recipe.expect("something is built").hash()
    }

    #[test]
    fn a_comment_in_the_fragment_does_not_change_the_recipe() {
        assert_eq!(hash(MANIFEST, "CONFIG_A=y\n"), hash(MANIFEST, "# about A\nCONFIG_A=y\n\n"));
    }

    #[test]
    fn a_recipe_says_nothing_of_a_tree_that_is_not_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("reference.config"), "CONFIG_A=y\n").expect("written");
        let manifest = Manifest::parse(&dir.path().join("7.3.toml"), MANIFEST).expect("a manifest");
        let recipe = Recipe::of(&manifest, &manifest.sources[0]).expect("a recipe");
        let recipe = serde_json::to_value(recipe).expect("JSON");
        let keys: Vec<&String> = recipe.as_object().expect("a table").keys().collect();
        let of_scheme_1 =
            ["absent", "compiler", "modules", "options", "scheme", "source", "source_state", "version"];
        assert_eq!(keys, of_scheme_1, "kernels that were built before are found again");
    }

    #[rstest]
    #[case::option_added(MANIFEST.to_owned(), "CONFIG_A=y\nCONFIG_B=y\n")]
    #[case::option_changed(MANIFEST.to_owned(), "# CONFIG_A is not set\n")]
    #[case::version(MANIFEST.replace("7.3.4-1", "7.3.4-2"), "CONFIG_A=y\n")]
    #[case::digest(format!("{MANIFEST}sha256 = \"{}\"\n", "0".repeat(64)), "CONFIG_A=y\n")]
    #[case::absent_list(MANIFEST.replace("compiler", "absent = { CONFIG_A = \"so\" }\ncompiler"), "CONFIG_A=y\n")]
    #[case::modules(MANIFEST.replace("compiler", "modules = [\"fwctl\"]\ncompiler"), "CONFIG_A=y\n")]
    #[case::overlay(MANIFEST.replace("compiler", "overlays = [\"over.config\"]\ncompiler"), "CONFIG_A=y\n")]
    fn what_changes_the_build_changes_the_recipe(#[case] manifest: String, #[case] fragment: &str) {
        assert_ne!(hash(&manifest, fragment), hash(MANIFEST, "CONFIG_A=y\n"));
    }

    #[test]
    fn a_tree_that_is_kept_changes_the_recipe() {
        let with =
            |lines: &str| hash(&MANIFEST.replace("compiler", &format!("{lines}compiler")), "CONFIG_A=y\n");
        let modules = "modules = [\"fwctl\"]\n";
        assert_ne!(with(modules), with(&format!("{modules}keep-tree = true\n")));
    }

    #[test]
    fn a_committed_tree_has_the_state_of_its_commit_whenever_it_was_checked_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let git = |args: &[&str]| {
            let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
            let mut command = Command::new("git");
            command.arg("-C").arg(dir.path()).args(identity).args(args);
            assert!(command.output().expect("git runs").status.success(), "{args:?}");
        };
        let file = dir.path().join("a.c");
        let commit = |text: &str| {
            fs::write(&file, text).expect("written");
            git(&["add", "."]);
            git(&["commit", "-m", text]);
            tree_state(dir.path()).expect("a state")
        };
        git(&["init"]);
        let first = commit("int a;");
        assert!(first.starts_with("git "), "{first}");
        let second = commit("int b;");
        assert_ne!(first, second);
        git(&["checkout", "HEAD^"]);
        assert_eq!(tree_state(dir.path()).expect("a state"), first);
        fs::write(&file, "int c;").expect("written");
        let changed = tree_state(dir.path()).expect("a state");
        assert!(changed.starts_with("git ") && changed.contains(" with "), "{changed}");
    }

    #[test]
    fn a_touched_file_changes_the_state_of_a_tree() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("drivers")).expect("made");
        let file = dir.path().join("drivers/a.c");
        fs::write(&file, "int a;").expect("written");
        let before = tree_state(dir.path()).expect("a state");
        assert_eq!(before, tree_state(dir.path()).expect("a state"));
        fs::write(&file, "int ab;").expect("written");
        assert_ne!(before, tree_state(dir.path()).expect("a state"));
    }
}
