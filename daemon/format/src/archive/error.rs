//! Why an archive was not unpacked.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use super::limits::LimitKind;
use crate::tree::BadPath;

/// Why an archive was not unpacked. What was written until then is the caller's to remove.
///
/// Names of entries are made safe for a terminal and a log before they are put in here.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is no archive that packs come in.
    #[error("this is no tar, tar.gz, tar.zst or zip archive, it looks like {looks_like}")]
    UnsupportedFormat {
        /// What it looks like: `an HTML page`, `a 7z archive`, …
        looks_like: Cow<'static, str>,
    },
    /// It breaks the rules of its format, or is cut off. The same bytes give the same answer.
    #[error("the archive is damaged{}: {reason}", at(entry.as_deref()))]
    Damaged {
        /// Near which entry, when one had begun.
        entry: Option<String>,
        /// Which rule.
        reason: Cow<'static, str>,
    },
    /// It is well-formed, and an entry is or does what none of a pack may.
    #[error("`{entry}` may not be in a pack: {reason}")]
    Unsafe {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        reason: Cow<'static, str>,
    },
    /// It is larger than allowed.
    #[error("the archive has more than {limit} {what}{}", at(entry.as_deref()))]
    Limit {
        /// Which limit.
        what: LimitKind,
        /// Its value.
        limit: u64,
        /// The entry that went beyond it, when it is one.
        entry: Option<String>,
    },
    /// The observer asked to stop.
    #[error("unpacking was cancelled")]
    Cancelled,
    /// The bytes of the archive could not be read.
    #[error("cannot read the archive")]
    Read {
        /// Why not.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn at(entry: Option<&str>) -> String {
    entry
        .map(|entry| format!(", at `{entry}`"))
        .unwrap_or_default()
}

impl ArchiveError {
    /// Whether it is about what the bytes are: other bytes would not give it.
    #[must_use]
    pub fn is_about_the_bytes(&self) -> bool {
        match self {
            Self::UnsupportedFormat { .. }
            | Self::Damaged { .. }
            | Self::Unsafe { .. }
            | Self::Limit { .. } => true,
            Self::Cancelled | Self::Read { .. } | Self::Write { .. } => false,
        }
    }

    /// Whether the file system or the quota is full: with more space, the same archive can be unpacked.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        match self {
            Self::Write { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            }
            Self::UnsupportedFormat { .. }
            | Self::Damaged { .. }
            | Self::Unsafe { .. }
            | Self::Limit { .. }
            | Self::Cancelled
            | Self::Read { .. } => false,
        }
    }

    /// What to try for whoever makes the pack, and has no settings to change: the limits are what hosts have unless
    /// they say otherwise.
    #[must_use]
    pub fn hint_for_makers(&self) -> Option<String> {
        match self {
            Self::Limit {
                what: LimitKind::PackBytes | LimitKind::FileBytes | LimitKind::Entries,
                ..
            } => Some(
                "hosts refuse such a pack unless they raise that limit; `.packignore` leaves out what need not be in it"
                    .to_owned(),
            ),
            Self::Unsafe { .. } => {
                Some("`packctl lint` names everything that no pack may have".to_owned())
            }
            error => error.hint(),
        }
    }

    /// What to try, where there is something to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnsupportedFormat { looks_like } if looks_like.contains("HTML") => {
                Some("the address probably leads to a page about the file, or to a sign-in, not to the file".to_owned())
            }
            Self::UnsupportedFormat { .. } => Some("packs come as .tar.gz, .tar.zst, .tar or .zip".to_owned()),
            Self::Limit { what, .. } => Some(what.hint().to_owned()),
            Self::Damaged { .. } => {
                Some("fetch it again; if it stays damaged, whoever made it has to pack it anew, for instance with `packctl build`".to_owned())
            }
            Self::Unsafe { .. } => {
                Some("whoever makes the pack has to change that; `packctl lint` names all that no pack may have".to_owned())
            }
            Self::Write { .. } if self.is_no_space() => Some("free some space and try again".to_owned()),
            Self::Read { .. } | Self::Write { .. } => {
                Some("check the file system that it lies on".to_owned())
            }
            Self::Cancelled => None,
        }
    }

    /// The archive as a whole breaks a rule.
    pub(super) fn damaged(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Damaged {
            entry: None,
            reason: reason.into(),
        }
    }

    /// An entry breaks a rule of the format.
    pub(super) fn damaged_at(
        entry: impl AsRef<[u8]>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Damaged {
            entry: Some(printable(entry.as_ref())),
            reason: reason.into(),
        }
    }

    /// An entry is what none may be.
    pub(super) fn refused(entry: impl AsRef<[u8]>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Unsafe {
            entry: printable(entry.as_ref()),
            reason: reason.into(),
        }
    }

    /// An entry's name breaks a rule.
    pub(super) fn bad_path(entry: impl AsRef<[u8]>, reason: BadPath) -> Self {
        Self::refused(entry, reason.to_string())
    }

    /// Says at which entry it happened, if that is not known yet.
    pub(super) fn at_entry(mut self, name: &str) -> Self {
        if let Self::Damaged {
            entry: entry @ None,
            ..
        }
        | Self::Limit {
            entry: entry @ None,
            ..
        } = &mut self
        {
            *entry = Some(printable(name.as_bytes()));
        }
        self
    }
    /// Says behind which entry it happened, if that is not known yet: what comes there has no name that can be read.
    pub(super) fn behind_entry(self, name: &str) -> Self {
        match self {
            Self::Damaged {
                entry: None,
                reason,
            } => {
                let name = printable(name.as_bytes());
                Self::damaged(format!("{reason}, behind `{name}`"))
            }
            error => error.at_entry(name),
        }
    }
}

/// A name from an archive as it may be shown: control characters and those that turn the direction of writing
/// escaped, cut to a sensible length.
pub(super) fn printable(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    // four bytes make one character at most, so this cuts nothing that would be shown
    let text = String::from_utf8_lossy(&name[..name.len().min(4 * LONGEST)]);
    let mut shown = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        if crate::tree::path::check_characters(c.encode_utf8(&mut [0; 4])).is_ok() {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    if text.chars().nth(LONGEST).is_some() || name.len() > 4 * LONGEST {
        shown.push('…');
    }
    shown
}
