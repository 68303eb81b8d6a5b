//! What runs where: the loop that hands bytes on waits for no disk. Needs strace.

use packd_tests::{Format, PackTree, Packd, Request, Settings, Site, Strace, support::site};
use packd_wire::{JobStatus, JobView, path};
use rustix::process::Signal;
use serde_json::json;

/// Every call that takes a path, and those on descriptors that wait for a disk. `accept4` marks the loop.
const CALLS: &str = "%file,accept4,fsync,fdatasync,getdents64,fstatfs,ftruncate";

/// Asks for everything that makes the daemon look at files.
fn use_everything(packd: &mut Packd, site: &Site, folder: &std::path::Path) {
    let run = |arguments: &[&str]| packd.ctl(arguments);
    // by name, from both registries; again as it is; the tree that the store has already
    run(&["install", "slack"]).success();
    run(&["install", "teams"]).success();
    run(&["install", "slack"]).success();
    run(&["remove", "slack"]).success();
    run(&["install", "slack"]).success();
    run(&["install", "slack", "--force"]).success();
    // by URL, by upload, and in vain
    let url = site.url("packs/jira-1.0.0.tar.gz");
    run(&["install", &url]).success();
    run(&["install", folder.to_str().unwrap()]).success();
    run(&["install", &site.url("packs/none.tar.gz")]).failure(1);
    run(&["remove", "nothing"]).success();
    let key = "two-of-a-kind";
    for _ in 0..2 {
        let target = format!("{}?wait=60", path::UPLOAD);
        let archive = PackTree::new("mail", "1.0.0").archive(Format::TarGz);
        let request = Request::new("POST", &target)
            .header("Idempotency-Key", key)
            .body("application/gzip", archive.bytes);
        let job: JobView = packd.ask(&request).json();
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    }
    for arguments in [
        ["registry", "refresh"],
        ["registry", "list"],
        ["search", "slack"],
        ["versions", "slack"],
        ["show", "slack"],
        ["job", "list"],
    ] {
        run(&arguments).success();
    }
    for verb in ["status", "list", "audit"] {
        run(&[verb]).success();
    }
    packd.signal(Signal::HUP);
    packd.notifies("STATUS=configuration reloaded");
}

#[test]
fn the_loop_never_waits_for_a_disk() {
    let (slack, teams) = (
        PackTree::new("slack", "2.1.0").with_bulk(20, 2_000),
        PackTree::new("teams", "1.0.0"),
    );
    let site = Site::serving([&slack]);
    site.publish(&PackTree::new("jira", "1.0.0"), Format::TarGz);
    let local = site::folder_with([&teams]);
    let url = format!("file://{}/index.json", local.path().display());
    let folder = tempfile::tempdir().unwrap();
    PackTree::new("core", "1.0.0").write_to(folder.path());
    let settings = Settings::for_site(&site)
        .registry("local", &url, &json!({"priority": 1}))
        .set("queue.retries", 0);
    let mut packd = Packd::prepare(&settings);
    packd.with_environment("WATCHDOG_USEC", "1000000");
    let strace = Strace::recording(CALLS);
    packd.begin_under(&strace);
    let the_loop = packd.pid();

    use_everything(&mut packd, &site, folder.path());
    packd.terminate();

    let calls = strace.calls();
    let others = calls.iter().filter(|call| call.thread != the_loop).count();
    assert!(others > 100, "the work was seen on other threads: {others}");
    let mut on_the_loop = calls
        .iter()
        .filter(|call| call.thread == the_loop)
        .skip_while(|call| call.name != "accept4")
        .peekable();
    assert!(on_the_loop.peek().is_some(), "the loop was seen to accept");
    let waits: Vec<_> = on_the_loop.filter(|call| call.name != "accept4").collect();
    assert!(waits.is_empty(), "{waits:#?}");
}
