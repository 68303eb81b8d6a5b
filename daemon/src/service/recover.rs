//! What is done at start before anybody is served.

use std::sync::Arc;

use crate::config::Layout;
use crate::event::Hub;
use crate::install::activate;
use crate::queue::Queue;
use crate::store::{self, Database, StoreError};

/// Lets the database follow the link `current`, finishes the job of a switch that was cut short,
/// puts the other interrupted jobs back into the queue, and removes what they left.
///
/// # Errors
/// [`StoreError`]: packd must not start.
pub(super) async fn run(
    layout: &Arc<Layout>,
    database: &Database,
    hub: &Hub,
    queue: &Queue,
) -> Result<(), StoreError> {
    activate::reconcile(layout, database, hub).await?;
    queue.recover().await?;
    let uploads = queue.needed_uploads().await?;
    let layout = Arc::clone(layout);
    store::off_thread(move || {
        store::tree::sweep_staging(&layout)?;
        store::tree::sweep_uploads(&layout, &uploads)
    })
    .await
}
