//! Every source a pack can come from, and that what arrives is what was packed.

use packd_tests::{Archive, Format, PackTree, Packd, Settings, Site, Tree, support::site};
use packd_wire::{
    ChangeAction, JobStatus, JobView, PackView, SourceType, StepName, StepStatus, Verification,
};
use serde_json::json;

/// A pack with one of everything that a pack may have.
fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0")
        .label("Slack")
        .file("README.md", "# Slack\n")
        .file("lib/a name with spaces", "x")
        .file("lib/ünïcode", "y")
        .file("empty", "")
        .folder("rules")
        .link("run", "actions/say.sh")
        .link("lib/up", "../README.md")
        .with_bulk(60, 700)
}

/// What must be true after any install of [`slack`].
fn is_active(packd: &Packd, job: &JobView) -> PackView {
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(job.changed, "{job:#?}");
    let names: Vec<StepName> = job.steps.iter().map(|step| step.name).collect();
    assert!(names.is_sorted(), "the steps are in order: {names:?}");
    assert!(names.contains(&StepName::Activate), "{names:?}");
    assert!(
        job.steps
            .iter()
            .all(|step| step.status == StepStatus::Completed),
        "{job:#?}"
    );
    let plan = job.plan.as_ref().unwrap();
    assert_eq!(plan.changes.len(), 1, "{plan:#?}");
    assert_eq!(plan.changes[0].action, ChangeAction::Install);

    packd.staging_is_empty();
    assert_eq!(packd.current(), ["slack"]);
    let packs = packd.packs();
    assert_eq!(packs.len(), 1);
    let pack = packs.into_iter().next().unwrap();
    assert_eq!(
        (pack.pack_ref.as_str(), pack.version.as_str()),
        ("slack", "2.1.0")
    );
    assert_eq!(pack.label.as_deref(), Some("Slack"));
    assert_eq!(pack.path, packd.pack_dir("slack").to_str().unwrap());
    assert_eq!(pack.job, job.id);
    assert_eq!(Some(pack.generation), job.generation);
    pack
}

fn is_what_tar_makes(packd: &Packd, archive: &Archive) {
    assert_eq!(
        packd.tree("slack").unwrap(),
        Tree::unpacked_by_others(archive)
    );
}

#[test]
fn a_pack_is_installed_by_name_over_https() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));

    let job = packd.ctl(["-j", "install", "slack"]).success().job();

    let archive = slack().archive(Format::TarGz);
    let pack = is_active(&packd, &job);
    assert_eq!(pack.registry.as_deref(), Some("demo"));
    assert_eq!(pack.source.source_type, SourceType::Archive);
    assert_eq!(
        pack.source.url.as_deref(),
        Some(site.url("packs/slack-2.1.0.tar.gz").as_str())
    );
    assert_eq!(pack.digest.archive, Some(archive.sha256()));
    assert_eq!(pack.verified.by, Verification::RegistryChecksum);
    is_what_tar_makes(&packd, &archive);
}

#[test]
fn a_pack_is_installed_by_name_from_a_registry_in_a_folder() {
    let registry = site::folder_with([&slack()]);
    let url = format!("file://{}/index.json", registry.path().display());
    let packd = Packd::start(&Settings::new().registry("local", &url, &json!({})));

    let job = packd.ctl(["-j", "install", "slack@^2"]).success().job();

    let pack = is_active(&packd, &job);
    assert_eq!(pack.registry.as_deref(), Some("local"));
    assert_eq!(pack.verified.by, Verification::RegistryChecksum);
    is_what_tar_makes(&packd, &slack().archive(Format::TarGz));
}

#[test]
fn a_pack_is_installed_from_the_url_of_an_archive_of_each_format() {
    let site = Site::serving([]);
    for format in Format::ALL {
        let archive = site.publish(&slack(), format);
        let packd = Packd::start(&Settings::for_site(&site));
        let url = site.url(&format!("packs/{}", archive.name));

        let job = packd.ctl(["-j", "install", &url]).success().job();

        let pack = is_active(&packd, &job);
        assert_eq!(pack.registry, None);
        assert_eq!(pack.source.url.as_deref(), Some(url.as_str()));
        assert_eq!(pack.digest.archive, Some(archive.sha256()));
        assert_eq!(
            pack.verified.by,
            Verification::None,
            "nobody said what to expect"
        );
        is_what_tar_makes(&packd, &archive);
    }
}

#[test]
fn a_checksum_given_with_a_url_is_compared() {
    let site = Site::serving([]);
    let archive = site.publish(&slack(), Format::TarGz);
    let url = site.url(&format!("packs/{}", archive.name));
    for checksum in [archive.sha256(), archive.sha512()] {
        let packd = Packd::start(&Settings::for_site(&site));
        let job = packd
            .ctl(["-j", "install", &url, "--checksum", &checksum])
            .success()
            .job();
        assert_eq!(
            is_active(&packd, &job).verified.by,
            Verification::RequestChecksum
        );
    }
}

#[test]
fn a_redirect_within_the_site_is_followed() {
    let site = Site::serving([]);
    let archive = site.publish(&slack(), Format::TarGz);
    let packd = Packd::start(&Settings::for_site(&site));
    let url = site.url(&format!("moved/packs/{}", archive.name));
    let job = packd.ctl(["-j", "install", &url]).success().job();
    is_active(&packd, &job);
}

#[test]
fn a_pack_is_installed_from_a_directory_of_the_caller() {
    let packd = Packd::start(&Settings::new());
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("slack");
    fs_err::create_dir(&source).unwrap();
    slack().write_to(&source);

    let job = packd
        .ctl(["-j", "install", source.to_str().unwrap()])
        .success()
        .job();

    let pack = is_active(&packd, &job);
    assert_eq!(pack.source.source_type, SourceType::Upload);
    assert_eq!(packd.tree("slack").unwrap(), Tree::of(&source));
}

#[test]
fn what_git_ignores_is_not_uploaded() {
    let packd = Packd::start(&Settings::new());
    let folder = tempfile::tempdir().unwrap();
    slack()
        .file(".gitignore", "*.log\n")
        .file("debug.log", "secret")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .write_to(folder.path());

    let job = packd
        .ctl(["-j", "install", folder.path().to_str().unwrap()])
        .success()
        .job();

    is_active(&packd, &job);
    let tree = packd.tree("slack").unwrap();
    assert!(!tree.0.contains_key("debug.log"));
    assert!(!tree.0.contains_key(".git"));
    assert!(tree.0.contains_key("pack.yaml"));
}

#[test]
fn a_repository_in_the_folder_is_left_out_and_named() {
    let packd = Packd::start(&Settings::new());
    let folder = tempfile::tempdir().unwrap();
    slack()
        .file("vendor/x/lib.py", "x")
        .file("vendor/x/.git/HEAD", "ref: refs/heads/main\n")
        .write_to(folder.path());

    let ran = packd.ctl(["-j", "install", folder.path().to_str().unwrap()]);
    ran.says("`vendor/x` is a git repository of its own");
    let job = ran.success().job();

    is_active(&packd, &job);
    let tree = packd.tree("slack").unwrap();
    assert!(tree.0.contains_key("pack.yaml"));
    let of_it: Vec<_> = tree
        .0
        .keys()
        .filter(|path| path.starts_with("vendor/x"))
        .collect();
    assert!(of_it.is_empty(), "{of_it:?}");
}

#[test]
fn a_pack_is_installed_from_an_archive_of_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let packd = Packd::start(&Settings::new());
        let archive = slack().archive(format);
        archive.write_to(folder.path());
        let path = folder.path().join(&archive.name);

        let job = packd
            .ctl(["-j", "install", path.to_str().unwrap()])
            .success()
            .job();

        let pack = is_active(&packd, &job);
        assert_eq!(pack.source.source_type, SourceType::Upload);
        assert_eq!(pack.digest.archive, Some(archive.sha256()));
        is_what_tar_makes(&packd, &archive);
    }
}

#[test]
fn a_single_top_folder_of_an_archive_is_not_part_of_the_pack() {
    let site = Site::serving([]);
    for format in Format::ALL {
        let archive = site.publish(&slack().inside("slack-2.1.0"), format);
        let packd = Packd::start(&Settings::for_site(&site));
        let url = site.url(&format!("packs/{}", archive.name));

        let job = packd.ctl(["-j", "install", &url]).success().job();

        is_active(&packd, &job);
        let whole = Tree::unpacked_by_others(&archive);
        assert_eq!(packd.tree("slack").unwrap(), whole.below("slack-2.1.0"));
    }
}

#[test]
fn an_operator_sees_each_step_of_an_install_and_its_result() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));
    let ran = packd.ctl(["install", "slack"]);
    ran.success();
    for step in ["resolve", "fetch", "activate"] {
        assert!(
            ran.stderr().contains(step) || ran.stdout().contains(step),
            "no line for `{step}`: {ran:#?}"
        );
    }
    assert!(
        ran.stdout().contains("slack") && ran.stdout().contains("2.1.0"),
        "{ran:#?}"
    );
    assert!(
        !ran.stdout().contains('\u{1b}') && !ran.stderr().contains('\u{1b}'),
        "{ran:#?}"
    );

    packd.ctl(["list"]).success().says("slack").says("2.1.0");
    packd
        .ctl(["show", "slack"])
        .success()
        .says("Slack")
        .says("demo");
    packd.ctl(["job", "list"]).success().says("install slack");
    packd.ctl(["job", "show", "1"]).success().says("succeeded");
}

#[test]
fn the_same_can_be_said_as_a_pack_verb() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["pack", "install", "slack"]).success();
    assert_eq!(packd.active(), ["slack 2.1.0"]);
}
