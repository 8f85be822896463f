//! The form of `run.json`: everything that a run came to, for programs.
//!
//! Two runs of the same give the same but for [`Run::times`], [`Run::evidence`],
//! [`KernelReport::tried_again`] and [`KernelReport::guests`]; [`Run::comparable`] leaves them out.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use scrubjay_run::{Again, ExitStatus, Guests, Shard};
use scrubjay_session::file::{self, FileError};
use scrubjay_verdict::{Cause, DefectState, KernelVerdict, OwnPolicy, Policy, Status, WaiverUse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest run that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// What to do about a file that is no run.
const AGAIN: &str = "name the file that `scrubjay check --format json:FILE` of this version wrote";

/// The form that this program writes and reads.
pub const FORMAT: &str = "scrubjay.run/1";

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`FORMAT`].
    pub format: String,
    /// Whether the run came to its end; one that was interrupted says nothing of what is missing.
    pub complete: bool,
    /// The policy that decides.
    pub policy: Policy,
    /// What it says, where it is one of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_policy: Option<OwnPolicy>,
    /// The kernel that the others are held against instead of goldens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// The kernel whose changes they have to carry, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// What was asked for: what is missing of it was not tested.
    pub asked: Asked,
    /// The number that the command ended with.
    pub exit_status: u8,
    /// Lines about the run as a whole.
    pub notes: Vec<String>,
    /// In the order in which they were asked for, as far as the run came.
    pub kernels: Vec<KernelReport>,
    /// What the waivers came to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverUse>,
    /// What the kernels said, word for word: addresses and processes in it differ between runs.
    pub evidence: BTreeMap<String, Evidence>,
    /// When and how long: the only other part that differs between two runs of the same.
    pub times: Times,
}

/// What a run was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The ids of the kernels, in their order.
    pub kernels: Vec<String>,
    /// The ids of the sessions; of a shard, those of the whole run.
    pub sessions: Vec<String>,
    /// Which part of them was performed, as `2/4`, where the run is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Whether a fix that a kernel's own series has, and that it lacks, is a break.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub require_fixes: bool,
}

impl Asked {
    /// The sessions that this run performs: all of them, or those of its shard.
    pub fn performed(&self) -> impl Iterator<Item = &str> {
        let shard = self.shard();
        let mine = move |place: usize| shard.is_none_or(|shard| shard.takes(place));
        self.sessions.iter().enumerate().filter(move |(place, _)| mine(*place)).map(|(_, id)| id.as_str())
    }

    /// Which part of the run it is, where it is one of several.
    pub fn shard(&self) -> Option<Shard> {
        self.shard.as_ref().and_then(|shard| shard.parse().ok())
    }
}

/// What one kernel came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelReport {
    /// Its id.
    pub kernel: String,
    /// How far the run came with it.
    pub state: KernelState,
    /// Why nothing could be tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How many sessions came to what, under the policy that decides.
    pub counts: Counts,
    /// How many findings are breaks, under each policy.
    pub breaks: Breaks,
    /// How many known defects are seen in which state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defects: BTreeMap<DefectState, usize>,
    /// Where in the history it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_release: Option<String>,
    /// What could not be observed on it, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_checked: Vec<String>,
    /// Boots and sessions that were tried once more because the host may have had a part in what came of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried_again: Vec<TriedAgain>,
    /// How its guests came up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<GuestCounts>,
    /// Each session's title and outcome under the policy that decides.
    pub sessions: BTreeMap<String, SessionSummary>,
    /// What brought its findings about; each finding is in one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// All of it; the kernel's words are in [`Run::evidence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<KernelVerdict>,
}

/// A boot or a session that was tried once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriedAgain {
    /// The session; none for a boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Why.
    pub why: String,
}

impl From<&Again> for TriedAgain {
    fn from(Again { session, why }: &Again) -> Self {
        TriedAgain { session: session.clone(), why: why.clone() }
    }
}

impl From<&TriedAgain> for Again {
    fn from(TriedAgain { session, why }: &TriedAgain) -> Self {
        Again { session: session.clone(), why: why.clone() }
    }
}

/// How the guests of a kernel came up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestCounts {
    /// How many booted.
    pub booted: u32,
    /// How many started from one that had booted without devices and was kept.
    pub started: u32,
    /// Why none could be kept, where that was tried.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<String>,
}

impl From<&Guests> for GuestCounts {
    fn from(Guests { booted, started, not_kept, .. }: &Guests) -> Self {
        GuestCounts { booted: *booted, started: *started, not_kept: not_kept.clone() }
    }
}

impl From<&GuestCounts> for Guests {
    fn from(GuestCounts { booted, started, not_kept }: &GuestCounts) -> Self {
        Guests { booted: *booted, started: *started, not_kept: not_kept.clone(), again: Vec::new() }
    }
}

/// How far a run came with a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KernelState {
    /// Every session asked for has come to something.
    Judged,
    /// The run was ended before; the verdict has the sessions that were judged until then.
    Interrupted,
    /// Nothing could be tested.
    Failed,
}

/// A session in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionSummary {
    /// What it pins.
    pub title: String,
    /// The area that it belongs to: its directory below `vectors/sessions`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// What it came to.
    pub status: Status,
}

/// How many sessions came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// As expected.
    pub pass: usize,
    /// As expected but for what is waived.
    pub waived: usize,
    /// With a break.
    #[serde(rename = "break")]
    pub broken: usize,
    /// Could not be tested.
    pub error: usize,
    /// Did not apply.
    pub skip: usize,
}

/// How many findings are breaks, under each policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaks {
    /// Under exempt.
    pub exempt: usize,
    /// Under footgun.
    pub footgun: usize,
    /// Under frozen.
    pub frozen: usize,
    /// Under the user's own, where that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<usize>,
}

/// A kernel's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Kernel log lines of a finding's step, by the finding's fingerprint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logs: BTreeMap<String, Vec<String>>,
    /// The end of the console of the last guest that died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_tail: Option<String>,
}

/// When, and how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// When the run started, in seconds since 1970-01-01 UTC.
    pub started_unix_seconds: u64,
    /// How long it took.
    pub total_millis: u64,
    /// How long each session took, by kernel and session.
    pub session_millis: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Run {
    /// Reads a file of this form.
    ///
    /// # Errors
    /// The file, the place in it and what is wrong there; an unknown field is.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = file::read_text(path, LONGEST)?;
        let sense = |place: &str, why: String| Err(FileError::sense_in(path, &text, place, why));
        // What it is comes before what is wrong in it: a later version may have another form.
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => match value.get("format").and_then(Value::as_str) {
                Some(FORMAT) => {}
                Some(other) => return sense("format", format!("`{other}` is not `{FORMAT}`; {AGAIN}")),
                None => return sense("", format!("no run of scrubjay: it has no `format`; {AGAIN}")),
            },
            // Cut off in the middle: how far it goes is where the form ends.
            Err(error) if error.is_eof() => {
                let why = format!("it ends in the middle, and so was not written whole; {AGAIN}");
                return sense("", why);
            }
            Err(_) => {}
        }
        let run: Run = file::parse(path, &text)?;
        if run.asked.shard.is_some() && run.asked.shard().is_none() {
            return sense("asked.shard", "no shard; write it as 2/4, the second of four".to_owned());
        }
        Ok(run)
    }

    /// The policies under which findings are weighed: the three, and the one that decides.
    pub fn policies(&self) -> Vec<Policy> {
        let own = Some(self.policy).filter(|policy| !Policy::ALL.contains(policy));
        Policy::ALL.into_iter().chain(own).collect()
    }

    /// What the number means that the command ended with.
    pub fn meaning(&self) -> String {
        ExitStatus::of(self.exit_status).map_or("unknown".to_owned(), ExitStatus::meaning)
    }

    /// What two runs of the same have in common: without times, the kernels' own words and what the host did.
    pub fn comparable(&self) -> Self {
        let mut run = Run { evidence: BTreeMap::new(), times: Times::default(), ..self.clone() };
        for kernel in &mut run.kernels {
            kernel.tried_again.clear();
            kernel.guests = None;
        }
        run
    }
}

impl Counts {
    /// Counts the sessions of a kernel.
    pub fn of(verdict: &KernelVerdict, policy: Policy) -> Self {
        let mut counts = Counts::default();
        for session in &verdict.sessions {
            *match session.status(policy) {
                Status::Pass => &mut counts.pass,
                Status::Waived => &mut counts.waived,
                Status::Break => &mut counts.broken,
                Status::Error => &mut counts.error,
                Status::Skip => &mut counts.skip,
            } += 1;
        }
        counts
    }
}

impl Breaks {
    /// Counts the findings of a kernel; `policy` is that which decides.
    pub fn of(verdict: &KernelVerdict, policy: Policy) -> Self {
        Breaks {
            exempt: verdict.breaks(Policy::Exempt),
            footgun: verdict.breaks(Policy::Footgun),
            frozen: verdict.breaks(Policy::Frozen),
            own: matches!(policy, Policy::Own(_)).then(|| verdict.breaks(policy)),
        }
    }

    /// Under one policy.
    pub fn under(&self, policy: Policy) -> usize {
        match policy {
            Policy::Exempt => self.exempt,
            Policy::Footgun => self.footgun,
            Policy::Frozen => self.frozen,
            Policy::Own(_) => self.own.unwrap_or(self.frozen),
        }
    }
}
