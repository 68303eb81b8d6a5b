//! A section: keys, each with meaning, type and default written down once.
//!
//! The [`section!`] macro makes of that list the struct, its defaults, the reading with all problems at
//! once, the listing of the effective values, the comparison for a reload, and the documentation. So a
//! key cannot exist in one of these and lack in another.

use std::collections::BTreeMap;

use super::Origin;
use super::node::{Node, Table, Value};
use super::problem::Problem;
use super::setting::{Setting, Shown, Wrong};
use super::unknown;

/// One key of a section.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The doc comment of the field, line by line; for the documentation, which the tests compare.
    #[cfg(test)]
    pub(super) meaning: &'static [&'static str],
    /// Absent when the key must be written; for the documentation.
    #[cfg(test)]
    pub(super) default: fn() -> Option<Shown>,
}

/// A struct made by [`section!`].
pub(super) trait Section: Sized {
    const KEYS: &'static [Key];

    /// The doc comment of the section, line by line; for the documentation.
    #[cfg(test)]
    const ABOUT: &'static [&'static str];

    /// Reads every key; `None` when one is wrong, which the reader has noted.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;

    /// The values, in the order of the keys.
    fn show(&self) -> Vec<Shown>;

    /// Keys whose values differ.
    fn changed(&self, other: &Self) -> Vec<&'static str>;
}

/// What reading finds beside the values.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) problems: Vec<Problem>,
}

/// Reads the keys of one section.
pub(super) struct Reader<'a> {
    path: String,
    table: Option<(&'a Origin, &'a Table)>,
    findings: &'a mut Findings,
}

/// What a value must keep to beyond its type; the error completes "`key` …".
pub(super) type Check<T> = fn(&T) -> Result<(), String>;

impl<'a> Reader<'a> {
    /// A reader of the section at `path`, which may be missing or empty.
    pub(super) fn new(path: &str, node: Option<&'a Node>, findings: &'a mut Findings) -> Self {
        let table = node.and_then(|node| match &node.value {
            Value::Table(table) => Some((&node.origin, table)),
            Value::Null => None,
            _ => {
                let message = format!(
                    "`{path}` must have keys with values, not {}",
                    node.describe()
                );
                findings
                    .problems
                    .push(Problem::new(node.origin.clone(), message));
                None
            }
        });
        Self {
            path: path.to_owned(),
            table,
            findings,
        }
    }

    /// Notes that something is wrong with a key; the place is the key's, or else the section's.
    pub(super) fn problem(&mut self, name: &str, message: &str) {
        let path = self.path_of(name);
        let origin = match self.table {
            Some((origin, table)) => table
                .get(name)
                .map_or(origin, |entry| &entry.value.origin)
                .clone(),
            None => Origin::Default,
        };
        self.findings
            .problems
            .push(Problem::new(origin, format!("`{path}` {message}")));
    }

    /// The text of a key as it is written, for checks between keys.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let (_, table) = self.table?;
        match &table.get(name)?.value.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    /// Reads one key.
    pub(super) fn field<T: Setting>(
        &mut self,
        name: &str,
        default: Option<T>,
        check: Option<Check<T>>,
    ) -> Option<T> {
        let path = self.path_of(name);
        let Some(entry) = self.table.and_then(|(_, table)| table.get(name)) else {
            if default.is_none() {
                self.problem(name, "is missing");
            }
            self.findings.origins.insert(path, Origin::Default);
            return default;
        };
        let node = &entry.value;
        if let Value::Table(table) = &node.value {
            for below in &table.0 {
                let path = format!("{path}.{}", below.key);
                self.findings
                    .origins
                    .insert(path, below.value.origin.clone());
            }
        }
        self.findings
            .origins
            .insert(path.clone(), node.origin.clone());
        let read = T::read(node).and_then(|value| match check.map(|check| check(&value)) {
            Some(Err(message)) => Err(Wrong::at(node, message)),
            Some(Ok(())) | None => Ok(value),
        });
        match read {
            Ok(value) => Some(value),
            Err(wrongs) => {
                self.findings
                    .problems
                    .extend(wrongs.into_iter().map(|wrong| {
                        Problem::new(
                            wrong.origin,
                            format!("`{path}{}` {}", wrong.below, wrong.message),
                        )
                    }));
                None
            }
        }
    }

    /// Notes every key that is none of the section's.
    pub(super) fn finish(&mut self, known: &[Key]) {
        for entry in self.table.iter().flat_map(|(_, table)| &table.0) {
            if known.iter().all(|key| key.name != entry.key) {
                let names: Vec<_> = known.iter().map(|key| key.name).collect();
                let message = unknown::message(&self.path, &entry.key, &names);
                self.findings
                    .problems
                    .push(Problem::new(entry.origin.clone(), message));
            }
        }
    }
}

/// A check that a number, span or amount lies within bounds, both of them allowed.
macro_rules! within {
    ($low:expr, $high:expr) => {
        |value| {
            if ($low..=$high).contains(value) {
                Ok(())
            } else {
                let written = |value: &_| match $crate::config::setting::Setting::show(value) {
                    $crate::config::setting::Shown::Plain(text) => text,
                    other => format!("{other:?}"),
                };
                let (low, high, value) = (written(&$low), written(&$high), written(value));
                Err(format!("must be from {low} to {high}, not {value}"))
            }
        }
    };
}

/// Makes a section of a list of keys. `struct` has a default for each key, `keyed struct` may have keys
/// without one, which must then be written.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident : $type:ty = $default:expr $(, check $check:expr)? ; )+
        }
    ) => {
        $crate::config::section::section! {
            $(#[doc = $about])+
            keyed struct $name {
                $( $(#[doc = $doc])+ $field : $type = $default $(, check $check)? ; )+
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }
    };
    (
        $(#[doc = $about:literal])+
        keyed struct $name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident : $type:ty $(= $default:expr)? $(, check $check:expr)? ; )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl $crate::config::section::Section for $name {
            const KEYS: &'static [$crate::config::section::Key] = &[
                $( $crate::config::section::Key {
                    name: stringify!($field),
                    #[cfg(test)]
                    meaning: &[$($doc),+],
                    #[cfg(test)]
                    default: || {
                        let default: Option<$type> = $crate::config::section::optional!($($default)?);
                        default.as_ref().map($crate::config::setting::Setting::show)
                    },
                }, )+
            ];

            #[cfg(test)]
            const ABOUT: &'static [&'static str] = &[$($about),+];

            fn read(reader: &mut $crate::config::section::Reader<'_>) -> Option<Self> {
                $( let $field: Option<$type> = reader.field(
                    stringify!($field),
                    $crate::config::section::optional!($($default)?),
                    $crate::config::section::optional!($($check)?),
                ); )+
                reader.finish(Self::KEYS);
                Some(Self { $( $field: $field?, )+ })
            }

            fn show(&self) -> Vec<$crate::config::setting::Shown> {
                vec![ $( $crate::config::setting::Setting::show(&self.$field), )+ ]
            }

            fn changed(&self, other: &Self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $( if self.$field != other.$field { keys.push(stringify!($field)); } )+
                keys
            }
        }
    };
}

/// `Some` of what is there.
macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

pub(super) use {optional, section, within};
