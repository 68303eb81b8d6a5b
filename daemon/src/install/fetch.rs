//! Step 2 of 7: bring the bytes, and prove that they are the ones that were promised.
//!
//! One pass: what arrives is digested, inflated and written into
//! `staging/<job>/` at the same time (`unpack` is the other half of it). Reads
//! the network, or an upload. Safe to repeat: an attempt starts with an empty
//! folder.

use std::path::Path;
use std::sync::Arc;

use packd_format::Digest;
use packd_format::archive::Format;
use packd_format::tree::FileList;
use packd_wire::{ErrorKind, EventKind, Problem, StepName, Verification};
use serde_json::json;

use crate::resolve::{Active, Bytes, Wanted};
use crate::source::archive::Way;
use crate::source::git::{self, At, Reach};
use crate::source::{Fetch, Place, SourceError, archive};
use crate::store::{self, StoreError};

use super::progress::Teller;
use super::together::Together;
use super::{Context, StepError, earlier, unpack};

/// An archive or a commit, unpacked and proven.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The place that the bytes really came from.
    pub bytes: Bytes,
    /// sha256 of the archive, where it was one.
    pub archive: Option<Digest>,
    /// What lies in the folder.
    pub files: FileList,
}

/// Brings a pack's bytes into `folder`, from the first of its sources that has them.
pub(super) async fn run(
    context: &Context,
    job: &Together<'_>,
    active: &Active,
    wanted: &Wanted,
    folder: &Path,
) -> Result<Fetched, StepError> {
    let mut failures: Vec<StepError> = Vec::new();
    for bytes in &wanted.sources {
        match one(context, job, active, wanted, bytes, folder).await {
            Err(StepError::Failed {
                problem,
                transient,
                retry_after,
            }) => {
                if wanted.sources.len() > 1 {
                    let why = std::iter::once(&problem.detail).chain(&problem.causes);
                    let why: Vec<_> = why.map(String::as_str).collect();
                    let message = format!("{}: {}", bytes.shown, why.join(": "));
                    job.warn(None, message).await?;
                }
                failures.push(StepError::Failed {
                    problem,
                    transient,
                    retry_after,
                });
                crate::install::empty(folder).await?;
            }
            other => return other,
        }
    }
    Err(StepError::of_several(failures))
}

async fn one(
    context: &Context,
    job: &Together<'_>,
    active: &Active,
    wanted: &Wanted,
    bytes: &Bytes,
    folder: &Path,
) -> Result<Fetched, StepError> {
    let config = context.config.current();
    // an index need not say how large an archive is; what must stay free is known all the same
    let size = bytes.size.unwrap_or_default();
    let needed = size
        .saturating_mul(2)
        .saturating_add(config.store.min_free.bytes());
    let free = free_bytes(context, needed).await?;
    if free < needed {
        let min_free = config.store.min_free.bytes();
        return Err(no_space(needed, min_free, free, &context.layout.state_dir));
    }
    job.begin(StepName::Fetch, Some(bytes.shown.clone()))
        .await?;
    job.begin(StepName::Unpack, None).await?;
    let pack_ref = wanted.pack_ref.as_ref().map(packd_format::PackRef::as_str);
    let teller = Teller::new(job, pack_ref);
    let limits = unpack::limits(&config.limits);
    let base = earlier::tree(&context.layout, &config, job, active, wanted, bytes);
    // another job may take its place meanwhile, and then nothing else keeps it
    let _base_stays = (base.iter())
        .filter_map(|tree| tree.strip_prefix(context.layout.store()).ok())
        .map(|dir| context.leases.take(&dir.to_string_lossy()))
        .next();
    let location = match &bytes.place {
        Place::Archive(location) => location,
        Place::Git(at) => {
            let mut reach = context.reach(&config, &limits, job.stop());
            reach.base = base.as_deref();
            return commit(job, wanted, bytes, at, &reach, &teller, folder).await;
        }
    };
    let expected: Vec<Digest> = bytes.expected.into_iter().collect();
    let fetch = Fetch {
        http: &context.http,
        cache: &context.cache,
        limits: &limits,
        size: bytes.size,
        min_free: config.store.min_free.bytes(),
        base: base.as_deref(),
        progress: &teller,
        stop: job.stop(),
    };
    let unpacked = archive::fetch(&fetch, location, &expected, folder).await;
    let is_other = matches!(
        unpacked,
        Err(SourceError::DigestMismatch { .. } | SourceError::SizeMismatch { .. })
    );
    if is_other
        && let Some(name) = &wanted.registry
        && context.registries.distrust(name)
    {
        let message = format!(
            "{} has changed since registry `{name}` was read; it is read anew, so ask again in a moment",
            bytes.shown
        );
        job.warn(pack_ref, message).await?;
    }
    let unpacked = unpacked?;

    let verified = match (&bytes.expected, bytes.verified_by) {
        (Some(digest), Verification::RegistrySignature) => {
            format!(
                "{} agrees with what the registry has signed",
                digest.algorithm()
            )
        }
        (Some(digest), Verification::RegistryChecksum) => {
            format!("{} agrees with the registry's", digest.algorithm())
        }
        (Some(digest), _) => format!("{} agrees with the request's", digest.algorithm()),
        (None, _) => "no checksum to compare with".to_owned(),
    };
    job.tell(EventKind::Verifying, pack_ref, json!({"message": verified}))
        .await?;
    if let Some(warning) = misnamed(&bytes.shown, unpacked.format) {
        job.warn(pack_ref, warning).await?;
    }
    let size = bytes_in_words(unpacked.bytes);
    let way = match unpacked.way {
        Way::Straight => String::new(),
        Way::Resumed(before) => format!(", {} of them from before", bytes_in_words(before)),
        Way::Cache => ", from the cache".to_owned(),
    };
    job.complete(StepName::Fetch, format!("{size}{way}, {verified}"))
        .await?;
    let entries = counted(unpacked.files.entries().len());
    job.complete(StepName::Unpack, entries).await?;
    Ok(Fetched {
        bytes: bytes.clone(),
        archive: Some(unpacked.archive),
        files: unpacked.files,
    })
}

/// The same of a commit of a repository.
async fn commit(
    job: &Together<'_>,
    wanted: &Wanted,
    bytes: &Bytes,
    at: &At,
    reach: &Reach<'_>,
    teller: &Teller<'_>,
    folder: &Path,
) -> Result<Fetched, StepError> {
    let fetched = git::fetch(reach, at, wanted.path.as_deref(), folder, teller).await;
    let fetched = fetched.map_err(|source| SourceError::Git { source })?;
    let pack_ref = wanted.pack_ref.as_ref().map(packd_format::PackRef::as_str);
    let commit = &at.chosen.commit;
    let verified = match bytes.verified_by {
        Verification::RegistrySignature => "commit agrees with what the registry has signed",
        Verification::RegistryCommit => "commit agrees with the registry's",
        Verification::RequestCommit => "commit agrees with the request's",
        _ if wanted.registry.is_some() => {
            "no commit to compare with, so this one counts from now on"
        }
        _ => "no commit to compare with",
    };
    let data = json!({"message": verified, "commit": commit, "git_ref": at.chosen.git_ref});
    job.tell(EventKind::Verifying, pack_ref, data).await?;
    for warning in &fetched.warnings {
        job.warn(pack_ref, warning.clone()).await?;
    }
    let came = if fetched.was_cached {
        "already here".to_owned()
    } else {
        bytes_in_words(fetched.bytes)
    };
    job.complete(
        StepName::Fetch,
        format!("commit {commit}, {came}, {verified}"),
    )
    .await?;
    let entries = counted(fetched.files.entries().len());
    job.complete(StepName::Unpack, entries).await?;
    Ok(Fetched {
        bytes: bytes.clone(),
        archive: None,
        files: fetched.files,
    })
}

/// How much space is free. If that is too little, the cache gives some back first.
async fn free_bytes(context: &Context, needed: u64) -> Result<u64, StoreError> {
    let (layout, cache) = (Arc::clone(&context.layout), context.cache.clone());
    store::off_thread(move || {
        let free = store::tree::free_bytes(&layout)?;
        if free >= needed {
            return Ok(free);
        }
        cache.give_back(needed - free);
        store::tree::free_bytes(&layout)
    })
    .await
}

/// What to say of an archive whose name promises another format than it has: it is read as what it is.
fn misnamed(shown: &str, format: Format) -> Option<String> {
    // of a URL, what is before its query
    let path = shown.split(['?', '#']).next().unwrap_or(shown);
    let name = path.rsplit('/').next().unwrap_or(path);
    let promised = Format::of_name(name).filter(|promised| *promised != format)?;
    Some(format!(
        "`{name}` is called {}, and is {}; it was read as what it is",
        promised.extension(),
        format.extension()
    ))
}

fn no_space(needed: u64, min_free: u64, free: u64, state: &Path) -> StepError {
    let text = format!(
        "{} are needed on the file system of `{}`, with the {} of `store.min_free` that stay free, and {} are free",
        bytes_in_words(needed),
        state.display(),
        bytes_in_words(min_free),
        bytes_in_words(free)
    );
    let mut problem = Problem::new(ErrorKind::NoSpace, text)
        .with_hint("free some space, or lower `store.min_free`; then ask again");
    problem.retryable = true;
    StepError::Failed {
        problem: Box::new(problem),
        transient: false,
        retry_after: None,
    }
}

/// A number of entries for people: `1 entry`, `6 entries`.
fn counted(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        entries => format!("{entries} entries"),
    }
}

/// An amount of bytes for people: `812 B`, `12.4 MiB`.
#[must_use]
pub(crate) fn bytes_in_words(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (entries, said) in [(0, "0 entries"), (1, "1 entry"), (6, "6 entries")] {
            assert_eq!(counted(entries), said);
        }
        for (bytes, said) in [(812, "812 B"), (2_048, "2.0 KiB"), (13_002_342, "12.4 MiB")] {
            assert_eq!(bytes_in_words(bytes), said);
        }
    }
}
