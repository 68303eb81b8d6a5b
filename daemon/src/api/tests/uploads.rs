//! Archives that come as a body.

use packd_format::Digest;
use packd_wire::{ErrorKind, JobView};

use super::*;
use crate::config::ByteSize;

/// What a zip archive begins with.
const ZIP: &str = "PK\x03\x04";

fn upload(target: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(target)
        .header(header::CONTENT_TYPE, content_type)
        .body(body.into())
        .unwrap()
}

#[tokio::test]
async fn an_upload_becomes_a_file_and_a_job() {
    let daemon = Daemon::new();
    let mut bytes: Vec<u8> = (0..700_000_u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    bytes[..3].copy_from_slice(b"\x1f\x8b\x08");
    let request = upload(
        "/v1/packs/upload?name=./slack&skip_deps=true",
        "application/gzip",
        bytes.clone(),
    );
    let answer = daemon.ask_as(Role::Operator, 1000, request).await;
    assert_eq!(
        answer.status,
        202,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let job: JobView = answer.json();
    let digest = Digest::sha256_of(&bytes);
    assert_eq!(
        job.request["digest"],
        digest.to_string(),
        "the job knows the digest"
    );
    assert_eq!(job.request["bytes"], 700_000, "and the size");
    let files = daemon.uploads();
    let [file] = files.as_slice() else {
        panic!("one file: {files:?}")
    };
    assert!(
        file.starts_with(&digest.hex()),
        "{file} is named by its digest"
    );
    let written = fs_err::read(daemon.state.parts.layout.uploads().join(file)).unwrap();
    assert!(written == bytes, "and has the bytes that were sent");
}

#[tokio::test]
async fn a_repeated_upload_is_the_same_job_and_no_second_file() {
    let daemon = Daemon::new();
    let keyed = |bytes: &'static str| {
        let mut request = upload("/v1/packs/upload", "application/zip", bytes);
        request
            .headers_mut()
            .insert("idempotency-key", "k".parse().unwrap());
        request
    };
    let first: JobView = daemon
        .ask_as(Role::Operator, 1000, keyed("PK\x03\x04 bytes"))
        .await
        .json();
    let again: JobView = daemon
        .ask_as(Role::Operator, 1000, keyed("PK\x03\x04 bytes"))
        .await
        .json();
    assert_eq!(first.id, again.id, "the same job");
    let other = daemon
        .ask_as(Role::Operator, 1000, keyed("PK\x03\x04 other"))
        .await;
    assert_eq!(
        other.problem().kind,
        ErrorKind::IdempotencyConflict,
        "other bytes are another request"
    );
    assert_eq!(daemon.uploads().len(), 1, "files without a job are gone");
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let limits = config::Limits {
        pack_bytes: ByteSize::mib(1),
        ..config::Limits::default()
    };
    let daemon = Daemon::with(
        Config {
            limits,
            ..Config::default()
        },
        Times::default(),
    );
    let mut large = vec![0_u8; (1 << 20) + 1];
    large[..4].copy_from_slice(ZIP.as_bytes());
    let chunks = large
        .chunks(10_000)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
        .collect::<Vec<_>>();
    let unannounced = Body::from_stream(futures_util::stream::iter(chunks));
    for (request, kind) in [
        (
            upload("/v1/packs/upload", "text/plain", "x"),
            ErrorKind::UnsupportedMediaType,
        ),
        (
            upload("/v1/packs/upload", "application/zip", large.clone()),
            ErrorKind::PayloadTooLarge,
        ),
        (
            upload("/v1/packs/upload", "application/zip", unannounced),
            ErrorKind::PayloadTooLarge,
        ),
        (
            upload("/v1/packs/upload?checksum=md5:1", "application/zip", ZIP),
            ErrorKind::InvalidReference,
        ),
        (
            upload("/v1/packs/upload", "application/zip", "<!doctype html>"),
            ErrorKind::UnsupportedArchive,
        ),
        (
            upload("/v1/packs/upload?sum=1", "application/zip", "x"),
            ErrorKind::UnknownField,
        ),
    ] {
        let target = request.uri().to_string();
        assert_eq!(
            daemon
                .ask_as(Role::Operator, 1000, request)
                .await
                .problem()
                .kind,
            kind,
            "{target}"
        );
    }
    assert_eq!(daemon.uploads(), Vec::<String>::new(), "no file is left");
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    let server = Served::new();
    let mut stream = server.connect().await;
    let head = "POST /v1/packs/upload HTTP/1.1\r\nHost: packd\r\nContent-Type: application/zip\r\n\
                Content-Length: 900000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(ZIP.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 600_000]).await.unwrap();
    let becomes = async |files: usize| {
        while server.daemon.uploads().len() != files {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, becomes(1))
        .await
        .expect("it is being received");
    drop(stream);
    tokio::time::timeout(PATIENCE, becomes(0))
        .await
        .expect("it is gone again");
    assert_eq!(
        server.get("/v1/jobs/1").await.status,
        404,
        "and made no job"
    );
    server.stop().await;
}

#[tokio::test]
async fn one_user_sends_so_many_at_once() {
    let daemon = Daemon::new();
    let held: Vec<_> = (0..4)
        .map(|_| daemon.state.uploads.try_take(1000, Rank::Other).unwrap())
        .collect();
    let ask = || {
        daemon.ask_as(
            Role::Operator,
            1000,
            upload("/v1/packs/upload", "application/zip", ZIP),
        )
    };
    assert_eq!(
        ask().await.problem().kind,
        ErrorKind::TooMany,
        "the fifth has to wait"
    );
    drop(held);
    assert_eq!(ask().await.status, 202, "until one has ended");
}
