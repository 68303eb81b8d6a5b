//! What shall be: packs as `PUT /v1/packs/{ref}` and `POST /v1/apply` name them, and files of `packctl apply` hold them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::PlanView;

/// `POST /v1/apply`: what shall be, as `packs` or as a `plan` that was made before; one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is sent"
)]
pub struct ApplyRequest {
    /// The packs that shall be there, by ref: each a requirement, or an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packs: Option<BTreeMap<String, Desired>>,
    /// With `packs`: remove every other pack that none of them needs. For admins, as removing is.
    #[serde(default)]
    pub prune: bool,
    /// With `packs`: consider pre-releases.
    #[serde(default)]
    pub pre: bool,
    /// Instead of `packs`: the `plan` of a job, such as a dry run's. It is run exactly as it is, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
    /// What it is for, for the record, such as `install slack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Activate in spite of unmet dependencies or dependents, and change packs that are named although they are held.
    #[serde(default)]
    pub force: bool,
    /// Do not check dependencies.
    #[serde(default)]
    pub skip_deps: bool,
    /// Do not run the packs' own tests before they become active.
    #[serde(default)]
    pub skip_tests: bool,
    /// Take packs that are named from other registries than they came from. For admins.
    #[serde(default)]
    pub change_origin: bool,
    /// Make the plan, or see whether the given one could still be run; change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Query of `PUT /v1/packs/{ref}`; the body is a [`DesiredPack`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it is sent"
)]
pub struct EnsureQuery {
    /// Consider pre-releases.
    #[serde(default)]
    pub pre: bool,
    /// Activate in spite of unmet dependencies or dependents, and change it although it is held.
    #[serde(default)]
    pub force: bool,
    /// Do not check dependencies.
    #[serde(default)]
    pub skip_deps: bool,
    /// Do not run the pack's own tests before it becomes active.
    #[serde(default)]
    pub skip_tests: bool,
    /// Take it from another registry than it came from. For admins.
    #[serde(default)]
    pub change_origin: bool,
    /// Make the plan, change nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// Seconds to hold the answer until the job ends; at most 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(maximum = 600)]
    pub wait: Option<u64>,
}

/// How a pack shall be: a requirement such as `^2`, or an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Desired {
    /// The versions that will do, from whichever registry offers the pack.
    Version(String),
    /// The same, and more.
    Pack(Box<DesiredPack>),
}

/// How a pack shall be. What is not said will do as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DesiredPack {
    /// The versions that will do: `2.1.0`, `^2`, `latest`; without it, any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The only registry that it may come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// Instead of a registry: the URL of an archive, or a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Branch, tag or commit of the repository. With `registry`: the commit, in full, that the version must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The folder inside the archive or repository that is the pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the archive's bytes must digest to: `sha256:<hex>` or `sha512:<hex>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// What the tree must digest to: `sha256:<hex>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// That it came as an archive which a client sent: it can be brought from nowhere, and must be in the store as
    /// `checksum` or `tree` says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uploaded: bool,
    /// Whether it is held in its version; without it, that stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<DesiredHold>,
}

/// Whether a pack is held: `true`, `false`, or until when and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DesiredHold {
    /// Held until that is lifted, for no reason that is said; or not held.
    Is(bool),
    /// Held.
    Until(crate::HoldRequest),
}

/// What becomes of the hold of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldChange {
    /// The pack.
    #[serde(rename = "ref")]
    pub pack_ref: String,
    /// Whether it is held afterwards.
    pub held: bool,
    /// When that is over by itself; RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// What for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Desired {
    /// The same in full.
    #[must_use]
    pub fn pack(&self) -> DesiredPack {
        match self {
            Self::Version(version) => DesiredPack {
                version: Some(version.clone()),
                ..DesiredPack::default()
            },
            Self::Pack(pack) => (**pack).clone(),
        }
    }
}

impl From<DesiredPack> for Desired {
    fn from(pack: DesiredPack) -> Self {
        Self::Pack(Box::new(pack))
    }
}

impl<'de> Deserialize<'de> for Desired {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DesiredVisitor)
    }
}

struct DesiredVisitor;

impl<'de> Visitor<'de> for DesiredVisitor {
    type Value = Desired;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a requirement such as \"^2\", or an object")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Desired, E> {
        Ok(Desired::Version(text.to_owned()))
    }

    /// `slack: 2`, as it is written in YAML.
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Desired, E> {
        Ok(Desired::Version(number.to_string()))
    }

    /// `slack:`, in YAML: any version.
    fn visit_unit<E: de::Error>(self) -> Result<Desired, E> {
        Ok(DesiredPack::default().into())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Desired, A::Error> {
        DesiredPack::deserialize(MapAccessDeserializer::new(map)).map(Desired::from)
    }
}

impl<'de> Deserialize<'de> for DesiredHold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HoldVisitor)
    }
}

struct HoldVisitor;

impl<'de> Visitor<'de> for HoldVisitor {
    type Value = DesiredHold;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or an object with `until` and `reason`")
    }

    fn visit_bool<E: de::Error>(self, held: bool) -> Result<DesiredHold, E> {
        Ok(DesiredHold::Is(held))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DesiredHold, A::Error> {
        let hold = crate::HoldRequest::deserialize(MapAccessDeserializer::new(map));
        hold.map(DesiredHold::Until)
    }
}
