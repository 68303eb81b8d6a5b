//! A state folder that somebody had their hands in: what is damaged is said, and made good.

use std::os::unix::fs::PermissionsExt;

use packd_tests::{Format, PackTree, Packd, Settings, Site, Tree};
use packd_wire::{ChangeAction, JobView, StatusView, path};

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0").file("version", "2.1.0")
}

fn status(packd: &Packd) -> StatusView {
    packd.get(path::STATUS).expect(200).json()
}

/// What lies under `quarantine`, at any depth, by file name.
fn quarantined(packd: &Packd, name: &str) -> bool {
    let mut folders = vec![packd.state_dir().join("quarantine")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            if entry.file_name() == name {
                return true;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    false
}

/// Insists that the pack is as it came, and that the job says what it put away.
fn is_good(packd: &Packd, job: &JobView, original: &Tree) {
    assert_eq!(&packd.tree("slack").unwrap(), original);
    assert!(job.changed, "{job:#?}");
    assert!(
        job.warnings.iter().any(|line| line.contains("quarantine")),
        "{job:#?}"
    );
    packd.staging_is_empty();
}

#[test]
fn what_lies_in_the_place_of_a_tree_is_put_away_and_never_taken_for_it() {
    let site = Site::serving([&slack()]);
    let original = Tree::unpacked_by_others(&slack().archive(Format::TarGz));
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let dir = packd.store().remove(0);

    let other = Packd::start(&Settings::for_site(&site));
    let place = other.state_dir().join("store").join(&dir);
    fs_err::create_dir_all(&place).unwrap();
    fs_err::write(place.join("foreign"), "not slack").unwrap();
    let job = other.ctl(["-j", "install", "slack"]).success().job();

    is_good(&other, &job, &original);
    assert!(quarantined(&other, "foreign"), "it is kept");
}

#[test]
fn force_repairs_a_damaged_tree() {
    let site = Site::serving([&slack()]);
    let original = Tree::unpacked_by_others(&slack().archive(Format::TarGz));
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let mark = packd.pack_dir("slack").join("mark");
    fs_err::write(&mark, "damage").unwrap();
    fs_err::write(packd.pack_dir("slack").join("version"), "9").unwrap();

    let job = packd
        .ctl(["-j", "install", "slack", "--force"])
        .success()
        .job();

    is_good(&packd, &job, &original);
    assert!(quarantined(&packd, "mark"), "it is kept");

    // and one that came from here
    fs_err::write(&mark, "damage").unwrap();
    let folder = tempfile::tempdir().unwrap();
    slack().archive(Format::TarGz).write_to(folder.path());
    let archive = folder.path().join("slack-2.1.0.tar.gz");
    let archive = archive.to_str().unwrap();
    let job = packd
        .ctl(["-j", "install", archive, "--force"])
        .success()
        .job();
    is_good(&packd, &job, &original);

    let job = packd
        .ctl(["-j", "install", "slack", "--force"])
        .success()
        .job();
    assert_eq!(
        job.warnings,
        Vec::<String>::new(),
        "what is good stays in its place"
    );
}

#[test]
fn a_missing_tree_is_a_problem_that_names_its_remedy() {
    let teams = PackTree::new("teams", "1.0.0");
    let site = Site::serving([&slack(), &teams]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "teams"]).success();
    let original = packd.tree("slack").unwrap();
    assert_eq!(status(&packd).problems, Vec::<String>::new());
    for dir in packd.store() {
        fs_err::remove_dir_all(packd.state_dir().join("store").join(dir)).unwrap();
    }

    let problems = status(&packd).problems;
    for name in ["slack", "teams"] {
        let remedy = format!("`packctl install {name}`");
        assert!(
            problems.iter().any(|line| line.contains(&remedy)),
            "{problems:#?}"
        );
    }

    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    assert!(job.changed, "{job:#?}");
    assert_eq!(
        job.plan.as_ref().unwrap().changes[0].action,
        ChangeAction::Reinstall
    );
    assert_eq!(packd.tree("slack").unwrap(), original);
    packd
        .ctl(["install", "teams"])
        .success()
        .says("teams 1.0.0 installed again");
    assert_eq!(status(&packd).problems, Vec::<String>::new());
}

#[test]
fn a_missing_generation_is_made_again() {
    let site = Site::serving([&slack(), &PackTree::new("teams", "1.0.0")]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["install", "teams"]).success();
    let original = packd.tree("slack").unwrap();
    let generations = packd.state_dir().join("generations");

    fs_err::remove_dir_all(&generations).unwrap();
    let problems = status(&packd).problems;
    assert!(
        problems
            .iter()
            .any(|line| line.contains("generation") && line.contains("missing")),
        "{problems:#?}"
    );
    packd.ctl(["remove", "teams"]).success();
    assert_eq!(packd.tree("slack").unwrap(), original);
    assert_eq!(packd.current(), ["slack"]);

    fs_err::remove_dir_all(&generations).unwrap();
    packd.restart();
    assert_eq!(packd.tree("slack").unwrap(), original);
    assert_eq!(status(&packd).problems, Vec::<String>::new());
}

#[test]
fn working_folders_that_are_gone_are_made_again_for_packd_alone() {
    let packd = Packd::start(&Settings::new());
    let folder = tempfile::tempdir().unwrap();
    slack().archive(Format::TarGz).write_to(folder.path());
    let archive = folder.path().join("slack-2.1.0.tar.gz");
    let working = ["staging", "uploads"].map(|name| packd.state_dir().join(name));
    for folder in &working {
        fs_err::remove_dir(folder).unwrap();
    }

    packd.ctl(["install", archive.to_str().unwrap()]).success();

    for folder in &working {
        let mode = fs_err::metadata(folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
    }
}

#[test]
fn nobody_else_can_open_what_packd_locks() {
    let mut packd = Packd::start(&Settings::new());
    let lock = packd.state_dir().join(".lock");
    let mode = || fs_err::metadata(&lock).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);

    fs_err::set_permissions(&lock, std::fs::Permissions::from_mode(0o644)).unwrap();
    packd.restart();
    assert_eq!(mode(), 0o600, "one of before is corrected");
}
