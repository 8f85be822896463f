//! The guest's PID 1: performs raw operations and reports what came back.
//!
//! It mounts what it needs, loads the modules that it was given, finds the channel to the host
//! and serves frames until it is told to power off. Each session runs in a process of its own
//! ([`worker`]), so that an oops or a hang costs one session and not the guest; this process only
//! watches ([`supervisor`]). It knows no fwctl or CXL layout.

mod boot;
mod call;
mod channel;
mod config;
mod devices;
mod heartbeat;
mod kmsg;
mod memory;
mod park;
mod perform;
mod slots;
mod supervisor;
mod sweep;
mod syscall;
mod worker;

use scrubjay_wire::ToHost;

fn main() {
    boot::mount_all();
    let mut channel = match channel::Channel::open() {
        Ok(channel) => channel,
        Err(why) => {
            eprintln!("scrubjay-agent: no channel to the host: {why}");
            boot::power_off();
        }
    };
    let hello = boot::hello(channel.kind());
    if let Err(why) = channel.send(&ToHost::Ready(hello)).and_then(|()| supervisor::serve(&mut channel)) {
        eprintln!("scrubjay-agent: {why}");
        let _ = channel.send(&ToHost::Failed { why: why.to_string() });
    }
    boot::power_off();
}
