//! Where the values of a JSON text begin and end, found one after the other.
//!
//! Brackets, colons and commas are looked at here; values are read by the JSON library from where they stand, so
//! that nothing is scanned twice.

use serde::de::Deserialize;

use super::super::lines::{offset_of, past_space};
use super::super::reader::without_place;
use super::WalkError;

/// A text that is read from place to place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) text: &'a str,
}

impl<'a> Scan<'a> {
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// The first place from `at` that is no white space.
    pub(super) fn spaces(self, at: usize) -> usize {
        past_space(self.text, at)
    }

    /// Goes over one character that must be there, and the white space around it.
    pub(super) fn expect(self, at: usize, wanted: u8) -> Result<usize, WalkError> {
        let at = self.spaces(at);
        if self.byte(at) == Some(wanted) {
            Ok(self.spaces(at + 1))
        } else {
            let why = format!("expected `{}`", char::from(wanted));
            Err(WalkError::syntax(self.text, at, why))
        }
    }

    /// Goes on to the next element: over a comma, or to the `close` that ends them.
    pub(super) fn next(self, at: usize, close: u8) -> Result<usize, WalkError> {
        let at = self.spaces(at);
        match self.byte(at) {
            Some(byte) if byte == close => Ok(at),
            Some(b',') => {
                let next = self.spaces(at + 1);
                if self.byte(next) == Some(close) {
                    return Err(WalkError::syntax(self.text, next, "trailing comma"));
                }
                Ok(next)
            }
            _ => {
                let why = format!("expected `,` or `{}`", char::from(close));
                Err(WalkError::syntax(self.text, at, why))
            }
        }
    }

    /// Reads a value, and where it ends.
    pub(super) fn read<T: Deserialize<'a>>(
        self,
        at: usize,
    ) -> Result<(T, usize), serde_json::Error> {
        let rest = self.text.get(at..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<T>();
        match stream.next() {
            Some(value) => Ok((value?, at + stream.byte_offset())),
            None => Err(serde::de::Error::custom("the text ends here")),
        }
    }

    /// Reads a value of which only that it is JSON can be wrong.
    pub(super) fn value<T: Deserialize<'a>>(self, at: usize) -> Result<(T, usize), WalkError> {
        self.read(at).map_err(|error| {
            let rest = self.text.get(at..).unwrap_or_default();
            let offset = at + offset_of(&error, rest);
            WalkError::syntax(self.text, offset, without_place(&error))
        })
    }
}
