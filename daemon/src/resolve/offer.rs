//! What a registry offers, as a pack to bring; what changed behind a version that did not is refused.

use packd_format::{Digest, PackRef, Version};
use packd_wire::Verification;

use super::error::Changed;
use super::{Bytes, Host, ResolveError, Wanted, repository};
use crate::registry::{Offer, OfferPlace};
use crate::source::Place;
use crate::store;

/// What a registry offers, as a pack to bring.
pub(super) async fn from_offer(
    offer: Offer,
    pack_ref: &PackRef,
    path: Option<String>,
    why: &str,
    host: &Host<'_>,
    warnings: &mut Vec<String>,
) -> Result<Wanted, ResolveError> {
    let mut sources: Vec<Bytes> = Vec::new();
    let mut reason = why.to_owned();
    for source in offer.sources {
        let place = match source.place {
            OfferPlace::Archive(location) => {
                // who signs a change vouches for it
                if let Some(checksum) = source.checksum.filter(|_| !source.signed) {
                    let seen = (pack_ref, &offer.version, offer.registry.as_str());
                    match Box::pin(unchanged(seen, &source.shown, &checksum, host)).await {
                        Ok(()) => {}
                        Err(error) if !sources.is_empty() => {
                            warnings.push(packd_format::error::chain(&error));
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
                Place::Archive(location)
            }
            OfferPlace::Git(asked) => {
                let release = repository::Release {
                    pack_ref,
                    version: &offer.version,
                    registry: &offer.registry,
                };
                match repository::offered(*asked, &source.shown, &release, host).await {
                    Ok(at) => {
                        if sources.is_empty() {
                            reason = format!("{why}; git, {}", at.chosen.words);
                        }
                        Place::Git(Box::new(at))
                    }
                    // one that may not be used is no reason against those before it
                    Err(error) if !sources.is_empty() => {
                        warnings.push(format!(
                            "{}: {}",
                            source.shown,
                            packd_format::error::chain(&error)
                        ));
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
        };
        let verified_by = match (&place, &source.checksum) {
            _ if source.signed => Verification::RegistrySignature,
            (Place::Archive(_), Some(_)) => Verification::RegistryChecksum,
            (Place::Git(at), _) if at.chosen.is_exact => Verification::RegistryCommit,
            _ => Verification::None,
        };
        sources.push(Bytes {
            shown: source.shown,
            place,
            uploaded: false,
            verified_by,
            expected: source.checksum,
            tree: source.tree,
            size: source.size,
        });
    }
    Ok(Wanted {
        pack_ref: Some(pack_ref.clone()),
        version: Some(offer.version),
        sources,
        registry: Some(offer.registry),
        registry_id: offer.registry_id,
        path,
        needs: offer.needs,
        reason,
    })
}

/// Refuses an archive whose checksum is another one than when the same version was installed from the same place.
async fn unchanged(
    (pack_ref, version, registry): (&PackRef, &Version, &str),
    place: &str,
    checksum: &Digest,
    host: &Host<'_>,
) -> Result<(), ResolveError> {
    let (pack, version, url) = (pack_ref.to_string(), version.to_string(), place.to_owned());
    let look = {
        let (pack, version, url) = (pack.clone(), version.clone(), url.clone());
        move |connection: &_| store::pack::archive_of(connection, &pack, &version, &url)
    };
    let known = host
        .database
        .read(look)
        .await
        .map_err(ResolveError::Store)?;
    let Some(known) = known.filter(|known| *known != checksum.to_string()) else {
        return Ok(());
    };
    // what the database holds is always a sha256; another algorithm says nothing about it
    if checksum.algorithm() != packd_format::Algorithm::Sha256 {
        return Ok(());
    }
    Err(ResolveError::Changed(Box::new(Changed {
        pack,
        version,
        registry: registry.to_owned(),
        place: url,
        known,
        actual: checksum.to_string(),
    })))
}
