//! Builds: what one leaves in the cache, and that one which fails, is stopped or is killed leaves nothing.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rstest::rstest;
use scrubjay_kernels::{
    Cancellable, ConfigError, Image, KernelError, Manifest, Origin, Silent, Source, State,
};

use crate::support::{Bench, read};

fn obtain(bench: &Bench, manifest: &Manifest) -> Result<Image, KernelError> {
    bench.resolver().obtain(manifest, &mut Silent)
}

/// Waits for something that another process does; the limit is only there so that a broken test ends.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_build_fills_an_entry_of_the_cache_and_is_not_done_twice() {
    let bench = Bench::new();
    let log = bench.path("built");
    let manifest = bench.manifest(bench.tree(&format!("echo once >> {}", log.display())));
    assert!(bench.resolver().find(&manifest).expect("no error").is_none());
    let image = obtain(&bench, &manifest).expect("built");

    let dir = image.bzimage.parent().expect("a directory");
    assert_eq!((image.id.as_str(), image.release.as_str()), ("7.3", "7.3.4"));
    assert_eq!(image.config.as_deref(), Some(dir.join("config").as_path()));
    assert_eq!(image.kunit.as_deref(), Some(dir.join("tools/testing/kunit/kunit.py").as_path()));
    assert!(image.modules.is_empty());
    for name in ["System.map", "build.log", "provenance.json", "tools/testing/kunit/test_data/a.log"] {
        assert!(dir.join(name).is_file(), "{name}");
    }
    assert!(String::from_utf8_lossy(&read(&dir.join("build.log"))).contains("init/main.o"));
    assert!(matches!(&image.provenance.origin, Origin::Built { compiler, .. } if compiler.contains("gcc")));

    let again = obtain(&bench, &manifest).expect("found");
    assert_eq!(again, image);
    assert_eq!(bench.resolver().find(&manifest).expect("no error"), Some(image.clone()));
    let state = bench.resolver().state(&manifest).expect("a state");
    assert_eq!(state, State::Built { dir: dir.to_owned() });
    assert_eq!(read(&log), b"once\n");
    assert_eq!(bench.entries().len(), 1, "no work is left: {:?}", bench.entries());
}

#[test]
fn nothing_of_the_callers_environment_reaches_make() {
    let bench = Bench::new();
    let seen = bench.path("environment");
    let manifest = bench.manifest(bench.tree(&format!("env > {}", seen.display())));
    obtain(&bench, &manifest).expect("built");
    let seen = String::from_utf8(read(&seen)).expect("text");
    // cargo sets these for every test.
    assert!(!seen.contains("CARGO_"), "{seen}");
    assert!(seen.contains("KBUILD_BUILD_TIMESTAMP=1970") && seen.contains("LC_ALL=C"), "{seen}");
}

#[test]
fn an_option_that_did_not_take_effect_is_named_and_nothing_is_built() {
    let bench = Bench::new();
    // The small tree's Kconfig knows every option but those with this word.
    fs::write(bench.path("reference.config"), "CONFIG_FWCTL=y\nCONFIG_UNKNOWN=y\n").expect("written");
    let mut manifest = bench.manifest(bench.tree("true"));
    let error = obtain(&bench, &manifest).expect_err("an option is missing");
    let KernelError::Config { id, source: ConfigError::NoEffect { options, .. } } = &error else {
        panic!("{error:?}")
    };
    let named = ["CONFIG_UNKNOWN (wanted y, found n)".to_owned()];
    assert_eq!((id.as_str(), options.as_slice()), ("7.3", &named[..]));
    assert!(bench.entries().is_empty());

    let config = manifest.config.as_mut().expect("a config");
    config.absent.insert("CONFIG_UNKNOWN".to_owned(), "not on this kernel".to_owned());
    obtain(&bench, &manifest).expect("built, now that the manifest says so");
}

#[test]
fn a_build_that_fails_shows_the_logs_end_and_leaves_no_kernel() {
    let bench = Bench::new();
    let manifest = bench.manifest(bench.tree("echo 'main.c:1: error: no such thing'; false"));
    let error = obtain(&bench, &manifest).expect_err("make fails");
    let KernelError::Make { log, tail, .. } = &error else { panic!("{error}") };
    assert!(tail.contains("no such thing"), "{tail}");
    assert!(String::from_utf8_lossy(&read(log)).contains("init/main.o"));
    assert_eq!(bench.entries(), ["7.3.failed.log"]);
    assert!(bench.resolver().find(&manifest).expect("no error").is_none());
}

#[test]
fn an_image_of_another_version_than_the_manifests_is_refused() {
    let bench = Bench::new();
    let mut manifest = bench.manifest(bench.tree("true"));
    manifest.version = "7.3.5".to_owned();
    let error = obtain(&bench, &manifest).expect_err("it is 7.3.4").to_string();
    assert!(error.contains("7.3.4") && error.contains("7.3.5"), "{error}");
    assert!(bench.entries().is_empty());
}

#[test]
fn two_at_once_build_one_kernel_once() {
    let bench = Bench::new();
    let log = bench.path("built");
    let manifest = bench.manifest(bench.tree(&format!("echo once >> {}; sleep 0.3", log.display())));
    let images: Vec<Image> = std::thread::scope(|scope| {
        let builders: Vec<_> = (0..2).map(|_| scope.spawn(|| obtain(&bench, &manifest))).collect();
        builders.into_iter().map(|builder| builder.join().expect("no panic").expect("built")).collect()
    });
    assert_eq!(images[0], images[1]);
    assert_eq!(read(&log), b"once\n");
}

#[rstest]
#[case::image_cut("bzImage", Some(0x300))]
#[case::image_gone("bzImage", None)]
#[case::record_cut("provenance.json", Some(20))]
#[case::record_gone("provenance.json", None)]
fn a_damaged_entry_is_an_error_to_find_and_is_made_again(#[case] name: &str, #[case] length: Option<u64>) {
    let bench = Bench::new();
    let manifest = bench.manifest(bench.tree("true"));
    let image = obtain(&bench, &manifest).expect("built");
    let path = image.bzimage.with_file_name(name);
    match length {
        Some(length) => {
            let file = fs::File::options().write(true).open(&path).expect("opened");
            file.set_len(length).expect("cut");
        }
        None => fs::remove_file(&path).expect("removed"),
    }
    let error = bench.resolver().find(&manifest).expect_err("damaged");
    assert!(matches!(error, KernelError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(name) && error.to_string().contains("remove it"), "{error}");
    assert_eq!(obtain(&bench, &manifest).expect("made again"), image);
    assert_eq!(bench.entries().len(), 1, "{:?}", bench.entries());
}

/// A tree whose build waits for as long as the file `wait` is there, and says who waits.
fn waiting_tree(bench: &Bench) -> Source {
    fs::write(bench.path("wait"), "").expect("written");
    bench.tree(&format!(
        "cd {} && if [ -e wait ]; then mkdir -p $(O)/arch/x86/boot; cp {}/tree/image $(O)/arch/x86/boot/bzImage; \
         echo $$$$ > waiting.new; mv waiting.new waiting; exec sleep 600; fi",
        bench.root.display(),
        bench.root.display()
    ))
}

fn waiting_process(bench: &Bench) -> u32 {
    String::from_utf8(read(&bench.path("waiting"))).expect("text").trim().parse().expect("a process id")
}

fn is_running(pid: u32) -> bool {
    // A zombie has ended; its parent has only not looked yet.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

#[test]
fn a_build_that_is_stopped_leaves_nothing_and_no_process() {
    let bench = Bench::new();
    let manifest = bench.manifest(waiting_tree(&bench));
    let flag = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the build begins", || bench.path("waiting").exists());
            flag.store(true, Ordering::Relaxed);
        });
        // In this thread, which lives on: make ends with the thread that started it, and that is another test.
        let mut progress = Cancellable::new(Silent, Arc::clone(&flag));
        let error = bench.resolver().obtain(&manifest, &mut progress).expect_err("stopped");
        assert!(matches!(error, KernelError::Interrupted), "{error}");
        assert!(bench.entries().is_empty(), "{:?}", bench.entries());
        let pid = waiting_process(&bench);
        wait_until("make's child ends", || !is_running(pid));
    });
}

/// Where the process that is to be killed finds its bench.
const BENCH: &str = "SCRUBJAY_TEST_BENCH";

/// The process that is to be killed; does nothing in an ordinary run.
#[test]
fn the_builder_that_another_test_kills() {
    let Some(dir) = std::env::var_os(BENCH) else { return };
    let bench = Bench::at(Path::new(&dir));
    let manifest = bench.manifest(Source::LocalTree { path: bench.path("tree") });
    let _ = obtain(&bench, &manifest);
}

fn builder_to_kill(bench: &Bench) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "builds::the_builder_that_another_test_kills", "--nocapture"])
        .env(BENCH, &bench.root)
        .spawn()
        .expect("started")
}

#[test]
fn a_killed_build_leaves_nothing_that_looks_complete_and_the_next_one_clears_up() {
    let bench = Bench::new();
    let manifest = bench.manifest(waiting_tree(&bench));
    let mut builder = builder_to_kill(&bench);
    wait_until("the build begins", || bench.path("waiting").exists());
    builder.kill().expect("killed");
    builder.wait().expect("ended");

    assert!(bench.resolver().find(&manifest).expect("no error").is_none());
    assert!(bench.entries().iter().all(|name| name.starts_with(".work-")), "{:?}", bench.entries());
    let pid = waiting_process(&bench);
    wait_until("make and its child end with their builder", || !is_running(pid));

    fs::remove_file(bench.path("wait")).expect("removed");
    let image = obtain(&bench, &manifest).expect("built");
    assert_eq!(bench.entries().len(), 1, "{:?}", bench.entries());
    assert_eq!(image.release, "7.3.4");
}
