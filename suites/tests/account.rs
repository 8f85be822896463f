//! The emulated device is itself held to account: QEMU's own CXL memory device and Debian's `cxl` command are the
//! witnesses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use scrubjay_device::Device;
use scrubjay_engine::Lab;
use scrubjay_machine::{Deadlines, Device as Plugged, Guest, Kind, Port, RunDir, Spec};
use scrubjay_session::{Performance, Sessions, Transcript};
use scrubjay_suites::bench::Bench;
use scrubjay_wire::frame::End;
use scrubjay_wire::op::Probe;
use scrubjay_wire::op::{Buffer, Link, Placement};
use scrubjay_wire::{
    Anchor, Answer, Arg, Attached, Bytes, Entry32, GuestStep, Ioctl, Op, Program, Settle, ToGuest, ToHost,
    Where,
};
use serde_json::{Value, json};

fn main() {
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("qemus_own_device_and_ours_answer_alike_but_for_what_is_listed", || test(alike)),
        Trial::test("debians_cxl_command_shows_our_device_without_a_complaint", || test(listed)),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

fn test(body: fn(&Bench) -> anyhow::Result<()>) -> Result<(), Failed> {
    let result = Bench::of_the_default().and_then(|bench| body(&bench));
    result.map_err(|e| Failed::from(format!("{e:#}")))
}

// ---- QEMU's own device -------------------------------------------------------------------------------------------

/// Ours, set up as QEMU's device is, and QEMU's.
const PAIR: [&str; 2] = ["like-type3", "stock-type3"];

/// Attributes of the memdev.
const MEMDEV: [&str; 9] = [
    "firmware_version",
    "payload_max",
    "label_storage_size",
    "numa_node",
    "ram/size",
    "pmem/size",
    "security/state",
    "ram/qos_class",
    "pmem/qos_class",
];

/// The files of an EDAC control, and what is written to each that takes something.
const EDAC: [(&str, &str, &[&str]); 14] = [
    ("scrub0", "min_cycle_duration", &[]),
    ("scrub0", "max_cycle_duration", &[]),
    ("scrub0", "current_cycle_duration", &["43200", "0", "x"]),
    ("scrub0", "enable_background", &["1", "0"]),
    ("ecs_fru0", "log_entry_type", &["1", "0", "2"]),
    ("ecs_fru0", "mode", &["1", "0", "2"]),
    ("ecs_fru0", "threshold", &["1024", "256", "5"]),
    ("ecs_fru0", "reset", &["1", "0"]),
    ("mem_repair0", "repair_type", &[]),
    ("mem_repair0", "persist_mode", &["1", "0"]),
    ("mem_repair0", "repair_safe_when_in_use", &[]),
    ("mem_repair0", "min_dpa", &[]),
    ("mem_repair0", "max_dpa", &[]),
    ("mem_repair0", "dpa", &["0"]),
];

/// `CXL_MEM_QUERY_COMMANDS` for 64 commands, and `CXL_MEM_SEND_COMMAND` (include/uapi/linux/cxl_mem.h).
const QUERY: u32 = 0x8008_ce01;
const SEND: u32 = 0xc030_ce02;

/// Commands by their number in the uapi, the bytes that they give, and their input. None changes the device.
const COMMANDS: [(&str, u8, u32, &str); 6] = [
    ("identify", 1, 67, ""),
    ("get-supported-logs", 3, 60, ""),
    ("get-log", 9, 512, "0da9c0b5bf414b788f7996b1623b3f170000000000020000"),
    ("get-log-of-nothing", 9, 8, "00000000000000000000000000000000 00000000 08000000"),
    ("get-partition-info", 5, 32, ""),
    ("get-health-info", 7, 18, ""),
];

/// The operations, the same for both, as steps of a session.
fn steps() -> Vec<Value> {
    let mut steps = Vec::new();
    let mut step =
        |id: String, action: Value| steps.push(json!({"id": id.replace(['/', '_'], "-"), "do": action}));
    for path in MEMDEV {
        step(format!("memdev-{path}"), json!({"read": {"anchor": "memdev", "path": path}}));
    }
    step("edac".into(), json!({"list": {"anchor": "edac"}}));
    for (group, file, writes) in EDAC {
        let at = json!({"anchor": "edac", "path": format!("{group}/{file}")});
        step(format!("{group}-{file}"), json!({"read": at}));
        for text in writes {
            step(format!("{group}-{file}-{text}"), json!({"write": {"at": at, "text": text}}));
            step(format!("{group}-{file}-after-{text}"), json!({"read": at}));
        }
    }
    step("open".into(), json!({"open": {"node": "memdev"}}));
    step("commands".into(), json!({"ioctl": {"request": QUERY, "bytes": "40000000 00*1028"}}));
    steps
}

/// What differs on purpose or by licence of the specification: by step, what each gives, and the specification's word.
fn listed_differences() -> anyhow::Result<BTreeMap<String, Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/account.json");
    Ok(serde_json::from_str(&std::fs::read_to_string(&path).with_context(|| path.display().to_string())?)?)
}

fn transcript(bench: &Bench, device: &str) -> anyhow::Result<Transcript> {
    let dir = RunDir::new()?;
    let session = json!({
        "format": "scrubjay.session/1", "id": "account", "title": "t", "devices": [device], "boot": "quarantine",
        "promise": "I01", "steps": steps(),
    });
    std::fs::write(dir.path().join("account.json"), session.to_string())?;
    let sessions = Sessions::load(dir.path())?;
    let lab = Lab { sessions: &sessions, ..bench.lab() };
    let all: Vec<_> = sessions.iter().collect();
    let mut run = lab.run(&bench.target().kernel, &all, &mut |_| {});
    match run.performances.remove("account") {
        Some(Performance::Performed(transcript)) => Ok(*transcript),
        other => bail!("{device}: {other:?}"),
    }
}

/// What a step gave that a program could see.
fn seen(transcript: &Transcript, step: &str) -> Value {
    let observation = serde_json::to_value(transcript.observation(step)).expect("an observation is JSON");
    let keep = ["errno", "ret", "text", "arg", "entries"];
    Value::Object(
        keep.iter().filter_map(|key| Some(((*key).to_owned(), observation.get(key)?.clone()))).collect(),
    )
}

/// What differs in what the memdev's own commands give.
fn commands(bench: &Bench) -> anyhow::Result<BTreeMap<String, Value>> {
    let mut guest = Watched::up(bench, &PAIR, Vec::new())?;
    let mut differences = BTreeMap::new();
    for (name, id, length, input) in COMMANDS {
        let mut give = |device| {
            guest.send(device, id, length, input).with_context(|| format!("{name}, device {device}"))
        };
        let (ours, qemu) = (give(0)?, give(1)?);
        if ours != qemu {
            differences.insert(format!("send-{name}"), json!({"ours": ours, "qemu": qemu}));
        }
    }
    Ok(differences)
}

fn alike(bench: &Bench) -> anyhow::Result<()> {
    let [ours, stock] = PAIR.map(|device| transcript(bench, device));
    let (ours, stock) = (ours?, stock?);
    let mut differences = commands(bench)?;
    for step in steps() {
        let id = step["id"].as_str().expect("a step has an id");
        let (here, there) = (seen(&ours, id), seen(&stock, id));
        if here != there {
            differences.insert(id.to_owned(), json!({"ours": here, "qemu": there}));
        }
    }
    let mut listed = listed_differences()?;
    for (id, difference) in &mut listed {
        let why = difference.as_object_mut().and_then(|fields| fields.remove("specification"));
        ensure!(
            why.is_some_and(|why| why.as_str().is_some_and(|why| !why.is_empty())),
            "account.json: {id}: no `specification`"
        );
    }
    ensure!(differences == listed, "{}", serde_json::to_string_pretty(&differences)?);
    Ok(())
}

// ---- Debian's cxl command ----------------------------------------------------------------------------------------

/// The program and the libraries that it is linked to, each with its place in the guest.
fn program(name: &str) -> anyhow::Result<Vec<(PathBuf, PathBuf)>> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<_> = std::env::split_paths(&path).collect();
    dirs.push("/usr/bin".into());
    let found = dirs.iter().map(|dir| dir.join(name)).find(|path| path.is_file());
    let program = found.with_context(|| format!("no `{name}` here; run ci/setup"))?;
    let output = Command::new("ldd").arg(&program).output().context("ldd")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let libraries = text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from);
    let mut files = vec![(Path::new("/usr/bin").join(name), program.clone())];
    files.extend(libraries.map(|library| (library.clone(), library)));
    Ok(files)
}

/// A guest whose operations are chosen one by one.
struct Watched {
    guest: Guest,
    deadlines: Deadlines,
    _devices: Vec<Device>,
    _dir: RunDir,
}

impl Watched {
    fn up(bench: &Bench, profiles: &[&str], files: Vec<(PathBuf, PathBuf)>) -> anyhow::Result<Self> {
        let dir = RunDir::new()?;
        let lab = bench.lab();
        let mut spec = Spec::new(&bench.target().kernel.image, lab.accel);
        spec.files = files;
        let mut devices = Vec::new();
        for (number, id) in profiles.iter().enumerate() {
            let profile = bench.library().profiles.get(id)?;
            let socket = dir.path().join(format!("d{number}"));
            let kind = if profile.is_served() {
                devices.push(Device::serve(profile, &socket)?);
                Kind::VfioUser { socket }
            } else {
                Kind::StockType3 { size_mib: profile.capacity_mib, serial: profile.serial.0 }
            };
            spec.devices.push(Plugged { port: Port::Cxl, kind });
        }
        let deadlines = Deadlines::new(lab.accel, spec.vcpus);
        let attached = |(number, id): (usize, &&str)| Attached {
            name: (*id).to_owned(),
            port: spec.port_address(number).unwrap_or_default(),
            until: Probe::Endpoint,
        };
        let attached = profiles.iter().enumerate().map(attached).collect();
        let mut guest = Guest::boot(lab.qemu, &spec, &deadlines)?;
        guest.send(&ToGuest::Settle(Settle { devices: attached, deadline_ms: 30_000 }))?;
        match guest.receive(Duration::from_secs(40))? {
            ToHost::Settled { reached, .. } if reached.iter().all(|reached| *reached) => {}
            other => bail!("a device did not come up: {other:?}"),
        }
        Ok(Watched { guest, deadlines, _devices: devices, _dir: dir })
    }

    /// Gives a device's memdev a command: the errno, the structure afterwards, and the output.
    fn send(&mut self, device: u16, id: u8, length: u32, input: &str) -> anyhow::Result<Value> {
        let input: Bytes = serde_json::from_value(json!(input))?;
        let mut command = vec![0; 48];
        command[0] = id;
        command[16..20].copy_from_slice(&(input.len() as u32).to_le_bytes());
        command[32..36].copy_from_slice(&length.to_le_bytes());
        let buffer = |bytes: Vec<u8>| Buffer { bytes: Bytes(bytes), placement: Placement::Normal };
        let buffers = vec![buffer(command), buffer(input.to_vec()), buffer(vec![0xa5; length as usize])];
        let links = vec![Link { buffer: 0, offset: 24, to: 1 }, Link { buffer: 0, offset: 40, to: 2 }];
        let slot = format!("mem-{device}-{id}-{length}");
        let at = Where { device, anchor: Anchor::MemdevNode, path: String::new() };
        let open = Op::Open { slots: vec![slot.clone()], at, flags: 0 };
        let call = Op::Ioctl(Ioctl {
            slot,
            request: SEND,
            arg: Arg::Buffer,
            buffers,
            links,
            entry: Entry32::Native,
        });
        let mut answers = self.perform(vec![open, call])?;
        let answer = answers.pop().context("no answer")?;
        Ok(json!({"errno": answer.errno, "buffers": answer.buffers}))
    }

    /// Performs operations in a process of their own.
    fn perform(&mut self, ops: Vec<Op>) -> anyhow::Result<Vec<Answer>> {
        let step = |(ticket, op)| GuestStep { ticket: ticket as u32, deadline_ms: 30_000, op };
        let steps = ops.into_iter().enumerate().map(step).collect();
        self.guest.send(&ToGuest::Run(Program { session: "account".into(), steps }))?;
        let mut answers = Vec::new();
        loop {
            match self.guest.receive(Duration::from_secs(30) + self.deadlines.silence)? {
                ToHost::Begin { ticket } => self.guest.send(&ToGuest::Go { ticket })?,
                ToHost::Done { answer, .. } => answers.push(*answer),
                ToHost::End { end: End::Finished, .. } => return Ok(answers),
                other => bail!("{other:?}"),
            }
        }
    }
}

fn listed(bench: &Bench) -> anyhow::Result<()> {
    let mut guest = Watched::up(bench, &["vendor"], program("cxl")?)?;
    let mut cxl = |arguments: &[&str]| -> anyhow::Result<Value> {
        let argv = ["/usr/bin/cxl"].iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let answer = guest.perform(vec![Op::Execute { argv }])?.pop().context("no answer")?;
        let text = answer.text.unwrap_or_default();
        ensure!(
            answer.errno == 0 && answer.ret == 0,
            "cxl {arguments:?}: errno {}, status {}: {text}",
            answer.errno,
            answer.ret
        );
        // Whatever it complained of stands behind the JSON and makes it none.
        serde_json::from_str(&text).with_context(|| format!("cxl {arguments:?}: {text}"))
    };
    let all = cxl(&["list", "-vvv"])?;
    println!("{all:#}");
    let memdev = cxl(&["list", "-M", "-H", "-I"])?;
    let one = |value: &Value| value.as_array().and_then(|all| all.first()).unwrap_or(value).clone();
    let memdev = one(&memdev);
    let profile = bench.library().profiles.get("vendor")?;
    let bytes = u64::from(profile.capacity_mib) << 20;
    let expected = [
        ("/serial", json!(profile.serial.0)),
        ("/ram_size", json!(bytes)),
        ("/partition_info/total_size", json!(bytes)),
        ("/partition_info/volatile_only_size", json!(bytes)),
        ("/health/media_normal", json!(true)),
        ("/health/maintenance_needed", json!(false)),
    ];
    for (pointer, value) in expected {
        ensure!(memdev.pointer(pointer) == Some(&value), "{pointer} is not {value}: {memdev:#}");
    }
    ensure!(
        all.to_string().contains(&profile.serial.0.to_string()),
        "the whole list has no such memdev: {all:#}"
    );
    for verb in [["list", "-B"], ["list", "-P"], ["list", "-E"], ["list", "-D"], ["list", "-T"]] {
        cxl(&verb)?;
    }
    Ok(())
}
