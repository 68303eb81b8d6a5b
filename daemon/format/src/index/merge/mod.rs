//! Several indexes as one: the newest of each pack on top, all its versions below it.
//!
//! The rules are `docs/index-format.md#6-merging`. Of an entry only its ref, its version and where its parts lie
//! are held; its text stays where it was read, and goes from there into the output, byte for byte, unless
//! something in it has to change. The output is Attune's form, whatever the inputs have.

use std::cmp::Ordering;
use std::fmt;
use std::io::{self, Write};

use semver::Version;

use super::document::Form;
use super::lines::Lines;
use super::walk::{self, Member, Walked};
use super::{IndexError, Place};
use crate::name::PackRef;

mod change;
mod compose;
mod convert;
mod counted;
mod indentation;
mod join;
mod marks;
mod offer;
mod plan;
mod record;
#[cfg(test)]
mod tests;
mod write;

use plan::Plan;
use record::{Loader, Record};

/// How many notices are kept in words.
const MAX_NOTICES: usize = 1000;

/// How many conflicts are kept.
const MAX_CONFLICTS: usize = 20;

/// One index to merge.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What errors call it: its path.
    pub name: &'a str,
    /// Its text.
    pub bytes: &'a [u8],
}

/// Which input is right, where two give one version of a pack different checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// The earlier one.
    First,
    /// The later one.
    Last,
}

/// What is decided by whoever merges.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Without it, different checksums are an error.
    pub prefer: Option<Prefer>,
    /// `registry_name` of the output, instead of that of the inputs.
    pub name: Option<&'a str>,
    /// `registry_url` of the output, instead of that of the inputs.
    pub url: Option<&'a str>,
    /// `last_updated` of the output, instead of the newest of the inputs.
    pub updated: Option<&'a str>,
}

/// Why indexes were not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// An input is no index.
    #[error("cannot read `{name}`")]
    Input {
        /// The input.
        name: String,
        /// Why not.
        source: IndexError,
    },
    /// Inputs disagree about what a version is.
    #[error("{}{}", conflicts[0], others(conflicts.len() + more - 1))]
    Conflict {
        /// Where, at least one.
        conflicts: Vec<Conflict>,
        /// How many there are beyond those.
        more: usize,
    },
}

fn others(count: usize) -> String {
    if count == 0 {
        String::new()
    } else {
        format!(" (and {count} more such versions)")
    }
}

impl MergeError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Input { .. } => None,
            Self::Conflict { .. } => Some(
                "a published version never changes: find out which is right, or let --prefer first \
                 or --prefer last decide"
                    .to_owned(),
            ),
        }
    }
}

/// One version of a pack with two checksums, or two of whatever else says what its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The pack.
    pub pack_ref: PackRef,
    /// Its version.
    pub version: Version,
    /// What there are two of: `checksums`, `commits` or `tree digests`.
    pub what: &'static str,
    /// The name of the earlier input, and what it gives.
    pub first: (String, String),
    /// The name of the later input, and what it gives.
    pub second: (String, String),
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pack_ref,
            version,
            what,
            ..
        } = self;
        let ((first, one), (second, other)) = (&self.first, &self.second);
        write!(
            f,
            "version {version} of `{pack_ref}` has different {what}: {one} in `{first}`, {other} in \
             `{second}`"
        )
    }
}

/// Something odd about an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The number of the input, from 0.
    pub input: usize,
    /// Where the entry is.
    pub place: Place,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The ref of the entry as far as it could be read, printable.
    pub shown: Option<String>,
    /// What is odd.
    pub why: String,
    /// Whether the whole entry was left out for it.
    pub left_out: bool,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let (Place::Number(_), Some(shown)) = (&self.place, &self.shown) {
            write!(f, " `{shown}`")?;
        }
        write!(f, ", line {}: {}", self.line, self.why)
    }
}

/// What was made of one more entry of a pack that was known already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'m> {
    /// The number of the input it came from, from 0.
    pub input: usize,
    /// The pack.
    pub pack_ref: &'m PackRef,
    /// The version known before.
    pub known: &'m Version,
    /// The version of this entry.
    pub other: &'m Version,
    /// Whether the entry counts though it has the same version: the later one is preferred.
    pub is_preferred: bool,
}

impl Decision<'_> {
    /// How the new version compares to the known one: only a greater one replaces it.
    #[must_use]
    pub fn order(&self) -> Ordering {
        self.other.cmp(self.known)
    }
}

/// Indexes that were merged, ready to be written.
#[derive(Debug)]
pub struct Merged<'a> {
    /// All entries, in the order of the inputs.
    records: Vec<Record<'a>>,
    /// The numbers of `records`, sorted by ref and then by precedence.
    order: Vec<u32>,
    /// One for each ref.
    plans: Vec<Plan>,
    /// The members before `packs`: keys and values as they are written.
    members: Vec<(String, String)>,
    prefer: Option<Prefer>,
    notices: Vec<Notice>,
    unsaid: usize,
    left_out: usize,
    lost: usize,
    unchecked: usize,
    names_itself: bool,
}

/// Merges indexes; earlier ones come first where that matters.
///
/// # Errors
/// [`MergeError`]: nothing was merged.
pub fn merge<'a>(inputs: &[Input<'a>], options: Options<'_>) -> Result<Merged<'a>, MergeError> {
    let mut merged = Merged {
        records: Vec::new(),
        order: Vec::new(),
        plans: Vec::new(),
        members: Vec::new(),
        prefer: options.prefer,
        notices: Vec::new(),
        unsaid: 0,
        left_out: 0,
        lost: 0,
        unchecked: 0,
        names_itself: true,
    };
    let mut heads = Vec::new();
    for (number, input) in inputs.iter().enumerate() {
        let walked = walk::walk(input.bytes, Loader::default).map_err(|refused| {
            let (name, source) = (input.name.to_owned(), refused.error);
            MergeError::Input { name, source }
        })?;
        heads.push(merged.load(number, walked));
    }
    merged.header(&heads, options);
    merged.sort();
    let conflicts = merged.plan(inputs, &heads);
    if conflicts.is_empty() {
        return Ok(merged);
    }
    let more = conflicts.len().saturating_sub(MAX_CONFLICTS);
    let conflicts = conflicts.into_iter().take(MAX_CONFLICTS).collect();
    Err(MergeError::Conflict { conflicts, more })
}

/// What an input has beside its packs.
struct Head<'a> {
    /// Its text, without a byte order mark.
    text: &'a str,
    form: Form,
    members: Vec<Member<'a>>,
}

impl<'a> Merged<'a> {
    /// How many entries could be used.
    #[must_use]
    pub fn total(&self) -> usize {
        self.records.len()
    }

    /// How many packs there are.
    #[must_use]
    pub fn unique(&self) -> usize {
        self.plans.len()
    }

    /// How many entries had the ref of another one.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.total() - self.unique()
    }

    /// How many entries could not be used.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// How many versions below the top level of an entry could not be used, or have no room.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// How many entries have a source without a checksum on their top level: Attune's own client reads nothing of
    /// an index with such an entry.
    #[must_use]
    pub fn unchecked(&self) -> usize {
        self.unchecked
    }

    /// What is odd about entries, in the order of the inputs.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// How many notices there are beyond those that were kept.
    #[must_use]
    pub fn unsaid(&self) -> usize {
        self.unsaid
    }

    /// Whether an input or the caller gave the output its name.
    #[must_use]
    pub fn names_itself(&self) -> bool {
        self.names_itself
    }

    /// Writes the merged index: the same inputs and options give the same bytes.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        write::index(self, out)
    }

    /// Takes what was found in one input.
    fn load(&mut self, input: usize, walked: Walked<'a, Loader<'a>>) -> Head<'a> {
        let mut lines = Lines::new(walked.text);
        for (first, loader) in walked.visitors {
            self.left_out += loader.left_out;
            self.lost += loader.lost;
            self.unsaid += loader.unsaid;
            for oddity in loader.oddities {
                if self.notices.len() == MAX_NOTICES {
                    self.unsaid += 1;
                    continue;
                }
                let place = match oddity.key {
                    Some(key) => Place::Key(key),
                    None => Place::Number(first + oddity.number),
                };
                self.notices.push(Notice {
                    input,
                    place,
                    line: lines.at(oddity.start),
                    shown: oddity.shown,
                    why: oddity.why,
                    left_out: oddity.left_out,
                });
            }
            let input = u32::try_from(input).expect("a command line has fewer words");
            self.records
                .extend(loader.records.into_iter().map(|record| Record {
                    input,
                    number: first + record.number,
                    ..record
                }));
        }
        Head {
            text: walked.text,
            form: walked.form,
            members: walked.members,
        }
    }

    /// Sorts by ref; inputs that are sorted already cost next to nothing.
    fn sort(&mut self) {
        let count = u32::try_from(self.records.len()).expect("inputs have at most a million each");
        self.order = (0..count).collect();
        let records = &self.records;
        // stable: of one ref, the order of the inputs stays
        self.order
            .sort_by(|a, b| records[*a as usize].name.cmp(&records[*b as usize].name));
    }
}
