//! Files that are wrong, and the whole text that refuses each. No kernel, no guest: all of it is known when
//! the files are read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use rstest::rstest;
use scrubjay_verdict::Library;

const SESSION: &str = r#"{
  "format": "scrubjay.session/1",
  "id": "s",
  "title": "t",
  "devices": ["d"],
  "promise": "G01",
  "steps": [
    { "id": "open", "do": { "open": {} } },
    { "id": "get", "do": { "get-feature": { "feature": "power-cap", "count": 8 } } },
    { "id": "close", "do": { "close": {} } }
  ]
}
"#;

const DEVICE: &str = r#"{
  "format": "scrubjay.device/1",
  "id": "d",
  "title": "t",
  "serial": "0x51",
  "attach": "cxl-endpoint",
  "until": "endpoint",
  "features": [
    { "name": "power-cap", "uuid": "986985cc-9052-5f09-9b91-12e7e1be9a6e", "get-size": 8, "current": "00*8" }
  ]
}
"#;

const CHANGE: &str = r#"{
  "format": "scrubjay.change/2",
  "id": "c",
  "title": "t",
  "no-commit": "made for a test", "mainline": { "release": "7.2", "known-by": "list" },
  "reason": "r",
  "reference": "r",
  "promise": "G01",
  "first-seen": "7.2"
}
"#;

const PROMISES: &str = r#"{
  "format": "scrubjay.promises/1",
  "area": "G",
  "title": "t",
  "promises": [
    { "id": "G01", "statement": "s", "class": "documented", "source": "s" }
  ]
}
"#;

/// The files, the first below `vectors`.
const FILES: [(&str, &str); 4] = [
    ("sessions/s.json", SESSION),
    ("devices/d.json", DEVICE),
    ("changes/c.json", CHANGE),
    ("promises/g.json", PROMISES),
];

/// A root with these files, the named one changed.
fn root(file: &str, what: &str, by: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("vectors/goldens")).unwrap();
    for (path, text) in FILES {
        let text = if path == file {
            assert!(text.contains(what), "{path} has no `{what}`");
            text.replacen(what, by, 1)
        } else {
            text.to_owned()
        };
        let path = root.path().join("vectors").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// What is said of the root, without where it is.
fn said(root: &Path) -> String {
    let error = Library::load(root).map(|_| "accepted".to_owned()).unwrap_or_else(|e| e.to_string());
    error.replace(&format!("{}/", root.display()), "")
}

#[test]
fn the_files_are_accepted_before_they_are_attacked() {
    assert_eq!(said(root("", "", "").path()), "accepted");
}

/// A step of a session, and what is said of it.
#[rstest]
#[case::misspelt_feature(
    r##""get-feature": { "feature": "power-cup", "count": 8 }"##,
    r##": at `steps[1].do.get-feature.feature`: no Feature `power-cup`: neither in the profile `d`, nor one of patrol-scrub, ecs, soft-ppr, hard-ppr, cacheline-sparing, row-sparing, bank-sparing, rank-sparing, nor a UUID"##
)]
#[case::misspelt_feature_of_a_sweep(
    r##""sweep": { "call": { "get-feature": { "feature": "x", "count": 8 } }, "vary": [{ "places": ["scope"], "values": { "list": [0] } }] }"##,
    r##": at `steps[1].do.sweep.call.get-feature.feature`: no Feature `x`: neither in the profile `d`, nor one of patrol-scrub, ecs, soft-ppr, hard-ppr, cacheline-sparing, row-sparing, bank-sparing, rank-sparing, nor a UUID"##
)]
#[case::misspelt_feature_of_the_firmware(
    r##""firmware-set": { "feature": "power-cup", "bytes": "00" }"##,
    r##": at `steps[1].do.firmware-set.feature`: the profile `d` has no Feature `power-cup` (it has: power-cap)"##
)]
#[case::misspelt_feature_of_a_fault(
    r##""firmware-fault": { "on": { "feature": "power-cup" }, "play": "doorbell-stuck" }"##,
    r##": at `steps[1].do.firmware-fault.on.feature`: the profile `d` has no Feature `power-cup` (it has: power-cap)"##
)]
#[case::misspelt_slot(
    r##""info": { "slot": "fdd" }"##,
    r##": at `steps[1].do.info.slot`: no step opens `fdd`; open here: `fd`"##
)]
#[case::slot_of_a_sweep(
    r##""sweep": { "call": { "info": { "slot": "x" } }, "vary": [{ "places": ["size"], "values": { "list": [0] } }] }"##,
    r##": at `steps[1].do.sweep.call.info.slot`: no step opens `x`; open here: `fd`"##
)]
#[case::slot_of_one_descriptor_of_many(
    r##""dup": { "from": "fd-0", "to": "b" }"##,
    r##": at `steps[1].do.dup.from`: no step opens `fd-0`; open here: `fd`"##
)]
#[case::slot_of_another_branch(
    r##""parallel": { "branches": [{ "name": "a", "steps": [{ "id": "o", "do": { "open": { "slot": "x" } } }] }, { "name": "b", "steps": [{ "id": "i", "do": { "info": { "slot": "x" } } }] }] }"##,
    r##": at `steps[1].do.parallel.branches[1].steps[0].do.info.slot`: nothing says that step `o`, which opens `x`, comes before this; open it earlier, or wait for a point that comes after it"##
)]
#[case::nobody_signals(
    r##""parallel": { "branches": [{ "name": "a", "steps": [{ "id": "w", "do": { "wait-for": { "point": "p" } } }] }, { "name": "b", "steps": [{ "id": "i", "do": { "signal": { "point": "q" } } }] }] }"##,
    r##": at `steps[1].do.parallel.branches[0].steps[0].do.wait-for.point`: nobody signals `p`, so this would wait for ever; signal it in another branch"##
)]
#[case::branches_wait_for_each_other(
    r##""parallel": { "branches": [{ "name": "a", "steps": [{ "id": "wp", "do": { "wait-for": { "point": "p" } } }, { "id": "sq", "do": { "signal": { "point": "q" } } }] }, { "name": "b", "steps": [{ "id": "wq", "do": { "wait-for": { "point": "q" } } }, { "id": "sp", "do": { "signal": { "point": "p" } } }] }] }"##,
    r##": at `steps[1].do.parallel.branches[0].steps[0].do.wait-for.point`: this would wait for ever: step `sp`, which signals `p`, comes after a wait that is never over; signal it earlier"##
)]
#[case::fault_on_what_is_not_in_the_list(
    r##""firmware-fault": { "on": { "opcode": "identify" , "feature": "power-cap" }, "play": "doorbell-stuck" }"##,
    r##": at `steps[1].do.firmware-fault.on.feature`: identify is about no single Feature; leave one of them out"##
)]
#[case::fault_on_an_output_that_there_is_none(
    r##""firmware-fault": { "on": { "opcode": "set-feature" }, "play": { "output-cut": 1 } }"##,
    r##": at `steps[1].do.firmware-fault.play`: what it meets answers without output, so nothing is changed"##
)]
#[case::fault_of_a_poison_list(
    r##""firmware-fault": { "on": { "opcode": "0x4300" }, "play": { "output-replaced": { "at": 0, "bytes": "01" } } }"##,
    r##": at `steps[1].do.firmware-fault.play`: what it meets answers without output, so nothing is changed"##
)]
#[case::fault_behind_the_output(
    r##""firmware-fault": { "on": { "opcode": "get-feature", "feature": "power-cap" }, "play": { "output-replaced": { "at": 8, "bytes": "01" } } }"##,
    r##": at `steps[1].do.firmware-fault.play`: the output has never more than 8 bytes, so nothing is changed"##
)]
#[case::fault_of_a_list_on_a_feature(
    r##""firmware-fault": { "on": { "opcode": "get-feature" }, "play": { "num-entries": 3 } }"##,
    r##": at `steps[1].do.firmware-fault.play`: only Get Supported Features without a `feature` has this"##
)]
#[case::fault_that_shrinks_to_all(
    r##""firmware-fault": { "on": {}, "play": { "list-shrunk-to": 1 } }"##,
    r##": at `steps[1].do.firmware-fault.play`: the device has only 1 Features, so nothing is left out"##
)]
#[case::fault_behind_every_command(
    r##""firmware-fault": { "on": { "skip": 2000000 }, "play": "doorbell-stuck" }"##,
    r##": at `steps[1].do.firmware-fault.on.skip`: no session sends as many as 2000000 commands"##
)]
#[case::fault_that_nothing_follows(
    r##""firmware-fail": { "opcode": "get-feature", "code": "busy" }"##,
    r##": at `steps[1].do`: no later step makes the kernel send a command, so this never acts; put it before one"##
)]
#[case::opcode_of_32_bits(
    r##""hold": { "opcode": "0x10501" }"##,
    r##":58: at `steps[1].do.hold.opcode`: unknown mailbox command `0x10501`, expected a number (`0x0500`) or one of get-event-records, clear-event-records, get-event-interrupt-policy, set-event-interrupt-policy, get-firmware-info, get-timestamp, set-timestamp, get-supported-logs, get-log, get-supported-features, get-feature, set-feature, perform-maintenance, identify, get-partition-info, get-health-info"##
)]
#[case::bytes_beyond_a_value(
    r##""firmware-set": { "feature": "power-cap", "offset": 7, "bytes": "0000" }"##,
    r##": at `steps[1].do.firmware-set.bytes`: bytes 7 up to 9 are none of the 8 that `power-cap` has"##
)]
#[case::place_that_the_call_has_not(
    r##""sweep": { "call": { "set-feature": { "scope": "configuration", "feature": "power-cap", "data": "00" } }, "vary": [{ "places": ["get-offset"], "values": { "list": [0] } }] }"##,
    r##": at `steps[1].do.sweep.vary[0].places[0]`: `set-feature` has no `get-offset` to move"##
)]
#[case::word_that_the_call_has_not(
    r##""sweep": { "call": { "info": {} }, "vary": [{ "places": ["size"], "values": { "list": [0] } }], "collect": ["retval"] }"##,
    r##": at `steps[1].do.sweep.collect[0]`: `info` has no `retval` to collect"##
)]
#[case::value_wider_than_its_place(
    r##""sweep": { "call": { "get-feature": { "feature": "power-cap", "count": 8 } }, "vary": [{ "places": ["get-selection"], "values": { "list": [256] } }] }"##,
    r##": at `steps[1].do.sweep.vary[0].places[0]`: `get-selection` has 8 bits, which 256 does not fit into"##
)]
#[case::place_that_is_moved_twice(
    r##""sweep": { "call": { "info": {} }, "vary": [{ "places": ["size", "size"], "values": { "list": [1] } }] }"##,
    r##": at `steps[1].do.sweep.vary[0].places[1]`: `size` is moved twice"##
)]
#[case::endless_sweep(
    r##""sweep": { "call": { "info": {} }, "vary": [{ "places": ["size"], "values": { "range": { "from": 0, "to": 4294967295, "step": 1 } } }] }"##,
    r##": at `steps[1].do.sweep.vary`: 4294967296 rounds are more than 1048576; make several sweeps of them"##
)]
#[case::sweep_without_a_step(
    r##""sweep": { "call": { "info": {} }, "vary": [{ "places": ["size"], "values": { "range": { "from": 0, "to": 1, "step": 0 } } }] }"##,
    r##": at `steps[1].do.sweep.vary[0].values`: a range goes on by a step of at least 1"##
)]
#[case::two_things_at_once(
    r##""info": {}, "close": {}"##,
    r##":37: at `steps[1].do`: `info` and `close` are two things, and only one can stand here"##
)]
#[case::nothing_to_do(r##""##, r##":29: at `steps[1].do`: an object without a key; name what it is"##)]
#[case::unknown_step(r##""opne": {}"##, r##":33: at `steps[1].do`: unknown variant `opne`, expected one of `probe`, `open`, `close`, `dup`, `reopen`, `info`, `get-supported-features`, `get-feature`, `set-feature`, `rpc`, `memdev-query`, `memdev-send`, `ioctl`, `file-call`, `read`, `write`, `list`, `stat`, `resolve`, `taint`, `drop-capability`, `become`, `new-user-namespace`, `load-module`, `unload-module`, `unbind`, `bind`, `remove`, `rescan`, `unplug`, `plug`, `settle`, `pause`, `firmware-set`, `firmware-fail`, `firmware-fault`, `hold`, `await-held`, `release`, `parallel`, `signal`, `wait-for`, `sweep`"##)]
#[case::key_twice(
    r##""info": { "flags": 1, "flags": 2 }"##,
    r##":56: at `steps[1].do.info`: duplicate field `flags`"##
)]
#[case::pause_beyond_its_deadline(
    r##""pause": { "ms": 5000 }"##,
    r##": at `steps[1].do.pause.ms`: a pause of 5000 ms is not from 1 ms to below the step's deadline of 5000 ms; raise `deadline_ms`"##
)]
#[case::ten_million_descriptors(
    r##""open": { "slot": "x", "count": 10000000 }"##,
    r##": at `steps[1].do.open.count`: a node is opened 1 to 1000 times, not 10000000"##
)]
#[case::module_that_leaves_its_folder(
    r##""load-module": { "name": "../../x" }"##,
    r##": at `steps[1].do.load-module.name`: `../../x` is not a module name as `/proc/modules` has it"##
)]
#[case::path_that_leaves_its_anchor(
    r##""read": { "anchor": "pci", "path": "/etc/shadow" }"##,
    r##": at `steps[1].do.read.path`: a path goes on from its anchor, without a `/` in front; `root` is `/`"##
)]
#[case::slot_that_paints_the_terminal(
    r##""open": { "slot": "\u001b[31m" }"##,
    r##": at `steps[1].do.open.slot`: `\u{1b}[31m` is not made of small letters, digits and single hyphens"##
)]
#[case::slot_power_without_the_kernels_care(
    r##""unplug": {}"##,
    r##": at `steps[1].do`: the kernel minds its slots with `"command_line": "pcie_ports=native"` only"##
)]
#[case::command_of_the_memdev_that_is_none(
    r##""memdev-send": { "command": "identfy" }"##,
    r##":66: at `steps[1].do.memdev-send.command`: `identfy` is neither one of identify, raw, get-supported-logs, get-firmware-info, get-partition-info, get-lsa, get-health-info, get-log, set-partition-info, set-lsa, get-alert-config, set-alert-config, get-shutdown-state, set-shutdown-state, get-scan-media-capabilities, get-timestamp, get-log-capabilities, clear-log, get-supported-logs-sublist nor a number of 32 bits"##
)]
#[case::raw_command_without_an_opcode(
    r##""memdev-send": { "command": "raw", "out": 8 }"##,
    r##": at `steps[1].do.memdev-send.opcode`: a raw command wants the `opcode` of the mailbox command"##
)]
#[case::opcode_of_another_command(
    r##""memdev-send": { "command": "identify", "opcode": "0x4000" }"##,
    r##": at `steps[1].do.memdev-send.opcode`: only `raw` has an opcode, `identify` has its own; leave it out"##
)]
#[case::payload_of_no_mailbox(
    r##""memdev-send": { "command": "get-log", "payload": "00*1048577", "out": 8 }"##,
    r##": at `steps[1].do.memdev-send.payload`: 1048577 bytes are more than the 1048576 of the longest mailbox; `call.in_size` says more than there is"##
)]
#[case::room_that_nobody_knows(
    r##""memdev-send": { "command": "get-log", "payload": "00*24" }"##,
    r##": at `steps[1].do.memdev-send.out`: how much `get-log` gives is not fixed; say for how many bytes there is room"##
)]
#[case::reserved_bits_of_a_raw_command(
    r##""memdev-send": { "command": "raw", "opcode": "0xc000", "out": 8, "call": { "reserved": 65536 } }"##,
    r##": at `steps[1].do.memdev-send.call.reserved`: a raw command has 16 reserved bits, which 65536 does not fit into"##
)]
#[case::command_of_the_memdev_swept(
    r##""sweep": { "call": { "memdev-query": {} }, "vary": [{ "places": ["request"], "values": { "list": [1] } }] }"##,
    r##": at `steps[1].do.sweep.call`: only info, an RPC or an ioctl can be swept"##
)]
#[case::slot_of_a_memdev(
    r##""memdev-query": { "slot": "mem" }"##,
    r##": at `steps[1].do.memdev-query.slot`: no step opens `mem`; open here: `fd`"##
)]
#[case::bytes_without_end(
    r##""rpc": { "opcode": "0x0501", "payload": "00*4294967295" }"##,
    r##":84: at `steps[1].do.rpc.payload`: `00*4294967295` is longer than 16777216 bytes"##
)]
fn a_step_that_cannot_be_meant_is_refused_in_its_place(#[case] step: &str, #[case] error: &str) {
    let get = r#""get-feature": { "feature": "power-cap", "count": 8 }"#;
    let root = root("sessions/s.json", get, step);
    assert_eq!(said(root.path()), format!("vectors/sessions/s.json:9{error}"));
}

/// A part of a file, and what is said of it.
#[rstest]
#[case::top_level("sessions/s.json", r##""title""##, r##""titel""##, r##":4:9: at `titel`: unknown field `titel`, expected one of `format`, `id`, `title`, `devices`, `boot`, `own_devices`, `cold_boot`, `command_line`, `needs`, `promise`, `steps`, `coherent`"##)]
#[case::top_level_missing(
    "sessions/s.json",
    r##""title": "t","##,
    r##""##,
    r##":12:1: at the top level: missing field `title`"##
)]
#[case::key_that_paints_the_terminal(
    "sessions/s.json",
    r##""title""##,
    r##""ti\u001b[2Jtle""##,
    r##":4:18: at `ti\u{1b}[2Jtle`: unknown field `ti\u{1b}[2Jtle`, expected one of `format`, `id`, `title`, `devices`, `boot`, `own_devices`, `cold_boot`, `command_line`, `needs`, `promise`, `steps`, `coherent`"##
)]
#[case::no_json(
    "sessions/s.json",
    r##"{
  "format""##,
    r##"
  "format""##,
    r##":2:10: at the top level: invalid type: string "format", expected struct Session"##
)]
#[case::behind_the_end(
    "sessions/s.json",
    r##"  ]
}
"##,
    r##"  ]
}
{}
"##,
    r##":13:1: at the top level: trailing characters"##
)]
#[case::id_above_its_folder(
    "sessions/s.json",
    r##""id": "s""##,
    r##""id": "../s""##,
    r##":3: at `id`: `../s` is not made of small letters, digits and single hyphens"##
)]
#[case::id_of_the_terminal(
    "sessions/s.json",
    r##""id": "s""##,
    r##""id": "s\u001b]0;x\u0007""##,
    r##":3: at `id`: `s\u{1b}]0;x\u{7}` is not made of small letters, digits and single hyphens"##
)]
#[case::id_of_two_lines(
    "sessions/s.json",
    r##""id": "s""##,
    r##""id": "s\nt""##,
    r##":3: at `id`: `s\nt` is not made of small letters, digits and single hyphens"##
)]
#[case::id_that_is_a_pattern(
    "sessions/s.json",
    r##""id": "s""##,
    r##""id": "*""##,
    r##":3: at `id`: `*` is not made of small letters, digits and single hyphens"##
)]
#[case::no_id(
    "sessions/s.json",
    r##""id": "s""##,
    r##""id": """##,
    r##":3: at `id`: `` is not made of small letters, digits and single hyphens"##
)]
#[case::step_id_of_two_lines(
    "sessions/s.json",
    r##""id": "get""##,
    r##""id": "get\n""##,
    r##":9: at `steps[1].id`: `get\n` is not made of small letters, digits and single hyphens"##
)]
#[case::step_id_twice(
    "sessions/s.json",
    r##""id": "get""##,
    r##""id": "open""##,
    r##":9: at `steps[1].id`: `open` is taken; step ids are unique in a session"##
)]
#[case::promise_of_a_pin(
    "sessions/s.json",
    r##""count": 8 } } }"##,
    r##""count": 8 } }, "pins": [{ "field": "errno", "promise": "X99" }] }"##,
    r##":9: at `steps[1].pins[0].promise`: there is no promise `X99` in vectors/promises"##
)]
#[case::device_twice(
    "sessions/s.json",
    r##"["d"]"##,
    r##"["d", "d"]"##,
    r##":5: at `devices[1]`: `d` is there twice and would be one device; name another profile"##
)]
#[case::no_such_device(
    "sessions/s.json",
    r##"["d"]"##,
    r##"["../d"]"##,
    r##":5: at `devices[0]`: there is no profile `../d` in vectors/devices"##
)]
#[case::command_line(
    "sessions/s.json",
    r##""promise""##,
    r##""command_line": "a\nb", "promise""##,
    r##":6: at `command_line`: at most 1024 printable ASCII characters are added to a command line"##
)]
#[case::mask_without_a_reason(
    "sessions/s.json",
    r##""count": 8 } } }"##,
    r##""count": 8 } }, "masks": [{ "field": "errno", "why": "" }] }"##,
    r##":9: at `steps[1].masks[0].why`: a mask is a hole, and wants its reason"##
)]
#[case::deadline_of_a_month(
    "sessions/s.json",
    r##""count": 8 } } }"##,
    r##""count": 8 } }, "deadline_ms": 2592000000 }"##,
    r##":9: at `steps[1].deadline_ms`: 2592000000 ms are not from 1 to 600000"##
)]
#[case::profile_top_level("devices/d.json", r##""title""##, r##""titel""##, r##":4:9: at `titel`: unknown field `titel`, expected one of `format`, `id`, `title`, `serial`, `attach`, `until`, `pci`, `mailbox-payload`, `mailbox-payload-claimed`, `firmware-version`, `capacity-mib`, `component-capabilities`, `cel`, `features`, `faults`"##)]
#[case::profile_id(
    "devices/d.json",
    r##""id": "d""##,
    r##""id": "../d""##,
    r##":3: at `id`: `../d` is not made of small letters, digits and single hyphens"##
)]
#[case::profile_capability_twice(
    "devices/d.json",
    r##""title""##,
    r##""component-capabilities": ["ras", "ras"], "title""##,
    r##":4: at `component-capabilities[1]`: is there already; each capability is there once"##
)]
#[case::profile_fault_misspelt(
    "devices/d.json",
    r##"  "features""##,
    r##"  "faults": [{ "on": { "feature": "x" }, "play": "doorbell-stuck" }],
  "features""##,
    r##":8: at `faults[0].on.feature`: the profile `d` has no Feature `x` (it has: power-cap)"##
)]
#[case::profile_fault_behind_another(
    "devices/d.json",
    r##"  "features""##,
    r##"  "faults": [{ "on": {}, "play": "doorbell-stuck" }, { "on": { "opcode": "get-feature" }, "play": { "delay-ms": 1 } }],
  "features""##,
    r##":8: at `faults[1].on`: faults[0] is always played in its place; put this first"##
)]
#[case::profile_fault_that_is_never_sent(
    "devices/d.json",
    r##"  "features""##,
    r##"  "cel": { "without": ["set-feature"] },
  "faults": [{ "on": { "opcode": "set-feature" }, "play": "doorbell-stuck" }],
  "features""##,
    r##":9: at `faults[0].on.opcode`: the effects log of `d` has no set-feature, so the kernel never sends it"##
)]
#[case::profile_key_twice(
    "devices/d.json",
    r##""title""##,
    r##""id": "d", "title""##,
    r##":4:6: at the top level: duplicate field `id`"##
)]
#[case::profile_two_plays(
    "devices/d.json",
    r##"  "features""##,
    r##"  "faults": [{ "on": {}, "play": { "delay-ms": 1, "output-cut": 2 } }],
  "features""##,
    r##":8:48: at `faults[0].play`: `delay-ms` and `output-cut` are two things, and only one can stand here"##
)]
#[case::change_id(
    "changes/c.json",
    r##""id": "c""##,
    r##""id": "../c""##,
    r##":3: at `id`: `../c` is not made of small letters, digits and single hyphens"##
)]
#[case::change_mainline(
    "changes/c.json",
    r##""release": "7.2""##,
    r##""release": "7\u001b""##,
    r##":5:68: at `mainline.release`: `7\u{1b}` is not a release; write it as 7.3, 7.3-rc2 or 7.2.4"##
)]
#[case::change_without_commit(
    "changes/c.json",
    r##""no-commit": "made for a test", "##,
    "",
    r##":1: at `commit`: a change names its commit, or says why none can be named (no-commit)"##
)]
#[case::change_title(
    "changes/c.json",
    r##""title": "t""##,
    r##""title": "a\u001b[2Jb""##,
    r##":4: at `title`: `\u{1b}` cannot be shown; a title is one line"##
)]
#[case::change_promise(
    "changes/c.json",
    r##"G01"##,
    r##"G99"##,
    r##":8: at `promise`: there is no promise `G99` in vectors/promises"##
)]
#[case::promise_id(
    "promises/g.json",
    r##""id": "G01""##,
    r##""id": "G../01""##,
    r##":6: at `promises[0].id`: `G../01` is not `G` and two digits"##
)]
#[case::promise_area(
    "promises/g.json",
    r##""area": "G""##,
    r##""area": """##,
    r##":3: at `area`: `` is not one capital letter"##
)]
#[case::promise_statement(
    "promises/g.json",
    r##""statement": "s""##,
    r##""statement": """##,
    r##":6: at `promises[0].statement`: a promise says what is promised, and where that stands"##
)]
fn a_part_of_a_file_that_cannot_be_meant_is_refused_in_its_place(
    #[case] file: &str,
    #[case] what: &str,
    #[case] by: &str,
    #[case] error: &str,
) {
    let root = root(file, what, by);
    assert_eq!(said(root.path()), format!("vectors/{file}{error}"));
}

#[test]
fn a_descriptor_that_was_closed_may_be_used_to_see_it_refused() {
    let closed = r#""close": {} } }, { "id": "after", "do": { "info": {}"#;
    let root = root("sessions/s.json", r#""get-feature": { "feature": "power-cap", "count": 8 }"#, closed);
    assert_eq!(said(root.path()), "accepted");
}

#[test]
fn a_descriptor_of_another_branch_may_be_used_behind_a_point() {
    let ordered = r#""parallel": { "branches": [
        { "name": "a", "steps": [{ "id": "o", "do": { "open": { "slot": "x" } } }, { "id": "p", "do": { "signal": { "point": "p" } } }] },
        { "name": "b", "steps": [{ "id": "w", "do": { "wait-for": { "point": "p" } } }, { "id": "q", "do": { "signal": { "point": "q" } } }] },
        { "name": "c", "steps": [{ "id": "v", "do": { "wait-for": { "point": "q" } } }, { "id": "i", "do": { "info": { "slot": "x" } } }] }] }"#;
    let root = root("sessions/s.json", r#""get-feature": { "feature": "power-cap", "count": 8 }"#, ordered);
    assert_eq!(said(root.path()), "accepted");
}

#[test]
fn a_command_word_and_a_code_have_two_forms() {
    let words = r#""ioctl": { "request": "0xc0189a00" } } }, { "id": "n", "do": { "ioctl": { "request": 3222837760 } } },
        { "id": "f", "do": { "firmware-fail": { "opcode": "0x0501", "code": "busy" } } },
        { "id": "g", "do": { "firmware-fail": { "opcode": "get-feature", "code": 6 } } }, { "id": "r", "do": { "rpc": { "opcode": "identify" }"#;
    let root = root("sessions/s.json", r#""get-feature": { "feature": "power-cap", "count": 8 }"#, words);
    assert_eq!(said(root.path()), "accepted");
}

#[test]
fn a_fifo_is_refused_and_not_waited_for() {
    let root = root("", "", "");
    mkfifo(&root.path().join("vectors/sessions/p.json"), Mode::S_IRWXU).unwrap();
    let error = "vectors/sessions/p.json: not a regular file; put one there, or remove it";
    assert_eq!(said(root.path()), error);
}

#[test]
fn a_link_to_a_device_is_refused_and_not_read() {
    let root = root("", "", "");
    symlink("/dev/zero", root.path().join("vectors/changes/z.json")).unwrap();
    let error = "vectors/changes/z.json: not a regular file; put one there, or remove it";
    assert_eq!(said(root.path()), error);
}

#[test]
fn a_title_of_a_hundred_megabytes_is_refused_with_the_limit_of_a_file() {
    let root =
        root("sessions/s.json", r#""title": "t""#, &format!(r#""title": "{}""#, "x".repeat(100 << 20)));
    let error = "vectors/sessions/s.json: longer than the 8388608 bytes that such a file may have; split it";
    assert_eq!(said(root.path()), error);
}
