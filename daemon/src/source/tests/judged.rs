//! What came is not what was promised, or not what may come.

use super::*;

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
