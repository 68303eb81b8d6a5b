//! What is looked at, what is refused, and how that is said.

use packd_wire::{AuditList, ErrorKind, HealthView, JobList, PackList, StatusView};

use super::super::routes::{ROUTES, Verb};
use super::*;

#[tokio::test]
async fn a_new_daemon_says_how_it_fares() {
    let server = Served::new();
    let health: HealthView = server.get("/v1/health").await.json();
    assert_eq!(health.status, "ok", "it is alive");
    let status: StatusView = server.get("/v1/status").await.json();
    assert_eq!(
        (status.api, status.packs, status.generation),
        (1, 0, None),
        "and has no packs"
    );
    assert_eq!(status.role, Role::Admin, "who started it is its admin");
    let answer = server.get("/v1/packs").await;
    assert!(
        answer.head.contains("content-type: application/json"),
        "{}",
        answer.head
    );
    assert_eq!(
        answer.json::<PackList>(),
        PackList { packs: vec![] },
        "the list is an object"
    );
    let document: serde_json::Value = server.get("/v1/openapi.json").await.json();
    assert!(
        document["paths"]["/v1/packs"].is_object(),
        "it describes itself"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_said_to_be_so() {
    let daemon = Daemon::new();
    for (target, kind) in [
        ("/", ErrorKind::RouteNotFound),
        ("/v1", ErrorKind::RouteNotFound),
        ("/v1/packs/", ErrorKind::RouteNotFound),
        ("/v2/packs", ErrorKind::RouteNotFound),
        ("/v1/packs/slack", ErrorKind::PackNotInstalled),
        ("/v1/packs/install", ErrorKind::PackNotInstalled),
        ("/v1/packs/Slack", ErrorKind::InvalidReference),
        ("/v1/jobs/7", ErrorKind::JobNotFound),
        ("/v1/jobs/seven", ErrorKind::JobNotFound),
        ("/v1/jobs/7/wait", ErrorKind::JobNotFound),
        ("/v1/jobs?limit=0", ErrorKind::BadRequest),
        ("/v1/jobs?status=bored", ErrorKind::BadRequest),
        ("/v1/jobs?wait=1", ErrorKind::UnknownField),
        ("/v1/events?kind=job_queud", ErrorKind::BadRequest),
        ("/v1/events?ref=a.b", ErrorKind::InvalidReference),
        ("/v1/search?query=x", ErrorKind::UnknownField),
        ("/v1/search?q=x&registry=none", ErrorKind::RegistryNotFound),
    ] {
        assert_eq!(daemon.get(target).await.problem().kind, kind, "{target}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let daemon = Daemon::new();
    for (target, allowed) in [
        ("/v1/packs", "GET"),
        ("/v1/packs/slack/hold", "POST"),
        ("/v1/reload", "POST"),
    ] {
        let request = Request::put(target).body(Body::empty()).unwrap();
        let answer = daemon.ask_as(Role::Admin, 0, request).await;
        assert_eq!(
            answer.problem().kind,
            ErrorKind::MethodNotAllowed,
            "{target}"
        );
        assert!(
            answer.head.contains("\"allow\"") && answer.head.contains(allowed),
            "{}",
            answer.head
        );
    }
}

#[tokio::test]
async fn bodies_are_judged_before_they_are_believed() {
    let daemon = Daemon::new();
    let unknown = daemon
        .post("/v1/packs/install", r#"{"source": "slack", "forse": true}"#)
        .await
        .problem();
    assert_eq!(
        unknown.kind,
        ErrorKind::UnknownField,
        "an unknown field is an error"
    );
    assert!(
        unknown.detail.contains("`forse`"),
        "that names it: {}",
        unknown.detail
    );
    assert_eq!(
        unknown.hint.as_deref(),
        Some("did you mean `force`?"),
        "and the nearest"
    );
    let large = format!(r#"{{"source": "{}"}}"#, "a".repeat(1 << 20));
    for (body, kind) in [
        ("", ErrorKind::BadRequest),
        ("{", ErrorKind::BadRequest),
        ("[]", ErrorKind::BadRequest),
        (r#"{"source": "../../etc"}"#, ErrorKind::InvalidReference),
        (
            r#"{"source": "slack@not-a-version"}"#,
            ErrorKind::InvalidReference,
        ),
        (&large, ErrorKind::PayloadTooLarge),
    ] {
        let problem = daemon.post("/v1/packs/install", body).await.problem();
        assert_eq!(problem.kind, kind, "{}", &body[..body.len().min(40)]);
    }
    let request = Request::post("/v1/packs/install")
        .body(Body::from(r#"{"source": "slack"}"#))
        .unwrap();
    let untyped = daemon.ask_as(Role::Admin, 0, request).await;
    assert_eq!(
        untyped.problem().kind,
        ErrorKind::UnsupportedMediaType,
        "a body has a type"
    );
    assert_eq!(
        daemon.get("/v1/jobs").await.json::<JobList>().jobs,
        vec![],
        "none of them made a job"
    );
}

#[tokio::test]
async fn every_route_demands_its_role_and_every_refusal_is_recorded() {
    let daemon = Daemon::new();
    let mut refused = 0;
    for route in ROUTES {
        assert!(route.role > Role::Denied, "{} is for somebody", route.path);
        let target = route.path.replace("{ref}", "slack").replace("{id}", "1");
        let method = route.verb.as_str().to_uppercase();
        for role in [Role::Denied, Role::Reader, Role::Operator] {
            let request = Request::builder()
                .method(&*method)
                .uri(&target)
                .body(Body::empty())
                .unwrap();
            if role >= route.role {
                continue;
            }
            let problem = daemon.ask_as(role, 1000, request).await.problem();
            assert_eq!(
                problem.kind,
                ErrorKind::AccessDenied,
                "{role} asks {method} {target}"
            );
            assert!(
                problem.detail.contains(route.role.as_str()),
                "it names the role: {}",
                problem.detail
            );
            let hinted = problem.hint.is_some_and(|hint| hint.contains("usermod"));
            assert_eq!(
                hinted,
                role > Role::Denied,
                "and how to get it, unless nothing helps"
            );
            refused += 1;
        }
    }
    let audit: AuditList = daemon.get("/v1/audit?limit=1000").await.json();
    assert_eq!(audit.audit.len(), refused, "each refusal has a row");
    assert!(
        audit
            .audit
            .iter()
            .all(|row| !row.allowed && row.status == 403),
        "that says so"
    );
    assert!(
        ROUTES.iter().any(|route| route.verb == Verb::Delete),
        "the table has more than looks"
    );
}

#[tokio::test]
async fn lists_come_in_pages() {
    let daemon = Daemon::new();
    for name in ["alpha", "beta", "gamma"] {
        let body = format!(r#"{{"source": "{name}"}}"#);
        assert_eq!(
            daemon.post("/v1/packs/install", &body).await.status,
            202,
            "{name} is queued"
        );
    }
    let first: JobList = daemon.get("/v1/jobs?limit=2").await.json();
    assert_eq!(
        first.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [3, 2],
        "the newest first"
    );
    let target = format!("/v1/jobs?limit=2&before={}", first.next.unwrap());
    let second: JobList = daemon.get(&target).await.json();
    assert_eq!(
        second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [1],
        "then the rest"
    );
    assert_eq!(second.next, None, "and no more");
    let audit: AuditList = daemon.get("/v1/audit?limit=2").await.json();
    assert_eq!(audit.audit.len(), 2, "the audit too");
    assert_eq!(
        audit.audit[0].job,
        Some(3),
        "each row names the job that the request made"
    );
}

#[test]
fn the_page_of_the_api_names_every_feature() {
    let page = include_str!("../../../../docs/api.md");
    for feature in crate::api::status::FEATURES {
        assert!(page.contains(&format!("`{feature}`")), "{feature}");
    }
}
