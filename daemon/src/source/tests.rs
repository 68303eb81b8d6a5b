#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod ended;
mod folder;
mod judged;
mod kept;
mod made;

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use packd_format::archive::Limits;
use packd_format::{Algorithm, Digest};
use packd_wire::ErrorKind;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use self::made::{gzip, noise, sample, tar, zip, zip_sample};
use super::archive::{Location, Unpacked, Way, fetch};
use super::{Cache, Fetch, Progress, SourceError};
use crate::config::{Config, Net, Proxy, Shared};
use crate::net::loopback::{Loopback, until_gone};
use crate::net::{Http, SafeUrl};

/// Generous: only a test that fails waits for it.
const IDLE: Duration = Duration::from_secs(20);

/// Everything a fetch needs, and the folder it writes to.
struct Case {
    http: Http,
    cache: Cache,
    /// Of the cache; on by default, as it is for an operator.
    kept: TempDir,
    limits: Limits,
    size: Option<u64>,
    expected: Vec<Digest>,
    stop: CancellationToken,
    log: Log,
    folder: TempDir,
}

#[derive(Default)]
struct Log {
    downloading: Mutex<Vec<(String, u64, Option<u64>)>>,
    extracting: Mutex<Vec<String>>,
    /// Cancelled when the first bytes have come.
    stop_at_bytes: Option<CancellationToken>,
    /// Cancelled when the first file is unpacked.
    stop_at_file: Option<CancellationToken>,
}

impl Progress for Log {
    fn downloading(&self, url: &str, done: u64, total: Option<u64>) {
        self.downloading
            .lock()
            .unwrap()
            .push((url.to_owned(), done, total));
        if let Some(stop) = self.stop_at_bytes.as_ref().filter(|_| done > 0) {
            stop.cancel();
        }
    }

    fn extracting(&self, file: &str, _files: u64, _bytes: u64) {
        self.extracting.lock().unwrap().push(file.to_owned());
        if let Some(stop) = &self.stop_at_file {
            stop.cancel();
        }
    }
}

impl Case {
    fn new() -> Self {
        Self::waiting(IDLE)
    }

    fn waiting(idle_timeout: Duration) -> Self {
        let net = Net {
            proxy: Proxy::None,
            idle_timeout,
            ..Net::default()
        };
        let kept = tempfile::tempdir().unwrap();
        let config = Shared::new(Config::default());
        Self {
            http: Http::new(&net).unwrap(),
            cache: Cache::new(kept.path().to_owned(), config),
            kept,
            limits: Limits::default(),
            size: None,
            expected: Vec::new(),
            stop: CancellationToken::new(),
            log: Log::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn expecting(mut self, digest: Digest) -> Self {
        self.expected.push(digest);
        self
    }

    async fn fetch(&self, location: &Location) -> Result<Unpacked, SourceError> {
        self.fetch_into(self.folder.path(), location).await
    }

    async fn fetch_into(
        &self,
        folder: &Path,
        location: &Location,
    ) -> Result<Unpacked, SourceError> {
        let context = Fetch {
            http: &self.http,
            cache: &self.cache,
            limits: &self.limits,
            size: self.size,
            min_free: 0,
            base: None,
            progress: &self.log,
            stop: &self.stop,
        };
        fetch(&context, location, &self.expected, folder).await
    }

    async fn url(&self, server: &Loopback) -> Result<Unpacked, SourceError> {
        self.fetch(&at(server)).await
    }

    /// What a file of the tree holds.
    fn content(&self, file: &str) -> String {
        fs_err::read_to_string(self.folder.path().join(file)).unwrap()
    }
}

fn at(server: &Loopback) -> Location {
    let url = server.url("/pack.tar.gz?token=hunter2");
    Location::named(SafeUrl::parse(&url).unwrap(), true)
}

fn sha512(bytes: &[u8]) -> Digest {
    let mut hasher = packd_format::digest::Hasher::new(Algorithm::Sha512);
    hasher.update(bytes);
    hasher.finish()
}

#[tokio::test]
async fn a_tar_gz_comes_as_a_tree_with_its_digests() {
    let archive = sample();
    let server = Loopback::serving(archive.clone());
    let digest = Digest::sha256_of(&archive);
    let case = Case::new().expecting(digest).expecting(sha512(&archive));
    let unpacked = case.url(&server).await.unwrap();
    assert_eq!(unpacked.archive, digest);
    assert_eq!(unpacked.bytes, archive.len() as u64);
    assert_eq!(unpacked.files.entries().len(), 3, "two files and a folder");
    assert_eq!(case.content("pack.yaml"), "ref: slack\n");
    assert_eq!(case.content("actions/post.yaml"), "name: post\n");

    let total = archive.len() as u64;
    let told = case.log.downloading.lock().unwrap();
    let url = server.url("/pack.tar.gz?token=***");
    assert_eq!(
        told.first().unwrap(),
        &(url.clone(), 0, Some(total)),
        "secrets are masked"
    );
    assert_eq!(told.last().unwrap(), &(url, total, Some(total)));
    assert!(
        !case.log.extracting.lock().unwrap().is_empty(),
        "unpacking is told too"
    );
}

#[tokio::test]
async fn an_archive_larger_than_every_buffer_comes_whole() {
    let content = noise(5_000_000);
    let archive = gzip(&tar(&[("data", &content)]));
    let server = Loopback::serving(archive.clone());
    let case = Case::new().expecting(Digest::sha256_of(&archive));
    case.url(&server).await.unwrap();
    assert!(
        fs_err::read(case.folder.path().join("data")).unwrap() == content,
        "the file is as it was packed"
    );
}

#[tokio::test]
async fn the_name_does_not_decide_what_it_is() {
    for archive in [zip_sample(), tar(&[("pack.yaml", b"ref: slack\n")])] {
        let server = Loopback::serving(archive.clone());
        let case = Case::new().expecting(Digest::sha256_of(&archive));
        let unpacked = case.url(&server).await.unwrap();
        assert_eq!(unpacked.bytes, archive.len() as u64);
        assert_eq!(case.content("pack.yaml"), "ref: slack\n");
        let names: Vec<_> = fs_err::read_dir(case.folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "the spooled archive is no part of the tree");
    }
}

#[tokio::test]
async fn a_local_file_goes_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    for archive in [sample(), zip_sample()] {
        let path = folder.path().join("upload");
        fs_err::write(&path, &archive).unwrap();
        let case = Case::new().expecting(Digest::sha256_of(&archive));
        let unpacked = case.fetch(&Location::file(path.clone())).await.unwrap();
        assert_eq!(unpacked.archive, Digest::sha256_of(&archive));
        assert_eq!(case.content("pack.yaml"), "ref: slack\n");

        let wrong = Case::new().expecting(Digest::sha256_of(b""));
        let error = wrong.fetch(&Location::file(path)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    }
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    for (path, expected) in [
        (folder.path().to_owned(), "NotAFile"),
        (fifo, "NotAFile"),
        (folder.path().join("missing"), "Open"),
    ] {
        let error = Case::new().fetch(&Location::file(path)).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::FetchRefused);
    }
}

#[tokio::test]
async fn plain_http_is_the_location_s_to_allow() {
    let server = Loopback::serving(sample());
    let url = SafeUrl::parse(&server.url("/pack.tar.gz")).unwrap();
    let refused = Case::new()
        .fetch(&Location::named(url, false))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::SourceRefused);
    assert!(server.asked().is_empty(), "nothing was asked of the server");
}

#[tokio::test]
async fn an_archive_that_is_not_there_is_named_once() {
    let case = Case::new();
    let path = case.folder.path().join("none.tar.gz");
    let error = case.fetch(&Location::file(path.clone())).await.unwrap_err();
    assert_eq!(
        crate::logging::chain(&error),
        format!(
            "cannot open the archive {}: No such file or directory (os error 2)",
            path.display()
        )
    );
}
