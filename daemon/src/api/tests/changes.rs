//! What changes something: jobs, their keys, their waiting, their cancelling.

use packd_wire::{AuditList, ErrorKind, JobStatus, JobView};

use super::*;

const SLACK: &str = r#"{"source": "slack"}"#;

fn keyed(key: &str, json: &str) -> Request<Body> {
    let mut request = post("/v1/packs/install", json);
    request
        .headers_mut()
        .insert("idempotency-key", key.parse().unwrap());
    request
}

#[tokio::test]
async fn a_change_is_a_job_with_the_name_of_who_asked() {
    let daemon = Daemon::new();
    let mut request = post("/v1/packs/install", SLACK);
    request
        .headers_mut()
        .insert(header::USER_AGENT, "packctl/0.1".parse().unwrap());
    let answer = daemon.ask_as(Role::Operator, 1000, request).await;
    assert_eq!(answer.status, 202, "it is queued");
    let job: JobView = answer.json();
    assert_eq!(job.status, JobStatus::Queued, "nobody works here");
    assert_eq!(job.requested_by.uid, 1000, "the kernel's uid");
    assert_eq!(
        job.requested_by.agent.as_deref(),
        Some("packctl/0.1"),
        "the client's claim"
    );
    let removal = Request::delete("/v1/packs/slack?force=true")
        .body(Body::empty())
        .unwrap();
    let job: JobView = daemon.ask_as(Role::Admin, 0, removal).await.json();
    assert_eq!(job.summary, "remove slack", "a removal is a job too");
    assert_eq!(job.request["force"], true, "with its flags");
}

#[tokio::test]
async fn the_same_key_and_request_give_the_same_job() {
    let daemon = Daemon::new();
    let first: JobView = daemon
        .ask_as(Role::Operator, 1000, keyed("k", SLACK))
        .await
        .json();
    let again: JobView = daemon
        .ask_as(
            Role::Operator,
            1000,
            keyed("k", r#"{ "source" : "slack" }"#),
        )
        .await
        .json();
    assert_eq!(first.id, again.id, "however it is written");
    let other = daemon
        .ask_as(Role::Operator, 1000, keyed("k", r#"{"source": "teams"}"#))
        .await;
    assert_eq!(
        other.problem().kind,
        ErrorKind::IdempotencyConflict,
        "another request is a conflict"
    );
    let theirs: JobView = daemon
        .ask_as(Role::Operator, 1001, keyed("k", SLACK))
        .await
        .json();
    assert_ne!(
        first.id, theirs.id,
        "keys of different users are different keys"
    );
    let bad = daemon.ask_as(Role::Operator, 1000, keyed("", SLACK)).await;
    assert_eq!(
        bad.problem().kind,
        ErrorKind::BadRequest,
        "an empty key is none"
    );
}

#[tokio::test]
async fn waiting_ends_with_the_job_or_with_the_time() {
    let daemon = Daemon::new();
    let waiting = daemon.post("/v1/packs/install?wait=600", SLACK);
    let cancelling = async {
        let mut events = daemon.state.parts.hub.subscribe();
        while daemon.get("/v1/jobs/1").await.status != 200 {
            events.recv().await.unwrap();
        }
        assert_eq!(
            daemon.get("/v1/jobs/1/wait?wait=0").await.status,
            202,
            "the time is over at once"
        );
        daemon.post("/v1/jobs/1/cancel", "{}").await
    };
    let (waited, cancelled) = tokio::join!(waiting, cancelling);
    assert_eq!(cancelled.status, 200, "a queued job is cancelled at once");
    assert_eq!(waited.status, 200, "who waits for it gets it when it ends");
    assert_eq!(
        waited.json::<JobView>().status,
        JobStatus::Cancelled,
        "as it is then"
    );
    assert_eq!(
        daemon.get("/v1/jobs/1/wait").await.status,
        200,
        "one that has ended is not waited for"
    );
    let long = daemon.post("/v1/packs/install?wait=601", SLACK).await;
    assert_eq!(
        long.problem().kind,
        ErrorKind::BadRequest,
        "a wait has an end"
    );
    let again = daemon.post("/v1/jobs/1/cancel", "").await;
    assert_eq!(
        again.problem().kind,
        ErrorKind::JobNotCancellable,
        "what has ended stays as it is"
    );
}

#[tokio::test]
async fn an_operator_cancels_own_jobs_and_an_admin_all() {
    let daemon = Daemon::new();
    let job: JobView = daemon
        .ask_as(Role::Operator, 1000, post("/v1/packs/install", SLACK))
        .await
        .json();
    let target = format!("/v1/jobs/{}/cancel", job.id);
    let theirs = daemon
        .ask_as(Role::Operator, 1001, post(&target, "{}"))
        .await;
    assert_eq!(
        theirs.problem().kind,
        ErrorKind::AccessDenied,
        "not another operator's"
    );
    let audit: AuditList = daemon.get("/v1/audit").await.json();
    assert!(!audit.audit[0].allowed, "that refusal is recorded as one");
    assert_eq!(
        daemon
            .ask_as(Role::Operator, 1000, post(&target, "{}"))
            .await
            .status,
        200,
        "one's own"
    );
    let job: JobView = daemon
        .ask_as(Role::Operator, 1000, post("/v1/packs/install", SLACK))
        .await
        .json();
    let target = format!("/v1/jobs/{}/cancel", job.id);
    assert_eq!(
        daemon.post(&target, "{}").await.status,
        200,
        "an admin anybody's"
    );
}

#[tokio::test]
async fn a_change_whose_client_goes_away_is_done_and_recorded() {
    let server = Served::new();
    let mut events = server.daemon.state.parts.hub.subscribe();
    let mut stream = server.connect().await;
    let request = format!(
        "POST /v1/packs/install?wait=600 HTTP/1.1\r\nHost: packd\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{SLACK}",
        SLACK.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::timeout(PATIENCE, events.recv())
        .await
        .unwrap()
        .unwrap();
    drop(stream);
    let recorded = async {
        while server
            .daemon
            .get("/v1/audit")
            .await
            .json::<AuditList>()
            .audit
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, recorded).await.unwrap();
    let state = server.daemon.state.clone();
    server.stop().await;
    assert!(
        state.tasks.is_empty(),
        "nothing waits for the client that went away"
    );
}

#[tokio::test]
async fn reloading_and_refreshing_say_what_came_of_it() {
    let daemon = Daemon::new();
    assert_eq!(
        daemon.post("/v1/reload", "").await.status,
        200,
        "reload needs no body"
    );
    let unknown = daemon.post("/v1/reload", r#"{"now": true}"#).await;
    assert_eq!(
        unknown.problem().kind,
        ErrorKind::UnknownField,
        "and takes none"
    );
    assert_eq!(
        daemon.post("/v1/registries/refresh", "").await.status,
        200,
        "all registries"
    );
    let none = daemon
        .post("/v1/registries/refresh", r#"{"registries": ["none"]}"#)
        .await;
    assert_eq!(
        none.problem().kind,
        ErrorKind::RegistryNotFound,
        "one that is not there"
    );
}
