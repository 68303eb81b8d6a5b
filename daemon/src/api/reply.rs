//! What handlers answer with.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use packd_wire::JobView;
use serde::Serialize;
use utoipa::IntoResponses;
use utoipa::openapi::{self, RefOr, ResponsesBuilder};

use super::State;
use super::openapi::holding;
use super::problem::Refusal;

/// What every handler returns.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// A view as JSON.
#[derive(Debug)]
pub(crate) struct Shown<T>(pub(crate) T);

/// A job that a change made: 202 while it has not ended, 200 when it has.
#[derive(Debug)]
pub(crate) struct Made {
    /// The job.
    pub(crate) job: JobView,
    /// How long the client wants to wait for its end.
    pub(crate) wait: Duration,
}

/// Travels beside a response about a job: which it is, and how long it shall be waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    /// The job.
    pub(crate) job: i64,
    /// How long to wait for its end before answering; zero when it has ended.
    wait: Duration,
}

impl<T: Serialize> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl IntoResponse for Made {
    fn into_response(self) -> Response {
        let finished = self.job.status.is_finished();
        let about = About {
            job: self.job.id,
            wait: if finished { Duration::ZERO } else { self.wait },
        };
        let mut response = job(self.job);
        response.extensions_mut().insert(about);
        response
    }
}

impl IntoResponses for Made {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let job = |said| holding(said, "application/json", "JobView");
        ResponsesBuilder::new()
            .response("200", job("The job has ended"))
            .response("202", job("The job is queued or running"))
            .build()
            .into()
    }
}

/// A job as the answer: 202 while it has not ended, 200 when it has.
pub(crate) fn job(view: JobView) -> Response {
    let status = if view.status.is_finished() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    (status, Shown(view)).into_response()
}

/// Which job a response is about.
pub(crate) fn about(response: &Response) -> Option<About> {
    response.extensions().get::<About>().copied()
}

/// Holds a response about a job until the job has ended, as the client asked; then answers with the
/// job as it is by then.
pub(crate) async fn waited(response: Response, state: &State) -> Response {
    match about(&response) {
        Some(About { job: id, wait }) if !wait.is_zero() => match wait_for(id, wait, state).await {
            Ok(view) => job(view),
            Err(refusal) => refusal.into_response(),
        },
        _ => response,
    }
}

/// The job once it has ended, or as it is when the time is over or the daemon stops.
///
/// # Errors
/// Those of the queue.
pub(crate) async fn wait_for(id: i64, wait: Duration, state: &State) -> Answer<JobView> {
    let queue = &state.parts.queue;
    match state
        .stopping
        .run_until_cancelled(queue.wait(id, wait))
        .await
    {
        Some(view) => Ok(view?),
        None => Ok(queue.get(id).await?),
    }
}
