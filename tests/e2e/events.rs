//! The stream of events: in order, nothing twice, nothing lost.

use packd_tests::{
    EventStream, Fault, Format, PackTree, Packd, Settings, Site, support::events::Framing,
};
use packd_wire::{EventKind, EventList, EventView, path};

fn numbers(events: &[EventView]) -> Vec<i64> {
    events.iter().filter_map(|event| event.seq).collect()
}

fn stored(packd: &Packd) -> Vec<EventView> {
    let target = format!("{}?since=0&follow=false&limit=1000", path::EVENTS);
    let list: EventList = packd.get(&target).expect(200).json();
    assert_eq!(list.next, None);
    list.events
}

fn is_end(event: &EventView) -> bool {
    matches!(
        event.kind,
        EventKind::JobSucceeded | EventKind::JobFailed | EventKind::JobCancelled
    )
}

#[test]
fn a_job_tells_its_story_in_order() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let job = packd.ctl(["-j", "install", "slack"]).success().job();

    let events = packd.wait_for(job.id, is_end);

    let kinds: Vec<EventKind> = events
        .iter()
        .filter(|event| event.seq.is_some())
        .map(|event| event.kind)
        .collect();
    assert_eq!(
        kinds[..2],
        [EventKind::JobQueued, EventKind::JobStarted],
        "{kinds:?}"
    );
    assert_eq!(kinds.last(), Some(&EventKind::JobSucceeded));
    for kind in [EventKind::PackInstalled, EventKind::GenerationActivated] {
        assert_eq!(
            kinds.iter().filter(|one| **one == kind).count(),
            1,
            "{kinds:?}"
        );
    }
    let steps = |kind| kinds.iter().filter(|one| **one == kind).count();
    assert_eq!(
        steps(EventKind::StepStarted),
        steps(EventKind::StepCompleted),
        "{kinds:?}"
    );
    assert!(numbers(&events).is_sorted());
}

#[test]
fn a_stream_that_was_cut_is_resumed_without_loss_or_repetition() {
    let names = ["alpha", "beta", "gamma", "delta"];
    let packs = names.map(|name| PackTree::new(name, "1.0.0"));
    let site = Site::serving(&packs);
    let mut packd = Packd::start(&Settings::for_site(&site));
    let mut seen: Vec<EventView> = Vec::new();
    let mut framings = [Framing::Sse, Framing::Ndjson].into_iter().cycle();

    // one cut per event at first, then in the middle of things, then across restarts
    packd.ctl(["install", "alpha"]).success();
    let mut open = |packd: &Packd, seen: &[EventView]| {
        let last = numbers(seen).last().copied().unwrap_or(0).to_string();
        let socket = packd.socket();
        match framings.next().unwrap() {
            // browsers and curl resume by header, scripts by query
            Framing::Sse if last != "0" => {
                EventStream::open(&socket, Framing::Sse, "", &[("Last-Event-ID", &last)])
            }
            framing => EventStream::open(&socket, framing, &format!("?since={last}"), &[]),
        }
    };
    for _ in 0..6 {
        let mut stream = open(&packd, &seen);
        seen.extend(stream.until(|event| event.seq.is_some()));
    }
    let mut stream = open(&packd, &seen);
    packd.ctl(["install", "beta"]).success();
    seen.extend(stream.until(|event| event.kind == EventKind::PackInstalled));
    drop(stream);

    packd.restart();
    packd.ctl(["install", "gamma"]).success();
    let mut stream = open(&packd, &seen);
    seen.extend(stream.until(|event| {
        event.kind == EventKind::PackInstalled && event.pack_ref.as_deref() == Some("gamma")
    }));
    packd.kill();
    assert_eq!(
        stream
            .filter(|event| event.kind == EventKind::JobQueued)
            .count(),
        0
    );
    packd.begin();
    let mut stream = open(&packd, &seen);
    let job = packd.ctl(["-j", "install", "delta"]).success().job();
    seen.extend(stream.until(|event| is_end(event) && event.job == Some(job.id)));

    let seen = numbers(&seen);
    let all = numbers(&stored(&packd));
    assert_eq!(
        seen,
        all[..seen.len()],
        "each number once, in order, none left out"
    );
    assert!(all.is_sorted());
}

#[test]
fn progress_is_told_while_it_happens_and_not_stored() {
    let mut site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(300_000);
    let pack = PackTree::new("slack", "2.1.0").with_bulk(60, 20_000);
    site.offer_through(&fault, &pack, Format::TarGz);
    let packd = Packd::start(&Settings::for_site(&site));
    let mut stream = packd.events("");
    let id = packd
        .ctl(["-j", "install", "slack", "--no-wait"])
        .success()
        .job()
        .id;
    fault.wait_until_stalled(1);

    let told = stream.until(|event| event.kind == EventKind::Downloading);

    let progress = told.last().unwrap();
    assert_eq!(progress.seq, None);
    assert_eq!(progress.job, Some(id));
    let size = pack.archive(Format::TarGz).bytes.len();
    assert_eq!(progress.data["total_bytes"], size);
    assert!(progress.data["downloaded_bytes"].as_u64().unwrap() <= size as u64);
    fault.release();
    stream.until(is_end);
    assert!(
        stored(&packd)
            .iter()
            .all(|event| event.kind != EventKind::Downloading)
    );
}

#[test]
fn events_can_be_chosen_by_job_and_by_kind() {
    let packs = ["alpha", "beta"].map(|name| PackTree::new(name, "1.0.0"));
    let site = Site::serving(&packs);
    let packd = Packd::start(&Settings::for_site(&site));
    let jobs = ["alpha", "beta"].map(|name| packd.ctl(["-j", "install", name]).success().job().id);

    let events = packd.wait_for(jobs[1], is_end);
    assert!(
        events.iter().all(|event| event.job == Some(jobs[1])),
        "{events:#?}"
    );

    let mut stream = packd.events("?since=0&kind=pack_installed,pack_removed");
    let installed = stream.until(|event| event.pack_ref.as_deref() == Some("beta"));
    assert_eq!(installed.len(), 2, "{installed:#?}");

    let mut stream = packd.events("?since=0&ref=alpha&kind=pack_installed");
    let first = stream.next().unwrap();
    assert_eq!(first.pack_ref.as_deref(), Some("alpha"));
}

#[test]
fn packctl_follows_events_as_lines_of_json() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let ran = packd.ctl(["-o", "ndjson", "events", "--since", "0"]);
    ran.success();
    let events: Vec<EventView> = ran
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(numbers(&events), numbers(&stored(&packd)));
}

#[test]
fn the_stored_events_are_one_document_and_a_stream_is_lines() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let lines: Vec<EventView> = packd
        .ctl(["-o", "ndjson", "events"])
        .success()
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 10, "{lines:#?}");

    let document: EventList = packd.ctl(["-j", "events"]).success().json();
    assert_eq!(document.events, lines);
    assert_eq!(document.next, None, "all of them are there");
    let yaml = packd.ctl(["-o", "yaml", "events"]);
    let documents: Vec<&str> = yaml.stdout().split("---\n").collect();
    assert!(
        documents.len() == 1 && documents[0].starts_with("events:\n- "),
        "{}",
        yaml.stdout()
    );
    let none: EventList = packd.ctl(["-j", "events", "--job", "99"]).success().json();
    assert_eq!(none.events, [], "also nothing is a document");
}

#[test]
fn who_follows_a_pack_hears_how_its_jobs_end() {
    let mut site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let wrong = format!("sha256:{}", "0".repeat(64));
    site.offer_with_checksum(&PackTree::new("bad", "1.0.0"), &wrong);
    let packd = Packd::start(&Settings::for_site(&site).set("queue.retries", 0));
    packd.ctl(["install", "bad"]).failure(1);
    packd.ctl(["install", "slack"]).success();
    let of = |pack: &str| -> Vec<EventKind> {
        let target = format!("{}?since=0&follow=false&ref={pack}", path::EVENTS);
        let list: EventList = packd.get(&target).expect(200).json();
        list.events.iter().map(|event| event.kind).collect()
    };
    for (pack, end) in [
        ("bad", EventKind::JobFailed),
        ("slack", EventKind::JobSucceeded),
    ] {
        let kinds = of(pack);
        for kind in [EventKind::JobQueued, EventKind::StepStarted, end] {
            assert!(kinds.contains(&kind), "{pack}: no {kind:?} in {kinds:?}");
        }
    }
}
