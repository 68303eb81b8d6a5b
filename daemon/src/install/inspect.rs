//! Step 4 of 7: what came is the pack that was asked for, and becomes a tree of the store.
//!
//! Reads the staged tree's `pack.yaml` and file list. Writes one immutable tree
//! and its row. Safe to repeat: the same tree has the same place.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packd_format::error::without_path;
use packd_format::manifest::{FILE_NAME, MAX_BYTES};
use packd_format::tree::{FileList, RootError, find_pack_root};
use packd_format::{Contents, Dependency, Manifest, ManifestError, PackRef, Version};
use packd_wire::{ContentsView, ErrorKind, PlanView, StepName};

use crate::resolve::{self, Active, Brought, Bytes, Plan, Wanted};
use crate::store::lease::Lease;
use crate::store::pack::{Installed, TreeRow};
use crate::store::tree::{Present, Published};
use crate::store::{self, StoreError};

use super::fetch::Fetched;
use super::together::Together;
use super::{Context, StepError, blocking};

/// A pack whose tree lies in the store.
#[derive(Debug, Clone)]
pub(super) struct Inspected {
    /// What was wanted.
    pub wanted: Wanted,
    /// Its `pack.yaml`.
    pub manifest: Manifest,
    /// How many components it brings.
    pub contents: ContentsView,
    /// Its tree, relative to `store/`.
    pub dir: String,
    /// Keeps it there until it is active, or nobody wants it.
    pub lease: Lease,
    /// Whether this job put it there.
    pub made: bool,
    /// Where what lay in its place is now, if something else did.
    pub put_away: Option<PathBuf>,
    /// Digest of the tree.
    pub tree: String,
    /// sha256 of the archive, where it was one.
    pub archive: Option<String>,
    /// The place that its bytes really came from.
    pub bytes: Bytes,
    /// The registry that offers it.
    pub registry: Option<String>,
    /// The folder inside the archive that was asked for.
    pub path: Option<String>,
}

/// Why what came is not installed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InspectError {
    /// There is no `pack.yaml`, or there are several.
    #[error("no pack in {shown}")]
    Root {
        /// Where it came from.
        shown: String,
        /// Why.
        source: RootError,
    },

    /// `pack.yaml` cannot be read.
    #[error("no usable pack in {shown}")]
    Manifest {
        /// Where it came from.
        shown: String,
        /// Why.
        source: Box<ManifestError>,
    },

    /// Another pack, or another version, than was asked for.
    #[error("{shown} holds `{pack}` {version}, and `{wanted}`{} was asked for", wanted_version.as_ref().map(|version| format!(" {version}")).unwrap_or_default())]
    Other {
        /// Where it came from.
        shown: String,
        /// What it is.
        pack: PackRef,
        /// Its version.
        version: Box<Version>,
        /// What was asked for.
        wanted: PackRef,
        /// In which version.
        wanted_version: Option<Box<Version>>,
        /// Whether a registry offers it as that.
        offered: bool,
    },

    /// The tree is another one than the registry, or the request, promised.
    #[error("the tree of {shown} has the digest {actual}, and {expected} was promised")]
    Tree {
        /// Where it came from.
        shown: String,
        /// What the registry or the request says.
        expected: String,
        /// What it is.
        actual: String,
    },

    /// The tree could not be read back.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },

    /// The list of a tree in the store is damaged.
    #[error("cannot use `{}`", path.display())]
    List {
        /// Where.
        path: PathBuf,
        /// Why.
        source: packd_format::tree::ListError,
    },
}

impl InspectError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Root {
                source: RootError::LinkLeaves { .. },
                ..
            } => ErrorKind::UnsafeArchive,
            Self::Root {
                source: RootError::BadPath { .. },
                ..
            } => ErrorKind::InvalidReference,
            Self::Root { .. } => ErrorKind::ManifestMissing,
            Self::Manifest { .. } => ErrorKind::InvalidManifest,
            Self::Other { .. } => ErrorKind::ContentMismatch,
            Self::Tree { .. } => ErrorKind::DigestMismatch,
            Self::Read { .. } | Self::List { .. } => ErrorKind::Io,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Root { source, .. } => source.hint(),
            Self::Manifest { source, .. } => source.hint(),
            Self::Other {
                offered: false,
                pack,
                ..
            } => Some(format!("ask for it as `{pack}`")),
            Self::Other { .. } | Self::Tree { .. } => {
                Some("tell whoever keeps the place that it came from".into())
            }
            Self::Read { .. } | Self::List { .. } => {
                Some("the store may be damaged; `--force` installs the pack again".into())
            }
        }
    }
}

/// Makes a tree of the store of what was unpacked into `folder`.
pub(super) async fn run(
    context: &Context,
    job: &Together<'_>,
    wanted: &Wanted,
    folder: &Path,
    fetched: Fetched,
) -> Result<Inspected, StepError> {
    job.begin(StepName::Inspect, None).await?;
    let Fetched {
        bytes,
        archive,
        files,
    } = fetched;
    let staged = {
        let (folder, path) = (folder.to_owned(), wanted.path.clone());
        let (known, shown) = (known(wanted), bytes.shown.clone());
        blocking(move || Staged::find(folder, path.as_deref(), &files, known.as_ref(), &shown))
            .await??
    };
    let Staged {
        folder,
        files,
        manifest,
        contents,
        tree,
    } = staged;
    agree(wanted, &manifest, &bytes.shown)?;
    is_promised(&bytes, &tree)?;
    for warning in &manifest.warnings {
        job.warn(
            Some(manifest.pack_ref.as_str()),
            format!("pack.yaml: {warning}"),
        )
        .await?;
    }

    let row = TreeRow {
        dir: String::new(),
        pack_ref: manifest.pack_ref.to_string(),
        version: manifest.version.to_string(),
        digest: tree.clone(),
        archive: archive.map(|archive| archive.to_string()),
        path: wanted.path.clone(),
        files: files.files(),
        bytes: files.bytes(),
    };
    let layout = Arc::clone(&context.layout);
    let (pack_ref, version) = (manifest.pack_ref.clone(), manifest.version.clone());
    let present = present(job);
    let lease = context
        .leases
        .take(&store::tree::dir_name(&pack_ref, &version, &files));
    let Published {
        dir,
        made,
        put_away,
    } = store::off_thread(move || {
        store::tree::publish(&layout, &folder, &pack_ref, &version, &files, present)
    })
    .await?;
    if let Some(folder) = &put_away {
        let message = format!(
            "what lay in the store as `{dir}` was something else; it is in `{}` now",
            folder.display()
        );
        job.warn(Some(manifest.pack_ref.as_str()), message).await?;
    }
    let row = TreeRow {
        dir: dir.clone(),
        ..row
    };
    context
        .database
        .write(move |tx| {
            if made {
                store::look::forget(tx, &row.dir)?;
            }
            store::pack::insert_tree(tx, &row)
        })
        .await?;
    let message = format!("{} {}", manifest.pack_ref, manifest.version);
    job.complete(StepName::Inspect, message).await?;
    Ok(Inspected {
        wanted: wanted.clone(),
        contents,
        dir,
        lease,
        made,
        put_away,
        tree,
        archive: archive.map(|archive| archive.to_string()),
        bytes,
        registry: wanted.registry.clone(),
        path: wanted.path.clone(),
        manifest,
    })
}

/// A tree that was made from exactly the archive that is wanted, if the store has it.
///
/// Only sha256 tells: it is what the archives of trees are recorded by.
pub(super) async fn known_tree(
    context: &Context,
    job: &Together<'_>,
    wanted: &Wanted,
) -> Result<Option<(Bytes, TreeRow, Lease)>, StoreError> {
    let Some(bytes) = wanted.sources.first().cloned() else {
        return Ok(None);
    };
    let Some(expected) = bytes.expected.as_ref().map(ToString::to_string) else {
        return Ok(None);
    };
    let path = wanted.path.clone();
    let row = context
        .database
        .read(move |connection| {
            store::pack::tree_of_archive(connection, &expected, path.as_deref())
        })
        .await?;
    let Some(row) = row else { return Ok(None) };
    let layout = Arc::clone(&context.layout);
    let present = present(job);
    // before the look: what is there then stays
    let lease = context.leases.take(&row.dir);
    store::off_thread(move || {
        let is_there = store::tree::is_usable(&layout, &row.dir, &row.digest, present);
        Ok(is_there.then_some((bytes, row, lease)))
    })
    .await
}

/// What trees of the store are taken for: who uses force may do so because they are damaged.
fn present(job: &Together<'_>) -> Present {
    if job.request().flags().force {
        Present::Compared
    } else {
        Present::Trusted
    }
}

/// The same as [`run`], of a tree that the store already has.
pub(super) async fn from_store(
    context: &Context,
    job: &Together<'_>,
    wanted: &Wanted,
    (bytes, row, lease): (Bytes, TreeRow, Lease),
) -> Result<Inspected, StepError> {
    job.begin(StepName::Inspect, None).await?;
    let (manifest, contents) = {
        let tree = context.layout.store().join(&row.dir);
        let list = store::tree::manifest_path(&context.layout, &row.dir);
        let (known, shown) = (known(wanted), bytes.shown.clone());
        blocking(move || {
            let manifest = read_manifest(&tree, known.as_ref(), &shown)?;
            let files = FileList::parse(&read(&list)?)
                .map_err(|source| InspectError::List { path: list, source })?;
            let contents = contents(&manifest, &files);
            Ok::<_, InspectError>((manifest, contents))
        })
        .await??
    };
    agree(wanted, &manifest, &bytes.shown)?;
    is_promised(&bytes, &row.digest)?;
    let message = format!("{} {}", manifest.pack_ref, manifest.version);
    job.complete(StepName::Inspect, message).await?;
    Ok(Inspected {
        wanted: wanted.clone(),
        contents,
        dir: row.dir,
        lease,
        made: false,
        put_away: None,
        tree: row.digest,
        archive: row.archive,
        bytes,
        registry: wanted.registry.clone(),
        path: wanted.path.clone(),
        manifest,
    })
}

/// The `pack.yaml` of an active pack.
///
/// # Errors
/// When its tree is damaged or gone.
pub(super) async fn manifest_of(
    context: &Context,
    installed: &crate::store::pack::Installed,
) -> Result<Manifest, StepError> {
    let tree = context.layout.store().join(&installed.dir);
    let known = installed.pack_ref.parse().ok();
    let shown = format!("the store, as `{}`", installed.pack_ref);
    Ok(blocking(move || read_manifest(&tree, known.as_ref(), &shown)).await??)
}

/// A pack in staging, looked at.
struct Staged {
    /// Where it begins.
    folder: PathBuf,
    /// What lies in it.
    files: FileList,
    manifest: Manifest,
    contents: ContentsView,
    /// Digest of the tree.
    tree: String,
}

impl Staged {
    /// Finds the pack in what was unpacked into `folder`. Blocks.
    fn find(
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
fn read_manifest(
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

/// The ref that a registry offers the pack under: that of a pack which has none itself, as StackStorm's may.
fn known(wanted: &Wanted) -> Option<PackRef> {
    wanted.registry.as_ref().and(wanted.pack_ref.clone())
}

fn read(path: &Path) -> Result<Vec<u8>, InspectError> {
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

/// Entry and content must agree: what calls itself otherwise is never installed as what was asked for.
fn agree(wanted: &Wanted, manifest: &Manifest, shown: &str) -> Result<(), InspectError> {
    let Some(name) = &wanted.pack_ref else {
        return Ok(());
    };
    let version_agrees = wanted
        .version
        .as_ref()
        .is_none_or(|version| *version == manifest.version);
    if *name == manifest.pack_ref && version_agrees {
        return Ok(());
    }
    Err(InspectError::Other {
        shown: shown.to_owned(),
        pack: manifest.pack_ref.clone(),
        version: Box::new(manifest.version.clone()),
        wanted: name.clone(),
        wanted_version: wanted.version.clone().map(Box::new),
        offered: wanted.registry.is_some(),
    })
}

/// That the tree is the one that the registry, or the request, promised.
fn is_promised(bytes: &Bytes, tree: &str) -> Result<(), InspectError> {
    match bytes.tree.filter(|expected| expected.to_string() != tree) {
        None => Ok(()),
        Some(expected) => Err(InspectError::Tree {
            shown: bytes.shown.clone(),
            expected: expected.to_string(),
            actual: tree.to_owned(),
        }),
    }
}

fn contents(manifest: &Manifest, files: &FileList) -> ContentsView {
    let contents = Contents::of(manifest, files);
    ContentsView {
        actions: contents.actions,
        sensors: contents.sensors,
        triggers: contents.triggers,
        rules: contents.rules,
        workflows: contents.workflows,
    }
}

/// The plan, as far as its packs are known now.
pub(super) fn plan_view(
    plan: &Plan,
    inspected: &[Inspected],
    active: &Active,
    force: bool,
) -> PlanView {
    let mut view = plan.view(active);
    for (change, wanted) in view.changes.iter_mut().zip(&plan.wanted) {
        let Some(pack) = inspected.iter().find(|pack| pack.wanted.is_same(wanted)) else {
            continue;
        };
        let name = pack.manifest.pack_ref.as_str();
        let from = active.get(name);
        change.pack_ref = Some(name.to_owned());
        change.from = from.map(|pack| pack.version.clone());
        change.to = Some(pack.manifest.version.to_string());
        change.action = match from {
            Some(from) if pack.is_active_as(from) && !force && !pack.made => {
                packd_wire::ChangeAction::Keep
            }
            from => resolve::action(from, Some(&pack.manifest.version)),
        };
        change.source = Some(pack.bytes.shown.clone());
        change.digest.clone_from(&pack.archive);
        let chosen = pack.bytes.commit();
        change.commit = chosen.map(|chosen| chosen.commit.clone());
        change.git_ref = chosen.and_then(|chosen| chosen.git_ref.clone());
    }
    view.changed = view.is_change();
    view
}

/// The packs that are not active already with this very tree; `force` takes none for the same, and a tree that
/// was missing is none that was there.
pub(super) fn without_same_trees(
    mut inspected: Vec<Inspected>,
    active: &Active,
    force: bool,
) -> Vec<Inspected> {
    inspected.retain(|pack| {
        let from = active.get(pack.manifest.pack_ref.as_str());
        force || pack.made || from.is_none_or(|from| !pack.is_active_as(from))
    });
    inspected
}

impl Inspected {
    /// Whether an active pack is this very tree, from where it belongs.
    fn is_active_as(&self, active: &Installed) -> bool {
        active.dir == self.dir
            && (self.registry.is_none() || active.record.registry == self.registry)
    }

    /// Whether it needs what the plan takes it to need.
    pub(super) fn is_as_planned(&self) -> bool {
        let texts = |needs: &[Dependency]| -> BTreeSet<String> {
            needs.iter().map(ToString::to_string).collect()
        };
        let planned = self.wanted.needs.as_deref();
        let needs = texts(&self.manifest.dependencies);
        self.wanted.pack_ref.is_some() && texts(planned.unwrap_or_default()) == needs
    }

    /// What its `pack.yaml` says, for the plan.
    pub(super) fn brought(&self) -> Brought {
        Brought {
            wanted: self.wanted.clone(),
            pack_ref: self.manifest.pack_ref.clone(),
            version: self.manifest.version.clone(),
            dependencies: self.manifest.dependencies.clone(),
        }
    }
}
