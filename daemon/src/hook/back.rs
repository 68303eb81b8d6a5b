//! The way back that packd takes by itself, from a generation that a hook or the health of the host speaks against.
//!
//! It is a rollback like any other, and remembers the versions that it goes back from. It goes back from the one generation
//! that it was asked for about, and from no other that somebody activated meanwhile.

use packd_wire::{Requester, RollbackRequest};

use crate::install::Context;
use crate::queue::{JobRequest, NewJob, Queue, QueueError, RollbackJob};
use crate::store::{StoreError, pack, watch};

/// What came of asking for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Back {
    /// This job goes back.
    Asked(i64),
    /// It could not be asked for, for this reason, which may pass.
    Later(String),
    /// There is no way back, for this reason.
    Not(String),
}

/// Asks for a job that goes back from a generation to the one before it. Asked again, it is the same job, for as long as
/// `tries`, the number of those that were asked for and failed, is the same.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn ask(
    context: &Context,
    queue: &Queue,
    generation: i64,
    tries: u32,
    because: String,
) -> Result<Back, StoreError> {
    let (active, target) = context
        .database
        .read(move |connection| {
            let before = watch::before(connection, generation)?;
            Ok((pack::active_generation(connection)?, before))
        })
        .await?;
    if active != Some(generation) {
        return Ok(Back::Not(format!(
            "generation {generation} is not active any more, and what is active now is left as it is"
        )));
    }
    let Some(target) = target else {
        return Ok(Back::Not(format!(
            "there is no generation before {generation} to go back to"
        )));
    };
    let request = JobRequest::Rollback(RollbackJob {
        asked: RollbackRequest {
            generation: Some(target),
            ..RollbackRequest::default()
        },
        target: Some(target),
        may_remove: true,
        from: Some(generation),
        because: Some(because),
    });
    let new = NewJob {
        request,
        requester: Requester {
            uid: rustix::process::geteuid().as_raw(),
            user: None,
            pid: i32::try_from(std::process::id()).ok(),
            agent: Some(concat!("packd/", env!("CARGO_PKG_VERSION")).to_owned()),
        },
        // the key alone: what speaks against a generation first is the reason that is told
        idempotency: Some((
            format!("packd-back-from-{generation}, after {tries}"),
            String::new(),
        )),
        automatic: true,
    };
    match queue.enqueue(new).await {
        Ok(queued) => Ok(Back::Asked(queued.into_job().id)),
        Err(QueueError::Store(error)) => Err(error),
        Err(error) => Ok(Back::Later(format!(
            "the way back cannot be queued: {}",
            crate::logging::chain(&error)
        ))),
    }
}
