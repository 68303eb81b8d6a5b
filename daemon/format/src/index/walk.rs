//! The text of an index in one pass: its members and its entries, each where it lies.
//!
//! Unlike [`read`](super::read), this hands every entry to a typed structure that borrows from the text, straight
//! from where it stands, so that nothing is scanned twice; and a large list is walked by all cores. For that
//! the text is cut where something looks like the beginning of an entry. Whether it is one is known when
//! the walk before arrives exactly there; until then nothing of it counts.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::thread;

use serde::de::{Deserialize, IgnoredAny};
use serde_json::value::RawValue;

use super::document::Form;
use super::lines::position;
use super::word::Str;
use super::{IndexError, MAX_ENTRIES};

mod scan;
#[cfg(test)]
mod tests;

use scan::Scan;

/// The least text that is worth a thread of its own, in bytes.
const PIECE: usize = 2 * 1024 * 1024;

/// How much of the first entry is looked for when the text is cut, in bytes.
const PATTERN: usize = 128;

/// A member of the top level, apart from `packs`.
#[derive(Debug, Clone)]
pub(super) struct Member<'a> {
    /// Its key.
    pub(super) key: Cow<'a, str>,
    /// Its value as it is written.
    pub(super) value: &'a str,
}

/// An entry and where it is.
#[derive(Debug)]
pub(super) struct At<'a> {
    /// What it goes by in an index that is a mapping.
    pub(super) key: Option<Cow<'a, str>>,
    /// Its text.
    pub(super) raw: &'a str,
    /// Where the text begins, in bytes from the beginning of the index.
    pub(super) start: usize,
    /// Its number in what this visitor sees, from 0.
    pub(super) number: usize,
}

/// Takes the entries of one piece of an index, in their order.
pub(super) trait Visit<'a>: Send {
    /// As what an entry is read.
    type Entry: Deserialize<'a>;

    /// Takes an entry; an error says why it is not of that form, though it is JSON.
    fn entry(&mut self, at: At<'a>, entry: Result<Self::Entry, serde_json::Error>);
}

/// A whole index, walked.
#[derive(Debug)]
pub(super) struct Walked<'a, V> {
    /// The text, without a byte order mark.
    pub(super) text: &'a str,
    /// The members of the top level, apart from `packs`, in their order.
    pub(super) members: Vec<Member<'a>>,
    /// How it lists its packs.
    pub(super) form: Form,
    /// The visitors, in the order of the text, each with the number of its first entry.
    pub(super) visitors: Vec<(usize, V)>,
}

/// Why an index as a whole was refused, and where that shows.
#[derive(Debug)]
pub(super) struct WalkError {
    /// In bytes from the beginning of the text.
    pub(super) offset: usize,
    /// Why.
    pub(super) error: IndexError,
}

impl WalkError {
    fn syntax(text: &str, offset: usize, why: impl Into<String>) -> Self {
        let (line, column) = position(text, offset);
        let why = why.into();
        Self {
            offset,
            error: IndexError::Syntax { line, column, why },
        }
    }

    fn shape(offset: usize, why: impl Into<String>) -> Self {
        let error = IndexError::Shape { why: why.into() };
        Self { offset, error }
    }
}

/// Walks an index, with as many visitors as there are pieces.
///
/// # Errors
/// [`WalkError`] when it is no index.
pub(super) fn walk<'a, V: Visit<'a>>(
    bytes: &'a [u8],
    visitor: impl Fn() -> V,
) -> Result<Walked<'a, V>, WalkError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    walk_in(bytes, PIECE, cores, visitor)
}

/// The same with pieces of at least `piece` bytes, and at most `most` of them.
pub(super) fn walk_in<'a, V: Visit<'a>>(
    bytes: &'a [u8],
    piece: usize,
    most: usize,
    visitor: impl Fn() -> V,
) -> Result<Walked<'a, V>, WalkError> {
    let text = std::str::from_utf8(bytes).map_err(|error| WalkError {
        offset: error.valid_up_to(),
        error: IndexError::Encoding,
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let scan = Scan { text };
    let mut members = Vec::new();
    let mut found = None;
    let start = scan.spaces(0);
    if scan.byte(start) != Some(b'{') {
        // not even JSON, or JSON that is no object
        scan.value::<IgnoredAny>(start)?;
        return Err(WalkError::shape(
            start,
            "it is no object with `packs` in it",
        ));
    }
    let mut at = scan.spaces(start + 1);
    while scan.byte(at) != Some(b'}') {
        let key_start = at;
        let (Str(key), end) = scan.value::<Str<'a>>(at)?;
        at = scan.expect(end, b':')?;
        if key != "packs" {
            let (value, end) = scan.value::<&'a RawValue>(at)?;
            let value = value.get();
            members.push(Member { key, value });
            at = scan.next(end, b'}')?;
            continue;
        }
        if found.is_some() {
            return Err(WalkError::shape(key_start, "`packs` appears twice"));
        }
        let form = match scan.byte(at) {
            Some(b'[') => Form::List,
            Some(b'{') => Form::Map,
            _ => {
                scan.value::<IgnoredAny>(at)?;
                let why = "`packs` is neither a list nor an object";
                return Err(WalkError::shape(at, why));
            }
        };
        let (visitors, end) = packs(scan, at, form, (piece, most), &visitor)?;
        found = Some((form, visitors));
        at = scan.next(end, b'}')?;
    }
    let end = scan.spaces(at + 1);
    if end < text.len() {
        return Err(WalkError::syntax(text, end, "trailing characters"));
    }
    let Some((form, visitors)) = found else {
        return Err(WalkError::shape(start, "it has no `packs`"));
    };
    Ok(Walked {
        text,
        members,
        form,
        visitors,
    })
}

/// How the walk through one piece ended.
enum End {
    /// At the end of `packs`: where the next character is.
    Closed(usize),
    /// At the beginning of the piece of this number.
    Reached(usize),
}

/// A piece that was walked: its visitor, how many entries it took, how it ended.
struct Piece<V> {
    visitor: V,
    count: usize,
    end: Result<End, WalkError>,
}

/// Walks the value of `packs`, which begins at `at`.
fn packs<'a, V: Visit<'a>>(
    scan: Scan<'a>,
    at: usize,
    form: Form,
    (piece, most): (usize, usize),
    visitor: &impl Fn() -> V,
) -> Result<(Vec<(usize, V)>, usize), WalkError> {
    let first = scan.spaces(at + 1);
    let starts = starts(scan.text, first, form, (piece, most));
    let walk = Walk {
        scan,
        form,
        starts: &starts,
    };
    let mut pieces: Vec<Option<Piece<V>>> = thread::scope(|scope| {
        let others: Vec<_> = (1..starts.len())
            .map(|number| {
                let visitor = visitor();
                scope.spawn(move || walk.piece(number, visitor))
            })
            .collect();
        let first = walk.piece(0, visitor());
        let others = others.into_iter().map(|handle| {
            let joined = handle.join();
            Some(joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        std::iter::once(Some(first)).chain(others).collect()
    });
    let (mut visitors, mut total, mut number) = (Vec::new(), 0, 0);
    loop {
        let piece = pieces
            .get_mut(number)
            .and_then(Option::take)
            .expect("a piece ends at one after it, and each is taken once");
        visitors.push((total, piece.visitor));
        total += piece.count;
        if total > MAX_ENTRIES {
            return Err(WalkError {
                offset: first,
                error: IndexError::TooMany,
            });
        }
        match piece.end? {
            End::Closed(end) => return Ok((visitors, end)),
            End::Reached(next) => number = next,
        }
    }
}

/// Where pieces may begin: at the first entry, and at what looks like the beginning of others.
fn starts(text: &str, first: usize, form: Form, (piece, most): (usize, usize)) -> Vec<usize> {
    let mut starts = vec![first];
    let rest = text.len() - first;
    let count = most.min(rest / piece.max(1));
    // what the first entry begins with, as far as its first key
    let head = &text.as_bytes()[first..];
    let head = &head[..head.len().min(PATTERN)];
    let pattern = head
        .iter()
        .position(|byte| *byte == b':')
        .and_then(|colon| text.get(first..=first + colon));
    if let (Form::List, Some(pattern)) = (form, pattern) {
        for number in 1..count {
            let mut target = first + rest / count * number;
            while !text.is_char_boundary(target) {
                target += 1;
            }
            let last = starts.last().copied().unwrap_or(first);
            match text[target..].find(pattern) {
                Some(found) if target + found > last => starts.push(target + found),
                Some(_) | None => {}
            }
        }
    }
    starts
}

/// The pieces of a text, as they are walked.
#[derive(Clone, Copy)]
struct Walk<'w, 'a> {
    scan: Scan<'a>,
    form: Form,
    /// Where they begin.
    starts: &'w [usize],
}

impl<'a> Walk<'_, 'a> {
    /// Walks from the start of one piece until `packs` ends or another piece begins.
    fn piece<V: Visit<'a>>(self, number: usize, mut visitor: V) -> Piece<V> {
        let mut count = 0;
        let end = self.entries(number, &mut visitor, &mut count);
        Piece {
            visitor,
            count,
            end,
        }
    }

    fn entries<V: Visit<'a>>(
        self,
        number: usize,
        visitor: &mut V,
        count: &mut usize,
    ) -> Result<End, WalkError> {
        let Self { scan, form, starts } = self;
        let close = match form {
            Form::List => b']',
            Form::Map => b'}',
        };
        let (mut at, mut next) = (starts[number], number + 1);
        loop {
            if scan.byte(at) == Some(close) {
                return Ok(End::Closed(at + 1));
            }
            while starts.get(next).is_some_and(|start| *start < at) {
                next += 1;
            }
            if starts.get(next) == Some(&at) {
                return Ok(End::Reached(next));
            }
            let mut key = None;
            if form == Form::Map {
                let (Str(text), end) = scan.value::<Str<'a>>(at)?;
                key = Some(text);
                at = scan.expect(end, b':')?;
            }
            let (entry, end) = match scan.read::<V::Entry>(at) {
                Ok((entry, end)) => (Ok(entry), end),
                // of another form, unless it is no JSON at all
                Err(error) => (Err(error), scan.value::<IgnoredAny>(at)?.1),
            };
            let place = At {
                key,
                raw: &scan.text[at..end],
                start: at,
                number: *count,
            };
            visitor.entry(place, entry);
            *count += 1;
            if *count > MAX_ENTRIES {
                return Err(WalkError {
                    offset: at,
                    error: IndexError::TooMany,
                });
            }
            at = scan.next(end, close)?;
        }
    }
}
