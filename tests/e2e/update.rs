//! Packs that are brought to newer versions by themselves, and what keeps them from it.

use std::time::Instant;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use packd_tests::{
    Fault, Format, PATIENCE, PackTree, Packd, Settings, Site, support::events::EventStream,
};
use packd_wire::{
    EventKind, EventList, JobKind, JobStatus, JobView, StatusView, UpdateDecision, UpdateList,
    UpdateView, UpdatesSummary, path,
};
use rustix::process::Signal;
use serde_json::{Value, json};

/// Updates that begin at once.
fn at_once(site: &Site) -> Settings {
    Settings::for_site(site).set("updates.splay", "0s")
}

fn version(version: &str) -> PackTree {
    PackTree::new("slack", version)
}

/// A daemon with `slack` 1.0.0.
fn with_slack(settings: impl Fn(&Site) -> Settings) -> (Site, Packd) {
    let site = Site::serving(&[version("1.0.0")]);
    let packd = Packd::start(&settings(&site));
    packd.ctl(["install", "slack"]).success();
    (site, packd)
}

/// Has the index read anew.
fn refresh(packd: &Packd) {
    packd.ctl(["registry", "refresh"]).success();
}

/// Tries until something is so.
fn until<T>(what: &str, try_it: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(value) = try_it() {
            return value;
        }
    }
    panic!("{what} never comes");
}

/// What happens from now on.
pub(crate) fn from_now(packd: &Packd) -> EventStream {
    let status: StatusView = packd.get(path::STATUS).expect(200).json();
    packd.events(&format!("?since={}", status.last_event))
}

/// The end of the next job of the kind `update`.
pub(crate) fn updated(packd: &Packd, events: &mut EventStream) -> JobView {
    loop {
        let heard = events
            .until(|event| matches!(event.kind, EventKind::JobSucceeded | EventKind::JobFailed));
        let job = packd.job(heard.last().unwrap().job.unwrap());
        if job.kind == JobKind::Update {
            return job;
        }
    }
}

/// What is said of a pack, once that is this.
pub(crate) fn explained(packd: &Packd, name: &str, decision: UpdateDecision) -> UpdateView {
    until(decision.as_str(), || {
        let list: UpdateList = packd.get(path::UPDATES).expect(200).json();
        let mut updates = list.updates.into_iter();
        updates.find(|one| one.pack_ref == name && one.decision == decision)
    })
}

/// Insists that nothing was queued once that is said of `slack`, and packd has seen it too.
fn stays(packd: &Packd, decision: UpdateDecision) -> UpdateView {
    until("the look at it", || {
        let status: StatusView = packd.get(path::STATUS).expect(200).json();
        let UpdatesSummary {
            pending, blocked, ..
        } = status.updates;
        let expected = (decision.is_pending().into(), decision.is_blocked().into());
        ((pending, blocked) == expected).then_some(())
    });
    let update = explained(packd, "slack", decision);
    let list = packd.ctl(["-j", "job", "list"]).success().json::<Value>();
    let jobs = list["jobs"].as_array().unwrap();
    assert!(jobs.iter().all(|job| job["kind"] != "update"), "{jobs:#?}");
    update
}

fn reload(packd: &mut Packd, settings: &Settings) {
    packd.configure(settings);
    packd.ctl(["status"]).success();
    packd.post(path::RELOAD, &json!({})).expect(200);
}

#[test]
fn a_newer_version_comes_by_itself_after_the_index_was_read() {
    let (mut site, packd) = with_slack(at_once);
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    site.offer(&version("2.0.0"));
    refresh(&packd);
    let job = updated(&packd, &mut events);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(packd.active(), ["slack 1.1.0"], "2.0.0 is not compatible");
    assert_eq!(job.request["origin"], "automatic");
    assert!(job.requested_by.agent.unwrap().starts_with("packd/"));
    assert_eq!(job.summary, "update slack from registry demo");
    let update = explained(&packd, "slack", UpdateDecision::Policy);
    assert_eq!(update.available.as_deref(), Some("2.0.0"));
    packd
        .ctl(["update", "--explain", "slack"])
        .success()
        .says("2.0.0 is further from 1.1.0 than `allow: compatible` permits");
    packd.ctl(["list"]).success().says("2.0.0");
}

#[test]
fn a_held_pack_stays_until_it_is_not_held_any_more() {
    let (mut site, packd) = with_slack(at_once);
    packd
        .ctl(["hold", "slack", "--reason", "a release"])
        .success();
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let update = stays(&packd, UpdateDecision::Held);
    assert!(update.reason.starts_with("it is held, by "), "{update:?}");
    assert!(update.reason.ends_with(": a release"), "{update:?}");
    packd.ctl(["unhold", "slack"]).success();
    updated(&packd, &mut events);
    assert_eq!(packd.active(), ["slack 1.1.0"]);
}

#[test]
fn a_hold_that_ends_lets_the_update_go_by_itself() {
    let (mut site, packd) = with_slack(at_once);
    let until = Timestamp::now().saturating_add(2.seconds()).unwrap();
    let hold = json!({"until": until.to_string()});
    packd.post(&path::pack_hold("slack"), &hold).expect(200);
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let job = updated(&packd, &mut events);
    assert!(
        job.created_at.parse::<Timestamp>().unwrap() >= until,
        "{job:#?}"
    );
    assert_eq!(packd.active(), ["slack 1.1.0"]);
}

#[test]
fn a_hold_that_comes_while_the_job_runs_counts_too() {
    let (mut site, packd) = with_slack(at_once);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    let mut events = from_now(&packd);
    let news = version("1.1.0").with_bulk(4, 128 * 1024);
    site.offer_through(&fault, &news, Format::TarGz);
    refresh(&packd);
    fault.wait_until_stalled(1);
    packd.ctl(["hold", "slack"]).success();
    fault.release();
    let job = updated(&packd, &mut events);
    assert_eq!(
        (job.status, job.changed),
        (JobStatus::Succeeded, false),
        "{job:#?}"
    );
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    packd.staging_is_empty();
    explained(&packd, "slack", UpdateDecision::Held);
}

#[test]
fn what_is_frozen_waits_and_what_somebody_asks_for_does_not() {
    let (mut site, packd) = with_slack(at_once);
    packd
        .ctl([
            "hold",
            "--all",
            "--until",
            "14d",
            "--reason",
            "nobody is here",
        ])
        .success()
        .says("nothing is updated by itself until ");
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let update = stays(&packd, UpdateDecision::Frozen);
    assert!(
        update.next.is_some() && update.reason.contains("nobody is here"),
        "{update:?}"
    );
    packd
        .ctl(["status"])
        .success()
        .says("1 kept back; frozen until ");
    packd
        .ctl(["update", "slack"])
        .success()
        .says("slack upgraded from 1.0.0 to 1.1.0");
    site.offer(&version("1.2.0"));
    refresh(&packd);
    explained(&packd, "slack", UpdateDecision::Frozen);
    updated(&packd, &mut events);
    packd
        .ctl(["unhold", "--all"])
        .success()
        .says("updates are not frozen");
    updated(&packd, &mut events);
    assert_eq!(packd.active(), ["slack 1.2.0"]);
}

/// A window that opens in so many hours, for an hour.
fn window_in(hours: i64) -> Value {
    let time = |hours: i64| {
        let at = Timestamp::now().saturating_add(hours.hours()).unwrap();
        TimeZone::UTC.to_datetime(at).strftime("%H:%M").to_string()
    };
    json!([{"from": time(hours), "to": time(hours + 1), "tz": "UTC"}])
}

#[test]
fn outside_of_its_windows_nothing_is_updated_and_inside_it_is() {
    let closed = |site: &Site| at_once(site).set("updates.windows", window_in(6));
    let (mut site, mut packd) = with_slack(closed);
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let update = stays(&packd, UpdateDecision::Window);
    let begins: Timestamp = update.next.clone().unwrap().parse().unwrap();
    let ahead = begins.duration_since(Timestamp::now());
    assert!(ahead.as_hours() >= 5 && ahead.as_hours() <= 6, "{update:?}");
    packd
        .ctl(["update", "--explain", "slack"])
        .success()
        .says("slack 1.0.0  waits for a window")
        .says("1.1.0 is installed in the next window")
        .says("rules: mode auto, allow compatible; from registry demo");
    packd
        .ctl(["status"])
        .success()
        .says("1 pending, the next in ");
    let open = at_once(&site).set("updates.windows", window_in(0));
    reload(&mut packd, &open);
    updated(&packd, &mut events);
    assert_eq!(packd.active(), ["slack 1.1.0"]);
}

#[test]
fn a_host_waits_for_its_part_of_the_splay_and_a_restart_does_not_begin_anew() {
    let slow = |site: &Site| Settings::for_site(site).set("updates.splay", "24h");
    let (mut site, mut packd) = with_slack(slow);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let before = stays(&packd, UpdateDecision::Due);
    assert!(before.next.is_some(), "{before:?}");
    packd.restart();
    let after = stays(&packd, UpdateDecision::Due);
    assert_eq!(after.next, before.next);
}

#[test]
fn a_version_for_nobody_yet_waits_and_one_for_everybody_comes() {
    let (mut site, packd) = with_slack(at_once);
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    site.phase(&version("1.1.0"), 0);
    refresh(&packd);
    let update = stays(&packd, UpdateDecision::Phase);
    assert_eq!(
        update.reason,
        "1.1.0 is for 0 % of all hosts so far, and this one is not among them"
    );
    site.phase(&version("1.1.0"), 100);
    refresh(&packd);
    updated(&packd, &mut events);
    assert_eq!(packd.active(), ["slack 1.1.0"]);
}

#[test]
fn in_the_mode_notify_an_event_says_once_of_each_version_that_it_is_there() {
    let notify =
        |site: &Site| at_once(site).set("updates.packs", json!({"slack": {"mode": "notify"}}));
    let (mut site, mut packd) = with_slack(notify);
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let heard = events.until(|event| event.kind == EventKind::UpdateAvailable);
    let told = heard.last().unwrap();
    assert_eq!(told.pack_ref.as_deref(), Some("slack"));
    assert_eq!(
        told.data,
        json!({"from": "1.0.0", "version": "1.1.0", "registry": "demo"})
    );
    packd.restart();
    stays(&packd, UpdateDecision::Notify);
    let mut events = from_now(&packd);
    site.offer(&version("1.2.0"));
    refresh(&packd);
    let heard = events.until(|event| event.kind == EventKind::UpdateAvailable);
    assert_eq!(heard.last().unwrap().data["version"], "1.2.0");
    let all = format!(
        "{}?follow=false&since=0&kind=update_available",
        path::EVENTS
    );
    let all: EventList = packd.get(&all).expect(200).json();
    assert_eq!(all.events.len(), 2, "once for each version: {all:#?}");
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn in_the_mode_off_nothing_happens_and_a_registry_may_have_its_own() {
    let off = |site: &Site| at_once(site).set("updates.mode", "off");
    let (mut site, packd) = with_slack(off);
    let mut events = from_now(&packd);
    site.offer(&version("1.1.0"));
    refresh(&packd);
    let update = stays(&packd, UpdateDecision::Off);
    assert_eq!(
        update.reason,
        "1.1.0 is there, and `mode: off` leaves it to you"
    );
    let own = Settings::new()
        .registry(
            "demo",
            &site.url("index.json"),
            &json!({"updates": {"mode": "auto"}}),
        )
        .set("net.ca_file", site.authority().to_str())
        .set("updates.mode", "off")
        .set("updates.splay", "0s");
    packd.configure(&own);
    packd.signal(Signal::HUP);
    updated(&packd, &mut events);
    assert_eq!(packd.active(), ["slack 1.1.0"]);
}

#[test]
fn somebody_updates_what_they_name_whatever_the_policy_says() {
    let off = |site: &Site| at_once(site).set("updates.mode", "off");
    let (mut site, packd) = with_slack(off);
    packd
        .ctl(["update", "slack"])
        .success()
        .says("slack 1.0.0 is already installed");
    site.offer(&version("2.0.0"));
    refresh(&packd);
    packd
        .ctl(["update", "slack", "--dry-run"])
        .success()
        .says("upgrade");
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    packd
        .ctl(["update", "--all"])
        .success()
        .says("slack upgraded from 1.0.0 to 2.0.0");
    packd
        .ctl(["update", "jira"])
        .failure(3)
        .says("`jira` is not installed");
    packd.ctl(["hold", "slack"]).success();
    site.offer(&version("2.1.0"));
    refresh(&packd);
    packd.ctl(["update", "slack"]).failure(1).says("is held");
    packd
        .ctl(["update", "--all"])
        .success()
        .says("`slack` stays as it is: it is held");
    packd
        .ctl(["update", "--explain", "slak"])
        .failure(3)
        .says("did you mean `slack`?");
}
