//! What `.gitignore` and `.packignore` say of a path, in git's own grammar and by bytes.
//!
//! Git's manual of `gitignore` is the rule, and where that is vague its `dir.c`: what git would not add to a commit is
//! not packed. Every line is heard, whatever bytes are in it, because a line that were passed over could be the one
//! that names a secret.

use std::borrow::Cow;
use std::fs::Metadata;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use gix_glob::wildmatch;

use super::original::open;
use super::{PackError, WorkTree, unreadable};

/// The names of ignore files. The second wins over the first, at whatever levels they lie.
pub(super) const FILE_NAMES: [&str; 2] = [".gitignore", ".packignore"];
/// Which of them is git's.
const GITIGNORE: usize = 0;
/// Which of them is packd's own.
pub(super) const PACKIGNORE: usize = 1;
/// The longest ignore file, in bytes. People write them, and the longest known ones are a hundredth of this.
const MAX_BYTES: u64 = 1024 * 1024;
/// How many `*` a rule may have. The matcher gives up beyond 64, and would then not match.
const MAX_STARS: usize = 60;
/// What some editors put at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why an ignore file is not heard, which is an error: what it names may be what nobody is to see.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// It is a link, a pipe, a folder.
    #[error("it is a {what}, and only a regular file may be called so")]
    NotRegular {
        /// What it is.
        what: &'static str,
    },
    /// It is longer than any that people write.
    #[error("it is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A rule is more than can be matched.
    #[error("line {line} has more than {MAX_STARS} `*`")]
    TooManyStars {
        /// The line, from 1.
        line: usize,
    },
}

/// The rules that hold in a folder: those of its own ignore files and those of the folders above, up to the root of
/// the walk, and to the top of the work tree that it lies in.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    /// For each of [`FILE_NAMES`], the innermost folder last.
    files: [Vec<RuleFile>; FILE_NAMES.len()],
}

/// One ignore file.
#[derive(Debug)]
struct RuleFile {
    base: Base,
    rules: Vec<Rule>,
}

/// Where the folder of an ignore file lies, which its rules count paths from.
#[derive(Debug)]
enum Base {
    /// In the root of the walk: so many bytes of a path are that of the folder, with its slash.
    In(usize),
    /// Above it: the path of the root from there, with a slash.
    Above(String),
}

impl Base {
    fn counted<'p>(&self, path: &'p str) -> Cow<'p, [u8]> {
        match self {
            Self::In(bytes) => path.as_bytes()[*bytes..].into(),
            Self::Above(within) => [within.as_bytes(), path.as_bytes()].concat().into(),
        }
    }
}

/// How many ignore files held before a folder was entered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark([usize; FILE_NAMES.len()]);

impl Ignored {
    /// Where to come back to with [`leave`](Self::leave).
    pub(super) fn mark(&self) -> Mark {
        Mark(self.files.each_ref().map(Vec::len))
    }

    /// Forgets the rules of the folders that were entered since.
    pub(super) fn leave(&mut self, mark: Mark) {
        for (files, length) in self.files.iter_mut().zip(mark.0) {
            files.truncate(length);
        }
    }

    /// Reads the ignore file at `place`, whose name is the one at `which` in [`FILE_NAMES`]. `prefix` is the path of
    /// its folder with a slash, empty for the root.
    pub(super) fn read(
        &mut self,
        which: usize,
        place: &Path,
        metadata: &Metadata,
        prefix: &str,
    ) -> Result<(), PackError> {
        self.files[which].push(RuleFile {
            base: Base::In(prefix.len()),
            rules: rules_of(place, metadata)?,
        });
        Ok(())
    }

    /// Reads what git hears above the root of the walk: the `exclude` of the clone, and the `.gitignore` of each folder
    /// from the top of the work tree down. Whether the root is ignored by them itself.
    pub(super) fn read_above(&mut self, work_tree: &WorkTree) -> Result<bool, PackError> {
        let parts: Vec<&str> = (work_tree.folder.split('/'))
            .filter(|part| !part.is_empty())
            .collect();
        let mut is_ignored = false;
        let mut folder = work_tree.top.clone();
        // git follows a link there, as nothing that is cloned could have made it
        if let Ok(exclude) = fs_err::canonicalize(&work_tree.exclude) {
            self.read_from_above(&exclude, &parts)?;
        }
        for (at, part) in parts.iter().enumerate() {
            let below = &parts[at..];
            self.read_from_above(&folder.join(FILE_NAMES[GITIGNORE]), below)?;
            folder.push(part);
            is_ignored |= self.ignores_above(part, &parts[at + 1..]);
        }
        Ok(is_ignored)
    }

    /// Reads an ignore file, if it is there, of a folder that the root of the walk is these folders below.
    fn read_from_above(&mut self, place: &Path, below: &[&str]) -> Result<(), PackError> {
        let metadata = match fs_err::symlink_metadata(place) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(place, &error)),
        };
        self.files[GITIGNORE].push(RuleFile {
            base: Base::Above(below.iter().flat_map(|part| [*part, "/"]).collect()),
            rules: rules_of(place, &metadata)?,
        });
        Ok(())
    }

    /// Whether the rules read so far ignore a folder called `name`, that the root of the walk is these folders below.
    fn ignores_above(&self, name: &str, below: &[&str]) -> bool {
        let end = 1 + below.iter().map(|part| part.len() + 1).sum::<usize>();
        let files = self.files[GITIGNORE].iter().rev();
        let mut decisive = files.filter_map(|file| {
            let Base::Above(within) = &file.base else {
                return None;
            };
            let path = &within.as_bytes()[..within.len() - end];
            file.decisive(path, name.as_bytes(), true)
        });
        decisive.next().is_some_and(|rule| !rule.keeps)
    }

    /// Forgets all rules.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether a path is ignored, or kept by a `!`; nothing when no rule is about it. The last rule of the innermost
    /// file decides. With which of [`FILE_NAMES`] it is.
    pub(super) fn verdict(&self, path: &str, is_dir: bool) -> Option<(usize, Verdict)> {
        let name = path.rfind('/').map_or(0, |at| at + 1);
        self.files
            .iter()
            .enumerate()
            .rev()
            .find_map(|(which, files)| {
                files.iter().rev().find_map(|file| {
                    let name = &path.as_bytes()[name..];
                    let decisive = file.decisive(&file.base.counted(path), name, is_dir)?;
                    let verdict = if decisive.keeps {
                        Verdict::Kept
                    } else {
                        Verdict::Ignored
                    };
                    Some((which, verdict))
                })
            })
    }
}

impl RuleFile {
    /// The last rule that is about a path, which is relative to the folder of the file.
    fn decisive(&self, path: &[u8], name: &[u8], is_dir: bool) -> Option<&Rule> {
        (self.rules.iter().rev()).find(|rule| rule.matches(path, name, is_dir))
    }
}

/// The rules in an ignore file.
fn rules_of(place: &Path, metadata: &Metadata) -> Result<Vec<Rule>, PackError> {
    let refused = |source| PackError::Ignore {
        path: place.to_owned(),
        source,
    };
    regular(metadata).map_err(refused)?;
    let failed = |error| unreadable(place, &error);
    let file = open(place).map_err(failed)?;
    regular(&file.metadata().map_err(failed)?).map_err(refused)?;
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refused(IgnoreError::TooLong));
    }
    parse(&text).map_err(refused)
}

/// What the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Ignored,
    Kept,
}

fn regular(metadata: &Metadata) -> Result<(), IgnoreError> {
    if metadata.is_file() {
        return Ok(());
    }
    let kind = rustix::fs::FileType::from_raw_mode(metadata.mode());
    Err(IgnoreError::NotRegular {
        what: crate::tree::name_of(kind),
    })
}

/// One line of an ignore file.
#[derive(Debug)]
struct Rule {
    /// Without `!` and the slashes at its ends.
    pattern: Vec<u8>,
    /// How many bytes of the pattern are literally those of what it matches.
    literal: usize,
    /// It began with `!`.
    keeps: bool,
    /// It ended with a slash.
    only_dirs: bool,
    /// It has no other slash, so it is about names at any level.
    of_name: bool,
}

impl Rule {
    /// A line as git's `parse_path_pattern` takes it; nothing for one that matches nothing.
    fn of_line(line: &[u8]) -> Option<Self> {
        let (keeps, line) = match line.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (only_dirs, line) = match line.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let of_name = !line.contains(&b'/');
        let pattern = line.strip_prefix(b"/").unwrap_or(line);
        if pattern.is_empty() {
            return None;
        }
        Some(Self {
            literal: literal_bytes(pattern),
            pattern: pattern.to_owned(),
            keeps,
            only_dirs,
            of_name,
        })
    }

    /// Whether it is about `path`, which is relative to the folder of the file, or the `name` at its end.
    fn matches(&self, path: &[u8], name: &[u8], is_dir: bool) -> bool {
        if self.only_dirs && !is_dir {
            return false;
        }
        let text = if self.of_name { name } else { path };
        let (literal, wild) = self.pattern.split_at(self.literal);
        if wild.is_empty() {
            return text == literal;
        }
        if self.of_name {
            return match wild {
                // the most common of all, and much cheaper so
                [b'*', end @ ..] if literal.is_empty() && literal_bytes(end) == end.len() => {
                    text.ends_with(end)
                }
                _ => matches(&self.pattern, text, wildmatch::Mode::empty()),
            };
        }
        // what remains is matched by itself, as git does: the `**` of `a**/b` stands at a beginning then
        text.strip_prefix(literal)
            .is_some_and(|rest| matches(wild, rest, wildmatch::Mode::NO_MATCH_SLASH_LITERAL))
    }
}

fn matches(pattern: &[u8], text: &[u8], mode: wildmatch::Mode) -> bool {
    gix_glob::wildmatch(pattern.into(), text.into(), mode)
}

fn literal_bytes(pattern: &[u8]) -> usize {
    let is_special = |byte: &u8| br"*?[\".contains(byte);
    pattern.iter().position(is_special).unwrap_or(pattern.len())
}

/// The rules of a file, as git's `add_patterns_from_buffer` takes them.
fn parse(text: &[u8]) -> Result<Vec<Rule>, IgnoreError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut rules = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.starts_with(b"#") {
            continue;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // git's lines are texts of C, which end there
        let line = line.split(|byte| *byte == 0).next().unwrap_or(line);
        let Some(rule) = Rule::of_line(without_trailing_spaces(line)) else {
            continue;
        };
        if rule.pattern.split(|byte| *byte == b'*').count() > MAX_STARS + 1 {
            return Err(IgnoreError::TooManyStars { line: number + 1 });
        }
        rules.push(rule);
    }
    Ok(rules)
}

/// Without the spaces at its end, but for one that a `\` stands before.
fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut bytes = line.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b' ' => {}
            b'\\' => match bytes.next() {
                Some((escaped, _)) => end = escaped + 1,
                None => return line,
            },
            _ => end = at + 1,
        }
    }
    &line[..end]
}

#[cfg(test)]
mod tests;
