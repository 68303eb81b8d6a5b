#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;
use crate::index::Document;

/// A list of texts, a list of objects, empty containers, escapes, an object with an object.
const ENTRY: &str = r#"{"ref":"x","keywords":["é","\"]\\"],"sources":[{"type":"git","size":1.50}],"none":[],"meta":{"deep":{"a":1},"e":{}}}"#;

/// `ENTRY` as it would be written into an index with this one pack, at its indentation.
fn like(index: &str) -> String {
    let document = Document::parse(index.as_bytes()).unwrap();
    let pack = document.packs().items[0].value.clone();
    let indent = indent_of(index, pack.end - 1);
    document.style().value(ENTRY, Spread::Lines(indent))
}

#[test]
fn text_is_laid_out_as_its_neighbours_are() {
    assert_eq!(
        like("{\n  \"packs\": [\n    {\n      \"ref\": \"a\"\n    }\n  ]\n}"),
        r#"{
      "ref": "x",
      "keywords": [
        "é",
        "\"]\\"
      ],
      "sources": [
        {
          "type": "git",
          "size": 1.50
        }
      ],
      "none": [],
      "meta": {
        "deep": {
          "a": 1
        },
        "e": {}
      }
    }"#,
        "two spaces"
    );
    assert_eq!(
        like(
            "{\r\n\t\"packs\" : [\r\n\t\t{\r\n\t\t\t\"ref\" : \"a\", \"k\" : [\"b\",  \"c\"], \"o\" : [{ \"d\" : 1 }]\r\n\t\t}\r\n\t]\r\n}"
        ),
        "{\r\n\t\t\t\"ref\" : \"x\",\r\n\t\t\t\"keywords\" : [\"é\", \"\\\"]\\\\\"],\r\n\t\t\t\"sources\" : [\r\n\t\t\t\t{ \"type\" : \"git\", \"size\" : 1.50 }\r\n\t\t\t],\r\n\t\t\t\"none\" : [],\r\n\t\t\t\"meta\" : {\r\n\t\t\t\t\"deep\" : { \"a\" : 1 },\r\n\t\t\t\t\"e\" : {}\r\n\t\t\t}\r\n\t\t}",
        "tabs, CRLF, short lists and objects, spaces around colons and within brackets"
    );
    assert_eq!(
        like(r#"{"packs":[{"ref":"a"}]}"#),
        ENTRY,
        "no spaces at all"
    );
    assert_eq!(
        like("{\n  \"packs\": [\n    {\"ref\": \"\\u00e4\", \"b\": 1}\n  ]\n}"),
        r#"{"ref": "x", "keywords": ["\u00e9", "\"]\\"], "sources": [{"type": "git", "size": 1.50}], "none": [], "meta": {"deep": {"a": 1}, "e": {}}}"#,
        "a line per pack, all of it ASCII"
    );
}

#[test]
fn what_lies_beyond_the_first_plane_is_escaped_as_two_units() {
    let index = r#"{"name": "\u00fc", "packs": [{"ref": "a"}]}"#;
    let document = Document::parse(index.as_bytes()).unwrap();
    assert_eq!(
        document.style().member("k", "\"😀\"", Spread::Line),
        r#""k": "\ud83d\ude00""#
    );
}

/// Any JSON, not too deep.
pub(in crate::index) fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        "[ -~é😀\\n\\t\"\\\\]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec(("[a-zé\"]{0,6}", inner), 0..5).prop_map(|members| members
                .into_iter()
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    /// Whatever the layout, the text says the same, and laying it out again changes nothing.
    #[test]
    fn laying_out_keeps_the_meaning(value in json(), sample in json(), pretty: bool, lines: bool) {
        let index = serde_json::json!({ "packs": [sample] });
        let index = if pretty {
            serde_json::to_string_pretty(&index).unwrap()
        } else {
            index.to_string()
        };
        let document = Document::parse(index.as_bytes()).unwrap();
        let spread = if lines { Spread::Lines("   ") } else { Spread::Line };
        let text = document.style().value(&value.to_string(), spread);
        prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&text).unwrap(), &value);
        prop_assert_eq!(document.style().value(&text, spread), text);
    }

    #[test]
    fn tokens_of_anything_end(text in "\\PC{0,40}") {
        let mut before = 0;
        for token in Tokens::of(&text) {
            prop_assert!(token.start >= before && token.end > token.start, "tokens go on");
            before = token.end;
        }
    }
}
