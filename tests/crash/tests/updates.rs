//! packd is ended while it updates packs by itself: the update is neither lost nor made twice, and its hook runs.

use std::{path::Path, process::Command, time::Instant};

use packd_tests::{PATIENCE, PackTree, Packd, Ran, Settings, Site};
use packd_wire::{JobKind, JobList, JobStatus, StatusView, path};
use serde_json::json;

/// The transactions at which packd is ended: those of its start, of the turn of the registry and of the job that is queued
/// for it, and the first ones of that job.
const TRANSACTIONS: usize = 10;

fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.arg("-a").arg(from.join(".")).arg(to);
    Ran::of(&mut command).success();
}

/// Waits until packd has looked for updates, and none is to be made any more.
fn until_nothing_is_due(packd: &Packd) {
    let end = Instant::now() + PATIENCE;
    loop {
        let status: StatusView = packd.get(path::STATUS).expect(200).json();
        let is_done = status.updates.looked_at.is_some() && status.updates.pending == 0;
        let at_work = status.queue.queued + status.queue.running;
        if is_done && at_work == 0 && packd.active() == ["slack 1.1.0"] {
            return;
        }
        assert!(
            Instant::now() < end,
            "the update is lost: {status:#?}\n{}",
            packd.log()
        );
        std::thread::yield_now();
    }
}

#[test]
fn an_update_is_made_once_wherever_packd_is_ended() {
    let mut site = Site::serving(&[PackTree::new("slack", "1.0.0")]);
    let mut first = Packd::start(&Settings::for_site(&site));
    first.ctl(["install", "slack"]).success();
    site.offer(&PackTree::new("slack", "1.1.0"));
    first.ctl(["registry", "refresh"]).success();
    first.terminate();
    let hook = json!({"name": "tell", "on": ["pack_updated"], "command": ["/bin/true"]});
    let settings = Settings::for_site(&site)
        .set("updates.splay", "0s")
        .hook(&hook);
    for point in ["database.uncommitted", "database.committed"] {
        for nth in 1..=TRANSACTIONS {
            let mut packd = Packd::prepare(&settings);
            copy(&first.state_dir(), &packd.state_dir());
            packd.with_environment("PACKD_FAULT", format!("{point}:{nth}"));
            if packd.begins() {
                packd.wait_for_death();
            }
            packd.with_environment("PACKD_FAULT", "");
            packd.begin();
            until_nothing_is_due(&packd);
            let list: JobList = packd.get(path::JOBS).expect(200).json();
            let updates: Vec<_> = list
                .jobs
                .iter()
                .filter(|job| job.kind == JobKind::Update)
                .map(|job| (job.status, job.changed))
                .collect();
            assert_eq!(
                updates,
                [(JobStatus::Succeeded, true)],
                "{point} {nth}: {:#?}",
                list.jobs
            );
        }
    }
}
