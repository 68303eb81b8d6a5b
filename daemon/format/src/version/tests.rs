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
    ] {
        assert!(parse(text).is_err(), "{text:?} is no version");
    }
    assert!(
        matches!(parse(&"1".repeat(5000)), Err(VersionError::TooLong { .. })),
        "length is bounded"
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
