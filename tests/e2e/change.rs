//! Packs that are there already: again, up, down, away; and two requests at once.

use std::thread;

use packd_tests::{Fault, Format, PackTree, Packd, Request, Settings, Site, Tree, support::site};
use packd_wire::{ChangeAction, ErrorKind, EventKind, JobStatus, JobView, path};
use serde_json::json;

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version).file("version", version)
}

fn action(job: &JobView) -> ChangeAction {
    job.plan.as_ref().unwrap().changes[0].action
}

#[test]
fn the_same_install_twice_changes_nothing_the_second_time() {
    let site = Site::serving([&slack("2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let first = packd.ctl(["-j", "install", "slack"]).success().job();
    let generation = packd.current_link();

    let second = packd.ctl(["-j", "install", "slack"]).success().job();

    assert!(first.changed);
    assert!(!second.changed, "{second:#?}");
    assert_eq!(second.status, JobStatus::Succeeded);
    assert_ne!(first.id, second.id);
    assert_eq!(
        packd.current_link(),
        generation,
        "the generation is the same"
    );
    assert_eq!(packd.store().len(), 1);
}

#[test]
fn a_pack_is_upgraded_and_downgraded_in_one_step_each() {
    let site = Site::serving([&slack("2.0.0"), &slack("2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let install = packd.ctl(["-j", "install", "slack@2.0.0"]).success().job();
    assert_eq!(action(&install), ChangeAction::Install);

    let upgrade = packd.ctl(["-j", "install", "slack@latest"]).success().job();
    assert_eq!(action(&upgrade), ChangeAction::Upgrade);
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    let newer = Tree::unpacked_by_others(&slack("2.1.0").archive(Format::TarGz));
    assert_eq!(packd.tree("slack").unwrap(), newer);

    let downgrade = packd.ctl(["-j", "install", "slack@2.0.0"]).success().job();
    assert_eq!(action(&downgrade), ChangeAction::Downgrade);
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    let older = Tree::unpacked_by_others(&slack("2.0.0").archive(Format::TarGz));
    assert_eq!(packd.tree("slack").unwrap(), older);

    let generations = [install, upgrade, downgrade].map(|job| job.generation.unwrap());
    assert!(
        generations.is_sorted() && generations[0] < generations[2],
        "{generations:?}"
    );
    packd.staging_is_empty();
}

#[test]
fn an_installed_pack_that_satisfies_the_requirement_stays() {
    let mut site = Site::serving([&slack("2.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    site.offer(&slack("2.1.0"));
    packd.ctl(["registry", "refresh"]).success();
    let job = packd.ctl(["-j", "install", "slack@2.0.0"]).success().job();
    assert!(!job.changed, "{job:#?}");
    assert_eq!(packd.active(), ["slack 2.0.0"]);
}

#[test]
fn a_removed_pack_is_gone_and_the_others_stay() {
    let teams = PackTree::new("teams", "1.0.0");
    let site = Site::serving([&slack("2.1.0"), &teams]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "teams"]).success();

    let job = packd.ctl(["-j", "remove", "slack"]).success().job();

    assert_eq!(action(&job), ChangeAction::Remove);
    assert_eq!(packd.current(), ["teams"]);
    assert_eq!(packd.active(), ["teams 1.0.0"]);
    packd.ctl(["show", "slack"]).failure(3);
}

#[test]
fn what_is_not_installed_is_removed_already() {
    let site = Site::serving([&slack("2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let generation = packd.current_link();

    let target = format!("{}?wait=60", path::pack("teams"));
    let job: JobView = packd
        .ask(&Request::new("DELETE", &target))
        .expect(200)
        .json();
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(!job.changed && job.error.is_none(), "{job:#?}");
    assert_eq!(
        job.warnings,
        Vec::<String>::new(),
        "nothing is odd about it"
    );

    // a slip of the fingers is not passed over in silence
    packd
        .ctl(["remove", "slakc"])
        .success()
        .says("slakc is not installed")
        .says("did you mean `slack`?");
    let job = packd.ctl(["-j", "remove", "slakc"]).success().job();
    assert!(!job.changed, "{job:#?}");
    assert_eq!(
        job.warnings,
        ["`slakc` is not installed; did you mean `slack`?"]
    );
    assert_eq!(packd.active(), ["slack 2.1.0"], "what was meant stays");
    assert_eq!(packd.current_link(), generation);
}

#[test]
fn a_removal_takes_what_an_earlier_install_is_still_bringing() {
    let site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    let packd = Packd::start(&Settings::for_site(&site));
    let install = begin_stalled(&packd, &site, &fault);

    let removal = packd
        .ctl(["-j", "remove", "slack", "--no-wait"])
        .success()
        .job()
        .id;
    waits_for(&packd, removal, install);
    fault.release();

    let ended = [install, removal].map(|job| packd.finished(job));
    assert!(ended.iter().all(|job| job.changed), "{ended:#?}");
    assert_eq!(packd.current(), Vec::<String>::new());
    packd.staging_is_empty();
}

#[test]
fn what_others_need_is_not_removed_unless_they_go_too() {
    let chat = PackTree::new("chat", "1.0.0").needs("slack@^2");
    let site = Site::serving([&slack("2.1.0"), &chat]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "chat"]).success();

    let answer = packd.ask(&Request::new(
        "DELETE",
        &format!("{}?wait=60", path::pack("slack")),
    ));
    let problem = answer.failure();
    assert_eq!(problem.kind, ErrorKind::RequiredBy);
    assert!(format!("{problem:?}").contains("chat"), "{problem:#?}");
    assert_eq!(packd.current(), ["chat", "slack"]);

    packd.ctl(["remove", "slack", "--cascade"]).success();
    assert_eq!(packd.current(), Vec::<String>::new());
}

#[test]
fn a_pack_and_what_needs_it_are_removed_by_one_command() {
    let chat = PackTree::new("chat", "1.0.0").needs("slack@^2");
    let site = Site::serving([&slack("2.1.0"), &chat]);
    let packd = Packd::start(&Settings::for_site(&site));
    // as often as it takes to see them run at the same time
    for _ in 0..5 {
        packd.ctl(["install", "slack"]).success();
        packd.ctl(["install", "chat"]).success();
        packd.ctl(["remove", "chat", "slack"]).success();
        assert_eq!(packd.current(), Vec::<String>::new());
    }
}

#[test]
fn two_installs_run_at_the_same_time() {
    let mut site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    for name in ["slack", "teams"] {
        let pack = PackTree::new(name, "1.0.0").with_bulk(20, 20_000);
        site.offer_through(&fault, &pack, Format::TarGz);
    }
    let packd = Packd::start(&Settings::for_site(&site));
    let jobs = ["slack", "teams"].map(|name| {
        packd
            .ctl(["-j", "install", name, "--no-wait"])
            .success()
            .job()
            .id
    });

    // neither could stand still in its download if one waited for the other
    fault.wait_until_stalled(2);
    for job in jobs {
        assert_eq!(packd.job(job).status, JobStatus::Running);
    }
    fault.release();

    for job in jobs {
        assert_eq!(packd.finished(job).status, JobStatus::Succeeded);
    }
    assert_eq!(packd.current(), ["slack", "teams"]);
    packd.staging_is_empty();
}

#[test]
fn what_a_pack_needs_may_come_in_an_archive_that_is_still_on_its_way() {
    let site = Site::serving([&PackTree::new("chat", "1.0.0").needs("slack@^2")]);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    let packd = Packd::start(&Settings::for_site(&site));
    let slack = begin_stalled(&packd, &site, &fault);

    // nobody can know yet what the archive is that the first job brings
    let chat = packd
        .ctl(["-j", "install", "chat", "--no-wait"])
        .success()
        .job()
        .id;
    waits_for(&packd, chat, slack);
    fault.release();

    let ended = [slack, chat].map(|job| packd.finished(job));
    assert!(
        ended.iter().all(|job| job.status == JobStatus::Succeeded),
        "{ended:#?}"
    );
    assert_eq!(packd.current(), ["chat", "slack"]);
    packd.staging_is_empty();
}

#[test]
fn a_folder_and_what_needs_it_are_installed_by_one_command() {
    let folder = tempfile::tempdir().unwrap();
    // of the two archives, the one that is needed takes longer to unpack
    let slack = slack("2.1.0").with_bulk(600, 2_000);
    let chat = PackTree::new("chat", "1.0.0").needs("slack@^2");
    let folders = [slack, chat].map(|pack| {
        let folder = folder.path().join(pack.name());
        fs_err::create_dir(&folder).unwrap();
        pack.write_to(&folder);
        folder.to_str().unwrap().to_owned()
    });
    let packd = Packd::start(&Settings::new());
    packd.ctl(["install", &folders[0], &folders[1]]).success();
    assert_eq!(packd.current(), ["chat", "slack"]);
    packd.staging_is_empty();
}

/// Begins the install of `slack` from the URL of its archive, which stands still on its way.
fn begin_stalled(packd: &Packd, site: &Site, fault: &Fault) -> i64 {
    let archive = site.publish(&slack("2.1.0").with_bulk(20, 20_000), Format::TarGz);
    let url = fault.url(&format!("packs/{}", archive.name));
    let job = packd
        .ctl(["-j", "install", &url, "--no-wait"])
        .success()
        .job();
    fault.wait_until_stalled(1);
    job.id
}

/// Insists that a job says which one it waits for, and is back in the queue.
fn waits_for(packd: &Packd, job: i64, earlier: i64) {
    let said = format!("waits for job {earlier}");
    packd.wait_for(job, |event| {
        let ended = [EventKind::JobSucceeded, EventKind::JobFailed].contains(&event.kind);
        assert!(!ended, "it ended instead: {event:#?}");
        event.kind == EventKind::Info && event.data["message"].to_string().contains(&said)
    });
    assert_eq!(packd.job(job).status, JobStatus::Queued);
}

#[test]
fn two_installs_of_one_pack_at_once_change_it_once() {
    let site = Site::serving([&slack("2.1.0").with_bulk(50, 10_000)]);
    let packd = Packd::start(&Settings::for_site(&site));
    let jobs: Vec<JobView> = thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| packd.ctl(["-j", "install", "slack"]).success().job()))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });
    let changed = jobs.iter().filter(|job| job.changed).count();
    assert_eq!(changed, 1, "{jobs:#?}");
    assert_eq!(packd.active(), ["slack 2.1.0"]);
    packd.staging_is_empty();
}

#[test]
fn a_running_install_can_be_cancelled() {
    let mut site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    let pack = slack("2.1.0").with_bulk(20, 20_000);
    site.offer_through(&fault, &pack, Format::TarGz);
    let packd = Packd::start(&Settings::for_site(&site));
    let id = packd
        .ctl(["-j", "install", "slack", "--no-wait"])
        .success()
        .job()
        .id;
    fault.wait_until_stalled(1);

    packd.ctl(["job", "cancel", &id.to_string()]).success();

    let job = packd.finished(id);
    assert_eq!(job.status, JobStatus::Cancelled, "{job:#?}");
    assert_eq!(packd.current(), Vec::<String>::new());
    packd.staging_is_empty();
    let answer = packd.ask(&Request::new("POST", &path::job_cancel(id)));
    assert_eq!(
        answer.expect(409).problem().kind,
        ErrorKind::JobNotCancellable
    );
}

#[test]
fn one_idempotency_key_makes_one_job() {
    let site = Site::serving([&slack("2.1.0"), &PackTree::new("teams", "1.0.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let ask = |name: &str| {
        let target = format!("{}?wait=60", path::INSTALL);
        let request = Request::post(&target, &json!({"source": name}));
        packd.ask(&request.header("Idempotency-Key", "night-of-the-4th"))
    };
    let first: JobView = ask("slack").json();
    let again: JobView = ask("slack").json();
    assert_eq!(first.id, again.id);
    assert_eq!(
        ask("teams").expect(409).problem().kind,
        ErrorKind::IdempotencyConflict
    );
    assert_eq!(packd.active(), ["slack 2.1.0"]);
}

#[test]
fn a_request_is_answered_at_once_or_when_the_job_ends() {
    let site = Site::serving([&slack("2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    let answer = packd.post(path::INSTALL, &json!({"source": "slack"}));
    answer.expect(202);
    let job: JobView = answer.json();
    assert_eq!(packd.finished(job.id).status, JobStatus::Succeeded);
    let target = format!("{}?wait=60", path::INSTALL);
    let again: JobView = packd
        .post(&target, &json!({"source": "slack"}))
        .expect(200)
        .json();
    assert!(!again.changed);
}

#[test]
fn a_hundred_jobs_at_once_all_end() {
    let packs: Vec<PackTree> = (0..50)
        .map(|number| PackTree::new(&format!("pack{number:02}"), "1.0.0"))
        .collect();
    let registry = site::folder_with(&packs);
    let url = format!("file://{}/index.json", registry.path().display());
    let settings = Settings::new()
        .registry("local", &url, &json!({}))
        .set("queue.workers", 4);
    let packd = Packd::start(&settings);
    let ask = |pack: &PackTree| {
        let answer = packd.post(path::INSTALL, &json!({"source": pack.name()}));
        answer.json::<JobView>().id
    };
    // each pack twice, so that half of the jobs end as soon as they begin
    let jobs: Vec<i64> = packs
        .iter()
        .flat_map(|pack| [ask(pack), ask(pack)])
        .collect();
    let ended: Vec<JobView> = jobs.into_iter().map(|job| packd.finished(job)).collect();
    assert!(
        ended.iter().all(|job| job.status == JobStatus::Succeeded),
        "{ended:#?}"
    );
    assert_eq!(ended.iter().filter(|job| job.changed).count(), packs.len());
    assert_eq!(packd.current().len(), packs.len());
    packd.staging_is_empty();
}
