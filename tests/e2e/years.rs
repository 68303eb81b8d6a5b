//! Hosts that have run for years: many generations, many packs, a clock that was set.

use packd_tests::{Clock, PackTree, Packd, Settings, Site, support::many};
use packd_wire::{EventKind, JobStatus};
use serde_json::json;

const DAY: i64 = 86_400;

fn packs() -> Vec<PackTree> {
    let versions = ["1.0.0", "2.0.0"].map(|version| PackTree::new("slack", version));
    [PackTree::new("teams", "1.0.0")]
        .into_iter()
        .chain(versions)
        .collect()
}

#[test]
fn ten_thousand_packs_are_listed_kept_and_changed() {
    const COUNT: usize = 10_000;
    let site = Site::serving(&packs());
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.terminate();
    many::packs(&packd.state_dir(), COUNT);

    packd.begin();
    assert_eq!(packd.packs().len(), COUNT + 1);
    packd.ctl(["install", "slack@2.0.0"]).success();
    packd.ctl(["remove", "many00000"]).success();

    assert_eq!(packd.current().len(), COUNT);
    assert_eq!(packd.packs().len(), COUNT);
    packd.restart();
    assert_eq!(packd.packs().len(), COUNT, "the same after a start");
}

#[test]
fn five_thousand_generations_are_in_nobodys_way() {
    const COUNT: i64 = 5_000;
    let site = Site::serving(&packs());
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.terminate();
    many::generations(&packd.state_dir(), COUNT);

    packd.begin();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    let job = packd.ctl(["-j", "install", "slack@2.0.0"]).success().job();
    assert_eq!(job.generation, Some(COUNT + 2));
    packd.restart();
    assert_eq!(packd.active(), ["slack 2.0.0"]);
}

#[test]
fn a_clock_that_jumps_loses_no_job_and_no_event() {
    // without certificates, which are rightly refused at another time
    let mut site = Site::serving([]);
    for pack in packs() {
        site.offer_plainly(&pack);
    }
    let plain = json!({"allow_http": true});
    let settings = Settings::new().registry("demo", &site.plain_url("index.json"), &plain);
    let mut packd = Packd::prepare(&settings);
    let clock = Clock::of(&mut packd);
    packd.begin();
    packd.ctl(["install", "slack@1.0.0"]).success();
    // as a host whose battery is empty, and then as one whose time server lies
    for (seconds, version) in [
        (-9_000 * DAY, "2.0.0"),
        (3_000 * DAY, "1.0.0"),
        (-DAY, "2.0.0"),
    ] {
        clock.off_by(seconds);
        let source = format!("slack@{version}");
        let job = packd.ctl(["-j", "install", &source]).success().job();
        assert!(job.changed, "{job:#?}");
        assert_eq!(packd.active(), [format!("slack {version}")]);
        packd.restart();
        assert_eq!(packd.active(), [format!("slack {version}")], "{seconds}");
    }

    // a job that waits for its next attempt does not wait for years
    clock.off_by(3_000 * DAY);
    site.stop();
    let job = packd
        .ctl(["-j", "install", "teams", "--no-wait"])
        .success()
        .job()
        .id;
    packd.wait_for(job, |event| {
        event.kind == EventKind::Warning || event.kind == EventKind::Info
    });
    clock.off_by(-3_000 * DAY);
    site.resume();
    let job = packd.finished(job);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");

    let events = packd.events("?since=0");
    let mut seen = Vec::new();
    for event in events {
        seen.push(event.seq.unwrap());
        if event.kind == EventKind::JobSucceeded && event.job == Some(job.id) {
            break;
        }
    }
    // a clock that is years ahead for an hour makes nothing old
    let wanted: Vec<i64> = (1..).take(seen.len()).collect();
    assert_eq!(
        seen, wanted,
        "events keep their order, whatever the clock says"
    );
}
