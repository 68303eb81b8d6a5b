//! What joining must not lose, and what counts where entries differ.

use super::*;

/// What merging comes to: its text, its notices, how many versions are lost.
fn outcome(texts: &[&str], prefer: Option<Prefer>) -> (String, Vec<String>, usize) {
    let inputs: Vec<_> = texts
        .iter()
        .zip(["a.json", "b.json"])
        .map(|(text, name)| Input {
            name,
            bytes: text.as_bytes(),
        })
        .collect();
    let options = Options {
        prefer,
        ..Options::default()
    };
    let merged = merge(&inputs, options).unwrap();
    let notices = merged.notices().iter().map(ToString::to_string).collect();
    (text_of(&merged), notices, merged.lost())
}

#[test]
fn an_entry_never_becomes_more_than_readers_take() {
    let with = |major: u64, padding: usize, count: u64| {
        let mut entry = entry("a", "9.0.0", 'a');
        let versions = (0..count).map(|minor| {
            let version = format!("{major}.{minor}.0");
            let sources =
                json!([{"type": "archive", "url": "x".repeat(padding), "checksum": digest('a')}]);
            json!({"version": version, "install_sources": sources})
        });
        entry["versions"] = versions.collect();
        index(&[entry])
    };
    for (padding, count, kept_all) in [(300, 1199, false), (1, 2900, false), (1, 100, true)] {
        let texts = [with(1, padding, count), with(2, padding, count)];
        let (text, notices, lost) = outcome(&[&texts[0], &texts[1]], None);
        let index = parsed(&text);
        let releases = index.entries[0].releases.len();
        assert_eq!(
            releases + lost,
            2 * usize::try_from(count).unwrap() + 1,
            "each version is there or counted"
        );
        assert_eq!(lost == 0, kept_all, "{notices:?}");
        assert_eq!(notices.len(), usize::from(!kept_all), "{notices:?}");
        assert!(
            index.entries[0].releases[1].version.major == 2,
            "the newest are kept"
        );
    }
}

#[test]
fn versions_that_cannot_be_handed_on_are_named_and_counted() {
    let other = index(&[entry("a", "1.5.0", 'b')]);
    let below = json!({"version": "1.0.0", "install_sources": []});
    for (versions, why, lost) in [
        (
            json!([{"version": "1.2.3.4", "install_sources": []}, below]),
            "versions[0] is left out: `1.2.3.4` is not a semantic version",
            1,
        ),
        (
            json!(["1.0.0", below]),
            "versions[0] `1.0.0` is left out: it is a text, not an object",
            1,
        ),
        (
            json!({"1.0.0": below}),
            "`versions` is left out: it is an object, not a list",
            1,
        ),
        (json!(null), "", 0),
    ] {
        let mut first = entry("a", "2.0.0", 'a');
        first["versions"] = versions.clone();
        let first = index(&[first]);
        let (text, notices, count) = outcome(&[&first, &other], None);
        assert_eq!(count, lost, "{versions}: {notices:?}");
        assert!(notices.concat().contains(why), "{versions}: {notices:?}");
        assert_eq!(parsed(&text).entries[0].releases[0].version.major, 2);
        let (copied, notices, count) = outcome(&[&first], None);
        assert_eq!((notices.len(), count), (0, 0), "nothing is lost: {copied}");
    }
    let exchange = r#"{"packs": {"x": {"version": "1.0.0", "repo_url": "https://h/x", "versions": ["1.0.0", "nope"]}}}"#;
    let (_, notices, lost) = outcome(&[exchange], None);
    assert_eq!(lost, 1);
    assert_eq!(
        notices,
        ["packs.x, line 1: versions[1] `nope` is left out: it is no version that can be read"]
    );
}

#[test]
fn a_release_that_can_be_used_wins() {
    let mut empty = entry("a", "1.0.0", 'a');
    empty["install_sources"] = json!([]);
    let texts = [index(&[empty]), index(&[entry("a", "1.0.0", 'b')])];
    for order in [[0, 1], [1, 0]] {
        let texts = order.map(|number: usize| texts[number].as_str());
        let (text, ..) = outcome(&texts, None);
        assert!(text.contains(&digest('b')), "{text}");
    }
}

#[test]
fn the_preferred_release_counts_wherever_it_stands() {
    let mut low = entry("a", "1.0.0", '1');
    low["versions"] = json!([{"version": "2.0.0", "install_sources": entry("a", "2.0.0", 'a')["install_sources"]}]);
    let texts = [index(&[low]), index(&[entry("a", "2.0.0", 'b')])];
    for order in [[0, 1], [1, 0]] {
        let texts = order.map(|number: usize| texts[number].as_str());
        for (prefer, wanted) in [(Prefer::First, order[0]), (Prefer::Last, order[1])] {
            let (text, ..) = outcome(&texts, Some(prefer));
            let wanted = digest(['a', 'b'][wanted]);
            assert!(text.contains(&wanted), "{order:?} {prefer:?}: {text}");
            assert_eq!(shape(&text)[0].1, "2.0.0", "{text}");
        }
    }
}

#[test]
fn what_one_withdraws_stays_withdrawn() {
    let yanked = |mut entry: Value| {
        entry["yanked"] = json!(true);
        entry
    };
    let newer = index(&[entry("a", "2.0.0", '2')]);
    let mut listed = entry("a", "2.0.0", '2');
    listed["versions"] = json!([{"version": "1.0.0", "install_sources": entry("a", "1.0.0", 'a')["install_sources"]}]);
    let plain = index(&[entry("a", "1.0.0", 'a')]);
    let withdrawn = index(&[yanked(entry("a", "1.0.0", 'a'))]);
    for (texts, notices) in [
        ([&plain, &withdrawn], 1),
        ([&withdrawn, &plain], 0),
        ([&index(&[listed]), &withdrawn], 1),
        ([&newer, &withdrawn], 0),
    ] {
        let (text, said, _) = outcome(&[texts[0], texts[1]], None);
        let index = parsed(&text);
        let release = index.entries[0].releases.last().unwrap();
        assert!(release.yanked, "{text}");
        assert_eq!(said.len(), notices, "{said:?}");
        let (again, ..) = outcome(&[&text], None);
        assert_eq!(again, text, "and it stays so");
    }
}

#[test]
fn a_newer_version_below_goes_to_the_top() {
    let mut first = entry("a", "1.0.0", '1');
    first["versions"] = json!([
        {"version": "3.0.0-rc.1", "install_sources": entry("a", "3.0.0-rc.1", '3')["install_sources"]},
        {"version": "2.0.0", "install_sources": entry("a", "2.0.0", '2')["install_sources"], "published_at": "2026-01-01T00:00:00Z"},
    ]);
    first["label"] = json!("kept");
    let (first, second) = (index(&[first]), index(&[entry("a", "1.5.0", '5')]));
    for (texts, below) in [
        (vec![first.as_str()], vec!["3.0.0-rc.1", "1.0.0"]),
        (
            vec![first.as_str(), second.as_str()],
            vec!["3.0.0-rc.1", "1.5.0", "1.0.0"],
        ),
    ] {
        let (text, ..) = outcome(&texts, None);
        let (_, top, others) = &shape(&text)[0];
        assert_eq!((top.as_str(), others.join(" ")), ("2.0.0", below.join(" ")));
        let value: Value = serde_json::from_str(&text).unwrap();
        let pack = &value["packs"][0];
        assert_eq!(pack["label"], "kept");
        assert_eq!(pack["published_at"], "2026-01-01T00:00:00Z");
        assert_eq!(pack["install_sources"][0]["checksum"], digest('2'));
        assert_eq!(outcome(&[&text], None).0, text, "and it stays so");
    }
}

#[test]
fn counts_become_lists_and_missing_checksums_are_counted() {
    for contents in [json!(3), json!({"actions": 3, "rules": [], "x": 1})] {
        let mut counted = entry("a", "1.0.0", 'a');
        counted["contents"] = contents;
        counted["install_sources"] = json!([{"type": "git", "url": "https://h/x", "ref": "v1"}]);
        let text = index(&[counted]);
        let inputs = [Input {
            name: "a.json",
            bytes: text.as_bytes(),
        }];
        let merged = merge(&inputs, Options::default()).unwrap();
        assert_eq!((merged.unchecked(), merged.notices().len()), (1, 1));
        let value: Value = serde_json::from_str(&text_of(&merged)).unwrap();
        assert_eq!(value["packs"][0]["contents"]["actions"], json!([]));
        assert_eq!(value["packs"][0]["contents"]["rules"], json!([]));
    }
    let nothing = r#"{"packs": {"x": {"version": "1.0.0", "versions": ["1.0.0"]}}}"#;
    let inputs = [Input {
        name: "a.json",
        bytes: nothing.as_bytes(),
    }];
    let merged = merge(&inputs, Options::default()).unwrap();
    assert_eq!((merged.total(), merged.left_out()), (0, 1));
}

#[test]
fn an_entry_on_one_line_stays_on_it_whatever_joins_it() {
    let newer = json!({"packs": [entry("a", "2.0.0", 'a')]}).to_string();
    let mut older = entry("a", "1.5.0", 'b');
    older["versions"] = json!([{"version": "1.0.0", "install_sources": []}]);
    let older = index(&[older]);
    for (newer, gap) in [(newer.clone(), ""), (newer.replace("\":", "\": "), " ")] {
        let (text, ..) = outcome(&[&newer, &older], None);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("ref")).collect();
        let [line] = lines.as_slice() else {
            panic!("{text}")
        };
        for version in ["2.0.0", "1.5.0", "1.0.0"] {
            let member = format!("\"version\":{gap}\"{version}\"");
            assert!(line.contains(&member), "{member} is in {text}");
        }
    }
}
