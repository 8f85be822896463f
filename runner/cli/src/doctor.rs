//! `scrubjay doctor`: what is here, what is missing, what to type. Changes nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_kernels::{Cache, Resolver, State};
use scrubjay_machine::{Qemu, accel};
use scrubjay_run::ExitStatus;
use scrubjay_session::file;
use scrubjay_verdict::Library;
use scrubjay_verdict::golden::PENDING;

use crate::args::{DEFAULT_KERNEL, DoctorArgs};
use crate::context::Context;
use crate::failure::{self, Failure, Result};
use crate::kernels::state_in_words;
use crate::table::{self, count};

/// Programs that a kernel is built with, as in ci/setup.
const BUILDERS: [&str; 8] = ["make", "gcc", "ld", "flex", "bison", "bc", "perl", "xz"];

/// Headers that a kernel is built with, and their packages.
const HEADERS: [(&str, &str); 2] = [("gelf.h", "libelf-dev"), ("openssl/opensslv.h", "libssl-dev")];

/// How something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It is here.
    Ok,
    /// It is not here, and `check` does without.
    Without,
    /// It is not here, and `check` cannot do without.
    Missing,
}

/// What was found.
#[derive(Default)]
struct Findings(Vec<(Mark, &'static str, String)>);

impl Findings {
    fn add(&mut self, mark: Mark, what: &'static str, text: impl Into<String>) {
        self.0.push((mark, what, text.into()));
    }
}

/// Looks at everything.
pub fn run(args: &DoctorArgs, root: Option<&Path>) -> Result<ExitStatus> {
    let mut found = Findings::default();
    let context = match Context::find(root) {
        Ok(context) => Some(context),
        Err(error) => {
            found.add(Mark::Missing, "vectors", failure::told(&error));
            None
        }
    };
    if let Some(context) = &context {
        vectors(context, &mut found);
    }
    let qemu = qemu(&mut found);
    let image = context.as_ref().and_then(|context| kernels(context, args, &mut found));
    accelerator(qemu.as_ref(), image.as_deref(), &mut found);
    builders(image.is_none(), &mut found);
    aid("python3", "the kernel's KTAP parser", "a test of the KTAP report", &mut found);
    aid("spatch", "mutants of the kernel", "`scrubjay mutants run`", &mut found);
    cache(&mut found);
    let mut text = String::new();
    for (mark, what, said) in &found.0 {
        let mark = match mark {
            Mark::Ok => "ok",
            Mark::Without => "-",
            Mark::Missing => "MISSING",
        };
        for (i, line) in said.lines().enumerate() {
            let (mark, what) = if i == 0 { (mark, *what) } else { ("", "") };
            text.push_str(format!("{mark:8} {what:12} {line}").trim_end());
            text.push('\n');
        }
    }
    table::text(&text)?;
    let missing = found.0.iter().any(|(mark, ..)| *mark == Mark::Missing);
    Ok(if missing { ExitStatus::Untested } else { ExitStatus::Clean })
}

fn vectors(context: &Context, found: &mut Findings) {
    match Library::load(&context.root) {
        Ok(library) => {
            let with = library.sessions.iter().filter(|s| library.goldens.get(&s.id).is_some()).count();
            let text = format!(
                "{}: {} ({with} with a golden), {}, {}, {}",
                context.root.display(),
                count(library.sessions.len(), "session"),
                count(library.profiles.iter().len(), "device profile"),
                count(library.changes.iter().count(), "change"),
                count(library.promises.iter().count(), "promise"),
            );
            found.add(Mark::Ok, "vectors", text);
        }
        Err(error) => found.add(Mark::Missing, "vectors", error.to_string()),
    }
    let files = file::json_below(&context.vectors().join("goldens")).unwrap_or_default();
    let waiting = files.iter().filter(|path| path.to_string_lossy().ends_with(PENDING)).count();
    if waiting > 0 {
        let text = format!("{} to look at: type `scrubjay review`", count(waiting, "recording"));
        found.add(Mark::Without, "review", text);
    }
}

fn qemu(found: &mut Findings) -> Option<Qemu> {
    match Qemu::find() {
        Ok(qemu) => {
            found.add(Mark::Ok, "QEMU", format!("{qemu}, with the vfio-user client"));
            Some(qemu)
        }
        Err(error) => {
            found.add(Mark::Missing, "QEMU", error.to_string());
            None
        }
    }
}

/// How far each kernel is; the image of the default one, or of any.
fn kernels(context: &Context, args: &DoctorArgs, found: &mut Findings) -> Option<PathBuf> {
    let resolver = match context.resolver(args.kernel_cache.as_deref()) {
        Ok(resolver) => resolver,
        Err(error) => {
            found.add(Mark::Missing, "kernels", failure::told(&error));
            return None;
        }
    };
    let catalogue = match context.catalogue() {
        Ok(catalogue) => catalogue,
        Err(error) => {
            found.add(Mark::Missing, "kernels", failure::told(&error));
            return None;
        }
    };
    let mut told = Vec::new();
    for manifest in catalogue.iter() {
        match resolver.state(manifest) {
            Ok(State::Missing) => {}
            Ok(state) => told.push(format!("{} {}", manifest.id, state_in_words(&state))),
            Err(error) => found.add(Mark::Without, "kernels", failure::told(&Failure::from(error))),
        }
    }
    let here = if told.is_empty() { "none is here yet".to_owned() } else { told.join(", ") };
    found.add(Mark::Ok, "kernels", here);
    let image = |id: &str| {
        let manifest = catalogue.get(id).ok()?;
        resolver.find(manifest).ok().flatten().map(|image| image.bzimage)
    };
    let default = image(DEFAULT_KERNEL);
    if default.is_none() {
        let text = format!(
            "{DEFAULT_KERNEL}, the default, is not here: `scrubjay check` builds it (some minutes), or type \
             `scrubjay kernels build {DEFAULT_KERNEL}`"
        );
        found.add(Mark::Without, "kernels", text);
    }
    default.or_else(|| any_image(&catalogue, &resolver))
}

fn any_image(catalogue: &scrubjay_kernels::Catalogue, resolver: &Resolver) -> Option<PathBuf> {
    catalogue.iter().find_map(|manifest| resolver.find(manifest).ok().flatten()).map(|image| image.bzimage)
}

fn accelerator(qemu: Option<&Qemu>, image: Option<&Path>, found: &mut Findings) {
    match (qemu, image) {
        (Some(qemu), Some(image)) => match accel::choose(qemu, image) {
            Ok(choice) => found.add(Mark::Ok, "accelerator", format!("{} ({})", choice.accel, choice.why)),
            Err(error) => found.add(Mark::Missing, "accelerator", error.to_string()),
        },
        _ => found.add(Mark::Without, "accelerator", "tried as soon as there is a QEMU and a kernel"),
    }
}

/// What building a kernel takes; needed where there is none.
fn builders(needed: bool, found: &mut Findings) {
    let mut missing: Vec<String> =
        BUILDERS.iter().filter(|tool| in_path(tool).is_none()).map(|tool| (*tool).to_owned()).collect();
    let multiarch = ["", "x86_64-linux-gnu/"];
    let has =
        |header: &str| multiarch.iter().any(|dir| Path::new("/usr/include").join(dir).join(header).is_file());
    missing
        .extend(HEADERS.iter().filter(|(header, _)| !has(header)).map(|(_, package)| (*package).to_owned()));
    if missing.is_empty() {
        return found.add(Mark::Ok, "build tools", format!("{}, headers", BUILDERS.join(", ")));
    }
    let mark = if needed { Mark::Missing } else { Mark::Without };
    found.add(mark, "build tools", format!("not here: {}; type `ci/setup`", missing.join(", ")));
}

/// A program that `check` does without.
fn aid(program: &'static str, what_for: &str, who: &str, found: &mut Findings) {
    match in_path(program) {
        Some(path) => found.add(Mark::Ok, program, format!("{} (for {what_for})", path.display())),
        None => {
            found.add(Mark::Without, program, format!("not installed; only {who} needs it; type `ci/setup`"))
        }
    }
}

fn cache(found: &mut Findings) {
    let cache = match Cache::for_user() {
        Ok(cache) => cache,
        Err(error) => return found.add(Mark::Missing, "cache", error.to_string()),
    };
    let root = cache.root();
    let mut parts: Vec<_> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), size(&entry.path()) >> 20))
        .collect();
    parts.sort();
    let told: Vec<_> = parts.iter().map(|(name, mib)| format!("{name} {mib} MiB")).collect();
    let told = if told.is_empty() { "empty".to_owned() } else { told.join(", ") };
    let there = root.ancestors().find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    let free = nix::sys::statvfs::statvfs(there)
        .map(|room| {
            format!("; {} MiB free", room.blocks_available().saturating_mul(room.fragment_size()) >> 20)
        })
        .unwrap_or_default();
    found.add(Mark::Ok, "cache", format!("{}: {told}{free}", root.display()));
}

/// Bytes on disk of everything below a directory.
fn size(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}
