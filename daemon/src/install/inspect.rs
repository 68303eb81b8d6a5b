//! Step 4 of 7: what came is the pack that was asked for, and becomes a tree of the store.
//!
//! Reads the staged tree's `pack.yaml` and file list. Writes one immutable tree
//! and its row. Safe to repeat: the same tree has the same place.

mod error;
mod staged;

use std::path::Path;
use std::sync::Arc;

use packd_format::tree::FileList;
use packd_format::{Manifest, PackRef};
use packd_wire::StepName;

pub(crate) use self::error::InspectError;
use self::staged::{Staged, contents, read, read_manifest};
use super::fetch::Fetched;
use super::inspected::Inspected;
use super::together::Together;
use super::{Context, StepError, blocking};
use crate::resolve::{Bytes, Wanted};
use crate::store::lease::Lease;
use crate::store::pack::TreeRow;
use crate::store::tree::{Present, Published};
use crate::store::{self, StoreError};

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

/// The ref that a registry offers the pack under: that of a pack which has none itself, as StackStorm's may.
fn known(wanted: &Wanted) -> Option<PackRef> {
    wanted.registry.as_ref().and(wanted.pack_ref.clone())
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
