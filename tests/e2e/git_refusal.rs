//! Repositories that are not installed from, and what is said about it.

use packd_tests::{GitDaemon, GitSite, PackTree, Packd, Repository, Settings};
use packd_wire::{AuditList, ErrorKind, JobStatus, Problem, path};
use serde_json::{Value, json};

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0")
}

/// Asks for an install over the socket, and waits for its failure; a host that never had a pack still has none.
fn fails(packd: &Packd, request: &Value) -> Problem {
    let answer = packd.post(&format!("{}?wait=60", path::INSTALL), request);
    let problem = answer.failure();
    assert!(problem.hint.is_some(), "nothing to try: {problem:#?}");
    packd.staging_is_empty();
    assert_eq!(packd.active(), Vec::<String>::new());
    assert_eq!(packd.store(), Vec::<String>::new());
    problem
}

/// The problem and all that led to it.
fn words(problem: &Problem) -> String {
    let causes = problem.causes.join(": ");
    let hint = problem.hint.as_deref().unwrap_or_default();
    format!("{}: {causes} ({hint})", problem.detail)
}

#[test]
fn an_unknown_ref_is_answered_with_the_nearest_name() {
    let repository = Repository::of([&slack()]);
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    packd
        .ctl(["install", &url, "--ref", "2.1.0"])
        .failure(3)
        .says("`v2.1.0`");
    for (git_ref, kind, says) in [
        ("mian", ErrorKind::VersionNotFound, "`main`"),
        (
            "nothing-like-it",
            ErrorKind::VersionNotFound,
            "nothing-like-it",
        ),
        ("0123456", ErrorKind::VersionNotFound, "0123456"),
        (
            &"0".repeat(40),
            ErrorKind::FetchRefused,
            "has no commit 0000",
        ),
        (
            "--upload-pack=touch",
            ErrorKind::InvalidReference,
            "--upload-pack=touch",
        ),
    ] {
        let problem = fails(&packd, &json!({"source": url, "git_ref": git_ref}));
        assert_eq!(problem.kind, kind, "{problem:#?}");
        assert!(words(&problem).contains(says), "{problem:#?}");
        assert!(!problem.retryable, "{problem:#?}");
    }
    let problem = fails(&packd, &json!({"source": url, "version": "^3"}));
    assert_eq!(problem.kind, ErrorKind::VersionNotFound);
    assert!(words(&problem).contains("`v2.1.0`"), "{problem:#?}");
}

#[test]
fn a_repository_that_is_not_there_is_refused_in_the_words_of_its_server() {
    let site = GitSite::serving([]);
    let repository = Repository::of([&slack()]);
    let daemon = GitDaemon::serving([]);
    let settings = Settings::for_site(&site.site).set("git.allow_git_protocol", true);
    let packd = Packd::start(&settings);
    for (url, says) in [
        (site.url(&repository), "404"),
        (site.site.url("packs/x.git"), "404"),
        (
            daemon.url(&repository),
            "access denied or repository not exported",
        ),
        (
            "file:///nowhere/x.git".to_owned(),
            "does not appear to be a git repository",
        ),
    ] {
        let problem = fails(&packd, &json!({"source": url}));
        assert_eq!(problem.kind, ErrorKind::FetchRefused, "{url}: {problem:#?}");
        assert!(words(&problem).contains(says), "{url}: {problem:#?}");
    }
    let empty = Repository::new("empty");
    let bare = site.site.repositories().join("empty.git");
    empty.git(["init", "--quiet", "--bare", bare.to_str().unwrap()]);
    let problem = fails(&packd, &json!({"source": site.url(&empty)}));
    assert_eq!(problem.kind, ErrorKind::VersionNotFound);
    assert!(words(&problem).contains("empty"), "{problem:#?}");
}

#[test]
fn credentials_come_from_the_configuration_and_are_never_shown() {
    let repository = Repository::of([&slack()]);
    let site = GitSite::serving([&repository]);
    let url = site.site.url("private/slack.git");
    let settings = Settings::for_site(&site.site);
    let packd = Packd::start(&settings);
    for url in [&url, &site.site.url("private/slack")] {
        let problem = fails(&packd, &json!({"source": url}));
        assert_eq!(problem.kind, ErrorKind::FetchRefused);
        assert!(words(&problem).contains("401"), "{problem:#?}");
        assert!(words(&problem).contains("git.credentials"), "{problem:#?}");
    }
    let host = url
        .strip_prefix("https://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    for (credentials, works) in [
        (json!({"127.0.0.1": "me:wrong"}), false),
        (json!({"other.example": "me:hunter2"}), false),
        (json!({"127.0.0.1": "me:${env:SECRET}"}), true),
        (json!({host: "Basic bWU6aHVudGVyMg=="}), true),
    ] {
        let mut packd =
            Packd::prepare(&settings.clone().set("git.credentials", credentials.clone()));
        packd.with_environment("SECRET", "hunter2");
        packd.begin();
        let ran = packd.ctl(["install", &url]);
        ran.failure(i32::from(!works));
        let everything = format!("{}{}{}", packd.log(), ran.stdout(), ran.stderr());
        for secret in ["hunter2", "bWU6aHVudGVyMg", "wrong"] {
            assert!(!everything.contains(secret), "{credentials}: {everything}");
        }
    }
}

#[test]
fn a_password_in_a_url_is_refused_and_shown_nowhere() {
    let packd = Packd::start(&Settings::new());
    for source in [
        "https://me:hunter2@git.example/slack.git",
        "https://hunter2@git.example/slack.git",
        "https://me:hunter2@git.example/slack",
        "ssh://git:hunter2@git.example/slack.git",
        "https://git.example/slack.git?token=hunter2",
    ] {
        let problem = fails(&packd, &json!({"source": source}));
        assert_eq!(problem.kind, ErrorKind::SourceRefused, "{source}");
        let audit: AuditList = packd.get(path::AUDIT).expect(200).json();
        let everything = format!("{problem:?}{audit:?}{}", packd.log());
        assert!(!everything.contains("hunter2"), "{source}: {everything}");
    }
}

#[test]
fn ways_that_packd_does_not_go_are_refused() {
    let packd = Packd::start(&Settings::new().set("net.allowed_hosts", json!(["good.example"])));
    for (source, kind) in [
        ("git://git.example/slack.git", ErrorKind::SourceRefused),
        ("http://git.example/slack.git", ErrorKind::SourceRefused),
        ("ext::sh -c touch% /tmp/x", ErrorKind::UnsupportedSource),
        ("fd::7", ErrorKind::UnsupportedSource),
        (
            "git+ftp://git.example/slack.git",
            ErrorKind::UnsupportedSource,
        ),
        (
            "ssh://-oProxyCommand=touch/slack.git",
            ErrorKind::SourceRefused,
        ),
        (
            "git@-oProxyCommand=touch:slack.git",
            ErrorKind::SourceRefused,
        ),
        ("git@good.example:-x", ErrorKind::SourceRefused),
        ("git@bad.example:slack.git", ErrorKind::SourceRefused),
        ("https://bad.example/slack.git", ErrorKind::SourceRefused),
        ("https://bad.example/slack", ErrorKind::SourceRefused),
    ] {
        let problem = fails(&packd, &json!({"source": source}));
        assert_eq!(problem.kind, kind, "{source}: {problem:#?}");
        assert!(!problem.retryable, "{source}: {problem:#?}");
    }
}

#[test]
fn a_redirect_is_followed_within_https_only() {
    let repository = Repository::of([&slack()]);
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site).set("net.allow_http", true));
    let problem = fails(
        &packd,
        &json!({"source": site.site.url("down/git/slack.git")}),
    );
    assert_eq!(problem.kind, ErrorKind::SourceRefused, "{problem:#?}");
    packd
        .ctl(["install", &site.site.url("moved/git/slack.git")])
        .success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v2.1.0"));
}

#[test]
fn what_is_not_in_the_commit_is_named() {
    let lfs = Repository::new("lfs");
    slack().write_to(lfs.path());
    lfs.write(
        "assets/logo.png",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    );
    lfs.commit_all("a pointer");
    let out = Repository::new("out");
    slack()
        .link("secret", "../../etc/shadow")
        .write_to(out.path());
    out.commit_all("a link out");
    let site = GitSite::serving([&lfs, &out]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let problem = fails(&packd, &json!({"source": site.url(&lfs)}));
    assert_eq!(problem.kind, ErrorKind::UnsafeArchive);
    assert!(
        words(&problem).contains("`assets/logo.png`"),
        "{problem:#?}"
    );
    assert!(words(&problem).contains("Git LFS pointer"), "{problem:#?}");
    let problem = fails(&packd, &json!({"source": site.url(&out)}));
    assert_eq!(problem.kind, ErrorKind::UnsafeArchive);
    assert!(words(&problem).contains("secret"), "{problem:#?}");
}

#[test]
fn a_submodule_is_left_out_and_said_so() {
    let inner = Repository::of([&PackTree::new("inner", "1.0.0")]);
    let outer = Repository::new("outer");
    slack().write_to(outer.path());
    let path = inner.path().to_str().unwrap();
    outer.git([
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        path,
        "vendor/inner",
    ]);
    outer.commit_all("a submodule");
    let site = GitSite::serving([&outer]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let job = packd
        .ctl(["-j", "install", &site.url(&outer)])
        .success()
        .job();
    assert!(
        job.warnings
            .iter()
            .any(|warning| warning.contains("`vendor/inner`")),
        "{job:#?}"
    );
    assert_eq!(packd.tree("slack").unwrap(), outer.archived("HEAD"));
}

#[test]
fn a_repository_of_another_format_is_refused() {
    let repository = Repository::new("modern");
    fs_err::remove_dir_all(repository.path().join(".git")).unwrap();
    repository.git([
        "init",
        "--quiet",
        "--initial-branch=main",
        "--object-format=sha256",
    ]);
    repository.commit(&slack());
    let packd = Packd::start(&Settings::new());
    let url = format!("file://{}", repository.path().display());
    let problem = fails(&packd, &json!({"source": url}));
    assert_eq!(problem.kind, ErrorKind::UnsupportedSource, "{problem:#?}");
    assert!(words(&problem).contains("sha256"), "{problem:#?}");
}

#[test]
fn nothing_that_a_repository_or_a_user_configures_is_run() {
    let repository = Repository::of([&slack().file(".gitattributes", "*.sh filter=evil\n")]);
    let committed = repository.archived("v2.1.0");
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ran");
    let evil = format!("touch {}", mark.display());
    for key in [
        "filter.evil.smudge",
        "core.sshCommand",
        "core.fsmonitor",
        "uploadpack.packObjectsHook",
        "core.askPass",
    ] {
        repository.git(["config", key, &evil]);
    }
    let mut packd = Packd::prepare(&Settings::new());
    for name in [
        "GIT_SSH_COMMAND",
        "GIT_ASKPASS",
        "SSH_ASKPASS",
        "GIT_PROXY_COMMAND",
    ] {
        packd.with_environment(name, &evil);
    }
    packd.with_environment("GIT_CONFIG_GLOBAL", repository.path().join(".git/config"));
    packd.begin();
    let url = format!("file://{}", repository.path().display());
    packd.ctl(["install", &url]).success();
    assert_eq!(packd.tree("slack").unwrap(), committed);
    assert!(!mark.exists(), "something was run");
}

#[test]
fn an_entry_of_a_registry_may_name_a_repository() {
    let repository = Repository::of([&slack()]);
    let mut site = GitSite::serving([&repository]);
    let url = site.url(&repository);
    let commit = repository.commit_of("v2.1.0");
    site.site.offer_from(
        &slack(),
        json!({"type": "git", "url": url, "ref": "v2.1.0", "commit": commit}),
    );
    let packd = Packd::start(&Settings::for_site(&site.site));
    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    let pack = &packd.packs()[0];
    assert_eq!(pack.verified.by, packd_wire::Verification::RegistryCommit);
    assert_eq!(pack.source.commit.as_deref(), Some(commit.as_str()));
    assert_eq!(pack.registry.as_deref(), Some("demo"));
    assert_eq!(job.status, JobStatus::Succeeded);
    let tree = pack.digest.tree.clone();

    // a commit that is not there, and a tree that is another one
    let wrong = "1".repeat(40);
    for (source, kind) in [
        (
            json!({"type": "git", "url": url, "commit": wrong}),
            ErrorKind::FetchRefused,
        ),
        (
            json!({"type": "git", "url": url, "ref": "v2.1.0", "tree": format!("sha256:{}", "0".repeat(64))}),
            ErrorKind::DigestMismatch,
        ),
    ] {
        site.site.offer_from(&slack(), source);
        let packd = Packd::start(&Settings::for_site(&site.site));
        let problem = fails(&packd, &json!({"source": "slack"}));
        assert_eq!(problem.kind, kind, "{problem:#?}");
    }
    site.site.offer_from(
        &slack(),
        json!({"type": "git", "url": url, "ref": "v2.1.0", "tree": tree}),
    );
    let packd = Packd::start(&Settings::for_site(&site.site));
    packd.ctl(["install", "slack"]).success();
}

#[test]
fn a_tag_that_was_moved_is_not_installed_as_the_same_version() {
    let repository = Repository::of([&slack()]);
    let mut site = GitSite::serving([&repository]);
    let url = site.url(&repository);
    site.site.offer_from(
        &slack(),
        json!({"type": "git", "url": url, "ref": "v2.1.0"}),
    );
    let packd = Packd::start(&Settings::for_site(&site.site));
    packd.ctl(["install", "slack"]).success();
    let before = packd.tree("slack").unwrap();
    let known = repository.commit_of("v2.1.0");

    repository.commit(&slack().file("evil", "x"));
    repository.tag("v2.1.0");
    site.publish(&repository);
    packd
        .ctl(["install", "slack", "--force"])
        .failure(1)
        .says(&known)
        .says(&repository.commit_of("v2.1.0"));
    assert_eq!(packd.tree("slack").unwrap(), before);
}

#[test]
fn a_tag_that_was_moved_is_refused_and_its_commit_taken_by_its_number_only() {
    let repository = Repository::of([&slack()]);
    let site = GitSite::serving([&repository]);
    let url = site.url(&repository);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let tag = ["install", &url, "--ref", "v2.1.0"];
    packd.ctl(tag).success();
    let known = repository.commit_of("v2.1.0");

    repository.commit(&slack().file("more", "x"));
    repository.tag("v2.1.0");
    site.publish(&repository);
    let now = repository.commit_of("v2.1.0");
    packd
        .ctl(tag)
        .failure(1)
        .says(&known)
        .says(&format!("--ref {now}"));
    packd.ctl(["install", &url]).failure(1).says(&now);
    packd
        .ctl(["install", &url, "--ref", &now, "--force"])
        .success();
    assert!(packd.tree("slack").unwrap().0.contains_key("more"));
}
