//! What is kept of downloads: nothing is fetched twice, and nothing is believed because it was kept.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::config::ByteSize;
use crate::net::loopback::Asked;

impl Case {
    fn keeping(bytes: u64) -> Self {
        let mut config = Config::default();
        config.store.cache_size = ByteSize::new(bytes);
        let case = Self::new();
        Self {
            cache: Cache::new(case.kept.path().to_owned(), Shared::new(config)),
            ..case
        }
    }

    /// Fetches into a folder of its own.
    async fn again(&self, location: &Location) -> Result<Unpacked, SourceError> {
        let folder = tempfile::tempdir().unwrap();
        self.fetch_into(folder.path(), location).await
    }

    /// The files of the cache whose names end so.
    fn kept(&self, ending: &str) -> Vec<PathBuf> {
        let mut names: Vec<_> = fs_err::read_dir(self.kept.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        names.sort();
        names
    }
}

fn mirror(server: &Loopback, path: &str) -> Location {
    Location::named(SafeUrl::parse(&server.url(path)).unwrap(), true)
}

/// An archive that is larger than what sockets and pipes hold.
fn large() -> Vec<u8> {
    gzip(&tar(&[
        ("pack.yaml", b"ref: slack\n"),
        ("data", &noise(3_000_000)),
    ]))
}

/// What a server with ranges does, except for what `tell` changes.
struct Ranges {
    body: Vec<u8>,
    etag: &'static str,
}

impl Ranges {
    /// Answers as RFC 9110 wants it, and hangs up after `most` bytes of the body.
    fn answer(&self, asked: &Asked, stream: &mut TcpStream, most: usize) -> std::io::Result<()> {
        let Self { body, etag } = self;
        let total = body.len();
        let from: Option<usize> = asked
            .header("range")
            .filter(|_| asked.header("if-range") == Some(etag))
            .and_then(|range| {
                range
                    .strip_prefix("bytes=")?
                    .strip_suffix('-')?
                    .parse()
                    .ok()
            });
        let rest = &body[from.unwrap_or(0)..];
        let head = match from {
            Some(from) => format!(
                "206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}",
                total - 1
            ),
            None => "200 OK".to_owned(),
        };
        write!(
            stream,
            "HTTP/1.1 {head}\r\nConnection: close\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n",
            rest.len()
        )?;
        stream.write_all(&rest[..rest.len().min(most)])
    }
}

/// A server that breaks off once after `most` bytes, has a bad moment, and then does what `later` does.
fn breaking(
    ranges: Ranges,
    most: usize,
    later: impl Fn(&Ranges, &Asked, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) -> Loopback {
    let times = AtomicUsize::new(0);
    Loopback::start(
        move |asked, stream| match times.fetch_add(1, Ordering::SeqCst) {
            0 => ranges.answer(asked, stream, most),
            1 => stream
                .write_all(b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            _ => later(&ranges, asked, stream),
        },
    )
}

#[tokio::test]
async fn the_same_bytes_are_not_fetched_twice() {
    for archive in [
        sample(),
        zip_sample(),
        tar(&[("pack.yaml", b"ref: slack\n")]),
    ] {
        let server = Loopback::serving(archive.clone());
        let case = Case::new().expecting(Digest::sha256_of(&archive));
        let first = case.again(&mirror(&server, "/a")).await.unwrap();
        assert_eq!(first.way, Way::Straight);
        let second = case.again(&mirror(&server, "/b")).await.unwrap();
        assert_eq!(second.way, Way::Cache);
        assert_eq!(second.files, first.files);
        assert_eq!(second.bytes, archive.len() as u64);
        assert_eq!(server.asked().len(), 1, "asked for once");
    }
}

#[tokio::test]
async fn who_comes_second_waits_for_the_first() {
    let archive = large();
    let server = Loopback::serving(archive.clone());
    let case = Case::new().expecting(Digest::sha256_of(&archive));
    let (a, b) = (mirror(&server, "/a"), mirror(&server, "/b"));
    let (one, two, three) = tokio::join!(case.again(&a), case.again(&b), case.again(&a));
    let mut ways = [one, two, three].map(|done| done.unwrap().way);
    ways.sort_by_key(|way| *way != Way::Straight);
    assert_eq!(ways, [Way::Straight, Way::Cache, Way::Cache]);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn who_waits_can_be_stopped() {
    let server =
        Loopback::stalling("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n");
    let case = Case::new();
    let waiting = Case {
        cache: case.cache.clone(),
        ..Case::new()
    };
    let location = at(&server);
    let mut first = Box::pin(case.again(&location));
    while server.asked().is_empty() {
        assert!(futures_util::poll!(&mut first).is_pending());
        tokio::task::yield_now().await;
    }
    let stop = async { waiting.stop.cancel() };
    let (second, ()) = tokio::join!(waiting.again(&location), stop);
    assert!(matches!(second, Err(SourceError::Cancelled)), "{second:?}");
    case.stop.cancel();
    first.await.unwrap_err();
}

#[tokio::test]
async fn what_was_damaged_in_the_cache_is_thrown_away_and_fetched_again() {
    let archive = sample();
    let server = Loopback::serving(archive.clone());
    let case = Case::new().expecting(Digest::sha256_of(&archive));
    case.again(&at(&server)).await.unwrap();
    let kept = case.kept(&Digest::sha256_of(&archive).hex());
    let damages: [&dyn Fn(); 4] = [
        &|| fs_err::write(&kept[0], &archive[..archive.len() - 1]).unwrap(),
        &|| fs_err::write(&kept[0], b"").unwrap(),
        &|| {
            let mut changed = archive.clone();
            *changed.last_mut().unwrap() ^= 1;
            fs_err::write(&kept[0], changed).unwrap();
        },
        &|| fs_err::write(&kept[0], gzip(&tar(&[("pack.yaml", b"ref: evil\n")]))).unwrap(),
    ];
    for (number, damage) in damages.iter().enumerate() {
        damage();
        let unpacked = case.again(&at(&server)).await.unwrap();
        assert_eq!(unpacked.way, Way::Straight);
        assert_eq!(server.asked().len(), number + 2, "fetched again");
        assert_eq!(fs_err::read(&kept[0]).unwrap(), archive, "and kept");
    }
}

#[tokio::test]
async fn without_a_digest_the_server_says_whether_it_is_still_the_same() {
    let (old, new) = (sample(), zip_sample());
    let times = AtomicUsize::new(0);
    let answers = (old.clone(), new.clone());
    let server = Loopback::start(move |asked, stream| {
        let turn = times.fetch_add(1, Ordering::SeqCst);
        let (etag, body) = if turn < 2 {
            ("\"1\"", &answers.0)
        } else {
            ("\"2\"", &answers.1)
        };
        if asked.header("if-none-match") == Some(etag) {
            return stream.write_all(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
        }
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )?;
        stream.write_all(body)
    });
    let case = Case::new();
    let ways = async || {
        let unpacked = case.again(&at(&server)).await.unwrap();
        (unpacked.way, unpacked.archive)
    };
    assert_eq!(ways().await, (Way::Straight, Digest::sha256_of(&old)));
    assert_eq!(ways().await, (Way::Cache, Digest::sha256_of(&old)));
    assert_eq!(ways().await, (Way::Straight, Digest::sha256_of(&new)));
    assert_eq!(ways().await, (Way::Cache, Digest::sha256_of(&new)));
    let kept = case.kept(&Digest::sha256_of(&new).hex());
    fs_err::write(&kept[0], b"something else").unwrap();
    assert_eq!(
        ways().await,
        (Way::Straight, Digest::sha256_of(&new)),
        "what the server confirms is compared all the same"
    );
}

#[tokio::test]
async fn a_later_attempt_goes_on_where_an_earlier_one_broke_off() {
    let archive = large();
    for expected in [None, Some(Digest::sha256_of(&archive))] {
        let ranges = Ranges {
            body: archive.clone(),
            etag: "\"v1\"",
        };
        let server = breaking(ranges, 2_000_000, |ranges, asked, stream| {
            ranges.answer(asked, stream, usize::MAX)
        });
        let mut case = Case::new();
        case.expected.extend(expected);
        let error = case.again(&at(&server)).await.unwrap_err();
        assert!(error.is_transient(), "{error:?}");
        let parts = case.kept(".part");
        let has = fs_err::metadata(&parts[0]).unwrap().len();
        assert!(has > 0 && has <= 2_000_000, "{has} bytes were kept");

        // another daemon, as after a restart
        let later = Case {
            cache: Cache::new(case.kept.path().to_owned(), Shared::new(Config::default())),
            ..case
        };
        let unpacked = later.again(&at(&server)).await.unwrap();
        assert_eq!(unpacked.way, Way::Resumed(has));
        assert_eq!(unpacked.archive, Digest::sha256_of(&archive));
        assert_eq!(unpacked.bytes, archive.len() as u64);
        let asked = server.asked();
        let last = asked.last().unwrap();
        assert_eq!(last.header("range"), Some(format!("bytes={has}-").as_str()));
        assert_eq!(last.header("if-range"), Some("\"v1\""));
        let told = later.log.downloading.lock().unwrap();
        let total = Some(archive.len() as u64);
        assert!(
            told.iter()
                .any(|(_, done, of)| *done == has && *of == total),
            "progress goes on too"
        );
        drop(told);
        assert!(later.kept(".part").is_empty(), "it is whole now");
        assert_eq!(
            fs_err::read(&later.kept(&Digest::sha256_of(&archive).hex())[0]).unwrap(),
            archive
        );
    }
}

#[tokio::test]
async fn what_changed_in_between_is_fetched_from_its_start() {
    let (old, new) = (large(), sample());
    for code in [200, 206, 416] {
        let ranges = Ranges {
            body: old.clone(),
            etag: "\"v1\"",
        };
        let body = new.clone();
        let server = breaking(ranges, 2_000_000, move |_, asked, stream| {
            let whole = Ranges {
                body: body.clone(),
                etag: "\"v2\"",
            };
            match (code, asked.header("range")) {
                // ignores If-Range, and sends the rest of what it has now
                (206, Some(_)) => write!(
                    stream,
                    "HTTP/1.1 206 Partial Content\r\nConnection: close\r\nETag: \"v2\"\r\nContent-Range: bytes 1-2/3\r\nContent-Length: 2\r\n\r\nxx"
                ),
                (416, Some(_)) => {
                    write!(
                        stream,
                        "HTTP/1.1 416 No\r\nConnection: close\r\nContent-Range: bytes */3\r\nContent-Length: 0\r\n\r\n"
                    )
                }
                _ => whole.answer(asked, stream, usize::MAX),
            }
        });
        let case = Case::new();
        case.again(&at(&server)).await.unwrap_err();
        let unpacked = case.again(&at(&server)).await.unwrap();
        assert_eq!(unpacked.way, Way::Straight, "{code}");
        assert_eq!(unpacked.archive, Digest::sha256_of(&new), "{code}");
    }
}

#[tokio::test]
async fn a_rest_that_belongs_to_something_else_is_noticed_and_all_of_it_fetched() {
    let (archive, other) = (large(), gzip(&noise(3_000_000)));
    let total = archive.len();
    let ranges = Ranges {
        body: archive.clone(),
        etag: "\"v1\"",
    };
    let server = breaking(ranges, 2_000_000, move |ranges, asked, stream| {
        if asked.header("range").is_none() {
            return ranges.answer(asked, stream, usize::MAX);
        }
        // the same length and the same tag, and other bytes
        let mut lying = other.clone();
        lying.resize(total, 0);
        let lying = Ranges {
            body: lying,
            etag: "\"v1\"",
        };
        lying.answer(asked, stream, usize::MAX)
    });
    let case = Case::new().expecting(Digest::sha256_of(&archive));
    case.again(&at(&server)).await.unwrap_err();
    let unpacked = case.again(&at(&server)).await.unwrap();
    assert_eq!(unpacked.way, Way::Straight);
    assert_eq!(unpacked.archive, Digest::sha256_of(&archive));
    assert_eq!(server.asked().len(), 4, "broken, busy, lying, whole");
}

#[tokio::test]
async fn wrong_bytes_are_not_gone_on_with() {
    let server = Loopback::start(|asked, stream| {
        let ranges = Ranges {
            body: sample(),
            etag: "\"v1\"",
        };
        ranges.answer(asked, stream, usize::MAX)
    });
    let case = Case::new().expecting(Digest::sha256_of(b"something else"));
    let error = case.again(&at(&server)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
    assert_eq!(
        case.kept(""),
        Vec::<PathBuf>::new(),
        "nothing is left of it"
    );
    case.again(&at(&server)).await.unwrap_err();
    let asked = server.asked();
    assert!(
        asked.iter().all(|asked| asked.header("range").is_none()),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_no_server_can_go_on_with_is_not_kept() {
    let archive = large();
    // a length, and nothing that says which state it is the length of
    let total = archive.len();
    let server = Loopback::start(move |_, stream| {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: W/\"v1\"\r\nContent-Length: {total}\r\n\r\n"
        )?;
        stream.write_all(&archive[..2_000_000])
    });
    let case = Case::new();
    case.again(&at(&server)).await.unwrap_err();
    assert_eq!(case.kept(""), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn rubbish_in_the_cache_changes_nothing() {
    let archive = sample();
    let server = Loopback::start(|asked, stream| {
        let ranges = Ranges {
            body: sample(),
            etag: "\"v1\"",
        };
        ranges.answer(asked, stream, usize::MAX)
    });
    let case = Case::new();
    case.again(&at(&server)).await.unwrap();
    let record = case.kept(".json").remove(0);
    let digest = Digest::sha256_of(&archive);
    let kept = case.kept(&digest.hex()).remove(0);
    let part = record.with_extension("part");
    let mark = |total: usize| format!(r#"{{"mark":["\"v1\"",{total}],"boot":0}}"#);
    for (case_name, text, bytes) in [
        ("half a record", r#"{"etag":"#.to_owned(), &b"x"[..]),
        ("none of ours", "[]".to_owned(), b"x"),
        ("another boot", mark(archive.len()), b"xxxx"),
        ("longer than all of it", mark(3), b"xxxx"),
        (
            "an archive that is gone",
            format!(r#"{{"etag":"\"v1\"","digest":"{digest}","boot":0}}"#),
            b"",
        ),
    ] {
        fs_err::write(&record, text).unwrap();
        fs_err::write(&part, bytes).unwrap();
        drop(fs_err::remove_file(&kept));
        let unpacked = case.again(&at(&server)).await.unwrap();
        assert_eq!(unpacked.archive, digest, "{case_name}");
        assert_eq!(unpacked.way, Way::Straight, "{case_name}");
    }
}

#[tokio::test]
async fn a_cache_of_no_size_keeps_nothing() {
    let archive = sample();
    let server = Loopback::serving(archive.clone());
    let case = Case::keeping(0).expecting(Digest::sha256_of(&archive));
    for _ in 0..2 {
        let unpacked = case.again(&at(&server)).await.unwrap();
        assert_eq!(unpacked.way, Way::Straight);
    }
    assert_eq!(server.asked().len(), 2);
    assert_eq!(case.kept(""), Vec::<PathBuf>::new());
}
