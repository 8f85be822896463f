//! What accepting makes of a golden.

use rstest::rstest;
use scrubjay_session::{Seen, Transcript, session};
use serde_json::json;

use super::*;
use crate::change;

/// A directory with a session of two steps.
struct Desk {
    dir: tempfile::TempDir,
    sessions: Sessions,
    changes: Changes,
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let steps = json!([{"id": "open", "do": {"open": {}}}, {"id": "info", "do": {"info": {}}}]);
        let session = json!({
            "format": session::FORMAT, "id": "s", "title": "t", "devices": ["vendor"],
            "promise": "C01", "steps": steps,
        });
        file::write(&dir.path().join("sessions/s.json"), &session).unwrap();
        let mut changes = Changes::default();
        changes.insert(change("known"));
        let sessions = Sessions::load(&dir.path().join("sessions")).unwrap();
        Desk { dir, sessions, changes }
    }

    fn session(&self) -> &Session {
        self.sessions.get("s").unwrap()
    }

    fn goldens(&self) -> PathBuf {
        self.dir.path().join("goldens")
    }

    fn golden(&self, release: &str, info: &str) -> Golden {
        let step = |id: &str, errno: &str| GoldenStep {
            id: id.into(),
            base: vec![observation(errno)],
            changes: Vec::new(),
            defect: None,
        };
        Golden {
            format: FORMAT.into(),
            session: "s".into(),
            of: fingerprint(self.session()),
            recorded: release.into(),
            steps: vec![step("open", "ok"), step("info", info)],
            why: Vec::new(),
        }
    }

    /// A recording on 7.2 where `info` gave this.
    fn recorded(&self, info: &str) -> Pending {
        let path = self.goldens().join(format!("a/s{PENDING}"));
        file::write(&path, &self.golden("7.2.1", info)).unwrap();
        let mut all = pending(&self.goldens(), &self.sessions).unwrap();
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    /// Has a golden of 7.1 where `info` gave this.
    fn keep(&self, info: &str) {
        file::write(&self.goldens().join("a/s.json"), &self.golden("7.1.1", info)).unwrap();
    }
}

fn observation(errno: &str) -> Observation {
    Observation { errno: errno.into(), ..Observation::default() }
}

fn change(id: &str) -> Change {
    Change {
        format: change::FORMAT.into(),
        id: id.into(),
        title: "t".into(),
        commit: None,
        no_commit: Some("made for a test".into()),
        cve: None,
        mainline: change::Statement { release: "7.2".parse().unwrap(), known_by: change::Known::List },
        introduced: None,
        series: Vec::new(),
        reason: "r".into(),
        reference: "r".into(),
        promise: "C01".into(),
        first_seen: "7.2.1".into(),
    }
}

fn grounds() -> Grounds {
    Grounds { reason: "the promise says so".into(), reference: "a thread".into() }
}

/// What the golden keeps of [`grounds`].
fn why(how: AcceptedAs, recorded: &str, steps: &[&str]) -> Accepted {
    Accepted {
        how,
        recorded: recorded.into(),
        steps: steps.iter().map(|id| (*id).to_owned()).collect(),
        reason: "the promise says so".into(),
        reference: "a thread".into(),
    }
}

fn changed(id: &str) -> Acceptance {
    Acceptance::Changed(vec![id.into()])
}

#[test]
fn a_first_recording_becomes_the_golden() {
    let desk = Desk::new();
    let pending = desk.recorded("ok");
    assert!(pending.steps(desk.session()).iter().all(|step| step.standing == Standing::New));
    let golden = pending.accept(desk.session(), &Acceptance::Base, Some(&grounds()), &desk.changes).unwrap();
    pending.settle(&golden, None).unwrap();
    assert!(!pending.path.exists());
    let expected = Golden { why: vec![why(AcceptedAs::Base, "7.2.1", &[])], ..pending.recorded.clone() };
    assert_eq!(file::read::<Golden>(&pending.golden_path).unwrap(), expected);
}

#[test]
fn a_change_is_added_where_nothing_explains_and_nowhere_else() {
    let desk = Desk::new();
    desk.keep("ok");
    let pending = desk.recorded("EINVAL");
    let golden = pending.accept(desk.session(), &changed("known"), Some(&grounds()), &desk.changes).unwrap();
    assert_eq!(golden.recorded, "7.1.1");
    assert_eq!(golden.steps[0], pending.current.as_ref().unwrap().steps[0]);
    assert_eq!(golden.steps[1].base, [observation("ok")]);
    let alternative = Alternative { with: vec!["known".into()], seen: vec![observation("EINVAL")] };
    assert_eq!(golden.steps[1].changes, [alternative]);
}

#[test]
fn what_a_change_explains_is_left_as_it_is() {
    let desk = Desk::new();
    desk.keep("ok");
    let first = desk.recorded("EINVAL");
    let golden = first.accept(desk.session(), &changed("known"), Some(&grounds()), &desk.changes).unwrap();
    first.settle(&golden, None).unwrap();
    let again = desk.recorded("EINVAL");
    let steps = again.steps(desk.session());
    assert_eq!(steps[1].standing, Standing::AsChanged(&["known".to_owned()]));
    for acceptance in [Acceptance::Base, Acceptance::Also, changed("known")] {
        assert_eq!(
            again.accept(desk.session(), &acceptance, Some(&grounds()), &desk.changes).unwrap(),
            golden
        );
    }
}

#[rstest]
#[case::base(Acceptance::Base, &["EINVAL"], 0, "7.2.1")]
#[case::also(Acceptance::Also, &["ok", "EINVAL"], 0, "7.1.1")]
#[case::change(changed("known"), &["ok"], 1, "7.1.1")]
fn each_acceptance_makes_its_own_golden(
    #[case] acceptance: Acceptance,
    #[case] base: &[&str],
    #[case] changes: usize,
    #[case] recorded: &str,
) {
    let desk = Desk::new();
    desk.keep("ok");
    let pending = desk.recorded("EINVAL");
    let golden = pending.accept(desk.session(), &acceptance, Some(&grounds()), &desk.changes).unwrap();
    let errnos: Vec<_> = golden.steps[1].base.iter().map(|o| o.errno.as_str()).collect();
    assert_eq!((errnos.as_slice(), golden.steps[1].changes.len()), (base, changes));
    assert_eq!(golden.recorded, recorded);
    let kept = match acceptance {
        Acceptance::Base => vec![why(AcceptedAs::Base, "7.2.1", &["info"])],
        Acceptance::Also => vec![why(AcceptedAs::Also, "7.2.1", &["info"])],
        // Its reason is in the change.
        Acceptance::Changed(_) => Vec::new(),
    };
    assert_eq!(golden.why, kept);
}

#[rstest]
#[case(Acceptance::Base)]
#[case(Acceptance::Also)]
fn what_goes_into_the_base_wants_a_reason(#[case] acceptance: Acceptance) {
    let desk = Desk::new();
    desk.keep("ok");
    let error = desk.recorded("EINVAL").accept(desk.session(), &acceptance, None, &desk.changes).unwrap_err();
    assert!(error.to_string().contains("a reason and a reference"), "{error}");
    let empty = Grounds { reason: " ".into(), ..grounds() };
    let pending = desk.recorded("EINVAL");
    let error = pending.accept(desk.session(), &acceptance, Some(&empty), &desk.changes).unwrap_err();
    assert!(error.to_string().contains("why[0].reason"), "{error}");
}

#[test]
fn reasons_are_kept_and_added_to() {
    let desk = Desk::new();
    desk.keep("ok");
    let first = desk.recorded("EINVAL");
    let golden = first.accept(desk.session(), &Acceptance::Also, Some(&grounds()), &desk.changes).unwrap();
    first.settle(&golden, None).unwrap();
    let again = desk.recorded("EPERM");
    let golden = again.accept(desk.session(), &Acceptance::Base, Some(&grounds()), &desk.changes).unwrap();
    let kept = [why(AcceptedAs::Also, "7.2.1", &["info"]), why(AcceptedAs::Base, "7.2.1", &["info"])];
    assert_eq!(golden.why, kept);
}

#[test]
fn a_recording_of_no_session_is_found() {
    let desk = Desk::new();
    desk.recorded("ok");
    assert_eq!(orphans(&desk.goldens(), &desk.sessions).unwrap(), [""; 0].map(PathBuf::from));
    let orphan = desk.goldens().join(format!("gone{PENDING}"));
    fs::write(&orphan, "{}").unwrap();
    assert_eq!(orphans(&desk.goldens(), &desk.sessions).unwrap(), [orphan]);
}

#[test]
fn a_new_base_keeps_the_changes_of_its_step() {
    let desk = Desk::new();
    desk.keep("ok");
    let first = desk.recorded("EINVAL");
    let golden = first.accept(desk.session(), &changed("known"), Some(&grounds()), &desk.changes).unwrap();
    first.settle(&golden, None).unwrap();
    let golden = desk
        .recorded("EPERM")
        .accept(desk.session(), &Acceptance::Base, Some(&grounds()), &desk.changes)
        .unwrap();
    assert_eq!(golden.steps[1].base, [observation("EPERM")]);
    assert_eq!(golden.steps[1].changes[0].seen, [observation("EINVAL")]);
}

#[rstest]
#[case(Acceptance::Also)]
#[case(changed("known"))]
fn without_a_golden_only_a_base_is_accepted(#[case] acceptance: Acceptance) {
    let desk = Desk::new();
    let error =
        desk.recorded("ok").accept(desk.session(), &acceptance, Some(&grounds()), &desk.changes).unwrap_err();
    assert!(matches!(error, ReviewError::NoGolden { .. }), "{error}");
}

#[test]
fn a_golden_of_an_older_session_is_replaced_where_it_does_not_fit() {
    let desk = Desk::new();
    let mut old = desk.golden("7.1.1", "EPERM");
    old.of = "0123456789abcdef".into();
    old.steps[1].changes.push(Alternative { with: vec!["known".into()], seen: vec![observation("ok")] });
    file::write(&desk.goldens().join("a/s.json"), &old).unwrap();
    let pending = desk.recorded("EINVAL");
    assert!(pending.is_stale());
    let error =
        pending.accept(desk.session(), &changed("known"), Some(&grounds()), &desk.changes).unwrap_err();
    assert!(matches!(error, ReviewError::Stale { .. }), "{error}");
    let golden = pending.accept(desk.session(), &Acceptance::Base, Some(&grounds()), &desk.changes).unwrap();
    let expected =
        Golden { why: vec![why(AcceptedAs::Base, "7.2.1", &["info"])], ..pending.recorded.clone() };
    assert_eq!(golden, expected);
}

#[test]
fn a_change_that_there_is_not_is_refused_and_nothing_is_written() {
    let desk = Desk::new();
    desk.keep("ok");
    let pending = desk.recorded("EINVAL");
    let error =
        pending.accept(desk.session(), &changed("unknown"), Some(&grounds()), &desk.changes).unwrap_err();
    assert!(error.to_string().contains("there is no change `unknown`"), "{error}");
    assert!(pending.path.exists());
}

#[test]
fn a_change_that_is_new_is_written_with_the_golden() {
    let mut desk = Desk::new();
    desk.keep("ok");
    let pending = desk.recorded("EINVAL");
    desk.changes.insert(change("new"));
    let golden = pending.accept(desk.session(), &changed("new"), Some(&grounds()), &desk.changes).unwrap();
    let path = desk.dir.path().join("changes/new.json");
    pending.settle(&golden, Some((&path, &change("new")))).unwrap();
    let changes = Changes::load(&desk.dir.path().join("changes")).unwrap();
    assert_eq!(changes.get("new"), Some(&change("new")));
}

#[test]
fn a_recording_of_an_older_session_is_refused() {
    let desk = Desk::new();
    let mut golden = desk.golden("7.2.1", "ok");
    golden.of = "0123456789abcdef".into();
    let path = desk.goldens().join(format!("s{PENDING}"));
    file::write(&path, &golden).unwrap();
    let error = pending(&desk.goldens(), &desk.sessions).unwrap_err().to_string();
    assert!(error.contains("record it again"), "{error}");
}

#[test]
fn a_golden_holds_no_times_of_branches() {
    let mut seen = observation("ok");
    let inner = serde_json::from_value(json!({
        "name": "b", "steps": [{"id": "x", "observation": {"errno": "ok"}, "aside": {"nanos": 5}}],
    }));
    seen.branches.push(inner.unwrap());
    assert_eq!(tidy(&seen).branches[0].steps[0].aside.nanos, 0);
}

#[test]
fn a_base_of_a_kernel_with_a_change_wants_a_word_on_it() {
    let desk = Desk::new();
    let mut golden = desk.golden("7.1.1", "ok");
    golden.steps[1].changes =
        vec![Alternative { with: vec!["known".into()], seen: vec![observation("EINVAL")] }];
    let goldens = Goldens::from_iter([golden]);
    let carried = |release| carried(desk.session(), release, &desk.sessions, &goldens, &desk.changes);
    assert_eq!(carried("7.1.1"), []);
    assert_eq!(carried("7.2.1"), [("known".to_owned(), "info".to_owned())]);
    let recorded = desk.recorded("ok");
    let refused = recorded.check_age(Some(&grounds()), carried("7.2.1")).unwrap_err().to_string();
    assert!(refused.contains("recorded on 7.2.1, which carries `known` (step `info`)"), "{refused}");
    let reason = "known is about lengths, and all of these fit".into();
    recorded.check_age(Some(&Grounds { reason, ..grounds() }), carried("7.2.1")).unwrap();
}

#[test]
fn what_is_not_compared_is_not_recorded() {
    let text = r#"{"format": "scrubjay.session/1", "id": "s", "title": "t", "devices": ["d"], "promise": "C01", "steps": [
        {"id": "masked", "do": {"info": {}}, "masks": [{"field": "out", "why": "w"}, {"field": "log", "why": "w"}]},
        {"id": "undefined", "do": {"info": {}}, "outcome": "undefined"}]}"#;
    let session: Session = serde_json::from_str(text).unwrap();
    let event = |class, what: &str| serde_json::from_value(json!({"class": class, "what": what})).unwrap();
    let seen = Observation {
        text: Some("text".into()),
        out: Some(vec![1, 2].into()),
        log: vec![event("message", "x"), event("warning", "y")],
        decoded: json!({"size": 8}),
        ..observation("EIO")
    };
    let mut transcript = Transcript::new("s");
    for id in ["masked", "undefined"] {
        let (observation, aside) = (seen.clone(), Default::default());
        transcript.steps.push(Seen { id: id.into(), observation, aside });
    }
    let golden = Golden::record(&session, &transcript, "7.1");
    let log = vec![event("warning", "y")];
    assert_eq!(golden.steps[0].base[0], Observation { text: seen.text.clone(), log, ..observation("EIO") });
    assert_eq!(golden.steps[1].base[0], Observation { log: seen.log.clone(), ..observation("EIO") });
}
