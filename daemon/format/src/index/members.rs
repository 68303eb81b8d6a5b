//! An object whose members are set and removed one by one, each left as it is written where it says so already.

use super::document::Container;
use super::edit::{Edits, Place};
use super::layout::{Spread, Style, indent_of};
use super::written::says_the_same;

/// The members of an object while they are changed.
#[derive(Debug)]
pub(super) struct Members<'a> {
    text: &'a str,
    object: &'a Container,
    style: &'a Style,
    /// Each key, and what it will be.
    wanted: Vec<(String, Place)>,
    changed: bool,
}

impl<'a> Members<'a> {
    /// Those of an object without a key that appears twice.
    pub(super) fn of(text: &'a str, object: &'a Container, style: &'a Style) -> Self {
        let wanted = object.items.iter().enumerate().map(|(position, item)| {
            let key = item.key.as_ref().map(|key| key.text.clone());
            (key.unwrap_or_default(), Place::Old(position))
        });
        Self {
            text,
            object,
            style,
            wanted: wanted.collect(),
            changed: false,
        }
    }

    /// The value of a member, as it is written.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let position = self.object.find(key)?;
        Some(&self.text[self.object.items[position].value.clone()])
    }

    /// Whether a member is an object that can be read in one way only.
    pub(super) fn is_object(&self, key: &str) -> bool {
        let position = self.object.find(key);
        let span = position.map(|position| self.object.items[position].value.clone());
        span.filter(|span| self.text[span.clone()].starts_with('{'))
            .and_then(|span| Container::parse(self.text, span).ok())
            .is_some_and(|object| object.duplicate().is_none())
    }

    /// Sets a member. One that is there keeps its place, and its text when it says the same already; a new
    /// one goes where `order` has it, or else behind the member `after`.
    pub(super) fn set(
        &mut self,
        edits: &mut Edits,
        key: &str,
        json: &str,
        order: &[&str],
        after: Option<&str>,
    ) {
        if let Some(position) = self.object.find(key) {
            let span = &self.object.items[position].value;
            let old = &self.text[span.clone()];
            if !says_the_same(old, json) {
                edits.replace(span.clone(), self.value(old, json, span.start));
            }
            return;
        }
        let at = self.place(key, order, after);
        let spread = match self.object.items.first() {
            Some(first) => self.spread(first.span().start),
            None => Spread::Line,
        };
        let new = self.style.member(key, json, spread);
        self.wanted.insert(at, (key.to_owned(), Place::New(new)));
        self.changed = true;
    }

    /// Sets members of a member that is an object; those that only it has stay.
    pub(super) fn set_within<'k>(
        &mut self,
        edits: &mut Edits,
        key: &str,
        members: impl Iterator<Item = (&'k str, &'k str)>,
    ) {
        let Some(position) = self.object.find(key) else {
            return;
        };
        let span = self.object.items[position].value.clone();
        let Ok(object) = Container::parse(self.text, span) else {
            return;
        };
        let mut inner = Members::of(self.text, &object, self.style);
        let mut after = None;
        for (key, json) in members {
            inner.set(edits, key, json, &[], after);
            after = Some(key);
        }
        inner.finish(edits);
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, key: &str) {
        let before = self.wanted.len();
        self.wanted.retain(|(known, _)| known != key);
        self.changed |= self.wanted.len() < before;
    }

    /// Makes the changes of places.
    pub(super) fn finish(self, edits: &mut Edits) {
        if self.changed {
            let wanted = self.wanted.into_iter().map(|(_, place)| place).collect();
            edits.arrange(self.text, self.object, wanted, self.style);
        }
    }

    /// A value for a member whose value is `old`: on one line where that is.
    fn value(&self, old: &str, json: &str, at: usize) -> String {
        let short = old.starts_with(['[', '{']) && old.len() > 2 && !old.contains('\n');
        let spread = if short { Spread::Line } else { self.spread(at) };
        self.style.value(json, spread)
    }

    /// How a value that begins at a byte is spread.
    fn spread(&self, at: usize) -> Spread<'a> {
        if self.text[self.object.span.clone()].contains('\n') {
            Spread::Lines(indent_of(self.text, at))
        } else {
            Spread::Line
        }
    }

    /// Where a new member goes: in alphabetical order where the others are, else behind the last of those
    /// that `order` has before it, else behind `after`.
    fn place(&self, key: &str, order: &[&str], after: Option<&str>) -> usize {
        let known: Vec<&str> = self.wanted.iter().map(|(key, _)| key.as_str()).collect();
        if known.len() > 3 && known.is_sorted() {
            return known.partition_point(|known| *known < key);
        }
        if let Some(rank) = order.iter().position(|name| *name == key) {
            let earlier = order[..rank].iter().rev();
            let mut places = earlier.filter_map(|name| known.iter().position(|key| key == name));
            return places.next().map_or(0, |position| position + 1);
        }
        let after = after.and_then(|after| known.iter().position(|key| *key == after));
        after.map_or(known.len(), |position| position + 1)
    }
}
