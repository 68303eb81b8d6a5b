//! What lies in a folder, staged or in the store: where the pack begins, and what its `pack.yaml` says.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use packd_format::error::without_path;
use packd_format::manifest::{FILE_NAME, MAX_BYTES};
use packd_format::tree::{FileList, find_pack_root};
use packd_format::{Contents, Manifest, PackRef};
use packd_wire::ContentsView;

use super::InspectError;

/// A pack in staging, looked at.
pub(super) struct Staged {
    /// Where it begins.
    pub(super) folder: PathBuf,
    /// What lies in it.
    pub(super) files: FileList,
    pub(super) manifest: Manifest,
    pub(super) contents: ContentsView,
    /// Digest of the tree.
    pub(super) tree: String,
}

impl Staged {
    /// Finds the pack in what was unpacked into `folder`. Blocks.
    pub(super) fn find(
        folder: PathBuf,
        path: Option<&str>,
        files: &FileList,
        known: Option<&PackRef>,
        shown: &str,
    ) -> Result<Self, InspectError> {
        let no_pack = |source| InspectError::Root {
            shown: shown.to_owned(),
            source,
        };
        let root = find_pack_root(files, path).map_err(no_pack)?;
        let files = files.strip_root(&root).map_err(no_pack)?;
        let folder = if root.is_empty() {
            folder
        } else {
            folder.join(&root)
        };
        let manifest = read_manifest(&folder, known, shown)?;
        Ok(Self {
            contents: contents(&manifest, &files),
            tree: files.digest().to_string(),
            folder,
            files,
            manifest,
        })
    }
}

/// The `pack.yaml` of a tree. The file list says that it is a regular file, and the tree is nobody's but
/// ours. Blocks.
pub(super) fn read_manifest(
    tree: &Path,
    known: Option<&PackRef>,
    shown: &str,
) -> Result<Manifest, InspectError> {
    // no longer than it may be, and a byte more: an archive can have a manifest as large as any file
    let text = read_at_most(&tree.join(FILE_NAME), MAX_BYTES as u64 + 1)?;
    let manifest = match known {
        Some(known) => Manifest::parse_known(&text, known),
        None => Manifest::parse(&text),
    };
    manifest.map_err(|source| InspectError::Manifest {
        shown: shown.to_owned(),
        source: Box::new(source),
    })
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, InspectError> {
    read_at_most(path, u64::MAX)
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, InspectError> {
    let mut bytes = Vec::new();
    fs_err::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .map_err(|error| InspectError::Read {
            path: path.to_owned(),
            source: without_path(&error),
        })?;
    Ok(bytes)
}

pub(super) fn contents(manifest: &Manifest, files: &FileList) -> ContentsView {
    let contents = Contents::of(manifest, files);
    ContentsView {
        actions: contents.actions,
        sensors: contents.sensors,
        triggers: contents.triggers,
        rules: contents.rules,
        workflows: contents.workflows,
    }
}
