//! What nothing needs any more goes, and nothing else: with processes that use it, jobs meanwhile, and kills.

use std::collections::BTreeSet;
use std::process::{Child, Command};

use packd_tests::{PackTree, Packd, Person, Request, Settings, Site, Strace, support::strace};
use packd_wire::{
    EventKind, GcItem, GcKind, GcView, GenerationList, JobKind, JobList, JobStatus, JobView, path,
};
use serde_json::json;

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version)
        .file("version", version)
        .file("bulk", vec![b'x'; 20_000])
}

/// Versions 1.0.0 to `count`.0.0, installed one after the other, with this configuration for gc.
fn installed(count: u32, keep: u32) -> (Site, Packd) {
    let packs: Vec<PackTree> = (1..=count).map(|n| slack(&format!("{n}.0.0"))).collect();
    let site = Site::serving(&packs);
    let packd = Packd::start(&settings(&site, keep));
    for n in 1..=count {
        packd.ctl(["install", &format!("slack@{n}.0.0")]).success();
    }
    (site, packd)
}

fn settings(site: &Site, keep: u32) -> Settings {
    Settings::for_site(site)
        .set("store.keep_generations", keep)
        .set("store.keep_for", "0s")
        .set("store.min_free", 0)
}

fn gc(packd: &Packd, words: &[&str]) -> GcView {
    let job: JobView = packd.ctl(["-j", "gc"].iter().chain(words)).success().job();
    assert_eq!((job.kind, job.status), (JobKind::Gc, JobStatus::Succeeded));
    job.gc.unwrap()
}

fn generations(packd: &Packd) -> Vec<i64> {
    let target = format!("{}?limit=1000", path::GENERATIONS);
    let list: GenerationList = packd.get(&target).expect(200).json();
    list.generations.iter().map(|one| one.number).collect()
}

/// The names of the things of a kind.
fn named(view: &GcView, kind: GcKind) -> Vec<&str> {
    let items = view.items.iter().filter(|item| item.kind == kind);
    items.map(|item| item.name.as_str()).collect()
}

/// All that lies in `store/`, `generations/` and `quarantine/`, by name.
fn everything(packd: &Packd) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for top in ["store", "generations", "quarantine", "staging", "uploads"] {
        let folder = packd.state_dir().join(top);
        for entry in fs_err::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if top == "store" {
                for entry in fs_err::read_dir(&path).unwrap() {
                    found.insert(entry.unwrap().path().display().to_string());
                }
            } else {
                found.insert(path.display().to_string());
            }
        }
    }
    found
}

/// A process that does nothing in a folder.
struct Sleeper(Child);

impl Sleeper {
    fn within(folder: &std::path::Path) -> Self {
        let mut command = Command::new("sleep");
        Self(command.arg("600").current_dir(folder).spawn().unwrap())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[test]
fn of_fifteen_versions_the_newest_stay_and_can_be_gone_back_to() {
    let (_site, packd) = installed(15, 10);
    packd
        .ctl(["generations", "pin", "2", "--reason", "before the move"])
        .success();

    let plan = gc(&packd, &["--dry-run"]);
    assert!(plan.dry_run);
    assert_eq!(named(&plan, GcKind::Generation), ["1", "3", "4", "5"]);
    assert_eq!(packd.store().len(), 15, "a dry run removes nothing");

    let done = gc(&packd, &[]);
    assert_eq!(
        (&done.items, done.bytes, done.count),
        (&plan.items, plan.bytes, plan.count),
        "what was announced went"
    );
    assert_eq!(named(&done, GcKind::Tree).len(), 4);
    assert!(done.bytes > 4 * 1_000, "{done:#?}");
    assert_eq!(generations(&packd), [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 2]);
    assert_eq!(packd.store().len(), 11);
    packd.staging_is_empty();
    let folders = fs_err::read_dir(packd.state_dir().join("generations"));
    assert_eq!(folders.unwrap().count(), 11);

    for number in ["6", "2", "14"] {
        packd.ctl(["rollback", "--generation", number]).success();
        assert_eq!(packd.active(), [format!("slack {number}.0.0")]);
        assert!(packd.pack_dir("slack").join("version").is_file());
    }
    packd
        .ctl(["rollback", "--generation", "3"])
        .failure(3)
        .says("there is no generation 3");
    // a version that went is brought again, and no number is used twice
    packd.ctl(["install", "slack@1.0.0"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    assert_eq!(generations(&packd)[0], 19);
    packd
        .ctl(["gc", "--dry-run"])
        .success()
        .says("would be freed");
    gc(&packd, &[]);
    packd.ctl(["gc"]).success().says("nothing to remove");
}

#[test]
fn young_generations_stay_however_many_they_are() {
    let packs = ["1.0.0", "2.0.0", "3.0.0"].map(slack);
    let site = Site::serving(&packs);
    let settings = settings(&site, 1).set("store.keep_for", "1h");
    let packd = Packd::start(&settings);
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        packd
            .ctl(["install", &format!("slack@{version}")])
            .success();
    }
    assert_eq!(gc(&packd, &[]).items, Vec::<GcItem>::new());
    assert_eq!(generations(&packd), [3, 2, 1]);
}

#[test]
fn a_tree_that_a_process_works_in_stays_until_that_has_ended() {
    let (_site, packd) = installed(3, 1);
    let old = packd.store().remove(0);
    let sleeper = Sleeper::within(&packd.state_dir().join("store").join(&old));
    let pid = sleeper.0.id();

    packd
        .ctl(["gc", "--dry-run"])
        .success()
        .says(&format!("process {pid} (`sleep`) uses it"));
    let view = gc(&packd, &[]);
    assert_eq!(view.left.len(), 1, "{view:#?}");
    let left = &view.left[0];
    assert_eq!(
        (left.kind, &left.name, left.pid, left.by.as_str()),
        (GcKind::Tree, &old, pid, "cwd")
    );
    assert_eq!(left.command, "sleep");
    assert_eq!(packd.store().len(), 2, "the other one went");
    assert_eq!(generations(&packd), [3]);

    drop(sleeper);
    let view = gc(&packd, &[]);
    assert_eq!(named(&view, GcKind::Tree), [old]);
    assert_eq!(packd.store().len(), 1);
}

#[test]
fn what_is_beside_a_tree_goes_with_it_and_so_does_what_was_left_over() {
    let (_site, packd) = installed(2, 1);
    let state = packd.state_dir();
    let old = packd.store().remove(0);
    let beside = state.join("store").join(format!("{old}.record.json"));
    fs_err::write(&beside, "{}").unwrap();
    fs_err::write(state.join("store/slack/.tmpAbc"), "half").unwrap();
    fs_err::write(state.join("store/slack/NOTES"), "mine").unwrap();
    fs_err::create_dir_all(state.join("staging/4711/0")).unwrap();
    fs_err::create_dir_all(state.join("quarantine/slack-1.abc/tree")).unwrap();
    fs_err::create_dir_all(state.join("generations/99")).unwrap();
    fs_err::write(state.join("uploads/young"), "about to be a job").unwrap();

    let view = gc(&packd, &[]);

    assert_eq!(named(&view, GcKind::Generation), ["1", "99"]);
    assert_eq!(named(&view, GcKind::Tree), [old]);
    assert_eq!(named(&view, GcKind::Quarantine), ["slack-1.abc"]);
    assert_eq!(
        named(&view, GcKind::Leftover),
        ["store/slack/.tmpAbc", "staging/4711"]
    );
    let left = everything(&packd);
    let left: Vec<&str> = left
        .iter()
        .map(|path| path.strip_prefix(&format!("{}/", state.display())).unwrap())
        .collect();
    let tree = &packd.store()[0];
    let tree = format!("store/{tree}");
    let list = format!("{tree}.manifest");
    let record = format!("{tree}.record.json");
    assert_eq!(
        left,
        [
            "generations/2",
            tree.as_str(),
            list.as_str(),
            record.as_str(),
            "store/slack/NOTES",
            "uploads/young"
        ]
    );
    packd.ctl(["remove", "slack"]).success();
    packd.ctl(["gc"]).success();
    assert!(
        state.join("store/slack/NOTES").exists(),
        "nobody's but theirs"
    );
}

#[test]
fn a_queued_rollback_keeps_what_it_goes_back_to() {
    let (_site, packd) = installed(3, 1);
    // held back: the first job under way is a test of the queue, not of gc
    let back = packd.post(path::ROLLBACK, &json!({"generation": 1}));
    let back: JobView = back.json();
    gc(&packd, &[]);
    let back = packd.finished(back.id);
    assert_eq!(back.status, JobStatus::Succeeded, "{back:#?}");
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    assert!(packd.pack_dir("slack").join("version").is_file());
}

#[test]
fn installs_meanwhile_lose_nothing() {
    let packs: Vec<PackTree> = (1..=8).map(|n| slack(&format!("{n}.0.0"))).collect();
    let site = Site::serving(&packs);
    let packd = Packd::start(&settings(&site, 1).set("queue.workers", 4));
    // each install finds trees in the store that are nobody's, as a gc does
    for round in 0..12 {
        let version = round % 4 + 1;
        let install = packd.post(
            path::INSTALL,
            &json!({"source": "slack", "version": format!("{version}.0.0")}),
        );
        let collect = packd.post(path::GC, &json!({}));
        let (install, collect): (JobView, JobView) = (install.json(), collect.json());
        let install = packd.finished(install.id);
        assert_eq!(install.status, JobStatus::Succeeded, "{install:#?}");
        assert_eq!(packd.finished(collect.id).status, JobStatus::Succeeded);
        let content = fs_err::read_to_string(packd.pack_dir("slack").join("version"));
        assert_eq!(content.unwrap(), format!("{version}.0.0"));
    }
    packd.staging_is_empty();
}

#[test]
fn only_admins_may_and_it_is_audited() {
    let packd = Packd::start(&Settings::new());
    let request = Request::post(path::GC, &json!({"dry_run": true}));
    let refused = packd.ask_as(&Person::reader(), &request);
    assert_eq!(refused.status, 403);
    let job: JobView = packd.ask(&request).json();
    assert_eq!(job.request["dry_run"], true);
    assert_eq!(packd.finished(job.id).status, JobStatus::Succeeded);
    packd
        .ctl(["job", "show", &job.id.to_string()])
        .success()
        .says("nothing to remove");
    packd
        .ctl(["audit"])
        .success()
        .says(&format!("POST {}", path::GC));
}

#[test]
fn too_little_space_after_a_job_asks_for_one() {
    let packs = ["1.0.0", "2.0.0"].map(slack);
    let site = Site::serving(&packs);
    let packd = Packd::start(&settings(&site, 1));
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["install", "slack@2.0.0"]).success();
    packd.configure(&settings(&site, 1).set("store.min_free", "1TiB"));
    packd.ask(&Request::new("POST", path::RELOAD)).expect(200);
    let mut events = packd.events("?since=0");
    packd.ctl(["remove", "slack", "--yes"]).success();
    events.until(|event| event.kind == EventKind::StepCompleted && event.data["step"] == "collect");
    assert_eq!(packd.store().len(), 0);
}

#[test]
fn killed_at_any_rename_out_of_the_store_the_next_run_does_the_rest() {
    const RENAMES: &str = "?rename,renameat,renameat2";
    let (_site, mut packd) = installed(3, 1);
    let current = packd.tree("slack");
    packd.terminate();
    let kept = packd.store().remove(2);
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
        assert!(status.unwrap().success());
    };
    let saved = packd.state_dir().with_file_name("saved");
    copy(&packd.state_dir(), &saved);

    let recording = Strace::recording(RENAMES);
    packd.begin_under(&recording);
    gc(&packd, &[]);
    packd.terminate();
    let calls = recording.calls();
    let inside = |text: &String| text.contains("/staging/") && text.contains("/trash/");
    let names: Vec<String> = (calls.iter())
        .filter(|call| call.texts.last().is_some_and(inside))
        .map(|call| call.texts[0].clone())
        .collect();
    assert_eq!(
        names.len(),
        6,
        "two trees, their lists and records: {calls:#?}"
    );

    for path in names {
        fs_err::remove_dir_all(packd.state_dir()).unwrap();
        copy(&saved, &packd.state_dir());
        let point = strace::Point { path, nth: 1 };
        packd.begin_under(&Strace::killing_at(RENAMES, &point));
        let _lost = packd.ctl(["gc", "--no-wait"]);
        packd.wait_for_death();

        packd.begin();
        // the job that was cut short runs again
        let last: JobList = packd.ctl(["-j", "job", "list"]).success().json();
        let ended = packd.finished(last.jobs[0].id);
        assert_eq!(ended.status, JobStatus::Succeeded, "{ended:#?}");
        gc(&packd, &[]);
        assert_eq!(packd.store(), std::slice::from_ref(&kept));
        assert_eq!(packd.tree("slack"), current);
        packd.staging_is_empty();
        packd.terminate();
    }
}
