#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

#[test]
fn values_are_written_as_they_were_read() {
    let text = r#"{"a":1.10,"b":{"c":123456789012345678901234567890},"d":1E5,"e":"\u00e4"}"#;
    let mut written = Written::parse(text).unwrap();
    assert_eq!(written.to_json(), text, "nothing may be read as a value");
    written.set("a", "1.20");
    written.add_before("d", "new", "null");
    let keys: Vec<&str> = written.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["a", "b", "new", "d", "e"], "each key has its place");
    assert_eq!(
        written.get("a"),
        Some("1.20"),
        "a member is set where it is"
    );
}

#[test]
fn of_equal_keys_the_last_counts() {
    let written = Written::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap();
    assert_eq!(
        written.to_json(),
        r#"{"a":3,"b":2}"#,
        "readers take the last"
    );
}

#[test]
fn texts_say_the_same_in_any_order_and_layout() {
    for (one, other) in [
        (
            r#"{"a":1,"b":[1.5,"x"]}"#,
            r#"{ "b": [ 1.5, "\u0078" ], "a": 1 }"#,
        ),
        ("null", " null "),
    ] {
        assert!(says_the_same(one, other.trim()), "{one} and {other}");
    }
}

#[test]
fn numbers_say_the_same_when_they_are_written_alike() {
    for (one, other) in [
        ("1.10", "1.1"),
        ("1E5", "100000.0"),
        (r#"{"a":[1.10]}"#, r#"{"a":[1.1]}"#),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567891",
        ),
    ] {
        assert!(!says_the_same(one, other), "{one} and {other}");
    }
}
