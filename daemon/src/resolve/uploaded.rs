//! Packs that clients sent: they can be brought from nowhere, and may still be in the store.

use std::sync::Arc;

use packd_format::Digest;
use packd_wire::Verification;

use super::{Bytes, Host, ResolveError, Wanted, unnamed};
use crate::source::Place;
use crate::source::archive::Location;
use crate::store;

/// The pack that was made from an archive with this digest, if its tree is in the store. `shown` is what the archive
/// was called.
///
/// # Errors
/// [`ResolveError::Store`].
pub(super) async fn find(
    archive: Digest,
    path: Option<String>,
    shown: Option<String>,
    host: &Host<'_>,
) -> Result<Option<Wanted>, ResolveError> {
    let (text, inside) = (archive.to_string(), path.clone());
    let tree = host
        .database
        .read(move |connection| store::pack::tree_of_archive(connection, &text, inside.as_deref()))
        .await
        .map_err(ResolveError::Store)?;
    let Some(tree) = tree else { return Ok(None) };
    let layout = Arc::clone(host.layout);
    let is_there =
        store::off_thread(move || Ok(store::tree::is_complete(&layout, &tree.dir))).await;
    if !is_there.map_err(ResolveError::Store)? {
        return Ok(None);
    }
    let shown = shown.unwrap_or_else(|| "an uploaded archive".to_owned());
    let bytes = Bytes {
        place: Place::Archive(Location::upload(host.layout.uploads(), shown.clone())),
        shown,
        uploaded: true,
        expected: Some(archive),
        tree: None,
        verified_by: Verification::RequestChecksum,
        size: None,
    };
    Ok(Some(unnamed(bytes, path)))
}
