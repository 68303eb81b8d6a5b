//! Steps 2 to 4 for all packs of a plan, some of them at a time.
//!
//! Writes `staging/<job>/`, which is gone at the end, and trees of the store. Safe to repeat: what the store has
//! already is not brought again.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use packd_wire::StepName;
use tokio::sync::Semaphore;

use crate::queue::Claimed;
use crate::resolve::{Active, Wanted};
use crate::store;
use crate::store::tree::Staging;

use super::inspect;
use super::inspected::Inspected;
use super::together::Together;
use super::{Context, StepError, blocking, empty, fetch};

/// How many packs of a plan are brought at a time.
const AT_ONCE: usize = 4;

/// The steps that bring the bytes of packs and make trees of them, for some packs at a time.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    active: &Active,
    packs: &[Wanted],
) -> Result<Vec<Inspected>, StepError> {
    let staging = {
        let layout = Arc::clone(&context.layout);
        let id = job.id();
        store::off_thread(move || Staging::create(&layout, id)).await?
    };
    let together = Together::new(job, packs.len());
    let places = Semaphore::new(AT_ONCE);
    let mut bringing = FuturesOrdered::new();
    for (number, wanted) in packs.iter().enumerate() {
        bringing.push_back(one(
            context, &together, active, &places, &staging, number, wanted,
        ));
    }
    let mut inspected = Vec::with_capacity(packs.len());
    let mut failure: Option<StepError> = None;
    while let Some(one) = bringing.next().await {
        match (one, &failure) {
            (Ok(one), _) => inspected.push(one),
            // those that were stopped because of the first failure say nothing new
            (Err(StepError::Stopped), Some(_)) => {}
            (Err(error), None | Some(StepError::Stopped)) => {
                together.stop().cancel();
                failure = Some(error);
            }
            (Err(_), Some(_)) => {}
        }
    }
    drop(bringing);
    // its drop deletes files
    blocking(move || drop(staging)).await?;
    failure.map_or(Ok(inspected), Err)
}

async fn one(
    context: &Context,
    job: &Together<'_>,
    active: &Active,
    places: &Semaphore,
    staging: &Staging,
    number: usize,
    wanted: &Wanted,
) -> Result<Inspected, StepError> {
    // a semaphore that nobody closes gives a place to everybody
    let _place = places.acquire().await.map_err(|_| StepError::Stopped)?;
    if job.stop().is_cancelled() {
        return Err(StepError::Stopped);
    }
    if let Some(known) = inspect::known_tree(context, job, wanted).await? {
        job.begin(StepName::Fetch, None).await?;
        job.complete(StepName::Fetch, "already in the store")
            .await?;
        job.skip(StepName::Unpack).await?;
        return inspect::from_store(context, job, wanted, known).await;
    }
    let folder = staging.folder(&number.to_string());
    empty(&folder).await?;
    let fetched = fetch::run(context, job, active, wanted, &folder).await?;
    inspect::run(context, job, wanted, &folder, fetched).await
}
