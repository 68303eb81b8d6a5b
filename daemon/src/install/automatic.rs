//! What packd does by itself is held against holds and the freeze once more, right before it becomes active: the tests of
//! packs may have taken a while.

use crate::queue::{Claimed, JobRequest, Origin};
use crate::store::{self, StoreError};

use super::Context;
use super::inspected::Inspected;

/// Whether somebody forbade meanwhile what the job is about to do. A new plan leaves that out.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn is_forbidden(
    context: &Context,
    job: &Claimed,
    news: &[Inspected],
) -> Result<bool, StoreError> {
    let is_automatic = matches!(
        job.request(),
        JobRequest::Update(update) if update.origin == Origin::Automatic
    );
    if !is_automatic {
        return Ok(false);
    }
    let forbidden = |connection: &_| {
        Ok((
            store::freeze::get(connection)?.is_some(),
            store::hold::all(connection)?,
        ))
    };
    let (is_frozen, holds) = context.database.read(forbidden).await?;
    let is_held = |pack: &Inspected| holds.contains_key(pack.manifest.pack_ref.as_str());
    Ok(is_frozen || news.iter().any(is_held))
}
