use insta::assert_snapshot;
use packd_wire::{
    DigestsView, PackState, QualityView, SourceType, SourceView, TestSummary, TestTrigger,
    Verification, VerifiedView,
};

use super::*;

pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:05:00Z".parse().expect("a time")
}

/// A pack as a registry gives it.
pub(crate) fn pack(name: &str, version: &str) -> PackView {
    PackView {
        pack_ref: name.to_owned(),
        label: Some("Slack".to_owned()),
        version: version.to_owned(),
        description: Some("Posts messages\nand reads them".to_owned()),
        author: Some("Acme".to_owned()),
        license: Some("Apache-2.0".to_owned()),
        keywords: vec!["chat".to_owned(), "notify".to_owned()],
        registry: Some("acme".to_owned()),
        source: SourceView {
            source_type: SourceType::Archive,
            url: Some("https://packs.acme.example/slack-2.1.0.tar.gz".to_owned()),
            path: Some("packs/slack".to_owned()),
            git_ref: None,
            commit: None,
        },
        digest: DigestsView {
            archive: Some("sha256:1111".to_owned()),
            tree: "sha256:2222".to_owned(),
        },
        verified: VerifiedView {
            by: Verification::RegistryChecksum,
            at: None,
        },
        path: "/var/lib/packd/current/slack".to_owned(),
        generation: 7,
        installed_at: "2026-03-01T12:00:00Z".to_owned(),
        installed_by: "ada".to_owned(),
        job: 12,
        state: PackState::Ok,
        hold: None,
        blocked: Vec::new(),
        available: None,
        dependencies: vec!["core@^3".to_owned()],
        required_by: Vec::new(),
        contents: ContentsView {
            actions: 12,
            sensors: 1,
            ..ContentsView::default()
        },
        tests: TestSummary {
            status: TestStatus::Passed,
            id: Some(4),
            at: Some("2026-03-01T12:00:00Z".to_owned()),
            trigger: Some(TestTrigger::Install),
            total: 9,
            passed: 9,
            failed: 0,
        },
        quality: QualityView {
            installs: 2,
            failures: 1,
            tests_passed: 3,
            tests_failed: 0,
        },
        system: false,
    }
}

#[test]
fn a_page_tells_everything_about_a_pack() {
    let mut view = pack("slack", "2.1.0");
    view.available = Some("2.2.0".to_owned());
    view.system = true;
    let page = page(&view, now());
    assert_snapshot!(anstream::adapter::strip_str(&page).to_string(), @"
    slack 2.1.0  Slack
    Posts messages and reads them

    state       ok
    available   2.2.0
    installed   2026-03-01 12:00:00 UTC, 5 min ago by ada
    job         12, generation 7
    path        /var/lib/packd/current/slack
    registry    acme
    source      archive https://packs.acme.example/slack-2.1.0.tar.gz, folder `packs/slack`
    verified    by the registry's checksum
    archive     sha256:1111
    tree        sha256:2222
    author      Acme
    license     Apache-2.0
    keywords    chat, notify
    contents    12 actions, 1 sensor
    depends on  core@^3
    tests       passed, 9 of 9, install
    here        2 installs, failed 1 ×, tests passed 3 ×
    system      yes, removed only with --force
    ");
}

#[test]
fn a_commit_is_said_with_what_named_it() {
    let mut view = pack("mine", "0.1.0");
    view.source = SourceView {
        source_type: SourceType::Git,
        url: Some("https://git.acme.example/mine.git".to_owned()),
        path: None,
        git_ref: Some("v0.1.0".to_owned()),
        commit: Some("0123456789012345678901234567890123456789".to_owned()),
    };
    assert_eq!(
        source(&view),
        "git https://git.acme.example/mine.git, v0.1.0, commit 0123456789012345678901234567890123456789"
    );
}

#[test]
fn what_is_not_known_has_no_line() {
    let mut view = pack("mine", "0.1.0");
    (view.label, view.description, view.author, view.license) = (None, None, None, None);
    (view.registry, view.keywords, view.dependencies) = (None, Vec::new(), Vec::new());
    view.source = SourceView {
        source_type: SourceType::Upload,
        url: Some("/home/ada/mine".to_owned()),
        path: None,
        git_ref: None,
        commit: None,
    };
    view.verified.by = Verification::None;
    view.contents = ContentsView::default();
    let page = page(&view, now());
    assert_snapshot!(anstream::adapter::strip_str(&page).to_string(), @"
    mine 0.1.0

    state      ok
    installed  2026-03-01 12:00:00 UTC, 5 min ago by ada
    job        12, generation 7
    path       /var/lib/packd/current/slack
    source     upload /home/ada/mine
    verified   not at all: nothing said what the bytes must be
    archive    sha256:1111
    tree       sha256:2222
    tests      passed, 9 of 9, install
    here       2 installs, failed 1 ×, tests passed 3 ×
    ");
}
