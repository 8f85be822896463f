//! The attacks: one a row, with what is done, what has to be told of it and how the command has to end.
//!
//! Whoever adds one adds its row to docs/attacks.md; a trial holds the two against each other.

use std::io::Write;

use serde_json::{Value, json};

use crate::liar::{Liar, done, framed, ready};

/// One attack.
pub struct Attack {
    /// Who lies: `guest`, `console` or `monitor`.
    pub by: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is done.
    pub does: &'static str,
    /// What the report has to say.
    pub says: &'static str,
    /// How the command has to end.
    pub status: i32,
    /// Does it.
    pub play: fn(&mut Liar),
}

/// What the page says of its end.
pub fn told(attack: &Attack) -> String {
    let what = if attack.status == 1 { "break" } else { "error" };
    format!("{what}: `{}` | {}", attack.says.replace('`', ""), attack.status)
}

fn spoilt(key: &str, value: Value) -> Value {
    let mut word = ready();
    word[key] = value;
    word
}

/// All of them.
pub fn attacks() -> Vec<Attack> {
    let guest = |name, does, says, play| Attack { by: "guest", name, does, says, status: 3, play };
    let console = |name, does, says, play| Attack { by: "console", name, does, says, status: 1, play };
    let monitor = |name, does, says, play| Attack { by: "monitor", name, does, says, status: 3, play };
    vec![
        guest(
            "ticket",
            "`done` of step 4,000,000,000",
            "`done` of step 4000000000 where `done` of step 0 was due",
            |l| {
                l.goes(0);
                l.frame(&done(4_000_000_000, json!({})));
            },
        ),
        guest(
            "done-unasked",
            "`done` before `begin`",
            "`done` of step 0 where `begin` of step 0 was due",
            |l| {
                l.runs();
                l.frame(&done(0, json!({})));
            },
        ),
        guest(
            "done-twice",
            "`done` of one step twice",
            "`done` of step 0 where `begin` of step 1 was due",
            |l| {
                l.goes(0);
                l.frame(&done(0, json!({})));
                l.frame(&done(0, json!({})));
            },
        ),
        guest(
            "begin-later",
            "`begin` of a later step",
            "`begin` of step 2 where `begin` of step 0 was due",
            |l| {
                l.runs();
                l.frame(r#"{"begin": {"ticket": 2}}"#);
            },
        ),
        guest("end-at-once", "`end` before the first step", "steps were not performed", |l| {
            l.runs();
            l.frame(r#"{"end": {"end": "finished", "log": [], "taint": 0}}"#);
        }),
        guest(
            "hung-elsewhere",
            "`end`: hung in a step that is not under way",
            "`end` of step 1 where `done` of step 0 was due",
            |l| {
                l.goes(0);
                l.frame(r#"{"end": {"end": {"hung": {"ticket": 1, "checkpoint": 0, "stack": ""}}, "log": [], "taint": 0}}"#);
            },
        ),
        guest(
            "died-ahead",
            "`end`: died in a step that is to come",
            "`end` of step 3 where `done` of step 0 was due",
            |l| {
                l.goes(0);
                l.frame(
                r#"{"end": {"end": {"died": {"ticket": 3, "checkpoint": 0, "signal": 9, "status": 0}}, "log": [], "taint": 0}}"#,
            );
            },
        ),
        guest(
            "branches",
            "an open answers with branches that are not there",
            "it has branches, which the operation does not give",
            |l| {
                l.goes(0);
                l.frame(&done(0, json!({"branches": [[[4_000_000_000u32, {}]]]})));
            },
        ),
        guest("errno", "an errno of -2,147,483,648", "the errno is -2147483648", |l| {
            l.goes(0);
            l.frame(&done(0, json!({"errno": i32::MIN})));
        }),
        guest("buffers-few", "an ioctl answers without its buffers", "0 buffers, and there are 2", |l| {
            l.goes(1);
            l.frame(&done(1, json!({})));
        }),
        guest("buffers-long", "an ioctl's buffer comes back longer", "buffer 0 has 65536 bytes", |l| {
            l.goes(1);
            l.frame(&done(1, json!({"buffers": ["a5*65536", "a5*4"]})));
        }),
        guest(
            "buffers-grow",
            "400 buffers `a5*16777216` in a frame of 6 KB",
            "bytes more, and there is room for",
            |l| {
                l.goes(1);
                l.frame(&done(1, json!({"buffers": vec!["a5*16777216"; 400]})));
            },
        ),
        guest(
            "lists-grow",
            "nine million empty branches in 27 MB",
            "bytes more, and there is room for",
            |l| {
                l.goes(0);
                let branches = vec!["[]"; 9 << 20].join(",");
                l.frame(&format!(r#"{{"done": {{"ticket": 0, "answer": {{"branches": [{branches}]}}}}}}"#));
            },
        ),
        guest(
            "flood-of-done",
            "`done` without end",
            "`done` of step 0 where `begin` of step 1 was due",
            |l| {
                l.goes(0);
                flood(l, &done(0, json!({})));
            },
        ),
        guest(
            "flood-of-begin",
            "`begin` without end",
            "`begin` of step 0 where `done` of step 0 was due",
            |l| {
                l.runs();
                flood(l, r#"{"begin": {"ticket": 0}}"#);
            },
        ),
        guest(
            "flood-before-turn",
            "`begin` without end where the devices should settle",
            "`begin` where `settled` was due",
            |l| {
                l.boots(&ready());
                flood(l, r#"{"begin": {"ticket": 0}}"#);
            },
        ),
        guest(
            "ready-twice",
            "`ready` in the middle of a session",
            "`ready` where `begin` of step 0 was due",
            |l| {
                l.runs();
                l.frame(&json!({ "ready": ready() }).to_string());
            },
        ),
        guest(
            "ready-long",
            "a first word of 256 MB",
            "a frame of 268435456 bytes, and 262144 are the most",
            |l| {
                l.says("Linux version 7.3.4\r\n");
                l.sends(&(256u32 << 20).to_le_bytes());
                while l.sends(&[b' '; 65_536]) {}
            },
        ),
        guest("version", "another version of the protocol", "the agent speaks version 3", |l| {
            l.boots(&spoilt("version", 3.into()));
        }),
        guest(
            "release",
            "a release with a line of its own",
            "the agent's first word cannot be: the release is",
            |l| {
                l.boots(&spoilt("release", "7.3.4\nexit status 0: no break".into()));
            },
        ),
        guest("lack-unknown", "lacks something that nobody knows", "unknown variant `everything`", |l| {
            l.boots(&spoilt("lacks", json!(["everything"])));
        }),
        Attack {
            status: 1,
            ..guest(
                "lack-fwctl",
                "says that its kernel has no fwctl",
                "no fwctl class: /sys/class/fwctl is not there",
                |l| {
                    l.boots(&spoilt("lacks", json!(["fwctl"])));
                    l.hears();
                    l.frame(&settled_without_nodes());
                },
            )
        },
        guest(
            "settled-few",
            "settles fewer devices than there are",
            "0 devices with or without a node, and there are 1",
            |l| {
                l.settles(|settled| settled["nodes"] = json!([]));
            },
        ),
        guest("settled-address", "a device's address that is none", "no PCI address: `a`", |l| {
            l.settles(|settled| settled["addresses"] = json!(["a"]));
        }),
        guest("length", "a frame of 4 GB", "a frame of 4294967295 bytes, and 33554432 are the most", |l| {
            l.runs();
            l.sends(&[0xff; 64]);
        }),
        guest("no-json", "a frame that is no JSON", "carried no frame: ", |l| {
            l.runs();
            l.sends(&framed("login: "));
        }),
        guest("depth", "JSON that is 200,000 deep", "carried no frame: ", |l| {
            l.runs();
            let branches = r#"{"branches":[[[0,"#.repeat(50_000);
            l.frame(&format!(r#"{{"done": {{"ticket": 0, "answer": {branches}"#));
        }),
        guest(
            "other-way",
            "speaks by the second 16550 in the middle",
            "the second 16550 carried no frame: the agent talks by the virtio-serial port",
            |l| {
                l.runs();
                let _ = l.serial.write_all(&framed(r#"{"begin": {"ticket": 0}}"#));
            },
        ),
        guest("last-word", "gives up with a reason of 16 MB", "the agent cannot go on: xxx", |l| {
            l.runs();
            l.frame(&json!({"failed": {"why": "x".repeat(16 << 20)}}).to_string());
        }),
        console(
            "long-line",
            "a line of 12 MiB, then a panic in a step",
            "Kernel panic - not syncing: as a test",
            |l| {
                l.goes(1);
                l.says(&"x".repeat(12 << 20));
                l.panics();
            },
        ),
        console(
            "endless",
            "200 MB of lines that look like damage, then a panic in a step",
            "Kernel panic - not syncing: as a test",
            |l| {
                l.goes(1);
                l.says("Oops: 0000 [#1]\r\n");
                for _ in 0..200 {
                    l.says(&"BUG: as a test\r\n".repeat(1 << 16));
                }
                l.panics();
            },
        ),
        console(
            "no-text",
            "bytes that are no text, escapes and carriage returns, then a panic in a step",
            "Kernel panic - not syncing: as a test",
            |l| {
                l.goes(1);
                let _ = l.console.write_all(&[0x00, 0xff, 0xfe, 0x1b, b'[', b'2', b'J', b'\r', b'\r', 0x07]);
                l.panics();
            },
        ),
        Attack {
            status: 3,
            ..console(
                "silent",
                "says nothing although its agent speaks",
                "boots, and has no serial console",
                |l| {
                    l.frame(&json!({ "ready": ready() }).to_string());
                },
            )
        },
        monitor("line", "a line without an end", "a line of more than 1048576 bytes", |l| {
            l.runs();
            while l.monitor.write_all(&[b'{'; 65_536]).is_ok() {}
        }),
        monitor(
            "lines",
            "lines without an end",
            "it has said all that one guest may, 64 MiB (SCRUBJAY_GUEST_MIB)",
            |l| {
                l.runs();
                let lines = "{\"return\": {}}\n".repeat(8_192);
                while l.monitor.write_all(lines.as_bytes()).is_ok() {}
            },
        ),
        monitor(
            "stopped",
            "the guest's CPUs are stopped in the middle",
            "QEMU stopped the guest: internal-error",
            |l| {
                l.runs();
                let _ = writeln!(
                    l.monitor,
                    r#"{{"event": "STOP", "timestamp": {{"seconds": 1, "microseconds": 2}}}}"#
                );
            },
        ),
        monitor(
            "nonsense",
            "words that are none, and then the guest's end",
            "QEMU ended: exit status: 7",
            |l| {
                l.runs();
                let _ = l.monitor.write_all(
                    b"\xff\xfe\n[1]\n7\n{\"event\": {}}\n{\"return\": {}, \"id\": -1}\n{\"error\": 7}\n",
                );
                std::process::exit(7);
            },
        ),
        monitor("stderr", "50 MB of QEMU's own words, and then its end", "QEMU ended: exit status: 7", |l| {
            l.runs();
            let words = "qemu-system-x86_64: as a test\n".repeat(1 << 15);
            for _ in 0..50 {
                let _ = std::io::stderr().write_all(words.as_bytes());
            }
            std::process::exit(7);
        }),
    ]
}

/// Says the same until nobody listens.
fn flood(liar: &mut Liar, json: &str) {
    let frames = framed(json).repeat(1 + 65_536 / json.len());
    while liar.sends(&frames) {}
}

fn settled_without_nodes() -> String {
    json!({"settled": {"reached": [false], "nodes": [false], "addresses": [""], "bound": [], "log": [], "taint": 0}})
        .to_string()
}
