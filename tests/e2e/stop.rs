//! Stopping in good order: SIGTERM.

use std::process::Stdio;

use packd_tests::{
    Fault, Format, PATIENCE, PackTree, Packd, Settings, Site,
    support::{packd::STOP_WITHIN, process, watch},
};
use packd_wire::{JobStatus, path};

#[test]
fn a_job_that_is_interrupted_by_a_stop_runs_again_at_the_next_start() {
    let old = PackTree::new("slack", "1.0.0");
    let mut site = Site::serving([&old]);
    let packd = &mut Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let fault = Fault::before(&site).stall_after(64 * 1024);
    site.offer_through(
        &fault,
        &PackTree::new("slack", "2.0.0").with_bulk(20, 20_000),
        Format::TarGz,
    );
    packd.ctl(["registry", "refresh"]).success();
    let id = packd
        .ctl(["-j", "install", "slack@2.0.0", "--no-wait"])
        .success()
        .job()
        .id;
    fault.wait_until_stalled(1);

    packd.terminate();

    assert!(STOP_WITHIN.as_secs() == 5, "what `terminate` insists on");
    assert_eq!(
        fs_err::read_to_string(packd.pack_dir("slack").join("pack.yaml")).unwrap(),
        old.manifest()
    );
    fault.release();
    packd.begin();
    let job = packd.finished(id);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(job.attempt >= 1);
    assert_eq!(packd.active(), ["slack 2.0.0"]);
    packd.staging_is_empty();
}

#[test]
fn a_follower_is_let_go_by_a_stop_and_a_waiting_caller_stays_until_the_job_has_ended() {
    let mut site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(64 * 1024);
    let pack = PackTree::new("slack", "2.0.0").with_bulk(20, 20_000);
    site.offer_through(&fault, &pack, Format::Zip);
    let mut packd = Packd::start(&Settings::for_site(&site));
    let id = packd.ctl(["-j", "install", "slack", "--no-wait"]).job().id;
    fault.wait_until_stalled(1);
    let stream = packd.events("?since=0");
    let mut caller = packd.ctl_command(["job", "watch", &id.to_string()]);
    let says = packd.state_dir().with_file_name("caller");
    fs_err::create_dir(&says).unwrap();
    let output = fs_err::File::create(says.join("output"))
        .unwrap()
        .into_parts()
        .0;
    caller
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output);
    let mut caller = caller.spawn().unwrap();
    let listens = || fs_err::metadata(says.join("output")).unwrap().len() > 0;
    assert!(
        watch::until(&says, PATIENCE, listens),
        "packctl says nothing of the job"
    );

    packd.terminate();

    assert!(stream.count() > 0, "the stream ends");
    fault.release();
    packd.begin();
    assert_eq!(packd.finished(id).status, JobStatus::Succeeded);
    let ended = process::wait(&mut caller, PATIENCE);
    let _killed_if_it_hangs = caller.kill();
    assert!(
        ended.is_some_and(|status| status.success()),
        "packctl ended with {ended:?}"
    );
}

#[test]
fn jobs_and_packs_survive_a_restart() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    let before = packd.ctl(["-j", "install", "slack"]).success().job();
    let packs = packd.packs();
    packd.restart();
    assert_eq!(packd.job(before.id), before);
    assert_eq!(packd.packs(), packs);
    assert_eq!(
        packd
            .get(path::STATUS)
            .json::<packd_wire::StatusView>()
            .packs,
        1
    );
}
