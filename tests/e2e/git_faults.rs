//! Repositories whose servers and histories misbehave, and daemons that are stopped halfway.

use std::path::PathBuf;

use packd_tests::{Fault, GitSite, PackTree, Packd, Repository, Settings};
use packd_wire::{ErrorKind, JobStatus, path};
use serde_json::json;

fn slack(version: &str) -> PackTree {
    PackTree::new("slack", version).with_bulk(300, 5_000)
}

/// The only repository in the cache.
fn cached(packd: &Packd) -> PathBuf {
    let cache = packd.state_dir().join("cache/git");
    let mut entries = fs_err::read_dir(cache).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// A relay before the site, and the settings of a daemon that goes through it.
fn scene(repository: &Repository, fault: impl Fn(Fault) -> Fault) -> (GitSite, Fault, Settings) {
    let site = GitSite::serving([repository]);
    let fault = fault(Fault::before(&site.site));
    let settings = Settings::for_site(&site.site).set("queue.retries", 0);
    (site, fault, settings)
}

fn url(fault: &Fault, repository: &Repository) -> String {
    fault.url(&format!("git/{}.git", repository.name()))
}

fn fails(packd: &Packd, url: &str) -> packd_wire::Problem {
    let problem = packd
        .post(
            &format!("{}?wait=60", path::INSTALL),
            &json!({"source": url}),
        )
        .failure();
    packd.staging_is_empty();
    assert!(packd.packs().is_empty());
    problem
}

#[test]
fn a_server_that_stalls_or_cuts_is_not_waited_for_without_end() {
    let repository = Repository::of([&slack("1.0.0")]);
    let (_site, fault, settings) = scene(&repository, |fault| fault.stall_after(200_000));
    let packd = Packd::start(&settings.clone().set("net.idle_timeout", "1s"));
    let problem = fails(&packd, &url(&fault, &repository));
    assert_eq!(problem.kind, ErrorKind::FetchFailed, "{problem:#?}");
    assert!(problem.retryable, "another time it may go through");
    fault.release();
    packd.ctl(["install", &url(&fault, &repository)]).success();

    let (_site, fault, settings) = scene(&repository, |fault| fault.stall_after(200_000));
    let packd = Packd::start(&settings.set("git.timeout", "2s"));
    let problem = fails(&packd, &url(&fault, &repository));
    assert_eq!(problem.kind, ErrorKind::Timeout, "{problem:#?}");

    let (_site, fault, settings) = scene(&repository, |fault| fault.cut_after(200_000));
    let packd = Packd::start(&settings);
    let problem = fails(&packd, &url(&fault, &repository));
    assert_eq!(problem.kind, ErrorKind::FetchFailed, "{problem:#?}");
}

#[test]
fn a_repository_that_is_too_large_is_given_up_while_it_comes() {
    let repository = Repository::of([&slack("1.0.0").with_bulk(10, 400_000)]);
    let site = GitSite::serving([&repository]);
    let settings = Settings::for_site(&site.site).set("limits.pack_bytes", "1MiB");
    let packd = Packd::start(&settings);
    let problem = fails(&packd, &site.url(&repository));
    assert_eq!(problem.kind, ErrorKind::LimitExceeded, "{problem:#?}");
    assert!(!problem.retryable);

    // one that is small until it is unpacked
    let repository = Repository::of([&slack("1.0.0").file("zeros", vec![0; 3 << 20])]);
    let site = GitSite::serving([&repository]);
    let settings = Settings::for_site(&site.site).set("limits.file_bytes", "1MiB");
    let packd = Packd::start(&settings);
    let problem = fails(&packd, &site.url(&repository));
    assert_eq!(problem.kind, ErrorKind::LimitExceeded, "{problem:#?}");
}

#[test]
fn a_fetch_that_is_cancelled_ends_and_leaves_nothing() {
    let repository = Repository::of([&slack("1.0.0")]);
    let (_site, fault, settings) = scene(&repository, |fault| fault.stall_after(200_000));
    let packd = Packd::start(&settings);
    let url = url(&fault, &repository);
    let job = packd
        .ctl(["-j", "install", &url, "--no-wait"])
        .success()
        .job();
    fault.wait_until_stalled(1);
    packd.ctl(["job", "cancel", &job.id.to_string()]).success();
    assert_eq!(packd.finished(job.id).status, JobStatus::Cancelled);
    packd.staging_is_empty();
    fault.release();
    packd.ctl(["install", &url]).success();
}

#[test]
fn a_kill_during_a_fetch_loses_no_job_and_the_commit_stays_the_one_of_the_plan() {
    let repository = Repository::of([&slack("1.0.0")]);
    let (site, fault, settings) = scene(&repository, |fault| fault.stall_after(200_000));
    let mut packd = Packd::start(&settings);
    let planned = repository.commit_of("v1.0.0");
    let url = url(&fault, &repository);
    let job = packd
        .ctl(["-j", "install", &url, "--no-wait"])
        .success()
        .job();
    fault.wait_until_stalled(1);
    packd.kill();

    repository.commit(&slack("1.1.0"));
    repository.tag("v1.1.0");
    site.publish(&repository);
    fault.release();
    packd.begin();
    let job = packd.finished(job.id);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(
        job.plan.unwrap().changes[0].commit.as_deref(),
        Some(planned.as_str())
    );
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v1.0.0"));
    packd.staging_is_empty();
    packd.ctl(["install", &url]).success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v1.1.0"));
}

#[test]
fn two_installs_of_one_repository_at_once_share_its_cache() {
    let repository = Repository::new("both");
    for name in ["slack", "mail"] {
        repository.write(
            &format!("{name}/pack.yaml"),
            PackTree::new(name, "1.0.0").manifest(),
        );
    }
    repository.write(
        "slack/data",
        packd_tests::support::packs::noise(1, 1_000_000),
    );
    repository.commit_all("two packs");
    let (_site, fault, settings) = scene(&repository, |fault| fault.stall_after(200_000));
    let packd = Packd::start(&settings);
    let url = url(&fault, &repository);
    let jobs: Vec<_> = ["slack", "mail"]
        .map(|name| {
            let line = ["-j", "install", &url, "--path", name, "--no-wait"];
            packd.ctl(line).success().job().id
        })
        .into();
    fault.wait_until_stalled(1);
    fault.release();
    for job in jobs {
        let job = packd.finished(job);
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    }
    assert_eq!(packd.active(), ["mail 1.0.0", "slack 1.0.0"]);
    assert_eq!(
        packd.tree("slack").unwrap(),
        repository.archived("HEAD").below("slack")
    );
}

#[test]
fn a_branch_that_was_forced_and_a_tag_that_is_gone_change_nothing_that_is_installed() {
    let repository = Repository::of([&slack("1.0.0")]);
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    packd.ctl(["install", &url, "--ref", "main"]).success();
    let before = packd.tree("slack").unwrap();

    repository.git(["tag", "--delete", "v1.0.0"]);
    repository.git(["checkout", "--quiet", "--orphan", "other"]);
    repository.commit(&slack("1.0.1"));
    repository.git(["branch", "--force", "main"]);
    repository.checkout("main");
    site.publish(&repository);
    packd.ctl(["install", &url, "--ref", "v1.0.0"]).failure(3);
    assert_eq!(packd.tree("slack").unwrap(), before);
    packd.ctl(["install", &url, "--ref", "main"]).success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("main"));
}

#[test]
fn a_server_of_the_old_protocol_gives_the_same_tree() {
    let repository = Repository::of([&slack("1.0.0"), &slack("1.1.0")]);
    let middle = repository.commit(&PackTree::new("slack", "1.2.0"));
    repository.commit(&PackTree::new("slack", "1.3.0"));
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.site.url("old/slack.git");
    for git_ref in ["v1.1.0", "main", &middle, &middle[..8]] {
        packd
            .ctl(["install", &url, "--ref", git_ref, "--force"])
            .success();
        assert_eq!(
            packd.tree("slack").unwrap(),
            repository.archived(git_ref),
            "{git_ref}"
        );
    }
}

#[test]
fn a_damaged_cache_is_fetched_anew() {
    let repository = Repository::of([&slack("1.0.0"), &slack("1.1.0")]);
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    let url = site.url(&repository);
    packd.ctl(["install", &url, "--ref", "v1.0.0"]).success();
    let bare = cached(&packd);
    let pack = fs_err::read_dir(bare.join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "pack"))
        .unwrap();
    let mut bytes = fs_err::read(&pack).unwrap();
    for at in (500..bytes.len()).step_by(997) {
        bytes[at] ^= 0x55;
    }
    fs_err::remove_file(&pack).unwrap();
    fs_err::write(&pack, bytes).unwrap();
    packd
        .ctl(["install", &url, "--ref", "v1.0.0", "--force"])
        .success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v1.0.0"));
    assert!(packd.log().contains("fetched anew"), "{}", packd.log());
    packd.ctl(["install", &url, "--ref", "v1.1.0"]).success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v1.1.0"));
}

#[test]
fn of_ten_thousand_commits_one_is_fetched() {
    let repository = Repository::of([&slack("1.0.0")]);
    repository.grow(10_000);
    repository.tag("v1.0.1");
    let site = GitSite::serving([&repository]);
    let packd = Packd::start(&Settings::for_site(&site.site));
    packd
        .ctl(["install", &site.url(&repository), "--ref", "v1.0.1"])
        .success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived("v1.0.1"));
    let bare = cached(&packd);
    let count = repository.git(["-C", bare.to_str().unwrap(), "rev-list", "--count", "--all"]);
    assert_eq!(count, "1", "the history was left out");
    // and one of the middle of it is found by its beginning
    let middle = repository.commit_of("main~5000");
    packd
        .ctl(["install", &site.url(&repository), "--ref", &middle[..10]])
        .success();
    assert_eq!(packd.tree("slack").unwrap(), repository.archived(&middle));
}

#[test]
fn the_cache_keeps_to_its_size() {
    let first = Repository::of([&slack("1.0.0")]);
    let second = Repository::of([&PackTree::new("mail", "1.0.0").with_bulk(300, 5_000)]);
    let site = GitSite::serving([&first, &second]);
    let packd = Packd::start(&Settings::for_site(&site.site).set("git.cache_size", "2MiB"));
    packd.ctl(["install", &site.url(&first)]).success();
    packd.ctl(["install", &site.url(&second)]).success();
    let cache = packd.state_dir().join("cache/git");
    assert_eq!(
        fs_err::read_dir(cache).unwrap().count(),
        1,
        "the older one is gone"
    );
}

/// What a server of the git protocol says to whoever connects, one answer for each time that it is asked.
fn says(answers: [&'static [u8]; 2]) -> (String, std::thread::JoinHandle<()>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}/slack.git", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        for answer in answers {
            let mut asked = [0; 4096];
            let count = client.read(&mut asked).unwrap();
            assert!(count > 0, "the client went before it was answered");
            client.write_all(answer).unwrap();
        }
        // to close with something unread would take the answer back
        client.shutdown(std::net::Shutdown::Write).unwrap();
        std::io::copy(&mut client, &mut std::io::sink()).unwrap();
    });
    (url, thread)
}

#[test]
fn what_a_server_says_in_place_of_its_refs_is_passed_on() {
    let (url, server) = says([
        b"000eversion 2\n000cls-refs\n0012fetch=shallow\n0000",
        b"0026ERR the repository is being moved\n",
    ]);
    let settings = Settings::new()
        .set("git.allow_git_protocol", true)
        .set("queue.retries", 0);
    let packd = Packd::start(&settings);
    let problem = fails(&packd, &url);
    assert_eq!(problem.kind, ErrorKind::FetchRefused, "{problem:#?}");
    let told = format!("{} {}", problem.detail, problem.causes.join(" "));
    assert!(told.contains("the repository is being moved"), "{told}");
    server.join().unwrap();
}
