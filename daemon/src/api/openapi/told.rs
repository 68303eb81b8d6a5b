//! What the handlers do not say of themselves: with which kinds of errors a route refuses, and an example of what it is sent.

use packd_wire::{ErrorKind, Role, path};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;

use super::super::routes::{Route, Verb};

/// A request's body, as `docs/api.md` and people write it; and a piece of a stream.
const EXAMPLES: &[(Verb, &str, &str)] = &[
    (
        Verb::Post,
        path::INSTALL,
        r#"{"source": "slack@^2", "skip_tests": true}"#,
    ),
    (Verb::Post, path::APPLY, r#"{"plan": {"changes": []}}"#),
    (
        Verb::Post,
        path::VERIFY,
        r#"{"refs": ["slack"], "repair": true}"#,
    ),
    (
        Verb::Post,
        path::PACK_HOLD,
        r#"{"until": "2027-01-31T18:00:00Z", "reason": "a release is going on"}"#,
    ),
    (
        Verb::Post,
        path::FREEZE,
        r#"{"until": "2027-01-31T18:00:00Z", "reason": "the end of the year"}"#,
    ),
    (Verb::Put, path::PACK, r#"{"version": "^2"}"#),
    (Verb::Post, path::UPDATE, r#"{"refs": ["slack"]}"#),
    (Verb::Post, path::PACK_TEST, "{}"),
    (
        Verb::Post,
        path::GENERATION_PIN,
        r#"{"reason": "before the move"}"#,
    ),
    (Verb::Post, path::ROLLBACK, r#"{"generation": 41}"#),
    (Verb::Post, path::GC, r#"{"dry_run": true}"#),
    (
        Verb::Post,
        path::REGISTRIES,
        r#"{"name": "acme", "url": "https://packs.acme.example/index.json", "priority": 10}"#,
    ),
    (
        Verb::Put,
        path::REGISTRY,
        r#"{"url": "https://packs.acme.example/index.json", "enabled": false}"#,
    ),
    (
        Verb::Post,
        path::REGISTRIES_REFRESH,
        r#"{"registries": ["acme"]}"#,
    ),
    (
        Verb::Post,
        path::REGISTRY_TRUST,
        r#"{"accept_unsigned": true}"#,
    ),
];

/// Three events of a stream: each is its number, its kind and itself, and an empty line ends it.
const STREAM: &str = "\
id: 311\nevent: job_started\ndata: {\"seq\":311,\"at\":\"2026-03-01T12:00:00Z\",\"kind\":\"job_started\",\"job\":17,\"data\":{}}\n\n\
event: downloading\ndata: {\"at\":\"2026-03-01T12:00:01Z\",\"kind\":\"downloading\",\"job\":17,\"ref\":\"slack\",\"data\":{}}\n\n\
: nothing new\n\n";

/// Adds the example of what a route is sent, and of what it streams.
pub(super) fn examples(route: &Route, operation: &mut Operation) {
    let of = |one: &&(Verb, &str, &str)| one.0 == route.verb && one.1 == route.path;
    if let Some((_, _, text)) = EXAMPLES.iter().find(of)
        && let Some(RefOr::T(body)) = &mut operation.request_body
    {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.example = serde_json::from_str(text).ok();
            }
        }
    }
    if route.path == path::EVENTS {
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response
                && let Some(RefOr::T(stream)) = response.content.get_mut("text/event-stream")
            {
                stream.example = Some(Value::from(STREAM));
            }
        }
    }
}

/// The kinds that a route can refuse a request with; a job's own errors are in the job.
pub(super) fn kinds(route: &Route, has_body: bool) -> Vec<ErrorKind> {
    use ErrorKind::{
        AccessDenied, BadRequest, GenerationNotFound, IdempotencyConflict, InvalidReference,
        JobNotCancellable, JobNotFound, NoSpace, PackNotFound, PackNotInstalled, PayloadTooLarge,
        RegistryExists, RegistryNotFound, RegistryReadOnly, ShuttingDown, TestsNotFound, Timeout,
        TooMany, UnknownField, UnsupportedMediaType, UnsupportedSource,
    };
    let mut kinds = vec![
        BadRequest,
        UnknownField,
        AccessDenied,
        TooMany,
        ShuttingDown,
    ];
    if has_body {
        kinds.extend([PayloadTooLarge, UnsupportedMediaType, Timeout]);
    }
    if route.role == Role::Operator && route.verb == Verb::Post {
        kinds.push(IdempotencyConflict);
    }
    let specific: &[ErrorKind] = match (route.verb, route.path) {
        (Verb::Get, path::AVAILABLE) => &[PackNotFound, RegistryNotFound],
        (Verb::Get, path::SEARCH) => &[RegistryNotFound],
        (Verb::Put, path::PACK) | (_, path::INSTALL) => {
            &[InvalidReference, UnsupportedSource, RegistryNotFound]
        }
        (Verb::Delete, path::PACK) | (_, path::PACK_TESTS) => &[InvalidReference],
        (_, path::PACK | path::PACK_HOLD | path::PACK_TEST) => {
            &[PackNotInstalled, InvalidReference]
        }
        (_, path::PACK_TESTS_LATEST) => &[TestsNotFound, InvalidReference],
        (_, path::UPLOAD) => &[InvalidReference, NoSpace],
        (_, path::ROLLBACK | path::GENERATION | path::GENERATION_DIFF | path::GENERATION_PIN) => {
            &[GenerationNotFound]
        }
        (_, path::JOB_CANCEL) => &[JobNotFound, JobNotCancellable],
        (_, path::JOB | path::JOB_WAIT) => &[JobNotFound],
        (Verb::Post, path::REGISTRIES) => &[RegistryExists],
        (Verb::Put | Verb::Delete, path::REGISTRY) => &[RegistryNotFound, RegistryReadOnly],
        (_, path::REGISTRY | path::REGISTRY_TRUST | path::REGISTRIES_REFRESH) => {
            &[RegistryNotFound]
        }
        (_, path::RELOAD) => &[ErrorKind::InvalidConfig],
        _ => &[],
    };
    kinds.extend(specific);
    kinds
}

/// Whether a route is sent something.
pub(super) fn has_body(operation: &Operation) -> bool {
    operation.request_body.is_some()
}

/// What stands at the status of some kinds: their names and titles.
pub(super) fn in_words(kinds: &[ErrorKind]) -> String {
    let words = kinds
        .iter()
        .map(|kind| format!("`{kind}`: {}", kind.title()));
    words.collect::<Vec<_>>().join("; ")
}

/// The examples, for tests.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = (Verb, &'static str, Value)> {
    EXAMPLES.iter().map(|(verb, path, text)| {
        let value = serde_json::from_str(text);
        (*verb, *path, value.unwrap_or_default())
    })
}
