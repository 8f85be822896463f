//! From `--format` and `--output` to the consumers of a run.

use std::fs::File;
use std::io::{self, IsTerminal, LineWriter};
use std::path::Path;

use anyhow::Context as _;
use scrubjay_machine::at_interrupt;
use scrubjay_reports::{Bar, Colour, Document, Ktap, Reports, Sink, Terminal};
use scrubjay_run::{Consumer, ExitStatus, RunEvent};
use scrubjay_verdict::{Claims, Library};

use crate::args::Format;
use crate::failure;

/// The reports that were asked for. With a file, standard output has the text.
///
/// # Errors
/// A file that cannot be made.
pub fn reports(format: Format, output: Option<&Path>, library: &Library) -> anyhow::Result<Reports> {
    let promises = &library.promises;
    let html = |sink| Document::html(sink, promises.clone(), Claims::of(library));
    let stdout = || Sink::Stream(Box::new(io::stdout()));
    let seen = io::stdout().is_terminal();
    let text = || -> Box<dyn Consumer + Send> {
        let colour = Colour::for_stream(seen);
        Box::new(Terminal::new(io::stdout(), colour, promises.clone(), Bar::for_stderr()))
    };
    let Some(path) = output else {
        // A report on the terminal itself must not be drawn over.
        let bar = || if seen { Bar::hidden() } else { Bar::for_stderr() };
        return Ok(Reports::new(match format {
            Format::Terminal => vec![text()],
            Format::Ktap => vec![Box::new(Ktap::new(io::stdout(), promises.clone())), Box::new(bar())],
            Format::Json => vec![Box::new(Document::json(stdout())), Box::new(bar())],
            Format::Html => vec![Box::new(html(stdout())), Box::new(bar())],
        }));
    };
    let file = || File::create(path).map(LineWriter::new).with_context(|| path.display().to_string());
    let report: Box<dyn Consumer + Send> = match format {
        Format::Terminal => Box::new(Terminal::new(file()?, Colour::Never, promises.clone(), Bar::hidden())),
        Format::Ktap => Box::new(Ktap::new(file()?, promises.clone())),
        Format::Json => Box::new(Document::json(Sink::File(path.to_owned()))),
        Format::Html => Box::new(html(Sink::File(path.to_owned()))),
    };
    Ok(Reports::new(vec![report, text()]))
}

/// Lets `run` tell what happens, and sees that every report is finished however that ends: by its
/// end, an error, or a signal.
///
/// # Errors
/// Those of `run`, and a report that cannot be written.
pub fn told(
    reports: &Reports,
    run: impl FnOnce(&Reports) -> anyhow::Result<()>,
) -> anyhow::Result<ExitStatus> {
    let hook = reports.clone();
    at_interrupt(move || hook.cut(ExitStatus::Interrupted));
    if let Err(error) = run(reports) {
        reports.cut(failure::status_of(&error));
        return match reports.exit_status() {
            ExitStatus::Broken => {
                failure::tell(&error);
                Ok(ExitStatus::Broken)
            }
            _ => Err(error),
        };
    }
    let written = reports.event(&RunEvent::RunFinished { cut: None });
    let status = reports.exit_status();
    match written {
        // A break stays one, whatever became of its report.
        Err(error) if status == ExitStatus::Broken => {
            eprintln!("scrubjay: a report could not be written: {error}");
            Ok(status)
        }
        Err(error) => Err(error).context("a report could not be written"),
        Ok(()) => Ok(status),
    }
}
