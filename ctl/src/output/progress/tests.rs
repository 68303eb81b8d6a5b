use insta::assert_snapshot;
use packd_wire::JobStatus;
use serde_json::{Value, json};

use super::*;
use crate::command::changes::tests::job;
use crate::output::tests::Written;

fn event(job: i64, pack_ref: Option<&str>, kind: EventKind, data: Value) -> EventView {
    EventView {
        seq: None,
        at: "2026-03-01T12:00:00Z".to_owned(),
        kind,
        job: Some(job),
        pack_ref: pack_ref.map(str::to_owned),
        data,
    }
}

#[test]
fn steps_of_two_jobs_stand_in_columns() {
    let written = Written::default();
    let mut progress = Progress::lines(written.stream());
    progress.add(&job(1, "install slack@^2", JobStatus::Queued));
    progress.add(&job(
        2,
        "install https://h/packs/pagerduty.tar.gz",
        JobStatus::Queued,
    ));
    for event in [
        event(1, None, EventKind::JobStarted, json!({"attempt": 1})),
        event(
            1,
            None,
            EventKind::StepStarted,
            json!({"step": "resolve", "message": "asking"}),
        ),
        event(
            1,
            None,
            EventKind::StepCompleted,
            json!({"step": "resolve", "message": "slack 2.1.0 from acme", "duration_ms": 12}),
        ),
        event(
            2,
            None,
            EventKind::Warning,
            json!({"message": "no checksum\u{1b}[31m"}),
        ),
        event(
            1,
            Some("slack"),
            EventKind::StepCompleted,
            json!({"step": "fetch", "message": "1.20 MiB", "duration_ms": 840}),
        ),
        event(
            2,
            None,
            EventKind::StepCompleted,
            json!({"step": "activate", "message": null, "duration_ms": 72_000}),
        ),
        event(2, None, EventKind::Info, json!({"message": "generation 7"})),
        event(2, None, EventKind::JobSucceeded, json!({"changed": true})),
    ] {
        progress.event(&event);
    }
    assert_snapshot!(written.text(), @r"
    ✓ slack             resolve    0.01 s  slack 2.1.0 from acme
    warning: pagerduty.tar.gz: no checksum\u{1b}[31m
    ✓ slack             fetch      0.84 s  1.20 MiB
    ✓ pagerduty.tar.gz  activate  1 min 12 s
      pagerduty.tar.gz  generation 7
    ");
    assert_eq!(progress.told(2), ["no checksum\u{1b}[31m"]);
    assert!(progress.told(1).is_empty(), "job 1 had no warning");
}

/// Fetch and unpack under way, then the event of a failed attempt, then the next attempt.
fn failed_attempt(kind: EventKind, data: Value) -> String {
    let written = Written::default();
    let mut progress = Progress::lines(written.stream());
    progress.add(&job(1, "install slack", JobStatus::Queued));
    for (kind, data) in [
        (EventKind::JobStarted, json!({"attempt": 1})),
        (EventKind::StepStarted, json!({"step": "fetch"})),
        (EventKind::StepStarted, json!({"step": "unpack"})),
        (kind, data),
        (EventKind::JobStarted, json!({"attempt": 2})),
    ] {
        progress.event(&event(1, None, kind, data));
    }
    assert!(
        progress.told(1).is_empty(),
        "a failed attempt is no warning of the job"
    );
    written.text()
}

#[test]
fn a_failed_attempt_says_which_step_and_why_and_when_the_next_one_is() {
    let error = json!({
        "detail": "cannot download the archive",
        "causes": ["cannot connect to `h:1`", "Connection refused (os error 111)"],
        "step": "fetch",
    });
    let told = failed_attempt(
        EventKind::Warning,
        json!({
            "message": "attempt 1 failed: cannot download the archive",
            "error": error, "retry_at": "2026-03-01T12:00:01.99Z", "attempt": 1,
        }),
    );
    assert_snapshot!(told, @"
    ✗ slack  fetch
      slack  cannot download the archive: cannot connect to `h:1`: Connection refused (os error 111); trying again in 2 s
      slack  attempt 2
    ");
    let told = failed_attempt(
        EventKind::JobFailed,
        json!({"error": error, "retry_at": "2026-03-01T12:00:05Z", "attempt": 1}),
    );
    assert_snapshot!(told, @"
    ✗ slack  fetch
      slack  cannot download the archive: cannot connect to `h:1`: Connection refused (os error 111); trying again in 5 s
      slack  attempt 2
    ");
    // a daemon that does not name the step
    let told = failed_attempt(
        EventKind::JobFailed,
        json!({"error": {"detail": "connection reset"}, "retry_at": "2026-03-01T12:00:05Z"}),
    );
    assert_snapshot!(told, @"
    ✗ slack  unpack
      slack  connection reset; trying again in 5 s
      slack  attempt 2
    ");
}

#[test]
fn a_final_failure_leaves_its_words_to_the_end() {
    let written = Written::default();
    let mut progress = Progress::lines(written.stream());
    progress.add(&job(1, "install slack", JobStatus::Queued));
    let error = json!({"detail": "digest of `u` is a, expected b", "step": "fetch"});
    for (kind, data) in [
        (EventKind::StepStarted, json!({"step": "fetch"})),
        (EventKind::StepStarted, json!({"step": "unpack"})),
        (
            EventKind::JobFailed,
            json!({"error": error, "retry_at": null}),
        ),
    ] {
        progress.event(&event(1, None, kind, data));
    }
    assert_snapshot!(written.text(), @"✗ slack  fetch");
}

#[test]
fn a_queued_job_says_what_it_waits_for() {
    let written = Written::default();
    let mut progress = Progress::lines(written.stream());
    for (id, name) in [(7, "slack"), (8, "http"), (9, "aws")] {
        let job = job(id, &format!("install {name}"), JobStatus::Queued);
        progress.add(&job);
        progress.queued(id);
        assert!(progress.owes_a_word(id), "nothing was said of {name}");
    }
    let waits = json!({"message": "waits for job 7, which may touch the same packs"});
    progress.event(&event(8, None, EventKind::Info, waits));
    progress.event(&event(
        9,
        None,
        EventKind::JobStarted,
        json!({"attempt": 1}),
    ));
    progress.still_queued(7, &[job(5, "install big", JobStatus::Running)]);
    for id in [7, 8, 9] {
        assert!(!progress.owes_a_word(id), "something was said of {id}");
    }
    assert_snapshot!(written.text(), @"
    http   queued as job 8; waits for job 7, which may touch the same packs
    slack  queued as job 7; at work: job 5 (install big)
    ");
}

#[test]
fn a_long_download_is_told_in_tenths_and_a_short_one_not_at_all() {
    let written = Written::default();
    let mut progress = Progress::lines(written.stream());
    progress.add(&job(1, "install slack", JobStatus::Queued));
    let mib = 1024 * 1024;
    for (url, done, total) in [
        ("u", 0, Some(20 * mib)),
        ("u", mib, Some(20 * mib)),
        ("u", 5 * mib, Some(20 * mib)),
        ("u", 5 * mib + 1, Some(20 * mib)),
        ("u", 20 * mib, Some(20 * mib)),
        ("short", mib, Some(2 * mib)),
        ("unknown", 100 * mib, None),
    ] {
        let data = json!({"url": url, "downloaded_bytes": done, "total_bytes": total});
        progress.event(&event(1, None, EventKind::Downloading, data));
    }
    assert_snapshot!(written.text(), @"
    slack  fetch        20 %  of 20.00 MiB
    slack  fetch       100 %  of 20.00 MiB
    ");
}

#[test]
fn a_label_is_the_pack_or_what_was_asked_for() {
    for (summary, name) in [
        ("install slack@^2", "slack"),
        ("install https://h/p/slack.tar.gz", "slack.tar.gz"),
        ("upload /home/me/packs/slack/", "slack"),
        ("remove slack", "slack"),
        ("odd", "odd"),
    ] {
        assert_eq!(
            label(&job(1, summary, JobStatus::Queued)),
            name,
            "{summary}"
        );
    }
}
