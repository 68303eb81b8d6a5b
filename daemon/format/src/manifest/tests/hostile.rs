//! Manifests that are to be refused, at once and with a place.

use super::*;
use crate::manifest::yaml::YamlError;

#[test]
fn hostile_refs_and_versions_are_refused() {
    let long = format!("ref: {}\nversion: 1.0.0\n", "a".repeat(5000));
    for text in [
        "ref: /etc\nversion: 1.0.0\n",
        "ref: ../../etc\nversion: 1.0.0\n",
        "ref: .\nversion: 1.0.0\n",
        "ref: a/b\nversion: 1.0.0\n",
        "ref: \"a\\0b\"\nversion: 1.0.0\n",
        "ref: cor\u{435}\nversion: 1.0.0\n",
        &long,
    ] {
        assert!(
            matches!(refuse(text), ManifestError::Ref { .. }),
            "{text:.40?}"
        );
    }
    for text in [
        "ref: a\nversion: 1.0.0/../../x\n",
        "ref: a\nversion: 1.0.0+a/b\n",
        "ref: a\nversion: not-a-version\n",
    ] {
        assert!(
            matches!(refuse(text), ManifestError::Version { .. }),
            "{text:?}"
        );
    }
    for text in ["ref: [a]\nversion: 1.0.0\n", "ref: a\nversion: {a: b}\n"] {
        assert!(
            matches!(refuse(text), ManifestError::Kind { .. }),
            "{text:?}"
        );
    }
    for (text, key) in [
        ("version: 1.0.0\n", "ref"),
        ("ref: a\n", "version"),
        ("ref: a\nversion:\n", "version"),
        ("ref: ''\nversion: 1.0.0\n", "ref"),
    ] {
        assert_eq!(
            refuse(text).to_string(),
            format!("Missing '{key}' field in pack.yaml"),
            "the words that scripts look for"
        );
    }
    for text in [
        "",
        "\n",
        "---\n",
        "# only a comment\n",
        "- a\n",
        "text",
        "42",
    ] {
        assert!(
            matches!(refuse(text), ManifestError::NotAMapping { .. }),
            "{text:?}"
        );
    }
}

#[test]
fn what_yaml_allows_and_packs_may_not_is_refused_with_its_place() {
    for (text, line, part) in [
        (
            "ref: a\nref: b\nversion: 1.0.0\n",
            Some(2),
            "`ref` appears twice",
        ),
        (
            "ref: a\nversion: 1.0.0\nmeta:\n  x: 1\n  x: 2\n",
            Some(5),
            "`x` appears twice",
        ),
        (
            "ref: a\nversion: 1.0.0\n---\nref: b\nversion: 1.0.0\n",
            Some(3),
            "second document",
        ),
        (
            "base: &b {version: 1.0.0}\nref: a\n<<: *b\n",
            Some(3),
            "merge keys",
        ),
        ("ref: a\nversion: [1.0.0\n", None, ""),
        ("ref: a\n\tversion: 1.0.0\n", None, ""),
        ("ref: a\nversion: *nowhere\n", Some(2), ""),
        (
            "ref: a\u{7}\nversion: 1.0.0\n",
            Some(1),
            "control character U+0007",
        ),
    ] {
        let error = refuse(text);
        let words = words(&error);
        assert!(words.contains(part), "{text:?}: {words}");
        let position = error
            .position()
            .unwrap_or_else(|| panic!("{text:?} has a place: {words}"));
        if let Some(line) = line {
            assert!(position.line.abs_diff(line) <= 1, "{text:?}: {words}");
        }
    }
}

/// Everything here took other readers minutes or gigabytes.
#[test]
fn bombs_are_refused_at_once() {
    let laughs = (1..9).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
        let before = format!("*a{}", n - 1);
        text + &format!("a{n}: &a{n} [{}]\n", [before.as_str(); 9].join(","))
    });
    let long = format!("s: &s {}\n", "x".repeat(100_000));
    let string = |bytes: usize| {
        let times = (bytes - long.len()) / 4;
        format!(
            "ref: a\nversion: 1.0.0\n{long}l: [{}]\n",
            vec!["*s"; times].join(",")
        )
    };
    for (name, text) in [
        (
            "billion laughs",
            format!("ref: a\nversion: 1.0.0\n{laughs}"),
        ),
        ("a string aliased often", string(200_000)),
        ("open brackets", format!("a: {}", "[".repeat(64_000))),
        (
            "closed brackets",
            format!("a: {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        ),
        ("open braces", format!("a: {}", "{a: ".repeat(16_000))),
        ("question marks", "? ".repeat(100_000)),
        ("dashes", "- ".repeat(100_000)),
        (
            "deep blocks",
            (0..500).fold(String::new(), |text, depth| {
                text + &" ".repeat(depth) + "a:\n"
            }),
        ),
        (
            "an alias of itself",
            "ref: a\nversion: 1.0.0\nx: &x [*x]\n".to_owned(),
        ),
    ] {
        let started = std::time::Instant::now();
        let error = refuse(&text);
        assert!(matches!(error, ManifestError::Yaml(_)), "{name}: {error:?}");
        assert!(
            words(&error).len() < 600,
            "{name}: the words are few: {}",
            words(&error)
        );
        assert!(
            started.elapsed().as_secs() < 5,
            "{name} took {:?}",
            started.elapsed()
        );
    }
    let large = format!("ref: a\nversion: 1.0.0\nx: {}\n", "y".repeat(MAX_BYTES));
    assert!(
        matches!(
            refuse(&large),
            ManifestError::Yaml(YamlError::TooLarge { .. })
        ),
        "size is looked at first"
    );
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = "ref: a\nversion: 1.0.0\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [[b"\xff\xfe".as_slice(), &utf16].concat(), utf16] {
        let error = Manifest::parse(&bytes).unwrap_err();
        assert!(words(&error).contains("UTF-16"), "{}", words(&error));
    }
    assert!(
        words(&Manifest::parse(b"ref: a\xff\n").unwrap_err()).contains("not UTF-8"),
        "Latin-1 is refused"
    );
}

#[test]
fn what_is_too_long_or_no_text_has_a_place() {
    let long = format!("ref: a\nversion: 1.0.0\n# é{}\n", "y".repeat(MAX_BYTES));
    let place = |bytes: &[u8]| Manifest::parse(bytes).unwrap_err().position().unwrap();
    let before = "ref: a\nversion: 1.0.0\n".len();
    // one character has two bytes
    let column = (MAX_BYTES - before) as u64;
    assert_eq!(place(long.as_bytes()), Position { line: 3, column });
    for (bytes, line, column) in [
        (b"ref: a\nlabel: caf\xe9\n".as_slice(), 2, 11),
        (b"\xef\xbb\xbfref: \xff\n", 1, 6),
        ("a: é\nb: é".as_bytes().split_last().unwrap().1, 2, 4),
        (b"\xff\xfer\0", 1, 1),
    ] {
        assert_eq!(
            place(bytes),
            Position { line, column },
            "{}",
            bytes.escape_ascii()
        );
    }
    assert_eq!(
        words(&Manifest::parse(b"a: \xe9").unwrap_err()),
        "cannot read `pack.yaml`: line 1, column 4: it is not UTF-8 text"
    );
}
