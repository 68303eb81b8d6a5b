//! An update writes what changed, and takes the other files from the version before.

use std::{fs::Permissions, os::unix::fs::MetadataExt as _, os::unix::fs::PermissionsExt as _};

use packd_tests::{Format, GitSite, PackTree, Packd, Repository, Settings, Site, Tree};

const FILES: usize = 60;

/// A pack in which a version changes one file of many.
fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version)
        .file("version", version)
        .executable("bin/run", "#!/bin/sh\n")
        .with_bulk(FILES, 900)
}

/// How many files of a tree have a name in another one as well.
fn shared(packd: &Packd) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = fs_err::read_dir(folder).unwrap();
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let about = fs_err::symlink_metadata(&path).unwrap();
                if about.is_dir() {
                    count(&path)
                } else {
                    usize::from(about.nlink() > 1)
                }
            })
            .sum()
    }
    count(&packd.pack_dir("slack"))
}

/// How many files are shared by link: none where the file system shares blocks instead.
fn by_link(packd: &Packd, files: usize) -> usize {
    let state = packd.state_dir();
    let from = tempfile::NamedTempFile::new_in(&state).unwrap();
    fs_err::write(from.path(), "x").unwrap();
    let to = tempfile::tempfile_in(&state).unwrap();
    match rustix::fs::ioctl_ficlone(&to, from.as_file()) {
        Ok(()) => 0,
        Err(_) => files,
    }
}

/// The active tree is what others unpack.
fn is_whole(packd: &Packd, pack: &PackTree) {
    let whole = Tree::unpacked_by_others(&pack.archive(Format::TarGz));
    assert_eq!(packd.tree("slack").unwrap(), whole);
    packd.staging_is_empty();
}

#[test]
fn files_that_did_not_change_are_those_of_the_version_before() {
    let (old, new) = (slack("1.0.0"), slack("1.0.1"));
    let site = Site::serving([&old, &new]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    let before = fs_err::canonicalize(packd.pack_dir("slack")).unwrap();
    assert_eq!(shared(&packd), 0);

    packd.ctl(["install", "slack@1.0.1"]).success();

    is_whole(&packd, &new);
    // all but the manifest and one file
    assert_eq!(shared(&packd), by_link(&packd, FILES + 1));
    assert_eq!(
        fs_err::read_to_string(before.join("version")).unwrap(),
        "1.0.0",
        "the version before is as it was"
    );
    packd.ctl(["install", "slack@1.0.0"]).success();
    is_whole(&packd, &old);
}

#[test]
fn what_somebody_edited_in_the_store_is_in_no_new_version() {
    let site = Site::serving([&slack("1.0.0"), &slack("1.0.1")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    let edited = packd.pack_dir("slack").join("bin/run");
    let modified = fs_err::metadata(&edited).unwrap().modified().unwrap();
    fs_err::write(&edited, "#!/bin/zh\n").unwrap();
    let file = fs_err::OpenOptions::new()
        .write(true)
        .open(&edited)
        .unwrap();
    file.file().set_modified(modified).unwrap();
    let open = packd.pack_dir("slack").join("version");
    fs_err::set_permissions(open, Permissions::from_mode(0o666)).unwrap();

    packd.ctl(["install", "slack@1.0.1"]).success();

    is_whole(&packd, &slack("1.0.1"));
    assert_eq!(shared(&packd), by_link(&packd, FILES));
}

#[test]
fn nothing_is_shared_by_force_or_where_it_is_turned_off() {
    let site = Site::serving([&slack("1.0.0"), &slack("1.0.1")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["install", "slack@1.0.1", "--force"]).success();
    is_whole(&packd, &slack("1.0.1"));
    assert_eq!(shared(&packd), 0);

    let settings = Settings::for_site(&site).set("store.share_files", false);
    let packd = Packd::start(&settings);
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["install", "slack@1.0.1"]).success();
    is_whole(&packd, &slack("1.0.1"));
    assert_eq!(shared(&packd), 0);
}

#[test]
fn a_commit_shares_files_with_the_one_before() {
    let repository = Repository::of([&slack("1.0.0"), &slack("1.0.1")]);
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    packd.ctl(["install", &url, "--ref", "v1.0.0"]).success();
    packd.ctl(["install", &url, "--ref", "v1.0.1"]).success();
    assert_eq!(packd.active(), ["slack 1.0.1"]);
    let commit = repository.commit_of("v1.0.1");
    assert_eq!(packd.tree("slack").unwrap(), repository.archived(&commit));
    assert_eq!(shared(&packd), by_link(&packd, FILES + 1));
}

#[test]
fn the_version_before_an_upload_is_found_by_its_name() {
    let site = Site::serving([]);
    let packd = Packd::start(&Settings::for_site(&site));
    let folder = tempfile::tempdir().unwrap();
    for (version, format) in [("1.0.0", Format::TarGz), ("1.0.1", Format::Zip)] {
        let archive = slack(version).archive(format);
        archive.write_to(folder.path());
        let path = folder.path().join(&archive.name);
        packd.ctl(["install".as_ref(), path.as_os_str()]).success();
    }
    is_whole(&packd, &slack("1.0.1"));
    assert_eq!(shared(&packd), by_link(&packd, FILES + 1));
}
