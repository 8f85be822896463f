//! `scrubjay schema`: the JSON Schemas of the file forms, made from the types that read them.

use std::fs;

use schemars::{Schema, schema_for};
use scrubjay_bench::Figures;
use scrubjay_reports::Run;
use scrubjay_run::ExitStatus;
use scrubjay_session::cxl::profile::Profile;
use scrubjay_session::file;
use scrubjay_session::{Session, Transcript};
use scrubjay_verdict::change::Unseen;
use scrubjay_verdict::policy::own;
use scrubjay_verdict::promise::Area;
use scrubjay_verdict::{Change, Golden, waiver};

use crate::args::SchemaArgs;
use crate::context::Context;
use crate::failure::{Result, Usage};
use crate::reach::Reach;
use crate::table;

/// A form: the schema's file without its endings, and how it is made.
type Form = (&'static str, fn() -> Schema);

/// Every form.
const FORMS: [Form; 12] = [
    ("bench", || schema_for!(Figures)),
    ("change", || schema_for!(Change)),
    ("device", || schema_for!(Profile)),
    ("golden", || schema_for!(Golden)),
    ("policy", || schema_for!(own::Form)),
    ("promises", || schema_for!(Area)),
    ("reach", || schema_for!(Reach)),
    ("run", || schema_for!(Run)),
    ("session", || schema_for!(Session)),
    ("transcript", || schema_for!(Transcript)),
    ("unseen", || schema_for!(Unseen)),
    ("waivers", || schema_for!(waiver::Form)),
];

/// Writes the schemas, or says which are not up to date.
pub fn run(args: &SchemaArgs, context: &Context) -> Result<ExitStatus> {
    let mut old = Vec::new();
    for (name, schema) in FORMS {
        let path = context.vectors().join("schema").join(format!("{name}.schema.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema())?);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            continue;
        }
        if args.check {
            old.push(path.display().to_string());
            continue;
        }
        file::write_text(&path, &text)?;
        table::text(&format!("{}\n", path.display()))?;
    }
    if old.is_empty() {
        return Ok(ExitStatus::Clean);
    }
    Err(Usage(format!("not up to date: {}; run `scrubjay schema`", old.join(", "))).into())
}
