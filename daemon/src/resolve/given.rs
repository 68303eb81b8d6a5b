//! What a request brings or names itself, without a registry: an upload, the URL of an archive or of a repository.

use std::path::Path;

use packd_format::{Digest, PackRef};
use packd_wire::{InstallRequest, Verification};

use super::name::parse_checksum;
use super::{Bytes, Host, Plan, RequestError, ResolveError, Wanted, repository};
use crate::config::SafeUrl;
use crate::queue::UploadRequest;
use crate::source::archive::Location;
use crate::source::{Place, git};

pub(super) fn is_url(request: &InstallRequest) -> bool {
    request.source.contains("://") || git::is_certain(&request.source)
}

/// A repository or an archive; which of the two is found out by asking where the form does not say it.
///
/// `name` is the pack that it is, where that is known.
pub(super) async fn by_url(
    request: &InstallRequest,
    name: Option<&PackRef>,
    host: &Host<'_>,
) -> Result<Plan, ResolveError> {
    let (bytes, path, reason) = match repository::kind_of(request, host.policy)? {
        repository::Kind::Repository(asked) => repository::find(asked, name, host).await?,
        repository::Kind::Either(asked) => {
            if repository::probe(request, &asked, name, host).await? {
                repository::find(asked, name, host).await?
            } else {
                let bytes = archive(request, host.policy.allow_http)?;
                let reason = "requested; an archive, since no repository answers there";
                (bytes, asked.path, reason.to_owned())
            }
        }
        repository::Kind::Archive => {
            let bytes = archive(request, host.policy.allow_http)?;
            (bytes, request.path.clone(), "requested".to_owned())
        }
    };
    Ok(Plan {
        wanted: vec![Wanted {
            reason,
            ..unnamed(bytes, path)
        }],
        ..Plan::default()
    })
}

/// The archive at a URL.
pub(super) fn archive(request: &InstallRequest, allow_http: bool) -> Result<Bytes, ResolveError> {
    let url: SafeUrl = request
        .source
        .parse()
        .map_err(|source| RequestError::Url { source })?;
    for (given, what) in [
        (&request.version, "version"),
        (&request.registry, "registry"),
        (&request.git_ref, "git_ref"),
    ] {
        if given.is_some() {
            return Err(RequestError::NotForUrls { what }.into());
        }
    }
    match url.as_url().scheme() {
        "https" | "http" if url.has_credentials() => {
            return Err(RequestError::Credentials { url }.into());
        }
        "http" if !allow_http => {
            let url = url.to_string();
            return Err(RequestError::PlainHttp { url }.into());
        }
        "https" | "http" => {}
        "file" => return Err(RequestError::FileUrl { url }.into()),
        _ => return Err(RequestError::Scheme { url }.into()),
    }
    let expected = request
        .checksum
        .as_deref()
        .map(parse_checksum)
        .transpose()?;
    Ok(Bytes {
        shown: url.to_string(),
        place: Place::Archive(Location::named(url, allow_http)),
        uploaded: false,
        verified_by: by_request(expected.as_ref()),
        expected,
        tree: None,
        size: None,
    })
}

pub(super) fn by_upload(request: &UploadRequest, uploads: &Path) -> Result<Plan, ResolveError> {
    let expected = request
        .query
        .checksum
        .as_deref()
        .map(parse_checksum)
        .transpose()?;
    let name = request.query.name.as_deref();
    let shown = name.unwrap_or("an uploaded archive").to_owned();
    let bytes = Bytes {
        place: Place::Archive(Location::upload(uploads.join(&request.file), shown.clone())),
        shown,
        uploaded: true,
        verified_by: by_request(expected.as_ref()),
        expected,
        tree: None,
        size: Some(request.bytes),
    };
    Ok(Plan {
        wanted: vec![unnamed(bytes, request.query.path.clone())],
        ..Plan::default()
    })
}

pub(super) fn unnamed(bytes: Bytes, path: Option<String>) -> Wanted {
    Wanted {
        pack_ref: None,
        version: None,
        sources: vec![bytes],
        registry: None,
        registry_id: None,
        path,
        needs: None,
        reason: "requested".into(),
    }
}

fn by_request(expected: Option<&Digest>) -> Verification {
    if expected.is_some() {
        Verification::RequestChecksum
    } else {
        Verification::None
    }
}
