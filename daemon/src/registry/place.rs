//! The places that an index names, and which of them it may name.

use std::path::{Component, Path};

use url::Url;

use super::{RegistryError, folder};
use crate::config::{Registry, SafeUrl};
use crate::net::Realm;
use crate::source::archive::Location;
use crate::source::git::{Repository, Scheme, Spelled};

/// The repository that a source's URL names. The registry's headers are for its own server only, and a folder of
/// this host is named by an index of this host only.
pub(super) fn repository(
    registry: &Registry,
    realm: Realm,
    pack: &str,
    url: &str,
) -> Result<Repository, RegistryError> {
    let refused = |reason: String| RegistryError::SourceRefused {
        pack: pack.to_owned(),
        registry: registry.name.clone(),
        reason,
    };
    let spelled = Spelled::parse(url);
    let url = spelled.map_err(|error| refused(error.to_string()))?.url;
    match url.scheme() {
        Scheme::File if registry.url.scheme() != "file" => {
            return Err(refused(format!(
                "`{url}` is a folder, and the index is not of this host"
            )));
        }
        Scheme::File => {
            let folder = registry
                .url
                .join(".")
                .ok()
                .and_then(|folder| folder.to_file_path().ok());
            let path = Url::parse(&url.to_string())
                .ok()
                .and_then(|url| url.to_file_path().ok());
            if !matches!((folder, path), (Some(folder), Some(path)) if is_below(&path, &folder)) {
                return Err(refused(format!(
                    "`{url}` is not below the folder of the index"
                )));
            }
        }
        Scheme::Http if !registry.allow_http => {
            return Err(refused(format!(
                "`{url}` is plain http, which needs `allow_http: true` at the registry"
            )));
        }
        Scheme::Https | Scheme::Http | Scheme::Ssh | Scheme::Git => {}
    }
    let same_origin = Url::parse(&url.to_string())
        .is_ok_and(|url| url.origin().is_tuple() && url.origin() == registry.url.origin());
    let headers = registry
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    Ok(Repository {
        url,
        headers: headers.filter(|_| same_origin).collect(),
        allow_http: registry.allow_http,
        realm,
    })
}

/// The place that a source's URL names, relative to the index. Files are read only below the
/// folder of an index that is a file itself: an index from elsewhere has no business with them.
pub(super) fn locate(
    registry: &Registry,
    realm: Realm,
    pack: &str,
    url: &str,
) -> Result<(Location, String), RegistryError> {
    let refused = |reason: String| RegistryError::SourceRefused {
        pack: pack.to_owned(),
        registry: registry.name.clone(),
        reason,
    };
    if registry.url.scheme() == "dir" {
        return folder::locate(registry, url).map_err(refused);
    }
    let url = registry
        .url
        .join(url)
        .map_err(|source| RegistryError::SourceUrl {
            pack: pack.to_owned(),
            registry: registry.name.clone(),
            source,
        })?;
    let shown = SafeUrl::from(url.clone()).to_string();
    match url.scheme() {
        "file" if registry.url.scheme() == "file" => {
            let folder = registry
                .url
                .join(".")
                .ok()
                .and_then(|folder| folder.to_file_path().ok());
            let path = url.to_file_path().ok();
            match (folder, path) {
                (Some(folder), Some(path)) if is_below(&path, &folder) => {
                    Ok((Location::file(path), shown))
                }
                _ => Err(refused(format!(
                    "`{shown}` is not below the folder of the index"
                ))),
            }
        }
        "file" => Err(refused(format!(
            "`{shown}` is a file, and the index is not"
        ))),
        "https" => Ok((remote(registry, realm, url), shown)),
        "http" if registry.allow_http => Ok((remote(registry, realm, url), shown)),
        "http" => Err(refused(format!(
            "`{shown}` is plain http, which needs `allow_http: true` at the registry"
        ))),
        scheme => Err(refused(format!(
            "`{scheme}` is not a way to fetch an archive"
        ))),
    }
}

/// Whether a path stays below a folder. An encoded slash can bring `..` back after the URL was normalised.
fn is_below(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder) && !path.components().any(|part| part == Component::ParentDir)
}

fn remote(registry: &Registry, realm: Realm, url: Url) -> Location {
    let headers = registry
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    // a header is a secret of the registry's server, and of nobody else's
    let same_origin = registry.url.origin() == url.origin();
    Location::Url {
        url: SafeUrl::from(url),
        headers: headers.filter(|_| same_origin).collect(),
        allow_http: registry.allow_http,
        realm,
    }
}
