//! `scrubjay devices`: the emulated firmware.

use std::fmt::Write;

use scrubjay_device::register_tables;
use scrubjay_run::ExitStatus;
use scrubjay_session::cxl::profile::{Attach, Feature, Profile, Profiles};

use crate::args::{DeviceArgs, DevicesArgs, DevicesCommand};
use crate::context::Context;
use crate::failure::Result;
use crate::table;

/// Lists or shows.
pub fn run(args: &DevicesArgs, context: &Context) -> Result<ExitStatus> {
    let profiles = Profiles::load_dir(&context.vectors().join("devices"))?;
    match &args.command {
        DevicesCommand::List => {
            let row = |profile: &Profile| {
                vec![
                    profile.id.clone(),
                    profile.attach.name().to_owned(),
                    plain(&profile.until).unwrap_or_default(),
                    profile.mailbox_payload.to_string(),
                    profile.features.len().to_string(),
                    profile.title.clone(),
                ]
            };
            let rows: Vec<_> = profiles.iter().map(row).collect();
            table::print(&["profile", "attached", "comes up as", "payload", "features", "title"], &rows)?;
        }
        DevicesCommand::Show(args) => table::text(&show(profiles.get(&args.id)?, args)?)?,
    }
    Ok(ExitStatus::Clean)
}

fn show(profile: &Profile, args: &DeviceArgs) -> Result<String> {
    let mut text = format!("{}: {}\n\n", profile.id, profile.title);
    let facts = [
        ("attached", profile.attach.name().to_owned()),
        ("comes up as", plain(&profile.until)?),
        ("serial", plain(&profile.serial)?),
        ("vendor, device", format!("{}, {}", plain(&profile.pci.vendor)?, plain(&profile.pci.device)?)),
        ("firmware", profile.firmware_version.clone()),
        ("capacity", format!("{} MiB", profile.capacity_mib)),
        ("payload", format!("{} bytes", profile.mailbox_payload)),
    ];
    for (name, value) in facts {
        writeln!(text, "  {name:15} {value}")?;
    }
    if let Some(cel) = &profile.cel {
        writeln!(text, "  {:15} {}", "effects log", serde_json::to_string(cel)?)?;
    }
    for (i, feature) in profile.features.iter().enumerate() {
        text.push_str(&shown(i, feature)?);
    }
    if !profile.faults.is_empty() {
        text.push_str("\n  faults\n");
    }
    for fault in &profile.faults {
        writeln!(
            text,
            "    on {}: {}",
            serde_json::to_string(&fault.on)?,
            serde_json::to_string(&fault.play)?
        )?;
    }
    if args.registers && profile.attach != Attach::QemuCxlType3 {
        writeln!(text, "\n{}", register_tables(profile).trim_end())?;
    }
    Ok(text)
}

fn shown(i: usize, feature: &Feature) -> Result<String> {
    let own = if feature.known().is_some() { ", the kernel's own" } else { "" };
    let mut text = format!("\n  Feature {i}: {} ({}{own})\n", feature.name, feature.uuid());
    let names = |names: serde_json::Value| match names.as_array() {
        Some(list) if list.is_empty() => "none".to_owned(),
        Some(list) => list
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", "),
        None => names.to_string(),
    };
    let mut row = |name: &str, value: String| {
        text.push_str(&fill(&format!("    {name:8} "), &value));
    };
    row("sizes", format!("get {}, set {}", feature.get_size, feature.set_size));
    row("versions", format!("get {}, set {}", feature.get_version, feature.set_version));
    row("flags", names(serde_json::to_value(feature.flags)?));
    row("effects", names(serde_json::to_value(feature.effects)?));
    row("current", feature.current.to_string());
    let optional =
        [("default", &feature.default), ("saved", &feature.saved), ("writable", &feature.writable)];
    for (name, value) in optional {
        if let Some(value) = value {
            row(name, value.to_string());
        }
    }
    if let Some(entry) = &feature.entry {
        row("claims", serde_json::to_string(entry)?);
    }
    Ok(text)
}

fn fill(head: &str, value: &str) -> String {
    let others = " ".repeat(head.len());
    let options = textwrap::Options::new(100).initial_indent(head).subsequent_indent(&others);
    format!("{}\n", textwrap::fill(value, options).trim_end())
}

/// A value that is written as a string in the profile.
fn plain(value: &impl serde::Serialize) -> Result<String> {
    Ok(serde_json::to_value(value)?.as_str().unwrap_or_default().to_owned())
}
