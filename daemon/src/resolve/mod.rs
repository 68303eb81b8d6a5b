//! From a request, the registries and what is installed to a plan, or the reason why not.
//!
//! Reads only. A plan may be incomplete: what an archive is, and what it needs,
//! is known once it was inspected. `docs/architecture.md` has the rules.

mod error;
mod remove;
#[cfg(test)]
mod tests;
mod view;

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use packd_format::{Dependency, Digest, PackRef, Requirement, Version, version};
use packd_wire::{InstallRequest, Verification};

use crate::config::{Layout, SafeUrl};
use crate::queue::{JobRequest, UploadRequest};
use crate::registry::{Offer, Query, Registries};
use crate::source::archive::Location;
use crate::store;
use crate::store::pack::Installed;

pub(crate) use error::ResolveError;
pub(crate) use view::action;

/// What is active, by ref.
pub(crate) type Active = BTreeMap<String, Installed>;

/// What a job will change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Packs to bring.
    pub wanted: Vec<Wanted>,
    /// Packs to remove.
    pub removed: Vec<Installed>,
    /// Packs that are already as asked.
    pub kept: Vec<Installed>,
    /// A pack that was to be removed, and is not installed.
    pub absent: Option<String>,
    /// What was odd but not in the way.
    pub warnings: Vec<String>,
}

/// A pack to bring.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// Its name, when the request or the registry says it.
    pub pack_ref: Option<PackRef>,
    /// Its version, when the registry says it.
    pub version: Option<Version>,
    /// Where its bytes are, the best first.
    pub sources: Vec<Bytes>,
    /// The registry that offers it.
    pub registry: Option<String>,
    /// The folder inside the archive that is the pack.
    pub path: Option<String>,
    /// Why it is in the plan.
    pub reason: String,
}

/// One place where a pack's bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Bytes {
    /// How to get there.
    pub location: Location,
    /// The same for people and records, without credentials.
    pub shown: String,
    /// Whether a client sent them.
    pub uploaded: bool,
    /// What they must digest to.
    pub expected: Option<Digest>,
    /// Who says so.
    pub verified_by: Verification,
    /// How many they are, when the index says it.
    pub size: Option<u64>,
}

/// What a plan is made from.
pub(crate) struct Host<'a> {
    /// Where uploads and trees lie.
    pub layout: &'a Arc<Layout>,
    /// Whether a request may name plain http: `net.allow_http`.
    pub allow_http: bool,
    /// What can be had.
    pub registries: &'a Registries,
    /// What is active.
    pub active: &'a Active,
}

/// Makes the plan of a request.
///
/// # Errors
/// [`ResolveError`]; whether a retry can help is its `is_transient`.
pub(crate) async fn run(request: &JobRequest, host: &Host<'_>) -> Result<Plan, ResolveError> {
    match request {
        JobRequest::Install(request) if is_url(request) => by_url(request, host.allow_http),
        JobRequest::Install(request) => by_name(request, host).await,
        JobRequest::Upload(request) => by_upload(request, &host.layout.uploads()),
        JobRequest::Remove(request) => remove::run(request, host.active),
    }
}

/// Says early what is wrong with a request, before it becomes a job.
///
/// # Errors
/// [`ResolveError`], but only those that need neither a registry nor the store.
pub(crate) fn check(request: &JobRequest, allow_http: bool) -> Result<(), ResolveError> {
    match request {
        JobRequest::Install(request) if is_url(request) => by_url(request, allow_http).map(drop),
        JobRequest::Install(request) => parse_name(request).map(drop),
        JobRequest::Upload(request) => by_upload(request, Path::new("")).map(drop),
        JobRequest::Remove(request) => parse_ref(&request.pack_ref).map(drop),
    }
}

fn is_url(request: &InstallRequest) -> bool {
    request.source.contains("://")
}

fn by_url(request: &InstallRequest, allow_http: bool) -> Result<Plan, ResolveError> {
    let url: SafeUrl = request
        .source
        .parse()
        .map_err(|source| ResolveError::Url { source })?;
    if is_git(&url) {
        let source_text = url.to_string();
        return Err(ResolveError::Git { source_text });
    }
    for (given, what) in [
        (&request.version, "version"),
        (&request.registry, "registry"),
        (&request.git_ref, "git_ref"),
    ] {
        if given.is_some() {
            return Err(ResolveError::NotForUrls { what });
        }
    }
    match url.as_url().scheme() {
        "https" | "http" if url.has_credentials() => return Err(ResolveError::Credentials { url }),
        "http" if !allow_http => return Err(ResolveError::PlainHttp { url }),
        "https" | "http" => {}
        "file" => return Err(ResolveError::FileUrl { url }),
        _ => return Err(ResolveError::Scheme { url }),
    }
    let expected = request
        .checksum
        .as_deref()
        .map(parse_checksum)
        .transpose()?;
    let bytes = Bytes {
        shown: url.to_string(),
        location: Location::remote(url, Vec::new(), allow_http),
        uploaded: false,
        verified_by: by_request(expected.as_ref()),
        expected,
        size: None,
    };
    Ok(Plan {
        wanted: vec![unnamed(bytes, request.path.clone())],
        ..Plan::default()
    })
}

fn by_upload(request: &UploadRequest, uploads: &Path) -> Result<Plan, ResolveError> {
    let expected = request
        .query
        .checksum
        .as_deref()
        .map(parse_checksum)
        .transpose()?;
    let name = request.query.name.as_deref();
    let shown = name.unwrap_or("an uploaded archive").to_owned();
    let bytes = Bytes {
        location: Location::upload(uploads.join(&request.file), shown.clone()),
        shown,
        uploaded: true,
        verified_by: by_request(expected.as_ref()),
        expected,
        size: Some(request.bytes),
    };
    Ok(Plan {
        wanted: vec![unnamed(bytes, request.query.path.clone())],
        ..Plan::default()
    })
}

fn unnamed(bytes: Bytes, path: Option<String>) -> Wanted {
    Wanted {
        pack_ref: None,
        version: None,
        sources: vec![bytes],
        registry: None,
        path,
        reason: "requested".into(),
    }
}

/// Whether a URL names a git repository, going by its scheme and its ending.
fn is_git(url: &SafeUrl) -> bool {
    let scheme = url.as_url().scheme();
    let ending = Path::new(url.as_url().path()).extension();
    matches!(scheme, "git" | "ssh")
        || scheme.starts_with("git+")
        || (scheme != "file" && ending.is_some_and(|ending| ending.eq_ignore_ascii_case("git")))
}

/// What a source is that is neither a URL nor the name of a pack, if it is clear: `git@host:a/b`, or a path.
fn no_name(source: &str) -> Option<ResolveError> {
    let scp = source.split_once(':').map(|(host, _)| host);
    if scp.is_some_and(|host| host.contains('@') && !host.contains('/')) {
        let source_text = source.to_owned();
        return Some(ResolveError::Git { source_text });
    }
    let name = source.split('@').next().unwrap_or_default();
    (name.contains('/') || name.starts_with(['.', '~'])).then(|| ResolveError::Path {
        word: source.to_owned(),
    })
}

async fn by_name(request: &InstallRequest, host: &Host<'_>) -> Result<Plan, ResolveError> {
    let (pack_ref, requirement) = parse_name(request)?;
    let query = Query {
        pack_ref: &pack_ref,
        requirement: &requirement,
        pre: request.pre,
        only: request.registry.as_deref(),
    };
    let offer = host
        .registries
        .lookup(&query)
        .await
        .map_err(ResolveError::Registry)?;
    let mut plan = Plan {
        warnings: offer.warnings.clone(),
        ..Plan::default()
    };

    if let Some(installed) = host.active.get(pack_ref.as_str())
        && is_present(host.layout, installed).await?
    {
        let version = installed_version(installed)?;
        if !request.force && version == offer.version {
            plan.kept.push(installed.clone());
            return Ok(plan);
        }
        // `install slack` asks for the newest, and never means to go back
        if requirement.is_any() && version > offer.version {
            plan.warnings.push(format!(
                "installed `{pack_ref}` {version} is newer than {}, the newest that registry `{}` offers; \
                 say `{pack_ref}@{}` to go back",
                offer.version, offer.registry, offer.version,
            ));
            plan.kept.push(installed.clone());
            return Ok(plan);
        }
    }
    plan.wanted.push(from_offer(request, pack_ref, offer));
    Ok(plan)
}

/// Whether an active pack's tree is there.
async fn is_present(layout: &Arc<Layout>, pack: &Installed) -> Result<bool, ResolveError> {
    let (layout, dir) = (Arc::clone(layout), pack.dir.clone());
    store::off_thread(move || Ok(store::tree::is_complete(&layout, &dir)))
        .await
        .map_err(ResolveError::Store)
}

fn from_offer(request: &InstallRequest, pack_ref: PackRef, offer: Offer) -> Wanted {
    let sources = offer
        .sources
        .into_iter()
        .map(|source| Bytes {
            shown: source.shown,
            location: source.location,
            uploaded: false,
            verified_by: match source.checksum {
                Some(_) => Verification::RegistryChecksum,
                None => Verification::None,
            },
            expected: source.checksum,
            size: source.size,
        })
        .collect();
    Wanted {
        pack_ref: Some(pack_ref),
        version: Some(offer.version),
        sources,
        registry: Some(offer.registry),
        path: request.path.clone(),
        reason: "requested".into(),
    }
}

/// The ref and the requirement of `slack`, `slack@^2`, or `slack` with `version: ^2`.
fn parse_name(request: &InstallRequest) -> Result<(PackRef, Requirement), ResolveError> {
    let (name, after_at) = match request.source.split_once('@') {
        Some((name, requirement)) => (name, Some(requirement)),
        None => (request.source.as_str(), None),
    };
    if let Some(error) = no_name(&request.source) {
        return Err(error);
    }
    if request.no_registry {
        return Err(ResolveError::NoRegistry {
            word: request.source.clone(),
        });
    }
    if request.git_ref.is_some() {
        return Err(ResolveError::NotForNames { what: "git_ref" });
    }
    if request.checksum.is_some() {
        return Err(ResolveError::NotForNames { what: "checksum" });
    }
    if after_at.is_some() && request.version.is_some() {
        return Err(ResolveError::TwoVersions {
            word: request.source.clone(),
        });
    }
    let requirement = after_at.or(request.version.as_deref());
    let requirement = match requirement {
        Some(text) => {
            Requirement::from_str(text).map_err(|source| ResolveError::Requirement { source })?
        }
        None => Requirement::any(),
    };
    Ok((parse_ref(name)?, requirement))
}

fn parse_ref(text: &str) -> Result<PackRef, ResolveError> {
    text.parse().map_err(|source| ResolveError::Ref { source })
}

fn parse_checksum(text: &str) -> Result<Digest, ResolveError> {
    text.parse()
        .map_err(|source| ResolveError::Checksum { source })
}

fn by_request(expected: Option<&Digest>) -> Verification {
    if expected.is_some() {
        Verification::RequestChecksum
    } else {
        Verification::None
    }
}

/// The version of an installed pack.
///
/// # Errors
/// [`ResolveError::Record`] when the database holds something else: a defect, or a damaged one.
pub(crate) fn installed_version(installed: &Installed) -> Result<Version, ResolveError> {
    version::parse(&installed.version)
        .map(|(version, _)| version)
        .map_err(|source| ResolveError::Record {
            pack: installed.pack_ref.clone(),
            source: Box::new(source),
        })
}

/// The active packs that need `pack_ref`, each with its requirement.
#[must_use]
pub(crate) fn dependents(active: &Active, pack_ref: &str) -> Vec<(String, Requirement)> {
    active
        .values()
        .filter(|pack| pack.pack_ref != pack_ref)
        .flat_map(|pack| {
            pack.record
                .dependencies
                .iter()
                .filter_map(|text| text.parse::<Dependency>().ok())
                .filter(|dependency| dependency.pack_ref.as_str() == pack_ref)
                .map(|dependency| (pack.pack_ref.clone(), dependency.requirement))
        })
        .collect()
}
