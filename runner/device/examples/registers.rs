//! Prints the register tables of a profile's device, as docs/device.md has them.

use std::path::Path;
use std::process::ExitCode;

use scrubjay_session::cxl::profile::Profile;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: registers PROFILE");
        return ExitCode::from(2);
    };
    match Profile::load(Path::new(&path)) {
        Ok(profile) => print!("{}", scrubjay_device::register_tables(&profile)),
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
