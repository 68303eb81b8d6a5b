#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod folder;
mod kept;

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use packd_format::archive::Limits;
use packd_format::{Algorithm, Digest};
use packd_wire::ErrorKind;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

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

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive with one stored file. The CRC is the caller's, so that it can be wrong.
fn zip(name: &str, content: &[u8], crc: u32) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let name_length = u16::try_from(name.len()).unwrap();
    let mut common = Vec::new();
    for field in [20, 0, 0, 0, 0x21] {
        common.extend(u16::to_le_bytes(field));
    }
    common.extend(crc.to_le_bytes());
    common.extend(u32::from(length).to_le_bytes());
    common.extend(u32::from(length).to_le_bytes());
    common.extend(name_length.to_le_bytes());
    common.extend(0u16.to_le_bytes());

    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(&common);
    bytes.extend(name.as_bytes());
    bytes.extend(content);
    let start = u32::try_from(bytes.len()).unwrap();
    bytes.extend(b"PK\x01\x02\x14\x03");
    bytes.extend(&common);
    bytes.extend([0; 6]);
    bytes.extend((0o10_0644u32 << 16).to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(name.as_bytes());
    let size = u32::try_from(bytes.len()).unwrap() - start;
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn sample() -> Vec<u8> {
    gzip(&tar(&[
        ("pack.yaml", b"ref: slack\n"),
        ("actions/post.yaml", b"name: post\n"),
    ]))
}

fn zip_sample() -> Vec<u8> {
    let content = b"ref: slack\n";
    let mut crc = flate2::Crc::new();
    crc.update(content);
    zip("pack.yaml", content, crc.sum())
}

/// Bytes that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
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
async fn a_mismatch_names_both_digests() {
    let archive = sample();
    let server = Loopback::serving(archive.clone());
    for promised in [Digest::sha256_of(b"other"), sha512(b"other")] {
        let error = Case::new()
            .expecting(promised)
            .url(&server)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DigestMismatch);
        assert!(!error.is_transient());
        let text = error.to_string();
        assert!(text.contains(&promised.to_string()), "{text}");
        if promised.algorithm() == Algorithm::Sha256 {
            assert!(
                text.contains(&Digest::sha256_of(&archive).to_string()),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_corrupted_download_is_a_digest_mismatch_first() {
    let archive = gzip(&tar(&[("data", &noise(1_000_000))]));
    let digest = Digest::sha256_of(&archive);
    let mut flipped = archive.clone();
    flipped[100_000] ^= 0xff;
    for broken in [
        flipped,
        archive[..500_000].to_vec(),
        b"<!doctype html><html>please sign in".to_vec(),
    ] {
        let server = Loopback::serving(broken);
        let error = Case::new()
            .expecting(digest)
            .url(&server)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DigestMismatch, "{error:?}");
        let told = std::error::Error::source(&error).is_some();
        assert!(told, "what is wrong with the bytes is told as the cause");
        let error = Case::new().url(&server).await.unwrap_err();
        let kinds = [ErrorKind::InvalidArchive, ErrorKind::UnsupportedArchive];
        assert!(
            kinds.contains(&error.kind()),
            "nothing was promised: {error:?}"
        );
    }
}

#[tokio::test]
async fn the_promised_bytes_with_a_bad_archive_are_a_bad_archive() {
    let damaged = zip("pack.yaml", b"ref: slack\n", 1);
    let evil = gzip(&tar(&[("a/.git/config", b"x")]));
    let page = b"<html>moved</html>".to_vec();
    let junk = [gzip(&tar(&[("a", b"x")])), b"junk".to_vec()].concat();
    for (archive, kind) in [
        (damaged, ErrorKind::InvalidArchive),
        (evil, ErrorKind::UnsafeArchive),
        (page, ErrorKind::UnsupportedArchive),
        (junk, ErrorKind::InvalidArchive),
        (Vec::new(), ErrorKind::UnsupportedArchive),
    ] {
        let server = Loopback::serving(archive.clone());
        let error = Case::new()
            .expecting(Digest::sha256_of(&archive))
            .url(&server)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn limits_are_those_of_the_context() {
    let archive = gzip(&tar(&[("a", &[0; 2000]), ("b", &[0; 2000])]));
    let server = Loopback::serving(archive.clone());
    let mut case = Case::new();
    case.limits.entries = 1;
    assert_eq!(
        case.url(&server).await.unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );

    // the download itself
    let mut case = Case::new();
    case.limits.pack_bytes = archive.len() as u64 - 1;
    assert_eq!(
        case.url(&server).await.unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
    let path = case.folder.path().with_extension("tar.gz");
    fs_err::write(&path, &archive).unwrap();
    assert_eq!(
        case.fetch(&Location::file(path.clone()))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::LimitExceeded
    );
    fs_err::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_size_that_is_known_is_held_to() {
    let archive = sample();
    let digest = Digest::sha256_of(&archive);
    let length = archive.len() as u64;
    let silent = {
        let archive = archive.clone();
        Loopback::start(move |_, stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
            stream.write_all(&archive)
        })
    };
    for server in [&Loopback::serving(archive), &silent] {
        for (size, fits) in [(length, true), (length - 1, false), (length + 1, false)] {
            let mut case = Case::new().expecting(digest);
            case.size = Some(size);
            let kind = case
                .url(server)
                .await
                .map(drop)
                .map_err(|error| error.kind());
            let expected = if fits {
                Ok(())
            } else {
                Err(ErrorKind::DigestMismatch)
            };
            assert_eq!(kind, expected, "{length} bytes, {size} expected");
        }
    }
}

#[tokio::test]
async fn a_cut_or_stalled_download_is_transient_and_says_how_far_it_came() {
    let server = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
        stream.write_all(&sample()[..60])
    });
    let error = Case::new()
        .expecting(Digest::sha256_of(b""))
        .url(&server)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FetchFailed);
    assert!(error.is_transient());
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        cause.contains("60 of 1000 bytes") && !cause.contains("hunter2"),
        "{cause}"
    );

    let server = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")?;
        stream.write_all(&sample()[..60])?;
        until_gone(stream)
    });
    let error = Case::waiting(Duration::from_millis(200))
        .url(&server)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FetchFailed);
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_archive_that_goes_on_after_its_end_is_not_waited_for() {
    let server = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        stream.write_all(&tar(&[(".git/config", b"x")])[..1024])?;
        loop {
            stream.write_all(&[0; 8192])?;
        }
    });
    let error = Case::new().url(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafeArchive, "{error:?}");

    // with a digest all of it would have to be read, and that ends at the budget
    let mut case = Case::new().expecting(Digest::sha256_of(b""));
    case.limits.pack_bytes = 1_000_000;
    let error = case.url(&server).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
}

#[tokio::test]
async fn a_fetch_can_be_stopped_at_every_point() {
    let stop = CancellationToken::new();
    let silent = Loopback::stalling("");
    let half = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
        stream.write_all(&sample()[..60])?;
        until_gone(stream)
    });
    let endless = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let mut archive = GzEncoder::new(stream, Compression::none());
        for number in 0.. {
            let file = tar(&[(&format!("file-{number}"), &noise(10_000))]);
            // without the end of archive
            archive.write_all(&file[..512 + 10_240])?;
        }
        Ok(())
    });
    let before = Case {
        stop: stop.clone(),
        ..Case::new()
    };
    stop.cancel();
    assert!(
        before.url(&half).await.unwrap_err().is_cancelled(),
        "stopped before it began"
    );

    let case = Case::new();
    let (result, ()) = tokio::join!(case.url(&silent), async {
        while silent.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        case.stop.cancel();
    });
    assert!(
        result.unwrap_err().is_cancelled(),
        "stopped while the server says nothing"
    );

    for server in [&half, &endless] {
        let stop = CancellationToken::new();
        let log = Log {
            stop_at_bytes: Some(stop.clone()),
            ..Log::default()
        };
        let case = Case {
            stop,
            log,
            ..Case::new()
        };
        assert!(
            case.url(server).await.unwrap_err().is_cancelled(),
            "stopped in the body"
        );
    }
    let stop = CancellationToken::new();
    let log = Log {
        stop_at_file: Some(stop.clone()),
        ..Log::default()
    };
    let case = Case {
        stop,
        log,
        ..Case::new()
    };
    assert!(
        case.url(&endless).await.unwrap_err().is_cancelled(),
        "stopped while it unpacks"
    );
    let left = count(case.folder.path());
    tokio::task::yield_now().await;
    assert_eq!(
        count(case.folder.path()),
        left,
        "nothing is written afterwards"
    );
    fs_err::remove_dir_all(case.folder.path()).unwrap();
}

fn count(folder: &Path) -> usize {
    fs_err::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn a_fetch_that_is_dropped_ends_its_thread() {
    let server = Loopback::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
        stream.write_all(&sample()[..60])?;
        until_gone(stream)
    });
    let case = Case::new();
    let location = at(&server);
    let mut fetching = Box::pin(case.fetch(&location));
    tokio::select! {
        _ = &mut fetching => panic!("the server never ends"),
        () = async {
            while case.log.downloading.lock().unwrap().len() < 2 {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    drop(fetching);
    // the runtime of this test ends only when its threads have
}

#[tokio::test]
async fn a_full_file_system_is_told_as_such() {
    for archive in [sample(), zip_sample()] {
        let server = Loopback::serving(archive);
        let case = Case::new();
        let context = Fetch {
            http: &case.http,
            cache: &case.cache,
            limits: &case.limits,
            size: None,
            min_free: 0,
            base: None,
            progress: &case.log,
            stop: &case.stop,
        };
        // a folder that cannot be written to is another error
        let error = fetch(&context, &at(&server), &[], Path::new("/proc/self"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    }
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let from = || "x".to_owned();
    let folder = || Path::new("/var/lib/packd/staging/1").to_owned();
    let write = packd_format::archive::ArchiveError::Write {
        path: folder(),
        source: full(),
    };
    for error in [
        SourceError::Spool {
            from: from(),
            folder: folder(),
            source: full(),
        },
        SourceError::Unpack {
            from: from(),
            folder: folder(),
            source: write,
        },
    ] {
        assert_eq!(error.kind(), ErrorKind::NoSpace);
        let hint = error.hint().unwrap();
        assert!(
            hint.contains("the state folder") && !hint.contains("staging"),
            "the staging folder is gone by then: {hint}"
        );
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
