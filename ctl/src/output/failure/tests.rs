use insta::assert_snapshot;
use packd_wire::{ErrorKind, Problem};

use super::*;
use crate::command::changes::tests::job;

fn plain(failure: &Failure) -> String {
    anstream::adapter::strip_str(&failure.render()).to_string()
}

fn problem() -> Problem {
    Problem {
        causes: vec![
            "cannot fetch `https://packs.acme.example/slack.tar.gz`".to_owned(),
            "connection refused\u{1b}[2J".to_owned(),
        ],
        ..Problem::new(ErrorKind::FetchFailed, "cannot install `slack`")
    }
    .with_hint("packctl job show 12")
}

#[test]
fn a_problem_is_told_with_causes_and_hint() {
    let failure = Failure::from(&problem());
    assert_eq!(failure.exit(), Exit::Transient);
    assert_snapshot!(plain(&failure), @r"
    error: cannot install `slack`
      caused by: cannot fetch `https://packs.acme.example/slack.tar.gz`
      caused by: connection refused\u{1b}[2J
    hint: packctl job show 12
    ");
}

#[test]
fn a_job_that_failed_says_what_it_was() {
    let mut view = job(12, "install slack@^2", JobStatus::Failed);
    view.error = Some(problem());
    let failure = Failure::of_job(&view).expect("it failed");
    assert_snapshot!(plain(&failure), @r"
    error: install slack@^2: cannot install `slack`
      caused by: cannot fetch `https://packs.acme.example/slack.tar.gz`
      caused by: connection refused\u{1b}[2J
    hint: packctl job show 12
    job: 12, see packctl job show 12
    ");
    view.status = JobStatus::Cancelled;
    view.error = None;
    let failure = Failure::of_job(&view).expect("it was cancelled");
    assert_snapshot!(plain(&failure), @"
    error: install slack@^2: job 12 was cancelled; nothing has changed
    job: 12, see packctl job show 12
    ");
    view.status = JobStatus::Succeeded;
    assert!(Failure::of_job(&view).is_none(), "a success is no failure");
}

#[test]
fn causes_that_repeat_what_was_said_are_left_out() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot do it: {source}")]
    struct Wrapped {
        source: std::io::Error,
    }
    let error = Wrapped {
        source: std::io::Error::other("no luck"),
    };
    let failure = Failure::of(Exit::Failed, "cannot go on", &error);
    assert_snapshot!(plain(&failure), @"
    error: cannot go on
      caused by: cannot do it: no luck
    ");
}

#[test]
fn a_daemon_that_is_not_there_is_explained() {
    let error = ClientError::Unreachable {
        socket: "/run/packd/packd.sock".into(),
        source: std::io::Error::from_raw_os_error(2),
    };
    let failure = Failure::from(error);
    assert_eq!(failure.exit(), Exit::Unreachable);
    assert_snapshot!(plain(&failure), @"
    error: cannot reach packd at `/run/packd/packd.sock`
      caused by: No such file or directory (os error 2)
    hint: see whether packd runs: systemctl status packd
    ");

    let error = ClientError::Denied {
        socket: "/run/packd/packd.sock".into(),
        source: std::io::Error::from_raw_os_error(13),
    };
    let failure = Failure::from(error);
    assert_eq!(failure.exit(), Exit::NotPermitted);
    assert_snapshot!(plain(&failure), @r#"
    error: cannot open packd's socket `/run/packd/packd.sock`
      caused by: Permission denied (os error 13)
    hint: members of the group `packd` may: sudo usermod -aG packd "$USER", then log in again
    "#);
}
