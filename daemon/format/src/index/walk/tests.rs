#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

/// Takes everything down.
#[derive(Debug, Default)]
struct Scribe(Vec<(Option<String>, String, usize, bool)>);

impl<'a> Visit<'a> for Scribe {
    type Entry = serde_json::Map<String, serde_json::Value>;

    fn entry(&mut self, at: At<'a>, entry: Result<Self::Entry, serde_json::Error>) {
        assert_eq!(at.number, self.0.len(), "a visitor counts what it sees");
        let key = at.key.map(Cow::into_owned);
        self.0
            .push((key, at.raw.to_owned(), at.start, entry.is_ok()));
    }
}

type Seen = Vec<(Option<String>, String, usize, bool)>;

/// What is seen of a text in pieces of a size.
fn seen(text: &str, piece: usize) -> Result<(Seen, usize), String> {
    let walked = walk_in(text.as_bytes(), piece, 8, Scribe::default)
        .map_err(|refused| format!("{} at {}", refused.error, refused.offset))?;
    let pieces = walked.visitors.len();
    let mut all = Vec::new();
    for (first, scribe) in walked.visitors {
        assert_eq!(first, all.len(), "pieces follow one another");
        all.extend(scribe.0);
    }
    for (_, raw, start, _) in &all {
        assert!(
            walked.text[*start..].starts_with(raw),
            "an entry lies where it is said to lie"
        );
    }
    Ok((all, pieces))
}

#[test]
fn members_and_entries_are_found_where_they_are() {
    let text = "\u{feff} {\"a\" : [1, {\"packs\": []}],\r\n \"packs\": [ {\"ref\": \"x\"} ,7, {} ], \"b\\u0020c\":null } ";
    let walked = walk(text.as_bytes(), Scribe::default).unwrap();
    let members: Vec<_> = walked
        .members
        .iter()
        .map(|member| (&*member.key, member.value))
        .collect();
    assert_eq!(members, [("a", "[1, {\"packs\": []}]"), ("b c", "null")]);
    assert_eq!(walked.form, Form::List);
    let (seen, _) = seen(text, usize::MAX).unwrap();
    let short: Vec<_> = seen
        .iter()
        .map(|(_, raw, _, is_object)| (raw.as_str(), *is_object))
        .collect();
    assert_eq!(
        short,
        [("{\"ref\": \"x\"}", true), ("7", false), ("{}", true)]
    );
    let (map, _) = self::seen(r#"{"packs": {"a": {}, "b\n": []}}"#, usize::MAX).unwrap();
    let keys: Vec<_> = map
        .iter()
        .map(|(key, ..)| key.as_deref().unwrap())
        .collect();
    assert_eq!(keys, ["a", "b\n"]);
}

#[test]
fn what_is_no_index_is_refused_where_it_shows() {
    for (text, error) in [
        (
            "",
            "the index is not JSON (line 1, column 1): the text ends here at 0",
        ),
        (
            "[]",
            "the index is not one: it is no object with `packs` in it at 0",
        ),
        (
            "nil",
            "the index is not JSON (line 1, column 2): expected ident at 1",
        ),
        ("{}", "the index is not one: it has no `packs` at 0"),
        (
            "{\"packs\": 7}",
            "the index is not one: `packs` is neither a list nor an object at 10",
        ),
        (
            "{\"packs\": [], \"packs\": {}}",
            "the index is not one: `packs` appears twice at 14",
        ),
        (
            "{\"packs\": [\n{},]}",
            "the index is not JSON (line 2, column 4): trailing comma at 15",
        ),
        (
            "{\"packs\": [{} {}]}",
            "the index is not JSON (line 1, column 15): expected `,` or `]` at 14",
        ),
        (
            "{\"packs\": []} x",
            "the index is not JSON (line 1, column 15): trailing characters at 14",
        ),
        (
            "{\"packs\" []}",
            "the index is not JSON (line 1, column 10): expected `:` at 9",
        ),
        (
            "{\"packs\": [\n  {\"a\": 1,\n   \"b\": nul}]}",
            "the index is not JSON (line 3, column 12): expected ident at 34",
        ),
        (
            "{\"packs\": [{\"a\": \"cut",
            "the index is not JSON (line 1, column 21): EOF while parsing a string at 20",
        ),
    ] {
        assert_eq!(seen(text, 1).unwrap_err(), error, "`{text}`");
    }
    let bytes = b"{\"packs\": [\"\xff\"]}";
    let refused = walk(bytes, Scribe::default).unwrap_err();
    assert_eq!(
        (refused.offset, refused.error.to_string()),
        (12, "the index is not UTF-8 text".to_owned())
    );
}

#[test]
fn a_text_is_cut_only_where_an_entry_begins() {
    // what looks like an entry, in a text and below one
    let entry = r#"{"ref":"x","lure":"{\"ref\":","deep":[{"ref":"y"},{"ref":"z"}]}"#;
    let text = format!("{{\"packs\":[{}]}}", vec![entry; 200].join(","));
    let (whole, one) = seen(&text, usize::MAX).unwrap();
    let (cut, several) = seen(&text, 64).unwrap();
    assert_eq!((one, whole.len()), (1, 200));
    assert!(several > 1, "a list of many entries is cut");
    assert_eq!(cut, whole, "and read the same");
    let broken = format!("{text}]");
    assert!(seen(&broken, 64).is_err(), "what follows counts too");
    let middle = text.len() / 2;
    let broken = format!("{}\u{1}{}", &text[..middle], &text[middle..]);
    assert_eq!(
        seen(&broken, 64).unwrap_err(),
        seen(&broken, usize::MAX).unwrap_err(),
        "an error is the same, however the text was cut"
    );
}

proptest! {
    #[test]
    fn pieces_change_nothing(
        entries in prop::collection::vec(
            prop::sample::select(vec![
                r#"{"ref":"a"}"#, r#"{ "ref": "b", "x": [{"ref":"q"}] }"#, "7", "null",
                "{\n    \"ref\": \"c\",\n    \"y\": {\n    \"ref\": 1\n    }\n    }", r#""{\"ref\":""#, "[]",
            ]),
            0..60,
        ),
        piece in 1_usize..200,
        flaw in prop::option::of((any::<prop::sample::Index>(), prop::sample::select(vec!["]", "\"", "{", "\\", " "]))),
    ) {
        let mut text = format!("{{\"v\": 1, \"packs\": [\n    {}\n]}}", entries.join(",\n    "));
        if let Some((at, what)) = flaw {
            text.insert_str(at.index(text.len()), what);
        }
        let whole = seen(&text, usize::MAX).map(|(seen, _)| seen);
        let cut = seen(&text, piece).map(|(seen, _)| seen);
        prop_assert_eq!(cut, whole);
    }
}
