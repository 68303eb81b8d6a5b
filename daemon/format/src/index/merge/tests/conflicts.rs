//! Two inputs that say different things of one version, and what is told of it.

use super::*;

#[test]
fn of_equal_versions_the_first_input_counts() {
    let mut other = entry("a", "1.0.0", 'a');
    other["label"] = json!("another");
    let texts = [index(&[entry("a", "1.0.0", 'a')]), index(&[other])];
    let text = merged(&[&texts[0], &texts[1]], Options::default()).unwrap();
    assert_eq!(text, merged(&[&texts[0]], Options::default()).unwrap());
    let text = merged(
        &[&texts[1], &texts[0]],
        Options {
            prefer: Some(Prefer::Last),
            ..Options::default()
        },
    )
    .unwrap();
    assert!(
        text.contains("another"),
        "the preference is for what differs only: {text}"
    );
}

#[test]
fn one_version_with_different_checksums_is_refused_or_decided() {
    let mut below = entry("a", "2.0.0", '2');
    below["versions"] = json!([{"version": "1.0.0", "install_sources": entry("a", "1.0.0", 'b')["install_sources"]}]);
    let git = |checksum: char, commit: &str| {
        let mut entry = entry("a", "1.0.0", 'a');
        entry["install_sources"] = json!([{
            "type": "git", "url": "https://h/a.git", "ref": "v1", "checksum": digest(checksum), "commit": commit,
        }]);
        entry
    };
    let archive = |checksum: char| entry("a", "1.0.0", checksum);
    let (checksums, commits) = ("checksums", "commits");
    for (one, other, what, marks) in [
        (
            archive('a'),
            archive('b'),
            checksums,
            (digest('a'), digest('b')),
        ),
        (archive('a'), below, checksums, (digest('a'), digest('b'))),
        (
            git('a', "1"),
            git('b', "1"),
            checksums,
            (digest('a'), digest('b')),
        ),
        (
            git('a', "1"),
            git('a', "2"),
            commits,
            ("1".to_owned(), "2".to_owned()),
        ),
    ] {
        let texts = [index(&[one]), index(&[other])];
        let texts = [texts[0].as_str(), texts[1].as_str()];
        let error = merged(&texts, Options::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "version 1.0.0 of `a` has different {what}: {} in `a.json`, {} in `b.json`",
                marks.0, marks.1
            )
        );
        assert!(
            error.hint().unwrap().contains("--prefer first"),
            "it says what helps"
        );
        for (prefer, kept) in [(Prefer::First, &marks.0), (Prefer::Last, &marks.1)] {
            let options = Options {
                prefer: Some(prefer),
                ..Options::default()
            };
            let text = merged(&texts, options).unwrap();
            assert!(text.contains(kept.as_str()), "{prefer:?}: {text}");
        }
    }
}

#[test]
fn checksums_that_agree_or_cannot_be_compared_are_no_conflict() {
    let with = |sources: Value| {
        let mut entry = entry("a", "1.0.0", 'a');
        entry["install_sources"] = sources;
        index(&[entry])
    };
    let archive =
        |url: &str, checksum: &str| json!({"type": "archive", "url": url, "checksum": checksum});
    let (a, b) = (digest('a'), digest('b'));
    for (one, other) in [
        (
            json!([archive("x", &a)]),
            json!([archive("y", &a.to_uppercase().replace("SHA", "sha"))]),
        ),
        (
            json!([archive("x", &a)]),
            json!([archive("x.zip", &b), archive("x", &a)]),
        ),
        (
            json!([archive("x", &a)]),
            json!([archive("x", &format!("sha512:{}", "a".repeat(128)))]),
        ),
        (
            json!([archive("x", &a)]),
            json!([{"type": "git", "url": "x", "checksum": b}]),
        ),
        (json!([archive("x", &a)]), json!([])),
    ] {
        let result = merged(
            &[&with(one.clone()), &with(other.clone())],
            Options::default(),
        );
        assert!(result.is_ok(), "{one} and {other}: {}", result.unwrap_err());
    }
    let result = merged(
        &[
            &with(json!([archive("x", &a), archive("z", &b)])),
            &with(json!([archive("x", &b)])),
        ],
        Options::default(),
    );
    assert!(result.is_err(), "the same URL cannot have two checksums");
}

#[test]
fn decisions_are_told_in_the_order_of_the_inputs() {
    let first = index(&[entry("b", "1.0.0", '1'), entry("a", "2.0.0", '2')]);
    let second = index(&[
        entry("a", "1.0.0", '1'),
        entry("b", "1.5.0", '5'),
        entry("b", "1.5.0", '5'),
    ]);
    let inputs = [
        Input {
            name: "1",
            bytes: first.as_bytes(),
        },
        Input {
            name: "2",
            bytes: second.as_bytes(),
        },
    ];
    let merged = merge(&inputs, Options::default()).unwrap();
    let told: Vec<_> = merged
        .decisions()
        .iter()
        .map(|decision| {
            format!(
                "{} {} {} {} {:?}",
                decision.input,
                decision.pack_ref,
                decision.known,
                decision.other,
                decision.order()
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "1 a 2.0.0 1.0.0 Less",
            "1 b 1.0.0 1.5.0 Greater",
            "1 b 1.5.0 1.5.0 Equal"
        ]
    );
    assert_eq!(
        (merged.total(), merged.unique(), merged.duplicates()),
        (5, 2, 3)
    );
}
