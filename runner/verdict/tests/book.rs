//! The book says what is so: tables are what the code gives, names are all there, links lead somewhere.
//!
//! `UPDATE_EXPECT=1 cargo test -p scrubjay-verdict --test book` writes the tables anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use rstest::rstest;
use scrubjay_session::Session;
use scrubjay_verdict::rule::Object;
use scrubjay_verdict::{
    Change, Claims, Class, Golden, Library, Policy, Rule, Severities, Severity, defect_seen, normalisation,
    policy, promise, waiver,
};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A table of rules with what they weigh before the class of a promise bounds it.
fn weights<'a>(rules: impl Iterator<Item = &'a Rule>) -> String {
    let row = |rule: &Rule| {
        let [exempt, footgun, frozen] = Policy::ALL.map(|policy| rule.weight(policy).severity.name());
        format!("| [{0}](rules.md#{0}) | {1} | {exempt} | {footgun} | {frozen} |\n", rule.id, rule.title)
    };
    let head = "| rule | difference | exempt | footgun | frozen |\n|---|---|---|---|---|\n";
    head.to_owned() + &rules.map(row).collect::<String>()
}

/// The rules that the discussion on the list asks about by name.
const CASES: &[&str] = &[
    "set-blocked",
    "set-superseded",
    "set-unblocked",
    "feature-not-changeable",
    "get-blocked",
    "get-changed",
    "get-writes-device",
    "get-taints",
    "get-disturbs-edac",
    "edac-incoherent",
    "attribute-blocked",
    "scope-loosened",
    "capability-loosened",
    "taint-gained",
    "taint-lost",
    "refusal-hidden",
    "mailbox-command-added",
    "kernel-oops",
];

fn cases() -> String {
    weights(CASES.iter().map(|id| Rule::get(id)))
}

fn unbounded() -> String {
    weights(Rule::all().filter(|rule| !rule.bounded))
}

/// Every rule in full, by what it is about.
fn rules() -> String {
    let group = |object: Object| {
        let rules = || Rule::all().filter(move |rule| rule.object == object);
        let name = object.name();
        let head = format!("### {}{}\n\n", name[..1].to_uppercase(), &name[1..]);
        head + &weights(rules()).replace("](rules.md#", "](#") + &rules().map(rule).collect::<String>() + "\n"
    };
    let all = Object::ALL.map(group).concat();
    format!("{}\n", all.trim_end())
}

fn rule(rule: &Rule) -> String {
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mirror = match (&rule.mirror, &rule.no_mirror) {
        (Some(mirror), _) => format!("; mirror: [{mirror}](#{mirror})"),
        (None, Some(why)) => format!("; no mirror: {}", line(why).trim_end_matches('.')),
        (None, None) => String::new(),
    };
    let mut text = format!(
        "\n#### {}\n\n{}, noticed by the {}{mirror}.\n\n",
        rule.id,
        rule.kind.name(),
        rule.side.name()
    );
    let mut row = |name: &str, said: &str| text += &format!("- {name}: {}\n", line(said));
    row("programs", &rule.user);
    row("firmware", &rule.firmware);
    row("example", &rule.example);
    row("reference", &rule.reference);
    for policy in Policy::ALL {
        let weight = rule.weight(policy);
        row(&format!("{}, {}", policy.name(), weight.severity.name()), &weight.why);
    }
    if !rule.bounded {
        row("bounds", "none, it weighs the same whatever promise a step pins");
    }
    if rule.conclusive {
        row("seen once", "is conclusive");
    }
    text
}

/// The most that a finding weighs by the class of its promise.
fn bounds() -> String {
    let most = Severities::all(Severity::Break);
    let row = |class: Class| {
        let weigh = |policy| most.bounded(class).under(policy).name();
        let [exempt, footgun, frozen] = Policy::ALL.map(weigh);
        format!("| {} | {exempt} | {footgun} | {frozen} |\n", class.name())
    };
    let head = "| class | exempt | footgun | frozen |\n|---|---|---|---|\n";
    head.to_owned() + &[Class::Documented, Class::Implied, Class::Incidental].map(row).concat()
}

fn promises() -> String {
    let library = Library::load(&root()).unwrap();
    Claims::of(&library).markdown(&library)
}

fn changes() -> Vec<(&'static str, String)> {
    let library = Library::load(&root()).unwrap();
    vec![("changes", library.changes.markdown()), ("unseen", library.unseen.markdown())]
}

#[rstest]
#[case::normalisations("docs/normalisations.md", vec![("normalisations", normalisation::markdown())])]
#[case::promises("docs/promises.md", vec![("promises", promises())])]
#[case::changes("docs/changes.md", changes())]
#[case::rules("docs/rules.md", vec![("rules", rules())])]
#[case::weights("docs/what-counts-as-a-break.md",
    vec![("cases", cases()), ("bounds", bounds()), ("unbounded", unbounded())])]
fn the_tables_of_a_page_are_what_the_code_gives(#[case] name: &str, #[case] tables: Vec<(&str, String)>) {
    let mut text = page(name);
    for (mark, table) in tables {
        let (begin, end) = (format!("<!-- {mark}: begin -->\n"), format!("<!-- {mark}: end -->"));
        let from = text.find(&begin).unwrap_or_else(|| panic!("{name} has no `{begin}`")) + begin.len();
        let to = from + text[from..].find(&end).unwrap_or_else(|| panic!("{name} has no `{end}`"));
        text.replace_range(from..to, &table);
    }
    expect_file![root().join(name)].assert_eq(&text);
}

/// Every property, and every word that a value can be, of a JSON Schema.
fn words(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        found.extend(properties.keys().cloned());
                        properties.values().for_each(|p| words(p, found));
                    }
                    ("enum", Value::Array(all)) => {
                        found.extend(all.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    ("const", Value::String(word)) => {
                        found.insert(word.clone());
                    }
                    ("default" | "description" | "title" | "required", _) => {}
                    (_, value) => words(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| words(value, found)),
        _ => {}
    }
}

/// The form of a session but for that of faults, which the page on the device tells of.
fn without_faults(mut schema: schemars::Schema) -> schemars::Schema {
    let forms = schema.get_mut("$defs").and_then(Value::as_object_mut).expect("a session has parts");
    for name in ["Trigger", "Play", "Replaced", "Answered", "Background", "ReturnCode"] {
        assert!(forms.remove(name).is_some(), "a session has no `{name}`");
    }
    schema
}

#[rstest]
#[case::sessions("docs/sessions.md", without_faults(schemars::schema_for!(Session)))]
#[case::changes("docs/goldens.md", schemars::schema_for!(Change))]
#[case::goldens("docs/goldens.md", schemars::schema_for!(Golden))]
#[case::promises("docs/goldens.md", schemars::schema_for!(promise::Promise))]
#[case::defects("docs/goldens.md", schemars::schema_for!(defect_seen::DefectSeen))]
#[case::waivers("docs/waivers.md", schemars::schema_for!(waiver::Form))]
#[case::uses_of_waivers("docs/waivers.md", schemars::schema_for!(waiver::WaiverUse))]
#[case::own_policies("docs/policies.md", schemars::schema_for!(policy::own::Form))]
#[case::policies("docs/what-counts-as-a-break.md", schemars::schema_for!(policy::Policy))]
fn the_book_names_every_field_and_word_of_a_form(#[case] name: &str, #[case] schema: schemars::Schema) {
    let text = page(name);
    let mut all = BTreeSet::new();
    words(schema.as_value(), &mut all);
    assert!(all.len() > 2, "the schema has words: {all:?}");
    let missing: Vec<_> = all
        .iter()
        .filter(|word| !text.contains(&format!("`{word}`")) && !text.contains(&format!("\"{word}\"")))
        .collect();
    assert!(missing.is_empty(), "{name} says nothing of {missing:?}");
}

/// Every Markdown page, those of build directories and tools left out.
fn pages() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root()];
    while let Some(dir) = left.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "target" {
                continue;
            }
            if path.is_dir() {
                left.push(path);
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The text of a page without its code.
fn prose(text: &str) -> String {
    let mut in_code = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let outside = line.split('`').step_by(2);
            prose.extend(outside.flat_map(|part| [part, " "]));
            prose.push('\n');
        }
    }
    prose
}

/// Where the links of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.trim().to_owned()).collect()
}

/// The anchors that a page offers.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut in_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        if let Some(heading) = line.strip_prefix('#').filter(|_| !in_code) {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            found.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    found
}

/// What is wrong with a link of a page; nothing with one that leaves the tree.
fn broken(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target = if path.is_empty() { page.to_owned() } else { page.parent().unwrap().join(path) };
    if !target.exists() {
        return Some(format!("{}: `{link}` leads nowhere", page.display()));
    }
    let text = || fs::read_to_string(&target).unwrap_or_default();
    anchor
        .filter(|anchor| !anchors(&text()).contains(*anchor))
        .map(|_| format!("{}: `{link}`: no such heading", page.display()))
}

/// The parts of a page, each from its second-level heading on.
fn parts(text: &str) -> Vec<&str> {
    text.split("\n## ").skip(1).collect()
}

#[rstest]
fn every_defect_has_its_part_on_the_page_of_differences() {
    let library = Library::load(&root()).unwrap();
    let text = page("docs/differences.md");
    let mut marked = BTreeSet::new();
    for session in library.sessions.iter() {
        let golden = library.goldens.get(&session.id);
        for defect in
            golden.into_iter().flat_map(|golden| &golden.steps).filter_map(|step| step.defect.as_ref())
        {
            marked.insert((session.id.as_str(), defect.promise.as_str()));
        }
    }
    assert!(!marked.is_empty());
    for (session, promise) in &marked {
        let told = |part: &&str| {
            part.contains(&format!("`{session}`")) && part.contains(&format!("promise: {promise}"))
        };
        assert!(parts(&text).iter().any(told), "docs/differences.md: no part for `{session}`, {promise}");
    }
    for part in parts(&text) {
        let sessions = marked.iter().filter(|(session, _)| part.contains(&format!("`{session}`")));
        let title = part.lines().next().unwrap_or_default();
        assert!(sessions.count() > 0, "docs/differences.md: `{title}` is about no defect");
        assert!(
            part.contains("scrubjay check --kernel") && part.contains("\n```\n"),
            "`{title}`: no command, no report"
        );
    }
}

#[rstest]
fn every_link_of_every_page_leads_somewhere() {
    let pages = pages();
    let broken: Vec<_> = pages
        .iter()
        .flat_map(|page| {
            let text = fs::read_to_string(page).unwrap();
            links(&text).into_iter().filter_map(|link| broken(page, &link)).collect::<Vec<_>>()
        })
        .collect();
    assert!(pages.iter().any(|page| page.ends_with("docs/README.md")));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[rstest]
#[case::a_page_that_is_not_there("docs/none.md", true)]
#[case::a_heading_that_is_not_there("docs/what-counts-as-a-break.md#none", true)]
#[case::a_page("docs/what-counts-as-a-break.md", false)]
#[case::another_site("https://example.org/none", false)]
fn a_link_that_leads_nowhere_is_told(#[case] link: &str, #[case] told: bool) {
    assert_eq!(broken(&root().join("README.md"), link).is_some(), told);
    assert_eq!(links(&format!("see [it]({link}) and `[not](this)`\n```\n[nor](that)\n```\n")), [link]);
}

#[rstest]
fn the_table_of_contents_has_every_page_of_the_book() {
    let contents = links(&page("docs/README.md"));
    for page in pages().iter().filter(|page| page.parent() == Some(&root().join("docs"))) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "README.md" || contents.contains(&name), "docs/README.md leaves out {name}");
    }
}
