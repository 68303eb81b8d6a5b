//! The other versions of a pack: what is kept of them, and in which order.

use super::*;

const DEMOTE: Options<'_> = Options {
    newer: Newer::Demote,
    ..UPDATE
};
const KEEP: Options<'_> = Options {
    newer: Newer::Keep,
    ..UPDATE
};

fn versions(pack: &Value) -> Vec<&str> {
    let items = pack["versions"].as_array().into_iter().flatten();
    items
        .map(|item| item["version"].as_str().unwrap())
        .collect()
}

/// An index with one pack that was published in these versions, one after the other.
fn history(published: &[&str]) -> String {
    published.iter().fold(index(&[]), |index, version| {
        publish(&index, &entry("x", version))
    })
}

#[test]
fn versions_are_kept_newest_first() {
    let text = history(&["0.9.0", "0.10.0", "1.0.0-rc.1", "1.0.0"]);
    let pack = pack(&text, 0);
    assert_eq!(pack["version"], "1.0.0");
    assert_eq!(versions(&pack), ["1.0.0-rc.1", "0.10.0", "0.9.0"]);
}

#[test]
fn a_backport_is_added_below_the_newest() {
    let old = history(&["1.4.4", "2.0.0"]);
    let (new, action, warnings) = published(&old, &entry("x", "1.4.5"), KEEP).unwrap();
    assert_eq!((action, warnings), (Action::Updated, vec![]));
    let mut wanted = pack(&old, 0);
    let backport = json!({
        "version": "1.4.5",
        "install_sources": entry("x", "1.4.5")["install_sources"],
        "runtime_deps": ["shell"],
        "published_at": NOW,
    });
    wanted["versions"]
        .as_array_mut()
        .unwrap()
        .insert(0, backport);
    assert_eq!(pack(&new, 0), wanted, "the newest stays as it is");
    let (again, action, _) = published(&new, &entry("x", "1.4.5"), KEEP).unwrap();
    assert_eq!((again, action), (new, Action::Unchanged));
    let (newest, _, _) = published(&old, &entry("x", "2.1.0"), KEEP).unwrap();
    assert_eq!(
        pack(&newest, 0)["version"],
        "2.1.0",
        "a newer one still takes the place"
    );
}

#[test]
fn a_pre_release_goes_above_a_release_only_with_a_word_about_it() {
    let old = history(&["1.0.0"]);
    let (text, action, warnings) =
        super::published(&old, &entry("x", "2.0.0-rc.1"), UPDATE).unwrap();
    assert_eq!(action, Action::Updated);
    assert_eq!(pack(&text, 0)["version"], "2.0.0-rc.1");
    assert!(
        warnings[0].starts_with("x 2.0.0-rc.1 is a pre-release, and takes the place of 1.0.0"),
        "{warnings:?}"
    );

    let keep = Options {
        newer: Newer::Keep,
        ..UPDATE
    };
    let (text, _, warnings) = super::published(&old, &entry("x", "2.0.0-rc.1"), keep).unwrap();
    assert_eq!(pack(&text, 0)["version"], "1.0.0");
    assert_eq!(versions(&pack(&text, 0)), ["2.0.0-rc.1"]);
    assert_eq!(warnings, Vec::<String>::new());
    let (text, _, warnings) = super::published(&text, &entry("x", "2.0.0"), keep).unwrap();
    assert_eq!(pack(&text, 0)["version"], "2.0.0");
    assert_eq!(versions(&pack(&text, 0)), ["2.0.0-rc.1", "1.0.0"]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn a_downgrade_that_is_allowed_takes_the_place() {
    let (new, _, _) =
        published(&history(&["1.0.0", "2.0.0"]), &entry("x", "1.5.0"), DEMOTE).unwrap();
    assert_eq!(pack(&new, 0)["version"], "1.5.0");
    assert_eq!(versions(&pack(&new, 0)), ["2.0.0", "1.0.0"]);
    let (back, _, _) = published(&new, &entry("x", "1.0.0"), DEMOTE).unwrap();
    assert_eq!(pack(&back, 0)["version"], "1.0.0");
    assert_eq!(
        versions(&pack(&back, 0)),
        ["2.0.0", "1.5.0"],
        "and is no longer among the others"
    );
    let only = published(&history(&["1.0.0"]), &entry("x", "1.0.0"), DEMOTE).unwrap();
    assert_eq!(
        only.1,
        Action::Unchanged,
        "the same version is no downgrade"
    );
}

#[test]
fn the_last_of_the_others_takes_the_list_with_it() {
    let mut x = entry("x", "1.0.0");
    x["versions"] = json!([{ "version": "1.0", "install_sources": [] }]);
    x["z"] = 1.into();
    let new = publish(&index(&[x]), &entry("x", "1.0.0"));
    assert_eq!(keys(&pack(&new, 0)).last(), Some(&"z"), "{new}");
    assert_eq!(
        pack(&new, 0).get("versions"),
        None,
        "it held the top level once more"
    );
}

#[test]
fn what_the_keeper_of_the_index_says_of_a_version_stays_with_it() {
    let mut x = entry("x", "1.0.0");
    x["yanked"] = true.into();
    x["phased"] = 30.into();
    let old = index(&[x]);
    let (same, _, warnings) = published(&old, &entry("x", "1.0.0"), UPDATE).unwrap();
    assert_eq!(same, old, "publishing it again does not bring it back");
    assert_eq!(
        warnings,
        ["x 1.0.0 is withdrawn in the index, and stays so"]
    );

    let new = publish(&old, &entry("x", "1.1.0"));
    let pack_now = pack(&new, 0);
    assert_eq!(
        (pack_now.get("yanked"), pack_now.get("phased")),
        (None, None),
        "the new one is free of it"
    );
    let below = &pack_now["versions"][0];
    assert_eq!(
        (&below["yanked"], &below["phased"]),
        (&json!(true), &json!(30))
    );

    let (back, _, warnings) = published(&new, &entry("x", "1.0.0"), DEMOTE).unwrap();
    assert_eq!(
        pack(&back, 0)["yanked"],
        true,
        "not even when it comes back on top"
    );
    assert_eq!(
        warnings,
        ["x 1.0.0 is withdrawn in the index, and stays so"]
    );
    assert_eq!(pack(&back, 0)["versions"][0]["published_at"], NOW);
}

#[test]
fn another_archive_of_the_same_version_is_told() {
    let mut other = entry("x", "1.0.0");
    other["install_sources"][0]["checksum"] = digest('b').into();
    let (new, action, warnings) =
        published(&index(&[entry("x", "1.0.0")]), &other, UPDATE).unwrap();
    assert_eq!(action, Action::Updated);
    let said = format!(
        "x 1.0.0 was published before with another archive ({}, now {}); hosts that have it keep the old one",
        digest('a'),
        digest('b')
    );
    assert_eq!(warnings, [said.as_str()]);
    assert_eq!(pack(&new, 0)["install_sources"], other["install_sources"]);

    let old = history(&["1.0.0", "2.0.0"]);
    let (new, _, warnings) = published(&old, &other, KEEP).unwrap();
    assert_eq!(warnings, [said.as_str()], "also below the newest");
    assert_eq!(
        pack(&new, 0)["versions"][0]["install_sources"],
        other["install_sources"]
    );

    let mut more = entry("x", "1.0.0");
    let zip =
        json!({ "type": "archive", "url": "https://example.org/x.zip", "checksum": digest('c') });
    more["install_sources"].as_array_mut().unwrap().push(zip);
    let (_, _, warnings) = published(&index(&[entry("x", "1.0.0")]), &more, UPDATE).unwrap();
    assert_eq!(
        warnings,
        Vec::<String>::new(),
        "another archive beside it is fine"
    );
}

#[test]
fn a_moved_tag_is_told() {
    let tagged = |commit: &str| {
        let mut entry = entry("x", "1.0.0");
        entry["install_sources"] = json!([{
            "type": "git", "url": "https://example.org/x.git", "ref": "v1.0.0", "checksum": digest('a'),
            "commit": commit.repeat(40),
        }]);
        entry
    };
    let (_, _, warnings) = published(&index(&[tagged("1")]), &tagged("2"), UPDATE).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("another commit (1111"), "{warnings:?}");
}

#[test]
fn versions_that_cannot_be_read_or_are_out_of_order_stay() {
    let mut x = entry("x", "2.0.0");
    let item = |version: &str| json!({ "version": version, "note": [version] });
    x["versions"] = json!([item("0.9.0"), item("latest"), item("1.0.0"), "0.1.0"]);
    let new = publish(&index(&[x]), &entry("x", "3.0.0"));
    let pack = pack(&new, 0);
    let all: Vec<&Value> = pack["versions"].as_array().unwrap().iter().collect();
    assert_eq!(all[0]["version"], "2.0.0");
    assert_eq!(
        all[1..],
        [
            &item("1.0.0"),
            &item("0.9.0"),
            &json!("0.1.0"),
            &item("latest")
        ],
        "sorted, with all that was said of them"
    );
}

#[test]
fn versions_that_an_entry_brings_along_are_joined() {
    let mut new = entry("x", "2.0.0");
    new["versions"] = json!([
        { "version": "1.5.0", "install_sources": entry("x", "1.5.0")["install_sources"] },
        { "version": "1.0.0", "install_sources": entry("x", "1.0.0")["install_sources"], "runtime_deps": ["shell"] },
        { "version": "2.0.0", "install_sources": entry("x", "2.0.0")["install_sources"] },
    ]);
    let text = publish(&history(&["0.5.0", "1.0.0"]), &new);
    assert_eq!(versions(&pack(&text, 0)), ["1.5.0", "1.0.0", "0.5.0"]);
    let (again, action, _) = published(&text, &new, UPDATE).unwrap();
    assert_eq!((again, action), (text, Action::Unchanged));
}

#[test]
fn numbers_stay_as_they_are_written_wherever_they_go() {
    let big = "123456789012345678901234567890";
    let mut first = entry("slack", "1.0.0");
    first["phased"] = 10.into();
    first["install_sources"][0]["own"] = "BIG".into();
    let old = index(&[first]).replace("\"BIG\"", big);
    let new = entry("slack", "2.0.0").to_string().replacen(
        '{',
        "{\"own\": 1E5, \"meta\": {\"api\": 1.10},",
        1,
    );
    let document = Document::parse(old.as_bytes()).unwrap();
    let publication = Publication::parse(&new).unwrap();
    let updated = update(&document, &publication, UPDATE).unwrap();
    let text = updated.edits.apply(&old);
    for number in [big, "1E5", "1.10"] {
        assert!(text.contains(number), "{number} has changed: {text}");
    }

    let empty = index(&[]);
    let document = Document::parse(empty.as_bytes()).unwrap();
    let added = update(&document, &publication, UPDATE).unwrap();
    let text = added.edits.apply(&empty);
    for number in ["1E5", "1.10"] {
        assert!(text.contains(number), "{number} has changed: {text}");
    }
}

#[test]
fn a_version_that_is_published_again_keeps_what_only_the_list_says_of_it() {
    let mut known = entry("slack", "2.0.0");
    known["versions"] = json!([{
        "version": "3.0.0",
        "install_sources": [],
        "zz": 1,
    }]);
    let old = index(&[known]);
    let new = publish(&old, &entry("slack", "3.0.0"));
    let versions = pack(&new, 0)["versions"].clone();
    assert_eq!(versions[0]["version"], "3.0.0", "{versions}");
    assert_eq!(versions[0]["zz"], 1, "{versions}");
    assert_eq!(
        versions[0]["install_sources"],
        entry("slack", "3.0.0")["install_sources"],
        "the list says what the top level says"
    );
    assert_eq!(versions[1]["version"], "2.0.0", "{versions}");
    assert_eq!(
        publish(&new, &entry("slack", "3.0.0")),
        new,
        "publishing the same again changes nothing"
    );
}

#[test]
fn a_source_that_a_version_loses_is_told() {
    let git = json!({ "type": "git", "url": "https://h/x.git", "ref": "v1.0.0", "checksum": digest('b') });
    let mut both = entry("x", "1.0.0");
    both["install_sources"]
        .as_array_mut()
        .unwrap()
        .push(git.clone());
    let mut one = entry("x", "1.0.0");
    one["install_sources"] = json!([git]);
    let (_, _, warnings) = published(&index(&[both]), &one, UPDATE).unwrap();
    assert_eq!(
        warnings,
        [
            "x 1.0.0 was published before as the archive `https://example.org/x-1.0.0.tar.gz` too, which is no source of it any more"
        ]
    );
}

#[test]
fn a_rollout_is_begun_and_grows_by_publishing_the_same_version_again() {
    let phased = |index: &str, percent| {
        let document = Document::parse(index.as_bytes()).unwrap();
        let publication = Publication::parse(&entry("x", "1.1.0").to_string()).unwrap();
        let updated = update(&document, &publication.phased(percent), UPDATE).unwrap();
        (updated.edits.apply(index), updated.action)
    };
    let before = index(&[entry("x", "1.0.0")]);
    let (mut text, action) = phased(&before, 10);
    assert_eq!(action, Action::Updated);
    assert_eq!(pack(&text, 0)["phased"], 10);
    assert_eq!(pack(&text, 0)["versions"][0].get("phased"), None);
    for percent in [25, 100] {
        text = phased(&text, percent).0;
        assert_eq!(pack(&text, 0)["phased"], percent);
        assert_eq!(pack(&text, 0)["version"], "1.1.0");
    }
    assert_eq!(phased(&text, 100), (text.clone(), Action::Unchanged));
    let same = publish(&text, &entry("x", "1.1.0"));
    assert_eq!(pack(&same, 0)["phased"], 100, "what was said stays");
    let next = pack(&publish(&text, &entry("x", "1.2.0")), 0);
    assert_eq!(
        next.get("phased"),
        None,
        "the next version is for all hosts"
    );
}
