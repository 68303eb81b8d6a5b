//! Places in an index: said while it is read, and looked for only where something is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::super::lines::{Lines, offset_in};
use super::super::walk::At;
use super::Position;
use crate::name::shown;

/// A way into a value: the steps to take, the last one first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trail<'t> {
    /// The entry itself.
    Entry,
    /// The value of a key.
    Key(&'t Trail<'t>, &'static str),
    /// An element.
    Item(&'t Trail<'t>, usize),
}

impl<'t> Trail<'t> {
    pub(super) fn key(&'t self, key: &'static str) -> Self {
        Self::Key(self, key)
    }

    pub(super) fn item(&'t self, number: usize) -> Self {
        Self::Item(self, number)
    }

    fn steps(&self) -> Vec<Step> {
        let (mut steps, mut at) = (Vec::new(), self);
        loop {
            at = match at {
                Self::Entry => break,
                Self::Key(before, key) => {
                    steps.push(Step::Key(key));
                    before
                }
                Self::Item(before, number) => {
                    steps.push(Step::Item(*number));
                    before
                }
            };
        }
        steps.reverse();
        steps
    }
}

/// One step into a value.
#[derive(Debug, Clone, Copy)]
enum Step {
    Key(&'static str),
    Item(usize),
}

/// Where the steps begin.
#[derive(Debug, Clone)]
enum Base {
    /// At a member of the top level.
    Top(&'static str),
    /// At an entry of a list.
    Number(usize),
    /// At an entry of a mapping.
    Key(String),
}

/// A place in an index.
#[derive(Debug, Clone)]
pub(super) struct Spot<'a> {
    base: Base,
    steps: Vec<Step>,
    /// The text that the steps lead into.
    raw: &'a str,
    /// Where it begins in the index.
    start: usize,
}

impl<'a> Spot<'a> {
    /// A member of the top level, whose text begins at `start`.
    pub(super) fn top(key: &'static str, raw: &'a str, start: usize) -> Self {
        Self {
            base: Base::Top(key),
            steps: Vec::new(),
            raw,
            start,
        }
    }

    /// A value in an entry.
    pub(super) fn within(at: &At<'a>, trail: &Trail<'_>) -> Self {
        Self {
            base: match &at.key {
                Some(key) => Base::Key(key.to_string()),
                None => Base::Number(at.number),
            },
            steps: trail.steps(),
            raw: at.raw,
            start: at.start,
        }
    }

    /// The value of a key in it.
    pub(super) fn key(mut self, key: &'static str) -> Self {
        self.steps.push(Step::Key(key));
        self
    }

    /// Counts from the beginning of the index, and not of its piece.
    pub(super) fn renumber(&mut self, first: usize) {
        if let Base::Number(number) = &mut self.base {
            *number += first;
        }
    }

    /// Where the text begins that it is in: findings are sorted by that.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The way to it from the top.
    pub(super) fn path(&self) -> String {
        let mut path = match &self.base {
            Base::Top(key) => (*key).to_owned(),
            Base::Number(number) => format!("packs[{number}]"),
            Base::Key(key) => format!("packs.{}", shown(key)),
        };
        for step in &self.steps {
            let written = match step {
                Step::Key(key) => write!(path, ".{key}"),
                Step::Item(number) => write!(path, "[{number}]"),
            };
            debug_assert!(written.is_ok(), "a String takes every write");
        }
        path
    }

    /// The place itself; `lines` must not be beyond the text that it is in.
    pub(super) fn position(&self, lines: &mut Lines<'_>) -> Position {
        let (mut line, mut column) = lines.place(self.start);
        let inside = &self.raw[..offset_in(self.raw, locate(self.raw, &self.steps))];
        match inside.rsplit_once('\n') {
            Some((_, last)) => {
                line += inside.bytes().filter(|byte| *byte == b'\n').count();
                column = last.chars().count() + 1;
            }
            None => column += inside.chars().count(),
        }
        Position {
            line,
            column,
            path: self.path(),
        }
    }
}

/// The value that steps lead to, or where they cannot go on.
fn locate<'a>(mut raw: &'a str, steps: &[Step]) -> &'a str {
    for step in steps {
        let next: Option<&'a RawValue> = match step {
            Step::Key(key) => {
                let members: BTreeMap<String, &'a RawValue> =
                    serde_json::from_str(raw).unwrap_or_default();
                members.get(*key).copied()
            }
            Step::Item(number) => {
                let items: Vec<&'a RawValue> = serde_json::from_str(raw).unwrap_or_default();
                items.get(*number).copied()
            }
        };
        match next {
            Some(value) => raw = value.get(),
            None => break,
        }
    }
    raw
}
