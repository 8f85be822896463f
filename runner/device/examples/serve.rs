//! Serves device profiles by hand: `serve PROFILE SOCKET [PROFILE SOCKET]…`, then words on standard input.
//!
//! `trace` prints and empties each device's trace, `count` how many commands it holds, `messages` the
//! vfio-user messages so far, `reset` brings the profile back. The end of input ends the devices. With
//! `RUST_LOG=trace` every register access that traps is printed.

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use scrubjay_device::Device;
use scrubjay_session::cxl::profile::Profile;

fn main() -> ExitCode {
    if std::env::var_os("RUST_LOG").is_some_and(|level| level == "trace") {
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(std::io::stderr).init();
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut devices = Vec::new();
    for pair in arguments.chunks(2) {
        let [profile, socket] = pair else {
            eprintln!("usage: serve PROFILE SOCKET [PROFILE SOCKET]…");
            return ExitCode::from(2);
        };
        let served = Profile::load(Path::new(profile))
            .map_err(|e| e.to_string())
            .and_then(|profile| Device::serve(&profile, Path::new(socket)).map_err(|e| e.to_string()));
        match served {
            Ok(device) => devices.push(device),
            Err(why) => {
                eprintln!("{why}");
                return ExitCode::from(2);
            }
        }
    }
    println!("serving");
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        for device in &devices {
            let id = &device.profile().id;
            match line.trim() {
                "trace" => {
                    for command in device.take_trace() {
                        println!("{id}: {command}");
                    }
                }
                "count" => println!("{id}: {} commands", device.take_trace().len()),
                "messages" => println!("{id}: {} messages", device.messages()),
                "reset" => device.reset(),
                other => eprintln!("`{other}` is none of trace, count, messages, reset"),
            }
        }
    }
    ExitCode::SUCCESS
}
