use insta::assert_snapshot;
use packd_wire::{
    ChangeAction, ErrorKind, EventKind, HookStatus, HookView, PlanView, Problem, ProgressUnit,
    ProgressView, StepName, StepView,
};

use super::*;
use crate::command::changes::tests::{change, job};
use crate::command::show::tests::now;

#[test]
fn jobs_are_listed_with_who_and_when() {
    let mut changed = job(3, "install slack@^2", JobStatus::Succeeded);
    changed.changed = true;
    let mut by_number = job(1, "remove http", JobStatus::Running);
    by_number.requested_by.user = None;
    let mut later = job(4, "remove slack", JobStatus::Queued);
    (later.finished_at, later.waits_for) = (None, Some(3));
    let list = JobList {
        jobs: vec![
            later,
            changed,
            job(2, "install slack", JobStatus::Succeeded),
            by_number,
        ],
        next: None,
    };
    let table = table(&list, now(), Width::Unlimited);
    assert_snapshot!(anstream::adapter::strip_str(&table).to_string(), @"
    JOB  STATUS           WHAT              BY    WHEN       TOOK
    4    queued, after 3  remove slack      ada   5 min ago  -
    3    succeeded        install slack@^2  ada   5 min ago  1.2 s
    2    unchanged        install slack     ada   5 min ago  1.2 s
    1    running          remove http       1000  5 min ago  -
    ");
}

fn step(name: StepName, status: StepStatus, message: Option<&str>) -> StepView {
    StepView {
        name,
        status,
        started_at: "2026-03-01T12:00:00Z".to_owned(),
        finished_at: (status != StepStatus::Running).then(|| "2026-03-01T12:00:00.42Z".to_owned()),
        message: message.map(str::to_owned),
    }
}

#[test]
fn a_page_tells_what_a_job_waits_for() {
    let mut view = job(4, "remove slack", JobStatus::Queued);
    view.waits_for = Some(3);
    let page = page(&view, now(), Width::Unlimited);
    assert!(
        page.lines()
            .any(|line| line.ends_with("job 3") && line.contains("waits for")),
        "who reads the page learns which job is first: {page}"
    );
}

#[test]
fn a_page_tells_how_the_hooks_of_a_job_ended() {
    let mut view = job(4, "update slack", JobStatus::Succeeded);
    view.automatic = true;
    view.hooks = vec![HookView {
        name: "check".to_owned(),
        on: EventKind::GenerationActivated,
        event: 17,
        status: HookStatus::TimedOut,
        exit: None,
        signal: None,
        at: "2026-03-01T12:00:01Z".to_owned(),
        duration_ms: 60_000,
        output: "one\n\u{1b}[31mtwo".to_owned(),
        message: Some("it was not done within 60 s".to_owned()),
        rollback: Some(5),
    }];
    let page = page(&view, now(), Width::Unlimited);
    let page = anstream::adapter::strip_str(&page).to_string();
    let (fields, hooks) = page.split_once("hook check").expect("the hook is shown");
    assert!(fields.contains("automatic"), "{fields}");
    assert_snapshot!(hooks, @r"
     on generation_activated: timed out, 1 min 0 s
      it was not done within 60 s
      job 5 goes back
      | one
      | \u{1b}[31mtwo
    ");
}

#[test]
fn a_page_tells_how_a_job_failed() {
    let mut view = job(3, "install slack@^2", JobStatus::Failed);
    view.attempt = 2;
    view.plan = Some(PlanView {
        changes: vec![change("slack", ChangeAction::Install, None, Some("2.1.0"))],
        ..PlanView::default()
    });
    view.steps = vec![
        step(
            StepName::Resolve,
            StepStatus::Completed,
            Some("slack 2.1.0 from acme"),
        ),
        step(StepName::Fetch, StepStatus::Failed, None),
        step(StepName::Unpack, StepStatus::Stopped, None),
    ];
    view.warnings = vec!["the index of acme is 3 days old".to_owned()];
    view.error = Some(
        Problem::new(
            ErrorKind::FetchFailed,
            "cannot fetch `https://h/slack.tar.gz`",
        )
        .with_hint("packctl registry list"),
    );
    let page = page(&view, now(), Width::Unlimited);
    assert_snapshot!(anstream::adapter::strip_str(&page).to_string(), @"
    job 3: install slack@^2

    status     failed
    requested  2026-03-01 11:59:59 UTC, 5 min ago by ada, packctl/0.1.0
    started    2026-03-01 12:00:00 UTC, 5 min ago
    finished   2026-03-01 12:00:01 UTC, 4 min ago
    took       1.2 s
    attempt    2

    REF    CHANGE   FROM  TO     REGISTRY  WHY
    slack  install  -     2.1.0  acme      asked for

    ✓ resolve    0.42 s  slack 2.1.0 from acme
    ✗ fetch      0.42 s
    - unpack     0.42 s

    warning: the index of acme is 3 days old

    error: cannot fetch `https://h/slack.tar.gz`
    hint: packctl registry list
    ");
}

#[test]
fn a_page_tells_how_far_a_job_is() {
    let mut view = job(3, "install slack", JobStatus::Running);
    view.steps = vec![step(StepName::Fetch, StepStatus::Running, None)];
    view.progress = Some(ProgressView {
        step: StepName::Fetch,
        done: 1024 * 1024,
        total: Some(4 * 1024 * 1024),
        unit: ProgressUnit::Bytes,
    });
    let page = page(&view, now(), Width::Unlimited);
    assert_snapshot!(anstream::adapter::strip_str(&page).to_string(), @"
    job 3: install slack

    status     running
    requested  2026-03-01 11:59:59 UTC, 5 min ago by ada, packctl/0.1.0
    started    2026-03-01 12:00:00 UTC, 5 min ago
    progress   fetch: 1.00 MiB of 4.00 MiB

    … fetch
    ");
}
