#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::ErrorKind;

use super::*;
use crate::queue::JobRequest;
use crate::resolve::check;

fn install(source: &str) -> InstallRequest {
    InstallRequest {
        source: source.to_owned(),
        ..InstallRequest::default()
    }
}

fn with(
    source: &str,
    git_ref: Option<&str>,
    version: Option<&str>,
    path: Option<&str>,
) -> InstallRequest {
    InstallRequest {
        git_ref: git_ref.map(ToOwned::to_owned),
        version: version.map(ToOwned::to_owned),
        path: path.map(ToOwned::to_owned),
        ..install(source)
    }
}

fn refusal(request: InstallRequest) -> ErrorKind {
    let shown = format!("{request:?}");
    match check(&JobRequest::Install(request), Policy::default()) {
        Err(error) => error.kind(),
        Ok(()) => panic!("{shown} passes"),
    }
}

#[test]
fn what_a_url_names_is_told_by_its_form_or_left_to_the_server() {
    for (request, expected) in [
        (install("https://h.example/a.git"), "repository"),
        (install("https://h.example/a"), "either"),
        (install("https://h.example/org/a/"), "either"),
        (install("https://h.example/a.tar.gz"), "archive"),
        (install("https://h.example/A.ZIP"), "archive"),
        (install("https://h.example/a?token=x"), "archive"),
        (install("https://h.example/"), "archive"),
        (
            with("https://h.example/a", Some("v1"), None, None),
            "repository",
        ),
        (
            with("https://h.example/a", None, Some("^1"), None),
            "repository",
        ),
        (
            InstallRequest {
                checksum: Some(format!("sha256:{}", "0".repeat(64))),
                ..install("https://h.example/a")
            },
            "archive",
        ),
        (install("git@h.example:a"), "repository"),
        (install("ssh://h.example/a"), "repository"),
        (install("github:org/repo@v1"), "repository"),
    ] {
        let kind = match kind_of(&request, Policy::default()) {
            Ok(Kind::Repository(_)) => "repository",
            Ok(Kind::Archive) => "archive",
            Ok(Kind::Either(_)) => "either",
            Err(error) => panic!("{request:?}: {error}"),
        };
        assert_eq!(kind, expected, "{request:?}");
    }
}

#[test]
fn what_is_wrong_with_a_repository_is_said_before_it_is_queued() {
    for (request, kind) in [
        (install("git://h.example/a.git"), ErrorKind::SourceRefused),
        (install("http://h.example/a.git"), ErrorKind::SourceRefused),
        (install("http://h.example/a"), ErrorKind::SourceRefused),
        (
            install("https://me:pw@h.example/a.git"),
            ErrorKind::SourceRefused,
        ),
        (
            install("https://h.example/a.git?x=1"),
            ErrorKind::SourceRefused,
        ),
        (
            install("ssh://-oProxyCommand=x/a"),
            ErrorKind::SourceRefused,
        ),
        (install("file:///srv/a.git"), ErrorKind::AccessDenied),
        (install("ext::sh -c id"), ErrorKind::UnsupportedSource),
        (
            install("git+ftp://h.example/a"),
            ErrorKind::UnsupportedSource,
        ),
        (
            with("github:o/r@v1", Some("v2"), None, None),
            ErrorKind::InvalidReference,
        ),
        (
            with("github:o/r#a", None, None, Some("b")),
            ErrorKind::InvalidReference,
        ),
        (
            with("github:o/r@v1", None, Some("^1"), None),
            ErrorKind::InvalidReference,
        ),
        (
            with("github:o/r", None, Some("one"), None),
            ErrorKind::InvalidReference,
        ),
        (
            with("github:o/r", Some("--upload-pack=x"), None, None),
            ErrorKind::InvalidReference,
        ),
        (
            with("github:o/r", Some("a..b"), None, None),
            ErrorKind::InvalidReference,
        ),
        (
            with("https://h.example/a.zip", Some("v1"), None, None),
            ErrorKind::InvalidReference,
        ),
        (
            InstallRequest {
                checksum: Some(format!("sha256:{}", "0".repeat(64))),
                ..install("github:o/r")
            },
            ErrorKind::InvalidReference,
        ),
        (
            InstallRequest {
                registry: Some("acme".into()),
                ..install("github:o/r")
            },
            ErrorKind::InvalidReference,
        ),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(refusal(request), kind, "{shown}");
    }
}

#[test]
fn what_the_configuration_allows_passes() {
    let policy = Policy {
        allow_http: true,
        allow_git_protocol: true,
        reads_files: true,
    };
    for source in [
        "git://h.example/a.git",
        "http://h.example/a.git",
        "file:///srv/a.git",
    ] {
        check(&JobRequest::Install(install(source)), policy).unwrap();
    }
}

#[test]
fn no_secret_reaches_an_error() {
    for source in [
        "https://me:hunter2@h.example/a.git",
        "https://h.example/a.git?token=hunter2",
        "ssh://git:hunter2@h.example/a",
    ] {
        let error = check(&JobRequest::Install(install(source)), Policy::default()).unwrap_err();
        let shown = format!("{error:?} {error} {:?}", error.hint());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
