#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_format::error::network::Stage;

use super::loopback::{Loopback, ok, redirect};
use super::*;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn fails(url: &str, limit: u64) -> FetchError {
    run(to_memory(url, limit)).unwrap_err()
}

#[test]
fn what_is_published_is_read_and_hashed_as_it_is() {
    let server = Loopback::files([("/a", b"hello".to_vec())]);
    assert_eq!(run(to_memory(&server.url("/a"), 5)).unwrap(), b"hello");

    let mut bytes = Vec::new();
    let mut heard = Vec::new();
    let fetched = run(digest_watched(
        &server.url("/a?x=1"),
        &[Algorithm::Sha256, Algorithm::Sha512],
        MAX_BYTES,
        Some(&mut bytes),
        &mut |done, total| heard.push((done, total)),
    ))
    .unwrap();
    assert_eq!(bytes, b"hello");
    assert_eq!(fetched.digests[0], Digest::sha256_of(b"hello"));
    assert_eq!(fetched.digests[1].algorithm(), Algorithm::Sha512);
    assert_eq!(fetched.bytes, 5);
    assert_eq!(fetched.final_url.path(), "/a");
    assert_eq!(heard.last(), Some(&(5, Some(5))), "progress is told");
    let asked = server.asked();
    assert!(
        asked[0].contains("accept-encoding: identity"),
        "no transfer in another form is asked for: {asked:?}"
    );
}

#[test]
fn redirects_are_followed_a_few_times_and_never_in_circles() {
    let server = Loopback::raw([
        ("/a", redirect("/b")),
        ("/b", redirect("/c")),
        ("/c", ok(b"here")),
        ("/circle", redirect("/circle")),
        ("/file", redirect("file:///etc/passwd")),
        ("/user", redirect("http://me:secret@127.0.0.1:1/x")),
    ]);
    let fetched = run(digest(&server.url("/a"), &[], 9, None)).unwrap();
    assert_eq!(fetched.final_url.path(), "/c");

    let error = fails(&server.url("/circle"), 9);
    assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
    assert_eq!(server.asked().len(), 3 + MAX_REDIRECTS + 1);
    let error = fails(&server.url("/user"), 9);
    let text = packd_format::error::chain(&error);
    assert!(matches!(error, FetchError::Redirect { .. }), "{error:?}");
    assert!(!text.contains("secret"), "no credential is told: {text}");
    let error = fails(&server.url("/file"), 9);
    let text = packd_format::error::chain(&error);
    assert!(
        text.ends_with("it leads to no http or https URL"),
        "a file is not followed to: {text}"
    );
}

#[test]
fn a_server_cannot_send_us_to_less_than_what_was_asked_for() {
    let refused = |from: &str, to: &str| {
        let url = |text: &str| Url::parse(text).unwrap();
        refusal(&[url(from)], &url(to)).map(|error| error.to_string())
    };
    assert_eq!(refused("https://a.example/", "https://b.example/"), None);
    assert_eq!(refused("http://a.example/", "https://b.example/"), None);
    assert_eq!(refused("http://a.example/", "http://b.example/"), None);
    assert_eq!(
        refused("https://a.example/", "http://a.example/").as_deref(),
        Some("it leads from https to http")
    );
}

#[test]
fn what_is_larger_than_the_limit_is_not_read_to_its_end() {
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.extend(vec![b'x'; 100_000]);
    let server = Loopback::raw([("/announced", ok(&[b'x'; 100])), ("/endless", endless)]);
    for path in ["/announced", "/endless"] {
        let error = fails(&server.url(path), 99);
        assert!(
            matches!(error, FetchError::TooLarge { limit: 99, .. }),
            "{path}: {error:?}"
        );
    }
}

#[test]
fn what_ends_early_or_is_refused_is_an_error_that_says_so() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhalf".to_vec();
    let gone = b"HTTP/1.1 503 Gone Home\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let server = Loopback::raw([("/cut", cut), ("/gone", gone), ("/no", b"hi\n".to_vec())]);
    let error = fails(&server.url("/cut"), 99);
    assert!(
        matches!(error, FetchError::Cut { received: 4, .. }),
        "{error:?}"
    );
    assert!(error.is_transient(), "a later try can get all of it");

    let error = fails(&server.url("/gone"), 99);
    assert!(error.is_transient() && matches!(error, FetchError::Status { .. }));
    let error = fails(&server.url("/missing?token=secret"), 99);
    assert!(!error.is_transient());
    let text = error.to_string();
    assert!(
        text.contains("/missing?…` answered 404") && !text.contains("secret"),
        "{text}"
    );
    let error = fails(&server.url("/no"), 99);
    assert!(
        matches!(
            error,
            FetchError::Unanswered {
                stage: Stage::Answer,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_port_without_a_server_is_named_by_its_host() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = fails(&format!("http://{closed}/"), 9);
    assert_eq!(
        packd_format::error::chain(&error),
        "cannot connect to `127.0.0.1`: Connection refused (os error 111)"
    );
}

#[test]
fn only_http_and_https_without_credentials_are_asked() {
    for text in [
        "file:///etc/passwd",
        "packs/a.tar.gz",
        "",
        "ftp://h/x",
        "https://",
    ] {
        let error = parse(text).unwrap_err();
        assert!(
            matches!(error, FetchError::NoUrl { .. }),
            "{text}: {error:?}"
        );
    }
    let error = parse("https://me:secret@host.example/a?token=hush#x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`https://host.example/a?…` must not contain credentials"
    );
    assert!(parse("HTTPS://host.example/a").is_ok());
}

#[test]
fn a_server_of_an_unknown_authority_is_not_trusted() {
    let error = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    // as the library has it
    let wrapped = std::io::Error::other(std::io::Error::other(error));
    assert!(error::is_certificate(&wrapped));
}
