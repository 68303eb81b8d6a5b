//! Packs are held against what was installed: what is different is named, and brought again.

use packd_tests::{PackTree, Packd, Settings, Site, Tree};
use packd_wire::{EventKind, JobView, PackState, StatusView, TreeChange, path};

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0").file("version", "2.1.0")
}

fn started(site: &Site) -> Packd {
    let packd = Packd::start(&Settings::for_site(site));
    packd.ctl(["install", "slack"]).success();
    packd
}

fn state(packd: &Packd) -> PackState {
    packd.packs().remove(0).state
}

/// The files beside the tree of the one pack that is installed.
fn beside(packd: &Packd, ending: &str) -> std::path::PathBuf {
    let dir = packd.store().remove(0);
    packd.state_dir().join("store").join(dir + ending)
}

#[test]
fn what_was_changed_is_named_and_brought_again() {
    let site = Site::serving([&slack()]);
    let packd = started(&site);
    let original = packd.tree("slack").unwrap();
    packd
        .ctl(["verify"])
        .success()
        .says("1 pack, all as installed");
    let link = packd.current_link();

    fs_err::write(packd.pack_dir("slack").join("version"), "9.9.9").unwrap();
    fs_err::write(packd.pack_dir("slack").join("mine"), "my own").unwrap();
    assert_eq!(state(&packd), PackState::Ok, "nobody has looked yet");
    let job: JobView = packd.ctl(["-j", "verify", "slack"]).failure(1).job();
    let trees = job.verify.unwrap();
    assert_eq!(trees[0].state, PackState::Modified);
    let found: Vec<_> = trees[0]
        .differences
        .iter()
        .map(|one| (one.path.as_str(), one.change))
        .collect();
    assert_eq!(
        found,
        [
            ("mine", TreeChange::Extra),
            ("version", TreeChange::Content)
        ]
    );
    assert_eq!(state(&packd), PackState::Modified);
    let problems = packd
        .get(path::STATUS)
        .expect(200)
        .json::<StatusView>()
        .problems;
    assert!(
        problems.iter().any(|line| line.contains("slack")),
        "{problems:#?}"
    );

    let job = packd.ctl(["-j", "verify", "--repair"]).success().job();
    assert!(job.changed, "{job:#?}");
    let view = &job.verify.as_ref().unwrap()[0];
    assert!(view.repaired);
    let kept = std::path::Path::new(view.quarantine.as_ref().unwrap());
    assert_eq!(
        fs_err::read_to_string(kept.join("tree/mine")).unwrap(),
        "my own"
    );
    assert_eq!(packd.tree("slack").unwrap(), original);
    assert_eq!(packd.current_link(), link, "no generation was made");
    assert_eq!(state(&packd), PackState::Ok);
    let kinds: Vec<_> = packd
        .wait_for(job.id, |event| event.kind == EventKind::JobSucceeded)
        .iter()
        .map(|event| event.kind)
        .collect();
    assert!(kinds.contains(&EventKind::PackDamaged) && kinds.contains(&EventKind::PackRepaired));
    packd.ctl(["verify"]).success();
    packd.staging_is_empty();
}

/// What somebody does to a pack.
type Harm = fn(&Packd);

#[test]
fn each_way_to_be_damaged_is_found_and_repaired() {
    let site = Site::serving([&slack()]);
    let packd = started(&site);
    let original = packd.tree("slack").unwrap();
    let harms: [(&str, Harm, PackState); 6] = [
        (
            "a file more",
            |packd| fs_err::write(packd.pack_dir("slack").join("more"), "").unwrap(),
            PackState::Extra,
        ),
        (
            "the tree is gone",
            |packd| fs_err::remove_dir_all(beside(packd, "")).unwrap(),
            PackState::Missing,
        ),
        (
            "the list is gone",
            |packd| fs_err::remove_file(beside(packd, ".manifest")).unwrap(),
            PackState::Modified,
        ),
        (
            "the list is damaged",
            |packd| fs_err::write(beside(packd, ".manifest"), "file").unwrap(),
            PackState::Modified,
        ),
        (
            "the record is damaged",
            |packd| fs_err::write(beside(packd, ".record.json"), "{}").unwrap(),
            PackState::Modified,
        ),
        (
            "a file that may be executed",
            |packd| {
                let file = packd.pack_dir("slack").join("version");
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                fs_err::set_permissions(file, mode).unwrap();
            },
            PackState::Modified,
        ),
    ];
    for (what, harm, expected) in harms {
        harm(&packd);
        let job = packd.ctl(["-j", "verify"]).failure(1).job();
        assert_eq!(job.verify.unwrap()[0].state, expected, "{what}");
        packd.ctl(["verify", "--repair"]).success();
        packd.ctl(["verify"]).success();
        assert_eq!(packd.tree("slack").unwrap(), original, "{what}");
    }
}

#[test]
fn a_pack_whose_source_is_gone_is_repaired_from_the_cache_or_says_what_to_do() {
    let site = Site::serving([&slack()]);
    let packd = started(&site);
    drop(site);
    fs_err::write(packd.pack_dir("slack").join("version"), "9").unwrap();
    packd.ctl(["verify", "--repair"]).success();

    fs_err::remove_dir_all(packd.state_dir().join("cache/archives")).unwrap();
    fs_err::write(packd.pack_dir("slack").join("version"), "9").unwrap();
    let job = packd.ctl(["-j", "verify", "--repair"]).failure(1).job();
    assert!(job.verify.unwrap()[0].error.is_some());
    assert_eq!(
        fs_err::read_to_string(packd.pack_dir("slack").join("version")).unwrap(),
        "9",
        "what cannot be brought again stays where it is"
    );
    packd.ctl(["verify", "none"]).failure(3);
}

#[test]
fn a_pack_that_was_sent_is_repaired_from_the_cache_or_says_what_to_send() {
    let folder = tempfile::tempdir().unwrap();
    slack()
        .archive(packd_tests::Format::TarGz)
        .write_to(folder.path());
    let archive = folder.path().join("slack-2.1.0.tar.gz");
    let archive = archive.to_str().unwrap();
    let packd = Packd::start(&Settings::new());
    packd.ctl(["install", archive]).success();
    let original = packd.tree("slack").unwrap();
    let file = packd.pack_dir("slack").join("version");

    fs_err::write(&file, "9").unwrap();
    packd.ctl(["verify", "--repair"]).success();
    assert_eq!(packd.tree("slack").unwrap(), original);

    fs_err::remove_dir_all(packd.state_dir().join("cache/archives")).unwrap();
    fs_err::write(&file, "9").unwrap();
    packd
        .ctl(["verify", "--repair"])
        .failure(1)
        .says("the cache does not have it any more")
        .says("packctl install");
    packd.ctl(["install", archive, "--force"]).success();
    assert_eq!(packd.tree("slack").unwrap(), original);
    packd.ctl(["verify"]).success();
    packd.staging_is_empty();
}

#[test]
fn an_update_of_a_pack_that_somebody_changed_keeps_what_they_did() {
    let site = Site::serving([&slack()]);
    let packd = started(&site);
    fs_err::write(packd.pack_dir("slack").join("mine"), "my own").unwrap();
    let folder = tempfile::tempdir().unwrap();
    PackTree::new("slack", "3.0.0")
        .archive(packd_tests::Format::TarGz)
        .write_to(folder.path());
    let archive = folder.path().join("slack-3.0.0.tar.gz");

    let job = packd
        .ctl(["-j", "install", archive.to_str().unwrap()])
        .success()
        .job();

    let warning = job.warnings.iter().find(|line| line.contains("quarantine"));
    let folder = warning.unwrap().split('`').rev().nth(1).unwrap();
    let kept = Tree::of(&std::path::Path::new(folder).join("tree"));
    assert!(kept.0.contains_key("mine"), "{kept:#?}");
}

#[test]
fn the_scrubber_finds_damage_by_itself() {
    let site = Site::serving([&slack()]);
    let mut packd = started(&site);
    packd.terminate();
    fs_err::write(packd.pack_dir("slack").join("version"), "9").unwrap();
    packd.configure(&Settings::for_site(&site).set("store.scrub_interval", "1s"));
    packd.begin();

    let mut events = packd.events("?kind=pack_damaged&since=0");
    let event = events.next().unwrap();

    assert_eq!(event.pack_ref.as_deref(), Some("slack"));
    assert_eq!(event.job, None);
    assert_eq!(state(&packd), PackState::Modified);
}
