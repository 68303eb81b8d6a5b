//! From a request, the registries and what is installed to a plan, or the reason why not.
//!
//! Reads only. A plan may be incomplete: what an archive is, and what it needs,
//! is known once it was inspected. `docs/architecture.md` has the rules.

mod desired;
mod error;
mod hold;
mod market;
mod name;
mod order;
mod origin;
mod pin;
mod remove;
mod repository;
mod rollback;
mod saved;
mod solver;
#[cfg(test)]
mod tests;
mod update;
mod uploaded;
mod view;
mod wish;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use packd_format::sign::RegistryId;
use packd_format::{Dependency, Digest, PackRef, Requirement, Version, version};
use packd_wire::{HoldChange, InstallRequest, LeftOut, PlanView, Verification};

use crate::config::{Layout, SafeUrl};
use crate::queue::{JobRequest, UploadRequest};
use crate::registry::{Offer, OfferPlace, Registries};
use crate::source::archive::Location;
use crate::source::{Place, git};
use crate::store::hold::Holds;
use crate::store::pack::Installed;
use crate::store::{self, Database};

use name::{parse_checksum, parse_name, parse_ref};
use order::Order;
use wish::Wish;

use desired::DesiredError;
use error::Changed;
pub(crate) use error::ResolveError;
pub(crate) use hold::shown as held_in_words;
pub(crate) use rollback::Target;
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
    /// Packs that were active before, to be active again as they were.
    pub again: Vec<Installed>,
    /// The generation that they are from.
    pub target: Option<Target>,
    /// Packs that are already as asked.
    pub kept: Vec<Installed>,
    /// Those to bring that nobody asked for by name.
    pub additional: Vec<String>,
    /// Packs that need each other, each as a way from one back to it.
    pub circles: Vec<Vec<String>>,
    /// Newer versions of those that are kept, by pack.
    pub newer: BTreeMap<String, String>,
    /// Whether the packs that go do so because nobody named them.
    pub pruning: bool,
    /// Packs that are held, or not held any more, afterwards.
    pub holds: Vec<HoldChange>,
    /// Whether it says only what has to be inspected before there can be a plan.
    pub unfinished: bool,
    /// Packs that were to be updated, and stay as they are.
    pub left_out: Vec<LeftOut>,
    /// A pack that was to be removed, and is not installed.
    pub absent: Option<String>,
    /// What was odd but not in the way.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Whether nothing is to be done.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.removed.is_empty() && self.again.is_empty()
    }
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
    /// What the root of that registry calls it, if it is signed.
    pub registry_id: Option<RegistryId>,
    /// The folder inside the archive that is the pack.
    pub path: Option<String>,
    /// What the plan takes it to need, where that is known without having seen it.
    pub needs: Option<Vec<Dependency>>,
    /// Why it is in the plan.
    pub reason: String,
}

impl Wanted {
    /// Whether the same bytes are meant: the one thing that a request brings itself, or the same release of a registry.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let place = |wanted: &Self| wanted.sources.first().map(|bytes| bytes.shown.clone());
        match (&self.registry, &other.registry) {
            (None, None) => {
                // before it was inspected, nobody knows which pack it is
                let one_pack = match (&self.pack_ref, &other.pack_ref) {
                    (Some(one), Some(another)) => one == another,
                    _ => true,
                };
                place(self) == place(other) && self.path == other.path && one_pack
            }
            _ => {
                self.registry == other.registry
                    && self.pack_ref == other.pack_ref
                    && self.version == other.version
            }
        }
    }
}

/// A pack of the plan that was brought already, and what its own `pack.yaml` says.
#[derive(Debug, Clone)]
pub(crate) struct Brought {
    /// What was wanted.
    pub wanted: Wanted,
    /// What it is.
    pub pack_ref: PackRef,
    /// Its version.
    pub version: Version,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
}

/// One place where a pack's bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Bytes {
    /// How to get there.
    pub place: Place,
    /// The same for people and records, without credentials.
    pub shown: String,
    /// Whether a client sent them.
    pub uploaded: bool,
    /// What they must digest to.
    pub expected: Option<Digest>,
    /// What the tree of the pack must digest to.
    pub tree: Option<Digest>,
    /// Who says so.
    pub verified_by: Verification,
    /// How many they are, when the index says it.
    pub size: Option<u64>,
}

impl Bytes {
    /// The commit of a repository, if that is where they are.
    #[must_use]
    pub(crate) fn commit(&self) -> Option<&git::Chosen> {
        match &self.place {
            Place::Git(at) => Some(&at.chosen),
            Place::Archive(_) => None,
        }
    }
}

/// What a request may name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Policy {
    /// Plain http: `net.allow_http`.
    pub allow_http: bool,
    /// `git://`: `git.allow_git_protocol`.
    pub allow_git_protocol: bool,
    /// A repository of this host: who asks is an admin.
    pub reads_files: bool,
}

/// What a plan is made from.
pub(crate) struct Host<'a> {
    /// Where uploads and trees lie.
    pub layout: &'a Arc<Layout>,
    /// What a request may name.
    pub policy: Policy,
    /// The way to repositories.
    pub reach: git::Reach<'a>,
    /// What an earlier attempt of the same job settled on.
    pub pinned: Option<&'a PlanView>,
    /// What is remembered of earlier installs.
    pub database: &'a Database,
    /// What can be had.
    pub registries: &'a Registries,
    /// What is active.
    pub active: &'a Active,
    /// The packs that stay in their version.
    pub holds: &'a Holds,
    /// The generation that is.
    pub generation: Option<i64>,
}

/// Makes the plan of a request, with what was learned from the packs that were brought for it already.
///
/// # Errors
/// [`ResolveError`]; whether a retry can help is its `is_transient`.
pub(crate) async fn run(
    request: &JobRequest,
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Plan, ResolveError> {
    let mut plan = without_holds(request, host, brought).await?;
    if !request.flags().force {
        hold::check(&plan, host)?;
    }
    plan.warnings.extend(rolled_back(&plan, host).await?);
    Ok(plan)
}

/// That versions to bring were rolled back from.
async fn rolled_back(plan: &Plan, host: &Host<'_>) -> Result<Vec<String>, ResolveError> {
    if plan.wanted.is_empty() {
        return Ok(Vec::new());
    }
    let blocked = host
        .database
        .read(store::blocked::all)
        .await
        .map_err(ResolveError::Store)?;
    let sentences = plan.wanted.iter().filter_map(|wanted| {
        let (name, version) = (wanted.pack_ref.as_ref()?, wanted.version.as_ref()?);
        let known = blocked.is_blocked(name.as_str(), &version.to_string())?;
        Some(format!(
            "`{name}` {version} was rolled back from by job {} at {}",
            known.job, known.since
        ))
    });
    Ok(sentences.collect())
}

async fn without_holds(
    request: &JobRequest,
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Plan, ResolveError> {
    let flags = request.flags();
    if let JobRequest::Apply(asked) = request
        && let Some(packs) = &asked.packs
    {
        return desired::plan(asked, packs, host, brought).await;
    }
    let given = brought
        .iter()
        .find(|brought| brought.wanted.registry.is_none());
    if let Some(given) = given {
        let wish = Wish {
            given: Some(given.clone()),
            ..Wish::new(given.pack_ref.clone(), Requirement::any())
        };
        let order = Order::of(wish, pre(request), flags);
        return order.plan(host, brought).await.map(|planned| planned.plan);
    }
    match request {
        JobRequest::Install(request) if is_url(request) => by_url(request, None, host).await,
        JobRequest::Install(request) => {
            let (pack_ref, requirement) = parse_name(request)?;
            let wish = Wish {
                registry: request.registry.clone(),
                path: request.path.clone(),
                ..Wish::new(pack_ref, requirement)
            };
            let order = Order::of(wish, request.pre, flags);
            order.plan(host, brought).await.map(|planned| planned.plan)
        }
        JobRequest::Upload(request) => by_upload(request, &host.layout.uploads()),
        JobRequest::Update(request) => Box::pin(update::plan(request, host, brought)).await,
        JobRequest::Remove(request) => remove::run(request, host.active),
        // nothing changes: packs are looked up by who runs their tests, looks at their trees, or removes these
        JobRequest::Test(_) | JobRequest::Verify(_) | JobRequest::Gc(_) => Ok(Plan::default()),
        JobRequest::Apply(request) => match &request.plan {
            Some(plan) => saved::plan(plan, flags.change_origin.into(), host).await,
            None => Ok(Plan::default()),
        },
        JobRequest::Rollback(request) => rollback::plan(request, host).await,
    }
}

/// Whether a request considers pre-releases.
fn pre(request: &JobRequest) -> bool {
    matches!(
        request,
        JobRequest::Install(InstallRequest { pre: true, .. })
    )
}

/// Says early what is wrong with a request, before it becomes a job.
///
/// # Errors
/// [`ResolveError`], but only those that need neither a registry nor the store.
pub(crate) fn check(request: &JobRequest, policy: Policy) -> Result<(), ResolveError> {
    match request {
        JobRequest::Install(request) if is_url(request) => {
            match repository::kind_of(request, policy)? {
                repository::Kind::Repository(_) | repository::Kind::Either(_) => Ok(()),
                repository::Kind::Archive => archive(request, policy.allow_http).map(drop),
            }
        }
        JobRequest::Install(request) => parse_name(request).map(drop),
        JobRequest::Upload(request) => by_upload(request, Path::new("")).map(drop),
        JobRequest::Update(request) => {
            let mut packs = request.packs.iter();
            packs.try_for_each(|pack| parse_ref(&pack.pack_ref).map(drop))
        }
        JobRequest::Remove(request) => parse_ref(&request.pack_ref).map(drop),
        JobRequest::Test(request) => parse_ref(&request.pack_ref).map(drop),
        JobRequest::Apply(request) => match (&request.packs, &request.plan) {
            (Some(packs), None) => desired::check(request, packs, policy),
            (None, Some(plan)) => saved::check(plan, policy),
            (Some(_), Some(_)) => Err(DesiredError::PacksAndPlan.into()),
            (None, None) => Err(DesiredError::NoPacks.into()),
        },
        JobRequest::Rollback(request) => match &request.asked.pack_ref {
            Some(name) => parse_ref(name).map(drop),
            None => Ok(()),
        },
        JobRequest::Verify(request) => {
            let mut refs = request.refs.iter();
            refs.try_for_each(|name| parse_ref(name).map(drop))
        }
        JobRequest::Gc(_) => Ok(()),
    }
}

fn is_url(request: &InstallRequest) -> bool {
    request.source.contains("://") || git::is_certain(&request.source)
}

/// A repository or an archive; which of the two is found out by asking where the form does not say it.
///
/// `name` is the pack that it is, where that is known.
async fn by_url(
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
fn archive(request: &InstallRequest, allow_http: bool) -> Result<Bytes, ResolveError> {
    let url: SafeUrl = request
        .source
        .parse()
        .map_err(|source| ResolveError::Url { source })?;
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
        "http" if !allow_http => {
            let url = url.to_string();
            return Err(ResolveError::PlainHttp { url });
        }
        "https" | "http" => {}
        "file" => return Err(ResolveError::FileUrl { url }),
        _ => return Err(ResolveError::Scheme { url }),
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

fn unnamed(bytes: Bytes, path: Option<String>) -> Wanted {
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

/// Whether an active pack's tree is there.
async fn is_present(layout: &Arc<Layout>, pack: &Installed) -> Result<bool, ResolveError> {
    let (layout, dir) = (Arc::clone(layout), pack.dir.clone());
    store::off_thread(move || Ok(store::tree::is_complete(&layout, &dir)))
        .await
        .map_err(ResolveError::Store)
}

/// What a registry offers, as a pack to bring.
async fn from_offer(
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
