//! Tests of packs: run them, and what came of them.

use axum::extract::State as FromState;
use packd_wire::{
    ErrorKind, TestList, TestRequest, TestTrigger, TestView, TestsQuery, WaitQuery, path,
};

use super::super::State;
use super::super::asking::{Asking, Key};
use super::super::body::{self, Asked, MaybeSent, NamedPack, Nothing};
use super::super::problem::Refusal;
use super::super::reply::{Answer, Made, Shown};
use crate::queue::{JobRequest, TestJob};
use crate::store;

/// The longest page of results: each may have a report of a megabyte.
const LONGEST_PAGE: u32 = 100;

/// Runs the tests of an active pack.
///
/// The job fails when they do, whatever the pack says about that.
#[utoipa::path(
    post,
    path = path::PACK_TEST,
    params(
        ("ref" = String, Path, description = "The pack's ref"),
        WaitQuery,
        Key,
    ),
    request_body = Option<TestRequest>,
    responses(Made),
)]
pub(crate) async fn run(
    asking: Asking,
    NamedPack(pack_ref): NamedPack,
    Asked(query): Asked<WaitQuery>,
    MaybeSent(request): MaybeSent<TestRequest>,
) -> Answer<Made> {
    if !matches!(
        request.trigger,
        TestTrigger::Manual | TestTrigger::Validation
    ) {
        let detail = format!(
            "`trigger: {}` is for packd itself to say",
            request.trigger.as_str()
        );
        return Err(Refusal::new(ErrorKind::BadRequest, detail)
            .hint("say `manual`, `validation`, or nothing"));
    }
    let job = JobRequest::Test(TestJob {
        pack_ref: pack_ref.to_string(),
        trigger: request.trigger,
    });
    asking.job(query.wait, job).await
}

/// Lists results of a pack's tests, newest first; of one that is not installed too.
#[utoipa::path(
    get,
    path = path::PACK_TESTS,
    params(("ref" = String, Path, description = "The pack's ref"), TestsQuery),
    responses((status = 200, description = "The results", body = TestList)),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    NamedPack(pack_ref): NamedPack,
    Asked(query): Asked<TestsQuery>,
) -> Answer<Shown<TestList>> {
    let limit = body::page(query.limit, 20)?.min(LONGEST_PAGE);
    let name = pack_ref.to_string();
    let tests = state
        .parts
        .database
        .read(move |connection| {
            store::test::list(connection, &name, query.before, limit, query.report)
        })
        .await?;
    let full = u32::try_from(tests.len()).is_ok_and(|tests| tests == limit);
    let next = tests
        .last()
        .map(|test| test.id)
        .filter(|id| full && *id > 1);
    Ok(Shown(TestList { tests, next }))
}

/// Shows the latest result of a pack's tests with its report.
#[utoipa::path(
    get,
    path = path::PACK_TESTS_LATEST,
    params(("ref" = String, Path, description = "The pack's ref")),
    responses((status = 200, description = "The latest result", body = TestView)),
)]
pub(crate) async fn latest(
    FromState(state): FromState<State>,
    NamedPack(pack_ref): NamedPack,
    Asked(Nothing {}): Asked<Nothing>,
) -> Answer<Shown<TestView>> {
    let name = pack_ref.to_string();
    let latest = state
        .parts
        .database
        .read(move |connection| store::test::list(connection, &name, None, 1, true))
        .await?
        .pop();
    latest.map(Shown).ok_or_else(|| {
        Refusal::new(
            ErrorKind::TestsNotFound,
            format!("there is no test result of `{pack_ref}`"),
        )
        .hint(format!(
            "`packctl test {pack_ref}` runs the tests of an installed pack"
        ))
    })
}
