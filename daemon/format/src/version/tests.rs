#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

#[test]
fn plain_meanings_are_read_with_a_warning() {
    for (text, version, warned) in [
        ("1.2.3", "1.2.3", false),
        (" 1.2.3\n", "1.2.3", false),
        ("1.0.0-rc.1+build.5", "1.0.0-rc.1+build.5", false),
        ("0.1.1-boto3", "0.1.1-boto3", false),
        ("1.10", "1.10.0", true),
        ("2", "2.0.0", true),
        ("0.4", "0.4.0", true),
        ("v1.2.3", "1.2.3", true),
        ("V1.2", "1.2.0", true),
        ("1.2-rc.1", "1.2.0-rc.1", true),
    ] {
        let (read, warning) = parse(text).unwrap();
        assert_eq!(read.to_string(), version, "{text}");
        assert_eq!(warning.is_some(), warned, "{text}");
    }
    assert_eq!(
        parse("1.10").unwrap().1.unwrap(),
        "version `1.10` is read as `1.10.0`"
    );
}

#[test]
fn what_is_no_version_is_refused() {
    for text in [
        "",
        "  ",
        "not-a-version",
        "1.2.3.4",
        "0.1.2.3.4",
        "1.02.3",
        "1.0.0/../../x",
        "1.0.0+a/b",
        "1.0.0-",
        "v",
        "vv1.0.0",
        "1..0",
        "1.0.0\0",
        "-1",
        "1e3",
        "1_0",
        "latest",
        "99999999999999999999.0.0",
        "2024-01-01",
        "2024.01.01",
        "1.2-3",
        "1.0.0-01",
    ] {
        assert!(parse(text).is_err(), "{text:?} is no version");
    }
    assert!(
        matches!(parse(&"1".repeat(5000)), Err(VersionError::TooLong { .. })),
        "length is bounded"
    );
}

/// A date is no pre-release of a year, and leading zeros are no other number.
#[test]
fn of_what_is_nearly_a_version_the_nearest_one_is_named() {
    for (text, hint) in [
        ("2024-01-01", "write `2024.1.1`"),
        ("v2024-11-03", "write `2024.11.3`"),
        ("2024.01.01", "write `2024.1.1`"),
        ("2024-01", "write `2024.1.0`"),
        ("1.02.3-rc.1", "write `1.2.3-rc.1`"),
        ("1.00.0", "write `1.0.0`"),
        ("1.2-3", "write `1.2.3`"),
        (
            "1.2.3.4",
            "a version has three numbers, for example `1.2.0`",
        ),
        ("latest", "a version has three numbers, for example `1.2.0`"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.hint().as_deref(), Some(hint), "{text}");
    }
    assert_eq!(
        parse("2024-01-01").unwrap_err().to_string(),
        "`2024-01-01` is not a semantic version: numbers are missing before `-01-01`, and it does not say which"
    );
}

proptest! {
    #[test]
    fn a_semantic_version_reads_back(text in "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-[a-z][0-9a-z]{0,5}(\\.(0|[1-9][0-9]{0,2}))?)?(\\+[0-9a-z]{1,6})?") {
        let (version, warning) = parse(&text).unwrap();
        prop_assert_eq!(version.to_string(), text);
        prop_assert_eq!(warning, None);
    }

    #[test]
    fn no_text_panics_and_what_is_read_prints_to_itself(text in "\\PC{0,40}") {
        if let Ok((version, _)) = parse(&text) {
            prop_assert_eq!(parse(&version.to_string()).unwrap(), (version, None));
        }
    }
}
