//! Requests that no client of this API sends, refused before anything looks at them.
//!
//! There is no TCP listener, so no browser and no proxy belongs in front of the socket. Should
//! somebody put one there, every caller would be that proxy's user; these rules stop the accident.
//! The path is judged as it was sent: nothing here or later decodes it.

use axum::http::{HeaderMap, Request, Uri, Version, header};
use packd_wire::ErrorKind;

use super::problem::Refusal;

/// The names that clients call this server by.
const HOSTS: [&str; 2] = ["packd", "localhost"];

/// Encodings of what would be path syntax once decoded: slashes, dots, NUL, and `%` itself. Others
/// reach the routes as they are, and are part of no name that exists.
const ENCODED: [&str; 5] = ["%2f", "%5c", "%2e", "%00", "%25"];

/// Headers that only browsers and proxies send; one that ends in `-` stands for all that begin so.
const FOREIGN: [&str; 6] = [
    "origin",
    "forwarded",
    "x-forwarded-",
    "x-real-ip",
    "via",
    "sec-fetch-",
];

/// Whether a request is one that a client of this API would send.
///
/// # Errors
/// [`ErrorKind::BadRequest`], saying what is odd.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Refusal> {
    path(request.uri())?;
    host(request.version(), request.headers())?;
    foreign(request.headers())
}

fn path(uri: &Uri) -> Result<(), Refusal> {
    if uri.authority().is_some() || !uri.path().starts_with('/') {
        return Err(bad("the request's target is not a path"));
    }
    let path = uri.path();
    let lower = path.to_ascii_lowercase();
    if let Some(encoded) = ENCODED.iter().find(|encoded| lower.contains(**encoded)) {
        return Err(bad(format!("the path has an encoded `{encoded}`")));
    }
    if path.contains("//") {
        return Err(bad("the path has an empty segment"));
    }
    match path
        .split('/')
        .find(|segment| matches!(*segment, "." | ".."))
    {
        Some(segment) => Err(bad(format!("the path has a segment `{segment}`"))),
        None => Ok(()),
    }
}

fn host(version: Version, headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_10 => {
            Err(bad("HTTP/1.0 without `Host` is not spoken here"))
        }
        (None, _) => Err(bad("the request has no `Host`").hint("send `Host: packd`")),
        (Some(_), Some(_)) => Err(bad("the request has more than one `Host`")),
        (Some(host), None)
            if HOSTS
                .iter()
                .any(|known| host.as_bytes().eq_ignore_ascii_case(known.as_bytes())) =>
        {
            Ok(())
        }
        (Some(_), None) => Err(bad("the request is for another host")
            .hint("send `Host: packd`, or ask for `http://localhost/v1/…`")),
    }
}

fn foreign(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_foreign = |name: &&str| {
        FOREIGN
            .iter()
            .any(|known| known == name || known.ends_with('-') && name.starts_with(known))
    };
    match headers
        .keys()
        .map(header::HeaderName::as_str)
        .find(is_foreign)
    {
        None => Ok(()),
        Some(name) => Err(bad(format!(
            "the request has a header `{name}`, which browsers and proxies send"
        ))
        .hint(
            "connect to the socket itself: behind a proxy every caller would be the proxy's user",
        )),
    }
}

fn bad(detail: impl Into<String>) -> Refusal {
    Refusal::new(ErrorKind::BadRequest, detail)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn refused(path: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap())
            .err()
            .map(|refusal| refusal.problem().detail.clone())
    }

    #[test]
    fn paths_are_taken_as_sent() {
        let fine = [
            "/v1/packs",
            "/v1/packs/slack",
            "/v1/packs?q=%2f..//",
            "/v1/packs/",
            "/",
            "/v1/packs/a%20b",
        ];
        for path in fine {
            assert_eq!(refused(path, &[("host", "packd")]), None, "{path} is fine");
        }
        for path in [
            "/v1/packs/%2fetc",
            "/v1/packs/%2E%2e",
            "/v1/packs/a%00",
            "/v1/packs/%5Cetc",
            "/v1/packs/%252f",
            "//v1/packs",
            "/v1//packs",
            "/v1/./packs",
            "/v1/packs/..",
            "/v1/../v1/packs",
            "http://packd/v1/packs",
            "*",
        ] {
            assert!(
                refused(path, &[("host", "packd")]).is_some(),
                "{path} is refused"
            );
        }
    }

    #[test]
    fn the_host_is_this_one() {
        for host in ["packd", "localhost", "LocalHost"] {
            assert_eq!(
                refused("/v1/packs", &[("host", host)]),
                None,
                "{host} is this one"
            );
        }
        for host in [
            "evil.example",
            "localhost:8080",
            "127.0.0.1",
            "",
            "packd.example",
        ] {
            assert!(
                refused("/v1/packs", &[("host", host)]).is_some(),
                "{host} is another one"
            );
        }
        assert!(refused("/v1/packs", &[]).is_some(), "none is refused");
        assert!(
            refused("/v1/packs", &[("host", "packd"), ("host", "evil")]).is_some(),
            "two are refused"
        );
    }

    #[test]
    fn what_browsers_and_proxies_send_is_refused() {
        for header in [
            "origin",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-real-ip",
            "via",
        ] {
            let detail =
                refused("/v1/packs", &[("host", "packd"), (header, "x")]).unwrap_or_default();
            assert!(
                detail.contains(header),
                "{header} is refused by name: {detail}"
            );
        }
    }
}
