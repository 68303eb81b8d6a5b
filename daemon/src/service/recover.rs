//! What is done at start before anybody is served.

use std::sync::Arc;

use crate::config::Layout;
use crate::event::Hub;
use crate::fault;
use crate::install::activate;
use crate::queue::Queue;
use crate::store::record::{self, InstallRecord};
use crate::store::{self, Database, StoreError};

/// Makes good what was damaged, lets the database follow the link `current`, finishes the job of a switch that was cut short,
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
    activate::adopt(layout, database).await?;
    activate::reconcile(layout, database, hub).await?;
    record_all(layout, database).await?;
    fault::point("recover.reconciled");
    queue.recover().await?;
    fault::point("recover.requeued");
    let uploads = queue.needed_uploads().await?;
    let layout = Arc::clone(layout);
    store::off_thread(move || {
        store::tree::sweep_staging(&layout)?;
        store::tree::sweep_uploads(&layout, &uploads)
    })
    .await
}

/// Writes the records that active packs lack: those of packs that were installed before there were any.
async fn record_all(layout: &Arc<Layout>, database: &Database) -> Result<(), StoreError> {
    let (active, event) = database
        .read(|connection| {
            Ok((
                store::pack::active(connection)?,
                store::event::last(connection)?,
            ))
        })
        .await?;
    let layout = Arc::clone(layout);
    store::off_thread(move || {
        let lacking: Vec<_> = active
            .values()
            .filter(|pack| !record::path(&layout, &pack.dir).exists())
            .filter(|pack| store::tree::is_complete(&layout, &pack.dir))
            .map(|pack| InstallRecord::of(pack, event))
            .collect();
        record::write(&layout, &lacking)
    })
    .await
}
