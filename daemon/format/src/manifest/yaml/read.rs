//! Reading: the bounds, the two dialects, and what the library says of a text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{
    DuplicateKeyPolicy, MergeKeyPolicy, MessageFormatter, Options, Spanned, UserMessageFormatter,
};

use super::{Key, Node, Position, Value, YamlError};

/// How deep lists and mappings may lie in each other: the reader recurses, and a thread has a stack of 2 MiB
/// (a level takes up to 40 KiB of it in a debug build).
const MAX_DEPTH: usize = 32;

/// How much of YAML a file may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// No key twice, no merge keys: what a file says is there to be read.
    Strict,
    /// As most readers have it: the last of several equal keys counts, merge keys are followed.
    Usual,
}

/// The bounds: what a manifest of [`crate::manifest::MAX_BYTES`] without aliases can need, and little more.
fn options(dialect: Dialect) -> Options {
    let (duplicate_keys, merge_keys) = match dialect {
        Dialect::Strict => (DuplicateKeyPolicy::Error, MergeKeyPolicy::Error),
        Dialect::Usual => (DuplicateKeyPolicy::LastWins, MergeKeyPolicy::Merge),
    };
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 1,
            max_nodes: 100_000,
            max_events: 250_000,
            max_anchors: 256,
            max_aliases: 1_024,
            max_recorded_anchor_events: 50_000,
            max_recorded_anchor_bytes: 1024 * 1024,
            max_total_scalar_bytes: 1024 * 1024,
            max_total_comment_bytes: 1024 * 1024,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 1_024,
        },
        emit_comments: false,
        duplicate_keys: duplicate_keys,
        merge_keys: merge_keys,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        with_snippet: false,
    }
}

/// Reads one document.
///
/// A byte order mark, CRLF and a leading `---` are fine; duplicate keys, merge keys and further documents
/// are not.
///
/// # Errors
/// [`YamlError`], quickly, whatever the bytes are.
pub fn parse(bytes: &[u8], limit: usize) -> Result<Node, YamlError> {
    read(bytes, limit, Dialect::Strict)
}

/// Reads one document as most readers do: of several equal keys the last counts, and merge keys are
/// followed. For files that are not packd's to judge; the bounds are those of [`parse`].
///
/// # Errors
/// As [`parse`].
pub fn parse_usual(bytes: &[u8], limit: usize) -> Result<Node, YamlError> {
    read(bytes, limit, Dialect::Usual)
}

fn read(bytes: &[u8], limit: usize, dialect: Dialect) -> Result<Node, YamlError> {
    if bytes.len() > limit {
        return Err(YamlError::TooLarge {
            at: place_of(bytes, limit),
            limit,
        });
    }
    let text = std::str::from_utf8(bytes).map_err(|error| YamlError::Encoding {
        at: place_of(bytes, error.valid_up_to()),
        guess: guess(bytes),
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((at, code)) = control(text) {
        let guess = guess(bytes);
        return Err(if guess.is_empty() {
            YamlError::Control { at, code }
        } else {
            YamlError::Encoding { at, guess }
        });
    }
    if text
        .lines()
        .all(|line| matches!(line.trim(), "" | "---" | "...") || line.trim_start().starts_with('#'))
    {
        return Ok(Node {
            value: Value::Null,
            at: Position { line: 1, column: 1 },
        });
    }
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options(dialect)) {
        Ok(raw) => Ok(finish(raw, text)),
        Err(error) => Err(YamlError::Syntax {
            at: position(&error),
            why: why(&error),
        }),
    }
}

/// What bytes that are no UTF-8 look like.
fn guess(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..] => ", but looks like UTF-16",
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => ", but looks like an archive",
        _ => "",
    }
}

/// The first control character other than tab and line ends.
fn control(text: &str) -> Option<(Position, u32)> {
    let bad = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let offset = text.find(bad)?;
    let code = text[offset..].chars().next().map_or(0, u32::from);
    Some((place_of(text.as_bytes(), offset), code))
}

/// Where the byte at an offset is. What may not be UTF-8 comes after it.
fn place_of(bytes: &[u8], offset: usize) -> Position {
    let before = &bytes[..offset];
    let before = before.strip_prefix(b"\xef\xbb\xbf").unwrap_or(before);
    let lines = before.split(|byte| *byte == b'\n');
    let (count, line) = lines.fold((0, before), |(count, _), line| (count + 1, line));
    // a character has one byte that does not continue another
    let characters = line.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    Position {
        line: count,
        column: characters as u64 + 1,
    }
}

fn position(error: &serde_saphyr::Error) -> Option<Position> {
    error.location().and_then(|location| {
        let at = Position {
            line: location.line(),
            column: location.column(),
        };
        (at.line > 0).then_some(at)
    })
}

/// What went wrong, without the place.
fn why(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    use serde_saphyr::budget::BudgetBreach;
    match error.without_snippet() {
        Error::MultipleDocuments { .. }
        | Error::Budget {
            breach: BudgetBreach::Documents { .. },
            ..
        } => "a second document begins; a pack has one".to_owned(),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("key `{}` appears twice", crate::name::shown(key))
        }
        Error::MergeKeyNotAllowed { .. } => "merge keys (`<<`) are not allowed".to_owned(),
        Error::Budget { breach, .. } => {
            format!("it is more complex than a manifest may be ({breach:?})")
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "its aliases expand to too much".to_owned()
        }
        Error::AliasError { error, .. } => why(error),
        other => crate::name::shown(&UserMessageFormatter.format_message(other)),
    }
}

/// A node as it is read; unquoted numbers and truth values are known only by place until the end.
enum Raw {
    Null,
    Text(String),
    Plain,
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Raw>)> = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            if key.value.len() > 1024 {
                return Err(A::Error::custom("a key is longer than 1024 bytes"));
            }
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}

/// The tree with the texts of plain scalars, which are cut from the source.
fn finish(raw: Spanned<Raw>, source: &str) -> Node {
    let at = Position {
        line: raw.referenced.line(),
        column: raw.referenced.column(),
    };
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Text(text),
        Raw::Plain => {
            let span = raw.defined.span();
            let start = span
                .byte_offset()
                .and_then(|offset| usize::try_from(offset).ok());
            let length = span
                .byte_len()
                .and_then(|length| usize::try_from(length).ok());
            let text = start
                .zip(length)
                .and_then(|(start, length)| source.get(start..start.checked_add(length)?));
            Value::Plain(text.unwrap_or_default().trim().to_owned())
        }
        Raw::List(items) => {
            Value::List(items.into_iter().map(|item| finish(item, source)).collect())
        }
        Raw::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let at = Position {
                        line: key.referenced.line(),
                        column: key.referenced.column(),
                    };
                    (
                        Key {
                            text: key.value,
                            at,
                        },
                        finish(value, source),
                    )
                })
                .collect(),
        ),
    };
    Node { value, at }
}
