//! `lint`: a pack folder against its own manifest, before anyone installs it.
//!
//! What the folder says of itself is compared with what is in it: components with their files, entry points
//! with programs, names with the ref of the pack. The rules are numbered in `docs/pack-format.md#11-lint`.
//! Packs of both ecosystems are looked at with the same eyes, and what either of them allows is no error.
//!
//! Reading only: nothing of the pack is run, and nothing outside the folder is looked at but what git ignores there.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::archive::{Kind, PackOptions, Survey, survey};
use crate::error::without_path;
use crate::manifest::yaml::Position;
use crate::manifest::{FILE_NAME, MAX_BYTES};
use crate::name::shown;

mod component;
mod entry_point;
mod files;
mod manifest;
mod rule;
mod testing;
#[cfg(test)]
mod tests;

pub use rule::Rule;

/// The most findings that are kept; the rest is counted.
pub const MAX_FINDINGS: usize = 1000;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The pack, or a part of it, cannot work.
    Error,
    /// It will probably not do what its author meant.
    Warning,
    /// It could be better.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that it breaks.
    pub rule: Rule,
    /// How bad that is.
    pub severity: Severity,
    /// The file, relative to the pack.
    pub file: String,
    /// The line, from 1, where there is one to point at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// One thing to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What was found in a pack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The pack as its manifest calls it, if so much can be read.
    pub pack: Option<String>,
    /// By file, `pack.yaml` first, and within it by place; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many errors there are, also of those that are not kept.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How many notes.
    pub notes: usize,
}

/// Why a folder could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LintError {
    /// Nothing is there.
    #[error("Path does not exist: {}", path.display())]
    NotFound {
        /// Where.
        path: PathBuf,
    },
    /// It is a file.
    #[error("{} is not a folder", path.display())]
    NotAFolder {
        /// Where.
        path: PathBuf,
    },
    /// It has no manifest.
    #[error("pack.yaml not found in directory: {}", path.display())]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// Its manifest is a link, a folder or a device.
    #[error("{} is not a regular file", path.display())]
    NotRegular {
        /// The manifest.
        path: PathBuf,
    },
    /// It could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl LintError {
    /// One thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAFolder { .. } | Self::NoManifest { .. } => {
                Some("name the folder that has the `pack.yaml`")
            }
            Self::NotRegular { .. } => Some("put the file itself there, not a link"),
            Self::NotFound { .. } | Self::Read { .. } => None,
        }
    }

    /// Whether what was to be looked at is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::NoManifest { .. })
    }
}

/// Looks at a pack folder, at those files of it that would be packed with these options.
///
/// # Errors
/// [`LintError`] when there is no pack to look at. What is wrong with a pack is in the report.
pub fn lint(folder: &Path, options: &PackOptions) -> Result<Report, LintError> {
    let manifest = manifest_of(folder)?;
    let pack = Pack {
        root: folder,
        survey: survey(folder, options),
    };
    let mut found = Findings::default();
    let read = manifest::check(&pack, &manifest, &mut found);
    let known = read.as_ref().map(manifest::Known::of);
    if let Some(reading) = &read {
        testing::check(&pack, reading, &mut found);
        component::check_listed(&pack, &reading.root, known.as_ref(), &mut found);
    }
    component::check(&pack, known.as_ref(), &mut found);
    files::check(&pack, &mut found);
    Ok(found.report(known.and_then(|known| known.shown)))
}

/// The bytes of the manifest, and one more than it may have.
fn manifest_of(folder: &Path) -> Result<Vec<u8>, LintError> {
    let read = |path: &Path, error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => LintError::NotFound {
            path: path.to_owned(),
        },
        _ => LintError::Read {
            path: path.to_owned(),
            source: without_path(error),
        },
    };
    let metadata = fs_err::metadata(folder).map_err(|error| read(folder, &error))?;
    if !metadata.is_dir() {
        return Err(LintError::NotAFolder {
            path: folder.to_owned(),
        });
    }
    let path = folder.join(FILE_NAME);
    match fs_err::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(LintError::NotRegular { path }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LintError::NoManifest {
                path: folder.to_owned(),
            });
        }
        Err(error) => return Err(read(&path, &error)),
    }
    head(&path, MAX_BYTES + 1).map_err(|error| read(&path, &error))
}

/// The beginning of a file.
fn head(path: &Path, bytes: usize) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut head = Vec::new();
    let file = fs_err::File::open(path)?;
    file.take(bytes as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The folder that is looked at.
struct Pack<'a> {
    root: &'a Path,
    survey: Survey,
}

impl Pack<'_> {
    /// What lies at a path that is written with slashes.
    fn get(&self, path: &str) -> Option<&Kind> {
        let items = &self.survey.items;
        let at = items.binary_search_by(|(known, _)| known.as_str().cmp(path));
        at.ok().map(|at| &items[at].1)
    }

    /// The files in the folder itself that a test takes, by path.
    fn files_in<'s>(
        &'s self,
        folder: &'s str,
        takes: impl Fn(&str) -> bool + 's,
    ) -> impl Iterator<Item = &'s str> {
        let name_in = move |path: &'s str| path.strip_prefix(folder)?.strip_prefix('/');
        (self.survey.items.iter())
            .filter(|(_, kind)| matches!(kind, Kind::File { .. }))
            .map(|(path, _)| path.as_str())
            .filter(move |path| {
                name_in(path).is_some_and(|name| !name.contains('/') && takes(name))
            })
    }

    /// A file read up to a bound; one that vanished meanwhile is empty.
    fn head(&self, path: &str, bytes: usize) -> Vec<u8> {
        head(&self.root.join(path), bytes).unwrap_or_default()
    }
}

/// Findings as they are collected.
#[derive(Debug, Default)]
struct Findings {
    all: Vec<Finding>,
}

impl Findings {
    /// Adds one, and gives it back so that a hint can be put on it.
    fn add(
        &mut self,
        rule: Rule,
        file: &str,
        at: Option<Position>,
        message: impl Into<String>,
    ) -> &mut Finding {
        self.all.push(Finding {
            rule,
            severity: rule.severity(),
            file: file.to_owned(),
            line: at.map(|at| at.line),
            column: at.map(|at| at.column),
            message: message.into(),
            hint: None,
        });
        self.all.last_mut().expect("one was just added")
    }

    fn report(mut self, pack: Option<String>) -> Report {
        self.all.sort_by(|a, b| {
            let place = |finding: &Finding| {
                (
                    finding.file != FILE_NAME,
                    finding.file.clone(),
                    finding.line,
                    finding.column,
                )
            };
            place(a).cmp(&place(b))
        });
        let count = |severity| {
            (self.all.iter())
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let (errors, warnings, notes) = (
            count(Severity::Error),
            count(Severity::Warning),
            count(Severity::Note),
        );
        // what is kept is kept by weight
        if self.all.len() > MAX_FINDINGS {
            self.all.sort_by_key(|finding| finding.severity);
            self.all.truncate(MAX_FINDINGS);
        }
        Report {
            pack,
            findings: self.all,
            errors,
            warnings,
            notes,
        }
    }
}

impl Finding {
    /// Puts a hint on it.
    fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}

/// Whether a path ends in one of some endings.
fn ends_with(path: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| path.ends_with(ending))
}

/// The endings of YAML files.
const YAML: &[&str] = &[".yaml", ".yml"];

/// A text of the pack for a message.
fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}
