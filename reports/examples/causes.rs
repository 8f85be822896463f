//! What the reports make of seeded breaks: of each verdict `DIR/MUTANT.json` its causes, the first of them and the lines
//! of the terminal's text, as the table of docs/causes.md. `-v` lists every cause, `-t MUTANT` shows the text.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_reports::{Bar, Colour, Terminal};
use scrubjay_samples::{of_kernel, play, run_of};
use scrubjay_session::Boot;
use scrubjay_session::observation::FWCTL_TAINT;
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Cause, Finding, KernelVerdict, Library, Severity, causes};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = PathBuf::from(args.first().ok_or("usage: causes DIR [-v | -t MUTANT]")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let library = Library::load(&root)?;
    let every = args.get(1).is_some_and(|arg| arg == "-v");
    let only = args.get(2);
    let mut paths: Vec<_> =
        fs::read_dir(&dir)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut lengths = Vec::new();
    let (mut leading, mut few, mut alarms) = (0, 0, 0);
    println!(
        "| mutant | has to be told by | findings | causes | the first | lines |\n|---|---|---|---|---|---|"
    );
    for path in paths {
        let mutant = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if only.is_some_and(|only| *only != mutant) {
            continue;
        }
        let expected = expected(&root.join(format!("kernels/mutants/{mutant}.cocci")));
        let mut verdict: KernelVerdict = serde_json::from_str(&fs::read_to_string(&path)?)?;
        verdict
            .sessions
            .iter_mut()
            .flat_map(|s| &mut s.findings)
            .for_each(|finding| amend(finding, &library));
        let causes = causes(&verdict);
        let weighs = |c: &&Cause| c.rule != id::KNOWN_DAMAGE && c.severity.frozen != Severity::Note;
        let told: Vec<&Cause> = causes.iter().filter(weighs).collect();
        let first = told.first().map_or("", |cause| cause.rule.as_str());
        let findings = verdict.all_findings().count();
        let text = terminal(verdict, &library);
        if only.is_some() {
            print!("{text}");
        }
        let length = text.lines().count();
        let by = expected.as_deref().unwrap_or("nothing");
        println!("| `{mutant}` | {by} | {findings} | {} | {first} | {length} |", told.len());
        match expected {
            None => alarms += usize::from(!told.is_empty()),
            Some(rule) => {
                leading += usize::from(rule == first);
                few += usize::from(matches!(told.len(), 1 | 2));
                lengths.push(length);
            }
        }
        for cause in causes.iter().filter(|_| every) {
            let follows: Vec<_> =
                cause.follows.iter().map(|f| format!("{} {}", f.findings.len(), f.rule)).collect();
            println!(
                "    {}: {} [{} own; {}]",
                cause.rule,
                cause.what,
                cause.findings.len(),
                follows.join(", ")
            );
        }
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap_or_default();
    let (breaks, longest) = (lengths.len(), lengths.last().copied().unwrap_or_default());
    println!(
        "\n{breaks} breaks: {leading} lead with their rule, {few} have one or two causes; the text of half of them has at most {median} lines, the longest {longest}; {alarms} harmless changes have a cause"
    );
    Ok(())
}

/// The rule that a mutant has to be told by; none where it is harmless.
fn expected(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let of = |key: &str| {
        let line =
            text.lines().find_map(|line| line.strip_prefix("// ")?.strip_prefix(key)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    match of("kind").as_deref() {
        Some("break") => of("rule"),
        Some("revert") => Some(id::REGRESSED.to_owned()),
        _ => None,
    }
}

/// What a verdict of an older program does not say of its findings.
fn amend(finding: &mut Finding, library: &Library) {
    let Some(session) = library.sessions.get(&finding.session) else { return };
    let gained = [id::TAINT_GAINED, id::GET_TAINTS].contains(&finding.rule.as_str());
    finding.untainted |= session.boot == Boot::Tainting && gained && finding.seen.contains(FWCTL_TAINT);
    if let Some(step) = session.step(&finding.step).filter(|_| finding.call.is_empty()) {
        let kinds = step.action.kinds();
        finding.call = if kinds.len() == 1 { kinds.concat() } else { "parallel".to_owned() };
    }
}

fn terminal(verdict: KernelVerdict, library: &Library) -> String {
    let mut out = Vec::new();
    let events = run_of(vec![of_kernel(verdict, None, &[])]);
    play(&events, &mut Terminal::new(&mut out, Colour::Never, library.promises.clone(), Bar::hidden()));
    String::from_utf8(out).unwrap_or_default()
}
