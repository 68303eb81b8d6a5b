//! Repositories in a plan: what a request says of one, what an entry does, and the commit that is meant.
//!
//! The commit is found here, by asking the server, so that the plan names it; from then on the job means that
//! commit, also when it runs again.

use packd_format::archive::Format;
use packd_format::{PackRef, Requirement, Version};
use packd_wire::{InstallRequest, PlanChange, Verification};

use super::error::Moved;
use super::{Bytes, Host, Policy, RequestError, ResolveError};
use crate::config::SafeUrl;
use crate::net::Realm;
use crate::registry::OfferGit;
use crate::source::Place;
use crate::source::git::{self, At, Chosen, GitUrl, Repository, Scheme, Spelled, Want};
use crate::store;

/// What a URL in a request names, going by the request alone.
pub(super) enum Kind {
    /// A repository.
    Repository(Asked),
    /// An archive.
    Archive,
    /// One of the two: the server has to be asked.
    Either(Asked),
}

/// A repository in a request.
pub(super) struct Asked {
    repository: Repository,
    want: Want,
    /// The folder in it.
    pub(super) path: Option<String>,
}

/// The release of an entry that names a repository.
pub(super) struct Release<'a> {
    pub(super) pack_ref: &'a PackRef,
    pub(super) version: &'a Version,
    pub(super) registry: &'a str,
}

/// What a request's URL names.
///
/// # Errors
/// What is wrong with it on its face.
pub(super) fn kind_of(request: &InstallRequest, policy: Policy) -> Result<Kind, ResolveError> {
    let source = request.source.as_str();
    let path = source.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    let is_archive = Format::of_name(path).is_some();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    if git::is_certain(source) && !(is_archive && lower.starts_with("file:")) {
        return asked(request, policy).map(Kind::Repository);
    }
    // what has a query, or bytes that are known, is a file
    let names_a_file = is_archive || source.contains('?') || request.checksum.is_some();
    if !is_web || names_a_file || has_credentials(source) {
        return Ok(Kind::Archive);
    }
    if request.git_ref.is_some() || request.version.is_some() {
        return asked(request, policy).map(Kind::Repository);
    }
    match asked(request, policy) {
        Ok(asked) => Ok(Kind::Either(asked)),
        // the URL of a host alone, for one: what is said of it as an archive is the better word
        Err(ResolveError::Request(RequestError::Repository { .. })) => Ok(Kind::Archive),
        Err(error) => Err(error),
    }
}

fn has_credentials(source: &str) -> bool {
    source
        .parse::<SafeUrl>()
        .is_ok_and(|url| url.has_credentials())
}

impl Asked {
    /// The repository, as people and records see it.
    pub(super) fn shown(&self) -> String {
        self.repository.url.to_string()
    }
}

/// What a request says of a repository.
fn asked(request: &InstallRequest, policy: Policy) -> Result<Asked, ResolveError> {
    let spelled = Spelled::parse(&request.source);
    let Spelled { url, git_ref, path } =
        spelled.map_err(|source| RequestError::Repository { source })?;
    permit(&url, policy)?;
    for (given, what) in [
        (request.checksum.is_some(), "checksum"),
        (request.registry.is_some(), "registry"),
    ] {
        if given {
            return Err(RequestError::NotForRepositories { what }.into());
        }
    }
    if let (Some(_), Some(_)) = (&git_ref, &request.git_ref) {
        return Err(RequestError::Twice { what: "git_ref" }.into());
    }
    if let (Some(_), Some(_)) = (&path, &request.path) {
        return Err(RequestError::Twice { what: "path" }.into());
    }
    let git_ref = git_ref.or_else(|| request.git_ref.clone());
    let want = match (git_ref, &request.version) {
        (Some(_), Some(_)) => return Err(RequestError::RefAndVersion.into()),
        (Some(git_ref), None) => {
            if !packd_format::index::is_git_ref(&git_ref) || git_ref.is_empty() {
                return Err(RequestError::GitRef { git_ref }.into());
            }
            Want::Ref(git_ref)
        }
        (None, Some(version)) => {
            let requirement: Requirement = version
                .parse()
                .map_err(|source| RequestError::Requirement { source })?;
            Want::Version {
                requirement: Box::new(requirement),
                pre: request.pre,
            }
        }
        (None, None) => Want::Newest { pre: request.pre },
    };
    Ok(Asked {
        repository: Repository {
            url,
            headers: Vec::new(),
            allow_http: policy.allow_http,
            realm: Realm::Anywhere,
        },
        want,
        path: path.or_else(|| request.path.clone()),
    })
}

/// Whether a repository may be reached the way its URL says.
fn permit(url: &GitUrl, policy: Policy) -> Result<(), ResolveError> {
    let shown = || url.to_string();
    match url.scheme() {
        Scheme::Https | Scheme::Ssh => Ok(()),
        Scheme::Http if policy.allow_http => Ok(()),
        Scheme::Http => Err(RequestError::PlainHttp { url: shown() }.into()),
        Scheme::Git if policy.allow_git_protocol => Ok(()),
        Scheme::Git => Err(RequestError::GitProtocol { url: shown() }.into()),
        Scheme::File if policy.reads_files => Ok(()),
        Scheme::File => Err(RequestError::FileRepository { url: shown() }.into()),
    }
}

/// Whether a repository answers at a URL that may be one's.
pub(super) async fn probe(
    request: &InstallRequest,
    asked: &Asked,
    name: Option<&PackRef>,
    host: &Host<'_>,
) -> Result<bool, ResolveError> {
    if let Some(change) = settled(host, &asked.shown(), name) {
        return Ok(change.commit.is_some());
    }
    let url: SafeUrl = request
        .source
        .parse()
        .map_err(|source| RequestError::Url { source })?;
    let answer = git::probe(&host.reach, &url, host.policy.allow_http).await;
    answer.map_err(|source| ResolveError::Git { source })
}

/// Finds the commit that a request means.
pub(super) async fn find(
    asked: Asked,
    name: Option<&PackRef>,
    host: &Host<'_>,
) -> Result<(Bytes, Option<String>, String), ResolveError> {
    let Asked {
        repository,
        want,
        path,
    } = asked;
    let shown = repository.url.to_string();
    let chosen = match pinned(host, &shown, name) {
        Some(chosen) => Chosen {
            is_exact: matches!(&want, Want::Ref(name) if name.eq_ignore_ascii_case(&chosen.commit)),
            ..chosen
        },
        None => choose(host, &repository, &want).await?,
    };
    stands(&shown, &chosen, host).await?;
    let reason = format!("requested; git, {}", chosen.words);
    let verified_by = if chosen.is_exact {
        Verification::RequestCommit
    } else {
        Verification::None
    };
    let bytes = Bytes {
        place: Place::Git(Box::new(At { repository, chosen })),
        shown,
        uploaded: false,
        expected: None,
        tree: None,
        verified_by,
        size: None,
    };
    Ok((bytes, path, reason))
}

/// That a tag which brought a pack before still names the same commit.
///
/// A branch moves, a tag does not: whoever wants what it names now says the commit.
async fn stands(shown: &str, chosen: &Chosen, host: &Host<'_>) -> Result<(), ResolveError> {
    let (Some(tag), true) = (&chosen.git_ref, chosen.is_tag) else {
        return Ok(());
    };
    let (url, name) = (shown.to_owned(), tag.clone());
    let known = host
        .database
        .read(move |connection| store::pack::commit_of_tag(connection, &url, &name))
        .await
        .map_err(ResolveError::Store)?;
    match known {
        Some(known) if known != chosen.commit => Err(ResolveError::MovedTag {
            tag: tag.clone(),
            url: shown.to_owned(),
            known,
            actual: chosen.commit.clone(),
        }),
        _ => Ok(()),
    }
}

async fn choose(
    host: &Host<'_>,
    repository: &Repository,
    want: &Want,
) -> Result<Chosen, ResolveError> {
    let chosen = git::choose(&host.reach, repository, want).await;
    chosen.map_err(|source| ResolveError::Git { source })
}

/// What an earlier attempt settled on for this repository. Several packs may be in one: then each is known by its name.
fn pinned(host: &Host<'_>, shown: &str, name: Option<&PackRef>) -> Option<Chosen> {
    let change = settled(host, shown, name)?;
    let words = change.reason.split_once("; git, ").map(|(_, words)| words);
    Some(Chosen {
        commit: change.commit.clone()?,
        git_ref: change.git_ref.clone(),
        words: words.unwrap_or("as planned before").to_owned(),
        is_tag: false,
        is_exact: false,
    })
}

/// The line of the earlier attempt's plan.
fn settled<'a>(host: &Host<'a>, shown: &str, name: Option<&PackRef>) -> Option<&'a PlanChange> {
    let is_named = |change: &PlanChange| match (name, &change.pack_ref) {
        (Some(name), Some(known)) => name.as_str() == known,
        _ => true,
    };
    let mut changes = host.pinned?.changes.iter();
    changes.find(|change| change.source.as_deref() == Some(shown) && is_named(change))
}

/// Finds the commit that an entry means.
///
/// One that names the commit is believed, whatever its ref names by now. One that does not is pinned on first use:
/// the commit of a version that was installed once stays that version's commit.
pub(super) async fn offered(
    offered: OfferGit,
    shown: &str,
    release: &Release<'_>,
    host: &Host<'_>,
) -> Result<At, ResolveError> {
    let OfferGit {
        repository,
        git_ref,
        commit,
    } = offered;
    let policy = Policy {
        allow_http: repository.allow_http,
        // that the folder is the registry's own was seen to
        reads_files: true,
        ..host.policy
    };
    permit(&repository.url, policy)?;
    // the beginning of one is a name like any other
    let (whole, beginning) = match commit {
        Some(commit) if commit.len() == 40 => (Some(commit), None),
        beginning => (None, beginning),
    };
    if let Some(commit) = whole {
        let chosen = Chosen {
            words: format!("commit {commit} of the registry's entry"),
            commit,
            git_ref,
            is_tag: false,
            is_exact: true,
        };
        return Ok(At { repository, chosen });
    }
    let want = match beginning.or(git_ref) {
        Some(git_ref) => Want::Ref(git_ref),
        None => Want::Version {
            requirement: Box::new(Requirement::exactly(release.version.clone())),
            pre: true,
        },
    };
    let chosen = match pinned(host, shown, Some(release.pack_ref)) {
        Some(chosen) => chosen,
        None => choose(host, &repository, &want).await?,
    };
    let (name, version, url) = (
        release.pack_ref.to_string(),
        release.version.to_string(),
        shown.to_owned(),
    );
    let known = host
        .database
        .read(move |connection| store::pack::commit_of(connection, &name, &version, &url))
        .await
        .map_err(ResolveError::Store)?;
    match known {
        Some(known) if known != chosen.commit => {
            let named = chosen
                .git_ref
                .map_or("its repository".to_owned(), |name| format!("`{name}`"));
            Err(ResolveError::Moved(Box::new(Moved {
                pack: release.pack_ref.to_string(),
                version: release.version.to_string(),
                registry: release.registry.to_owned(),
                named,
                known,
                actual: chosen.commit,
            })))
        }
        _ => Ok(At { repository, chosen }),
    }
}

#[cfg(test)]
mod tests;
