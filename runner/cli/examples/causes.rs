//! What the reports make of seeded breaks: of each verdict `DIR/MUTANT.json` (`scrubjay mutants run --keep`) its causes,
//! the first of them and the lines of the terminal's text, as the table of docs/causes.md. Of a pair (`--pairs`) each rule
//! has to lead a cause of its own, and it may have one more. `-v` lists every cause, `-t MUTANT` shows the text.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use scrubjay_mutants::{Mutants, Seeds};
use scrubjay_reports::{Bar, Colour, Terminal};
use scrubjay_samples::{of_kernel, play, run_of};
use scrubjay_verdict::rule::id;
use scrubjay_verdict::{Cause, KernelVerdict, Library, Severity, causes};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = PathBuf::from(args.first().ok_or("usage: causes DIR [-v | -t MUTANT]")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = Library::load(&root)?;
    let mutants = Mutants::load(&root.join("kernels/mutants"), &library.sessions, &library.changes)?;
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
        let mutant: String = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if only.is_some_and(|only| *only != mutant) {
            continue;
        }
        let known = Seeds::find(&mutant, mutants.all());
        let known = known.ok_or_else(|| format!("{}: there is no mutant `{mutant}`", path.display()))?;
        let expected: Vec<&str> = known.mutants().iter().filter_map(|mutant| mutant.kind.rule()).collect();
        let verdict: KernelVerdict = serde_json::from_str(&fs::read_to_string(&path)?)?;
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
        let code = |rule: &str| if rule.is_empty() { String::new() } else { format!("`{rule}`") };
        let by = match expected.as_slice() {
            [] => "nothing".to_owned(),
            rules => rules.iter().map(|rule| code(rule)).collect::<Vec<_>>().join(", "),
        };
        println!("| `{mutant}` | {by} | {findings} | {} | {} | {length} |", told.len(), code(first));
        match expected.as_slice() {
            [] => alarms += usize::from(!told.is_empty()),
            [rule] => {
                leading += usize::from(*rule == first);
                few += usize::from(matches!(told.len(), 1 | 2));
                lengths.push(length);
            }
            rules => {
                let has_card = |rule: &&str| told.iter().any(|cause| cause.rule == *rule);
                leading += usize::from(rules.iter().all(has_card));
                few += usize::from(matches!(told.len(), 2 | 3));
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

fn terminal(verdict: KernelVerdict, library: &Library) -> String {
    let mut out = Vec::new();
    let events = run_of(vec![of_kernel(verdict, None, &[])]);
    play(&events, &mut Terminal::new(&mut out, Colour::Never, library.promises.clone(), Bar::hidden()));
    String::from_utf8(out).unwrap_or_default()
}
