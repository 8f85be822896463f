//! A QEMU with a guest that lies. Says what the agent's protocol and the monitor's need up to the lie, then lies.

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;

use serde_json::{Value, json};

use crate::table::attacks;

/// The ends of a guest.
pub struct Liar {
    pub console: File,
    pub monitor: UnixStream,
    pub serial: UnixStream,
    pub virtio: UnixStream,
}

/// Plays an attack.
pub fn main(attack: &str) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let line = arguments.join(" ");
    if line == "--version" {
        println!("QEMU emulator version 10.1.0");
        return ExitCode::SUCCESS;
    }
    if line.ends_with("-device help") {
        println!("name \"vfio-user-pci\", bus PCI");
        return ExitCode::SUCCESS;
    }
    let Some(attack) = attacks().into_iter().find(|known| known.name == attack) else {
        eprintln!("no attack `{attack}`");
        return ExitCode::FAILURE;
    };
    let number = |id: &str| {
        let text = line.split(&format!("socket,id={id},fd=")).nth(1).expect("the descriptor is named");
        text.split(' ').next().and_then(|fd| fd.parse().ok()).expect("a number")
    };
    let stream = |id: &str| {
        // SAFETY: whoever starts a QEMU leaves it this descriptor, and nothing else here has it.
        UnixStream::from(unsafe { OwnedFd::from_raw_fd(number(id)) })
    };
    let console = line.split("file,id=console,path=").nth(1).and_then(|text| text.split(' ').next());
    let console = File::options().write(true).open(console.expect("a console")).expect("it opens");
    let mut liar =
        Liar { console, monitor: stream("qmp"), serial: stream("serial"), virtio: stream("virtio") };
    let monitor = liar.monitor.try_clone().expect("a descriptor");
    thread::spawn(|| answer(monitor));
    (attack.play)(&mut liar);
    // A guest that has said its last word lives until it is killed.
    loop {
        thread::park();
    }
}

/// Answers the monitor's commands, as far as a guest that lies needs them.
fn answer(mut monitor: UnixStream) {
    let commands = BufReader::new(monitor.try_clone().expect("a descriptor"));
    let greeting = r#"{"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 10}, "package": ""}, "capabilities": []}}"#;
    let mut say = |text: String| writeln!(monitor, "{text}");
    let _ = say(greeting.to_owned());
    for line in commands.lines().map_while(Result::ok) {
        let command: Value = serde_json::from_str(&line).expect("a command");
        let id = &command["id"];
        let result = match command["execute"].as_str() {
            Some("query-status") => json!({"status": "internal-error", "running": false}),
            _ => json!({}),
        };
        let _ = say(json!({"return": result, "id": id}).to_string());
    }
}

impl Liar {
    /// Writes on the console. Whoever reads may be gone.
    pub fn says(&mut self, text: &str) {
        let _ = self.console.write_all(text.as_bytes());
    }

    /// Sends bytes as they are.
    pub fn sends(&mut self, bytes: &[u8]) -> bool {
        self.virtio.write_all(bytes).is_ok()
    }

    /// Sends a frame.
    pub fn frame(&mut self, json: &str) -> bool {
        self.sends(&framed(json))
    }

    /// A kernel boots, and its agent says this.
    pub fn boots(&mut self, ready: &Value) {
        self.says("[    0.000000] Linux version 7.3.4\r\n");
        self.frame(&json!({ "ready": ready }).to_string());
    }

    /// Hears one frame of the host.
    pub fn hears(&mut self) -> Value {
        let mut length = [0; 4];
        self.virtio.read_exact(&mut length).expect("a frame");
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        self.virtio.read_exact(&mut body).expect("a frame");
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Boots, and gives what its devices came to.
    pub fn settles(&mut self, spoil: impl FnOnce(&mut Value)) {
        self.boots(&ready());
        let asked = self.hears();
        let devices = asked["settle"]["devices"].as_array().expect("devices").len();
        let each = |value: Value| vec![value; devices];
        let mut settled = json!({
            "reached": each(true.into()), "nodes": each(true.into()), "addresses": each("0000:0d:00.0".into()),
            "bound": [], "log": [], "taint": 0,
        });
        spoil(&mut settled);
        self.frame(&json!({ "settled": settled }).to_string());
    }

    /// All as it should be, until a session is to be run.
    pub fn runs(&mut self) {
        self.settles(|_| {});
        assert!(self.hears()["run"].is_object(), "a program");
    }

    /// All as it should be, until step `ticket` may go on; the steps before it have succeeded.
    pub fn goes(&mut self, ticket: u32) {
        self.runs();
        for before in 0..=ticket {
            self.frame(&json!({"begin": {"ticket": before}}).to_string());
            assert_eq!(self.hears()["go"]["ticket"], before);
            if before < ticket {
                self.frame(&done(before, json!({})));
            }
        }
    }

    /// Dies as a kernel does.
    pub fn panics(&mut self) {
        self.says("\r\n[    2.000000] Kernel panic - not syncing: as a test\r\n");
        std::process::exit(0)
    }
}

/// What a right agent says first.
pub fn ready() -> Value {
    json!({
        "version": 2, "release": "7.3.4", "banner": "Linux version 7.3.4", "channel": "virtio",
        "lacks": [], "modules_refused": [], "cmdline": "",
    })
}

/// A frame with this answer; what is not said of it is as if all went well.
pub fn done(ticket: u32, answer: Value) -> String {
    let mut whole = json!({
        "errno": 0, "ret": 0, "taint_before": 0, "taint_after": 0, "tid": 1, "nanos": 1,
    });
    let own = answer.as_object().expect("an object").clone();
    whole.as_object_mut().expect("an object").extend(own);
    json!({"done": {"ticket": ticket, "answer": whole}}).to_string()
}

/// A frame around a text, JSON or not.
pub fn framed(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}
