#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::error::chain;
use crate::index::Index;

mod refusals;
mod releases;

const NOW: &str = "2026-01-31T12:00:00Z";

fn digest(letter: char) -> String {
    format!("sha256:{}", letter.to_string().repeat(64))
}

/// A whole entry, with an archive.
fn entry(pack_ref: &str, version: &str) -> Value {
    json!({
        "ref": pack_ref,
        "label": pack_ref,
        "description": format!("what {version} does"),
        "version": version,
        "author": "A",
        "license": "MIT",
        "keywords": [],
        "runtime_deps": ["shell"],
        "install_sources": [{
            "type": "archive",
            "url": format!("https://example.org/{pack_ref}-{version}.tar.gz"),
            "checksum": digest('a'),
        }],
        "contents": { "actions": [{ "name": "run", "description": "" }] },
    })
}

/// An index of `entries`, as most tools write it.
fn index(entries: &[Value]) -> String {
    let index = json!({
        "registry_name": "R",
        "registry_url": "https://example.org",
        "version": "1.0",
        "last_updated": "2025-01-01T00:00:00Z",
        "packs": entries,
    });
    serde_json::to_string_pretty(&index).unwrap() + "\n"
}

const UPDATE: Options<'_> = Options {
    existing: Existing::Update,
    newer: Newer::Refuse,
    now: NOW,
};

/// The new text, what became of the entry, the warnings.
fn published(
    index: &str,
    entry: &Value,
    options: Options<'_>,
) -> Result<(String, Action, Vec<String>), UpdateError> {
    let document = Document::parse(index.as_bytes()).unwrap();
    let publication = Publication::parse(&entry.to_string()).unwrap();
    let updated = update(&document, &publication, options)?;
    Ok((updated.edits.apply(index), updated.action, updated.warnings))
}

fn publish(index: &str, entry: &Value) -> String {
    published(index, entry, UPDATE).unwrap().0
}

fn pack(index: &str, position: usize) -> Value {
    let mut index: Value = serde_json::from_str(index).unwrap();
    index["packs"][position].take()
}

fn keys(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn a_new_pack_is_added_with_its_time_and_the_index_gets_a_new_one() {
    let old = index(&[entry("aws", "1.0.0"), entry("slack", "1.0.0")]);
    let (new, action, warnings) = published(&old, &entry("jira", "2.0.0"), UPDATE).unwrap();
    assert_eq!((action, warnings), (Action::Added, vec![]));
    assert!(
        new.contains(&format!("\"last_updated\": \"{NOW}\"")),
        "{new}"
    );
    let read = Index::parse(new.as_bytes()).unwrap();
    let refs: Vec<&str> = read
        .entries
        .iter()
        .map(|entry| entry.pack_ref.as_str())
        .collect();
    assert_eq!(
        (refs, read.problems),
        (vec!["aws", "jira", "slack"], vec![])
    );
    let mut wanted = entry("jira", "2.0.0");
    wanted["published_at"] = NOW.into();
    assert_eq!(pack(&new, 1), wanted);
}

#[test]
fn publishing_the_same_again_changes_nothing_not_even_the_time() {
    let old = index(&[entry("aws", "1.0.0")]);
    for new in [
        entry("slack", "1.0.0"),
        entry("aws", "1.1.0"),
        entry("aws", "1.0.0"),
    ] {
        let once = publish(&old, &new);
        let later = Options {
            now: "2030-01-01T00:00:00Z",
            ..UPDATE
        };
        let (twice, action, _) = published(&once, &new, later).unwrap();
        assert_eq!((twice, action), (once, Action::Unchanged), "{new}");
    }
}

#[test]
fn a_newer_version_takes_the_place_and_the_older_one_moves_into_versions() {
    let mut aws = entry("aws", "1.0.0");
    aws["use_case"] = "clouds".into();
    aws["dependencies"] = json!({ "packs": ["core@^1.0"] });
    aws["published_at"] = "2025-01-01T00:00:00Z".into();
    aws["custom"] = json!([1, 2]);
    aws["meta"] = json!({ "downloads": 7, "category": "old" });
    let mut next = entry("aws", "2.0.0");
    next["meta"] = json!({ "category": "new", "docs": "https://example.org" });
    let (new, action, warnings) = published(&index(&[aws.clone()]), &next, UPDATE).unwrap();

    assert_eq!((action, warnings), (Action::Updated, vec![]));
    let pack = pack(&new, 0);
    assert_eq!(
        keys(&pack),
        [
            "ref",
            "label",
            "description",
            "version",
            "author",
            "license",
            "keywords",
            "runtime_deps",
            "install_sources",
            "contents",
            "use_case",
            "published_at",
            "versions",
            "custom",
            "meta"
        ],
        "what is there keeps its place, what is new goes where it belongs"
    );
    assert_eq!(
        (&pack["version"], &pack["use_case"]),
        (&json!("2.0.0"), &json!("clouds"))
    );
    assert_eq!(pack["description"], "what 2.0.0 does");
    assert_eq!(
        (&pack["custom"], &pack["published_at"]),
        (&json!([1, 2]), &json!(NOW))
    );
    assert_eq!(
        pack["meta"],
        json!({ "downloads": 7, "category": "new", "docs": "https://example.org" }),
        "what the registry counts stays"
    );
    assert_eq!(
        pack.get("dependencies"),
        None,
        "those were of the older version"
    );
    assert_eq!(
        pack["versions"],
        json!([{
            "version": "1.0.0",
            "install_sources": aws["install_sources"],
            "dependencies": aws["dependencies"],
            "runtime_deps": ["shell"],
            "published_at": "2025-01-01T00:00:00Z",
        }])
    );
    assert_eq!(
        keys(&pack["versions"][0])[1],
        "install_sources",
        "in the documented order"
    );
}

#[test]
fn only_what_changes_is_written_anew() {
    let old = "{\"packs\": [\n  {\"ref\":\"x\",  \"label\":\"x\", \"custom\": {\"a\" :1.0},\n   \
               \"version\": \"1.0.0\", \"install_sources\": [ ], \"meta\": { \"n\": 1 }}\n], \"z\": 1e2}";
    let mut new = entry("x", "1.0.0");
    new["meta"] = json!({ "m": 2 });
    let text = publish(old, &new);
    for kept in [
        "{\"ref\":\"x\",  \"label\":\"x\"",
        "\"custom\": {\"a\" :1.0},\n   \"version\": \"1.0.0\"",
        "\"z\": 1e2}",
    ] {
        assert!(text.contains(kept), "{kept} of {text}");
    }
    assert!(text.contains("\"meta\": { \"n\": 1,  \"m\":2 }"), "{text}");
}

#[test]
fn new_members_go_where_the_order_has_them() {
    let mut new = entry("x", "1.0.0");
    new["email"] = "a@example.org".into();
    new["odd"] = 1.into();
    let documented = publish(&index(&[entry("x", "1.0.0")]), &new);
    assert_eq!(
        keys(&pack(&documented, 0))[4..],
        [
            "author",
            "email",
            "odd",
            "license",
            "keywords",
            "runtime_deps",
            "install_sources",
            "contents"
        ],
        "the documented order, and what is in no order behind what it came after"
    );
    let mut sorted = entry("x", "1.0.0");
    sorted.sort_all_objects();
    let alphabetical = publish(&index(&[sorted]), &new);
    let pack = pack(&alphabetical, 0);
    assert!(
        keys(&pack).is_sorted(),
        "what is alphabetical stays so: {:?}",
        keys(&pack)
    );
}

#[test]
fn duplicates_of_other_packs_are_told() {
    let old = index(&[
        entry("x", "1.0.0"),
        entry("y", "1.0.0"),
        entry("x", "2.0.0"),
    ]);
    let (_, _, warnings) = published(&old, &entry("y", "1.1.0"), UPDATE).unwrap();
    assert_eq!(
        warnings,
        ["pack 'x' is in the index 2 times, in lines 7, 61; readers take the first"]
    );
}

#[test]
fn what_stackstorm_asks_for_belongs_to_one_version() {
    let mut x = entry("x", "1.0.0");
    x["stackstorm_version"] = ">=3.0.0".into();
    let new = publish(&index(&[x]), &entry("x", "2.0.0"));
    let pack = pack(&new, 0);
    assert_eq!(
        pack.get("stackstorm_version"),
        None,
        "the new one does not ask for it"
    );
    assert_eq!(pack["versions"][0]["stackstorm_version"], ">=3.0.0");
}

#[test]
fn a_new_index_is_one() {
    let text = new_index("Our \"packs\"", "https://packs.example.org", NOW);
    let read = Index::parse(text.as_bytes()).unwrap();
    assert_eq!(
        (read.name.as_deref(), read.entries),
        (Some("Our \"packs\""), vec![])
    );
    assert!(text.ends_with("  \"packs\": []\n}\n"), "{text}");
}

/// Versions as they are published, in any order.
fn version() -> impl Strategy<Value = String> {
    let pre = prop_oneof![3 => Just(""), 1 => Just("-rc.1"), 1 => Just("+b")];
    (0_u8..3, 0_u8..3, pre).prop_map(|(major, minor, pre)| format!("{major}.{minor}.0{pre}"))
}

/// The texts of all packs but one.
fn others_than(text: &str, pack_ref: &str) -> Vec<String> {
    let document = Document::parse(text.as_bytes()).unwrap();
    let items = document.packs().items.iter().zip(document.refs());
    items
        .filter(|(_, name)| *name != Some(pack_ref))
        .map(|(item, _)| text[item.span()].to_owned())
        .collect()
}

proptest! {
    /// Whatever the index looks like, the entry can be read from it, and nothing else of it has changed.
    #[test]
    fn any_index_can_be_published_into((old, refs) in crate::index::edit::tests::index()) {
        let others = others_than(&old, "");
        let mut text = old.clone();
        for version in ["1.0.0", "2.0.0"] {
            text = publish(&text, &entry("wxyz", version));
            prop_assert_eq!(others_than(&text, "wxyz"), others.clone());
            let (_, action, _) = super::tests::published(&text, &entry("wxyz", version), UPDATE).unwrap();
            prop_assert_eq!(action, Action::Unchanged);
        }
        let read = Index::parse(text.as_bytes()).unwrap();
        let ours = read.entries.iter().find(|entry| *entry.pack_ref.as_str() == *"wxyz").unwrap();
        let versions: Vec<String> = ours.releases.iter().map(|release| release.version.to_string()).collect();
        prop_assert_eq!((versions, &ours.problems), (vec!["2.0.0".to_owned(), "1.0.0".to_owned()], &vec![]));

        let mut now: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let mut before: Value = serde_json::from_str(old.trim_start_matches('\u{feff}')).unwrap();
        prop_assert_eq!(now["last_updated"].take(), NOW);
        now.as_object_mut().unwrap().shift_remove("last_updated");
        prop_assert_eq!(now["packs"].take().as_array().unwrap().len(), refs.len() + 1);
        before["packs"].take();
        prop_assert_eq!(now, before);
        prop_assert_eq!(text.starts_with('\u{feff}'), old.starts_with('\u{feff}'));
        prop_assert_eq!(text.ends_with('\n'), old.ends_with('\n'));
        prop_assert!(
            !old.contains("\r\n") || text.matches('\n').count() == text.matches("\r\n").count(),
            "one kind of line end"
        );
    }

    /// However versions come, each is there once, newest first, and coming again changes nothing.
    #[test]
    fn every_published_version_stays(
        published in prop::collection::vec((version(), any::<bool>()), 1..8),
        pretty: bool,
    ) {
        let mut text = if pretty { index(&[]) } else { r#"{"packs":[]}"#.to_owned() };
        let mut top: Option<Version> = None;
        for (version, demote) in &published {
            let newer = if *demote { Newer::Demote } else { Newer::Keep };
            let options = Options { newer, ..UPDATE };
            let entry = entry("x", version);
            let (new, _, _) = super::tests::published(&text, &entry, options).unwrap();
            let (again, action, _) = super::tests::published(&new, &entry, options).unwrap();
            prop_assert_eq!(&again, &new, "the same again");
            prop_assert_eq!(action, Action::Unchanged);
            text = new;
            let version: Version = version.parse().unwrap();
            let stays = top.as_ref().is_some_and(|top| {
                let is_preview = !version.pre.is_empty() && top.pre.is_empty();
                !demote && (version < *top || is_preview)
            });
            if !stays {
                top = Some(version);
            }
        }
        let read = Index::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&read.problems, &Vec::<String>::new());
        let mut wanted: Vec<Version> = published.iter().map(|(v, _)| v.parse().unwrap()).collect();
        wanted.sort_unstable_by(|one, other| other.cmp(one));
        wanted.dedup();
        let releases = &read.entries[0].releases;
        let have: Vec<Version> = releases.iter().map(|release| release.version.clone()).collect();
        prop_assert_eq!(have, wanted);
        let pack = pack(&text, 0);
        prop_assert_eq!(pack["version"].as_str().unwrap(), top.unwrap().to_string());
        let listed: Vec<Version> = pack["versions"].as_array().into_iter().flatten()
            .map(|item| item["version"].as_str().unwrap().parse().unwrap()).collect();
        prop_assert!(listed.iter().rev().is_sorted(), "newest first: {:?}", listed);
    }
}
