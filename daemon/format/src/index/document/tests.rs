#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::error::chain;

fn keys(document: &Document<'_>) -> Vec<String> {
    let keys = document
        .top()
        .items
        .iter()
        .filter_map(|item| item.key.as_ref());
    keys.map(|key| key.text.clone()).collect()
}

fn packs<'t>(document: &Document<'t>) -> Vec<&'t str> {
    let items = document.packs().items.iter();
    items.map(|item| &document.text()[item.span()]).collect()
}

fn refused(text: &str) -> String {
    chain(&Document::parse(text.as_bytes()).unwrap_err())
}

#[test]
fn members_and_packs_are_found_where_they_lie() {
    let text = "\u{feff} {\"a\": 1,\r\n\t\"packs\" : [ {\"ref\": \"x\"} ,{\"ref\":\"\\u0079\"}, 7 ],\"z\":[]}\n";
    let document = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(keys(&document), ["a", "packs", "z"]);
    assert_eq!(document.form(), Form::List);
    assert_eq!(
        packs(&document),
        ["{\"ref\": \"x\"}", "{\"ref\":\"\\u0079\"}", "7"]
    );
    assert_eq!(
        document.refs().collect::<Vec<_>>(),
        [Some("x"), Some("y"), None],
        "refs are what they mean, and an entry may lack one"
    );
    assert_eq!(
        &text[document.packs().span.clone()],
        "[ {\"ref\": \"x\"} ,{\"ref\":\"\\u0079\"}, 7 ]"
    );
    assert_eq!(text[document.top().span.clone()].chars().next(), Some('{'));
    assert!(
        text[document.top().span.clone()].ends_with('}'),
        "up to the closing bracket"
    );
    assert_eq!((document.find("y"), document.line(1)), (vec![1], 2));
}

#[test]
fn packs_may_be_a_mapping_or_empty() {
    let text = r#"{"packs": { "slack" : {"name": "Slack"}, "aws": {"ref": "other"} }}"#;
    let document = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(document.form(), Form::Map);
    assert_eq!(packs(&document)[0], r#""slack" : {"name": "Slack"}"#);
    let refs: Vec<_> = document.refs().collect();
    assert_eq!(refs, [Some("slack"), Some("aws")], "the keys are the refs");
    for (text, span) in [
        (r#"{"packs":[]}"#, "[]"),
        ("{\"packs\": [ \n ] }", "[ \n ]"),
        (r#"{"packs":{}}"#, "{}"),
    ] {
        let document = Document::parse(text.as_bytes()).unwrap();
        assert_eq!(&text[document.packs().span.clone()], span);
        assert_eq!(document.packs().items, []);
    }
}

#[test]
fn what_is_no_index_is_refused_with_the_place() {
    assert_eq!(
        refused("{\n  \"packs\": [\n    {\"ref\": }\n  ]\n}"),
        "Invalid index format: the index is not JSON (line 3, column 13): expected value"
    );
    for text in [
        r#"{"registry_name": "x"}"#,
        r#"{"packs": 3}"#,
        r#"{"packs": null}"#,
        "{}",
    ] {
        assert_eq!(
            refused(text),
            "Invalid index format: missing 'packs' array",
            "{text}"
        );
    }
    for text in [
        "[]",
        "3",
        "",
        "{\"packs\": []} {}",
        "{\"packs\": [1,]}",
        "{\"packs\": [}",
    ] {
        let said = refused(text);
        assert!(
            said.starts_with("Invalid index format: the index is not"),
            "{text}: {said}"
        );
    }
    let error = Document::parse(b"{\"packs\": [\"\xff\"]}").unwrap_err();
    assert!(
        matches!(error, DocumentError::Index(IndexError::Encoding)),
        "{error:?}"
    );
}

#[test]
fn what_is_there_twice_is_found() {
    assert_eq!(
        refused("{\"packs\": [],\n\"a\": 1, \"p\\u0061cks\": []}"),
        "Invalid index format: the index has the key 'packs' twice, again in line 2",
        "also when it is written in another way"
    );
    assert_eq!(
        refused("{\"packs\": {\"a\": {},\n\n\"a\": {}}}"),
        "Invalid index format: 'packs' has the key 'a' twice, again in line 3"
    );
    let text = "{\"packs\": [{\"ref\": \"b\"},\n{\"ref\": \"a\"},\n{\"ref\": \"b\"},\n{},{}]}";
    let document = Document::parse(text.as_bytes()).unwrap();
    assert_eq!(document.duplicate_refs(), [("b", vec![1, 3])]);
    assert_eq!(document.find("b"), [0, 2]);
}

#[test]
fn a_text_that_is_cut_off_anywhere_is_refused() {
    let text = "{\n \"version\": \"1.0\",\n \"packs\" : [ {\"ref\": \"a\"} ]\n}";
    for end in 0..text.len() {
        let said = refused(&text[..end]);
        assert!(said.starts_with("Invalid index format"), "{end}: {said}");
    }
}
