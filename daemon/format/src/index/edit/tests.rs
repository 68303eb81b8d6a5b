#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{self, Write};

use proptest::prelude::*;
use serde::Serialize as _;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::*;

/// An index with a pack inserted.
fn with_pack(index: &str, pack_ref: &str) -> String {
    let document = Document::parse(index.as_bytes()).unwrap();
    let mut edits = Edits::default();
    let entry = format!(r#"{{"ref":"{pack_ref}","keywords":["k"]}}"#);
    edits.insert_pack(&document, pack_ref, &entry);
    edits.apply(index)
}

fn with_time(index: &str) -> String {
    let document = Document::parse(index.as_bytes()).unwrap();
    let mut edits = Edits::default();
    edits.set_header(&document, "last_updated", "NOW");
    edits.apply(index)
}

#[test]
fn a_pack_goes_where_its_ref_belongs() {
    for (before, new, after) in [
        (r#"{"packs":["a","c"]}"#, "b", r#"{"packs":["a","b","c"]}"#),
        (
            r#"{"packs":["b", "c"]}"#,
            "a",
            r#"{"packs":["a", "b", "c"]}"#,
        ),
        (
            r#"{"packs": ["a",  "b"]}"#,
            "c",
            r#"{"packs": ["a",  "b",  "c"]}"#,
        ),
        (
            r#"{"packs": ["c", "a"]}"#,
            "b",
            r#"{"packs": ["c", "a", "b"]}"#,
        ),
        (r#"{"packs": ["b"]}"#, "a", r#"{"packs": ["a","b"]}"#),
    ] {
        let full = |text: &str| {
            let text = text.replace(r#""a""#, r#"{"ref":"a","keywords":["k"]}"#);
            let text = text.replace(r#""b""#, r#"{"ref":"b","keywords":["k"]}"#);
            text.replace(r#""c""#, r#"{"ref":"c","keywords":["k"]}"#)
        };
        assert_eq!(
            with_pack(&full(before), new),
            full(after),
            "{new} into {before}"
        );
    }
}

#[test]
fn an_empty_list_is_opened_as_the_text_is_laid_out() {
    assert_eq!(
        with_pack(r#"{"packs":[]}"#, "a"),
        r#"{"packs":[{"ref":"a","keywords":["k"]}]}"#
    );
    assert_eq!(
        with_pack("{ \"packs\": [ ] }\n", "a"),
        "{ \"packs\": [{\"ref\": \"a\", \"keywords\": [\"k\"]}] }\n"
    );
    assert_eq!(
        with_pack("{\n\t\"packs\": []\n}", "a"),
        "{\n\t\"packs\": [\n\t\t{\n\t\t\t\"ref\": \"a\",\n\t\t\t\"keywords\": [\n\t\t\t\t\"k\"\n\t\t\t]\n\t\t}\n\t]\n}"
    );
    assert_eq!(
        with_pack("\u{feff}{\r\n    \"packs\": [\r\n    ]\r\n}\r\n", "a"),
        "\u{feff}{\r\n    \"packs\": [\r\n        {\r\n            \"ref\": \"a\",\r\n            \
         \"keywords\": [\r\n                \"k\"\r\n            ]\r\n        }\r\n    ]\r\n}\r\n"
    );
}

#[test]
fn a_pack_looks_like_the_one_beside_it() {
    assert_eq!(
        with_pack(
            "{\"packs\": [\n  {\"ref\": \"a\"},\n  {\"ref\": \"c\"}\n]}",
            "b"
        ),
        "{\"packs\": [\n  {\"ref\": \"a\"},\n  {\"ref\": \"b\", \"keywords\": [\"k\"]},\n  {\"ref\": \"c\"}\n]}",
        "a line each"
    );
    assert_eq!(
        with_pack(
            "{\n  \"packs\": [{\n    \"ref\": \"a\"\n  }, {\n    \"ref\": \"b\"\n  }]\n}",
            "c"
        ),
        "{\n  \"packs\": [{\n    \"ref\": \"a\"\n  }, {\n    \"ref\": \"b\"\n  }, {\n    \"ref\": \"c\",\n    \
         \"keywords\": [\n      \"k\"\n    ]\n  }]\n}",
        "brackets on one line"
    );
    assert_eq!(
        with_pack(
            "{ \"packs\":\n  [ { \"ref\": \"a\" }\n  , { \"ref\": \"b\" }\n  ]\n}",
            "c"
        ),
        "{ \"packs\":\n  [ { \"ref\": \"a\" }\n  , { \"ref\": \"b\" }\n  , { \"ref\": \"c\", \"keywords\": [\"k\"] }\n  ]\n}",
        "commas in front"
    );
}

#[test]
fn the_time_is_set_where_it_is_or_where_it_belongs() {
    for (before, after) in [
        (
            r#"{"last_updated":"then","packs":[]}"#,
            r#"{"last_updated":"NOW","packs":[]}"#,
        ),
        (
            r#"{"last_updated": null, "packs": []}"#,
            r#"{"last_updated": "NOW", "packs": []}"#,
        ),
        (
            r#"{"packs": []}"#,
            r#"{"last_updated": "NOW", "packs": []}"#,
        ),
        (
            r#"{"version": "1.0", "packs": [], "x": 1}"#,
            r#"{"version": "1.0", "last_updated": "NOW", "packs": [], "x": 1}"#,
        ),
        (
            "{\n  \"packs\": [],\n  \"registry_name\": \"n\"\n}\n",
            "{\n  \"packs\": [],\n  \"registry_name\": \"n\",\n  \"last_updated\": \"NOW\"\n}\n",
        ),
        (
            "{\n  \"a\": 1,\n  \"generated_at\": 2,\n  \"packs\": [],\n  \"version\": 3\n}",
            "{\n  \"a\": 1,\n  \"generated_at\": 2,\n  \"last_updated\": \"NOW\",\n  \"packs\": [],\n  \"version\": 3\n}",
        ),
    ] {
        assert_eq!(with_time(before), after, "{before}");
    }
    let done = r#"{"last_updated":"\u004eOW","packs":[]}"#;
    assert_eq!(
        with_time(done),
        done,
        "what says so already stays as it is written"
    );
}

/// A list of numbers with odd spaces, and what it becomes.
fn arranged(text: &str, wanted: Vec<Place>) -> String {
    let index = format!(r#"{{"packs": {text}}}"#);
    let document = Document::parse(index.as_bytes()).unwrap();
    let mut edits = Edits::default();
    edits.arrange(&index, document.packs(), wanted, document.style());
    edits.apply(&index)[r#"{"packs": "#.len()..]
        .trim_end_matches('}')
        .to_owned()
}

#[test]
fn items_are_moved_added_and_removed() {
    use Place::{New, Old};
    let new = |text: &str| New(text.to_owned());
    for (wanted, after) in [
        (vec![Old(0), Old(1), Old(2)], "[1 ,2,  3 ]"),
        (vec![Old(0), Old(2)], "[1,  3 ]"),
        (vec![Old(1), Old(2)], "[2,  3 ]"),
        (vec![Old(0), Old(1)], "[1 ,2 ]"),
        (vec![new("0"), Old(0), Old(1), Old(2)], "[0,  1 ,2,  3 ]"),
        (vec![new("0"), Old(2), new("4")], "[0,  3,  4 ]"),
        (
            vec![Old(0), new("9"), new("8"), Old(1), Old(2)],
            "[1,  9,  8 ,2,  3 ]",
        ),
        (vec![Old(0), new("9"), Old(2)], "[1,  9,  3 ]"),
        (vec![Old(2), Old(0)], "[3,  1 ]"),
        (vec![new("9")], "[9 ]"),
        (vec![], "[ ]"),
    ] {
        let shown = format!("{wanted:?}");
        assert_eq!(arranged("[1 ,2,  3 ]", wanted), after, "{shown}");
    }
}

/// Spaces and tabs where JSON has room for them, on one line.
struct Sloppy;

impl Formatter for Sloppy {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        out.write_all(if first { b" " } else { b" , " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b" :\t")
    }
}

/// A value as text, with spaces between its tokens only: strings stay as JSON has to have them.
fn laid_out(value: &serde_json::Value, formatter: impl Formatter) -> String {
    let mut text = Vec::new();
    value
        .serialize(&mut Serializer::with_formatter(&mut text, formatter))
        .unwrap();
    String::from_utf8(text).unwrap()
}

/// An index as people and tools write them: any members, packs with refs, any spaces, BOM, CRLF.
pub(in crate::index) fn index() -> impl Strategy<Value = (String, Vec<String>)> {
    let refs = prop::collection::btree_set("[a-z]{1,3}", 0..6);
    let extra = prop::collection::vec(("x[a-z]{1,4}", super::super::layout::tests::json()), 0..3);
    let shape = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0_usize..4,
    );
    (refs, extra, shape).prop_map(|(refs, extra, (sorted, bom, crlf, end, layout))| {
        let mut refs: Vec<String> = refs.into_iter().collect();
        if !sorted {
            refs.reverse();
        }
        let mut members = serde_json::Map::new();
        members.extend(extra.iter().cloned());
        let packs: Vec<serde_json::Value> = refs
            .iter()
            .map(|name| {
                let mut pack = serde_json::Map::new();
                pack.insert("ref".to_owned(), name.as_str().into());
                pack.extend(extra.iter().cloned());
                pack.into()
            })
            .collect();
        members.insert("packs".to_owned(), packs.into());
        let value = serde_json::Value::Object(members);
        let text = match layout {
            0 => value.to_string(),
            1 => laid_out(&value, Sloppy),
            2 => laid_out(&value, PrettyFormatter::new()),
            _ => laid_out(&value, PrettyFormatter::with_indent(b"\t")),
        };
        let text = text + if end { "\n" } else { "" };
        let text = if crlf {
            text.replace('\n', "\r\n")
        } else {
            text
        };
        let bom = if bom { "\u{feff}" } else { "" };
        (format!("{bom}{text}"), refs)
    })
}

proptest! {
    /// Take the new pack out of the new text, and the old text is left, but for a comma.
    #[test]
    fn inserting_a_pack_keeps_every_other_byte((text, refs) in index(), name in "[a-z]{4}") {
        let document = Document::parse(text.as_bytes()).unwrap();
        let entry = serde_json::json!({ "ref": name, "b": ["é", {}], "c": { "d": [1] } });
        let mut edits = Edits::default();
        edits.insert_pack(&document, &name, &entry.to_string());
        let new = edits.apply(&text);

        let after = Document::parse(new.as_bytes()).unwrap();
        let position = after.find(&name)[0];
        let span = after.packs().items[position].span();
        let read: serde_json::Value = serde_json::from_str(&new[span.clone()]).unwrap();
        prop_assert_eq!(read, entry, "what was inserted is there");
        let (before, behind) = (&new[..span.start], &new[span.end..]);
        let kept = |part: &str| part.trim_end().trim_end_matches(',').trim_end().to_owned();
        let head = text.len() - behind.len().min(text.len());
        if refs.is_empty() {
            prop_assert!(text.starts_with(before.trim_end()), "what is before stays");
            prop_assert!(text.ends_with(behind.trim_start()), "what is behind stays");
        } else if text.ends_with(behind) {
            prop_assert_eq!(kept(before), kept(&text[..head]), "what is before stays");
        } else {
            prop_assert!(text.starts_with(before), "what is before stays");
            let rest = behind.trim_start().trim_start_matches(',').trim_start();
            prop_assert_eq!(rest, &text[before.len()..], "what is behind stays");
        }
        let mut all: Vec<&str> = after.refs().flatten().collect();
        prop_assert_eq!(all.len(), refs.len() + 1);
        if refs.is_sorted() {
            prop_assert!(all.is_sorted(), "a sorted list stays sorted");
        } else {
            prop_assert_eq!(all.pop(), Some(name.as_str()), "else it is the last");
        }
    }

    /// The time is one span, however the index is laid out.
    #[test]
    fn setting_the_time_keeps_every_other_byte((text, _) in index()) {
        let first = with_time(&text);
        let second = first.replace("\"NOW\"", "\"THEN\"");
        prop_assert_eq!(with_time(&second), first.clone());
        let document = Document::parse(first.as_bytes()).unwrap();
        let top = document.top();
        let position = top.find("last_updated").unwrap();
        let mut edits = Edits::default();
        let others = (0..top.items.len()).filter(|at| *at != position).map(Place::Old).collect();
        edits.arrange(&first, top, others, document.style());
        prop_assert_eq!(edits.apply(&first), text, "without it the old text is left");
    }
}
