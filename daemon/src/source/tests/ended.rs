//! Fetches that do not come to their end: cut, stalled, stopped, dropped, without space.

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

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
