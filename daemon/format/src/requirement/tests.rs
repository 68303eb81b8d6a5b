#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

fn matches(requirement: &str, version: &str) -> bool {
    let requirement: Requirement = requirement.parse().unwrap();
    requirement.matches(&version.parse().unwrap(), PreReleases::Exclude)
}

fn matches_pre(requirement: &str, version: &str) -> bool {
    let requirement: Requirement = requirement.parse().unwrap();
    requirement.matches(&version.parse().unwrap(), PreReleases::Include)
}

#[test]
fn operators_accept_and_reject_as_documented() {
    for (requirement, accepts, rejects) in [
        ("*", &["0.0.1", "1.2.3"][..], &["1.0.0-rc.1"][..]),
        ("latest", &["0.0.1", "1.2.3"], &["1.0.0-rc.1"]),
        (">=1.2.0", &["1.2.3"], &["1.1.9"]),
        ("<=1.3.0", &["1.2.3", "1.3.0"], &["1.3.1"]),
        (">1.2.2", &["1.2.3"], &["1.2.2"]),
        ("<1.2.4", &["1.2.3"], &["1.2.4"]),
        ("=1.2.3", &["1.2.3", "1.2.3+b1"], &["1.2.4"]),
        ("1.2.3", &["1.2.3"], &["1.2.4", "1.3.0"]),
        (">=1.2.4", &["1.2.4"], &["1.2.3"]),
        ("<1.2.3", &["1.2.2"], &["1.2.3"]),
        ("^1.2.3", &["1.2.3", "1.2.4", "1.9.9"], &["2.0.0", "1.2.2"]),
        ("^0.2.3", &["0.2.3", "0.2.9"], &["0.3.0"]),
        ("^0.0.3", &["0.0.3"], &["0.0.4", "0.0.2"]),
        ("~1.2.3", &["1.2.3", "1.2.9"], &["1.3.0", "1.2.2"]),
        // missing numbers are zero
        (">=2", &["2.0.0"], &["1.9.9"]),
        (">0.1", &["0.2.0"], &["0.1.0", "0.0.9"]),
        ("<=0.1", &["0.1.0", "0.0.9"], &["0.2.0"]),
        // as in the semver crate, not as in Attune
        ("^0", &["0.0.0", "0.9.1"], &["1.0.0"]),
        ("^0.0", &["0.0.0", "0.0.9"], &["0.1.0"]),
        ("~1", &["1.0.0", "1.9.0"], &["2.0.0"]),
        ("^1.2", &["1.2.0", "1.9.0"], &["1.1.0", "2.0.0"]),
        // a bare partial version is a wildcard
        ("1.2", &["1.2.0", "1.2.9"], &["1.3.0", "1.1.0"]),
        ("1", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.0"]),
        ("1.2.*", &["1.2.7"], &["1.3.0"]),
        ("1.x", &["1.7.0"], &["2.0.0"]),
        // lists
        (">=1.0,<2.0", &["1.0.0", "1.9.9"], &["2.0.0", "0.9.9"]),
        (">= 1.0 , < 2.0, ^1.4", &["1.4.0"], &["1.3.0", "2.0.0"]),
        (">=3.0.0 <4.0.0", &["3.5.0"], &["4.0.0"]),
        // StackStorm's
        (">=2.1.0, <3.0.0", &["2.1.0", "2.10.4"], &["2.0.9", "3.0.0"]),
        (">>2.1.0,<<3.0.0", &["2.1.1"], &["2.1.0", "3.0.0"]),
        // a leading `v`
        ("v1.2.3", &["1.2.3"], &["1.2.4"]),
        ("^v1", &["1.5.0"], &["2.0.0"]),
        // builds matter to an exact requirement that names one
        ("1.0.0+a", &["1.0.0+a"], &["1.0.0+b", "1.0.0"]),
    ] {
        for version in accepts {
            assert!(
                matches(requirement, version),
                "{requirement} accepts {version}"
            );
        }
        for version in rejects {
            assert!(
                !matches(requirement, version),
                "{requirement} rejects {version}"
            );
        }
    }
}

#[test]
fn pre_releases_are_for_those_who_name_them() {
    assert!(matches("1.0.0-rc.1", "1.0.0-rc.1"), "an exact one is named");
    assert!(matches(">=1.0.0-rc.1", "1.0.0-rc.2"), "a range names it");
    assert!(
        !matches(">=1.0.0-rc.1", "1.1.0-rc.1"),
        "another version's is not named"
    );
    assert!(!matches("^1.0", "1.1.0-rc.1"), "not named");

    for (requirement, version) in [
        ("*", "1.0.0-rc.1"),
        ("^1.0", "1.1.0-rc.1"),
        ("~1.2", "1.2.3-rc.1"),
        ("1.2", "1.2.3-rc.1"),
        (">=1.0.0", "1.1.0-rc.1"),
        ("<2.0.0", "2.0.0-rc.1"),
        (">=1.0.0, <2", "1.9.0-rc.1"),
    ] {
        assert!(
            matches_pre(requirement, version),
            "{requirement} accepts {version} when asked to"
        );
    }
    for (requirement, version) in [
        ("^1.0", "2.0.0-rc.1"),
        ("<2", "2.0.0-rc.1"),
        ("^1.2.3", "1.2.3-rc.1"),
        ("1.2.3", "1.2.3-rc.1"),
    ] {
        assert!(
            !matches_pre(requirement, version),
            "{requirement} rejects {version} even then"
        );
    }
}

#[test]
fn the_newest_is_the_newest_by_number_not_by_text() {
    let versions: Vec<Version> = ["0.9.0", "0.10.0", "1.0.0-rc.1", "1.0.0"]
        .iter()
        .map(|v| v.parse().unwrap())
        .collect();
    let newest = |requirement: &str| {
        let requirement: Requirement = requirement.parse().unwrap();
        requirement
            .newest(&versions, PreReleases::Exclude)
            .unwrap()
            .to_string()
    };
    assert_eq!(newest("^0"), "0.10.0");
    assert_eq!(newest("latest"), "1.0.0");
    assert_eq!(newest("1.0.0-rc.1"), "1.0.0-rc.1");
}

#[test]
fn what_is_no_requirement_is_refused() {
    for text in [
        "",
        " ",
        ">=",
        "=>1.0",
        "!=1.0",
        "==1.0.0",
        "1.2.3.4",
        ">=1.0,,<2",
        "^",
        "foo",
        "1.0 - 2.0",
        "^1.a",
    ] {
        assert!(
            text.parse::<Requirement>().is_err(),
            "{text:?} is no requirement"
        );
    }
    let grows = vec!["=0.2.3"; 36].join(",");
    assert!(
        grows.len() < MAX_LENGTH && grows.parse::<Requirement>().is_err(),
        "what could not be read again once it is printed is refused at once"
    );
    let error = "1".repeat(5000).parse::<Requirement>().unwrap_err();
    assert!(
        error.to_string().len() < 400,
        "a long text is not repeated whole"
    );
}

fn a_version() -> impl Strategy<Value = String> {
    "(0|[1-9][0-9]?)\\.(0|[1-9][0-9]?)\\.(0|[1-9][0-9]?)(-(rc|alpha)\\.[1-9])?"
}

fn a_requirement() -> impl Strategy<Value = String> {
    let part = (
        "(|=|<|<=|>|>=|\\^|~)",
        prop_oneof![a_version(), "(0|[1-9])(\\.(0|[1-9]))?".boxed()],
    )
        .prop_map(|(operator, version)| format!("{operator}{version}"));
    prop_oneof![
        Just("*".to_owned()),
        Just("latest".to_owned()),
        proptest::collection::vec(part, 1..4).prop_map(|parts| parts.join(", ")),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(text in a_requirement()) {
        let requirement: Requirement = text.parse().unwrap();
        let printed = requirement.to_string();
        prop_assert_eq!(printed.parse::<Requirement>().unwrap(), requirement, "{} -> {}", text, printed);
    }

    #[test]
    fn allowing_pre_releases_never_loses_a_version(text in a_requirement(), version in a_version()) {
        let requirement: Requirement = text.parse().unwrap();
        let version: Version = version.parse().unwrap();
        if requirement.matches(&version, PreReleases::Exclude) {
            prop_assert!(requirement.matches(&version, PreReleases::Include), "{} and {}", text, version);
        }
    }

    #[test]
    fn an_exact_requirement_takes_that_version_only(a in a_version(), b in a_version()) {
        let requirement: Requirement = a.parse().unwrap();
        let same = a == b;
        prop_assert_eq!(requirement.matches(&b.parse().unwrap(), PreReleases::Exclude), same);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let parsed = text.parse::<Requirement>();
        if let Ok(requirement) = parsed {
            prop_assert_eq!(requirement.to_string().parse::<Requirement>().unwrap(), requirement);
        }
    }
}
