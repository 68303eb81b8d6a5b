//! Updates: what may be brought to newer versions by itself, and why a pack is or is not now.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::HoldView;

/// What packd does about newer versions by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateMode {
    /// Installs them.
    Auto,
    /// Says once that they are there: the event `update_available`.
    Notify,
    /// Nothing.
    Off,
}

impl UpdateMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Notify, Self::Off];

    /// The word for it in files and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Notify => "notify",
            Self::Off => "off",
        }
    }
}

/// How far from the installed version a newer one may be.
///
/// Below 1.0.0 the first number that is not zero takes the place of the first: 0.2.3 to 0.3.0 is as far as 2.3.0 to
/// 3.0.0, and nothing newer is compatible with 0.0.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateAllow {
    /// Compatible ones with the same second number: 2.3.0 to 2.3.1.
    Patch,
    /// Compatible ones: 2.3.0 to 2.4.0.
    Compatible,
    /// All: 2.3.0 to 3.0.0.
    Any,
}

impl UpdateAllow {
    /// Every level, the closest first.
    pub const ALL: [Self; 3] = [Self::Patch, Self::Compatible, Self::Any];

    /// The word for it in files and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Compatible => "compatible",
            Self::Any => "any",
        }
    }
}

/// `updates` of one registry: in place of what is said of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistryUpdates {
    /// What packd does about newer versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<UpdateMode>,
    /// How far from the installed version a newer one may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<UpdateAllow>,
}

/// Why a pack is, or is not, updated by itself now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdateDecision {
    /// Its registry has nothing newer.
    UpToDate,
    /// It is updated now, or as soon as the host's turn in its fleet has come.
    Due,
    /// It would be, and no window for updates is open.
    Window,
    /// It was tried, did not work, and is tried again later.
    Failed,
    /// Updates are in the mode `notify`: it was said that there is one.
    Notify,
    /// It, or everything, is held.
    Held,
    /// All updates are frozen.
    Frozen,
    /// What is newer was rolled back from.
    Blocked,
    /// What is newer is meant for a part of all hosts so far, and this one is not among them.
    Phase,
    /// What is newer does not satisfy `updates.packs.REF.version`.
    Requirement,
    /// What is newer is further away than `allow` permits, or a pre-release.
    Policy,
    /// Updates are in the mode `off`.
    Off,
    /// It came from no registry.
    NoRegistry,
    /// The registry that it came from is not configured, or disabled.
    UnknownRegistry,
    /// The registry that it came from does not offer it, or was never read.
    NotOffered,
}

impl UpdateDecision {
    /// Every decision.
    pub const ALL: [Self; 15] = [
        Self::UpToDate,
        Self::Due,
        Self::Window,
        Self::Failed,
        Self::Notify,
        Self::Held,
        Self::Frozen,
        Self::Blocked,
        Self::Phase,
        Self::Requirement,
        Self::Policy,
        Self::Off,
        Self::NoRegistry,
        Self::UnknownRegistry,
        Self::NotOffered,
    ];

    /// The name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpToDate => "up_to_date",
            Self::Due => "due",
            Self::Window => "window",
            Self::Failed => "failed",
            Self::Notify => "notify",
            Self::Held => "held",
            Self::Frozen => "frozen",
            Self::Blocked => "blocked",
            Self::Phase => "phase",
            Self::Requirement => "requirement",
            Self::Policy => "policy",
            Self::Off => "off",
            Self::NoRegistry => "no_registry",
            Self::UnknownRegistry => "unknown_registry",
            Self::NotOffered => "not_offered",
        }
    }

    /// Whether the pack will be updated by itself, if nothing changes.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(self, Self::Due | Self::Window | Self::Failed)
    }

    /// Whether there is something newer that is kept from the pack on purpose.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        match self {
            Self::Held
            | Self::Frozen
            | Self::Blocked
            | Self::Phase
            | Self::Requirement
            | Self::Policy => true,
            Self::UpToDate
            | Self::Due
            | Self::Window
            | Self::Failed
            | Self::Notify
            | Self::Off
            | Self::NoRegistry
            | Self::UnknownRegistry
            | Self::NotOffered => false,
        }
    }
}

/// What the policy makes of one active pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateView {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Its active version.
    pub installed: String,
    /// The registry that it came from.
    pub registry: Option<String>,
    /// The newest version that the registry offers, withdrawn ones and pre-releases aside, where it is newer.
    pub available: Option<String>,
    /// The version that it would be updated to.
    pub candidate: Option<String>,
    /// The mode that counts for it.
    pub mode: UpdateMode,
    /// How far a newer version may be.
    pub allow: UpdateAllow,
    /// What comes of that.
    pub decision: UpdateDecision,
    /// The same in words, in one sentence without a full stop.
    pub reason: String,
    /// When that is looked at again by itself, or the update begins; RFC 3339, UTC.
    pub next: Option<String>,
    /// The job that tried it last, if one did and it did not work.
    pub job: Option<i64>,
}

/// `GET /v1/updates`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateList {
    /// The active packs, by ref.
    pub updates: Vec<UpdateView>,
    /// That nothing is updated by itself, if that is so.
    pub freeze: Option<HoldView>,
}

/// How many packs stand where, as `GET /v1/status` has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdatesSummary {
    /// When that was looked at last: after each change; RFC 3339, UTC. Absent before the first time.
    pub looked_at: Option<String>,
    /// Packs that will be updated by themselves.
    pub pending: u64,
    /// Packs that something newer is kept from on purpose.
    pub blocked: u64,
    /// When the next update begins; RFC 3339, UTC.
    pub next: Option<String>,
    /// That nothing is updated by itself, if that is so.
    pub freeze: Option<HoldView>,
}

/// `DELETE /v1/freeze`, and what `POST` makes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FreezeView {
    /// What keeps updates from being made by themselves; absent: nothing.
    pub freeze: Option<HoldView>,
}

/// `POST /v1/packs/update`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateRequest {
    /// The packs.
    #[serde(default)]
    pub refs: Vec<String>,
    /// All that came from a registry, in place of `refs`.
    #[serde(default)]
    pub all: bool,
    /// Consider pre-releases.
    #[serde(default)]
    pub pre: bool,
    /// Make the plan, change nothing.
    #[serde(default)]
    pub dry_run: bool,
}
