//! What the policy says of one pack: which versions it may be brought to, and if to none, what keeps it from them.
//!
//! Pure: what it is told is all that it knows. When an update begins is [`super::turn`]'s.

use jiff::Timestamp;
use packd_format::{PreReleases, Release, Requirement, Version};
use packd_wire::{UpdateAllow, UpdateDecision, UpdateMode};

use crate::config::{Registry, Updates};
use crate::host::Host;

/// The rules that count for one pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// What packd does about newer versions.
    pub mode: UpdateMode,
    /// How far a newer version may be.
    pub allow: UpdateAllow,
    /// What it must satisfy.
    pub requirement: Option<Requirement>,
}

impl Terms {
    /// Those of a pack from a registry: what is said of the pack comes before what is said of the registry, and that
    /// before what is said of all.
    #[must_use]
    pub(crate) fn of(updates: &Updates, registry: Option<&Registry>, pack_ref: &str) -> Self {
        let mut packs = updates.packs.0.iter();
        let pack = packs
            .find(|(name, _)| name.as_str() == pack_ref)
            .map(|(_, pack)| pack);
        let registry = registry
            .map(|registry| registry.updates)
            .unwrap_or_default();
        Self {
            mode: pack
                .and_then(|pack| pack.mode)
                .or(registry.mode)
                .unwrap_or(updates.mode),
            allow: pack
                .and_then(|pack| pack.allow)
                .or(registry.allow)
                .unwrap_or(updates.allow),
            requirement: pack.and_then(|pack| pack.version.clone()),
        }
    }
}

/// What keeps a newer version from a pack, those first that are asked about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    /// It is a pre-release, and the installed version is none.
    PreRelease,
    /// It is further away than is allowed.
    Allow,
    /// It does not satisfy the requirement.
    Requirement,
    /// It was rolled back from.
    Blocked,
    /// It is for so many of a hundred hosts so far, and this one is not among them.
    Phase(u8),
}

/// What is newer, and what of that may come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The newest that is neither withdrawn nor a pre-release (unless the installed one is), when it is newer.
    pub newest: Option<Version>,
    /// What may come, the newest first.
    pub permitted: Vec<Version>,
    /// When nothing may: the version that is kept from the pack by the least, and by what.
    pub obstacle: Option<(Version, Obstacle)>,
    /// What keeps the newest from the pack.
    pub of_newest: Option<Obstacle>,
}

/// Looks at the releases that a registry offers of a pack.
#[must_use]
pub(crate) fn choose(
    (pack_ref, installed): (&str, &Version),
    releases: &[Release],
    terms: &Terms,
    host: &Host,
    is_blocked: impl Fn(&Version) -> bool,
) -> Choice {
    let mut choice = Choice::default();
    let newer = releases
        .iter()
        .filter(|release| release.version > *installed && !release.yanked);
    for release in newer {
        let version = &release.version;
        let obstacle = if !version.pre.is_empty() && installed.pre.is_empty() {
            Some(Obstacle::PreRelease)
        } else if !is_within(terms.allow, installed, version) {
            Some(Obstacle::Allow)
        } else if !satisfies(terms.requirement.as_ref(), installed, version) {
            Some(Obstacle::Requirement)
        } else if is_blocked(version) {
            Some(Obstacle::Blocked)
        } else {
            let share = release.phased.unwrap_or(100);
            let is_out = !host.takes_part(pack_ref, &version.to_string(), share);
            is_out.then_some(Obstacle::Phase(share))
        };
        if obstacle != Some(Obstacle::PreRelease) && choice.newest.as_ref() < Some(version) {
            choice.newest = Some(version.clone());
            choice.of_newest = obstacle;
        }
        match obstacle {
            None => choice.permitted.push(version.clone()),
            Some(obstacle) => {
                let rank = |(version, obstacle): &(Version, Obstacle)| (*obstacle, version.clone());
                let found = (version.clone(), obstacle);
                if choice
                    .obstacle
                    .as_ref()
                    .is_none_or(|known| rank(known) < rank(&found))
                {
                    choice.obstacle = Some(found);
                }
            }
        }
    }
    choice.permitted.sort_by(|a, b| b.cmp(a));
    if !choice.permitted.is_empty() {
        choice.obstacle = None;
    }
    choice
}

/// Whether a newer version is no further away than is allowed.
#[must_use]
pub(crate) fn is_within(allow: UpdateAllow, installed: &Version, newer: &Version) -> bool {
    let major = installed.major == newer.major;
    let minor = major && installed.minor == newer.minor;
    let patch = minor && installed.patch == newer.patch;
    // what the semver crate means by `^`
    let is_compatible = match (installed.major, installed.minor) {
        (0, 0) => patch,
        (0, _) => minor,
        _ => major,
    };
    match allow {
        UpdateAllow::Patch => is_compatible && minor,
        UpdateAllow::Compatible => is_compatible,
        UpdateAllow::Any => true,
    }
}

fn satisfies(requirement: Option<&Requirement>, installed: &Version, newer: &Version) -> bool {
    let pre = if installed.pre.is_empty() {
        PreReleases::Exclude
    } else {
        PreReleases::Include
    };
    requirement.is_none_or(|requirement| requirement.matches(newer, pre))
}

/// What else is known of a pack.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Circumstances {
    /// Whether it is held.
    pub is_held: bool,
    /// Whether all updates are frozen.
    pub is_frozen: bool,
    /// Until when what is permitted is not tried again, because it did not work.
    pub tried_until: Option<Timestamp>,
}

/// What comes of all that, but for the moment: what is due may have to wait for it.
#[must_use]
pub(crate) fn decide(
    mode: UpdateMode,
    choice: &Choice,
    circumstances: Circumstances,
    now: Timestamp,
) -> UpdateDecision {
    if choice.newest.is_none() {
        return UpdateDecision::UpToDate;
    }
    if mode == UpdateMode::Off {
        return UpdateDecision::Off;
    }
    if circumstances.is_held {
        return UpdateDecision::Held;
    }
    if choice.permitted.is_empty() {
        return match choice.obstacle {
            Some((_, Obstacle::Requirement)) => UpdateDecision::Requirement,
            Some((_, Obstacle::Blocked)) => UpdateDecision::Blocked,
            Some((_, Obstacle::Phase(_))) => UpdateDecision::Phase,
            Some((_, Obstacle::Allow | Obstacle::PreRelease)) | None => UpdateDecision::Policy,
        };
    }
    if mode == UpdateMode::Notify {
        return UpdateDecision::Notify;
    }
    if circumstances.is_frozen {
        return UpdateDecision::Frozen;
    }
    match circumstances.tried_until {
        Some(until) if until > now => UpdateDecision::Failed,
        _ => UpdateDecision::Due,
    }
}

#[cfg(test)]
pub(crate) mod tests;
