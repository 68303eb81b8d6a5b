//! What is found, in which order, and what is said beside it.

use super::*;

#[tokio::test]
async fn hits_are_ranked_and_shadowed_ones_marked() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        rank(
            filed(
                folder.path(),
                "one",
                &index(&["my_slack@1.0.0", "slack_pro@1.0.0", "slack@1.0.0"]),
            ),
            1,
        ),
        rank(
            filed(
                folder.path(),
                "two",
                &index(&["slack@2.0.0", "zulip@1.0.0"]),
            ),
            2,
        ),
    ]);
    let search = |text: &'static str, limit| scene.registries.search(text, None, limit);
    let shown = |list: packd_wire::SearchList| -> Vec<String> {
        let mark = |shadowed| if shadowed { " (shadowed)" } else { "" };
        list.packs
            .iter()
            .map(|hit| format!("{} {}{}", hit.registry, hit.pack_ref, mark(hit.shadowed)))
            .collect()
    };
    let found = shown(search("SLACK", 10).await.unwrap());
    assert_eq!(
        found,
        [
            "one slack",
            "two slack (shadowed)",
            "one slack_pro",
            "one my_slack"
        ]
    );
    let found = search("chat", 2).await.unwrap();
    assert!(
        found.truncated && found.packs.len() == 2,
        "a keyword finds them, the limit cuts: {found:?}"
    );
    assert_eq!(
        shown(search("what zulip", 10).await.unwrap()),
        ["two zulip"],
        "descriptions are searched"
    );
    assert_eq!(
        shown(search("nothing", 10).await.unwrap()),
        Vec::<String>::new()
    );

    let found = scene
        .registries
        .search("slack", Some("two"), 10)
        .await
        .unwrap();
    assert_eq!(
        shown(found),
        ["two slack"],
        "shadowing is between those that are asked"
    );
    let error = scene
        .registries
        .search("slack", Some("tow"), 10)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RegistryNotFound);
    scene.end();
}

#[tokio::test]
async fn a_registry_that_cannot_be_asked_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        filed(folder.path(), "one", &index(&["slack@1.0.0"])),
        rank(nowhere("down"), 1),
    ]);
    let found = scene.registries.search("slack", None, 10).await.unwrap();
    assert_eq!((found.packs.len(), found.warnings.len()), (1, 1));
    assert!(found.warnings[0].contains("`down`"), "{:?}", found.warnings);
    scene.end();
}

#[tokio::test]
async fn every_version_is_listed_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let scene = Scene::new(vec![
        rank(
            filed(
                folder.path(),
                "one",
                &index(&["slack@1.9.0", "slack@1.10.0"]),
            ),
            1,
        ),
        rank(filed(folder.path(), "two", &index(&["slack@2.0.0"])), 2),
    ]);
    let list = scene
        .registries
        .available(&"slack".parse().unwrap())
        .await
        .unwrap();
    let shown: Vec<_> = list
        .versions
        .iter()
        .map(|v| (v.registry.as_str(), v.version.as_str(), v.shadowed))
        .collect();
    assert_eq!(
        shown,
        [
            ("one", "1.10.0", false),
            ("one", "1.9.0", false),
            ("two", "2.0.0", true)
        ]
    );
    scene.end();
}

#[tokio::test]
async fn who_may_offer_a_pack_and_cannot_be_asked_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut other = rank(nowhere("other"), 3);
    other.refs = RefPatterns::new(vec!["jira".to_owned()]).unwrap();
    let scene = Scene::new(vec![
        rank(filed(folder.path(), "one", &index(&["slack@1.0.0"])), 1),
        rank(nowhere("down"), 2),
        other,
    ]);
    let available = async |name: &str| scene.registries.available(&name.parse().unwrap()).await;
    let error = available("zulip").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RegistryUnreachable);
    assert!(error.to_string().contains("`down`"), "{error}");
    let list = available("slack").await.unwrap();
    assert_eq!((list.versions.len(), list.warnings.len()), (1, 2));

    scene.reconfigure(|registries| drop(registries.remove(1)));
    let list = available("zulip").await.unwrap();
    assert!(
        list.versions.is_empty(),
        "who may not offer it matters not: {list:?}"
    );
    scene.end();
}
