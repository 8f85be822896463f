//! Completions and manual pages, made from the table of arguments.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use scrubjay_host::Output;
use scrubjay_run::ExitStatus;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::failure::Result;
use crate::table;

/// Prints completions for a shell.
pub fn completions(args: &CompletionsArgs) -> Result<ExitStatus> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "scrubjay", &mut out);
    table::raw(&String::from_utf8(out)?)?;
    Ok(ExitStatus::Clean)
}

/// Prints the manual page, or writes one for each subcommand.
pub fn man(args: &ManArgs) -> Result<ExitStatus> {
    let mut command = Cli::command();
    command.build();
    match &args.dir {
        None => table::raw(&String::from_utf8(page(command)?)?)?,
        Some(dir) => pages(command, "", dir)?,
    }
    Ok(ExitStatus::Clean)
}

fn page(command: clap::Command) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    Man::new(command).render(&mut out)?;
    Ok(out)
}

fn pages(command: clap::Command, above: &str, dir: &Path) -> Result<()> {
    let name = format!("{above}{}", command.get_name());
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        pages(below.clone(), &format!("{name}-"), dir)?;
    }
    let path = dir.join(format!("{name}.1"));
    let display: &'static str = name.clone().leak();
    let page = page(command.name(display))?;
    Ok(Output::at(&path)?.write(&String::from_utf8(page)?)?)
}
