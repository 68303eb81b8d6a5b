//! What somebody changed in a tree is not lost with the pack's next version.
//!
//! Between *test* and *activate*: the trees of packs that are about to be replaced or removed are looked at. One that is not as
//! it was installed is copied to `quarantine/`. The tree itself stays: earlier generations lead to it. Safe to repeat: one
//! copy more is no harm.

use std::sync::Arc;

use packd_wire::{EventKind, PackState};

use crate::queue::Claimed;
use crate::resolve::{Active, Plan};
use crate::store::{look, quarantine};

use super::inspected::Inspected;
use super::{Context, StepError, blocking, verify};

/// Keeps what is about to be replaced, where it is not as it was installed.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    plan: &Plan,
    news: &[Inspected],
    active: &Active,
) -> Result<(), StepError> {
    let replaced = news.iter().filter_map(|new| {
        let old = active.get(new.manifest.pack_ref.as_str())?;
        (old.dir != new.dir).then_some(old)
    });
    for pack in replaced.chain(&plan.removed) {
        let (layout, old) = (Arc::clone(&context.layout), pack.clone());
        let look = blocking(move || look::look(&layout, &old)).await?;
        if look.is_tree_good || look.state == PackState::Missing {
            continue;
        }
        let (layout, dir) = (Arc::clone(&context.layout), pack.dir.clone());
        let folder = blocking(move || quarantine::keep_copy(&layout, &dir)).await??;
        let (dir, found) = (pack.dir.clone(), look.clone());
        context
            .database
            .write(move |tx| look::note(tx, &dir, &found))
            .await?;
        let data = verify::event(pack, &look);
        job.tell(EventKind::PackDamaged, Some(&pack.pack_ref), data)
            .await?;
        let message = format!(
            "`{}` {} was changed since it was installed; a copy of it as it was is in `{}`",
            pack.pack_ref,
            pack.version,
            folder.display()
        );
        job.warn(Some(&pack.pack_ref), message).await?;
    }
    Ok(())
}
