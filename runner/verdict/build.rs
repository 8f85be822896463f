//! Lists the rule files for the compiler, found by walking the directory, and names each rule for the code.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    let dir = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("rules");
    println!("cargo::rerun-if-changed={}", dir.display());
    let mut files: Vec<_> = fs::read_dir(&dir)
        .expect("the directory of rules is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let mut code = String::from("[\n");
    let mut ids = String::new();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let stem = file.file_stem().expect("a file name").to_string_lossy().into_owned();
        writeln!(code, "({stem:?}, include_str!({file:?})),").expect("strings take everything");
        let name = stem.to_uppercase().replace('-', "_");
        writeln!(ids, "/// The rule `{stem}`.\npub const {name}: &str = {stem:?};")
            .expect("strings take everything");
    }
    code.push(']');
    let out = env::var("OUT_DIR").expect("set by cargo");
    for (name, code) in [("rules.rs", code), ("ids.rs", ids)] {
        fs::write(Path::new(&out).join(name), code).expect("the output directory can be written");
    }
}
