//! What packd brings to newer versions by itself, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use packd_format::{PackRef, Requirement};

use super::node::{Node, Value};
use super::parts::{part, table};
use super::section::{section, within};
use super::setting::{Setting, Shown, Wrong, word};
use super::{Health, RegistryUpdates, UpdateAllow, UpdateMode, Windows};

const MINUTE: Duration = Duration::from_mins(1);

section! {
    /// Packs that are brought to newer versions without being asked for. Only packs that came from a
    /// registry, and only from that one. `packctl update --explain` says why a pack is, or is not.
    struct Updates {
        /// `auto`: newer versions are installed. `notify`: an event says that there is one. `off`: nothing.
        mode: UpdateMode = UpdateMode::Auto;
        /// How far from the installed version a newer one may be. `patch`: 2.3.0 to 2.3.1. `compatible`:
        /// 2.3.0 to 2.4.0. `any`. Pre-releases come only after a pre-release.
        allow: UpdateAllow = UpdateAllow::Compatible;
        /// When updates may begin, as `{days: [sat, sun], from: "02:00", to: "05:00", tz: local}`. Without
        /// `days`: each day. One that closes earlier than it opens lasts until the next day. Empty: any time.
        windows: Windows = Windows::default();
        /// Over which time the updates of a fleet are spread: each host waits for its own part of it, from
        /// the moment when it learns of them or the window opens.
        splay: Duration = 30 * MINUTE, check within!(Duration::ZERO, 24 * 60 * MINUTE);
        /// What is different for single packs: `REF: {mode: off}`, with `mode`, `allow` and `version`, a
        /// requirement such as `^2` that newer versions must satisfy. It is stronger than what is said of
        /// the registry.
        packs: PackUpdates = PackUpdates::default();
        /// How the host is asked whether it is well after packd updated packs by itself: at once, and `every`
        /// so often for as long as `watch_for`. Each of `commands` must succeed (`command` for a single one),
        /// and with `tests` the own tests of the packs that changed, on what is active now. If one fails, packd
        /// goes back to the generation before, and passes these versions over until there are newer ones.
        health: Health = Health::default();
    }
}

/// What is different for single packs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackUpdates(pub BTreeMap<PackRef, PackUpdate>);

/// What is different for one pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackUpdate {
    /// What packd does about newer versions.
    pub mode: Option<UpdateMode>,
    /// How far a newer version may be.
    pub allow: Option<UpdateAllow>,
    /// What newer versions must satisfy.
    pub version: Option<Requirement>,
}

impl Setting for UpdateMode {
    const SHAPE: &'static str = "`auto`, `notify` or `off`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        word(node, &Self::ALL.map(|mode| (mode.as_str(), mode)))
    }

    fn show(&self) -> Shown {
        // YAML of old takes a bare `off` for a truth value
        Shown::Text(self.as_str().to_owned())
    }
}

impl Setting for UpdateAllow {
    const SHAPE: &'static str = "`patch`, `compatible` or `any`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        word(node, &Self::ALL.map(|allow| (allow.as_str(), allow)))
    }

    fn show(&self) -> Shown {
        Shown::Plain(self.as_str().to_owned())
    }
}

impl Setting for RegistryUpdates {
    const SHAPE: &'static str = "`mode` and `allow`, or one of them";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        if matches!(node.value, Value::Null) {
            return Ok(Self::default());
        }
        let keys = table(node, Self::SHAPE, &["mode", "allow"])?;
        let mode = part(keys, "mode", UpdateMode::read);
        let allow = part(keys, "allow", UpdateAllow::read);
        match (mode, allow) {
            (Ok(mode), Ok(allow)) => Ok(Self { mode, allow }),
            (mode, allow) => Err([mode.err(), allow.err()]
                .into_iter()
                .flatten()
                .flatten()
                .collect()),
        }
    }

    fn show(&self) -> Shown {
        Shown::Flow(written(self.mode, self.allow, None))
    }
}

fn pack(node: &Node) -> Result<PackUpdate, Vec<Wrong>> {
    const SHAPE: &str = "`mode`, `allow` and `version`, or some of them";
    let keys = table(node, SHAPE, &["mode", "allow", "version"])?;
    let mode = part(keys, "mode", UpdateMode::read);
    let allow = part(keys, "allow", UpdateAllow::read);
    let version = part(keys, "version", requirement);
    match (mode, allow, version) {
        (Ok(mode), Ok(allow), Ok(version)) => Ok(PackUpdate {
            mode,
            allow,
            version,
        }),
        (mode, allow, version) => {
            let wrongs = [mode.err(), allow.err(), version.err()];
            Err(wrongs.into_iter().flatten().flatten().collect())
        }
    }
}

fn requirement(node: &Node) -> Result<Requirement, Vec<Wrong>> {
    let Value::Text { text, .. } = &node.value else {
        let message = format!(
            "must be a requirement such as `^2`, not {}",
            node.describe()
        );
        return Err(Wrong::at(node, message));
    };
    text.parse()
        .map_err(|error| Wrong::at(node, format!("must be a requirement such as `^2`; {error}")))
}

impl Setting for PackUpdates {
    const SHAPE: &'static str = "refs of packs with what is different for them";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let keys = match &node.value {
            Value::Null => return Ok(Self::default()),
            Value::Table(keys) => keys,
            _ => {
                let message = format!("must be {}, not {}", Self::SHAPE, node.describe());
                return Err(Wrong::at(node, message));
            }
        };
        let mut packs = BTreeMap::new();
        let mut wrongs = Vec::new();
        for entry in &keys.0 {
            let below = |wrong: Wrong| Wrong {
                below: format!(".{}{}", entry.key, wrong.below),
                ..wrong
            };
            match (entry.key.parse::<PackRef>(), pack(&entry.value)) {
                (Ok(pack_ref), Ok(pack)) => drop(packs.insert(pack_ref, pack)),
                (Err(error), _) => wrongs.push(Wrong {
                    origin: entry.origin.clone(),
                    below: format!(".{}", entry.key),
                    message: format!("is about no pack: {error}"),
                }),
                (_, Err(more)) => wrongs.extend(more.into_iter().map(below)),
            }
        }
        if wrongs.is_empty() {
            Ok(Self(packs))
        } else {
            Err(wrongs)
        }
    }

    fn show(&self) -> Shown {
        let packs = self.0.iter().map(|(pack_ref, pack)| {
            let PackUpdate {
                mode,
                allow,
                version,
            } = pack;
            format!("{pack_ref}: {}", written(*mode, *allow, version.as_ref()))
        });
        let packs: Vec<_> = packs.collect();
        Shown::Flow(format!("{{{}}}", packs.join(", ")))
    }
}

fn written(
    mode: Option<UpdateMode>,
    allow: Option<UpdateAllow>,
    version: Option<&Requirement>,
) -> String {
    let mode = mode.map(|mode| format!("mode: {}", mode.show().to_yaml()));
    let allow = allow.map(|allow| format!("allow: {}", allow.as_str()));
    let version = version.map(|version| format!("version: \"{version}\""));
    let parts: Vec<_> = [mode, allow, version].into_iter().flatten().collect();
    format!("{{{}}}", parts.join(", "))
}

#[cfg(test)]
mod tests;
