//! The components that an entry lists.

use super::super::word::{Kind, Object, Objects, Word};
use super::Rule;
use super::entry::Desk;
use super::spot::Trail;
use super::view::{ComponentView, ContentsView};

/// Judges `contents`.
pub(super) fn check(desk: &mut Desk<'_, '_>, contents: &Object<ContentsView<'_>>) {
    let trail = Trail::Entry.key("contents");
    let is_list = desk.at.key.is_none();
    let counted = "Attune's own client reads nothing of an index with such an entry".to_owned();
    let view = match contents {
        Object::Is(view) => view,
        Object::Absent | Object::Other(Kind::Null) => return,
        Object::Other(Kind::Number) if !is_list => return,
        Object::Other(Kind::Number) => {
            let message = "`contents` is a number, not an object".to_owned();
            return desk.add(Rule::Counts, &trail, message, Some(counted));
        }
        Object::Other(kind) => {
            let message = format!("`contents` is {kind}, not an object");
            return desk.add(Rule::Kind, &trail, message, None);
        }
    };
    let mut counts = Vec::new();
    for (key, components) in [
        ("actions", &view.actions),
        ("sensors", &view.sensors),
        ("triggers", &view.triggers),
        ("rules", &view.rules),
        ("workflows", &view.workflows),
    ] {
        match components {
            Objects::Absent | Objects::Other(Kind::Null) => {}
            Objects::Other(Kind::Number) => counts.push(key),
            Objects::Other(kind) => {
                let message = format!("`{key}` is {kind}, not a list");
                desk.add(Rule::Kind, &trail.key(key), message, None);
            }
            Objects::List(list) => listed(desk, list, &trail.key(key)),
        }
    }
    if let Some(first) = counts.first().filter(|_| is_list) {
        let message = format!("`{}` are counted, and not listed", counts.join("`, `"));
        desk.add(Rule::Counts, &trail.key(first), message, Some(counted));
    }
}

/// Judges a list of components.
fn listed(desk: &mut Desk<'_, '_>, list: &[Object<ComponentView<'_>>], trail: &Trail<'_>) {
    for (number, component) in list.iter().enumerate() {
        let (key, message) = match component {
            Object::Is(ComponentView { name, description }) => {
                let mut faults = [("name", name), ("description", description)].into_iter();
                match faults.find(|(_, word)| !matches!(word, Word::Text(_))) {
                    Some((key, Word::Other(kind))) => {
                        (Some(key), format!("`{key}` is {kind}, not a text"))
                    }
                    Some((key, _)) => (None, format!("the component has no `{key}`")),
                    None => continue,
                }
            }
            Object::Absent => continue,
            Object::Other(kind) => (None, format!("the component is {kind}, not an object")),
        };
        let item = trail.item(number);
        match key {
            Some(key) => desk.add(Rule::Component, &item.key(key), message, None),
            None => desk.add(Rule::Component, &item, message, None),
        }
    }
}
