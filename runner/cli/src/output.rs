//! From `--format` to the consumers of a run.

use std::io::{self, IsTerminal, LineWriter, Write};

use scrubjay_host::interrupt::at_interrupt;
use scrubjay_host::{Output, OutputError, words};
use scrubjay_reports::run::Times;
use scrubjay_reports::{Bar, Colour, Detail, Document, Ktap, Reports, Sink, Terminal};
use scrubjay_run::{Consumer, ExitStatus, RunEvent};
use scrubjay_verdict::{Claims, Library};

use crate::args::ReportArgs;
use crate::failure::{self, Result, Usage};
use crate::format::{Format, Report};

type Boxed = Box<dyn Consumer + Send>;

/// The reports that were asked for: files first, so that standard output says how it all ended, the files included.
/// Where none is on standard output, that has the text, with as much `detail` as asked for. `kept` are the times of a run that is over.
///
/// # Errors
/// Two reports for one place, and a place that cannot be written.
pub fn reports(
    asked: &ReportArgs,
    detail: Detail,
    library: &Library,
    kept: Option<&Times>,
) -> Result<Reports> {
    let ReportArgs { formats } = asked;
    one_each(formats)?;
    let maker = Maker { detail, library, kept };
    let mut consumers = Vec::new();
    for Report { format, file } in formats {
        if let Some(file) = file {
            consumers.push(maker.consumer(*format, Place::File(Output::at(file)?))?);
        }
    }
    let on_stdout = formats.iter().find(|report| report.file.is_none());
    let format = on_stdout.map_or(Format::Terminal, |report| report.format);
    consumers.push(maker.consumer(format, Place::Stdout)?);
    if format != Format::Terminal {
        // A report on the terminal itself must not be drawn over.
        let seen = io::stdout().is_terminal();
        consumers.push(Box::new(if seen { Bar::hidden() } else { Bar::for_stderr() }));
    }
    Ok(Reports::new(consumers))
}

/// Where a report goes.
enum Place {
    Stdout,
    File(Output),
}

impl Place {
    fn stream(self) -> Result<Box<dyn Write + Send>, OutputError> {
        Ok(match self {
            Place::Stdout => Box::new(io::stdout()),
            Place::File(output) => Box::new(LineWriter::new(output.stream()?)),
        })
    }

    fn sink(self) -> Sink {
        match self {
            Place::Stdout => Sink::Stream(Box::new(io::stdout())),
            Place::File(output) => Sink::File(output),
        }
    }
}

/// What reports are made with.
struct Maker<'a> {
    detail: Detail,
    library: &'a Library,
    kept: Option<&'a Times>,
}

impl Maker<'_> {
    fn consumer(&self, format: Format, place: Place) -> Result<Boxed, OutputError> {
        let promises = self.library.promises.clone();
        Ok(match format {
            Format::Terminal => {
                let (colour, bar) = match place {
                    Place::Stdout => (Colour::for_stream(io::stdout().is_terminal()), Bar::for_stderr()),
                    Place::File(_) => (Colour::Never, Bar::hidden()),
                };
                Box::new(Terminal::new(place.stream()?, colour, promises, bar).telling(self.detail))
            }
            Format::Ktap => Box::new(Ktap::new(place.stream()?, promises)),
            Format::Json => self.document(Document::json(place.sink())),
            Format::Html => self.document(Document::html(place.sink(), promises, Claims::of(self.library))),
            Format::List => self.document(Document::list(place.sink(), promises)),
            Format::Markdown => self.document(Document::markdown(place.sink(), promises)),
            Format::Junit => self.document(Document::junit(place.sink(), promises)),
            Format::Sarif => self.document(Document::sarif(place.sink(), promises)),
            Format::GitlabCodeQuality => self.document(Document::gitlab_code_quality(place.sink(), promises)),
            Format::GithubAnnotations => self.document(Document::github_annotations(place.sink(), promises)),
            Format::GithubSummary => self.document(Document::github_summary(place.sink(), promises)),
            Format::Kcidb => self.document(Document::kcidb(place.sink(), promises)),
        })
    }

    fn document(&self, document: Document) -> Boxed {
        Box::new(match self.kept {
            Some(times) => document.of_kept(times),
            None => document,
        })
    }
}

/// Refuses two reports for one place: the second would write over the first, or into it.
fn one_each(reports: &[Report]) -> Result<(), Usage> {
    for (i, report) in reports.iter().enumerate() {
        if let Some(other) = reports[..i].iter().find(|other| other.file == report.file) {
            let (one, two) = (other.format.name(), report.format.name());
            return Err(Usage(match &report.file {
                Some(file) => format!("{one} and {two} both go to {}; name two files", file.display()),
                None => {
                    format!("{one} and {two} both go to standard output; name a file for one: {one}:FILE")
                }
            }));
        }
    }
    Ok(())
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
