//! Back to an earlier generation: all packs or one, and again; killed meanwhile, and refused where it must be.

use packd_tests::{
    PATIENCE, PackTree, Packd, Person, Request, Settings, Site, Strace,
    support::{strace::points, watch},
};
use packd_wire::{
    ChangeAction, ErrorKind, EventKind, GenerationDiff, GenerationList, JobStatus, JobView,
    PackView, Problem, RollbackRequest, path,
};
use serde_json::json;

const RENAMES: &str = "?rename,renameat,renameat2";

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version).file("version", version)
}

/// A registry with `slack` 1 and 2, and `app`, which has a version for each.
fn site() -> Site {
    Site::serving(&[
        slack("1.0.0"),
        slack("2.0.0"),
        PackTree::new("app", "1.0.0").needs("slack@^1"),
        PackTree::new("app", "2.0.0").needs("slack@^2"),
    ])
}

/// `slack` 1.0.0 in generation 1, 2.0.0 in generation 2.
fn upgraded() -> (Site, Packd) {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["install", "slack@2.0.0"]).success();
    (site, packd)
}

fn job(packd: &Packd, line: &[&str]) -> JobView {
    packd.ctl(["-j"].iter().chain(line)).success().job()
}

fn link(packd: &Packd) -> String {
    packd.current_link().unwrap().display().to_string()
}

fn show(packd: &Packd, name: &str) -> PackView {
    packd.ask(&Request::get(&path::pack(name))).json()
}

fn generations(packd: &Packd) -> GenerationList {
    packd.get(path::GENERATIONS).expect(200).json()
}

/// The error of a rollback that fails, and nothing is different for it.
fn refused(packd: &Packd, line: &[&str], exit: i32) -> Problem {
    let before = (packd.active(), packd.current_link());
    let job = packd.ctl(["-j"].iter().chain(line)).failure(exit).job();
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!((packd.active(), packd.current_link()), before);
    job.error.unwrap()
}

#[test]
fn a_rollback_undoes_the_last_change_and_a_second_one_undoes_the_first() {
    let (_site, packd) = upgraded();
    packd
        .ctl(["rollback"])
        .success()
        .says("slack downgraded from 2.0.0 to 1.0.0");
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    assert_eq!(link(&packd), "generations/3", "a new one, with the old set");

    let again = job(&packd, &["rollback"]);
    assert!(again.changed, "{again:#?}");
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    assert_eq!(again.generation, Some(4));
    assert_eq!(again.request["generation"], 2);

    // further back by number, and there once more
    let first = job(&packd, &["rollback", "--generation", "1"]);
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    assert_eq!(first.plan.unwrap().changes[0].reason, "as in generation 1");
    let link_before = link(&packd);
    let same = job(&packd, &["rollback", "--generation", "3"]);
    assert_eq!(
        (same.status, same.changed),
        (JobStatus::Succeeded, false),
        "{same:#?}"
    );
    assert_eq!(link(&packd), link_before);
    packd.staging_is_empty();
}

#[test]
fn a_dry_run_shows_what_would_change_and_events_and_the_list_tell_what_did() {
    let (_site, packd) = upgraded();
    packd
        .ctl(["rollback", "--dry-run"])
        .success()
        .says("downgrade")
        .says("as in generation 1");
    assert_eq!(packd.active(), ["slack 2.0.0"]);

    let back = job(&packd, &["rollback"]);
    let kinds: Vec<EventKind> = packd
        .wait_for(back.id, |event| event.kind == EventKind::JobSucceeded)
        .iter()
        .map(|event| event.kind)
        .collect();
    for kind in [EventKind::PackUpdated, EventKind::GenerationActivated] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    let list = generations(&packd);
    let newest = &list.generations[0];
    assert!(newest.current);
    assert_eq!(
        (newest.number, newest.base, newest.job),
        (3, Some(2), back.id)
    );
    assert_eq!(newest.summary.as_deref(), Some("rollback to generation 1"));
    assert_eq!(newest.changes[0].action, ChangeAction::Downgrade);
    packd
        .ctl(["generations"])
        .success()
        .says("slack 2.0.0 -> 1.0.0")
        .says("slack 1.0.0 installed")
        .says("current");
    let diff: GenerationDiff = packd
        .ctl(["-j", "generations", "diff", "1", "2"])
        .success()
        .json();
    assert_eq!(diff.changes.len(), 1);
    assert_eq!(diff.changes[0].action, ChangeAction::Upgrade);
    packd
        .ctl(["generations", "diff", "1"])
        .success()
        .says("generations 1 and 3 have the same packs");
    packd
        .ctl(["generations", "show", "2"])
        .success()
        .says("2.0.0");
    packd
        .ctl(["generations", "show", "9"])
        .failure(3)
        .says("there is no generation 9");
    let page: GenerationList = packd
        .get(&format!("{}?limit=1&before=3", path::GENERATIONS))
        .expect(200)
        .json();
    assert_eq!((page.generations[0].number, page.next), (2, Some(2)));
}

#[test]
fn a_pack_that_was_removed_comes_back_by_itself_or_with_all() {
    let (_site, packd) = upgraded();
    packd.ctl(["remove", "slack"]).success();
    let back = job(&packd, &["rollback"]);
    assert_eq!(back.plan.unwrap().changes[0].action, ChangeAction::Install);
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    let view = show(&packd, "slack");
    assert_eq!(view.generation, 2, "it is what was installed then");

    packd.ctl(["remove", "slack"]).success();
    packd
        .ctl(["rollback", "slack"])
        .success()
        .says("slack 2.0.0 installed");
    assert_eq!(packd.active(), ["slack 2.0.0"]);
}

#[test]
fn an_upgrade_with_its_dependencies_goes_back_as_a_whole() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "app@1.0.0"]).success();
    packd.ctl(["install", "app@2.0.0"]).success();
    assert_eq!(packd.active(), ["app 2.0.0", "slack 2.0.0"]);

    // one alone would break the other, in either direction
    let problem = refused(&packd, &["rollback", "slack"], 1);
    assert_eq!(problem.kind, ErrorKind::RequiredBy, "{problem:#?}");
    assert!(
        problem.detail.contains("`app` needs `slack@^2`"),
        "{problem:#?}"
    );
    assert!(problem.hint.unwrap().contains("--force"));
    let problem = refused(&packd, &["rollback", "app"], 1);
    assert_eq!(problem.kind, ErrorKind::DependencyUnmet, "{problem:#?}");
    assert!(
        problem
            .hint
            .as_ref()
            .is_some_and(|hint| hint.contains("--force") && !hint.contains("--skip-deps")),
        "{problem:#?}"
    );

    packd.ctl(["rollback"]).success();
    assert_eq!(packd.active(), ["app 1.0.0", "slack 1.0.0"]);
    packd.ctl(["rollback"]).success();
    let forced = job(&packd, &["rollback", "slack", "--force"]);
    assert_eq!(packd.active(), ["app 2.0.0", "slack 1.0.0"]);
    assert!(
        forced
            .warnings
            .iter()
            .any(|line| line.contains("rolled back by force")),
        "{forced:#?}"
    );
}

#[test]
fn what_others_need_and_what_belongs_to_the_system_goes_only_by_force() {
    let core = PackTree::new("core", "1.0.0").saying("ref: core\nversion: 1.0.0\nsystem: true\n");
    let packs = [
        PackTree::new("teams", "1.0.0"),
        slack("1.0.0"),
        PackTree::new("app", "1.0.0").needs("slack@^1"),
        core,
    ];
    let site = Site::serving(&packs);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "teams"]).success();
    packd.ctl(["install", "app"]).success();
    let problem = refused(&packd, &["rollback", "slack", "--generation", "1"], 1);
    assert_eq!(problem.kind, ErrorKind::RequiredBy, "{problem:#?}");
    assert!(
        problem
            .detail
            .ends_with("`app` needs `slack@^1`, which is removed"),
        "{problem:#?}"
    );
    packd.ctl(["install", "core"]).success();
    let problem = refused(&packd, &["rollback"], 1);
    assert_eq!(problem.kind, ErrorKind::SystemPack, "{problem:#?}");
    packd
        .ctl(["rollback", "--generation", "1", "--force"])
        .success();
    assert_eq!(packd.active(), ["teams 1.0.0"]);
}

#[test]
fn one_pack_goes_back_and_the_others_stay() {
    let (_site, packd) = upgraded();
    packd.ctl(["install", "app@2.0.0", "--skip-deps"]).success();
    packd.ctl(["remove", "app"]).success();
    packd.ctl(["rollback", "slack"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    packd.ctl(["rollback", "slack"]).success();
    assert_eq!(packd.active(), ["slack 2.0.0"], "and forth");
    let kept = job(&packd, &["rollback", "slack", "--generation", "2"]);
    assert!(!kept.changed, "{kept:#?}");

    let problem = refused(&packd, &["rollback", "teams"], 3);
    assert_eq!(problem.kind, ErrorKind::VersionNotFound);
    assert!(problem.detail.contains("`teams` is not installed"));
}

#[test]
fn there_is_nothing_before_the_first_generation() {
    let site = site();
    let packd = Packd::start(&Settings::for_site(&site));
    packd
        .ctl(["rollback"])
        .failure(3)
        .says("no generation was active before the current one");
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd
        .ctl(["rollback"])
        .failure(3)
        .says("packctl generations");
    let problem = refused(&packd, &["rollback", "slack"], 3);
    assert!(
        problem
            .detail
            .contains("another version of `slack` than 1.0.0"),
        "{problem:#?}"
    );
    packd
        .ctl(["rollback", "--generation", "7"])
        .failure(3)
        .says("there is no generation 7");
}

#[test]
fn a_version_that_was_gone_back_from_is_remembered_until_somebody_asks_for_it() {
    let (_site, packd) = upgraded();
    let back = job(&packd, &["rollback"]);
    let view = show(&packd, "slack");
    assert_eq!(view.blocked.len(), 1, "{view:#?}");
    let blocked = &view.blocked[0];
    assert_eq!((blocked.version.as_str(), blocked.job), ("2.0.0", back.id));
    assert!(blocked.tree.starts_with("sha256:"), "{blocked:#?}");
    packd
        .ctl(["show", "slack"])
        .success()
        .says("from 2.0.0")
        .says("updates pass it over");

    let install = job(&packd, &["install", "slack@2.0.0"]);
    assert!(
        install
            .warnings
            .iter()
            .any(|line| line.contains("was rolled back from by job")),
        "{install:#?}"
    );
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    assert!(show(&packd, "slack").blocked.is_empty());
}

#[test]
fn a_hold_stands_in_the_way_unless_by_force() {
    let (_site, packd) = upgraded();
    packd.ctl(["hold", "slack"]).success();
    for line in [&["rollback"][..], &["rollback", "slack"]] {
        let problem = refused(&packd, line, 1);
        assert_eq!(problem.kind, ErrorKind::PackHeld, "{problem:#?}");
    }
    packd.ctl(["rollback", "--force"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn a_tree_that_is_not_whole_is_named_with_what_brings_it_again() {
    let (_site, packd) = upgraded();
    let store = packd.state_dir().join("store");
    let gone = packd
        .store()
        .into_iter()
        .find(|dir| dir.contains("1.0.0"))
        .unwrap();
    fs_err::remove_dir_all(store.join(&gone)).unwrap();
    for line in [&["rollback"][..], &["rollback", "--force"]] {
        let problem = refused(&packd, line, 1);
        assert_eq!(problem.kind, ErrorKind::TreeMissing, "{problem:#?}");
        assert!(problem.detail.contains(&gone), "{problem:#?}");
        let hint = problem.hint.unwrap();
        assert!(
            hint.contains("packctl verify --repair")
                && hint.contains("packctl install slack@1.0.0"),
            "{hint}"
        );
    }
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["rollback"]).success();
    packd.ctl(["rollback", "--generation", "1"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn pins_are_kept_over_a_restart_and_lifted_again() {
    let (_site, mut packd) = upgraded();
    packd
        .ctl(["generations", "pin", "1", "--reason", "before the move"])
        .success()
        .says("generation 1 is kept for ever");
    packd.restart();
    let list = generations(&packd);
    let pin = list.generations[1].pin.as_ref().unwrap();
    assert_eq!(pin.reason.as_deref(), Some("before the move"));
    packd.ctl(["generations"]).success().says("pinned");
    packd
        .ctl(["generations", "unpin", "1", "9"])
        .failure(3)
        .says("generation 1 is kept as long as others")
        .says("there is no generation 9");
    assert!(generations(&packd).generations[1].pin.is_none());
    let answer = packd.post(&path::generation_pin(1), &json!({"reason": "a\nb"}));
    assert_eq!(answer.problem().kind, ErrorKind::BadRequest);
}

#[test]
fn the_same_request_again_is_the_same_job_whatever_is_current_by_then() {
    let (_site, packd) = upgraded();
    let target = format!("{}?wait=60", path::ROLLBACK);
    let request = || {
        Request::post(&target, &json!(RollbackRequest::default())).header("Idempotency-Key", "once")
    };
    let first: JobView = packd.ask(&request()).expect(200).json();
    let second: JobView = packd.ask(&request()).expect(200).json();
    assert_eq!(first.id, second.id);
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

#[test]
fn an_operator_rolls_back_but_removes_nothing_by_it() {
    let (_site, packd) = upgraded();
    let operator = Person::operator();
    packd.ctl_as(&operator, ["rollback"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
    packd.ctl(["install", "app@1.0.0"]).success();
    packd
        .ctl_as(&operator, ["rollback"])
        .failure(4)
        .says("the rollback removes `app`, which only an admin may do");
    assert_eq!(packd.active(), ["app 1.0.0", "slack 1.0.0"]);
    packd.ctl_as(&Person::reader(), ["rollback"]).failure(4);
    packd.ctl(["rollback"]).success();
    assert_eq!(packd.active(), ["slack 1.0.0"]);
}

/// Queues a rollback, and does not wait for it.
fn begin(packd: &Packd) -> i64 {
    job(packd, &["rollback", "--no-wait"]).id
}

/// Insists that the rollback that was cut short has ended as if nothing had been.
fn ends_the_same(packd: &Packd, id: i64, wanted: &str, number: i64) {
    let job = packd.finished(id);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(job.changed, "{job:#?}");
    assert_eq!(packd.active(), [wanted]);
    assert_eq!(job.generation, Some(number));
    assert_eq!(link(packd), format!("generations/{number}"));
    let newest = generations(packd).generations.remove(0);
    assert_eq!(
        (newest.number, newest.current, newest.job),
        (number, true, id)
    );
    packd.staging_is_empty();
}

#[test]
fn a_kill_right_before_or_after_the_switch_loses_no_rollback() {
    for after in [false, true] {
        let (_site, mut packd) = upgraded();
        packd.terminate();
        // where the switch is, seen in a rollback that nothing disturbs
        let strace = Strace::recording(RENAMES);
        packd.begin_under(&strace);
        packd.ctl(["rollback"]).success();
        packd.terminate();
        let point = points(&strace.calls(), "current").pop().unwrap();

        let before = packd.current_link();
        let id = if after {
            packd.begin_under(&Strace::holding_after(RENAMES, &point));
            let id = begin(&packd);
            let switched = watch::until(&packd.state_dir(), PATIENCE, || {
                packd.current_link() != before
            });
            assert!(switched, "{}", packd.log());
            packd.kill();
            id
        } else {
            packd.begin_under(&Strace::killing_at(RENAMES, &point));
            let id = begin(&packd);
            packd.wait_for_death();
            assert_eq!(packd.current_link(), before);
            id
        };
        packd.begin();
        ends_the_same(&packd, id, "slack 2.0.0", 4);
    }
}

#[test]
fn a_kill_at_once_and_a_restart_lose_no_rollback() {
    let (_site, mut packd) = upgraded();
    let id = begin(&packd);
    packd.kill();
    packd.begin();
    ends_the_same(&packd, id, "slack 1.0.0", 3);
    assert_eq!(show(&packd, "slack").blocked.len(), 1);
    packd.restart();
    packd.ctl(["rollback"]).success();
    assert_eq!(
        packd.active(),
        ["slack 2.0.0"],
        "the history outlives a restart"
    );
}
