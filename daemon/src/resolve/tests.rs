#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{ErrorKind, RemoveQuery};
use proptest::prelude::*;

use super::*;
use crate::queue::RemoveRequest;
use crate::store::pack::Record;

fn install(source: &str) -> InstallRequest {
    InstallRequest {
        source: source.to_owned(),
        ..InstallRequest::default()
    }
}

fn refusal(request: InstallRequest) -> ErrorKind {
    check(&JobRequest::Install(request), Policy::default())
        .unwrap_err()
        .kind()
}

/// An active pack with these dependencies.
fn pack(name: &str, dependencies: &[&str], system: bool) -> (String, Installed) {
    let record = Record {
        system,
        ..Record::with_dependencies(dependencies)
    };
    let installed = Installed {
        install: 1,
        pack_ref: name.to_owned(),
        version: "1.0.0".into(),
        dir: format!("{name}/1.0.0-abc"),
        job: 1,
        generation: 1,
        at: String::new(),
        record,
    };
    (name.to_owned(), installed)
}

fn remove(active: &Active, name: &str, query: RemoveQuery) -> Result<Vec<String>, ResolveError> {
    let request = RemoveRequest {
        pack_ref: name.to_owned(),
        query,
    };
    let plan = super::remove::run(&request, active)?;
    Ok(plan.removed.into_iter().map(|pack| pack.pack_ref).collect())
}

#[test]
fn what_is_wrong_with_a_request_is_said_before_it_is_queued() {
    let version = |source: &str| InstallRequest {
        version: Some("^1".into()),
        ..install(source)
    };
    let table = [
        (install("Slack"), ErrorKind::InvalidReference),
        (install("aws.ec2"), ErrorKind::InvalidReference),
        (install("../etc"), ErrorKind::InvalidReference),
        (install("/etc"), ErrorKind::InvalidReference),
        (install("./slack"), ErrorKind::InvalidReference),
        (install("packs/slack"), ErrorKind::InvalidReference),
        (install("~/slack.tgz"), ErrorKind::InvalidReference),
        (install(""), ErrorKind::InvalidReference),
        (install("slack@"), ErrorKind::InvalidReference),
        (install("slack@one"), ErrorKind::InvalidReference),
        (version("slack@^2"), ErrorKind::InvalidReference),
        (
            version("https://example.org/a.tar.gz"),
            ErrorKind::InvalidReference,
        ),
        (
            install("https://user:pw@example.org/a.tar.gz"),
            ErrorKind::SourceRefused,
        ),
        (
            install("http://example.org/a.tar.gz"),
            ErrorKind::SourceRefused,
        ),
        (install("file:///etc/shadow"), ErrorKind::AccessDenied),
        (install("file:///srv/a.tar.gz"), ErrorKind::SourceRefused),
        (
            install("ftp://example.org/a.zip"),
            ErrorKind::UnsupportedSource,
        ),
        (
            InstallRequest {
                no_registry: true,
                ..install("slack")
            },
            ErrorKind::InvalidReference,
        ),
        (
            InstallRequest {
                checksum: Some("md5:1".into()),
                ..install("https://example.org/a.zip")
            },
            ErrorKind::InvalidReference,
        ),
        (
            InstallRequest {
                git_ref: Some("main".into()),
                ..install("https://example.org/a.zip")
            },
            ErrorKind::InvalidReference,
        ),
    ];
    for (request, kind) in table {
        let shown = format!("{request:?}");
        assert_eq!(refusal(request), kind, "{shown}");
    }
}

#[test]
fn a_path_is_called_what_it_is() {
    let error = check(&JobRequest::Install(install("./slack")), Policy::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`./slack` is a path, and the daemon reads no files of its clients"
    );
    assert!(error.hint().is_some());
}

#[test]
fn good_requests_pass() {
    for source in [
        "slack",
        "slack@2.1.0",
        "slack@latest",
        "slack@^2",
        "https://example.org/a.tgz?token=x",
    ] {
        check(&JobRequest::Install(install(source)), Policy::default()).unwrap();
    }
    check(
        &JobRequest::Install(install("http://example.org/a.tgz")),
        Policy {
            allow_http: true,
            ..Policy::default()
        },
    )
    .unwrap();
}

#[test]
fn credentials_never_reach_an_error() {
    let error = check(
        &JobRequest::Install(install("https://me:secret@example.org/a.zip?t=secret")),
        Policy::default(),
    );
    assert!(!format!("{:?} {0}", error.unwrap_err()).contains("secret"));
}

#[test]
fn a_pack_that_others_need_stays_unless_they_go_too_or_force_is_used() {
    let active: Active = [
        pack("a", &[], false),
        pack("b", &["a@^1"], false),
        pack("c", &["b"], false),
    ]
    .into();
    let error = remove(&active, "a", RemoveQuery::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RequiredBy);
    assert_eq!(error.to_string(), "`a` is needed by `b`");

    let cascade = RemoveQuery {
        cascade: true,
        ..RemoveQuery::default()
    };
    assert_eq!(remove(&active, "a", cascade).unwrap(), ["a", "b", "c"]);
    let force = RemoveQuery {
        force: true,
        ..RemoveQuery::default()
    };
    assert_eq!(remove(&active, "a", force).unwrap(), ["a"]);
    assert_eq!(remove(&active, "c", RemoveQuery::default()).unwrap(), ["c"]);
}

#[test]
fn a_system_pack_goes_by_force_only() {
    let active: Active = [pack("core", &[], true)].into();
    let refused = remove(&active, "core", RemoveQuery::default()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::SystemPack);
    let force = RemoveQuery {
        force: true,
        ..RemoveQuery::default()
    };
    assert_eq!(remove(&active, "core", force).unwrap(), ["core"]);
}

#[test]
fn what_is_not_installed_is_removed_already_and_a_slip_is_named() {
    let active: Active = [pack("core", &[], false), pack("slack", &["core"], false)].into();
    let gone = |name: &str| {
        let request = RemoveRequest {
            pack_ref: name.to_owned(),
            query: RemoveQuery::default(),
        };
        super::remove::run(&request, &active).unwrap()
    };
    let plan = gone("coer");
    assert_eq!(plan.absent.as_deref(), Some("coer"), "it is said which");
    assert!(plan.removed.is_empty(), "what was meant stays");
    assert_eq!(
        plan.warnings,
        ["`coer` is not installed; did you mean `core`?"]
    );
    let plan = gone("teams");
    assert_eq!(plan.absent.as_deref(), Some("teams"));
    assert!(plan.warnings.is_empty(), "nothing is odd about it");
}

#[test]
fn circles_of_dependencies_end() {
    let active: Active = [pack("a", &["b"], false), pack("b", &["a"], false)].into();
    let cascade = RemoveQuery {
        cascade: true,
        ..RemoveQuery::default()
    };
    assert_eq!(remove(&active, "a", cascade).unwrap(), ["a", "b"]);
}

proptest! {
    #[test]
    fn no_source_makes_it_panic_and_what_passes_names_a_legal_pack(source in "\\PC{0,40}") {
        let request = install(&source);
        if check(&JobRequest::Install(request.clone()), Policy::default()).is_ok() && !is_url(&request) {
            prop_assert!(parse_name(&request).unwrap().0.as_str().len() <= 64);
        }
    }
}
