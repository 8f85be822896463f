//! A kernel in a package gives what the same kernel gives by itself, and one that has no fwctl by its config is not
//! booted.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_check::{Target, explained};
use scrubjay_engine::KernelRun;
use scrubjay_kernels::{Asked, Cache, Catalogue, Resolver, Silent, asked_one};
use scrubjay_session::{Performance, Session};
use scrubjay_suites::bench::Bench;
use scrubjay_suites::matrix;
use scrubjay_suites::same::same;

#[path = "../../kernels/tests/it/pack.rs"]
mod pack;

/// A few of each kind.
const SESSIONS: [&str; 4] =
    ["info-names-a-cxl-device", "get-value", "set-immediate-by-scope", "edac-write-seen-by-fwctl"];

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_debian_package_gives_what_its_kernel_gives", || test(|bench| alike(bench, "deb"))),
        Trial::test("an_rpm_gives_what_its_kernel_gives", || test(|bench| alike(bench, "rpm"))),
        Trial::test("a_package_without_fwctl_by_its_config_is_not_booted", || test(without_fwctl)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn test(body: fn(&Bench) -> anyhow::Result<()>) -> Result<(), Failed> {
    let result = Bench::of_the_default().and_then(|bench| body(&bench));
    result.map_err(|e| Failed::from(format!("{e:#}")))
}

/// The default kernel out of a package with this config, by way of a cache below `dir`.
fn packed(dir: &Path, bench: &Bench, kind: &str, config: &str) -> anyhow::Result<Target> {
    let release = &bench.target().release;
    let files = [
        (format!("./boot/config-{release}"), config.as_bytes().to_vec()),
        (format!("./boot/vmlinuz-{release}"), fs::read(&bench.target().kernel.image)?),
        (format!("./lib/modules/{release}/modules.builtin"), Vec::new()),
    ];
    let bytes = match kind {
        "deb" => pack::deb_of("linux-image", "amd64", "data.tar", &pack::tarball(&files)),
        _ => pack::rpm_of("kernel", "x86_64", "none", &pack::cpio(&files)),
    };
    let path = dir.join(format!("kernel.{kind}"));
    fs::write(&path, bytes)?;
    let catalogue = Catalogue::load(&matrix::root().join("kernels"))?;
    let resolver = Resolver::with(Cache::at(dir.join("cache")), None)?;
    match asked_one(&format!("{kind}:{}", path.display()), &catalogue)? {
        Asked::Made(manifest) => Ok(Target::new(&manifest, &resolver.obtain(&manifest, &mut Silent)?)),
        Asked::File { .. } => bail!("a package is no file of a kernel"),
    }
}

/// The reference config of the tree, which every kernel of ours is built with.
fn config() -> anyhow::Result<String> {
    let text = fs::read_to_string(matrix::root().join("kernels/reference.config"))?;
    Ok(text + "CONFIG_X86_64=y\n")
}

fn perform(bench: &Bench, target: &Target, sessions: &[&Session]) -> KernelRun {
    let stands = |id: &str, performance: &Performance| explained(bench.library(), id, performance);
    bench.lab().run_judged(&target.kernel, sessions, &stands, &mut |_| {})
}

fn sessions(bench: &Bench) -> anyhow::Result<Vec<&Session>> {
    SESSIONS
        .iter()
        .map(|id| bench.library().sessions.get(id).with_context(|| format!("no session `{id}`")))
        .collect()
}

fn alike(bench: &Bench, kind: &str) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let target = packed(dir.path(), bench, kind, &config()?)?;
    let sessions = sessions(bench)?;
    let (own, shipped) = (perform(bench, bench.target(), &sessions), perform(bench, &target, &sessions));
    sessions.iter().try_for_each(|session| same(&own, &shipped, session))
}

fn without_fwctl(bench: &Bench) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let config = config()?.replace("CONFIG_FWCTL=y", "# CONFIG_FWCTL is not set");
    let target = packed(dir.path(), bench, "deb", &config)?;
    let run = perform(bench, &target, &sessions(bench)?);
    let absent = run.absent.as_deref().context("it is said to have fwctl")?;
    ensure!(absent.contains("CONFIG_FWCTL is not set"), "{absent}");
    ensure!(run.came_up.booted == 0 && run.came_up.started == 0, "{} booted", run.came_up.booted);
    let skipped = |performance: &Performance| matches!(performance, Performance::Skipped { .. });
    ensure!(run.performances.values().all(skipped), "{:?}", run.performances);
    Ok(())
}
