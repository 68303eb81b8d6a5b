#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

/// A commit whose number is one digit, forty times.
fn id(digit: char) -> ObjectId {
    ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
}

/// A repository with these refs; a tag object stands before those that end in `^`.
fn advertised(refs: &[(&str, char)], head: Option<(&str, char)>) -> Advertisement {
    Advertisement {
        refs: refs
            .iter()
            .map(|(name, digit)| Advertised {
                name: name.trim_end_matches('^').to_owned(),
                commit: id(*digit),
                tag: name.ends_with('^').then(|| id('f')),
            })
            .collect(),
        head: head.map(|(name, digit)| {
            let name = (!name.is_empty()).then(|| format!("refs/heads/{name}"));
            (name, id(digit))
        }),
    }
}

fn repository() -> Advertisement {
    advertised(
        &[
            ("refs/heads/main", '1'),
            ("refs/heads/feature/new-action", '2'),
            ("refs/heads/both", '3'),
            ("refs/heads/same", '4'),
            ("refs/heads/abcd", '5'),
            ("refs/heads/v9.9.9", '1'),
            ("refs/tags/both", '6'),
            ("refs/tags/same", '4'),
            ("refs/tags/v1.2.0^", '7'),
            ("refs/tags/v1.10.0", '8'),
            ("refs/tags/v2.0.0-rc.1", '9'),
            ("refs/tags/v3", '2'),
            ("refs/tags/nightly", '2'),
            ("refs/pull/7/head", 'a'),
        ],
        Some(("main", '1')),
    )
}

fn by_ref(name: &str) -> Result<Choice, ChoiceError> {
    choose(&repository(), &Want::Ref(name.to_owned()))
}

#[track_caller]
fn commit(choice: Result<Choice, ChoiceError>) -> (String, Option<String>, String) {
    match choice.unwrap() {
        Choice::Commit(chosen) => (chosen.commit[..1].to_owned(), chosen.git_ref, chosen.words),
        Choice::InHistory(beginning) => panic!("{beginning} is looked for in the history"),
    }
}

#[test]
fn names_mean_what_the_table_says() {
    for (name, digit, git_ref, words) in [
        ("main", "1", Some("main"), "branch main"),
        (
            "feature/new-action",
            "2",
            Some("feature/new-action"),
            "branch feature/new-action",
        ),
        ("v1.2.0", "7", Some("v1.2.0"), "tag v1.2.0"),
        ("v1.10.0", "8", Some("v1.10.0"), "tag v1.10.0"),
        (
            "both",
            "6",
            Some("both"),
            "tag both; there is a branch of that name too, `refs/heads/both`",
        ),
        ("same", "4", Some("same"), "tag same"),
        (
            "refs/heads/both",
            "3",
            Some("refs/heads/both"),
            "refs/heads/both",
        ),
        ("heads/both", "3", Some("heads/both"), "heads/both"),
        ("tags/both", "6", Some("tags/both"), "tags/both"),
        (
            "refs/pull/7/head",
            "a",
            Some("refs/pull/7/head"),
            "refs/pull/7/head",
        ),
        ("HEAD", "1", Some("main"), "default branch main"),
        // a name goes before the beginning of a commit
        ("abcd", "5", Some("abcd"), "branch abcd"),
    ] {
        let expected = (
            digit.to_owned(),
            git_ref.map(ToOwned::to_owned),
            words.to_owned(),
        );
        assert_eq!(commit(by_ref(name)), expected, "`{name}`");
    }
}

#[test]
fn commits_are_found_by_their_number() {
    let full = id('7').to_string();
    let Choice::Commit(chosen) = by_ref(&full.to_uppercase()).unwrap() else {
        panic!("a full number is that commit");
    };
    assert_eq!((chosen.commit, chosen.is_exact), (full.clone(), true));
    // whether it is there shows when it is fetched
    assert!(matches!(
        by_ref(&id('e').to_string()).unwrap(),
        Choice::Commit(_)
    ));
    // the number of the tag object is as good
    let (digit, ..) = commit(by_ref(&id('f').to_string()));
    assert_eq!(digit, "7");

    let (digit, git_ref, words) = commit(by_ref(&full[..7]));
    assert_eq!((digit.as_str(), git_ref), ("7", None));
    assert_eq!(words, format!("commit {full}"));
    assert_eq!(
        by_ref("cccc").unwrap(),
        Choice::InHistory("cccc".to_owned()),
        "one that no ref names may be in the history"
    );
    // three digits are a name, and there is none
    assert!(matches!(by_ref("ccc"), Err(ChoiceError::Unknown { .. })));
    // one of refs that are not branches or tags is not looked at
    assert_eq!(
        by_ref("aaaa").unwrap(),
        Choice::InHistory("aaaa".to_owned())
    );
}

#[test]
fn two_commits_that_begin_alike_are_not_guessed() {
    let mut all = repository();
    let other = format!("7777{}", "0".repeat(36));
    all.refs[0].commit = ObjectId::from_hex(other.as_bytes()).unwrap();
    let choice = choose(&all, &Want::Ref("7777".to_owned()));
    assert!(
        matches!(choice, Err(ChoiceError::Ambiguous { .. })),
        "{choice:?}"
    );
}

#[test]
fn without_a_name_it_is_the_newest_version_or_the_default_branch() {
    let newest = |all: &Advertisement, pre| commit(choose(all, &Want::Newest { pre }));
    let (digit, git_ref, words) = newest(&repository(), false);
    assert_eq!(
        (digit.as_str(), git_ref.as_deref(), words.as_str()),
        ("8", Some("v1.10.0"), "tag v1.10.0, the newest version"),
        "1.10.0 is newer than 1.2.0, and neither `v3` nor a branch is a version"
    );
    assert_eq!(
        newest(&repository(), true).1.as_deref(),
        Some("v2.0.0-rc.1")
    );

    let untagged = advertised(
        &[
            ("refs/heads/trunk", '1'),
            ("refs/tags/nightly", '2'),
            ("refs/tags/v1.0.0-rc.1", '3'),
        ],
        Some(("trunk", '1')),
    );
    let (digit, git_ref, words) = newest(&untagged, false);
    assert_eq!(
        (digit.as_str(), git_ref.as_deref(), words.as_str()),
        ("1", Some("trunk"), "default branch trunk")
    );
    let detached = advertised(&[("refs/heads/x", '1')], Some(("", '2')));
    assert_eq!(newest(&detached, false).1, None);
    let empty = advertised(&[], None);
    assert_eq!(
        choose(&empty, &Want::Newest { pre: false }),
        Err(ChoiceError::Empty)
    );
}

#[test]
fn the_order_of_the_server_decides_nothing() {
    let mut refs = [
        ("refs/tags/v1.0.0", '1'),
        ("refs/tags/1.0.0", '2'),
        ("refs/tags/1.0.0+b", '3'),
    ];
    let first = commit(choose(
        &advertised(&refs, None),
        &Want::Newest { pre: false },
    ));
    refs.reverse();
    let second = commit(choose(
        &advertised(&refs, None),
        &Want::Newest { pre: false },
    ));
    assert_eq!(first, second);
}

#[test]
fn a_requirement_takes_the_newest_that_satisfies_it() {
    let version = |text: &str, pre| {
        let requirement = Box::new(text.parse().unwrap());
        choose(&repository(), &Want::Version { requirement, pre })
    };
    assert_eq!(commit(version("~1.2", false)).1.as_deref(), Some("v1.2.0"));
    assert_eq!(commit(version("^1", false)).1.as_deref(), Some("v1.10.0"));
    assert_eq!(
        commit(version("2.0.0-rc.1", false)).1.as_deref(),
        Some("v2.0.0-rc.1")
    );
    let error = version("^4", false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "none of its tags is a version that satisfies `^4`; it has `v2.0.0-rc.1`, `v1.10.0`, `v1.2.0`"
    );
}

#[test]
fn what_is_not_there_is_answered_with_what_is_nearly_it() {
    for (wanted, nearest) in [
        ("mian", "main"),
        ("1.2.0", "v1.2.0"),
        ("feature/new-actoin", "feature/new-action"),
        ("refs/heads/gone", ""),
    ] {
        let error = by_ref(wanted).unwrap_err();
        let ChoiceError::Unknown { nearest: found, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(
            found.first().map_or("", String::as_str),
            nearest,
            "`{wanted}`"
        );
        assert!(!error.hint().is_empty(), "`{wanted}`");
    }
    for wanted in [
        "",
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a^{tree}",
        "HEAD~1",
        "@{1}",
        ":/x",
    ] {
        let choice = by_ref(wanted);
        assert!(
            matches!(choice, Err(ChoiceError::NoName { .. })),
            "`{wanted}`: {choice:?}"
        );
    }
}
