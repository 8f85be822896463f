//! Finds or makes one kernel of a catalogue, with its progress on standard error: the crate by itself, without the
//! command. `cargo run -p scrubjay-kernels --example kernel -- find|fetch|build ID [DIR]`, DIR being where the
//! manifests are (`kernels` where not given).

use std::path::PathBuf;
use std::process::ExitCode;

use scrubjay_kernels::{Catalogue, PlainLines, Resolver};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (verb, id, dir) = match args.as_slice() {
        [verb, id] => (verb.as_str(), id, PathBuf::from("kernels")),
        [verb, id, dir] => (verb.as_str(), id, PathBuf::from(dir)),
        _ => {
            eprintln!("usage: kernel find|fetch|build ID [DIR]");
            return ExitCode::from(2);
        }
    };
    match run(verb, id, &dir) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(next) = cause {
                eprintln!("  {next}");
                cause = next.source();
            }
            ExitCode::from(3)
        }
    }
}

fn run(verb: &str, id: &str, dir: &std::path::Path) -> Result<String, Box<dyn std::error::Error>> {
    let catalogue = Catalogue::load(dir)?;
    let manifest = catalogue.get(id)?;
    let resolver = Resolver::for_user(None)?;
    let mut progress = PlainLines::new(std::io::stderr());
    Ok(match verb {
        "find" => format!("{:#?}\n{:#?}", resolver.state(manifest)?, resolver.find(manifest)?),
        "fetch" => format!("{:#?}", resolver.fetch(manifest, &mut progress)?),
        "build" => format!("{:#?}", resolver.build(manifest, &mut progress)?),
        other => return Err(format!("no verb {other}").into()),
    })
}
