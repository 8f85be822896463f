//! From `--format` and `--output` to the consumers of a run.

use std::io::{self, IsTerminal, LineWriter};
use std::path::Path;

use scrubjay_host::interrupt::at_interrupt;
use scrubjay_host::{Output, words};
use scrubjay_reports::{Bar, Colour, Detail, Document, Ktap, Reports, Sink, Terminal};
use scrubjay_run::{Consumer, ExitStatus, RunEvent};
use scrubjay_verdict::{Claims, Library};

use crate::args::Format;
use crate::failure::{self, Result};

/// The reports that were asked for. With a file, standard output has the text.
///
/// # Errors
/// A place that cannot be written.
pub fn reports(format: Format, output: Option<&Path>, detail: Detail, library: &Library) -> Result<Reports> {
    let promises = &library.promises;
    let html = |sink| Document::html(sink, promises.clone(), Claims::of(library));
    let stdout = || Sink::Stream(Box::new(io::stdout()));
    let seen = io::stdout().is_terminal();
    let text = || -> Box<dyn Consumer + Send> {
        let colour = Colour::for_stream(seen);
        Box::new(Terminal::new(io::stdout(), colour, promises.clone(), Bar::for_stderr()).telling(detail))
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
    let output = Output::at(path)?;
    let report: Box<dyn Consumer + Send> = match format {
        Format::Terminal => {
            let file = LineWriter::new(output.stream()?);
            Box::new(Terminal::new(file, Colour::Never, promises.clone(), Bar::hidden()).telling(detail))
        }
        Format::Ktap => Box::new(Ktap::new(LineWriter::new(output.stream()?), promises.clone())),
        Format::Json => Box::new(Document::json(Sink::File(output))),
        Format::Html => Box::new(html(Sink::File(output))),
    };
    // The text says how it all ended, the report included.
    Ok(Reports::new(vec![report, text()]))
}

/// Lets `run` tell what happens, and sees that every report is finished however that ends: by its
/// end, an error, or a signal.
///
/// # Errors
/// Those of `run`. A report that cannot be written is told, and a part of the exit status.
pub fn told(reports: &Reports, run: impl FnOnce(&Reports) -> Result<()>) -> Result<ExitStatus> {
    let hook = reports.clone();
    at_interrupt(move |signal| {
        hook.cut(ExitStatus::Interrupted(signal));
        // Another, where the run was over already and has told it.
        Some(hook.exit_status().number())
    });
    let ended = run(reports);
    match &ended {
        Ok(()) => reports.event(&RunEvent::RunFinished { cut: None }),
        Err(error) => reports.cut(error.status()),
    }
    for why in reports.failures() {
        words::say(format!("scrubjay: a report could not be written: {why}"));
    }
    let status = reports.exit_status();
    match ended {
        // A break stays one, whatever came after it.
        Err(error) if status == ExitStatus::Broken => {
            failure::tell(&error);
            Ok(status)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(status),
    }
}
