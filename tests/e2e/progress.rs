//! What packctl tells of a job while it goes on, or does not.

use packd_tests::{Fault, PackTree, Packd, Settings, Site};
use packd_wire::{ErrorKind, StepName, StepStatus};

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0")
}

/// With every worker busy, whoever waits is told that, and for whom.
#[test]
fn a_job_that_waits_for_a_worker_says_who_is_at_work() {
    let site = Site::serving([&slack(), &PackTree::new("teams", "1.0.0")]);
    let fault = Fault::before(&site).stall_after(0);
    let packd = Packd::start(&Settings::for_site(&site).set("queue.workers", 1));
    let url = fault.url("packs/slack-2.1.0.tar.gz");
    let busy = packd
        .ctl(["-j", "install", &url, "--no-wait"])
        .success()
        .job();
    fault.wait_until_stalled(1);

    packd
        .ctl(["install", "teams", "--timeout", "3"])
        .failure(7)
        .says(&format!(
            "teams  queued as job {}; at work: job {} (install {url})",
            busy.id + 1,
            busy.id
        ));
    fault.release();
}

#[test]
fn an_attempt_that_failed_says_why_and_when_the_next_one_is() {
    let packd = Packd::start(&Settings::new().set("queue.retries", 1));
    // port 1 is nobody's
    let ran = packd.ctl(["install", "https://127.0.0.1:1/slack.tar.gz"]);
    ran.failure(6)
        .says("✗ slack.tar.gz  fetch\n")
        .says("cannot connect to `127.0.0.1:1`: ")
        .says("Connection refused")
        .says("; trying again in 2 s\n")
        .says("attempt 2\n");
    assert!(
        !ran.stderr().contains("✗ slack.tar.gz  unpack"),
        "nothing came that could be unpacked:\n{}",
        ran.stderr()
    );
}

#[test]
fn the_step_that_failed_is_the_one_that_is_blamed() {
    let mut site = Site::serving([]);
    site.offer_with_checksum(&slack(), &format!("sha256:{}", "0".repeat(64)));
    let text = site.root().join("text.tar.gz");
    fs_err::write(&text, "this is no archive").unwrap();
    let packd = Packd::start(&Settings::for_site(&site));
    let text = site.url("text.tar.gz");
    for (source, kind, failed, stopped) in [
        (
            "slack",
            ErrorKind::DigestMismatch,
            StepName::Fetch,
            StepName::Unpack,
        ),
        (
            &text,
            ErrorKind::UnsupportedArchive,
            StepName::Unpack,
            StepName::Fetch,
        ),
    ] {
        let ran = packd.ctl(["-j", "install", source]);
        ran.failure(1);
        let job = ran.job();
        let problem = job.error.as_ref().unwrap();
        assert_eq!((problem.kind, problem.step), (kind, Some(failed)));
        let status = |name| {
            let step = job.steps.iter().find(|step| step.name == name);
            step.map(|step| step.status)
        };
        assert_eq!(status(failed), Some(StepStatus::Failed), "{job:#?}");
        assert_eq!(status(stopped), Some(StepStatus::Stopped), "{job:#?}");
        assert!(
            ran.stderr().contains(&format!("  {}\n", failed.as_str()))
                && !ran.stderr().contains(&format!("  {}\n", stopped.as_str())),
            "{}",
            ran.stderr()
        );
    }
}

#[test]
fn the_log_of_a_job_has_its_events_and_what_tests_wrote() {
    let tested = PackTree::new("slack", "2.1.0").saying(
        "ref: slack\nversion: 2.1.0\ntesting: {runners: {s: {type: script, entry_point: actions/say.sh}}}\n",
    );
    let site = Site::serving([&tested]);
    let packd = Packd::start(&Settings::for_site(&site));
    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    let id = job.id.to_string();
    let log: serde_json::Value = packd
        .ctl(["-j", "job", "show", &id, "--log"])
        .success()
        .json();
    assert_eq!(log["job"]["id"], job.id);
    let kinds: Vec<_> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["kind"])
        .collect();
    assert_eq!(
        kinds.first().unwrap().as_str(),
        Some("job_queued"),
        "{kinds:?}"
    );
    assert_eq!(
        kinds.last().unwrap().as_str(),
        Some("job_succeeded"),
        "{kinds:?}"
    );
    assert_eq!(log["tests"][0]["job"], job.id);
    assert!(log["tests"][0]["report"].is_object(), "{log:#}");
    let ran = packd.ctl(["job", "show", &id, "--log"]);
    ran.success();
    for text in [
        "status",
        "job_queued",
        "step_completed",
        "job_succeeded",
        "slack 2.1.0",
    ] {
        assert!(ran.stdout().contains(text), "{text}: {ran:#?}");
    }
}
