//! Packs from git repositories, over every way there is, and that what arrives is what `git archive` makes.

use packd_tests::{GitDaemon, GitSite, PackTree, Packd, Repository, Settings, Sshd, Tree};
use packd_wire::{EventKind, JobStatus, JobView, PackView, SourceType, Verification};

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version)
        .file("README.md", format!("# Slack {version}\n"))
        .file("lib/a name with spaces", "x")
        .file("lib/ünïcode", "y")
        .file("empty", "")
        .link("run", "actions/say.sh")
        .link("lib/up", "../README.md")
        .with_bulk(40, 700)
}

/// Three versions, two of them on a branch of their own, and one commit after the last tag.
fn repository() -> Repository {
    let repository = Repository::of([&slack("1.2.0"), &slack("1.10.0")]);
    repository.branch("feature/new-action");
    repository.commit(&slack("2.0.0-rc.1"));
    repository.tag("v2.0.0-rc.1");
    repository.checkout("main");
    repository.commit(&slack("1.11.0"));
    repository
}

/// What must be true after an install of a commit.
fn is_installed(packd: &Packd, job: &JobView, repository: &Repository, commit: &str) -> PackView {
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let change = &job.plan.as_ref().unwrap().changes[0];
    assert_eq!(change.commit.as_deref(), Some(commit), "{change:#?}");
    packd.staging_is_empty();
    let pack = packd.packs().into_iter().next().unwrap();
    assert_eq!(pack.source.source_type, SourceType::Git);
    assert_eq!(pack.source.commit.as_deref(), Some(commit));
    assert_eq!(pack.source.url, change.source);
    assert_eq!(pack.digest.archive, None);
    assert_eq!(packd.tree("slack").unwrap(), repository.archived(commit));
    pack
}

fn reason(job: &JobView) -> &str {
    &job.plan.as_ref().unwrap().changes[0].reason
}

#[test]
fn each_kind_of_ref_is_installed_over_https() {
    let repository = repository();
    let site = GitSite::serving([&repository]);
    let url = site.url(&repository);
    let tagged = repository.commit_of("v1.2.0");
    let main = repository.commit_of("main");
    let before = repository.commit_of("v1.2.0");
    for (git_ref, commit, name, words) in [
        (
            "v1.2.0",
            &tagged,
            Some("v1.2.0"),
            "requested; git, tag v1.2.0".to_owned(),
        ),
        (
            "main",
            &main,
            Some("main"),
            "requested; git, branch main".to_owned(),
        ),
        (
            "HEAD",
            &main,
            Some("main"),
            "requested; git, default branch main".to_owned(),
        ),
        (
            "feature/new-action",
            &repository.commit_of("feature/new-action"),
            Some("feature/new-action"),
            "requested; git, branch feature/new-action".to_owned(),
        ),
        (
            main.as_str(),
            &main,
            None,
            format!("requested; git, commit {main}"),
        ),
        (
            &main[..9],
            &main,
            None,
            format!("requested; git, commit {main}"),
        ),
        // one that no branch and no tag names directly any more is found in the history
        (
            &before[..8],
            &before,
            None,
            format!("requested; git, commit {before}"),
        ),
    ] {
        let packd = Packd::start(&Settings::for_site(&site.site));
        let job = packd
            .ctl(["-j", "install", &url, "--ref", git_ref])
            .success()
            .job();
        let pack = is_installed(&packd, &job, &repository, commit);
        assert_eq!(pack.source.git_ref.as_deref(), name, "{git_ref}");
        assert_eq!(reason(&job), words);
        let expected = if git_ref.len() == 40 {
            Verification::RequestCommit
        } else {
            Verification::None
        };
        assert_eq!(pack.verified.by, expected, "{git_ref}");
    }
}

#[test]
fn without_a_ref_it_is_the_newest_version_or_else_the_default_branch() {
    let repository = repository();
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    let job = packd.ctl(["-j", "install", &url]).success().job();
    is_installed(&packd, &job, &repository, &repository.commit_of("v1.10.0"));
    assert_eq!(
        reason(&job),
        "requested; git, tag v1.10.0, the newest version"
    );

    let job = packd
        .ctl(["-j", "install", &url, "--version", "~1.2"])
        .success()
        .job();
    is_installed(&packd, &job, &repository, &repository.commit_of("v1.2.0"));
    let job = packd.ctl(["-j", "install", &url, "--pre"]).success().job();
    is_installed(
        &packd,
        &job,
        &repository,
        &repository.commit_of("v2.0.0-rc.1"),
    );

    let untagged = Repository::new("slack-untagged");
    let commit = untagged.commit(&slack("1.0.0"));
    site.publish(&untagged);
    let job = packd
        .ctl(["-j", "install", &site.url(&untagged), "--force"])
        .success()
        .job();
    is_installed(&packd, &job, &untagged, &commit);
    assert_eq!(reason(&job), "requested; git, default branch main");
}

#[test]
fn ssh_uses_the_daemons_own_key_and_known_hosts() {
    let repository = repository();
    let sshd = Sshd::serving([&repository]);
    let settings = Settings::new()
        .set("git.ssh_key", sshd.key().to_str())
        .set("git.known_hosts", sshd.known_hosts().to_str());
    let packd = Packd::start(&settings);
    let url = sshd.url(&repository);
    for git_ref in ["v1.2.0", "feature/new-action"] {
        let job = packd
            .ctl(["-j", "install", &url, "--ref", git_ref, "--force"])
            .success()
            .job();
        let commit = repository.commit_of(git_ref);
        is_installed(&packd, &job, &repository, &commit);
    }
}

#[test]
fn ssh_to_an_unknown_host_says_which_key_is_missing_and_how_to_add_it() {
    let repository = repository();
    let sshd = Sshd::serving([&repository]);
    let settings = Settings::new()
        .set("git.ssh_key", sshd.key().to_str())
        .set("git.known_hosts", sshd.known_hosts().to_str());
    let packd = Packd::start(&settings);
    let url = sshd.url(&repository);
    let fails = |says: &str| {
        let ran = packd.ctl(["install", &url]);
        ran.failure(1).says(says);
        packd.staging_is_empty();
        assert!(packd.packs().is_empty());
        ran
    };
    sshd.know(&[]);
    fails("is not in")
        .says(&sshd.fingerprint())
        .says("ssh-keyscan -p");
    sshd.know(&["stranger"]);
    fails("is another one than").says(&sshd.fingerprint());
    sshd.know(&["host"]);
    let packd = Packd::start(
        &settings
            .clone()
            .set("git.ssh_key", sshd.stranger().to_str()),
    );
    packd
        .ctl(["install", &url])
        .failure(1)
        .says("does not let packd in")
        .says("git.ssh_key");
    let packd = Packd::start(&settings.set("git.ssh_key", "/nowhere/key"));
    packd
        .ctl(["install", &url])
        .failure(1)
        .says("git.ssh_key")
        .says("/nowhere/key");
}

#[test]
fn the_git_protocol_and_plain_http_are_used_where_they_are_allowed() {
    let repository = repository();
    let daemon = GitDaemon::serving([&repository]);
    let url = daemon.url(&repository);
    let packd = Packd::start(&Settings::new());
    packd
        .ctl(["install", &url])
        .failure(1)
        .says("git.allow_git_protocol");
    let packd = Packd::start(&Settings::new().set("git.allow_git_protocol", true));
    let job = packd
        .ctl(["-j", "install", &url, "--ref", "v1.2.0"])
        .success()
        .job();
    is_installed(&packd, &job, &repository, &repository.commit_of("v1.2.0"));

    let site = GitSite::serving([&repository]);
    let url = site
        .site
        .plain_url(&format!("git/{}.git", repository.name()));
    let packd = Packd::start(&Settings::new());
    packd
        .ctl(["install", &url])
        .failure(1)
        .says("net.allow_http");
    let packd = Packd::start(&Settings::new().set("net.allow_http", true));
    let job = packd
        .ctl(["-j", "install", &url, "--ref", "main"])
        .success()
        .job();
    is_installed(&packd, &job, &repository, &repository.commit_of("main"));
}

#[test]
fn a_repository_of_this_host_is_read_as_it_was_committed() {
    let repository = repository();
    repository.write("README.md", "not committed");
    let packd = Packd::start(&Settings::new());
    let url = format!("file://{}", repository.path().display());
    let job = packd
        .ctl(["-j", "install", &url, "--ref", "main"])
        .success()
        .job();
    is_installed(&packd, &job, &repository, &repository.commit_of("main"));
    let job = packd.ctl(["-j", "install", &url]).success().job();
    is_installed(&packd, &job, &repository, &repository.commit_of("v1.10.0"));
}

#[test]
fn a_pack_lies_at_the_root_in_pack_or_in_the_folder_that_is_asked_for() {
    let repository = Repository::new("packs");
    repository.write("packs/slack/pack.yaml", slack("1.0.0").manifest());
    repository.write("packs/slack/actions/say.sh", "#!/bin/sh\n");
    repository.write(
        "packs/mail/pack.yaml",
        PackTree::new("mail", "3.0.0").manifest(),
    );
    repository.write("docs/big", "x");
    let commit = repository.commit_all("two packs");
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);

    packd
        .ctl(["install", &url])
        .failure(1)
        .says("packs/mail")
        .says("packs/slack");
    let job = packd
        .ctl(["-j", "install", &url, "--path", "packs/slack"])
        .success()
        .job();
    assert_eq!(
        job.plan.unwrap().changes[0].commit.as_deref(),
        Some(commit.as_str())
    );
    let whole = repository.archived("HEAD");
    assert_eq!(packd.tree("slack").unwrap(), whole.below("packs/slack"));
    packd
        .ctl(["install", &format!("{url}#packs/mail")])
        .success();
    assert_eq!(packd.tree("mail").unwrap(), whole.below("packs/mail"));
    packd
        .ctl(["install", &url, "--path", "packs/slakc"])
        .failure(1)
        .says("packs/slack");

    let inside = Repository::new("inside");
    inside.write("pack/pack.yaml", slack("4.0.0").manifest());
    inside.write("README.md", "about the pack");
    inside.commit_all("in pack/");
    site.publish(&inside);
    packd.ctl(["install", &site.url(&inside)]).success();
    assert_eq!(
        packd.tree("slack").unwrap(),
        inside.archived("HEAD").below("pack")
    );
}

#[test]
fn a_url_without_an_ending_is_asked_what_it_is() {
    let repository = repository();
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.site.url("git/slack");
    let job = packd.ctl(["-j", "install", &url]).success().job();
    is_installed(&packd, &job, &repository, &repository.commit_of("v1.10.0"));
    assert_eq!(
        reason(&job),
        "requested; git, tag v1.10.0, the newest version"
    );

    let archive = site
        .site
        .publish(&slack("3.0.0"), packd_tests::Format::TarGz);
    let root = site.site.root();
    fs_err::rename(
        root.join("packs").join(&archive.name),
        root.join("download"),
    )
    .unwrap();
    let job = packd
        .ctl(["-j", "install", &site.site.url("download")])
        .success()
        .job();
    assert_eq!(
        reason(&job),
        "requested; an archive, since no repository answers there"
    );
    assert_eq!(packd.packs()[0].version, "3.0.0");
    assert_eq!(
        packd.tree("slack").unwrap(),
        Tree::unpacked_by_others(&archive)
    );
}

#[test]
fn the_next_fetch_brings_only_what_is_new() {
    let repository = Repository::of([&slack("1.0.0").with_bulk(10, 100_000)]);
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    packd.ctl(["install", &url]).success();
    let cached = packd.state_dir().join("cache/git");
    let first = size(&cached);
    assert!(first > 1_000_000, "the content does not compress: {first}");

    repository.write("README.md", "changed\n");
    repository.write("pack.yaml", slack("1.0.1").manifest());
    repository.commit_all("a small change");
    repository.tag("v1.0.1");
    site.publish(&repository);
    let job = packd.ctl(["-j", "install", &url]).success().job();
    assert_eq!(packd.packs()[0].version, "1.0.1");
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v1.0.1"));
    let second = size(&cached) - first;
    assert!(second < 20_000, "{second} bytes came for a small change");

    // a commit that is there already needs no fetch at all, and the events say which it is
    let events = packd.wait_for(job.id, |event| event.kind == EventKind::JobSucceeded);
    let installed = events
        .iter()
        .find(|event| event.kind == EventKind::PackUpdated)
        .unwrap();
    assert_eq!(installed.data["commit"], repository.commit_of("v1.0.1"));
    let job = packd
        .ctl(["-j", "install", &url, "--ref", "v1.0.0"])
        .success()
        .job();
    let fetch = job
        .steps
        .iter()
        .find(|step| step.name == packd_wire::StepName::Fetch)
        .unwrap();
    assert!(
        fetch.message.as_ref().unwrap().contains("already here"),
        "{fetch:?}"
    );
}

/// The bytes of everything below a folder.
fn size(folder: &std::path::Path) -> u64 {
    fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                size(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}
