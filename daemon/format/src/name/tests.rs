#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

#[test]
fn refs_of_the_two_ecosystems_are_legal() {
    for text in [
        "a",
        "slack",
        "core",
        "circle_ci",
        "my-pack",
        "napalm_logs",
        "s3",
        "a1_-",
    ] {
        assert_eq!(text.parse::<PackRef>().unwrap().as_str(), text);
    }
    assert!(
        "a".repeat(64).parse::<PackRef>().is_ok(),
        "64 characters are the most"
    );
}

#[test]
fn what_could_become_a_path_or_a_look_alike_is_refused() {
    let long = "a".repeat(5000);
    for (text, why, suggestion) in [
        ("", NameFault::Empty, None),
        ("/etc", NameFault::Character, Some("etc")),
        ("../../etc", NameFault::Character, Some("etc")),
        (".", NameFault::Character, None),
        ("..", NameFault::Character, None),
        ("a/b", NameFault::Character, Some("a_b")),
        ("aws.ec2", NameFault::Character, Some("aws_ec2")),
        ("Slack", NameFault::Character, Some("slack")),
        (
            "Network Essentials",
            NameFault::Character,
            Some("network_essentials"),
        ),
        ("a\0b", NameFault::Character, Some("a_b")),
        ("slаck", NameFault::Character, Some("sl_ck")), // a Cyrillic letter
        ("1password", NameFault::Start, Some("pack_1password")),
        ("_global", NameFault::Start, Some("global")),
        ("-rf", NameFault::Start, Some("rf")),
        ("pack\n", NameFault::Character, Some("pack")),
        (long.as_str(), NameFault::TooLong, Some(&long[..64])),
    ] {
        let error = text.parse::<PackRef>().unwrap_err();
        assert_eq!(error.why, why, "{text:?}");
        assert_eq!(error.suggestion.as_deref(), suggestion, "{text:?}");
        assert!(
            error.to_string().len() < 400,
            "a long text is not repeated whole"
        );
        assert!(
            !error.to_string().contains(['\0', '\n']),
            "what is printed is printable"
        );
    }
}

#[test]
fn json_is_checked_too() {
    assert_eq!(
        serde_json::from_str::<PackRef>("\"slack\"").unwrap(),
        "slack"
    );
    assert!(
        serde_json::from_str::<PackRef>("\"../x\"").is_err(),
        "a path is no ref"
    );
    assert_eq!(
        serde_json::to_string(&"slack".parse::<PackRef>().unwrap()).unwrap(),
        "\"slack\""
    );
}

proptest! {
    #[test]
    fn a_legal_ref_reads_back(text in "[a-z][a-z0-9_-]{0,63}") {
        prop_assert_eq!(text.parse::<PackRef>().unwrap().to_string(), text);
    }

    #[test]
    fn any_text_is_a_ref_or_gets_a_legal_suggestion(text in "\\PC{0,100}") {
        if let Err(error) = text.parse::<PackRef>() && let Some(suggestion) = error.suggestion {
            prop_assert!(PackRef::is_legal(&suggestion), "{} -> {}", text, suggestion);
        }
    }
}
