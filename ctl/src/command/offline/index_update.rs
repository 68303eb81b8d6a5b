//! `index-update`: a pack published into an index file.
//!
//! What becomes of the entry is decided by `packd_format::index::update`; here the entry is found and the file
//! is read, changed and replaced under one lock, so that of publishers at once none loses anything.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use packd_format::index::update::{
    self, Action, Existing, Newer, Options, Publication, PublicationError, UpdateError, Updated,
};
use packd_format::index::{Document, DocumentError, MAX_ENTRY_BYTES};
use packd_format::manifest::yaml;
use packd_wire::Exit;
use serde::Serialize;
use serde_json::json;
use url::Url;

use super::entry::{SourceArgs, draft};
use crate::Ending;
use crate::clock::Clock;
use crate::file::{FileError, Locked};
use crate::output::{Failure, GOOD, Output, styled};

/// Publish a pack into an index file
///
/// The entry is made from the folder PATH, as index-entry does, or taken from --entry. A pack that the index
/// does not have is added. With --update, one that it has is brought to the new version: what only the index
/// says of it is kept, and the version before moves into its list of versions. Publishing the same again
/// changes nothing.
///
/// A version older than the one in the index is refused, unless --keep-newest or --allow-downgrade says what
/// is meant by it.
///
/// All other bytes of the file stay as they are. It is replaced whole, under a lock, so any number of runs
/// may publish into one file at once.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexUpdate {
    /// Folder of the pack; with --init it may be left out, and the index that is created has no pack yet
    #[arg(value_name = "PATH", required_unless_present_any = ["entry", "init"])]
    path: Option<PathBuf>,

    /// The index file
    #[arg(long, short, value_name = "FILE")]
    index: PathBuf,

    /// Bring a pack that the index has to the new version
    #[arg(long, short)]
    update: bool,

    /// Publish a version below the one that the index offers first: an older one, or a pre-release
    #[arg(long)]
    keep_newest: bool,

    /// Let an older version take the place of a newer one
    #[arg(long, conflicts_with = "keep_newest")]
    allow_downgrade: bool,

    /// Offer the version to so many percent of all hosts, from 0 to 100; said again with --update, it grows
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    phased: Option<u8>,

    /// Create the index when there is none, with the name and the URL of the registry
    #[arg(long, num_args = 2, value_names = ["NAME", "URL"])]
    init: Option<Vec<String>>,

    /// Publish this entry, as index-entry prints it; `-` is standard input
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["path", "git_url", "archive_url"])]
    entry: Option<PathBuf>,

    #[command(flatten)]
    sources: SourceArgs,

    #[command(flatten)]
    clock: Clock,
}

/// What was done, for programs.
#[derive(Debug, Serialize)]
struct Report {
    success: bool,
    index_file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pack_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    action: &'static str,
}

/// Why there is nothing to publish, or nowhere to publish it.
#[derive(Debug, thiserror::Error)]
enum PublishError {
    /// There is no such index.
    #[error("Index file not found: {}", path.display())]
    NoIndex {
        /// The file.
        path: PathBuf,
    },
    /// What `--init` says is no URL.
    #[error("`{text}` is no URL, as `--init NAME URL` wants it")]
    NoUrl {
        /// What was typed.
        text: String,
        /// Why not.
        source: url::ParseError,
    },
    /// There is no such entry.
    #[error("Entry file not found: {}", path.display())]
    NoEntry {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read the entry from `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is longer than any entry.
    #[error("`{}` is longer than {MAX_ENTRY_BYTES} bytes, which no entry may be", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
}

impl PublishError {
    fn exit(&self) -> Exit {
        match self {
            Self::NoIndex { .. } | Self::NoEntry { .. } => Exit::NotFound,
            Self::NoUrl { .. } => Exit::Usage,
            Self::Read { .. } | Self::TooLong { .. } => Exit::Failed,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoIndex { .. } => Some("--init NAME URL creates it"),
            Self::NoUrl { .. } => Some("for example: --init 'Our packs' https://packs.example.org"),
            Self::NoEntry { .. } | Self::Read { .. } | Self::TooLong { .. } => None,
        }
    }
}

impl From<PublishError> for Failure {
    fn from(error: PublishError) -> Self {
        Self::of_error(error.exit(), &error).with_hint_of(error.hint())
    }
}

impl IndexUpdate {
    pub(crate) async fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let now = self.clock.now();
        let created = self.new_index(&now)?;
        if created.is_none() && self.index.try_exists().is_ok_and(|exists| !exists) {
            return Err(self.no_index().into());
        }
        if let Some(empty) = &created
            && self.path.is_none()
            && self.entry.is_none()
        {
            return self.create(empty, out);
        }
        let publication = self.publication(out).await?;
        let publication = match self.phased {
            Some(percent) => publication.phased(percent),
            None => publication,
        };

        let file = Locked::new(&self.index)?;
        let known = file.read()?;
        let is_new = known.is_none();
        let Some(bytes) = known.or_else(|| created.map(String::into_bytes)) else {
            return Err(self.no_index().into());
        };
        let document = Document::parse(&bytes).map_err(|error| self.no_document(&error))?;
        let updated = update::update(&document, &publication, self.options(&now));
        let updated = updated.map_err(|error| self.refused(&error))?;
        for warning in &updated.warnings {
            out.warn(warning);
        }
        let pack_ref = publication.pack_ref();
        match updated.action {
            Action::Added => out.done(&format!("Adding new entry for '{pack_ref}'")),
            Action::Updated => out.done(&format!("Updating existing entry for '{pack_ref}'")),
            Action::Unchanged => out.done(&format!("Entry for '{pack_ref}' is up to date")),
        }
        if is_new || updated.action != Action::Unchanged {
            file.replace(|out| {
                let pieces = updated.edits.pieces(document.text());
                let mut pieces = pieces.iter().map(|piece| out.write_all(piece.as_bytes()));
                pieces
                    .try_for_each(|written| written)
                    .map_err(FileError::io("write", &self.index))
            })?;
        }
        self.report(&publication, &updated, out);
        Ok(Ending::Exit(Exit::Done))
    }

    /// Creates the index without a pack, unless there is one.
    fn create(&self, empty: &str, out: &mut Output) -> Result<Ending, Failure> {
        let file = Locked::new(&self.index)?;
        let known = file.read()?;
        let action = if let Some(bytes) = &known {
            Document::parse(bytes).map_err(|error| self.no_document(&error))?;
            "unchanged"
        } else {
            file.replace(|out| {
                out.write_all(empty.as_bytes())
                    .map_err(FileError::io("write", &self.index))
            })?;
            "created"
        };
        let report = Report {
            success: true,
            index_file: self.index.display().to_string(),
            pack_ref: None,
            version: None,
            checksum: None,
            action,
        };
        out.show(&report, || match known {
            Some(_) => format!("Index exists already: {}\n", report.index_file),
            None => format!(
                "{} Created index {}\n",
                styled(GOOD, "✓"),
                report.index_file
            ),
        });
        Ok(Ending::Exit(Exit::Done))
    }

    /// The index that `--init` creates.
    fn new_index(&self, now: &str) -> Result<Option<String>, PublishError> {
        let Some([name, url]) = self.init.as_deref() else {
            return Ok(None);
        };
        Url::parse(url).map_err(|source| PublishError::NoUrl {
            text: url.clone(),
            source,
        })?;
        Ok(Some(update::new_index(name, url, now)))
    }

    fn no_index(&self) -> PublishError {
        PublishError::NoIndex {
            path: self.index.clone(),
        }
    }

    fn options<'n>(&self, now: &'n str) -> Options<'n> {
        Options {
            existing: if self.update {
                Existing::Update
            } else {
                Existing::Refuse
            },
            newer: match (self.keep_newest, self.allow_downgrade) {
                (true, _) => Newer::Keep,
                (_, true) => Newer::Demote,
                (false, false) => Newer::Refuse,
            },
            now,
        }
    }

    /// What is to be published.
    async fn publication(&self, out: &mut Output) -> Result<Publication, Failure> {
        let Some(path) = &self.entry else {
            let path = self.path.as_deref().unwrap_or(Path::new("."));
            let draft = draft(path, &self.sources, Some(&self.index), out).await?;
            let mut entry = draft.to_json();
            if draft.is_template() {
                // no source at all is what is wrong, not the one that shows what one looks like
                entry["install_sources"] = json!([]);
            }
            return Publication::parse(&entry.to_string()).map_err(|error| unusable(&error, path));
        };
        let text = read_entry(path)?;
        let json = of_yaml(&text);
        Publication::parse(json.as_deref().unwrap_or(&text)).map_err(|error| unusable(&error, path))
    }

    fn no_document(&self, error: &DocumentError) -> Failure {
        Failure::of_error(Exit::Failed, error)
            .about(&self.index.display().to_string())
            .with_hint_of(error.hint())
    }

    fn refused(&self, error: &UpdateError) -> Failure {
        let failure = Failure::of_error(Exit::Failed, error).with_hint_of(error.hint());
        match error {
            // said in these words by every tool for this file
            UpdateError::Exists { .. } => failure,
            _ => failure.about(&self.index.display().to_string()),
        }
    }

    fn report(&self, publication: &Publication, updated: &Updated, out: &mut Output) {
        let report = Report {
            success: true,
            index_file: self.index.display().to_string(),
            pack_ref: Some(publication.pack_ref().to_string()),
            version: Some(publication.version().to_string()),
            checksum: publication.checksum().map(ToString::to_string),
            action: match updated.action {
                Action::Added => "added",
                Action::Updated => "updated",
                Action::Unchanged => "unchanged",
            },
        };
        if !out.is_human() {
            return out.show(&report, String::new);
        }
        let done = match updated.action {
            Action::Added | Action::Updated => "Index updated successfully",
            Action::Unchanged => "Index is up to date",
        };
        out.done(&format!(
            "{} {done}: {}",
            styled(GOOD, "✓"),
            report.index_file
        ));
        out.done(&format!(
            "  Pack: {} v{}",
            publication.pack_ref(),
            publication.version()
        ));
        if let Some(checksum) = &report.checksum {
            out.done(&format!("  Checksum: {checksum}"));
        }
    }
}

/// The text of an entry; `-` is standard input.
fn read_entry(path: &Path) -> Result<String, PublishError> {
    let fails = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PublishError::NoEntry {
            path: path.to_owned(),
        },
        _ => PublishError::Read {
            path: path.to_owned(),
            source: packd_format::error::without_path(&error),
        },
    };
    let most = MAX_ENTRY_BYTES as u64 + 1;
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_string(&mut text)
    } else {
        let file = fs_err::File::open(path).map_err(fails)?;
        file.take(most).read_to_string(&mut text)
    };
    if read.map_err(fails)? > MAX_ENTRY_BYTES {
        return Err(PublishError::TooLong {
            path: path.to_owned(),
        });
    }
    Ok(text)
}

/// The JSON of an entry in YAML, as `index-entry --format yaml` prints it; nothing for JSON, and for what is neither.
fn of_yaml(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() || text.starts_with(['{', '[']) {
        return None;
    }
    let node = yaml::parse(text.as_bytes(), MAX_ENTRY_BYTES).ok()?;
    node.map().map(|_| node.to_json().to_string())
}

fn unusable(error: &PublicationError, path: &Path) -> Failure {
    Failure::of_error(Exit::Failed, error)
        .about(&path.display().to_string())
        .with_hint_of(error.hint())
}
