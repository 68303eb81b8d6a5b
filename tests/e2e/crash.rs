//! A daemon that is killed: whenever it happens, the host ends the same.

use std::time::Instant;

use packd_tests::{Archive, Fault, Format, PackTree, Packd, Settings, Site, Tree};
use packd_wire::{JobStatus, StepName, StepStatus};

/// The pack of these tests; each version has files of its own.
fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version)
        .file("version", version)
        .with_bulk(400, 3_000)
}

fn tree(archive: &Archive) -> Tree {
    Tree::unpacked_by_others(archive)
}

fn tar(version: &str) -> Tree {
    tree(&slack(version).archive(Format::TarGz))
}

/// Queues an install, and does not wait for it.
fn begin_install(packd: &Packd, source: &str) -> i64 {
    packd
        .ctl(["-j", "install", source, "--no-wait"])
        .success()
        .job()
        .id
}

/// Insists that the interrupted job ends as if nothing had been.
fn ends_the_same(packd: &Packd, job: i64, version: &str, wanted: &Tree) {
    let job = packd.finished(job);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(job.changed, "{job:#?}");
    assert_eq!(packd.active(), [format!("slack {version}")]);
    assert_eq!(&packd.tree("slack").unwrap(), wanted);
    let generation = packd.current_link().unwrap();
    assert_eq!(
        generation.to_str().unwrap(),
        format!("generations/{}", packd.packs()[0].generation),
        "the database follows the link"
    );
    packd.staging_is_empty();
}

#[test]
fn a_kill_during_a_download_changes_nothing_and_loses_no_job() {
    for format in [Format::TarGz, Format::Zip] {
        let mut site = Site::serving([&slack("1.0.0")]);
        let mut packd = Packd::start(&Settings::for_site(&site));
        packd.ctl(["install", "slack"]).success();
        let fault = Fault::before(&site).stall_after(500_000);
        site.offer_through(&fault, &slack("2.0.0"), format);
        packd.ctl(["registry", "refresh"]).success();
        let job = begin_install(&packd, "slack@2.0.0");
        fault.wait_until_stalled(1);
        let fetching = packd.job(job);
        assert!(
            fetching
                .steps
                .iter()
                .any(|step| step.name == StepName::Fetch && step.status == StepStatus::Running),
            "{fetching:#?}"
        );

        packd.kill();

        assert_eq!(
            packd.tree("slack").unwrap(),
            tar("1.0.0"),
            "the previous version is intact"
        );
        fault.release();
        packd.begin();
        ends_the_same(&packd, job, "2.0.0", &tree(&slack("2.0.0").archive(format)));
    }
}

#[test]
fn a_first_install_that_was_killed_leaves_nothing_half_made() {
    let mut site = Site::serving([]);
    let fault = Fault::before(&site).stall_after(500_000);
    site.offer_through(&fault, &slack("2.0.0"), Format::TarGz);
    let mut packd = Packd::start(&Settings::for_site(&site));
    let job = begin_install(&packd, "slack");
    fault.wait_until_stalled(1);

    packd.kill();

    assert_eq!(packd.current(), Vec::<String>::new());
    fault.release();
    packd.begin();
    ends_the_same(&packd, job, "2.0.0", &tar("2.0.0"));
}

#[test]
fn an_upload_that_was_accepted_survives_a_kill() {
    // the caller is gone after a kill, and cannot send the archive again
    let folder = tempfile::tempdir().unwrap();
    let archive = slack("2.0.0").archive(Format::TarGz);
    archive.write_to(folder.path());
    let path = folder.path().join(&archive.name);
    let mut packd = Packd::start(&Settings::new());
    let job = begin_install(&packd, path.to_str().unwrap());

    packd.kill();

    packd.begin();
    ends_the_same(&packd, job, "2.0.0", &tar("2.0.0"));
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_version_or_the_new_one() {
    const ROUNDS: u32 = 14;
    let versions: Vec<String> = (1..ROUNDS + 3)
        .map(|number| format!("{number}.0.0"))
        .collect();
    let packs: Vec<PackTree> = versions.iter().map(|version| slack(version)).collect();
    let site = Site::serving(&packs);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    let began = Instant::now();
    let undisturbed = begin_install(&packd, "slack@2.0.0");
    let _job = packd.finished(undisturbed);
    let whole = began.elapsed();

    for round in 0..ROUNDS {
        let (old, new) = (&versions[round as usize + 1], &versions[round as usize + 2]);
        let job = begin_install(&packd, &format!("slack@{new}"));
        // a moment is a time here: that is what the test is about
        packd.wait_and_kill(whole * round / ROUNDS);

        let seen = packd.tree("slack").unwrap();
        assert!(
            seen == tar(old) || seen == tar(new),
            "round {round}: neither the old tree nor the new one"
        );
        packd.begin();
        ends_the_same(&packd, job, new, &tar(new));
    }
}

/// Kills at one system call, found in the trace of an undisturbed run. Needs strace.
mod traced {
    use packd_tests::{
        PATIENCE, Strace,
        support::{
            strace::{Point, points},
            watch,
        },
    };

    use super::{
        JobStatus, PackTree, Packd, Settings, Site, begin_install, ends_the_same, slack, tar,
    };

    const OPENS: &str = "?open,openat,?openat2";
    const RENAMES: &str = "?rename,renameat,renameat2";

    /// A daemon with version 1; versions 2 and 3 are on offer.
    fn scene() -> (Site, Packd) {
        let packs: [PackTree; 3] = ["1.0.0", "2.0.0", "3.0.0"].map(slack);
        let site = Site::serving(&packs);
        let packd = Packd::start(&Settings::for_site(&site));
        packd.ctl(["install", "slack@1.0.0"]).success();
        (site, packd)
    }

    /// Installs version 2 undisturbed, and says where a file of this name was touched.
    fn undisturbed(packd: &mut Packd, calls: &str, file_name: &str) -> Vec<Point> {
        packd.terminate();
        let strace = Strace::recording(calls);
        packd.begin_under(&strace);
        packd.ctl(["install", "slack@2.0.0"]).success();
        packd.terminate();
        let calls = strace.calls();
        let points = points(&calls, file_name);
        assert!(!points.is_empty(), "`{file_name}` is in none of {calls:#?}");
        points
    }

    #[test]
    fn a_kill_during_unpacking_changes_nothing_and_loses_no_job() {
        let (_site, mut packd) = scene();
        let point = undisturbed(&mut packd, OPENS, "data00200.bin").remove(0);
        packd.begin_under(&Strace::killing_at(OPENS, &point));
        let job = begin_install(&packd, "slack@3.0.0");

        packd.wait_for_death();

        assert!(!packd.staging().is_empty(), "half of the files are there");
        assert_eq!(packd.tree("slack").unwrap(), tar("2.0.0"));
        packd.begin();
        ends_the_same(&packd, job, "3.0.0", &tar("3.0.0"));
    }

    #[test]
    fn a_kill_right_before_the_switch_leaves_the_old_version() {
        let (_site, mut packd) = scene();
        let point = undisturbed(&mut packd, RENAMES, "current").pop().unwrap();
        packd.begin_under(&Strace::killing_at(RENAMES, &point));
        let before = packd.current_link();
        let job = begin_install(&packd, "slack@3.0.0");

        packd.wait_for_death();

        assert_eq!(packd.current_link(), before);
        assert_eq!(packd.tree("slack").unwrap(), tar("2.0.0"));
        packd.begin();
        ends_the_same(&packd, job, "3.0.0", &tar("3.0.0"));
    }

    #[test]
    fn a_kill_right_after_the_switch_leaves_the_new_version() {
        let (_site, mut packd) = scene();
        let point = undisturbed(&mut packd, RENAMES, "current").pop().unwrap();
        packd.begin_under(&Strace::holding_after(RENAMES, &point));
        let before = packd.current_link();
        let job = begin_install(&packd, "slack@3.0.0");
        let switched = watch::until(&packd.state_dir(), PATIENCE, || {
            packd.current_link() != before
        });
        assert!(switched, "{}", packd.log());
        assert_eq!(
            packd.job(job).status,
            JobStatus::Running,
            "nothing came after the switch"
        );

        packd.kill();

        let after = packd.current_link();
        assert_eq!(packd.tree("slack").unwrap(), tar("3.0.0"));
        packd.begin();
        ends_the_same(&packd, job, "3.0.0", &tar("3.0.0"));
        assert_eq!(
            packd.current_link(),
            after,
            "what was switched to is not made a second time"
        );
    }
}
