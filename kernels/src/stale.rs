//! Whether an image in a kernel's tree is older than what it is built from: then it is not the kernel that stands there.
//!
//! Looks at times only.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::image::ImageError;

/// Below a tree, or the directory of its objects.
const IMAGE: &str = "arch/x86/boot/bzImage";
/// What a kernel is built from, by ending.
const ENDINGS: [&str; 4] = ["c", "h", "S", "lds"];
/// What it is built from, by name.
const NAMES: [&str; 4] = ["Makefile", "Kconfig", "Kbuild", ".config"];
/// Directories with nothing that goes into an image.
const BESIDE: [&str; 5] = [".git", "Documentation", "tools", "samples", "LICENSES"];
/// Of the directories here, one goes into an image.
const ARCHITECTURES: &str = "arch";
const OURS: &str = "x86";

/// Refuses the image of a tree in which a source or the config is newer.
///
/// # Errors
/// [`ImageError::Stale`] names the first that is found; [`ImageError::Read`].
pub(crate) fn check(image: &Path) -> Result<(), ImageError> {
    let failed = |source| ImageError::Read { path: image.to_owned(), source };
    let whole = image.canonicalize().map_err(failed)?;
    let Some(objects) = whole.ancestors().nth(4).filter(|dir| dir.join(IMAGE) == whole) else {
        return Ok(());
    };
    let built = fs::metadata(&whole).and_then(|kind| kind.modified()).map_err(failed)?;
    // Objects that are built out of their tree have a link to it.
    let tree = if objects.join("Kconfig").is_file() { objects.to_owned() } else { objects.join("source") };
    let config = objects.join(".config");
    let newer = match is_newer(&config, built) {
        true => Some(config),
        false if tree.join("Kconfig").is_file() => {
            find(&tree.canonicalize().map_err(failed)?, built).map_err(failed)?
        }
        false => None,
    };
    newer.map_or(Ok(()), |newer| Err(ImageError::Stale { path: image.to_owned(), newer }))
}

fn is_newer(file: &Path, than: SystemTime) -> bool {
    fs::metadata(file).and_then(|kind| kind.modified()).is_ok_and(|time| time > than)
}

fn find(dir: &Path, built: SystemTime) -> io::Result<Option<PathBuf>> {
    let architectures = dir.join(ARCHITECTURES);
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type()?.is_dir() {
                let of_other = dir == architectures && name != OURS;
                // make writes these itself.
                if !of_other && !BESIDE.contains(&name.as_ref()) && name != "generated" && name != "config" {
                    dirs.push(path);
                }
                continue;
            }
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            let is_source =
                (ENDINGS.contains(&ending) && !name.contains(".mod.")) || NAMES.contains(&name.as_ref());
            if is_source && is_newer(&path, built) {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    /// A tree with an image; `newer` is made after it.
    fn tree(newer: Option<&str>) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let image = dir.path().join(IMAGE);
        let now = SystemTime::now();
        for name in [
            "Kconfig",
            ".config",
            "drivers/a.c",
            "arch/x86/a.c",
            "arch/arm64/a.c",
            "arch/x86/boot/voffset.o",
            IMAGE,
        ] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(&path, "text").expect("written");
            let later = newer == Some(name);
            let time = if later { now + Duration::from_secs(60) } else { now };
            fs::File::options()
                .write(true)
                .open(&path)
                .and_then(|file| file.set_modified(time))
                .expect("a time");
        }
        (dir, image)
    }

    #[rstest]
    #[case::a_source("drivers/a.c")]
    #[case::a_source_of_the_architecture("arch/x86/a.c")]
    #[case::the_config(".config")]
    fn an_image_that_is_older_than_what_it_came_from_is_refused_by_its_name(#[case] newer: &str) {
        let (_dir, image) = tree(Some(newer));
        let error = check(&image).expect_err("stale").to_string();
        assert!(error.contains(newer) && error.contains("is older than"), "{error}");
    }

    #[rstest]
    #[case::nothing_is_newer(None)]
    #[case::an_object_is(Some("arch/x86/boot/voffset.o"))]
    #[case::a_source_of_another_architecture_is(Some("arch/arm64/a.c"))]
    fn an_image_of_its_sources_is_taken(#[case] newer: Option<&str>) {
        let (_dir, image) = tree(newer);
        check(&image).expect("it is not stale");
    }

    #[test]
    fn an_image_in_no_tree_is_taken() {
        let dir = tempfile::tempdir().expect("a directory");
        let image = dir.path().join("bzImage");
        fs::write(&image, "text").expect("written");
        check(&image).expect("nothing is known of it");
    }
}
