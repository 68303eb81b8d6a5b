//! A YAML document with the place of each value, before anything is known about its meaning.
//!
//! Read from the parser's events, so that the text of a value is what the operator wrote: the type of a
//! key decides whether `1.10` is a number or a version, not the look of the text. Anchors, aliases and
//! tags are refused; with drop-ins they would not mean what they seem to.

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::Origin;
use super::problem::Problem;

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// What a value is by its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A scalar. `plain` when it was written without quotes.
    Text { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// Keys and values.
    Table(Table),
}

/// Keys and values in the order they were written; no key twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table(pub(super) Vec<Entry>);

/// One key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) origin: Origin,
    pub(super) value: Node,
}

impl Node {
    /// A text that was not written as YAML: a flag, or a key that stands for a value.
    pub(super) fn text(origin: Origin, text: impl Into<String>) -> Self {
        Self {
            origin,
            value: Value::Text {
                text: text.into(),
                plain: true,
            },
        }
    }

    /// What a message calls this value.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Text { text, plain } => {
                let quote = if *plain { "" } else { "\"" };
                let more = if text.chars().count() > SHOWN {
                    "…"
                } else {
                    ""
                };
                let text: String = text.chars().take(SHOWN).map(visible).collect();
                format!("`{quote}{text}{more}{quote}`")
            }
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "keys with values".to_owned(),
        }
    }
}

/// How much of a value a message repeats, in characters.
const SHOWN: usize = 60;

/// The character, or what stands for one that could change how the message looks.
fn visible(c: char) -> char {
    if c.is_control() { '\u{fffd}' } else { c }
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.0.iter_mut().find(|entry| entry.key == key)
    }

    /// Lays `stronger` over this table: tables are merged key by key, everything else is replaced.
    pub(super) fn merge(&mut self, stronger: Table) {
        for entry in stronger.0 {
            match self.get_mut(&entry.key) {
                Some(mine) => mine.merge(entry),
                None => self.0.push(entry),
            }
        }
    }
}

impl Entry {
    /// Lays another value over this one.
    pub(super) fn merge(&mut self, stronger: Entry) {
        match (&mut self.value.value, stronger.value) {
            (
                Value::Table(mine),
                Node {
                    value: Value::Table(theirs),
                    ..
                },
            ) => mine.merge(theirs),
            // a section header without keys says nothing, and takes nothing away
            (
                Value::Table(_),
                Node {
                    value: Value::Null, ..
                },
            ) => {}
            (_, value) => {
                self.origin = stronger.origin;
                self.value = value;
            }
        }
    }
}

/// Reads one document. A document without content is `None`.
///
/// `place` is where the text comes from; lines are filled in. What is wrong is added to `problems`, and
/// as much as possible is returned, so that one run reports everything.
pub(super) fn parse(text: &str, place: &Origin, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut builder = Builder {
        place,
        problems,
        open: Vec::new(),
        root: None,
        documents: 0,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let origin = place.at_line(error.marker().line());
                builder.problems.push(Problem::new(
                    origin,
                    format!("is no YAML: {}", error.info()),
                ));
                return None;
            }
        }
    }
    builder.root
}

/// A collection whose end has not come yet.
enum Open {
    List(Origin, Vec<Node>),
    Table(Origin, Table, Option<(String, Origin)>),
}

struct Builder<'a> {
    place: &'a Origin,
    problems: &'a mut Vec<Problem>,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) {
        let origin = self.place.at_line(span.start.line());
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents == 2 {
                    self.refuse(origin, "a second document, which would be ignored");
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_features(&origin, anchor, tag.is_some());
                let plain = style == ScalarStyle::Plain;
                let value = match &*text {
                    "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
                    _ => Value::Text {
                        text: text.into_owned(),
                        plain,
                    },
                };
                self.add(Node { origin, value });
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain_features(&origin, anchor, tag.is_some());
                self.open.push(Open::List(origin, Vec::new()));
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain_features(&origin, anchor, tag.is_some());
                self.open.push(Open::Table(origin, Table::default(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop() {
                    Some(Open::List(origin, items)) => Node {
                        origin,
                        value: Value::List(items),
                    },
                    Some(Open::Table(origin, table, _)) => Node {
                        origin,
                        value: Value::Table(table),
                    },
                    None => return,
                };
                self.add(node);
            }
            Event::Alias(_) => {
                self.refuse(
                    origin.clone(),
                    "an alias, which the configuration does not know",
                );
                self.add(Node {
                    origin,
                    value: Value::Null,
                });
            }
            // markers of the stream, comments, and what only comes when the parser is asked for it
            _ => {}
        }
    }

    fn plain_features(&mut self, origin: &Origin, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.refuse(
                origin.clone(),
                "an anchor, which the configuration does not know",
            );
        }
        if tagged {
            self.refuse(
                origin.clone(),
                "a tag, which the configuration does not know",
            );
        }
    }

    fn refuse(&mut self, origin: Origin, what: &str) {
        self.problems
            .push(Problem::new(origin, format!("here is {what}")));
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None if self.documents > 1 => {}
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Table(_, table, waiting)) => match waiting.take() {
                None => {
                    let key = if let Value::Text { text, .. } = node.value {
                        text
                    } else {
                        let message = format!("a key must be a word, not {}", node.describe());
                        let problem = Problem::new(node.origin.clone(), message);
                        self.problems.push(problem);
                        String::new()
                    };
                    *waiting = Some((key, node.origin));
                }
                // its key was no word, and that is reported
                Some((key, _)) if key.is_empty() => {}
                Some((key, origin)) => match table.get(&key) {
                    Some(first) => {
                        let message =
                            format!("`{key}` is written twice, first at {}", first.origin);
                        self.problems.push(Problem::new(origin, message));
                    }
                    None => table.0.push(Entry {
                        key,
                        origin,
                        value: node,
                    }),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests;
