#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{ChangeAction, JobStatus};

use super::*;
use crate::command::changes::tests::{change, job};

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let mut done = job(7, "install web", JobStatus::Succeeded);
    done.plan = Some(PlanView {
        changes: vec![
            change("core", ChangeAction::Upgrade, Some("1.0.0"), Some("2.0.0")),
            change("web", ChangeAction::Install, None, Some("1.0.0")),
        ],
        circles: vec![vec!["core".into(), "web".into(), "core".into()]],
        generation: Some(41),
        left_out: Vec::new(),
    });
    let flags = ApplyRequest {
        skip_deps: true,
        ..ApplyRequest::default()
    };
    write(&path, &done, &flags).unwrap();
    let read = read(&path).unwrap();
    assert_eq!(Some(read.plan), done.plan);
    assert_eq!(read.summary.as_deref(), Some("install web"));
    assert!(read.skip_deps && !read.force && !read.skip_tests);
}

#[test]
fn what_is_no_plan_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    for (text, said) in [
        ("", "is no plan of packctl"),
        ("[]", "is no plan of packctl"),
        ("{}", "has form 0, and this packctl reads form 1"),
        (
            r#"{"packd_plan": 2}"#,
            "has form 2, and this packctl reads form 1",
        ),
        (r#"{"packd_plan": 1}"#, "missing field `summary`"),
        (
            r#"{"packd_plan": 1, "summary": "", "force": false, "skip_deps": false, "skip_tests": false, "plan": {"changes": []}, "more": 1}"#,
            "unknown field `more`",
        ),
    ] {
        fs_err::write(&path, text).unwrap();
        let failure = read(&path).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage, "{text}");
        assert!(
            failure.render().contains(said),
            "{text}: {}",
            failure.render()
        );
    }
    let failure = read(&folder.path().join("none.json")).unwrap_err();
    assert_eq!(failure.exit(), Exit::NotFound);
}
