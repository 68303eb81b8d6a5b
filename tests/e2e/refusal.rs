//! What is not installed, and what is said about it.

use packd_tests::{Format, PackTree, Packd, Settings, Site};
use packd_wire::{ErrorKind, JobStatus, JobView, Problem, path};
use serde_json::json;

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0")
}

/// A host that never had a pack still has none.
fn nothing_is_left(packd: &Packd) {
    packd.staging_is_empty();
    assert_eq!(packd.active(), Vec::<String>::new());
    assert_eq!(packd.current(), Vec::<String>::new());
    assert_eq!(packd.store(), Vec::<String>::new());
}

/// Asks for an install over the socket, and waits for its failure: of the request or of the job.
fn fails(packd: &Packd, request: &serde_json::Value) -> Problem {
    let answer = packd.post(&format!("{}?wait=60", path::INSTALL), request);
    let problem = answer.failure();
    assert!(problem.hint.is_some(), "nothing to try: {problem:#?}");
    problem
}

#[test]
fn a_wrong_checksum_is_refused_with_what_was_expected_and_what_came() {
    let mut site = Site::serving([]);
    let expected = format!("sha256:{}", "0".repeat(64));
    site.offer_with_checksum(&slack(), &expected);
    let actual = slack().archive(Format::TarGz).sha256();
    let packd = Packd::start(&Settings::for_site(&site));

    let ran = packd.ctl(["install", "slack"]);
    ran.failure(1);

    ran.says(expected.trim_start_matches("sha256:"));
    ran.says(actual.trim_start_matches("sha256:"));
    nothing_is_left(&packd);
    let problem = fails(&packd, &json!({"source": "slack"}));
    assert_eq!(problem.kind, ErrorKind::DigestMismatch);
    assert!(!problem.retryable, "the same bytes would come again");
}

#[test]
fn a_wrong_checksum_given_by_the_caller_is_refused() {
    let site = Site::serving([]);
    let archive = site.publish(&slack(), Format::Zip);
    let packd = Packd::start(&Settings::for_site(&site));
    let problem = fails(
        &packd,
        &json!({
            "source": site.url(&format!("packs/{}", archive.name)),
            "checksum": format!("sha512:{}", "a".repeat(128)),
        }),
    );
    assert_eq!(problem.kind, ErrorKind::DigestMismatch);
    nothing_is_left(&packd);
}

#[test]
fn an_unknown_pack_is_answered_with_the_nearest_name() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd
        .ctl(["install", "slakc"])
        .failure(3)
        .says("slakc")
        .says("slack");
    let problem = fails(&packd, &json!({"source": "slakc"}));
    assert_eq!(problem.kind, ErrorKind::PackNotFound);
    nothing_is_left(&packd);
}

#[test]
fn a_slip_in_the_name_of_a_pack_is_answered_with_the_nearest_name() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd
        .ctl(["versions", "slakc"])
        .failure(3)
        .says("did you mean `slack`?");
    packd
        .ctl(["show", "slakc"])
        .failure(3)
        .says("`packctl install slakc`");
    packd.ctl(["install", "slack"]).success();
    packd
        .ctl(["show", "slakc"])
        .failure(3)
        .says("did you mean `slack`?");
    packd.ctl(["install", "slakc"]).failure(3);
    let log = packd.log();
    assert!(
        log.contains("install slakc: failed") && !log.contains("ERROR"),
        "nothing that an operator has to act upon: {log}"
    );
}

#[test]
fn a_disabled_registry_is_named_when_no_other_may_offer_the_pack() {
    let settings = Settings::new().registry(
        "acme",
        "https://packs.example.org/index.json",
        &json!({"enabled": false}),
    );
    let packd = Packd::start(&settings);
    packd
        .ctl(["install", "slack"])
        .failure(3)
        .says("no registry is enabled that may offer `slack`")
        .says("set `enabled: true` for `acme`");
}

#[test]
fn a_job_is_named_by_its_number() {
    let packd = Packd::prepare(&Settings::new());
    for line in [
        ["job", "show", "abc"],
        ["job", "cancel", "-"],
        ["job", "watch", "0"],
    ] {
        packd
            .ctl(line)
            .failure(2)
            .says("a job is named by its number, which `packctl job list` shows");
    }
}

#[test]
fn an_unknown_version_is_answered_with_those_there_are() {
    let site = Site::serving([&slack(), &PackTree::new("slack", "2.0.3")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd
        .ctl(["install", "slack@9.9.9"])
        .failure(3)
        .says("2.1.0")
        .says("2.0.3");
    let problem = fails(&packd, &json!({"source": "slack", "version": "^3"}));
    assert_eq!(problem.kind, ErrorKind::VersionNotFound);
    nothing_is_left(&packd);
}

#[test]
fn what_is_no_reference_is_a_usage_error() {
    let packd = Packd::start(&Settings::new());
    for source in ["Slack!", "slack@not-a-version", "../../etc"] {
        let problem = fails(&packd, &json!({"source": source}));
        assert_eq!(
            problem.kind,
            ErrorKind::InvalidReference,
            "{source}: {problem:#?}"
        );
    }
    packd.ctl(["install", "Slack!"]).failure(2);
    packd.ctl(["install"]).failure(2);
    packd
        .ctl(["install", "./not-there"])
        .failure(3)
        .says("not-there");
}

#[test]
fn plain_http_needs_permission() {
    let site = Site::serving([]);
    let archive = site.publish(&slack(), Format::TarGz);
    let source = site.plain_url(&format!("packs/{}", archive.name));
    let packd = Packd::start(&Settings::for_site(&site));
    let problem = fails(&packd, &json!({"source": source}));
    assert_eq!(problem.kind, ErrorKind::SourceRefused);

    let packd = Packd::start(&Settings::for_site(&site).set("net.allow_http", true));
    packd.ctl(["install", &source]).success();
}

#[test]
fn a_server_that_is_not_trusted_is_not_asked() {
    let site = Site::serving([&slack()]);
    let settings = Settings::for_site(&site).set("net.ca_file", serde_json::Value::Null);
    let packd = Packd::start(&settings.set("queue.retries", 0));
    let ran = packd.ctl(["install", "slack"]);
    assert_ne!(ran.code(), Some(0));
    nothing_is_left(&packd);
}

#[test]
fn a_refused_download_says_what_the_server_said() {
    let site = Site::serving([]);
    let packd = Packd::start(&Settings::for_site(&site).set("queue.retries", 0));
    for (path, status, kind) in [
        ("packs/none.tar.gz", "404", ErrorKind::FetchRefused),
        ("secret/pack.tar.gz", "403", ErrorKind::FetchRefused),
        ("broken/pack.tar.gz", "500", ErrorKind::FetchFailed),
    ] {
        let problem = fails(&packd, &json!({"source": site.url(path)}));
        assert_eq!(problem.kind, kind, "{problem:#?}");
        let said = format!("{} {}", problem.detail, problem.causes.join(" "));
        assert!(said.contains(status), "{problem:#?}");
        assert_eq!(problem.retryable, kind == ErrorKind::FetchFailed);
    }
    nothing_is_left(&packd);
}

#[test]
fn an_archive_that_is_not_the_pack_it_is_offered_as_is_refused() {
    let mut site = Site::serving([]);
    let other = PackTree::new("teams", "2.1.0").archive(Format::TarGz);
    // the file of one pack under the name and with the checksum of another
    site.offer_with_checksum(&slack(), &other.sha256());
    fs_err::write(site.root().join("packs/slack-2.1.0.tar.gz"), &other.bytes).unwrap();
    let packd = Packd::start(&Settings::for_site(&site));
    let problem = fails(&packd, &json!({"source": "slack"}));
    assert_eq!(problem.kind, ErrorKind::ContentMismatch);
    nothing_is_left(&packd);
}

#[test]
fn an_unsafe_archive_is_refused_and_names_the_entry() {
    let site = Site::serving([]);
    let unsafe_packs = [
        ("escapes", slack().link("up", "../../outside")),
        ("absolute", slack().link("up", "/etc/passwd")),
    ];
    for (name, pack) in unsafe_packs {
        for format in [Format::TarGz, Format::Zip] {
            let archive = site.publish(&pack, format);
            let packd = Packd::start(&Settings::for_site(&site));
            let source = site.url(&format!("packs/{}", archive.name));
            let problem = fails(&packd, &json!({"source": source}));
            assert_eq!(
                problem.kind,
                ErrorKind::UnsafeArchive,
                "{name}: {problem:#?}"
            );
            let said = format!("{} {}", problem.detail, problem.causes.join(" "));
            assert!(said.contains("up"), "{name}: {problem:#?}");
            nothing_is_left(&packd);
        }
    }
}

#[test]
fn what_is_no_pack_is_refused() {
    let site = Site::serving([]);
    let packd = Packd::start(&Settings::for_site(&site));
    let packs = site.root().join("packs");
    let broken = slack().archive(Format::TarGz).bytes;
    for (name, bytes, kind) in [
        (
            "text.tar.gz",
            b"this is no archive, only words".to_vec(),
            ErrorKind::UnsupportedArchive,
        ),
        (
            "cut.tar.gz",
            broken[..broken.len() / 2].to_vec(),
            ErrorKind::InvalidArchive,
        ),
    ] {
        fs_err::write(packs.join(name), bytes).unwrap();
        let problem = fails(
            &packd,
            &json!({"source": site.url(&format!("packs/{name}"))}),
        );
        assert_eq!(problem.kind, kind, "{name}: {problem:#?}");
    }
    nothing_is_left(&packd);
}

#[test]
fn a_dry_run_plans_and_changes_nothing() {
    let site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));
    let answer = packd.post(
        &format!("{}?wait=60", path::INSTALL),
        &json!({"source": "slack", "dry_run": true}),
    );
    let job: JobView = answer.json();
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(!job.changed);
    let plan = job.plan.unwrap();
    assert_eq!(plan.changes[0].to.as_deref(), Some("2.1.0"));
    assert_eq!(packd.active(), Vec::<String>::new());
    packd.staging_is_empty();
}

#[test]
fn the_daemon_is_missed_where_it_is_not() {
    let packd = Packd::prepare(&Settings::new());
    let ran = packd.ctl(["status"]);
    ran.failure(5);
    ran.says(packd.socket().to_str().unwrap());
}

#[test]
fn a_requirement_without_a_pack_is_no_source() {
    let packd = Packd::start(&Settings::new());
    let ran = packd.ctl(["install", "@1"]);
    ran.failure(2).says("`@1` names no pack before its `@`");
    assert!(
        !ran.stderr().contains("folder"),
        "no folder has an empty name:\n{}",
        ran.stderr()
    );
    nothing_is_left(&packd);
}
