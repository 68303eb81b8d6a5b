//! What a request names: refs, requirements and checksums.

use std::str::FromStr;

use packd_format::{Digest, PackRef, Requirement};
use packd_wire::InstallRequest;

use super::{RequestError, ResolveError};

/// The ref and the requirement of `slack`, `slack@^2`, or `slack` with `version: ^2`.
pub(super) fn parse_name(request: &InstallRequest) -> Result<(PackRef, Requirement), ResolveError> {
    let (name, after_at) = match request.source.split_once('@') {
        Some((name, requirement)) => (name, Some(requirement)),
        None => (request.source.as_str(), None),
    };
    if let Some(error) = no_name(&request.source) {
        return Err(error);
    }
    if request.no_registry {
        return Err(RequestError::NoRegistry {
            word: request.source.clone(),
        }
        .into());
    }
    if request.git_ref.is_some() {
        return Err(RequestError::NotForNames { what: "git_ref" }.into());
    }
    if request.checksum.is_some() {
        return Err(RequestError::NotForNames { what: "checksum" }.into());
    }
    if after_at.is_some() && request.version.is_some() {
        return Err(RequestError::TwoVersions {
            word: request.source.clone(),
        }
        .into());
    }
    let requirement = after_at.or(request.version.as_deref());
    let requirement = match requirement {
        Some(text) => {
            Requirement::from_str(text).map_err(|source| RequestError::Requirement { source })?
        }
        None => Requirement::any(),
    };
    Ok((parse_ref(name)?, requirement))
}

pub(super) fn parse_ref(text: &str) -> Result<PackRef, ResolveError> {
    text.parse()
        .map_err(|source| RequestError::Ref { source }.into())
}

pub(super) fn parse_checksum(text: &str) -> Result<Digest, ResolveError> {
    text.parse()
        .map_err(|source| RequestError::Checksum { source }.into())
}

/// What a source is that is neither a URL nor the name of a pack, if it is clear: a path.
fn no_name(source: &str) -> Option<ResolveError> {
    let name = source.split('@').next().unwrap_or_default();
    (name.contains('/') || name.starts_with(['.', '~'])).then(|| {
        RequestError::Path {
            word: source.to_owned(),
        }
        .into()
    })
}
