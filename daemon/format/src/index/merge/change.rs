//! Changing the text of an entry, and leaving the rest of it as it is.

use super::super::document::Container;
use super::super::edit::Edits;
use super::super::layout::Style;
use super::super::members::Members;

/// The text of an object with members set, or removed where there is no value.
pub(super) fn changed(text: &str, wanted: &[(String, Option<String>)]) -> String {
    let whole = 0..text.len();
    let object = Container::parse(text, whole.clone()).expect("it was read as an object before");
    let style = Style::of_document(text, &object, &object).of_sample(text, whole);
    let mut members = Members::of(text, &object, &style);
    let mut edits = Edits::default();
    for (key, value) in wanted {
        match value {
            Some(value) => members.set(&mut edits, key, value, &[], Some("version")),
            None => members.remove(key),
        }
    }
    members.finish(&mut edits);
    edits.apply(text)
}
