//! Changes of an index that leave every other byte as it is.
//!
//! A change is a span of the old text and what stands there instead; the new text is the old one with all of
//! them. New text is laid out like what it stands beside ([`Style`]).

use std::ops::Range;

use super::document::{Container, Document};
use super::layout::{Spread, Style, indent_of, quoted};
use super::members::Members;

#[cfg(test)]
pub(in crate::index) mod tests;

/// The members of an index, in the order they are written in.
const HEADER_KEYS: [&str; 5] = [
    "registry_name",
    "registry_url",
    "version",
    "last_updated",
    "packs",
];

/// Changes of one text. They never overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits(Vec<Edit>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    at: Range<usize>,
    new: String,
}

/// An item of a container as it shall become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that is there at this position.
    Old(usize),
    /// A new one: its text.
    New(String),
}

impl Edits {
    /// Whether the text stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The new text in pieces, most of them of the old one: for writing it without holding it twice.
    #[must_use]
    pub fn pieces<'t>(&'t self, text: &'t str) -> Vec<&'t str> {
        self.within(text, 0..text.len())
    }

    /// The new text.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        self.pieces(text).concat()
    }

    /// What becomes of a span that holds all of these changes.
    pub(super) fn within<'t>(&'t self, text: &'t str, span: Range<usize>) -> Vec<&'t str> {
        let mut sorted: Vec<&Edit> = self.0.iter().collect();
        sorted.sort_by_key(|edit| (edit.at.start, edit.at.end));
        let mut pieces = Vec::with_capacity(2 * sorted.len() + 1);
        let mut from = span.start;
        for edit in sorted {
            pieces.push(&text[from..edit.at.start]);
            pieces.push(&edit.new);
            from = edit.at.end;
        }
        pieces.push(&text[from..span.end]);
        pieces
    }

    /// Puts `new` in the place of a span.
    pub(super) fn replace(&mut self, at: Range<usize>, new: String) {
        self.0.push(Edit { at, new });
    }

    /// The text of a span with its changes, which are none of the whole text any more.
    fn take(&mut self, text: &str, span: Range<usize>) -> String {
        let is_inner = |edit: &Edit| span.start <= edit.at.start && edit.at.end <= span.end;
        let (inner, outer) = std::mem::take(&mut self.0).into_iter().partition(is_inner);
        self.0 = outer;
        Self(inner).within(text, span).concat()
    }

    /// Inserts a pack: where its ref belongs when the packs are sorted by their refs, else at the end.
    /// `json` is the pack in any layout.
    pub fn insert_pack(&mut self, document: &Document<'_>, pack_ref: &str, json: &str) {
        let refs: Vec<Option<&str>> = document.refs().collect();
        let at = if refs.iter().all(Option::is_some) && refs.is_sorted() {
            refs.partition_point(|name| *name < Some(pack_ref))
        } else {
            refs.len()
        };
        let (text, packs) = (document.text(), document.packs());
        let new = item(text, packs, at.saturating_sub(1), json, document.style());
        let mut wanted: Vec<Place> = (0..packs.items.len()).map(Place::Old).collect();
        wanted.insert(at, Place::New(new));
        self.arrange(text, packs, wanted, document.style());
    }

    /// Sets a text of the top level, or inserts it where it belongs.
    pub fn set_header(&mut self, document: &Document<'_>, key: &str, value: &str) {
        let (text, top) = (document.text(), document.top());
        let mut members = Members::of(text, top, document.style());
        members.set(self, key, &quoted(value), &HEADER_KEYS, None);
        members.finish(self);
    }

    /// Makes the items of a container those that are `wanted`. Old ones that stay in order stay where they
    /// are, with what is between them.
    pub(super) fn arrange(
        &mut self,
        text: &str,
        container: &Container,
        wanted: Vec<Place>,
        style: &Style,
    ) {
        let items = &container.items;
        let kept: Vec<usize> = wanted.iter().filter_map(Place::old).collect();
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            return self.fill(text, container, wanted, style);
        };
        let separator = separator(text, container, style);
        if kept.is_empty() || !kept.is_sorted() {
            let whole = first.span().start..last.span().end;
            let texts: Vec<String> = wanted
                .into_iter()
                .map(|place| match place {
                    Place::Old(position) => self.take(text, items[position].span()),
                    Place::New(new) => new,
                })
                .collect();
            return self.replace(whole, texts.join(&separator));
        }

        // what stands before each old item that stays, and behind the last of them
        let mut before: Option<usize> = None;
        let mut fresh: Vec<String> = Vec::new();
        for place in wanted {
            let position = match place {
                Place::New(new) => {
                    fresh.push(new);
                    continue;
                }
                Place::Old(position) => position,
            };
            let start = items[position].span().start;
            let new = std::mem::take(&mut fresh);
            match before {
                None => {
                    let from = first.span().start;
                    let new = new.iter().flat_map(|text| [text.as_str(), &separator]);
                    self.replace_changed(from..start, new.collect());
                }
                Some(before) => {
                    let end = items[before].span().end;
                    let added: String = new.iter().flat_map(|t| [&separator, t.as_str()]).collect();
                    if position == before + 1 {
                        self.replace_changed(end..end, added);
                    } else {
                        self.replace(end..start, added + &separator);
                    }
                }
            }
            before = Some(position);
        }
        let end = items[kept[kept.len() - 1]].span().end;
        let added: String = fresh
            .iter()
            .flat_map(|t| [&separator, t.as_str()])
            .collect();
        self.replace_changed(end..last.span().end, added);
    }

    /// Replaces a span unless nothing would change.
    fn replace_changed(&mut self, at: Range<usize>, new: String) {
        if !(at.is_empty() && new.is_empty()) {
            self.replace(at, new);
        }
    }

    /// Puts items into a container that has none.
    fn fill(&mut self, text: &str, container: &Container, wanted: Vec<Place>, style: &Style) {
        let new: Vec<String> = wanted.into_iter().filter_map(Place::into_new).collect();
        if new.is_empty() {
            return;
        }
        let span = &container.span;
        let outer = indent_of(text, span.start);
        let (before, between, behind) = if style.is_spread() {
            let line = style.line(&style.deeper(outer));
            (line.clone(), format!(",{line}"), style.line(outer))
        } else {
            let object = text.as_bytes()[span.start] == b'{';
            let pad = if object { style.pad() } else { "" };
            (pad.to_owned(), style.comma(), pad.to_owned())
        };
        let inside = span.start + 1..span.end - 1;
        self.replace(inside, format!("{before}{}{behind}", new.join(&between)));
    }
}

impl Place {
    fn old(&self) -> Option<usize> {
        match self {
            Self::Old(position) => Some(*position),
            Self::New(_) => None,
        }
    }

    fn into_new(self) -> Option<String> {
        match self {
            Self::Old(_) => None,
            Self::New(text) => Some(text),
        }
    }
}

/// A new element of a list, laid out as the one at `beside` is, or as the text is when the list is empty.
pub(super) fn item(
    text: &str,
    list: &Container,
    beside: usize,
    json: &str,
    style: &Style,
) -> String {
    if let Some(beside) = list.items.get(beside) {
        let style = style.of_sample(text, beside.value.clone());
        return style.value(json, Spread::Lines(indent_of(text, beside.value.end - 1)));
    }
    let indent = style.deeper(indent_of(text, list.span.start));
    style.value(json, Spread::Lines(&indent))
}

/// What stands between two items of a container that has at least one.
fn separator(text: &str, container: &Container, style: &Style) -> String {
    match container.items.as_slice() {
        [.., before, last] => text[before.span().end..last.span().start].to_owned(),
        [only] => {
            let gap = &text[container.span.start + 1..only.span().start];
            if gap.contains('\n') {
                format!(",{gap}")
            } else {
                style.comma()
            }
        }
        [] => style.comma(),
    }
}
