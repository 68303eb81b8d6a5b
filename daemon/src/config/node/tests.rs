#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use super::*;

fn read(text: &str) -> (Option<Node>, Vec<String>) {
    let place = Origin::File {
        path: Path::new("f").into(),
        line: 1,
    };
    let mut problems = Vec::new();
    let node = parse(text, &place, &mut problems);
    (node, problems.iter().map(ToString::to_string).collect())
}

fn table(text: &str) -> Table {
    let (node, problems) = read(text);
    assert_eq!(problems, Vec::<String>::new(), "`{text}` is fine");
    match node.unwrap().value {
        Value::Table(table) => table,
        other => panic!("`{text}` is {other:?}"),
    }
}

#[test]
fn every_value_knows_its_line() {
    let table = table("# head\na: 1\n\nb:\n  c: [x,\n   y]\n  d: >\n    folded\n");
    let lines: Vec<_> = table
        .0
        .iter()
        .map(|entry| entry.origin.to_string())
        .collect();
    assert_eq!(lines, ["f:2", "f:4"]);
    let Value::Table(inner) = &table.get("b").unwrap().value.value else {
        panic!("b has keys")
    };
    assert_eq!(inner.get("d").unwrap().origin.to_string(), "f:7");
    let Value::List(items) = &inner.get("c").unwrap().value.value else {
        panic!("c is a list")
    };
    assert_eq!(items[1].origin.to_string(), "f:6");
}

#[test]
fn a_text_is_what_was_written() {
    let table = table("a: 1.10\nb: 'null'\nc: null\nd:\ne: \"x\\ty\"\n");
    let shown: Vec<_> = table.0.iter().map(|entry| entry.value.describe()).collect();
    assert_eq!(
        shown,
        [
            "`1.10`",
            "`\"null\"`",
            "nothing",
            "nothing",
            "`\"x\u{fffd}y\"`"
        ]
    );
}

#[test]
fn an_empty_document_is_nothing() {
    for text in ["", "# only a comment\n", "---\n"] {
        let (node, problems) = read(text);
        assert!(problems.is_empty(), "`{text}` is fine");
        assert!(
            node.is_none_or(|node| node.value == Value::Null),
            "`{text}` says nothing"
        );
    }
}

#[test]
fn what_is_odd_is_reported_with_its_line() {
    for (text, expected) in [
        ("a: 1\na: 2\n", "f:2: `a` is written twice, first at f:1"),
        (
            "a: &x 1\n",
            "f:1: here is an anchor, which the configuration does not know",
        ),
        (
            "a: !!str 1\n",
            "f:1: here is a tag, which the configuration does not know",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "f:2: here is a second document, which would be ignored",
        ),
        ("[1]: 2\n", "f:1: a key must be a word, not a list"),
    ] {
        let (_, problems) = read(text);
        assert_eq!(problems, [expected], "`{text}`");
    }
    let (node, problems) = read("a: 1\nb: [\n");
    assert!(node.is_none(), "half a document is none");
    assert!(
        problems[0].starts_with("f:") && problems[0].contains("is no YAML"),
        "{problems:?}"
    );
}

#[test]
fn the_stronger_table_wins_key_by_key() {
    let mut base = table("a: {b: 1, c: 2}\nd: [1, 2]\ne: 5\n");
    base.merge(table("a: {c: 3, f: 4}\nd: [9]\n"));
    base.merge(table("a:\ne: null\n"));
    let expected = table("a: {b: 1, c: 3, f: 4}\nd: [9]\ne: null\n");
    let strip = |table: &Table| format!("{table:?}").replace(|c: char| c.is_ascii_digit(), "");
    assert_eq!(strip(&base).len(), strip(&expected).len(), "{base:?}");
    let Value::Table(a) = &base.get("a").unwrap().value.value else {
        panic!("a has keys")
    };
    assert_eq!(a.get("b").unwrap().value.describe(), "`1`");
    assert_eq!(a.get("c").unwrap().value.describe(), "`3`");
    assert_eq!(base.get("e").unwrap().value.describe(), "nothing");
}
