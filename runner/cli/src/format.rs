//! The types of report, and how one is asked for: `TYPE[:FILE]`. Writes nothing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, ValueEnum};

/// A type of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for a person
    Terminal,
    /// KTAP version 1, as the kernel's own tests speak
    Ktap,
    /// run.json (scrubjay.run/1), from which every other report can be made
    Json,
    /// One page with everything, for a browser
    Html,
    /// Plain text for a mailing list: what broke, who is hurt, how to reproduce it
    List,
    /// Markdown for a pull request: one comment, replaced by that of the next run
    Markdown,
    /// JUnit XML, for Jenkins, GitLab and whatever else shows tests
    Junit,
    /// SARIF 2.1.0, for GitHub's code scanning
    Sarif,
    /// GitLab's code quality, for the widget of a merge request
    GitlabCodeQuality,
    /// GitHub's workflow commands, printed by a step: annotations of a pull request
    GithubAnnotations,
    /// Markdown for GitHub's step summary
    GithubSummary,
    /// KCIDB 5.3, for KernelCI's database
    Kcidb,
}

impl Format {
    /// As it is written.
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its type.
    pub format: Format,
    /// Where it goes; standard output where there is none.
    pub file: Option<PathBuf>,
}

/// Reads `TYPE[:FILE]`.
#[derive(Clone)]
pub struct ReportParser;

impl TypedValueParser for ReportParser {
    type Value = Report;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Report, clap::Error> {
        let bytes = value.as_bytes();
        let (name, file) = match bytes.iter().position(|byte| *byte == b':') {
            Some(colon) => (&bytes[..colon], Some(&bytes[colon + 1..])),
            None => (bytes, None),
        };
        let format = EnumValueParser::<Format>::new().parse_ref(cmd, arg, OsStr::from_bytes(name))?;
        if file.is_some_and(<[u8]>::is_empty) {
            let why = format!(
                "`{}:` names no file; write one behind the colon, or leave that out\n",
                format.name()
            );
            return Err(clap::Error::raw(ErrorKind::InvalidValue, why).with_cmd(cmd));
        }
        Ok(Report { format, file: file.map(|file| OsStr::from_bytes(file).into()) })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Format::value_variants().iter().filter_map(Format::to_possible_value)))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(text: &str) -> Result<Report, String> {
        ReportParser.parse_ref(&Command::new("x"), None, text.as_ref()).map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::on_standard_output("ktap", Format::Ktap, None)]
    #[case::in_a_file("json:out/run.json", Format::Json, Some("out/run.json"))]
    #[case::a_colon_in_the_name("html:a:b", Format::Html, Some("a:b"))]
    fn a_report_is_a_type_and_maybe_a_file(
        #[case] text: &str,
        #[case] format: Format,
        #[case] file: Option<&str>,
    ) {
        assert_eq!(parse(text), Ok(Report { format, file: file.map(PathBuf::from) }));
    }

    #[rstest]
    #[case::no_such_type("xml:run.xml", "xml")]
    #[case::no_file("json:", "names no file")]
    #[case::nothing("", "a value is required")]
    fn what_is_no_report_is_refused(#[case] text: &str, #[case] said: &str) {
        let why = parse(text).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}
