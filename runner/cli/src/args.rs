//! The table of subcommands and flags. Does nothing with them.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use clap_complete::Shell;
use jiff::SignedDuration;
use scrubjay_host::Signal;
use scrubjay_run::{ExitStatus, Shard};
use scrubjay_verdict::Policy;
use scrubjay_verdict::change::Statement;

use crate::format::{Report, ReportParser};
use crate::policy::{PolicyParser, PolicyWord};

/// The kernel that is taken where none is named.
pub const DEFAULT_KERNEL: &str = "7.3";
/// The kernel that mutants are tried on where none is named.
pub const MODULAR_KERNEL: &str = "7.3-modular";

/// ABI conformance and regression suite for Linux fwctl.
#[derive(Debug, Parser)]
#[command(name = "scrubjay", version, max_term_width = 100, after_help = exit_statuses())]
pub struct Cli {
    /// Directory that holds vectors/ and kernels/ [default: SCRUBJAY_ROOT, else upward from here,
    /// else the source tree that this was built from]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Say more: -v also lists every session, -vv tells on standard error what the program does
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replay sessions on kernels and judge the results
    Check(CheckArgs),
    /// Write reports of a kept run (run.json), or merge the shards of one
    Report(KeptArgs),
    /// Judge a kept run (run.json) again, under another policy or with other waivers, without a boot
    Judge(JudgeArgs),
    /// Compare a kept run with an earlier one: what is new, gone or no longer tested
    Diff(DiffArgs),
    /// What an update of a package changes: changes and fixes that arrive, and what it breaks
    ComparePackages(CompareArgs),
    /// Record what a kernel gives next to the goldens, for review
    Record(RecordArgs),
    /// Look at recordings, and accept or reject them
    Review(ReviewArgs),
    /// Write a page on how each release differs from the one before
    Releases(ReleasesArgs),
    /// Count which functions of the kernel each session reaches, for the order in which gate runs them
    Reach(ReachArgs),
    /// What a decision about the kernel would break: a Feature blocked or let through, or any semantic patch
    #[command(
        after_help = "Exit status: 0 nothing breaks under any policy, 1 something does, 2 no such Feature, or a decision \
                      that changes nothing, 3 nothing breaks, but something could not be tested"
    )]
    WhatIf(WhatIfArgs),
    /// What a series, or a revision, of a kernel tree breaks: held against what it is made upon
    #[command(
        after_help = "Where only sources below drivers/cxl, drivers/edac and drivers/fwctl change, their modules are \
                            built anew; else the kernel is, and is run with modules and with everything built in. Exit \
                            status as check's"
    )]
    Gate(GateArgs),
    /// The commit, or the release, from which on a session gives something else
    #[command(
        after_help = "Exit status:\n  0  it is found\n  2  wrong usage, or the two ends do not differ in it\n  3  it lies among several \
                            that could not be told apart, or an end could not be tested"
    )]
    Bisect(BisectArgs),
    /// Measure speed and size on a kernel
    Bench(BenchArgs),
    /// Where kernels come from: list, fetch, build, path
    Kernels(KernelsArgs),
    /// The emulated devices: list, show
    Devices(DevicesArgs),
    /// The sessions: list
    Sessions(SessionsArgs),
    /// Seeded kernel changes, and whether the suite catches them: list, run
    Mutants(MutantsArgs),
    /// The rules that name differences
    Rules,
    /// One rule: what it means, and why it weighs what it weighs
    Explain(ExplainArgs),
    /// The catalogue of promises
    Promises(PromisesArgs),
    /// The ABI's history: which release has which change
    Changes(ChangesArgs),
    /// What is installed, what is missing, and what to type
    Doctor(DoctorArgs),
    /// Write the JSON Schemas of all file forms into vectors/schema
    Schema(SchemaArgs),
    /// Shell completions, on standard output
    Completions(CompletionsArgs),
    /// The manual page, on standard output or a page a file
    Man(ManArgs),
}

impl Command {
    /// Whether it starts programs or makes what has to go when it is ended.
    pub fn is_long(&self) -> bool {
        match self {
            Command::Check(_)
            | Command::ComparePackages(_)
            | Command::Record(_)
            | Command::Releases(_)
            | Command::Reach(_)
            | Command::WhatIf(_)
            | Command::Gate(_)
            | Command::Bisect(_)
            | Command::Bench(_)
            | Command::Kernels(_)
            | Command::Mutants(_)
            | Command::Doctor(_) => true,
            Command::Report(_)
            | Command::Judge(_)
            | Command::Diff(_)
            | Command::Review(_)
            | Command::Devices(_)
            | Command::Sessions(_)
            | Command::Rules
            | Command::Explain(_)
            | Command::Promises(_)
            | Command::Changes(_)
            | Command::Schema(_)
            | Command::Completions(_)
            | Command::Man(_) => false,
        }
    }
}

/// What sessions are run with.
#[derive(Clone, Debug, Args)]
pub struct LabArgs {
    /// Sessions, by id or by a pattern over ids and paths (`get-*`, `edac/*`) [default: all]
    #[arg(short, long = "session", value_name = "ID|GLOB")]
    pub sessions: Vec<String>,
    /// Directory of prebuilt images, VERSION/bzImage [default: SCRUBJAY_KERNEL_CACHE]
    #[arg(long, value_name = "DIR")]
    pub kernel_cache: Option<PathBuf>,
    /// What guests are like.
    #[command(flatten)]
    pub guests: GuestArgs,
}

/// What guests are like, and how many of them there are.
#[derive(Clone, Debug, Args)]
pub struct GuestArgs {
    /// Virtual CPUs of a guest
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = vcpus)]
    pub vcpus: u8,
    /// How many guests run at the same time [default: two more than there are processors, because guests also wait]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

impl GuestArgs {
    /// How many guests may run at the same time.
    pub fn at_once(&self) -> usize {
        let processors = || available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(|| processors() + 2, usize::from)
    }
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A kernel: ID, FROM..TO, all, ID+SERIES, tree:PATH, git:PATH@REV, git:PATH@REV+SERIES, deb:FILE, rpm:FILE, running,
    /// vmlinuz:PATH, or the path of a bzImage; may be repeated
    #[arg(short, long = "kernel", value_name = "KERNEL", default_value = DEFAULT_KERNEL)]
    pub kernels: Vec<String>,
    /// The modules of an image that is named by its file: its lib/modules/VERSION, or the directory above
    #[arg(long, value_name = "DIR")]
    pub modules: Option<PathBuf>,
    /// What sessions are run with.
    #[command(flatten)]
    pub lab: LabArgs,
    /// The policy that decides the exit status: one of the three, or a file of your own; findings are weighed under the
    /// three in any case
    #[arg(short, long, value_name = "POLICY|FILE.toml", value_parser = PolicyParser, default_value = Policy::default().name())]
    pub policy: PolicyWord,
    /// Which reports are written, and where.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// Try every value of every sweep; without this, a sweep whose outcome is undefined tries a sample
    #[arg(long)]
    pub thorough: bool,
    /// Perform only one shard of the sessions, such as 2/4, the second of four; `report merge` merges the shards
    #[arg(long, value_name = "NUMBER/OF", conflicts_with = "against")]
    pub shard: Option<Shard>,
    /// Run the sessions in a random order, drawn from this seed
    #[arg(long, value_name = "SEED")]
    pub shuffle: Option<u64>,
    /// Compare the kernels with this one instead of with goldens; written as for --kernel
    #[arg(long, value_name = "KERNEL", conflicts_with = "baseline")]
    pub against: Option<String>,
    /// Require every change that this release has, such as 7.2, 7.2.4 or 7.3-rc2, or that a kernel has which is one
    /// [default: an unmodified release has to have the changes of its own place in the history, others are only
    /// described]
    #[arg(long, value_name = "RELEASE|KERNEL")]
    pub baseline: Option<String>,
    /// Treat a fix as a break that a kernel lacks and its own stable series has; missing fixes are always listed
    #[arg(long, conflicts_with = "against")]
    pub require_fixes: bool,
    /// File of waivers [default: vectors/waivers.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct KeptArgs {
    /// The run.json
    #[arg(required = true, value_name = "RUN")]
    pub run: Option<PathBuf>,
    /// Which reports are written, and where.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// Several of them.
    #[command(subcommand)]
    pub command: Option<KeptCommand>,
}

/// What can be done with several runs that were kept.
#[derive(Debug, Subcommand)]
pub enum KeptCommand {
    /// Merge the shards of one run: all of them, each once
    Merge {
        /// Their run.json, in any order
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<PathBuf>,
        /// Which reports are written, and where.
        #[command(flatten)]
        reports: ReportArgs,
    },
}

/// Arguments of `judge`.
#[derive(Debug, Args)]
pub struct JudgeArgs {
    /// The run.json
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// The policy that decides: one of the three, or a file of your own [default: the policy of the run]
    #[arg(short, long, value_name = "POLICY|FILE.toml", value_parser = PolicyParser)]
    pub policy: Option<PolicyWord>,
    /// File of waivers [default: the waivers of the run]
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// Which reports are written, and where.
    #[command(flatten)]
    pub reports: ReportArgs,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The run.json of the earlier run
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The run.json of the later run, whose policy decides
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
}

/// Arguments of `compare-packages`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The package that is there: a file, several with a comma between them, or any kernel, written as for check --kernel
    #[arg(value_name = "OLD")]
    pub old: String,
    /// The package that is to come in its place
    #[arg(value_name = "NEW")]
    pub new: String,
    /// What sessions are run with.
    #[command(flatten)]
    pub lab: LabArgs,
    /// The policy that decides the exit status: one of the three, or a file of your own
    #[arg(short, long, value_name = "POLICY|FILE.toml", value_parser = PolicyParser, default_value = Policy::default().name())]
    pub policy: PolicyWord,
    /// Which reports are written, and where.
    #[command(flatten)]
    pub reports: ReportArgs,
}

/// Which reports are written, and where.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// A report, on standard output or in a file; may be repeated. Standard output has the text unless another report
    /// goes there
    #[arg(short, long = "format", value_name = "TYPE[:FILE]", value_parser = ReportParser)]
    pub formats: Vec<Report>,
}

/// Arguments of `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// A kernel, written as for check --kernel
    #[arg(short, long, value_name = "KERNEL", default_value = DEFAULT_KERNEL)]
    pub kernel: String,
    /// What sessions are run with.
    #[command(flatten)]
    pub lab: LabArgs,
}

/// Arguments of `review`. Without a decision it asks on a terminal, and only shows elsewhere.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Sessions, by id or by a pattern over ids and paths [default: all that wait]
    #[arg(value_name = "SESSION|GLOB")]
    pub sessions: Vec<String>,
    /// Accept as `base` (replaces the base where nothing explains the recording), `also` (one more allowed value), or
    /// `change:ID` (what a change gives; `change:A+B` for what both together give)
    #[arg(long, value_name = "AS", conflicts_with = "reject")]
    pub accept: Option<String>,
    /// Remove the recordings
    #[arg(long)]
    pub reject: bool,
    /// Only list what waits
    #[arg(long, conflicts_with_all = ["accept", "reject"])]
    pub list: bool,
    /// Why it is accepted, and facts about a change that has no file yet.
    #[command(flatten)]
    pub facts: FactArgs,
}

/// Why a recording is accepted, and facts about a change that has no file yet.
#[derive(Clone, Debug, Default, Args)]
pub struct FactArgs {
    /// Why the base is so, or why the kernel was changed; for base, also and a change that is new
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Thread, or file and function; for base, also and a change that is new
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// What is different afterwards, in one line
    #[arg(long, value_name = "TEXT", help_heading = "For a change that is new")]
    pub title: Option<String>,
    /// Mainline's commit, 12 to 40 hexadecimal digits, with --subject; or --no-commit
    #[arg(long, value_name = "ID", help_heading = "For a change that is new", requires = "subject")]
    pub commit: Option<String>,
    /// The first line of the commit's message
    #[arg(long, value_name = "TEXT", help_heading = "For a change that is new", requires = "commit")]
    pub subject: Option<String>,
    /// Why no commit can be named
    #[arg(long, value_name = "TEXT", help_heading = "For a change that is new", conflicts_with = "commit")]
    pub no_commit: Option<String>,
    /// Mainline's first tag with it, and how that is known: 7.3=list, 7.3-rc2=source or 7.3=sessions
    #[arg(long, value_name = "TAG=HOW", help_heading = "For a change that is new")]
    pub mainline: Option<Statement>,
    /// Mainline's first tag with the bug that it mends, and how that is known; none where it mends nothing
    #[arg(long, value_name = "TAG=HOW", help_heading = "For a change that is new")]
    pub introduced: Option<Statement>,
    /// The CVE that it mends
    #[arg(long, value_name = "CVE", help_heading = "For a change that is new")]
    pub cve: Option<String>,
    /// The last release of a stable series that lacks it, 7.2.3=list; once for each series
    #[arg(long, value_name = "RELEASE=HOW", help_heading = "For a change that is new")]
    pub lacks_to: Vec<Statement>,
    /// The first release of a stable series that has it, 7.2.4=list; once for each series
    #[arg(long, value_name = "RELEASE=HOW", help_heading = "For a change that is new")]
    pub has_from: Vec<Statement>,
    /// The promise that it serves or alters
    #[arg(long, value_name = "ID", help_heading = "For a change that is new")]
    pub promise: Option<String>,
}

/// Arguments of `releases`.
#[derive(Debug, Args)]
pub struct ReleasesArgs {
    /// Kernels of the catalogue [default: every release that has fwctl]
    #[arg(short, long = "kernel", value_name = "ID")]
    pub kernels: Vec<String>,
    /// What sessions are run with.
    #[command(flatten)]
    pub lab: LabArgs,
    /// Where the page is written [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// Arguments of `reach`.
#[derive(Debug, Args)]
pub struct ReachArgs {
    /// A kernel of the catalogue that counts functions
    #[arg(short, long, value_name = "ID", default_value = "7.3-coverage")]
    pub kernel: String,
    /// What guests are like.
    #[command(flatten)]
    pub guests: GuestArgs,
    /// Where it is written [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// Arguments of `what-if`.
#[derive(Debug, Args)]
pub struct WhatIfArgs {
    /// A Feature that the kernel would keep to itself, by name or UUID; may be repeated
    #[arg(long, value_name = "FEATURE")]
    pub block: Vec<String>,
    /// A Feature that the kernel would let through; may be repeated
    #[arg(long, value_name = "FEATURE")]
    pub unblock: Vec<String>,
    /// A semantic patch over drivers/cxl, drivers/edac and drivers/fwctl; may be repeated
    #[arg(long, value_name = "FILE.cocci")]
    pub patch: Vec<PathBuf>,
    /// The kernel that is changed and compared with itself; its manifest has to say keep-tree
    #[arg(long, value_name = "ID", default_value = MODULAR_KERNEL)]
    pub against: String,
    /// Sessions, by id or by a pattern over ids and paths [default: all]
    #[arg(short, long = "session", value_name = "ID|GLOB")]
    pub sessions: Vec<String>,
    /// What guests are like.
    #[command(flatten)]
    pub guests: GuestArgs,
}

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// A git repository of the kernel, or a work tree of it; what stands there uncommitted is not looked at
    #[arg(long, value_name = "PATH")]
    pub tree: PathBuf,
    /// The revision that the other is held against: a commit, a tag, a branch
    #[arg(long, value_name = "REV")]
    pub base: String,
    /// The revision that is to be let through
    #[arg(long, value_name = "REV", conflicts_with = "series", required_unless_present = "series")]
    pub head: Option<String>,
    /// Or a series upon the base: an mbox, patches, or a folder of them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub series: Vec<PathBuf>,
    /// Sessions, by id or by a pattern over ids and paths (`get-*`, `edac/*`); all where not given
    #[arg(short, long = "session", value_name = "ID|GLOB")]
    pub sessions: Vec<String>,
    /// No session is begun after this time, of that for building too: `15m`, `90s`; the rest is not tested
    #[arg(long, value_name = "TIME")]
    pub within: Option<Within>,
    /// What guests are like.
    #[command(flatten)]
    pub guests: GuestArgs,
    /// The policy that decides the exit status: one of the three, or a file of your own
    #[arg(short, long, value_name = "POLICY|FILE.toml", value_parser = PolicyParser, default_value = Policy::default().name())]
    pub policy: PolicyWord,
    /// Which reports are written, and where.
    #[command(flatten)]
    pub reports: ReportArgs,
    /// Waivers [default: vectors/waivers.toml, where it is there]
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
}

/// A time that is given, `15m` or `1h 30m`.
#[derive(Clone, Copy, Debug)]
pub struct Within(pub Duration);

impl FromStr for Within {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let time: SignedDuration =
            text.parse().map_err(|error: jiff::Error| format!("{error}; write 15m or 90s"))?;
        Duration::try_from(time)
            .ok()
            .filter(|time| !time.is_zero())
            .map(Self)
            .ok_or("it is no time from now".to_owned())
    }
}

/// Arguments of `bisect`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["session", "finding"]).multiple(true).required(true))]
pub struct BisectArgs {
    /// A git repository of the kernel, or a work tree of it, whose commits are searched
    #[arg(long, value_name = "PATH", requires = "good", requires = "bad", conflicts_with = "kernels")]
    pub tree: Option<PathBuf>,
    /// A revision that is as it should be
    #[arg(long, value_name = "REV", requires = "tree")]
    pub good: Option<String>,
    /// A revision upon it that is not
    #[arg(long, value_name = "REV", requires = "tree")]
    pub bad: Option<String>,
    /// Or kernels, the oldest first, written as for check --kernel: a range `6.16..7.3`, or one after the other
    #[arg(short, long = "kernel", value_name = "KERNEL", num_args = 1.., required_unless_present = "tree")]
    pub kernels: Vec<String>,
    /// The session whose answers differ; without --finding, whatever the two ends differ in is looked for
    #[arg(short, long, value_name = "ID")]
    pub session: Option<String>,
    /// A finding, by its fingerprint: the 16 digits after `id` in a report
    #[arg(long, value_name = "FINGERPRINT")]
    pub finding: Option<String>,
    /// Directory of prebuilt images, VERSION/bzImage [default: SCRUBJAY_KERNEL_CACHE]
    #[arg(long, value_name = "DIR")]
    pub kernel_cache: Option<PathBuf>,
    /// What guests are like.
    #[command(flatten)]
    pub guests: GuestArgs,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A kernel, written as for check --kernel
    #[arg(short, long, value_name = "KERNEL", default_value = DEFAULT_KERNEL)]
    pub kernel: String,
    /// Directory of prebuilt images, VERSION/bzImage [default: SCRUBJAY_KERNEL_CACHE]
    #[arg(long, value_name = "DIR")]
    pub kernel_cache: Option<PathBuf>,
    /// Virtual CPUs of a guest
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = vcpus)]
    pub vcpus: u8,
    /// How many pairs of a shared and a bare boot are measured
    #[arg(long, value_name = "N", default_value = "5")]
    pub pairs: NonZeroUsize,
    /// Where the figures are written, as JSON (scrubjay.bench/1)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `kernels`.
#[derive(Debug, Args)]
pub struct KernelsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: KernelsCommand,
    /// Directory of prebuilt images, VERSION/bzImage [default: SCRUBJAY_KERNEL_CACHE]
    #[arg(long, global = true, value_name = "DIR")]
    pub kernel_cache: Option<PathBuf>,
}

/// What can be done with kernels.
#[derive(Debug, Subcommand)]
pub enum KernelsCommand {
    /// The kernels of the catalogue, and which of them are built
    List,
    /// Download what kernels are made from
    Fetch(KernelIds),
    /// Build kernels, unless they are built already
    Build(BuildArgs),
    /// Print the paths of images that are here
    Path(KernelIds),
}

/// Kernels of the catalogue.
#[derive(Debug, Args)]
pub struct KernelIds {
    /// Kernels of the catalogue
    #[arg(value_name = "ID", default_value = DEFAULT_KERNEL)]
    pub ids: Vec<String>,
}

/// Arguments of `kernels build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// Which.
    #[command(flatten)]
    pub kernels: KernelIds,
    /// Parallel jobs [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// Arguments of `devices`.
#[derive(Debug, Args)]
pub struct DevicesArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: DevicesCommand,
}

/// What can be done with devices.
#[derive(Debug, Subcommand)]
pub enum DevicesCommand {
    /// The device profiles
    List,
    /// One profile: identity, Features, faults
    Show(DeviceArgs),
}

/// Arguments of `devices show`.
#[derive(Debug, Args)]
pub struct DeviceArgs {
    /// The profile's id
    pub id: String,
    /// Show the register tables too
    #[arg(long)]
    pub registers: bool,
}

/// Arguments of `sessions`.
#[derive(Debug, Args)]
pub struct SessionsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: SessionsCommand,
}

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum SessionsCommand {
    /// The sessions, and which of them have a golden
    List {
        /// By id or by a pattern over ids and paths [default: all]
        #[arg(value_name = "ID|GLOB")]
        sessions: Vec<String>,
    },
}

/// Arguments of `mutants`.
#[derive(Debug, Args)]
pub struct MutantsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: MutantsCommand,
}

/// What can be done with mutants.
#[derive(Debug, Subcommand)]
pub enum MutantsCommand {
    /// The mutants, and the rule that has to flag each
    List {
        /// By id or by a pattern [default: all]
        #[arg(value_name = "ID|GLOB")]
        mutants: Vec<String>,
    },
    /// Build each as a module, run the suite on it, and judge the suite
    #[command(
        after_help = "Exit status: 0 every break was caught by its rule and nothing harmless was flagged, 1 one \
                            was missed, caught by another rule only, or a false alarm, 3 one could not be tried"
    )]
    Run(MutantsRunArgs),
}

/// Arguments of `mutants run`.
#[derive(Debug, Args)]
pub struct MutantsRunArgs {
    /// Mutants, by id or by a pattern [default: all]
    #[arg(value_name = "ID|GLOB")]
    pub mutants: Vec<String>,
    /// A kernel whose manifest says keep-tree; may be repeated
    #[arg(short, long = "kernel", value_name = "ID", default_value = MODULAR_KERNEL)]
    pub kernels: Vec<String>,
    /// Only this many, a different selection each day
    #[arg(long, value_name = "N", conflicts_with = "mutants")]
    pub some: Option<usize>,
    /// Pairs of breaks with different rules, each pair applied together; so many
    #[arg(long, value_name = "N", conflicts_with_all = ["mutants", "some", "write"])]
    pub pairs: Option<NonZeroUsize>,
    /// Update the table of this page (docs/mutants.md); the rest of the page stays as it is
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Keep the verdict of each in this directory, KERNEL/MUTANT.json
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// What guests are like.
    #[command(flatten)]
    pub guests: GuestArgs,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule's id
    pub rule: String,
}

/// Arguments of `promises`.
#[derive(Debug, Args)]
pub struct PromisesArgs {
    /// Promises by id or by the letter of their area [default: all]
    pub ids: Vec<String>,
}

/// Arguments of `changes`.
#[derive(Debug, Args)]
pub struct ChangesArgs {
    /// A change, which is then told in full [default: all, in short]
    pub id: Option<String>,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Directory of prebuilt images, VERSION/bzImage [default: SCRUBJAY_KERNEL_CACHE]
    #[arg(long, value_name = "DIR")]
    pub kernel_cache: Option<PathBuf>,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Write nothing; exit with 2 if a file is out of date
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each subcommand into this directory
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

fn vcpus(text: &str) -> Result<u8, String> {
    match text {
        "1" => Ok(1),
        "2" => Ok(2),
        "4" => Ok(4),
        _ => Err("1, 2 or 4".to_owned()),
    }
}

fn exit_statuses() -> String {
    let line = |status: ExitStatus| format!("  {:>3}  {}", status.number(), status.meaning());
    let interrupted = ExitStatus::Interrupted(Signal::SIGINT);
    format!(
        "Exit status:\n{}\n  {:>3}  {} (of any signal N that can be caught, {} and N)",
        ExitStatus::ALL.map(line).join("\n"),
        interrupted.number(),
        interrupted.meaning(),
        ExitStatus::SIGNALLED
    )
}
