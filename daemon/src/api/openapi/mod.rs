//! The description of the API: made from the handlers and the types of `packd-wire`, checked in as
//! `docs/openapi.json`, and served as it is made.
//!
//! Here is only what the handlers do not say themselves: problems, and the role that the table of routes
//! demands.

#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use packd_wire::{ErrorKind, Problem, path};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi, openapi};

use super::reply::Answer;
use super::routes::{ROUTES, Verb};
use super::{
    apply, audit, event, gc, generation, job, metrics, pack, registry, reload, search, status,
    update, upload,
};

/// What utoipa collects.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "packd",
        description = "The pack agent's API, on its Unix socket. Errors are `application/problem+json`; what a \
                       request needs is its `x-packd-role`.",
        license(name = "Apache-2.0"),
    ),
    paths(
        status::status,
        status::health,
        status::acknowledge,
        metrics::metrics,
        document,
        pack::list,
        pack::show,
        pack::remove,
        pack::install,
        pack::hold::set,
        pack::hold::lift,
        pack::test::run,
        update::run,
        update::list,
        update::freeze,
        update::thaw,
        pack::verify::run,
        pack::test::list,
        pack::test::latest,
        apply::apply,
        apply::ensure,
        upload::upload,
        generation::list,
        generation::show,
        generation::diff,
        generation::pin::set,
        generation::pin::lift,
        generation::rollback::run,
        gc::run,
        job::list,
        job::show,
        job::wait,
        job::cancel,
        event::events,
        registry::list,
        registry::refresh,
        registry::show,
        registry::add,
        registry::change,
        registry::remove,
        registry::trust,
        search::search,
        search::available,
        reload::reload,
        audit::list,
        audit::verify,
    ),
    components(schemas(Problem, packd_wire::EventView))
)]
struct Collected;

/// Describes this API.
#[utoipa::path(
    get,
    path = path::OPENAPI,
    responses((status = 200, description = "This document", body = serde_json::Value)),
)]
pub(crate) async fn document() -> Answer<Response> {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| text().into());
    let content_type = (
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(([content_type], document.clone()).into_response())
}

/// The document, as it is checked in.
fn text() -> String {
    let mut document = Collected::openapi();
    for route in ROUTES {
        let Some(item) = document.paths.paths.get_mut(route.path) else {
            continue;
        };
        let operation = match route.verb {
            Verb::Get => &mut item.get,
            Verb::Post => &mut item.post,
            Verb::Put => &mut item.put,
            Verb::Delete => &mut item.delete,
        };
        let Some(operation) = operation else { continue };
        operation.operation_id = Some(operation_id(route.path, route.verb));
        operation.tags = None;
        let role = serde_json::json!(route.role);
        operation.extensions = Some([("x-packd-role", role)].into_iter().collect());
        operation.responses.responses.insert(
            "default".into(),
            problem("It was refused, or it failed").into(),
        );
        let kinds = told::kinds(route, told::has_body(operation));
        let mut by_status = BTreeMap::<u16, Vec<ErrorKind>>::new();
        for kind in kinds {
            by_status.entry(kind.status()).or_default().push(kind);
        }
        for (status, kinds) in by_status {
            operation
                .responses
                .responses
                .insert(status.to_string(), problem(&told::in_words(&kinds)).into());
        }
        told::examples(route, operation);
        if route.path == path::UPLOAD
            && let Some(RefOr::T(body)) = &mut operation.request_body
        {
            // bytes have no schema
            for content in body.content.values_mut() {
                *content = Content::default().into();
            }
        }
    }
    document
        .to_pretty_json()
        .map(|text| text + "\n")
        .unwrap_or_default()
}

/// A problem, with what is said of it.
fn problem(description: &str) -> openapi::Response {
    holding(description, "application/problem+json", "Problem")
}

/// A response with one type of the wire in its body, and what is said of it.
pub(super) fn holding(description: &str, content_type: &str, schema: &str) -> openapi::Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(schema)))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content(content_type, content)
        .build()
}

/// `get_packs_ref`, from `GET /v1/packs/{ref}`.
fn operation_id(path: &str, verb: Verb) -> String {
    let words = path
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .skip(1)
        .fold(verb.as_str().to_owned(), |id, word| id + "_" + word)
}
