use insta::assert_snapshot;
use packd_wire::{ErrorKind, JobKind, JobStatus, PlanView, Problem, Requester};
use serde_json::json;

use super::*;
use crate::args::Format;
use crate::output::tests::output;

/// A job that took 1.25 s when it has ended, and has changed nothing yet.
pub(crate) fn job(id: i64, summary: &str, status: JobStatus) -> JobView {
    JobView {
        id,
        kind: JobKind::Install,
        summary: summary.to_owned(),
        status,
        changed: false,
        request: json!({}),
        requested_by: Requester {
            uid: 1000,
            user: Some("ada".to_owned()),
            pid: Some(4711),
            agent: Some("packctl/0.1.0".to_owned()),
        },
        automatic: false,
        plan: None,
        steps: Vec::new(),
        progress: None,
        attempt: 1,
        retry_at: None,
        generation: None,
        gc: None,
        warnings: Vec::new(),
        hooks: Vec::new(),
        error: None,
        created_at: "2026-03-01T11:59:59Z".to_owned(),
        started_at: Some("2026-03-01T12:00:00Z".to_owned()),
        finished_at: status
            .is_finished()
            .then(|| "2026-03-01T12:00:01.25Z".to_owned()),
        verify: None,
        waits_for: None,
    }
}

/// A line of a plan.
pub(crate) fn change(
    name: &str,
    action: ChangeAction,
    from: Option<&str>,
    to: Option<&str>,
) -> PlanChange {
    PlanChange {
        pack_ref: Some(name.to_owned()),
        action,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        registry: Some("acme".to_owned()),
        source: Some("https://packs.acme.example/p.tar.gz".to_owned()),
        path: None,
        available: None,
        git_ref: None,
        commit: None,
        digest: None,
        reason: "asked for".to_owned(),
    }
}

fn done(changes: Vec<PlanChange>) -> JobView {
    let mut view = job(1, "install slack", JobStatus::Succeeded);
    view.changed = changes
        .iter()
        .any(|change| change.action != ChangeAction::Keep);
    view.plan = Some(PlanView {
        changes,
        ..PlanView::default()
    });
    view
}

#[test]
fn a_sentence_says_what_has_changed() {
    use ChangeAction::{Downgrade, Install, Keep, Reinstall, Remove, Upgrade};
    let said = |changes| sentence(&done(changes));
    for (action, from, to, sentence) in [
        (
            Install,
            None,
            Some("2.1.0"),
            "slack 2.1.0 installed in 1.2 s",
        ),
        (
            Upgrade,
            Some("2.0.0"),
            Some("2.1.0"),
            "slack upgraded from 2.0.0 to 2.1.0 in 1.2 s",
        ),
        (
            Downgrade,
            Some("2.1.0"),
            Some("2.0.0"),
            "slack downgraded from 2.1.0 to 2.0.0 in 1.2 s",
        ),
        (
            Reinstall,
            Some("2.1.0"),
            Some("2.1.0"),
            "slack 2.1.0 installed again in 1.2 s",
        ),
        (Remove, Some("2.1.0"), None, "slack 2.1.0 removed in 1.2 s"),
        (
            Keep,
            Some("2.1.0"),
            Some("2.1.0"),
            "slack 2.1.0 is already installed",
        ),
    ] {
        assert_eq!(said(vec![change("slack", action, from, to)]), sentence);
    }
    assert_eq!(
        said(vec![
            change("http", Install, None, Some("1.0.0")),
            change("core", Keep, Some("3.0.0"), Some("3.0.0")),
            change("slack", Install, None, Some("2.1.0")),
        ]),
        "http 1.0.0 installed, slack 2.1.0 installed in 1.2 s"
    );
    assert_eq!(said(Vec::new()), "install slack: nothing had to change");
}

#[test]
fn a_removal_of_what_is_not_there_is_done_and_says_so() {
    let mut view = job(1, "remove helo", JobStatus::Succeeded);
    view.kind = JobKind::Remove;
    view.request = json!({"ref": "helo"});
    view.plan = Some(PlanView {
        changes: Vec::new(),
        ..PlanView::default()
    });
    let warning = "`helo` is not installed; did you mean `hello`?";
    view.warnings = vec![warning.to_owned()];
    let (data, talk, ending) = reported(&[view.clone()], Asked::One, Format::Human);
    assert_eq!(
        ending,
        Ending::Exit(Exit::Done),
        "it is as it was asked for"
    );
    assert_snapshot!(data, @"helo is not installed: nothing to remove");
    assert_snapshot!(talk, @"warning: `helo` is not installed; did you mean `hello`?");
    view.request = json!({"ref": "helo", "dry_run": true});
    let (data, _, _) = reported(&[view], Asked::One, Format::Human);
    assert_snapshot!(data, @"helo is not installed: nothing to remove");
}

#[test]
fn a_version_that_is_kept_can_have_been_installed_again() {
    let mut view = done(vec![change(
        "slack",
        ChangeAction::Keep,
        Some("2.1.0"),
        Some("2.1.0"),
    )]);
    view.changed = true;
    assert_eq!(sentence(&view), "slack 2.1.0 installed again in 1.2 s");
}

#[test]
fn dry_runs_show_their_plans_in_one_table() {
    let dry = |changes| {
        let mut view = done(changes);
        view.changed = false;
        view.request = json!({"dry_run": true});
        view
    };
    let http = dry(vec![change(
        "http",
        ChangeAction::Install,
        None,
        Some("1.0.0"),
    )]);
    let slack = dry(vec![change(
        "slack",
        ChangeAction::Upgrade,
        Some("1.9.0"),
        Some("2.1.0"),
    )]);
    let jobs = [http, slack];
    let (data, _, _) = reported(&jobs, Asked::Several, Format::Human);
    assert_snapshot!(data, @"
    REF    CHANGE   FROM   TO     REGISTRY  WHY
    http   install  -      1.0.0  acme      asked for
    slack  upgrade  1.9.0  2.1.0  acme      asked for
    ");
    let (mut out, left, _) = output(Format::Human, false);
    leave(&mut out, &jobs, Asked::Several);
    assert_eq!(left.text(), data, "also when nobody waits for them");

    let (data, _, _) = reported(&[dry(Vec::new())], Asked::One, Format::Human);
    assert_snapshot!(data, @"nothing would change");
}

fn reported(jobs: &[JobView], asked: Asked, format: Format) -> (String, String, Ending) {
    let (mut out, data, talk) = output(format, false);
    let progress = out.progress();
    let ending = report(&mut out, jobs, asked, &progress);
    (data.text(), talk.text(), ending)
}

#[test]
fn the_end_of_several_jobs_is_told_one_by_one() {
    let mut failed = job(2, "install http", JobStatus::Failed);
    failed.error = Some(Problem::new(
        ErrorKind::PackNotFound,
        "no registry offers `http`",
    ));
    let mut good = done(vec![change(
        "slack",
        ChangeAction::Install,
        None,
        Some("2.1.0"),
    )]);
    good.warnings
        .push("the index of acme is 3 days old".to_owned());
    let open = job(3, "install late", JobStatus::Running);

    let jobs = [good, failed, open];
    let (data, talk, ending) = reported(&jobs, Asked::Several, Format::Human);
    assert_eq!(
        ending,
        Ending::Exit(Exit::NotFound),
        "the first that is not done decides"
    );
    assert_snapshot!(data, @"
    slack 2.1.0 installed in 1.2 s
    ");
    assert_snapshot!(talk, @"
    warning: the index of acme is 3 days old
    error: install http: no registry offers `http`
    job: 2, see packctl job show 2
    warning: job 3 goes on: install late
      to watch it:   packctl job watch 3
      to cancel it:  packctl job cancel 3
    ");

    let (data, _, _) = reported(&jobs, Asked::Several, Format::Json);
    let read: Vec<JobView> = serde_json::from_str(&data).expect("an array of jobs");
    assert_eq!(read, jobs, "the wire's shape is what is shown");
}

#[test]
fn a_job_that_goes_on_has_an_exit_code_of_its_own() {
    let open = [job(3, "install late", JobStatus::Running)];
    let (data, _, ending) = reported(&open, Asked::One, Format::Json);
    assert_eq!(ending, Ending::Exit(Exit::StillRunning));
    let read: JobView = serde_json::from_str(&data).expect("one job");
    assert_eq!(read, open[0], "one job is no array");
}

#[test]
fn leaving_names_the_jobs_and_the_commands() {
    let jobs = [job(7, "install slack", JobStatus::Queued)];
    let (mut out, data, talk) = output(Format::Human, false);
    assert_eq!(leave(&mut out, &jobs, Asked::One), Ending::Exit(Exit::Done));
    assert_snapshot!(data.text(), @"
    job 7 queued: install slack
    ");
    assert_snapshot!(talk.text(), @"
    to watch it:   packctl job watch 7
    to cancel it:  packctl job cancel 7
    ");

    let (mut out, data, talk) = output(Format::Human, true);
    leave(&mut out, &jobs, Asked::One);
    assert_eq!(
        (data.text().as_str(), talk.text().as_str()),
        ("7\n", ""),
        "a number for scripts"
    );
}

#[test]
fn detaching_says_that_jobs_go_on() {
    let (mut out, _, talk) = output(Format::Human, false);
    detached(&mut out, &[7]);
    assert_snapshot!(talk.text(), @"

    detached; the job goes on
      to watch it:   packctl job watch 7
      to cancel it:  packctl job cancel 7
    ");
}
