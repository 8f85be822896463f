//! What a step gave: the fields that are compared, and beside them what is not.

use schemars::JsonSchema;
use scrubjay_wire::{Bytes, Entry, LogLine, Run};
use serde::{Deserialize, Serialize};

use crate::MailboxCommand;
use crate::klog::{Class, Event};
use crate::step::Field;

/// `errno` of a call that succeeded.
pub const OK: &str = "ok";

/// One step of a transcript.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The step's id.
    pub id: String,
    /// What is compared.
    pub observation: Observation,
    /// What is not.
    pub aside: Aside,
}

/// The fields of a step that are compared. Decoded values are made from them for the reader.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Observation {
    /// The errno by name, [`OK`] for success, `agent: …` for what the agent could not do.
    pub errno: String,
    /// What the call returned when it succeeded.
    #[serde(skip_serializing_if = "is_zero")]
    pub ret: i64,
    /// The argument structure afterwards; pointers that did not change are zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arg: Option<Bytes>,
    /// The input buffer afterwards, if the call changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Bytes>,
    /// The output buffer afterwards; `a5` is what nobody wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<Bytes>,
    /// What was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What was listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// What a sweep gave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<Run>,
    /// The branches of a parallel group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchSeen>,
    /// Taint flags that the step set, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taint: Vec<String>,
    /// Mailbox commands that the firmware received.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mailbox: Vec<MailboxCommand>,
    /// Events in the kernel log.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<Event>,
    /// How the step ended.
    #[serde(skip_serializing_if = "StepEnd::came_back")]
    pub end: StepEnd,
    /// The raw fields as a person reads them; made from them, never compared.
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub decoded: serde_json::Value,
}

fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// How a step ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepEnd {
    /// The call came back.
    #[default]
    CameBack,
    /// It did not come back in time.
    Hung,
    /// The process died in it.
    Died,
    /// The kernel died in it.
    GuestDied,
    /// The session ended before it.
    NotReached,
}

impl StepEnd {
    fn came_back(&self) -> bool {
        *self == StepEnd::CameBack
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            StepEnd::CameBack => "came-back",
            StepEnd::Hung => "hung",
            StepEnd::Died => "died",
            StepEnd::GuestDied => "guest-died",
            StepEnd::NotReached => "not-reached",
        }
    }
}

/// The steps of one branch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchSeen {
    /// The branch's name.
    pub name: String,
    /// In order.
    pub steps: Vec<Seen>,
}

impl BranchSeen {
    /// Its name and what each step gave, without what is not compared.
    fn show(&self) -> String {
        let step = |seen: &Seen| {
            let fields = [Field::Errno, Field::Ret, Field::Out, Field::Text];
            let shown = fields.iter().filter_map(|field| seen.observation.show(*field));
            format!("{} {}", seen.id, shown.collect::<Vec<_>>().join(" "))
        };
        format!("{}: {}", self.name, self.steps.iter().map(step).collect::<Vec<_>>().join(", "))
    }
}

/// What belongs to a step and is never compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Aside {
    /// How long the call took, in nanoseconds.
    pub nanos: u64,
    /// `/proc/sys/kernel/tainted` before.
    pub taint_before: u64,
    /// The same afterwards.
    pub taint_after: u64,
    /// The kernel's words, whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LogLine>,
    /// The kernel's stack where the step hung.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stack: String,
    /// Rounds of a sweep that were done when it ended early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<u64>,
}

impl Observation {
    /// What hurt the kernel, if anything did: the most telling first.
    pub fn damage(&self) -> Option<Class> {
        let own = self.log.iter().map(|e| e.class).filter(|c| c.is_damage()).max();
        let branches =
            self.branches.iter().flat_map(|b| &b.steps).filter_map(|s| s.observation.damage()).max();
        own.max(branches).or(match self.end {
            StepEnd::CameBack | StepEnd::NotReached => None,
            StepEnd::Hung => Some(Class::HungTask),
            StepEnd::Died => Some(Class::Oops),
            StepEnd::GuestDied => Some(Class::Panic),
        })
    }

    /// The fields that differ, in the order of [`Field`].
    pub fn differing(&self, other: &Self) -> Vec<Field> {
        let mut fields = Vec::new();
        let mut check = |field, same: bool| {
            if !same {
                fields.push(field);
            }
        };
        // A step that reads the taint of a kernel which does not show it.
        let unread = |o: &Self| o.text.as_deref() == Some(UNKNOWN_TAINT) && o.taint == [UNKNOWN_TAINT];
        let unread = unread(self) || unread(other);
        check(Field::Errno, self.errno == other.errno);
        check(Field::Ret, self.ret == other.ret || unread);
        check(Field::Arg, self.arg == other.arg);
        check(Field::Input, self.input == other.input);
        check(Field::Out, self.out == other.out);
        check(Field::Text, self.text == other.text || unread);
        check(Field::Entries, self.entries == other.entries);
        check(Field::Runs, self.runs == other.runs);
        check(Field::Branches, same_branches(&self.branches, &other.branches));
        let unknown = |o: &Self| o.taint.iter().any(|flag| flag == UNKNOWN_TAINT);
        check(Field::Taint, self.taint == other.taint || unknown(self) || unknown(other));
        check(Field::Mailbox, self.mailbox == other.mailbox);
        check(Field::Log, self.log == other.log);
        check(Field::End, self.end == other.end);
        fields
    }

    /// Takes a field out, with what was decoded of it.
    pub fn forget(&mut self, field: Field) {
        let empty = Observation::default();
        match field {
            Field::Errno => self.errno = empty.errno,
            Field::Ret => self.ret = empty.ret,
            Field::Arg => self.arg = empty.arg,
            Field::Input => self.input = empty.input,
            Field::Out => self.out = empty.out,
            Field::Text => self.text = empty.text,
            Field::Entries => self.entries = empty.entries,
            Field::Runs => self.runs = empty.runs,
            Field::Branches => self.branches = empty.branches,
            Field::Taint => self.taint = empty.taint,
            Field::Mailbox => self.mailbox = empty.mailbox,
            // Damage is told through every mask.
            Field::Log => self.log.retain(|event| event.class.is_damage()),
            Field::End => {}
        }
        if matches!(field, Field::Arg | Field::Input | Field::Out) {
            self.decoded = empty.decoded;
        }
    }

    /// A field as a person reads it; `None` where the step has no such field.
    pub fn show(&self, field: Field) -> Option<String> {
        let json = |value: serde_json::Result<serde_json::Value>| value.ok().map(|v| v.to_string());
        match field {
            Field::Errno => Some(self.errno.clone()),
            Field::Ret => Some(self.ret.to_string()),
            Field::Arg => self.arg.as_ref().map(ToString::to_string),
            Field::Input => self.input.as_ref().map(ToString::to_string),
            Field::Out => self.out.as_ref().map(ToString::to_string),
            Field::Text => self.text.clone(),
            Field::Entries => json(serde_json::to_value(&self.entries)),
            Field::Runs => json(serde_json::to_value(&self.runs)),
            Field::Branches => {
                Some(self.branches.iter().map(BranchSeen::show).collect::<Vec<_>>().join("; "))
            }
            Field::Taint => Some(self.taint.join(" ")),
            Field::Mailbox => {
                Some(self.mailbox.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            Field::Log => {
                let events = self.log.iter().map(|e| format!("{}: {}", e.class.name(), e.what));
                Some(events.collect::<Vec<_>>().join("; "))
            }
            Field::End => Some(self.end.name().to_owned()),
        }
    }
}

/// Whether branches gave the same, what is aside left out.
fn same_branches(left: &[BranchSeen], right: &[BranchSeen]) -> bool {
    let same_step = |l: &Seen, r: &Seen| l.id == r.id && l.observation.differing(&r.observation).is_empty();
    let same_steps =
        |l: &[Seen], r: &[Seen]| l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same_step(l, r));
    left.len() == right.len()
        && left.iter().zip(right).all(|(l, r)| l.name == r.name && same_steps(&l.steps, &r.steps))
}

/// The flags of `/proc/sys/kernel/tainted` by bit (include/linux/panic.h).
const TAINTS: [&str; 20] = [
    "proprietary-module",
    "forced-module",
    "cpu-out-of-spec",
    "forced-rmmod",
    "machine-check",
    "bad-page",
    "user",
    "died",
    "overridden-acpi-table",
    "warned",
    "staging-driver",
    "firmware-workaround",
    "out-of-tree-module",
    "unsigned-module",
    "soft-lockup",
    "livepatch",
    "auxiliary",
    "randstruct",
    "test",
    FWCTL_TAINT,
];

/// The flag of an RPC whose scope may change the device.
pub const FWCTL_TAINT: &str = "fwctl";

/// What stands in [`Observation::taint`] on a kernel that does not show its taint: equal to anything.
pub const UNKNOWN_TAINT: &str = "unknown";

/// The flags that are set in `after` and not in `before`; [`UNKNOWN_TAINT`] where the agent could
/// not read them and said `u64::MAX`.
pub fn taint_gained(before: u64, after: u64) -> Vec<String> {
    if before == u64::MAX || after == u64::MAX {
        return vec![UNKNOWN_TAINT.to_owned()];
    }
    let gained = after & !before;
    (0..64)
        .filter(|bit| gained >> bit & 1 == 1)
        .map(|bit| TAINTS.get(bit as usize).map_or_else(|| format!("bit-{bit}"), |name| (*name).to_owned()))
        .collect()
}
