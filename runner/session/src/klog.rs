//! Kernel log lines by what they mean: the classes that are compared, and damage.

use schemars::JsonSchema;
use scrubjay_wire::LogLine;
use serde::{Deserialize, Serialize};

use crate::cxl::messages::MESSAGES as CXL;
use crate::message::{FWCTL, Message};

/// Something that the kernel said.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What kind of line it is.
    pub class: Class,
    /// What it names: a function, a report's kind, or a message that is compared.
    pub what: String,
}

/// The classes of kernel log lines that mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A message that is compared: by fwctl or by a driver, and named.
    Message,
    /// `WARN_ON` and the like.
    Warning,
    /// A fault or BUG in the kernel.
    Oops,
    /// A report of the address sanitiser.
    Kasan,
    /// A report of the undefined-behaviour sanitiser.
    Ubsan,
    /// A report of the slab allocator's checks (mm/slub.c, `slab_bug`).
    Slub,
    /// A report of the lock validator.
    Lockdep,
    /// A task that has been blocked for long.
    HungTask,
    /// A leak that was found.
    Leak,
    /// The end of the kernel.
    Panic,
}

impl Class {
    /// Whether the kernel was hurt: conclusive when seen once.
    pub fn is_damage(self) -> bool {
        self != Class::Message
    }

    /// Whether the guest can serve on.
    pub fn spoils_guest(self) -> bool {
        self.is_damage()
    }

    /// The name that JSON uses.
    pub fn name(self) -> &'static str {
        match self {
            Class::Message => "message",
            Class::Warning => "warning",
            Class::Oops => "oops",
            Class::Kasan => "kasan",
            Class::Ubsan => "ubsan",
            Class::Slub => "slub",
            Class::Lockdep => "lockdep",
            Class::HungTask => "hung-task",
            Class::Leak => "leak",
            Class::Panic => "panic",
        }
    }
}

/// The first words of reports, most telling first: the class and what follows the words.
const REPORTS: &[(&str, Class)] = &[
    ("BUG: KASAN: ", Class::Kasan),
    ("BUG: KFENCE: ", Class::Kasan),
    ("BUG: KMSAN: ", Class::Kasan),
    ("UBSAN: ", Class::Ubsan),
    ("WARNING: possible ", Class::Lockdep),
    ("WARNING: suspicious RCU usage", Class::Lockdep),
    ("WARNING: bad unlock balance", Class::Lockdep),
    ("WARNING: lock held when returning to user space", Class::Lockdep),
    ("BUG: MAX_LOCKDEP", Class::Lockdep),
    ("INFO: possible ", Class::Lockdep),
    ("INFO: task ", Class::HungTask),
    ("watchdog: BUG: soft lockup", Class::HungTask),
    ("unreferenced object ", Class::Leak),
    ("Kernel panic - not syncing: ", Class::Panic),
    ("Oops: ", Class::Oops),
    ("BUG: ", Class::Oops),
    ("BUG ", Class::Slub),
    ("kernel BUG at ", Class::Oops),
    ("WARNING: ", Class::Warning),
];

/// The messages that are compared. Every other line is kept in the transcript and not compared.
fn messages() -> impl Iterator<Item = &'static Message> {
    FWCTL.iter().chain(CXL)
}

/// What a line means; `None` for one that is not compared.
pub fn classify(line: &LogLine) -> Option<Event> {
    if let Some(message) = messages().find(|m| line.text.contains(m.pattern)) {
        return Some(Event { class: Class::Message, what: message.name.to_owned() });
    }
    let (words, class) = REPORTS.iter().find(|(words, _)| line.text.starts_with(words))?;
    Some(Event { class: *class, what: named(*class, line.text[words.len()..].trim()) })
}

/// Whether a message comes once a boot.
pub fn once_a_boot(what: &str) -> bool {
    messages().any(|m| m.name == what && m.once)
}

/// What a report names, without addresses, lines, processors and processes.
fn named(class: Class, rest: &str) -> String {
    match class {
        // "slab-out-of-bounds in function+0x1/0x2"
        Class::Kasan => rest.split('+').next().unwrap_or(rest).to_owned(),
        // "CPU: 0 PID: 1 at file.c:12 function+0x1/0x2", since 7.0 "file.c:12 at function+0x1/0x2, CPU#0: …"
        Class::Warning => match rest.split(&[' ', ','][..]).find(|word| word.contains("+0x")) {
            Some(function) => function.split('+').next().unwrap_or(function).to_owned(),
            None => rest.split(' ').next().unwrap_or(rest).to_owned(),
        },
        // "array-index-out-of-bounds in a/directory/file.c:99:27", from wherever it was built
        Class::Ubsan => match rest.split_once(" in ") {
            Some((kind, place)) => {
                let file = place.rsplit('/').next().unwrap_or(place);
                format!("{kind} in {}", file.split(':').next().unwrap_or(file))
            }
            None => rest.to_owned(),
        },
        // "kmalloc-16 (Not tainted): Object corrupt"
        Class::Slub => rest.rsplit("): ").next().unwrap_or(rest).to_owned(),
        // "name:pid blocked for more than 10 seconds."
        Class::HungTask => "blocked".to_owned(),
        Class::Oops => {
            // "kernel NULL pointer dereference, address: 0000", "0002 [#1] SMP NOPTI", "file.c:12!"
            let words: Vec<_> = rest
                .split(&[' ', ','][..])
                .take_while(|word| !word.starts_with('#') && *word != "address:" && *word != "for")
                .filter(|word| !word.is_empty() && !word.chars().all(|c| c.is_ascii_hexdigit()))
                .collect();
            let words = words.join(" ");
            let what = words.split(" [#").next().unwrap_or_default().trim_end_matches('[').trim();
            // "Oops: 0002" says nothing more than that there was one.
            if what.is_empty() || what == "Oops:" { "fault".to_owned() } else { what.to_owned() }
        }
        _ => rest.split(" at ").next().unwrap_or(rest).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::kasan(
        "BUG: KASAN: slab-out-of-bounds in cxl_get_feature+0x1d/0x2e0",
        Class::Kasan,
        "slab-out-of-bounds in cxl_get_feature"
    )]
    #[case::ubsan(
        "UBSAN: array-index-out-of-bounds in /tmp/linux/drivers/cxl/core/edac.c:99:27",
        Class::Ubsan,
        "array-index-out-of-bounds in edac.c"
    )]
    #[case::slub("BUG kmalloc-16 (Not tainted): Object corrupt", Class::Slub, "Object corrupt")]
    #[case::warn(
        "WARNING: CPU: 1 PID: 52 at drivers/cxl/core/mbox.c:99 cxl_event+0x1/0x2",
        Class::Warning,
        "cxl_event"
    )]
    #[case::warn_newer(
        "WARNING: drivers/cxl/core/mbox.c:99 at cxl_event+0x1/0x2, CPU#1: init/52",
        Class::Warning,
        "cxl_event"
    )]
    #[case::null(
        "BUG: kernel NULL pointer dereference, address: 0000000000000010",
        Class::Oops,
        "kernel NULL pointer dereference"
    )]
    #[case::lockdep(
        "WARNING: possible circular locking dependency detected",
        Class::Lockdep,
        "circular locking dependency detected"
    )]
    #[case::hung("INFO: task agent:71 blocked for more than 10 seconds.", Class::HungTask, "blocked")]
    #[case::message(
        "fwctl fwctl0: agent(71): has requested full access to the physical device",
        Class::Message,
        "fwctl-full-access"
    )]
    fn a_line_is_told_by_its_class(#[case] text: &str, #[case] class: Class, #[case] what: &str) {
        let line = LogLine { seq: 1, micros: 1, level: 3, caller: None, text: text.to_owned() };
        assert_eq!(classify(&line), Some(Event { class, what: what.to_owned() }));
    }

    #[test]
    fn an_ordinary_line_means_nothing() {
        let text = "cxl_pci 0000:0d:00.0: registered".to_owned();
        assert_eq!(classify(&LogLine { seq: 1, micros: 1, level: 6, caller: None, text }), None);
    }
}
