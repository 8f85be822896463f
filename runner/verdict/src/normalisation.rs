//! The one list of what may differ between runs without meaning. Everything else is compared.

/// One thing that is made alike before it is compared.
pub struct Normalisation {
    /// What it is called.
    pub id: &'static str,
    /// What is made alike, and how.
    pub what: &'static str,
    /// Why it carries no meaning.
    pub why: &'static str,
    /// Where it is done: a crate below `runner`, and the file of it.
    pub place: &'static str,
}

/// The table of all of them in Markdown, as docs/normalisations.md has it.
pub fn markdown() -> String {
    let row = |n: &Normalisation| {
        let (krate, module) = n.place.split_once(", ").unwrap_or((n.place, "lib"));
        let place = format!("runner/{krate}/src/{module}.rs");
        format!("| `{}` | {} | {} | [{place}](../{place}) |\n", n.id, n.what, n.why)
    };
    let head = "| id | what is made alike | why it carries no meaning | where |\n|---|---|---|---|\n";
    head.to_owned() + &ALL.iter().map(row).collect::<String>()
}

/// All of them.
pub const ALL: &[Normalisation] = &[
    Normalisation {
        id: "pointer-unchanged",
        what: "a pointer in an argument structure that still has the value it was given becomes 0",
        why: "the addresses are those of this process's memory",
        place: "agent, memory",
    },
    Normalisation {
        id: "descriptor-number",
        what: "open and dup return 0",
        why: "the number depends on what else the process has open",
        place: "agent, perform",
    },
    Normalisation {
        id: "numbered-device",
        what: "memN, fwctlN, endpointN, cxl_memN and the like lose their number in listings and resolved links",
        why: "numbers are given in probe order, which is asynchronous",
        place: "agent, devices",
    },
    Normalisation {
        id: "numbered-length",
        what: "a write that takes the whole name of a memdev returns the length of memN",
        why: "its number has as many digits as there are memdevs before it",
        place: "agent, perform",
    },
    Normalisation {
        id: "pci-address",
        what: "PCI addresses in resolved links become BDF",
        why: "bus numbers follow the order of root ports in the guest",
        place: "agent, perform",
    },
    Normalisation {
        id: "once-a-boot",
        what: "messages that the kernel prints once a boot count only in a boot of the session's own",
        why: "in a shared boot they go to whichever session comes first",
        place: "session, observe",
    },
    Normalisation {
        id: "taint-gained",
        what: "taint is compared as the flags that a step sets, not as the whole word",
        why: "what was set before belongs to another step or session",
        place: "session, observation",
    },
    Normalisation {
        id: "taint-of-modules",
        what: "a taint that is read lacks the flags that modules set when they are loaded",
        why: "they tell how modules were built and signed, and not what a session did",
        place: "session, observe",
    },
    Normalisation {
        id: "power-directory",
        what: "a listing lacks the directory power",
        why: "the driver core puts it beside every device where CONFIG_PM is set; no driver has a say in it",
        place: "session, observe",
    },
    Normalisation {
        id: "log-class",
        what: "kernel log lines are compared by class and by what they name",
        why: "addresses, processors, processes and times differ between runs",
        place: "session, klog",
    },
    Normalisation {
        id: "time-of-day",
        what: "the input of a Set Timestamp that the firmware received becomes 0",
        why: "it is the time of day",
        place: "engine, bank",
    },
    Normalisation {
        id: "taint-unknown",
        what: "on a kernel without /proc/sys/kernel/tainted the taint of a step equals any",
        why: "it cannot be seen there; the report says so, and no golden is recorded there",
        place: "session, observation",
    },
    Normalisation {
        id: "duration",
        what: "how long a call took is not compared",
        why: "it depends on the machine",
        place: "session, observation",
    },
];
