//! What `ci/new format` lays out: a format that compiles and takes a whole run.

use std::fs;
use std::path::Path;
use std::process::Command;

use scrubjay_samples::{mixed, play};

#[path = "../../ci/templates/format.rs"]
mod format;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Files of the project that are copied, by their paths from its root.
fn copy(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let to = dir.path().join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(file), to).unwrap();
    }
    dir
}

#[test]
fn a_format_that_was_laid_out_takes_a_whole_run() {
    let mut out = Vec::new();
    play(&mixed(), &mut format::NewFormat::new(&mut out));
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("7.1 set-by-scope\n") && text.contains("6.12 info-basic\n"), "{text}");
}

#[test]
fn a_format_is_laid_out_once_under_its_own_name() {
    let dir = copy(&["ci/new", "ci/templates/format.rs", "reports/src/lib.rs"]);
    let new = |id: &str| Command::new(dir.path().join("ci/new")).args(["format", id]).output().unwrap();
    let done = new("my-form");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(
        said.contains("wrote reports/src/my_form.rs") && said.contains("runner/cli/src/format.rs"),
        "{said}"
    );
    let laid = fs::read_to_string(dir.path().join("reports/src/my_form.rs")).unwrap();
    let template = fs::read_to_string(root().join("ci/templates/format.rs")).unwrap();
    assert_eq!(laid, template.replace("NewFormat", "MyForm").replace("@ID@", "my-form"));
    let lib = fs::read_to_string(dir.path().join("reports/src/lib.rs")).unwrap();
    assert!(lib.contains("\nmod my_form;\n") && lib.contains("\npub use my_form::MyForm;\n"), "{lib}");

    for (id, why) in [("my-form", "is there already"), ("My Form", "is no id")] {
        let again = new(id);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert_eq!(again.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    }
}
