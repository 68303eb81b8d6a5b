//! `--fetch`: whether the archives of an index are where it says, and what it says.
//!
//! Nothing is kept of what is downloaded. Files are read only for an index that is a file itself: what a server
//! writes into its index is no reason to look around on this machine.

use std::io;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use futures_util::stream;
use packd_format::digest::Reader;
use packd_format::error::{chain, without_path};
use packd_format::index::validate::{Finding, Offered, Report, Rule};
use packd_format::{Algorithm, Digest};
use url::Url;

use super::{Fetched, Origin};
use crate::fetch as http;
use crate::output::{Output, text};

/// How many archives are fetched at the same time.
const AT_ONCE: usize = 8;

/// What came of looking at an archive.
enum Outcome {
    /// Its digest and its length.
    Read(Digest, u64),
    /// It could not be read: why, and what could help.
    Failed(String, Option<String>),
    /// It is no business of ours.
    Skipped,
}

/// Where an archive is.
enum Place {
    Url(String),
    File(PathBuf),
}

/// Looks at every archive, and adds to the report what is wrong.
pub(super) async fn compare(report: &mut Report, origin: &Origin, out: &mut Output) -> Fetched {
    let archives = std::mem::take(&mut report.archives);
    let mut fetched = Fetched {
        checked: 0,
        failed: 0,
        not_checked: report.repositories,
    };
    if !archives.is_empty() {
        let archives = text::count(archives.len() as u64, "archive", "archives");
        out.say(&format!("Fetching {archives}..."));
    }
    let outcomes = archives
        .iter()
        .map(|archive| look(archive, place(&archive.url, origin)));
    // in their order, however they come in
    let outcomes: Vec<_> = stream::iter(outcomes).buffered(AT_ONCE).collect().await;
    for (archive, outcome) in archives.iter().zip(outcomes) {
        match outcome {
            Outcome::Skipped => {
                fetched.not_checked += 1;
                continue;
            }
            Outcome::Failed(..) => fetched.failed += 1,
            Outcome::Read(..) => fetched.checked += 1,
        }
        judge(archive, outcome, report);
    }
    report.sort();
    fetched
}

/// Where a source is, seen from its index; nothing if it is not looked at.
fn place(url: &str, origin: &Origin) -> Option<Place> {
    let is_remote = matches!(origin, Origin::Url(_));
    match Url::parse(url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(Place::Url(url.into())),
        Ok(url) if url.scheme() == "file" && !is_remote => url.to_file_path().ok().map(Place::File),
        Err(url::ParseError::RelativeUrlWithoutBase) => match origin {
            Origin::Input => None,
            Origin::Url(base) => base.join(url).ok().map(|url| Place::Url(url.into())),
            Origin::File(index) => relative(index, url).map(Place::File),
        },
        Ok(_) | Err(_) => None,
    }
}

/// A relative URL as a file beside the index: as a server of that folder would read it.
fn relative(index: &Path, url: &str) -> Option<PathBuf> {
    let index = fs_err::canonicalize(index).ok()?;
    Url::from_file_path(index)
        .ok()?
        .join(url)
        .ok()?
        .to_file_path()
        .ok()
}

async fn look(archive: &Offered, place: Option<Place>) -> Outcome {
    let algorithm = archive
        .checksum
        .map_or(Algorithm::Sha256, |digest| digest.algorithm());
    match place {
        None => Outcome::Skipped,
        Some(Place::Url(url)) => {
            match http::digest(&url, &[algorithm], http::MAX_BYTES, None).await {
                Ok(fetched) => Outcome::Read(fetched.digests[0], fetched.bytes),
                Err(error) => Outcome::Failed(chain(&error), error.hint().map(str::to_owned)),
            }
        }
        Some(Place::File(path)) => {
            let read = tokio::task::spawn_blocking(move || digest_of(&path, algorithm));
            match read.await {
                Ok(Ok((digest, bytes))) => Outcome::Read(digest, bytes),
                Ok(Err(why)) => Outcome::Failed(why, None),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
    }
}

/// The digest and the length of a file.
fn digest_of(path: &Path, algorithm: Algorithm) -> Result<(Digest, u64), String> {
    let told =
        |error: io::Error| format!("cannot read `{}`: {}", path.display(), without_path(&error));
    if !fs_err::metadata(path).map_err(told)?.is_file() {
        return Err(format!("`{}` is no regular file", path.display()));
    }
    let file = fs_err::File::open(path).map_err(told)?;
    let mut reader = Reader::new(file, &[algorithm]);
    let bytes = io::copy(&mut reader, &mut io::sink()).map_err(told)?;
    Ok((reader.finish()[0], bytes))
}

fn judge(archive: &Offered, outcome: Outcome, report: &mut Report) {
    let mut add = |rule: Rule, message: String, hint: Option<String>| {
        let mut place = archive.place.clone();
        place.path.push_str(match rule {
            Rule::Digest => ".checksum",
            Rule::Length => ".size",
            _ => ".url",
        });
        report.add(Finding {
            rule,
            severity: rule.severity(),
            place,
            message,
            hint,
        });
    };
    match outcome {
        Outcome::Skipped => {}
        Outcome::Failed(why, hint) => add(Rule::Unreachable, why, hint),
        Outcome::Read(digest, bytes) => {
            if let Some(stated) = archive.checksum.filter(|stated| *stated != digest) {
                let message = format!(
                    "the archive of {} {} has digest {digest}, and the index says {stated}",
                    archive.pack, archive.version
                );
                let hint = "a published archive never changes: publish a new version".to_owned();
                add(Rule::Digest, message, Some(hint));
            }
            if let Some(stated) = archive.size.filter(|stated| *stated != bytes) {
                let message = format!(
                    "the archive of {} {} has {bytes} bytes, and the index says {stated}",
                    archive.pack, archive.version
                );
                add(Rule::Length, message, None);
            }
        }
    }
}
