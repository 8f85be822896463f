//! A host that is hostile or has run out of something: what the user named is not harmed, what cannot be
//! written is refused before anything is booted, and nothing panics.

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use rstest::rstest;

use crate::support::{Root, program, read, run, scrubjay};

/// A check that reads everything and has no QEMU: it ends with 3 where nothing else is wrong.
fn check(root: &Root, format: &str, output: &Path) -> Command {
    let mut command = root.scrubjay(&["check", "-s", "info-*"]);
    command
        .arg("--format")
        .arg(format!("{format}:{}", output.display()))
        .arg("--kernel-cache")
        .arg(root.image("7.3.4"));
    // Says that it was asked: nothing may be started for a report that cannot be written.
    let asked = root.path().join("asked");
    let qemu = program(root.path(), "qemu", &format!("touch {}; exit 1", asked.display()));
    command.env("SCRUBJAY_QEMU", qemu).env("XDG_CACHE_HOME", root.path().join("home"));
    command
}

#[rstest]
fn an_output_that_cannot_be_written_is_refused_with_2_before_anything_is_started(
    #[values("terminal", "ktap", "json", "html")] format: &str,
    #[values("", "file/below", "file/deep/below", "link-in-a-circle")] place: &str,
) {
    let root = Root::new();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "old").unwrap();
    std::os::unix::fs::symlink("link-in-a-circle", dir.path().join("link-in-a-circle")).unwrap();
    let output = dir.path().join(place);
    let ran = run(&mut check(&root, format, &output));
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(&output.display().to_string()), "{}", ran.err);
    assert!(ran.out.is_empty() && !root.path().join("asked").exists(), "{}", ran.out);
    assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), "old");
}

#[rstest]
fn missing_directories_above_an_output_are_made(#[values("terminal", "ktap", "json", "html")] format: &str) {
    let root = Root::new();
    let output = root.path().join("new/deep/report");
    let ran = run(&mut check(&root, format, &output));
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(output.metadata().unwrap().len() > 0);
    assert_eq!(fs::read_dir(output.parent().unwrap()).unwrap().count(), 1);
}

#[rstest]
fn a_device_that_takes_nothing_stays_one_and_is_no_success(
    #[values("terminal", "ktap", "json", "html")] format: &str,
) {
    let root = Root::new();
    let ran = run(&mut check(&root, format, "/dev/full".as_ref()));
    assert!(Path::new("/dev/full").metadata().unwrap().file_type().is_char_device());
    assert!(ran.status == 2 || ran.status == 3, "{}", ran.err);
    assert!(ran.err.contains("No space left"), "{}", ran.err);
    assert!(!ran.out.contains("exit status 0"), "{}", ran.out);
}

#[rstest]
fn a_pipe_has_the_report_and_stays_one(#[values("terminal", "ktap", "json", "html")] format: &str) {
    let root = Root::new();
    let pipe = root.path().join("pipe");
    mkfifo(&pipe, Mode::from_bits_truncate(0o600)).unwrap();
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    let ran = run(&mut check(&root, format, &pipe));
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(!reader.join().unwrap().is_empty());
    assert!(pipe.metadata().unwrap().file_type().is_fifo());
}

#[rstest]
fn what_a_shell_names_for_a_program_has_the_report(#[values("json", "html", "ktap")] format: &str) {
    let root = Root::new();
    let said = root.path().join("said");
    let command = check(&root, format, "OUTPUT".as_ref());
    let words = command.get_args().map(|word| match word.to_str().unwrap().strip_suffix("OUTPUT") {
        Some(before) => format!("{before}>(cat > {})", said.display()),
        None => format!("'{}'", word.display()),
    });
    let line = format!(
        "'{}' {}; echo $? ; wait",
        command.get_program().display(),
        words.collect::<Vec<_>>().join(" ")
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = run(&mut shell);
    assert!(ran.out.trim_end().ends_with('3'), "{}{}", ran.out, ran.err);
    assert!(said.metadata().unwrap().len() > 0);
}

#[rstest]
fn a_link_stays_and_its_file_has_the_report(#[values("terminal", "ktap", "json", "html")] format: &str) {
    let root = Root::new();
    let (link, file) = (root.path().join("link"), root.path().join("file"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::write(&file, "old").unwrap();
    assert_eq!(run(&mut check(&root, format, &link)).status, 3);
    assert!(link.is_symlink() && file.metadata().unwrap().is_file());
    assert_ne!(fs::read_to_string(&file).unwrap(), "old");
}

/// Ways in which a stream can be of no use.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Full,
    Closed,
    Gone,
}

impl Stream {
    fn make(self) -> Stdio {
        match self {
            Stream::Full => File::options().write(true).open("/dev/full").unwrap().into(),
            // Rust opens /dev/null in its place.
            Stream::Closed => Stdio::null(),
            Stream::Gone => std::io::pipe().unwrap().1.into(),
        }
    }
}

#[rstest]
fn a_standard_error_that_cannot_be_written_changes_no_exit_status(
    #[values(Stream::Full, Stream::Closed, Stream::Gone)] stream: Stream,
    #[values(
        (&["check", "-s", "nope"][..], 2),
        (&["kernels", "path", "7.3"][..], 3),
        (&["-vv", "kernels", "list"][..], 0),
        (&["-vvv", "check", "-s", "info-*"][..], 3),
        (&["record", "-s", "nope"][..], 2),
        (&["review", "--reject", "nope"][..], 2),
        (&["check", "--no-such-flag"][..], 2)
    )]
    (arguments, status): (&[&str], i32),
) {
    let root = Root::new();
    let mut command =
        if arguments.contains(&"--no-such-flag") { scrubjay(arguments) } else { root.scrubjay(arguments) };
    command.env("XDG_CACHE_HOME", root.path().join("home")).env("SCRUBJAY_QEMU", "/bin/false");
    if arguments.contains(&"info-*") {
        command.arg("--kernel-cache").arg(root.image("7.3.4"));
    }
    if matches!(stream, Stream::Closed) {
        // SAFETY: close is async-signal-safe, and nothing else is done.
        unsafe {
            command.pre_exec(|| {
                nix::libc::close(2);
                Ok(())
            })
        };
    }
    let ended = command.stdout(Stdio::null()).stderr(stream.make()).status().unwrap();
    assert_eq!(ended.code(), Some(status));
}

#[test]
fn a_log_has_our_words_and_no_colour() {
    let root = Root::new();
    let mut command = root.scrubjay(&["-vv", "check", "-s", "info-*"]);
    command.arg("--kernel-cache").arg(root.image("7.3.4")).env("SCRUBJAY_QEMU", "/bin/false");
    let ran = run(&mut command);
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
}

#[test]
fn a_user_who_may_have_no_further_process_is_told_so() {
    let root = Root::new();
    let mut command = root.scrubjay(&["check", "-s", "info-*"]);
    command.arg("--kernel-cache").arg(root.image("7.3.4")).env("SCRUBJAY_QEMU", "/bin/true");
    // Root is bound by no such limit: another user, who may read the root.
    fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
    if nix::unistd::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    // SAFETY: setrlimit is one system call.
    unsafe { command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_NPROC, 1, 1)?)) };
    command.env("HOME", "/nowhere").env("XDG_CACHE_HOME", "/nowhere");
    let ran = run(&mut command);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert_eq!(ran.status, 3, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("ulimit -u"), "{}", ran.err);
}

#[rstest]
#[case::kernel_cache_by_the_environment("SCRUBJAY_KERNEL_CACHE", "/no/such", "/no/such")]
#[case::accelerator("SCRUBJAY_ACCEL", "hvf", "neither `kvm` nor `tcg`")]
#[case::root("SCRUBJAY_ROOT", "/no/such", "SCRUBJAY_ROOT: /no/such")]
fn a_variable_that_is_wrong_is_wrong_usage(#[case] name: &str, #[case] value: &str, #[case] said: &str) {
    let root = Root::new();
    let fit = "[[ $* == --version ]] && echo QEMU emulator version 10.1.0 || echo '\"vfio-user-pci\"'";
    let qemu = program(root.path(), "qemu", fit);
    let mut command = match name {
        "SCRUBJAY_ROOT" => scrubjay(&["check"]),
        _ => root.scrubjay(&["check", "-s", "info-*"]),
    };
    command.env("SCRUBJAY_QEMU", qemu).env("SCRUBJAY_KERNEL_CACHE", root.image("7.3.4")).env(name, value);
    let ran = run(&mut command);
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(said), "{}", ran.err);
}

#[rstest]
#[case::check(&["check", "-s", "info-*"])]
#[case::build(&["kernels", "build", "7.3"])]
#[case::record(&["record", "-s", "info-*"])]
fn a_fragment_that_is_wrong_is_a_bad_file(#[case] arguments: &[&str]) {
    let root = Root::new();
    fs::write(root.path().join("kernels/reference.config"), "CONFIG_FWCTL=y\nnonsense\n").unwrap();
    let ran = run(root.scrubjay(arguments).env("XDG_CACHE_HOME", root.path().join("home")));
    assert_eq!(ran.status, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("reference.config:2"), "{}", ran.err);
}

#[test]
fn kernels_of_one_release_have_the_names_that_the_user_wrote() {
    let root = Root::new();
    let images = ["one", "two"].map(|name| {
        let path = root.path().join(name);
        fs::copy(root.image("7.3.4").join("7.3.4/bzImage"), &path).unwrap();
        path.display().to_string()
    });
    let output = root.path().join("run.json");
    let mut command = root.scrubjay(&["check", "-s", "info-*"]);
    command
        .arg("--format")
        .arg(format!("json:{}", output.display()))
        .args(["-k", &images[0], "-k", &images[1], "-k", &images[0]]);
    let ran = run(command.env("SCRUBJAY_QEMU", "/bin/false").env("XDG_CACHE_HOME", root.path()));
    assert_eq!(ran.status, 3, "{}", ran.err);
    assert!(ran.out.contains(&format!("2 kernels: {}, {}", images[0], images[1])), "{}", ran.out);
    assert_eq!(read(&output)["exit_status"], 3);
}

/// An image whose version holds what a terminal would obey.
#[test]
fn what_an_image_says_of_itself_moves_no_cursor() {
    let root = Root::new();
    let image = root.image("7.3.4").join("7.3.4/bzImage");
    let mut bytes = fs::read(&image).unwrap();
    let version = b"7.3.4\x1b[2J\x1b]0;x\x07 \n";
    bytes[0x300..0x300 + version.len()].copy_from_slice(version);
    let hostile = root.path().join("hos\u{1b}[2Jtile");
    fs::write(&hostile, bytes).unwrap();
    for format in ["terminal", "ktap", "html"] {
        let mut command = root.scrubjay(&["check", "-s", "info-*", "-f", format]);
        command.arg("-k").arg(&hostile).env("SCRUBJAY_QEMU", "/bin/false").env("XDG_CACHE_HOME", root.path());
        let ran = run(&mut command);
        let controls = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!controls(&ran.out) && !controls(&ran.err), "{:?}{:?}", ran.out, ran.err);
    }
}

#[rstest]
#[case::list(&["sessions", "list"])]
#[case::check(&["check", "-s", "info-*"])]
#[case::no_such(&["check", "-s", "info-\u{1b}[2J"])]
fn what_a_session_says_of_itself_moves_no_cursor_and_forges_no_line(#[case] arguments: &[&str]) {
    let root = Root::new();
    let path = root.vector("sessions/info/info-names-a-cxl-device.json");
    let mut session = read(&path);
    session["title"] = "t\u{1b}[2J\nscrubjay: all is well\r\u{202e}".into();
    fs::write(&path, session.to_string()).unwrap();
    let mut command = root.scrubjay(arguments);
    command.arg("--root").arg(root.path());
    let mut command = root.scrubjay(arguments);
    command.env("SCRUBJAY_QEMU", "/bin/false").env("SCRUBJAY_KERNEL_CACHE", root.image("7.3.4"));
    let ran = run(&mut command);
    let text = ran.out + &ran.err;
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("scrubjay: all")), "{text:?}");
}

#[test]
fn a_title_of_a_hundred_megabytes_is_no_panic() {
    let root = Root::new();
    let path = root.vector("sessions/info/info-names-a-cxl-device.json");
    let mut session = read(&path);
    session["title"] = "x".repeat(100 << 20).into();
    fs::write(&path, session.to_string()).unwrap();
    let mut child =
        root.scrubjay(&["sessions", "list"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert!(status.code().is_some_and(|code| code == 0 || code == 2), "{status}: {said:.300}");
}
