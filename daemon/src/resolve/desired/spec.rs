//! How one pack shall be: what was asked for, read, and compared with what is there.

use packd_format::{Digest, PackRef, PreReleases, Requirement};
use packd_wire::{DesiredHold, DesiredPack, InstallRequest};

use super::DesiredError;
use crate::config::SafeUrl;
use crate::resolve::name::parse_checksum;
use crate::resolve::pin::Pin;
use crate::resolve::solver::Limit;
use crate::resolve::wish::Wish;
use crate::resolve::{
    Brought, Policy, RequestError, ResolveError, Wanted, archive, installed_version, is_url,
    repository,
};
use crate::store::pack::Installed;

/// How many letters the commit of a repository has.
const COMMIT: [usize; 2] = [40, 64];

/// How one pack shall be.
#[derive(Debug)]
pub(super) struct Spec {
    /// The pack.
    pub pack_ref: PackRef,
    /// Which versions will do.
    pub requirement: Requirement,
    /// Where it comes from.
    pub origin: Origin,
    /// The folder inside what comes from there.
    pub path: Option<String>,
    /// What its bytes have to be.
    pub pin: Pin,
    /// Whether it is held.
    pub hold: Option<DesiredHold>,
}

/// Where a pack comes from.
#[derive(Debug)]
pub(super) enum Origin {
    /// Registries, or one of them.
    Registry(Option<String>),
    /// A URL, as an install would name it.
    Url(Box<InstallRequest>),
    /// A client, who called it so.
    Upload(Option<String>),
}

impl Spec {
    /// Reads what was asked of a pack.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(
        pack_ref: &PackRef,
        desired: DesiredPack,
        pre: bool,
    ) -> Result<Self, ResolveError> {
        let requirement = match &desired.version {
            Some(text) => text
                .parse()
                .map_err(|source| RequestError::Requirement { source })?,
            None => Requirement::any(),
        };
        let digest = |text: &Option<String>| -> Result<Option<Digest>, ResolveError> {
            text.as_deref().map(parse_checksum).transpose()
        };
        let mut pin = Pin {
            commit: None,
            archive: digest(&desired.checksum)?,
            tree: digest(&desired.tree)?,
        };
        let refuse = |what, with| Err(DesiredError::NotTogether { what, with }.into());
        let origin = match &desired.source {
            _ if desired.uploaded => {
                if desired.registry.is_some() {
                    return refuse("registry", "uploaded");
                }
                if desired.git_ref.is_some() {
                    return refuse("git_ref", "uploaded");
                }
                if pin.archive.is_none() && pin.tree.is_none() {
                    return Err(DesiredError::UnknownUpload.into());
                }
                Origin::Upload(desired.source.clone())
            }
            Some(_) if desired.registry.is_some() => return refuse("registry", "source"),
            Some(source) => {
                let request = InstallRequest {
                    source: source.clone(),
                    git_ref: desired.git_ref.clone(),
                    path: desired.path.clone(),
                    checksum: desired.checksum.clone(),
                    pre,
                    ..InstallRequest::default()
                };
                if !is_url(&request) {
                    return Err(DesiredError::NoSource {
                        word: source.clone(),
                    }
                    .into());
                }
                let version = desired.version.filter(|_| request.git_ref.is_none());
                Origin::Url(Box::new(InstallRequest { version, ..request }))
            }
            None => {
                pin.commit = desired.git_ref.map(commit).transpose()?;
                Origin::Registry(desired.registry)
            }
        };
        Ok(Self {
            pack_ref: pack_ref.clone(),
            requirement,
            origin: origin.settled(),
            path: desired.path,
            pin,
            hold: desired.hold,
        })
    }

    /// Whether the place may be used at all.
    ///
    /// # Errors
    /// Why it may not.
    pub(super) fn permit(&self, policy: Policy) -> Result<(), ResolveError> {
        let Origin::Url(request) = &self.origin else {
            return Ok(());
        };
        match repository::kind_of(request, policy)? {
            repository::Kind::Repository(_) | repository::Kind::Either(_) => Ok(()),
            repository::Kind::Archive => archive(request, policy.allow_http).map(drop),
        }
    }

    /// Whether an active pack is as it shall be, as far as that can be known without asking anybody.
    pub(super) fn is_met_by(&self, pack: &Installed, policy: Policy) -> bool {
        if !self.suits(pack) || self.requirement.is_latest() {
            return false;
        }
        let record = &pack.record;
        match &self.origin {
            Origin::Registry(only) => only.is_none() || *only == record.registry,
            // the bytes are what counts
            Origin::Upload(_) => true,
            Origin::Url(_) if self.pin.tree.is_some() => true,
            Origin::Url(request) => {
                let is_commit = match (&request.git_ref, &record.source.commit) {
                    (None, _) => true,
                    (Some(asked), Some(commit)) => asked.eq_ignore_ascii_case(commit),
                    (Some(_), None) => false,
                };
                record.registry.is_none()
                    && is_commit
                    && record.source.path == request.path
                    && shown(request, policy).contains(&record.source.url)
            }
        }
    }

    /// Whether an active pack came from the very commit that was found.
    pub(super) fn is_same_commit(&self, pack: &Installed, found: &Wanted) -> bool {
        let Some(bytes) = found.sources.first() else {
            return false;
        };
        let source = &pack.record.source;
        self.suits(pack)
            && pack.record.registry.is_none()
            && source.url.as_ref() == Some(&bytes.shown)
            && source.path == found.path
            && bytes
                .commit()
                .is_some_and(|chosen| source.commit.as_ref() == Some(&chosen.commit))
    }

    /// Whether an active pack has the version and the bytes.
    fn suits(&self, pack: &Installed) -> bool {
        let version = installed_version(pack).ok();
        let has_version =
            version.is_some_and(|version| self.requirement.matches(&version, PreReleases::Include));
        let record = &pack.record;
        let has_bytes = match (self.pin.tree, self.pin.archive) {
            (Some(tree), _) => tree.to_string() == record.tree,
            (None, Some(archive)) => record.archive.as_ref() == Some(&archive.to_string()),
            (None, None) => match &self.pin.commit {
                Some(commit) => record.source.commit.as_ref() == Some(commit),
                None => true,
            },
        };
        has_version && has_bytes
    }

    /// What a pack that is as it shall be must stay within.
    pub(super) fn limit(&self, pack: &Installed) -> Option<Limit> {
        let is_loose = matches!(self.origin, Origin::Registry(_)) && !self.pin.is_some();
        let requirement = if is_loose {
            self.requirement.clone()
        } else {
            Requirement::exactly(installed_version(pack).ok()?)
        };
        if requirement.is_any() {
            return None;
        }
        Some(Limit {
            pack_ref: self.pack_ref.clone(),
            why: format!("shall be {requirement}"),
            hint: format!("ask for another version of `{}`", self.pack_ref),
            requirement,
        })
    }

    /// What the solver is to look for.
    pub(super) fn wish(&self) -> Wish {
        let registry = match &self.origin {
            Origin::Registry(only) => only.clone(),
            Origin::Url(_) | Origin::Upload(_) => None,
        };
        Wish {
            registry,
            path: self.path.clone(),
            pin: self.pin.clone(),
            ..Wish::new(self.pack_ref.clone(), self.requirement.clone())
        }
    }

    /// The same of a pack that was brought for it.
    ///
    /// # Errors
    /// [`DesiredError::OtherVersion`].
    pub(super) fn given(&self, given: &Brought) -> Result<Wish, ResolveError> {
        if !self
            .requirement
            .matches(&given.version, PreReleases::Include)
        {
            let shown = given
                .wanted
                .sources
                .first()
                .map(|bytes| bytes.shown.clone());
            return Err(DesiredError::OtherVersion {
                shown: shown.unwrap_or_default(),
                version: given.version.to_string(),
                requirement: self.requirement.to_string(),
            }
            .into());
        }
        Ok(Wish {
            given: Some(given.clone()),
            ..Wish::new(self.pack_ref.clone(), Requirement::any())
        })
    }

    /// Has what is brought be this pack with these bytes. Its version is seen when it is here.
    pub(super) fn demand(&self, wanted: &mut Wanted) {
        wanted.pack_ref = Some(self.pack_ref.clone());
        for bytes in &mut wanted.sources {
            bytes.tree = self.pin.tree;
        }
    }

    /// `slack 2.1.0`
    pub(super) fn named(&self) -> String {
        if self.requirement.is_any() {
            format!("`{}`", self.pack_ref)
        } else {
            format!("`{}` {}", self.pack_ref, self.requirement)
        }
    }
}

impl Origin {
    /// The name of an archive says nothing of versions: what it holds is looked at.
    fn settled(self) -> Self {
        let policy = Policy {
            allow_http: true,
            allow_git_protocol: true,
            reads_files: true,
        };
        match self {
            Self::Url(mut request) => {
                if let Ok(repository::Kind::Archive) = repository::kind_of(&request, policy) {
                    request.version = None;
                }
                Self::Url(request)
            }
            other => other,
        }
    }
}

/// What a record calls the place of a request: as a repository and as an archive, where it can be both.
fn shown(request: &InstallRequest, policy: Policy) -> [Option<String>; 2] {
    let archive = request.source.parse::<SafeUrl>().ok();
    let repository = match repository::kind_of(request, policy) {
        Ok(repository::Kind::Repository(asked) | repository::Kind::Either(asked)) => {
            Some(asked.shown())
        }
        Ok(repository::Kind::Archive) | Err(_) => None,
    };
    // an absent one is in no record that has a source
    [archive.map(|url| url.to_string()), repository]
}

/// The commit that a version of a registry must be.
fn commit(git_ref: String) -> Result<String, ResolveError> {
    let is_whole = COMMIT.contains(&git_ref.len());
    if is_whole && git_ref.chars().all(|letter| letter.is_ascii_hexdigit()) {
        Ok(git_ref.to_ascii_lowercase())
    } else {
        Err(DesiredError::NoCommit { git_ref }.into())
    }
}
