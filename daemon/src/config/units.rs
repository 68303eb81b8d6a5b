//! Spans of time and amounts of bytes as an operator writes them: `30s`, `512MiB`.
//!
//! Strict, because a unit that was guessed is worse than a message: a whole number, directly followed
//! by one of the units. `0` needs no unit.

use std::fmt;
use std::time::Duration;

/// An amount of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const KIB: u64 = 1024;

/// Units of bytes, smallest first.
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KiB", KIB),
    ("MiB", KIB * KIB),
    ("GiB", KIB * KIB * KIB),
    ("TiB", KIB * KIB * KIB * KIB),
];

/// Units of time in milliseconds, smallest first.
const SPANS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many times 1,024 times 1,024 bytes.
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count * KIB * KIB)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Reads `512MiB`.
    ///
    /// # Errors
    /// What is wrong with the text, completing "must be …, ".
    pub fn parse(text: &str) -> Result<Self, UnitError> {
        quantity(text, SIZES).map(Self)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(self.0, SIZES))
    }
}

/// Reads `30s`, `5m`, `1h`, `14d`, `250ms`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    quantity(text, SPANS).map(Duration::from_millis)
}

/// Writes a duration so that [`parse_duration`] reads it back. Parts of a millisecond are lost; no
/// configuration can hold them.
pub(super) fn write_duration(duration: Duration) -> String {
    written(
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        SPANS,
    )
}

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// It does not begin with a digit, or has a sign, point or space.
    #[error("is no whole number with a unit")]
    NoNumber,
    /// The number stands alone.
    #[error("has no unit; one of {units}")]
    NoUnit {
        /// The units there are.
        units: String,
    },
    /// The unit is none of ours.
    #[error("has the unknown unit `{unit}`; one of {units}")]
    UnknownUnit {
        /// What was written.
        unit: String,
        /// The units there are.
        units: String,
    },
    /// It does not fit into 64 bits.
    #[error("is too large")]
    TooLarge,
}

fn quantity(text: &str, units: &[(&str, u64)]) -> Result<u64, UnitError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(UnitError::NoNumber);
    }
    let number: u64 = number.parse().map_err(|_| UnitError::TooLarge)?;
    if unit.is_empty() && number == 0 {
        return Ok(0);
    }
    let known = || {
        units
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(" ")
    };
    if unit.is_empty() {
        return Err(UnitError::NoUnit { units: known() });
    }
    if unit.contains(|c: char| !c.is_ascii_alphabetic()) {
        return Err(UnitError::NoNumber);
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(UnitError::UnknownUnit {
            unit: unit.to_owned(),
            units: known(),
        });
    };
    number.checked_mul(*factor).ok_or(UnitError::TooLarge)
}

/// The amount in the largest unit that holds it without remainder.
fn written(amount: u64, units: &[(&str, u64)]) -> String {
    let exact = units
        .iter()
        .rev()
        .find(|(_, factor)| amount.is_multiple_of(*factor));
    match exact {
        Some((name, factor)) if amount > 0 => format!("{}{name}", amount / factor),
        _ => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_with_their_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("1B", 1),
            ("4KiB", 4096),
            ("512MiB", 1 << 29),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize::new(bytes)), "`{text}`");
        }
        for (text, millis) in [
            ("0", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("5m", 300_000),
            ("14d", 1_209_600_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_millis(millis)),
                "`{text}`"
            );
        }
    }

    #[test]
    fn what_is_unclear_is_refused() {
        for text in [
            "", "-1s", "+1s", "1.5h", "s", " 1s", "1 s", "1s ", "1h30m", "0x1s", "¹s",
        ] {
            assert_eq!(parse_duration(text), Err(UnitError::NoNumber), "`{text}`");
        }
        for text in ["1S", "1sec", "1M", "1w", "1MiB"] {
            assert!(
                matches!(parse_duration(text), Err(UnitError::UnknownUnit { .. })),
                "`{text}` has no unit of time"
            );
        }
        for text in ["1k", "1MB", "1mib", "1s"] {
            assert!(
                matches!(ByteSize::parse(text), Err(UnitError::UnknownUnit { .. })),
                "`{text}` has no unit of bytes"
            );
        }
        assert!(
            matches!(parse_duration("30"), Err(UnitError::NoUnit { .. })),
            "a unit is needed"
        );
        assert_eq!(
            parse_duration("99999999999999999999s"),
            Err(UnitError::TooLarge)
        );
        assert_eq!(
            ByteSize::parse("18446744073709551615KiB"),
            Err(UnitError::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(amount: u64) {
            let size = ByteSize::new(amount);
            prop_assert_eq!(ByteSize::parse(&size.to_string()), Ok(size));
            let span = Duration::from_millis(amount);
            prop_assert_eq!(parse_duration(&write_duration(span)), Ok(span));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            // only that it comes back matters here; the tables above say with what
            drop((parse_duration(&text), ByteSize::parse(&text)));
        }
    }
}
