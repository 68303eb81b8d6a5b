//! An index entry for a folder with a pack: what `index-entry` prints and `index-update` adds.
//!
//! Each source is looked at as those will see it who install from it: an archive by its own bytes, a git
//! repository by the commit. What would make installing fail is an error here already.

mod archive;
mod error;
mod git;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use packd_format::archive::{PackOptions, Packing};
use packd_format::error::without_path;
use packd_format::index::validate::entry_errors;
use packd_format::index::{self, EntryDraft, Source};
use packd_format::tree::FileList;
use packd_format::{Algorithm, Digest, Inventory, Manifest, manifest};
use rustix::fs::OFlags;
use url::Url;

use self::error::DraftError;
use super::place::inside;
use crate::command::folder;
use crate::fetch;
use crate::output::{Failure, Output};

/// Where a version of a pack is published.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Sources")]
pub(crate) struct SourceArgs {
    /// Git repository that the pack is published in
    #[arg(long, short, value_name = "URL")]
    git_url: Option<String>,

    /// Tag, branch or commit there; without it the tag `v` and the version
    #[arg(long, short = 'r', value_name = "REF")]
    git_ref: Option<String>,

    /// Archive that the pack is published as; downloaded for its digest unless one of the next two is given
    #[arg(long, short, value_name = "URL")]
    archive_url: Option<String>,

    /// The same archive on this machine, for its digest and size
    #[arg(long, value_name = "FILE", requires = "archive_url")]
    archive: Option<PathBuf>,

    /// Digest of the archive, for example sha256:…
    #[arg(long, value_name = "DIGEST", requires = "archive_url")]
    archive_checksum: Option<Digest>,

    /// Length of the archive
    #[arg(long, value_name = "BYTES", requires = "archive_checksum")]
    archive_size: Option<u64>,
}

impl SourceArgs {
    /// Whether no source is named, so that only a template can be made.
    pub(crate) fn is_empty(&self) -> bool {
        self.git_url.is_none() && self.archive_url.is_none()
    }
}

/// A folder with a pack.
struct Pack {
    /// The folder, where links lead to.
    folder: PathBuf,
    manifest: Manifest,
    /// What would be sent of it: without ignored files.
    files: FileList,
}

/// Makes the entry for the pack in the folder `path`, published at `sources`; a template without any
/// ([`EntryDraft::is_template`]). The file `target`, which the entry is for, is no part of the pack. What it does and what is odd goes to `out`, on the side.
///
/// # Errors
/// The pack or a source cannot be used, or an index with the entry could not.
pub(crate) async fn draft(
    path: &Path,
    sources: &SourceArgs,
    target: Option<&Path>,
    out: &mut Output,
) -> Result<EntryDraft, Failure> {
    for url in [&sources.git_url, &sources.archive_url] {
        url.as_deref().map_or(Ok(()), refuse_credentials)?;
    }
    out.say("Parsing pack.yaml...");
    let (root, manifest) = read_manifest(path)?;
    for warning in &manifest.warnings {
        out.warn(warning);
    }
    out.say("Calculating checksum...");
    let options = PackOptions {
        leave_out: target.and_then(|target| inside(&root, target)),
        ..folder::options(&root)
    };
    let failed = |source| DraftError::pack(path, source);
    let packing = Packing::select(&root, &options).map_err(failed)?;
    folder::tell(&root, packing.left_out(), out);
    let pack = Pack {
        files: packing.list().map_err(failed)?,
        folder: root,
        manifest,
    };
    let components = Inventory::read(&pack.folder, &pack.manifest, &pack.files);
    for warning in &components.warnings {
        out.warn(warning);
    }

    let mut found = Vec::new();
    if let Some(url) = &sources.git_url {
        found.push(git::source(&pack, url, sources.git_ref.as_deref(), out)?);
    }
    if let Some(url) = &sources.archive_url {
        found.push(archive::source(&pack, url, sources, out).await?);
    }
    let draft = index::make(&pack.manifest, &components, found);
    for warning in &draft.warnings {
        out.warn(warning);
    }
    if let (Some(git_ref), None) = (&sources.git_ref, &sources.git_url) {
        out.warn(&format!(
            "--git-ref {git_ref} says where in a repository the pack is, and none was named"
        ));
        out.hint("add --git-url URL");
    }
    if let Some((one, other)) = two_trees(&draft) {
        out.warn(&format!(
            "the archive and the git repository do not have the same files: their trees are {one} and {other}"
        ));
        out.hint("build the archive from a clean checkout of that ref: packctl build");
    }
    if sources.is_empty() {
        out.warn("No git-url or archive-url provided. Generating templates...");
        out.hint("the entry cannot be published before --git-url or --archive-url is given");
    } else {
        check(&draft)?;
    }
    Ok(draft)
}

/// Reads it as those will who find it in an index, and judges it as `index-validate` does.
fn check(draft: &EntryDraft) -> Result<(), DraftError> {
    let entry = draft.read_back().map_err(DraftError::Entry)?;
    let errors = entry_errors(&draft.to_json().to_string());
    let mut faults = entry
        .problems
        .into_iter()
        .chain(errors.into_iter().map(|error| error.message));
    match faults.next() {
        Some(why) => Err(DraftError::Source { why }),
        None => Ok(()),
    }
}

/// The digests of two sources that say of their files what cannot be true of both.
fn two_trees(draft: &EntryDraft) -> Option<(Digest, Digest)> {
    let trees = draft.sources.iter().filter_map(|source| match source {
        Source::Archive { tree, .. } | Source::Git { tree, .. } => *tree,
    });
    let mut trees = trees.filter(|tree| tree.algorithm() == Algorithm::Sha256);
    let one = trees.next()?;
    trees.find(|other| *other != one).map(|other| (one, other))
}

fn read_manifest(path: &Path) -> Result<(PathBuf, Manifest), DraftError> {
    let unreadable = |path: &Path, error: &io::Error| DraftError::Read {
        path: path.to_owned(),
        source: without_path(error),
    };
    let folder = match fs_err::canonicalize(path) {
        Ok(folder) if folder.is_dir() => folder,
        Ok(_) => {
            return Err(DraftError::NotAFolder {
                path: path.to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DraftError::NoFolder {
                path: path.to_owned(),
            });
        }
        Err(error) => return Err(unreadable(path, &error)),
    };
    let file = folder.join(manifest::FILE_NAME);
    let bytes = match small_file(&file, manifest::MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DraftError::NoManifest {
                path: path.to_owned(),
            });
        }
        Err(error) => {
            let shown = path.join(manifest::FILE_NAME);
            let is_regular = fs_err::symlink_metadata(&file).is_ok_and(|found| found.is_file());
            return Err(if is_regular {
                unreadable(&shown, &error)
            } else {
                DraftError::OddManifest { path: shown }
            });
        }
    };
    let manifest = Manifest::parse(&bytes).map_err(DraftError::manifest)?;
    Ok((folder, manifest))
}

/// The content of a regular file, not of one that a link leads to; of a larger one only so much that it is seen to be
/// larger.
fn small_file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    archive::open_regular(path, OFlags::NOFOLLOW)?
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An index is public, and so is whatever stands in a URL in it. A user without a password is none that
/// anybody could use, and belongs to addresses of ssh.
fn refuse_credentials(text: &str) -> Result<(), fetch::FetchError> {
    let Ok(url) = Url::parse(text) else {
        return Ok(());
    };
    let web = matches!(url.scheme(), "http" | "https");
    if url.password().is_some() || (web && fetch::has_credentials(&url)) {
        return Err(fetch::FetchError::Credentials {
            url: fetch::shown(&url),
        });
    }
    Ok(())
}

/// Whether a pack found at a source is the one that the entry is about.
fn same_pack(pack: &Manifest, bytes: &[u8], place: &str) -> Result<(), DraftError> {
    let found = Manifest::parse_known(bytes, &pack.pack_ref).map_err(|source| {
        DraftError::PublishedManifest {
            place: place.to_owned(),
            source,
        }
    })?;
    if (&found.pack_ref, &found.version) == (&pack.pack_ref, &pack.version) {
        return Ok(());
    }
    Err(DraftError::OtherPack {
        place: place.to_owned(),
        found: format!("{} {}", found.pack_ref, found.version),
        expected: format!("{} {}", pack.pack_ref, pack.version),
    })
}
