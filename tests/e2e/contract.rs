//! `docs/openapi.json` and the daemon say the same.

use packd_tests::{
    Format, PackTree, Packd, Request, Settings, Site,
    support::openapi::{Contract, Operation},
};
use packd_wire::{ErrorKind, path};
use serde_json::{Value, json};

#[test]
fn the_description_that_is_served_is_the_one_that_is_checked_in() {
    let packd = Packd::start(&Settings::new());
    let served: Value = packd.get(path::OPENAPI).expect(200).json();
    assert_eq!(&served, Contract::get().document());
}

/// A good request for each documented operation. One that is missing here is untested.
pub(crate) fn sample(operation: &Operation, job: i64) -> Request {
    let real = operation
        .path
        .replace("{ref}", "slack")
        .replace("{number}", "1")
        .replace(
            "{name}",
            if operation.method == "GET" || operation.path == path::REGISTRY_TRUST {
                "demo"
            } else {
                "added"
            },
        )
        .replace("{id}", &job.to_string());
    let request = Request::new(&operation.method, &real);
    match (operation.method.as_str(), operation.path.as_str()) {
        ("GET", path::EVENTS) => Request::get(&format!("{real}?follow=false&since=0")),
        ("GET", path::SEARCH) => Request::get(&format!("{real}?q=slack")),
        (
            "GET",
            path::STATUS
            | path::HEALTH
            | path::METRICS
            | path::OPENAPI
            | path::PACKS
            | path::PACK
            | path::PACK_TESTS
            | path::PACK_TESTS_LATEST
            | path::GENERATIONS
            | path::GENERATION
            | path::GENERATION_DIFF
            | path::UPDATES
            | path::JOBS
            | path::JOB
            | path::JOB_WAIT
            | path::REGISTRIES
            | path::REGISTRY
            | path::AVAILABLE
            | path::AUDIT
            | path::AUDIT_VERIFY,
        )
        | (
            "DELETE",
            path::FREEZE | path::PACK | path::PACK_HOLD | path::GENERATION_PIN | path::REGISTRY,
        )
        | (
            "POST",
            path::RELOAD
            | path::JOB_CANCEL
            | path::PACK_TEST
            | path::PACK_HOLD
            | path::GENERATION_PIN
            | path::FREEZE
            | path::GC,
        ) => request,
        ("POST", path::UPDATE) => Request::post(&real, &json!({"all": true})),
        ("POST", path::INSTALL) => Request::post(&real, &json!({"source": "slack"})),
        ("POST", path::ROLLBACK) => Request::post(&real, &json!({"generation": 1})),
        ("POST", path::APPLY) => Request::post(&real, &json!({"plan": {"changes": []}})),
        ("POST", path::REGISTRIES_REFRESH | path::VERIFY | path::ACKNOWLEDGE) => {
            Request::post(&real, &json!({}))
        }
        ("POST", path::REGISTRIES) => Request::post(
            &real,
            &json!({"name": "added", "url": "https://packs.example/index.json", "enabled": false}),
        ),
        ("PUT", path::REGISTRY) => request.body(
            "application/json",
            json!({"url": "https://packs.example/index.json", "enabled": false}).to_string(),
        ),
        ("PUT", path::PACK) => {
            request.body("application/json", json!({"version": "^2"}).to_string())
        }
        ("POST", path::REGISTRY_TRUST) => Request::post(&real, &json!({"accept_unsigned": true})),
        ("POST", path::UPLOAD) => request.body(
            "application/gzip",
            PackTree::new("slack", "2.1.0").archive(Format::TarGz).bytes,
        ),
        (method, path) => panic!("{method} {path} is documented and has no test"),
    }
}

#[test]
fn every_documented_operation_answers_as_documented() {
    let tested = PackTree::new("slack", "2.1.0")
        .saying(
            "ref: slack\nversion: 2.1.0\ntesting: {runners: {s: {type: script, entry_point: actions/say.sh}}}\n",
        );
    let site = Site::serving([&tested]);
    let packd = Packd::start(&Settings::for_site(&site));
    let job = packd.ctl(["-j", "install", "slack"]).success().job();
    let operations = Contract::get().operations();
    assert!(operations.len() >= 19, "{operations:#?}");
    let (last, first): (Vec<_>, Vec<_>) = operations.iter().partition(|operation| {
        (operation.method.as_str(), operation.path.as_str()) == ("DELETE", path::PACK)
    });
    for operation in first.into_iter().chain(last) {
        let answer = packd.ask(&sample(operation, job.id));
        // the job has ended: to cancel it is the one thing that cannot be done
        let refused = operation.path == path::JOB_CANCEL;
        assert_eq!(
            answer.status >= 400,
            refused,
            "{operation:?}: {}",
            answer.text()
        );
    }
}

#[test]
fn every_error_names_its_kind_and_status() {
    let packd = Packd::start(&Settings::new());
    for (request, kind) in [
        (Request::get("/v1/nothing"), ErrorKind::RouteNotFound),
        (
            Request::new("PUT", path::STATUS),
            ErrorKind::MethodNotAllowed,
        ),
        (
            Request::get(&path::pack("slack")),
            ErrorKind::PackNotInstalled,
        ),
        (Request::get(&path::job(4711)), ErrorKind::JobNotFound),
        (
            Request::post(path::REGISTRIES_REFRESH, &json!({"registries": ["none"]})),
            ErrorKind::RegistryNotFound,
        ),
    ] {
        let answer = packd.ask(&request);
        let problem = answer.problem();
        assert_eq!(problem.kind, kind, "{request:?}");
        assert_eq!(
            (problem.status, answer.status),
            (kind.status(), kind.status())
        );
        assert_eq!(problem.title, kind.title());
        assert!(!problem.detail.is_empty());
    }
}
