//! Jobs: look, wait, cancel.

use axum::extract::State as FromState;
use axum::response::Response;
use packd_wire::{ErrorKind, JobList, JobView, JobsQuery, Role, WaitQuery, path};

use super::State;
use super::body::{self, Asked, MaybeSent, NamedJob, Nothing, page};
use super::caller::Caller;
use super::problem::Refusal;
use super::reply::{self, Answer, Made, Shown};
use crate::store;

/// Lists jobs, newest first.
#[utoipa::path(
    get,
    path = path::JOBS,
    params(JobsQuery),
    responses((status = 200, description = "A page of jobs", body = JobList)),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    Asked(query): Asked<JobsQuery>,
) -> Answer<Shown<JobList>> {
    let limit = page(query.limit, 50)?;
    let jobs = state
        .parts
        .queue
        .list(query.before, query.status, limit)
        .await?;
    let full = u32::try_from(jobs.len()).is_ok_and(|jobs| jobs == limit);
    let next = jobs.last().map(|job| job.id).filter(|id| full && *id > 1);
    Ok(Shown(JobList { jobs, next }))
}

/// Shows one job.
#[utoipa::path(
    get,
    path = path::JOB,
    params(("id" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "The job", body = JobView)),
)]
pub(crate) async fn show(
    FromState(state): FromState<State>,
    NamedJob(id): NamedJob,
) -> Answer<Shown<JobView>> {
    Ok(Shown(state.parts.queue.get(id).await?))
}

/// Shows one job when it has ended, or as it is when the time is over.
///
/// Without `?wait=` it waits as long as it may.
#[utoipa::path(
    get,
    path = path::JOB_WAIT,
    params(("id" = i64, Path, description = "The job's number"), WaitQuery),
    responses(
        (status = 200, description = "The job has ended", body = JobView),
        (status = 202, description = "The time is over first", body = JobView),
    ),
)]
pub(crate) async fn wait(
    FromState(state): FromState<State>,
    NamedJob(id): NamedJob,
    Asked(query): Asked<WaitQuery>,
) -> Answer<Response> {
    let wait = body::wait(query.wait.or(Some(body::LONGEST_WAIT)))?;
    Ok(reply::job(reply::wait_for(id, wait, &state).await?))
}

/// Cancels one's own job, or as an admin anybody's.
#[utoipa::path(
    post,
    path = path::JOB_CANCEL,
    params(("id" = i64, Path, description = "The job's number"), WaitQuery),
    responses(
        (status = 200, description = "The job is cancelled", body = JobView),
        (status = 202, description = "The job will end soon", body = JobView),
    ),
)]
pub(crate) async fn cancel(
    FromState(state): FromState<State>,
    caller: Caller,
    NamedJob(id): NamedJob,
    Asked(query): Asked<WaitQuery>,
    MaybeSent(Nothing {}): MaybeSent<Nothing>,
) -> Answer<Made> {
    let wait = body::wait(query.wait)?;
    let owner = state.parts.queue.get(id).await?.requested_by;
    if caller.role < Role::Admin && owner.uid != caller.link.peer.uid {
        let owner = owner.user.unwrap_or_else(|| owner.uid.to_string());
        let detail =
            format!("job {id} was asked for by `{owner}`, and only an admin cancels it for them");
        return Err(Refusal::new(ErrorKind::AccessDenied, detail));
    }
    let (job, upload) = state.parts.queue.cancel(id).await?;
    if let Some(file) = upload {
        store::tree::remove_upload(&state.parts.layout, &file).await;
    }
    Ok(Made { job, wait })
}
