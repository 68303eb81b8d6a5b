//! What a job was asked to do, as stored with it.

use std::collections::BTreeMap;

use packd_wire::{
    ApplyRequest, Desired, GcRequest, InstallRequest, JobKind, PlanView, RemoveQuery,
    RollbackRequest, TestTrigger, UploadQuery, VerifyRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What jobs of the kind `gc` touch in place of packs.
const ONE_GC: &str = "(gc)";

/// The request of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum JobRequest {
    /// From a registry reference or a URL.
    Install(InstallRequest),
    /// From an archive that a client sent.
    Upload(UploadRequest),
    /// Bring packs to newer versions of their registries.
    Update(UpdateJob),
    /// Remove a pack.
    Remove(RemoveRequest),
    /// Run the tests of an active pack.
    Test(TestJob),
    /// Make it so: the packs that are named, or a plan that was made before.
    Apply(ApplyRequest),
    /// Go back to the packs of an earlier generation.
    Rollback(RollbackJob),
    /// Compare trees with their lists, and repair them.
    Verify(VerifyRequest),
    /// Remove what nothing needs any more.
    Gc(GcRequest),
}

/// An archive that lies in `uploads/`, and how to install it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadRequest {
    /// The file in `uploads/`; each upload has its own.
    pub file: String,
    /// sha256 of its bytes: `sha256:<hex>`.
    pub digest: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// The flags of the request.
    pub query: UploadQuery,
}

/// Which packs to bring to newer versions, in one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateJob {
    /// Who wants it.
    pub origin: Origin,
    /// The registry that all of them are from, where that is one.
    pub registry: Option<String>,
    /// The packs.
    pub packs: Vec<UpdateTarget>,
    /// Whether they are all there are, and none of them was named.
    #[serde(default)]
    pub all: bool,
    /// Packs of other registries that are due as well, and may change with them where they have to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<UpdateTarget>,
    /// Whether pre-releases are considered.
    pub pre: bool,
    /// Make the plan, change nothing.
    pub dry_run: bool,
}

/// Who wants packs to be updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// packd itself: its policy. Neither a hold nor a freeze nor a version that was rolled back from is passed over.
    Automatic,
    /// Somebody.
    Requested,
}

/// A pack to bring to a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpdateTarget {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// The versions that will do, the newest first; empty: every newer one.
    pub versions: Vec<String>,
}

/// Which pack to remove, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RemoveRequest {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// The flags of the request.
    pub query: RemoveQuery,
}

/// Which pack to test, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TestJob {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Why.
    pub trigger: TestTrigger,
}

/// Where to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RollbackJob {
    /// What was asked for.
    pub asked: RollbackRequest,
    /// The generation, unless one pack goes back by itself: the one that was active before the current one when it was
    /// asked for, and no other when the job runs later or again.
    pub target: Option<i64>,
    /// Whether packs may go by it: who asks may remove them.
    pub may_remove: bool,
    /// The only generation that it goes back from; any without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i64>,
    /// Why packd asks for it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// The switches of a request that steps look at. One that a kind of request does not have is off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is sent"
)]
pub(crate) struct Flags {
    /// Change it in spite of what stands in the way.
    pub force: bool,
    /// Make the plan, change nothing.
    pub dry_run: bool,
    /// Do not check dependencies.
    pub skip_deps: bool,
    /// Do not run the pack's own tests.
    pub skip_tests: bool,
    /// Take packs that are named from other registries than they came from.
    pub change_origin: bool,
}

impl From<&ApplyRequest> for Flags {
    fn from(request: &ApplyRequest) -> Self {
        Self {
            force: request.force,
            dry_run: request.dry_run,
            skip_deps: request.skip_deps,
            skip_tests: request.skip_tests,
            change_origin: request.change_origin,
        }
    }
}

impl JobRequest {
    /// Its switches.
    #[must_use]
    pub(crate) fn flags(&self) -> Flags {
        match self {
            Self::Install(request) => Flags {
                force: request.force,
                dry_run: request.dry_run,
                skip_deps: request.skip_deps,
                skip_tests: request.skip_tests,
                change_origin: request.change_origin,
            },
            Self::Upload(UploadRequest { query, .. }) => Flags {
                force: query.force,
                dry_run: query.dry_run,
                skip_deps: query.skip_deps,
                skip_tests: query.skip_tests,
                ..Flags::default()
            },
            Self::Update(request) => Flags {
                dry_run: request.dry_run,
                ..Flags::default()
            },
            Self::Remove(RemoveRequest { query, .. }) => Flags {
                force: query.force,
                dry_run: query.dry_run,
                ..Flags::default()
            },
            Self::Test(_) => Flags::default(),
            Self::Gc(request) => Flags {
                dry_run: request.dry_run,
                ..Flags::default()
            },
            Self::Rollback(RollbackJob { asked, .. }) => Flags {
                force: asked.force,
                dry_run: asked.dry_run,
                ..Flags::default()
            },
            // what lies in the store is not to be believed
            Self::Verify(request) => Flags {
                force: request.repair,
                ..Flags::default()
            },
            Self::Apply(request) => request.into(),
        }
    }

    /// The plan, where the request is one.
    #[must_use]
    pub(crate) fn settled(&self) -> Option<&PlanView> {
        match self {
            Self::Apply(request) => request.plan.as_ref(),
            Self::Install(_)
            | Self::Upload(_)
            | Self::Update(_)
            | Self::Remove(_)
            | Self::Test(_)
            | Self::Rollback(_)
            | Self::Verify(_)
            | Self::Gc(_) => None,
        }
    }

    /// What a job of it does.
    #[must_use]
    pub(crate) fn kind(&self) -> JobKind {
        match self {
            Self::Install(_) => JobKind::Install,
            Self::Upload(_) => JobKind::Upload,
            Self::Update(_) => JobKind::Update,
            Self::Remove(_) => JobKind::Remove,
            Self::Test(_) => JobKind::Test,
            Self::Apply(_) => JobKind::Apply,
            Self::Rollback(_) => JobKind::Rollback,
            Self::Verify(_) => JobKind::Verify,
            Self::Gc(_) => JobKind::Gc,
        }
    }

    /// The same in a few words, without credentials.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::Install(request) => match &request.version {
                Some(version) => format!("install {}@{version}", public_source(&request.source)),
                None => format!("install {}", public_source(&request.source)),
            },
            Self::Upload(request) => {
                format!(
                    "install {}",
                    request
                        .query
                        .name
                        .as_deref()
                        .unwrap_or("an uploaded archive")
                )
            }
            Self::Update(request) => {
                let names = match request.packs.as_slice() {
                    [] => "all packs".to_owned(),
                    packs @ ([_] | [_, _] | [_, _, _]) => {
                        let names: Vec<_> = packs.iter().map(|one| one.pack_ref.as_str()).collect();
                        names.join(", ")
                    }
                    packs => format!("{} packs", packs.len()),
                };
                match &request.registry {
                    Some(registry) => format!("update {names} from registry {registry}"),
                    None => format!("update {names}"),
                }
            }
            Self::Remove(request) => format!("remove {}", request.pack_ref),
            Self::Test(request) => format!("test {}", request.pack_ref),
            Self::Apply(request) => match (&request.packs, &request.summary) {
                (Some(packs), _) => desired(packs, request.prune),
                (None, Some(summary)) => format!("apply the plan of `{summary}`"),
                (None, None) => "apply a plan".to_owned(),
            },
            Self::Gc(_) => "gc".to_owned(),
            Self::Rollback(RollbackJob {
                asked,
                target,
                because,
                ..
            }) => {
                let what = asked.pack_ref.as_ref().map(|name| format!(" {name}"));
                let to = target.map(|number| format!(" to generation {number}"));
                let because = because.as_ref().map(|because| format!(": {because}"));
                format!(
                    "rollback{}{}{}",
                    what.unwrap_or_default(),
                    to.unwrap_or_default(),
                    because.unwrap_or_default()
                )
            }
            Self::Verify(request) => {
                let verb = if request.repair {
                    "verify and repair"
                } else {
                    "verify"
                };
                match request.refs.as_slice() {
                    [] => format!("{verb} all packs"),
                    [one] => format!("{verb} {one}"),
                    several => format!("{verb} {} packs", several.len()),
                }
            }
        }
    }

    /// As the API shows it, without credentials.
    #[must_use]
    pub(crate) fn public(&self) -> Value {
        match self {
            Self::Install(request) => {
                let mut request = request.clone();
                request.source = public_source(&request.source);
                json!(request)
            }
            Self::Upload(UploadRequest {
                digest,
                bytes,
                query,
                ..
            }) => {
                let mut value = json!(query);
                value["digest"] = json!(digest);
                value["bytes"] = json!(bytes);
                value
            }
            Self::Update(request) => json!(request),
            Self::Remove(request) => {
                let mut value = json!(request.query);
                value["ref"] = json!(request.pack_ref);
                value
            }
            Self::Test(request) => json!(request),
            Self::Apply(request) => json!(request),
            Self::Gc(request) => json!(request),
            Self::Rollback(RollbackJob { asked, target, .. }) => {
                let mut value = json!(asked);
                value["generation"] = json!(target);
                value
            }
            Self::Verify(request) => json!(request),
        }
    }

    /// Which packs it touches, as far as the request says.
    #[must_use]
    pub(crate) fn refs(&self) -> Vec<String> {
        match self {
            // neither a ref nor a requirement has a colon; URLs and repositories do
            Self::Install(request) if !request.source.contains(':') => {
                let name = request.source.split('@').next().unwrap_or_default();
                vec![name.to_owned()]
            }
            // no pack is called so: one waits for the other, and nobody else for either
            Self::Gc(_) => vec![ONE_GC.to_owned()],
            Self::Update(request) => {
                let packs = request.packs.iter();
                packs.map(|pack| pack.pack_ref.clone()).collect()
            }
            Self::Remove(request) => vec![request.pack_ref.clone()],
            Self::Test(request) => vec![request.pack_ref.clone()],
            Self::Rollback(request) => request.asked.pack_ref.iter().cloned().collect(),
            // who only looks is in nobody's way
            Self::Verify(request) if request.repair => request.refs.clone(),
            Self::Install(_) | Self::Upload(_) | Self::Verify(_) => Vec::new(),
            Self::Apply(request) => {
                let changes = request.plan.iter().flat_map(|plan| &plan.changes);
                let planned = changes.filter_map(|change| change.pack_ref.clone());
                let named = request.packs.iter().flat_map(BTreeMap::keys);
                planned.chain(named.cloned()).collect()
            }
        }
    }

    /// The file in `uploads/` that it needs until it has ended.
    #[must_use]
    pub(crate) fn upload(&self) -> Option<&str> {
        match self {
            Self::Upload(request) => Some(&request.file),
            Self::Install(_)
            | Self::Update(_)
            | Self::Remove(_)
            | Self::Test(_)
            | Self::Apply(_)
            | Self::Rollback(_)
            | Self::Verify(_)
            | Self::Gc(_) => None,
        }
    }
}

/// `apply slack@^2`, `apply 12 packs, and remove the others`
fn desired(packs: &BTreeMap<String, Desired>, prune: bool) -> String {
    let mut all = packs.iter();
    let what = match (all.next(), all.next()) {
        (Some((name, desired)), None) => match desired.pack().version {
            Some(version) => format!("{name}@{version}"),
            None => name.clone(),
        },
        _ => format!("{} packs", packs.len()),
    };
    let others = if prune { ", and remove the others" } else { "" };
    format!("apply {what}{others}")
}

fn public_source(source: &str) -> String {
    match source.parse::<crate::config::SafeUrl>() {
        Ok(url) if source.contains("://") => url.to_string(),
        _ => source.to_owned(),
    }
}
