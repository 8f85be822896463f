//! The shipped history: what each release has, and what is said of kernels that stand at a release.

use std::path::Path;

use rstest::rstest;
use scrubjay_verdict::change::Stand;
use scrubjay_verdict::history::ranges::nearest;
use scrubjay_verdict::judge::conclude;
use scrubjay_verdict::{Expectation, KernelVerdict, Library, Policy, Release, SessionVerdict};

const OP_SIZE: &str = "op-size-bounded";
const NO_FEATURES: &str = "missing-features-tolerated";

/// The four that came to 7.2.y together.
const FOUR: [&str; 4] =
    ["get-count-bounded", "last-part-bounded", "set-out-len-bounded", "transfers-kept-whole"];

fn library() -> Library {
    Library::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap_or_else(|e| panic!("{e}"))
}

/// `+` has, `-` lacks, `?` unknown.
fn sign(stand: Stand) -> char {
    match stand {
        Stand::Has => '+',
        Stand::Lacks => '-',
        Stand::Unknown => '?',
    }
}

/// In each row `op-size-bounded`, the four, and `missing-features-tolerated`.
#[rstest]
#[case("6.12", "???")]
#[case("6.12.107", "???")]
#[case("6.12.110-rc1", "???")]
#[case("6.15-rc2", "???")]
#[case("6.15", "--?")]
#[case("6.15.7-rc1", "???")]
#[case("6.16-rc1", "--?")]
#[case("6.16", "---")]
#[case("6.16.3", "---")]
#[case("6.16.4", "???")]
#[case("6.16.12", "???")]
#[case("6.17-rc1", "---")]
#[case("6.17", "---")]
#[case("6.17.4", "---")]
#[case("6.17.5-rc1", "--?")]
#[case("6.17.5", "--+")]
#[case("6.17.8", "--+")]
#[case("6.17.13", "--+")]
#[case("6.17.14", "??+")]
#[case("6.18-rc1", "--?")]
#[case("6.18", "--+")]
#[case("6.18.5", "--+")]
#[case("6.18.14", "--+")]
#[case("6.18.15", "--+")]
#[case("6.18.21-rc1", "--+")]
#[case("6.18.33", "--+")]
#[case("6.18.34-rc1", "--+")]
#[case("6.18.49", "--+")]
#[case("6.18.50-rc1", "?-+")]
#[case("6.18.50", "+-+")]
#[case("6.18.51", "+?+")]
#[case("6.19", "--+")]
#[case("6.19.6", "--+")]
#[case("6.19.7", "--+")]
#[case("6.19.11-rc1", "--+")]
#[case("6.19.14", "--+")]
#[case("6.19.15", "??+")]
#[case("7.0", "--+")]
#[case("7.0.4", "--+")]
#[case("7.0.7", "--+")]
#[case("7.0.9", "--+")]
#[case("7.0.10", "--+")]
#[case("7.0.13", "--+")]
#[case("7.0.14", "??+")]
#[case("7.1", "--+")]
#[case("7.1.3", "--+")]
#[case("7.1.13", "--+")]
#[case("7.1.14", "??+")]
#[case("7.2-rc1", "--+")]
#[case("7.2", "--+")]
#[case("7.2.0", "--+")]
#[case("7.2.1", "--+")]
#[case("7.2.3", "--+")]
#[case("7.2.4-rc1", "?-+")]
#[case("7.2.4", "+-+")]
#[case("7.2.5", "+-+")]
#[case("7.2.6-rc1", "+?+")]
#[case("7.2.6", "+++")]
#[case("7.2.12", "+++")]
#[case("7.3-rc1", "??+")]
#[case("7.3", "+++")]
#[case("7.3.4", "+++")]
#[case("7.4-rc1", "+++")]
#[case("7.10", "+++")]
fn a_release_has_what_is_known_of_it(#[case] release: Release, #[case] expected: &str) {
    let library = library();
    let at = |id: &str| sign(library.changes.get(id).unwrap().at(release));
    for of_the_four in FOUR {
        assert_eq!([at(OP_SIZE), at(of_the_four), at(NO_FEATURES)].iter().collect::<String>(), expected);
    }
}

/// What a kernel carries that is like a release: `+` of the row above, by change.
fn like(op_size: bool, four: bool, no_features: bool) -> Vec<(&'static str, bool)> {
    let mut shown = vec![(OP_SIZE, op_size), (NO_FEATURES, no_features)];
    shown.extend(FOUR.map(|id| (id, four)));
    shown
}

/// A kernel whose sessions, one for each change, show these.
fn judged(library: &Library, shown: &[(&str, bool)], name: &str, expectation: &Expectation) -> KernelVerdict {
    let session = |(id, carried): &(&str, bool)| {
        let mut verdict = SessionVerdict::new(&format!("shows-{id}"));
        let list = if *carried { &mut verdict.carries } else { &mut verdict.lacks };
        list.push((*id).to_owned());
        verdict
    };
    conclude("k", name, None, shown.iter().map(session).collect(), expectation, &library.books())
}

/// One that stands where its name says.
fn at_its_place(shown: &[(&str, bool)], name: &str) -> (Library, KernelVerdict) {
    let library = library();
    let expectation = Expectation { release: name.parse().ok(), ..Expectation::default() };
    let verdict = judged(&library, shown, name, &expectation);
    (library, verdict)
}

fn fixes(verdict: &KernelVerdict) -> [Vec<String>; 2] {
    let missing = &verdict.changes.missing_fixes;
    let told = |fix: &scrubjay_verdict::history::MissingFix| format!("{} {}", fix.change, fix.since);
    [&missing.in_series, &missing.in_mainline].map(|all| all.iter().map(told).collect())
}

fn sorted(mut all: Vec<String>) -> Vec<String> {
    all.sort();
    all
}

/// The four, each with the release that has it.
fn four(since: &str) -> Vec<String> {
    FOUR.map(|id| format!("{id} {since}")).to_vec()
}

fn one(id: &str, since: &str) -> Vec<String> {
    vec![format!("{id} {since}")]
}

const OLD: &str = "6.18 to 6.18.49, 6.19 to 6.19.14, 7.0 to 7.0.13, 7.1 to 7.1.13, 7.2 to 7.2.3";
const PERHAPS_OLD: &str = "unknown for some 6.15.y, 6.16.y, 6.17.y, 6.19.y, 7.0.y, 7.1.y";

#[rstest]
#[case::as_tagged("7.2.0", like(false, false, true),
    [[one(OP_SIZE, "7.2.4"), four("7.2.6")].concat(), vec![]],
    format!("6.17.5 to 6.17.13, {OLD}; {PERHAPS_OLD}"))]
#[case::with_the_first("7.2.4", like(true, false, true),
    [four("7.2.6"), vec![]], "6.18.50, 7.2.4 to 7.2.5; unknown for some 6.15.y, 6.16.y, 6.17.y, 6.18.y, \
     6.19.y, 7.0.y, 7.1.y")]
#[case::with_all("7.2.12", like(true, true, true), [vec![], vec![]],
    "7.2.6 to 7.2.y, 7.3 and later; unknown for some 6.15.y, 6.16.y, 6.17.y, 6.18.y, \
     6.19.y, 7.0.y, 7.1.y")]
#[case::before_its_backport("6.17.0", like(false, false, false),
    [one(NO_FEATURES, "6.17.5"), [one(OP_SIZE, "7.3"), four("7.3")].concat()],
    "6.16 to 6.16.3, 6.17 to 6.17.4; unknown for some 6.16.y")]
#[case::long_term("6.18.50", like(true, false, true), [vec![], four("7.3")],
    "6.18.50, 7.2.4 to 7.2.5; unknown for some 6.15.y, 6.16.y, 6.17.y, 6.18.y, \
     6.19.y, 7.0.y, 7.1.y")]
fn an_honest_release_has_not_regressed_and_is_told_what_it_lacks(
    #[case] name: &str,
    #[case] shown: Vec<(&str, bool)>,
    #[case] missing: [Vec<String>; 2],
    #[case] fits: impl AsRef<str>,
) {
    let (library, verdict) = at_its_place(&shown, name);
    assert_eq!(verdict.all_findings().map(|f| f.rule.as_str()).collect::<Vec<_>>(), [""; 0]);
    assert!(verdict.changes.surplus.is_empty() && verdict.changes.undecided.is_empty());
    assert_eq!(fixes(&verdict).map(sorted), missing.map(sorted));
    assert_eq!(nearest(&verdict.changes, &library.changes).unwrap().to_string(), fits.as_ref());
}

#[test]
fn what_a_release_has_before_its_time_is_said_and_is_no_fault() {
    let (_, verdict) = at_its_place(&like(true, true, true), "7.2.3");
    assert_eq!(verdict.all_findings().count(), 0);
    let mut surplus = FOUR.to_vec();
    surplus.push(OP_SIZE);
    surplus.sort_unstable();
    assert_eq!(verdict.changes.surplus, surplus);
}

#[test]
fn a_release_that_lost_what_it_had_has_regressed() {
    let (_, verdict) = at_its_place(&like(false, true, true), "7.2.6");
    let found: Vec<_> = verdict.all_findings().map(|f| (f.rule.as_str(), f.accepted.as_str())).collect();
    assert_eq!(found, [("regressed", "op-size-bounded, 7.2.y since 7.2.4")]);
    assert_eq!(verdict.breaks(Policy::Exempt), 1);
}

#[rstest]
#[case::behind_what_is_known("6.18.51", like(true, false, true), FOUR.to_vec())]
#[case::a_candidate("7.3-rc2", like(false, false, true), [&[OP_SIZE], FOUR.as_slice()].concat())]
fn what_nobody_knows_is_described(
    #[case] name: &str,
    #[case] shown: Vec<(&str, bool)>,
    #[case] undecided: Vec<&str>,
) {
    let (_, verdict) = at_its_place(&shown, name);
    assert_eq!(verdict.all_findings().count(), 0);
    let undecided = undecided.into_iter().map(str::to_owned).collect();
    assert_eq!(sorted(verdict.changes.undecided.clone()), sorted(undecided));
}

#[test]
fn a_vendor_s_kernel_is_held_to_nothing_and_told_what_its_series_has() {
    let (_, verdict) = at_its_place(&like(false, false, true), "7.2.9-vendor");
    assert_eq!((verdict.all_findings().count(), verdict.changes.held_to), (0, None));
    assert_eq!(
        fixes(&verdict).map(sorted),
        [[one(OP_SIZE, "7.2.4"), four("7.2.6")].concat(), vec![]].map(sorted)
    );
}

#[rstest]
#[case::of_its_series("7.2.3-vendor", 5)]
#[case::of_mainline_only("7.1.13-vendor", 0)]
#[case::nameless("vendor", 0)]
fn fixes_of_its_series_break_a_kernel_that_has_to_have_them(#[case] name: &str, #[case] found: usize) {
    let library = library();
    let expectation = Expectation { require_fixes: true, ..Expectation::default() };
    let verdict = judged(&library, &like(false, false, true), name, &expectation);
    assert_eq!(verdict.all_findings().filter(|f| f.rule == "fix-missing").count(), found);
    assert_eq!(verdict.breaks(Policy::Exempt), found);
}

#[test]
fn a_missing_fix_has_its_commit_subject_and_the_sessions_that_show_it() {
    let (_, verdict) = at_its_place(&like(false, true, true), "7.2.3");
    let fix = &verdict.changes.missing_fixes.in_series[0];
    assert_eq!(fix.commit.as_deref(), Some("f687394af983"));
    assert_eq!(fix.subject, "cxl/features: bound fwctl command payload to the input buffer");
    assert_eq!(fix.shown_by, ["shows-op-size-bounded"]);
}

#[rstest]
#[case::one_of_four(vec![(OP_SIZE, true), (FOUR[0], true), (FOUR[1], false), (NO_FEATURES, true)],
    "none that is known; perhaps 6.15.1 to 6.15.y, 6.16.4 to 6.16.y, 6.17.14 to 6.17.y, 6.18.51 to 6.18.y, 6.19.15 to 6.19.y, \
     7.0.14 to 7.0.y, 7.1.14 to 7.1.y")]
#[case::new_without_old(vec![(OP_SIZE, true), (NO_FEATURES, false)], "perhaps 6.16.4 to 6.16.y")]
fn a_mixture_fits_no_release(#[case] shown: Vec<(&str, bool)>, #[case] fits: &str) {
    let (library, verdict) = at_its_place(&shown, "vendor");
    let told = nearest(&verdict.changes, &library.changes).unwrap().to_string();
    assert!(told.ends_with(fits), "{told}");
}

#[test]
fn a_kernel_of_which_no_session_shows_a_change_is_near_no_release() {
    let (library, verdict) = at_its_place(&[], "7.2.4");
    assert_eq!(nearest(&verdict.changes, &library.changes), None);
    assert_eq!(verdict.changes.unknown.len(), library.changes.iter().count());
}
