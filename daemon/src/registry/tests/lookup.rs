//! Who answers for a pack, and with what.

use super::*;
use crate::registry::lookup::{OfferSource, stale};
use crate::store::index::IndexRow;
use crate::store::time;

#[tokio::test]
async fn every_version_of_an_entry_can_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let packs = ["slack@2.1.0", "slack@2.0.0", "slack@3.0.0-rc.1"];
    let scene = Scene::new(vec![filed(folder.path(), "main", &index(&packs))]);
    for (what, version) in [
        ("slack", "2.1.0"),
        ("slack@2.0.0", "2.0.0"),
        ("slack@3.0.0-rc.1", "3.0.0-rc.1"),
    ] {
        assert_eq!(
            scene.answer(what).await,
            format!("main {version}"),
            "{what}"
        );
    }
    let offer = scene.find("slack").await.unwrap();
    let source = &offer.sources[0];
    assert_eq!(source.checksum.unwrap().to_string(), DIGEST);
    assert_eq!(source.size, Some(7));
    scene.end();
}

#[tokio::test]
async fn a_version_that_is_not_there_lists_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let packs = ["slack@2.1.0", "slack@2.0.0", "slack@3.0.0-rc.1"];
    let scene = Scene::new(vec![filed(folder.path(), "main", &index(&packs))]);
    let error = scene.find("slack@9.9.9").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionNotFound);
    assert_eq!(
        error.to_string(),
        "registry `main` has no `slack` that satisfies `9.9.9`"
    );
    assert_eq!(error.hint().unwrap(), "available: 3.0.0-rc.1, 2.1.0, 2.0.0");
    scene.end();
}

#[tokio::test]
async fn many_packs_are_looked_up_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        rank(filed(folder.path(), "inner", &index(&["slack@1.0.0"])), 10),
        rank(nowhere("down"), 20),
        rank(filed(folder.path(), "public", &index(&["jira@1.0.0"])), 50),
    ]);
    let sought = |name: &str, only: Option<&str>| Sought {
        pack_ref: name.parse().unwrap(),
        only: only.map(ToOwned::to_owned),
    };
    let mut look = Look::new(&scene.registries);
    let asked = [
        sought("jira", None),
        sought("slack", None),
        sought("jira", Some("public")),
        sought("lost", Some("public")),
        sought("lost", Some("nobody")),
    ];
    let said: Vec<String> = look
        .find(&asked)
        .await
        .into_iter()
        .map(|found| match found {
            Ok(Known::Offered(answer)) => {
                format!("{} of {}", answer.entry.pack_ref, answer.registry())
            }
            Ok(Known::Nowhere(asked)) => format!("not of {}", asked.join(", ")),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        said,
        [
            "registry `down` cannot be asked, and nothing of its index is cached",
            "slack of inner",
            "jira of public",
            "not of public",
            "there is no registry `nobody`",
        ]
    );
    drop(look);
    scene.end();
}

#[tokio::test]
async fn what_a_later_registry_offers_in_vain_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        rank(filed(folder.path(), "inner", &index(&["slack@1.0.0"])), 10),
        rank(
            filed(
                folder.path(),
                "public",
                &index(&["slack@2.0.0", "slack@1.5.0"]),
            ),
            50,
        ),
    ]);
    scene.find_in("slack", Some("public")).await.unwrap();
    let look = Look::new(&scene.registries);
    let shadowed = look
        .shadowed(&"slack".parse().unwrap(), "inner")
        .await
        .unwrap();
    let versions = ["2.0.0", "1.5.0"].map(|version| version.parse().unwrap());
    assert_eq!(shadowed, [("public".to_owned(), versions.to_vec())]);
    let shadowed = look
        .shadowed(&"slack".parse().unwrap(), "public")
        .await
        .unwrap();
    assert!(shadowed.is_empty(), "nobody comes after it");
    drop(look);
    scene.end();
}

#[tokio::test]
async fn an_unknown_pack_is_answered_with_its_nearest_names() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        filed(
            folder.path(),
            "main",
            &index(&["slack@1.0.0", "jira@1.0.0"]),
        ),
        filed(
            folder.path(),
            "more",
            &index(&["slacks@1.0.0", "slack@1.0.0"]),
        ),
    ]);
    let error = scene.find("slakc").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PackNotFound);
    assert_eq!(
        error.to_string(),
        "no registry offers `slakc` (asked: main, more)"
    );
    assert_eq!(error.hint().unwrap(), "did you mean `slack`?");
    let error = scene.find("slac").await.unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `slack` or `slacks`?");
    let error = scene.find("zzz").await.unwrap_err();
    assert!(
        error.hint().unwrap().contains("packctl search"),
        "{:?}",
        error.hint()
    );
    scene.end();
}

#[tokio::test]
async fn the_lowest_number_wins_even_with_an_older_version() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        rank(
            filed(
                folder.path(),
                "public",
                &index(&["slack@9.0.0", "jira@1.0.0"]),
            ),
            50,
        ),
        rank(filed(folder.path(), "inner", &index(&["slack@1.0.0"])), 10),
    ]);
    assert_eq!(scene.answer("slack").await, "inner 1.0.0");
    assert_eq!(scene.answer("jira").await, "public 1.0.0");
    let error = scene.find("slack@9.0.0").await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::VersionNotFound,
        "the next registry does not answer for the first"
    );
    let offer = scene.find_in("slack", Some("public")).await.unwrap();
    assert_eq!(
        (offer.registry.as_str(), offer.version.to_string().as_str()),
        ("public", "9.0.0")
    );
    scene.end();
}

#[tokio::test]
async fn patterns_and_switches_decide_who_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let packs = index(&["acme_mail@1.0.0", "slack@1.0.0"]);
    let mut inner = rank(filed(folder.path(), "inner", &packs), 10);
    inner.refs = RefPatterns::new(vec!["acme_*".to_owned()]).unwrap();
    let mut off = rank(
        filed(folder.path(), "off", &index(&["slack@7.0.0", "jira@1.0.0"])),
        1,
    );
    off.enabled = false;
    let scene = Scene::new(vec![
        inner,
        off,
        rank(filed(folder.path(), "public", &packs), 50),
    ]);

    assert_eq!(scene.answer("acme_mail").await, "inner 1.0.0");
    assert_eq!(
        scene.answer("slack").await,
        "public 1.0.0",
        "`inner` may only offer `acme_*`"
    );
    assert_eq!(
        scene.find("jira").await.unwrap_err().kind(),
        ErrorKind::PackNotFound,
        "`off` is not asked"
    );

    let only = |name| scene.find_in("slack", Some(name));
    assert_eq!(
        only("inner").await.unwrap_err().kind(),
        ErrorKind::PackNotFound
    );
    assert_eq!(
        only("off").await.unwrap_err().kind(),
        ErrorKind::RegistryNotFound
    );
    let error = only("publik").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RegistryNotFound);
    assert_eq!(error.hint().unwrap(), "did you mean `public`?");

    scene.reconfigure(Vec::clear);
    let error = scene.find("slack").await.unwrap_err();
    assert!(
        error.hint().unwrap().contains("registries:"),
        "without any registry one is to be added"
    );
    scene.end();
}

#[tokio::test]
async fn a_registry_that_cannot_be_asked_is_never_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        rank(filed(folder.path(), "first", &index(&["jira@1.0.0"])), 1),
        rank(nowhere("down"), 10),
        rank(filed(folder.path(), "public", &index(&["slack@6.6.6"])), 50),
    ]);
    let error = scene.find("slack").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RegistryUnreachable);
    assert!(error.is_transient(), "trying again can help");
    assert!(error.to_string().contains("`down`"), "{error}");
    assert_eq!(
        scene.answer("jira").await,
        "first 1.0.0",
        "who comes before it can answer"
    );
    scene.end();
}

#[tokio::test]
async fn a_withdrawn_version_is_there_for_who_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{{"packs": [{{"ref": "a", "version": "2.0.0", "yanked": true, "install_sources": [{{"type": "archive", "url": "a.tgz", "checksum": "{DIGEST}"}}],
            "versions": [{{"version": "1.0.0", "install_sources": [{{"type": "archive", "url": "b.tgz", "checksum": "{DIGEST}"}}]}}]}}]}}"#
    );
    let scene = Scene::new(vec![filed(folder.path(), "main", &text)]);
    assert_eq!(scene.answer("a").await, "main 1.0.0");
    assert_eq!(scene.answer("a@2.0.0").await, "main 2.0.0");
    scene.end();
}

#[tokio::test]
async fn archives_need_a_checksum_unless_the_registry_goes_without() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"packs": [
        {"ref": "bare", "version": "1.0.0", "install_sources": [{"type": "archive", "url": "a.tgz"}]},
        {"ref": "none", "version": "1.0.0", "install_sources": []},
        {"ref": "git", "version": "1.0.0", "install_sources": [{"type": "git", "url": "https://e.org/a.git"}]}]}"#;
    let scene = Scene::new(vec![filed(folder.path(), "main", text)]);
    assert_eq!(
        scene.find("bare").await.unwrap_err().kind(),
        ErrorKind::ChecksumMissing
    );
    assert_eq!(
        scene.find("none").await.unwrap_err().kind(),
        ErrorKind::UnsupportedSource
    );
    let offer = scene.find("git").await.unwrap();
    assert_eq!(
        offer.sources[0].shown, "https://e.org/a.git",
        "a repository is known by its commit"
    );

    scene.reconfigure(|registries| registries[0].trust = Trust::Unverified);
    let offer = scene.find("bare").await.unwrap();
    assert!(offer.sources[0].checksum.is_none(), "nothing is demanded");
    assert!(
        offer.warnings[0].contains("unverified"),
        "and said so: {:?}",
        offer.warnings
    );
    scene.end();
}

/// What a source may be, by where the index is.
#[tokio::test]
async fn sources_are_resolved_against_the_index_and_stay_where_they_may() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("registry");
    fs_err::create_dir(&home).unwrap();
    let entry = |url: &str| {
        format!(
            r#"{{"packs": [{{"ref": "a", "version": "1.0.0", "install_sources": [{{"type": "archive", "url": "{url}", "checksum": "{DIGEST}"}}]}}]}}"#
        )
    };
    let below = format!("file://{}/sub/a.tgz", home.display());
    let outside = format!("file://{}/a.tgz", folder.path().display());
    let home_url = format!("file://{}", home.display());
    for (url, shown) in [
        ("a.tgz", format!("{home_url}/a.tgz")),
        ("sub/a%20b.tgz", format!("{home_url}/sub/a%20b.tgz")),
        (below.as_str(), below.clone()),
        (
            "https://example.org/a.tgz",
            "https://example.org/a.tgz".to_owned(),
        ),
    ] {
        let scene = Scene::new(vec![filed(&home, "main", &entry(url))]);
        let offer = scene.find("a").await.unwrap();
        assert_eq!(offer.sources[0].shown, shown);
        scene.end();
    }
    for url in [
        "../a.tgz",
        "/etc/shadow",
        "sub/../../a.tgz",
        "sub%2F..%2F..%2F..%2Fetc%2Fshadow",
        "%2e%2e/a.tgz",
        "..%2Fa.tgz",
        outside.as_str(),
        "file://elsewhere/a.tgz",
        "http://example.org/a.tgz",
        "ftp://example.org/a.tgz",
        "data:,x",
    ] {
        let scene = Scene::new(vec![filed(&home, "main", &entry(url))]);
        let error = scene.find("a").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceRefused, "{url}: {error}");
        scene.end();
    }
}

#[tokio::test]
async fn an_index_from_elsewhere_reaches_no_files_and_gets_no_secrets_sent_away() {
    let text = format!(
        r#"{{"packs": [
            {{"ref": "file", "version": "1.0.0", "install_sources": [{{"type": "archive", "url": "file:///etc/shadow", "checksum": "{DIGEST}"}}]}},
            {{"ref": "both", "version": "1.0.0", "install_sources": [
                {{"type": "archive", "url": "file:///etc/shadow", "checksum": "{DIGEST}"}},
                {{"type": "archive", "url": "/files/a.tgz", "checksum": "{DIGEST}"}},
                {{"type": "archive", "url": "https://example.org/a.tgz", "checksum": "{DIGEST}"}}]}}]}}"#
    );
    let server = Loopback::serving(text.into_bytes());
    let mut registry = at(&server, "main");
    let secret = crate::config::Secret::parse("sesame").unwrap();
    registry.headers.insert("authorization".to_owned(), secret);
    let scene = Scene::new(vec![registry]);
    assert_eq!(
        scene.find("file").await.unwrap_err().kind(),
        ErrorKind::SourceRefused
    );
    let offer = scene.find("both").await.unwrap();
    let gets_secret =
        |source: &OfferSource| format!("{:?}", source.place).contains("authorization");
    let sources: Vec<_> = offer
        .sources
        .iter()
        .map(|source| (source.shown.clone(), gets_secret(source)))
        .collect();
    let expected = [
        (server.url("/files/a.tgz"), true),
        ("https://example.org/a.tgz".to_owned(), false),
    ];
    assert_eq!(
        sources, expected,
        "the registry's secret is for its own server"
    );
    assert_eq!(server.asked()[0].header("authorization"), Some("sesame"));
    scene.end();
}

#[tokio::test]
async fn an_index_that_is_not_there_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.json");
    let scene = Scene::new(vec![Registry::new(
        "acme",
        url::Url::from_file_path(&path).unwrap(),
    )]);
    let error = scene.find("slack").await.unwrap_err();
    assert_eq!(
        crate::logging::chain(&error),
        format!(
            "registry `acme` cannot be asked, and nothing of its index is cached: \
             cannot read the index of registry `acme` at `{}`: \
             No such file or directory (os error 2)",
            path.display()
        )
    );
    scene.end();
}

#[test]
fn an_index_that_could_not_be_confirmed_says_when() {
    let row = |failed| IndexRow {
        name: "acme".into(),
        error: Some("refused".into()),
        failed_at: Some(time::before(Duration::from_secs(failed))),
        checked_at: Some(time::before(Duration::from_mins(9))),
        ..IndexRow::default()
    };
    let text = stale(&row(9));
    assert!(
        text.starts_with("registry `acme` could not be asked 9 s ago (refused); its cached index"),
        "what may be over by now is said to be of before: {text}"
    );
    let text = stale(&row(0));
    assert!(
        text.starts_with("registry `acme` could not be asked (refused)"),
        "{text}"
    );
}

#[tokio::test]
async fn repositories_come_after_archives_and_follow_the_rules_of_the_registry() {
    let digest = "a".repeat(64);
    let text = format!(
        r#"{{"packs": [
        {{"ref": "both", "version": "1.0.0", "install_sources": [
            {{"type": "git", "url": "git@e.org:a.git", "ref": "v1.0.0"}},
            {{"type": "archive", "url": "a.tgz", "checksum": "sha256:{digest}"}}]}},
        {{"ref": "plain", "version": "1.0.0", "install_sources": [{{"type": "git", "url": "http://e.org/a.git"}}]}},
        {{"ref": "outside", "version": "1.0.0", "install_sources": [{{"type": "git", "url": "file:///srv/a.git"}}]}},
        {{"ref": "option", "version": "1.0.0", "install_sources": [{{"type": "git", "url": "ssh://-oX/a.git"}}]}},
        {{"ref": "helper", "version": "1.0.0", "install_sources": [{{"type": "git", "url": "ext::sh"}}]}}]}}"#
    );
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![filed(folder.path(), "main", &text)]);
    let offer = scene.find("both").await.unwrap();
    let shown: Vec<_> = offer
        .sources
        .iter()
        .map(|source| source.shown.as_str())
        .collect();
    assert_eq!(shown.len(), 2);
    assert!(shown[0].ends_with("/a.tgz"), "{shown:?}");
    assert_eq!(shown[1], "git@e.org:a.git");
    for name in ["plain", "outside", "option", "helper"] {
        let error = scene.find(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceRefused, "{name}: {error}");
    }
    scene.reconfigure(|registries| registries[0].allow_http = true);
    scene.find("plain").await.unwrap();
    scene.end();
}
