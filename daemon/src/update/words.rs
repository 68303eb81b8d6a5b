//! Why a pack is or is not updated, in one sentence.

use packd_wire::{HoldView, UpdateDecision};

use super::look::Judged;
use super::policy::Obstacle;
use crate::registry::Offered;
use crate::resolve::held_in_words;

/// The sentence for what waits for the end of the watch after the last automatic update.
pub(super) fn waits_for_health(pack: &Judged) -> String {
    let candidate = pack.choice.permitted.first();
    format!(
        "{} is installed when it is certain that the host is well after the last update",
        candidate.map(ToString::to_string).unwrap_or_default()
    )
}

/// The sentence, without a full stop.
pub(super) fn reason(
    pack: &Judged,
    decision: UpdateDecision,
    job: Option<i64>,
    freeze: Option<&HoldView>,
) -> String {
    let registry = pack.registry.as_deref().unwrap_or_default();
    let candidate = pack
        .choice
        .permitted
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let newest = pack
        .choice
        .newest
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let shown = |hold: Option<&HoldView>| hold.map(held_in_words).unwrap_or_default();
    let text = match decision {
        UpdateDecision::UpToDate => match &pack.choice.obstacle {
            Some((version, _)) => {
                format!("registry `{registry}` has nothing newer but the pre-release {version}")
            }
            None => format!("registry `{registry}` has nothing newer"),
        },
        UpdateDecision::Due => match job {
            Some(job) => format!("job {job} installs {candidate}"),
            None => format!("{candidate} is installed when the turn of this host has come"),
        },
        UpdateDecision::Window => format!("{candidate} is installed in the next window"),
        UpdateDecision::Failed => match &pack.attempt {
            Some(attempt) => format!(
                "job {} could not install {candidate}: {}",
                attempt.job, attempt.reason
            ),
            None => format!("{candidate} could not be installed"),
        },
        UpdateDecision::Notify if pack.is_told => {
            format!(
                "{candidate} is there, and `mode: notify` leaves it to you; an event has said so"
            )
        }
        UpdateDecision::Notify => {
            format!("{candidate} is there, and `mode: notify` leaves it to you")
        }
        UpdateDecision::Held => format!("it is held{}", shown(pack.hold.as_ref())),
        UpdateDecision::Frozen => {
            format!("updates are frozen{}; {candidate} waits", shown(freeze))
        }
        UpdateDecision::Blocked
        | UpdateDecision::Phase
        | UpdateDecision::Requirement
        | UpdateDecision::Policy => match &pack.choice.obstacle {
            Some((version, obstacle)) => format!("{version} {}", kept(pack, *obstacle)),
            None => format!("{newest} is not permitted"),
        },
        UpdateDecision::Off => format!("{newest} is there, and `mode: off` leaves it to you"),
        UpdateDecision::NoRegistry => {
            "it came from no registry, so that nobody knows of newer versions".to_owned()
        }
        UpdateDecision::UnknownRegistry if matches!(pack.offered, Offered::Disabled) => {
            format!("registry `{registry}`, which it came from, is disabled")
        }
        UpdateDecision::UnknownRegistry => {
            format!("registry `{registry}`, which it came from, is not configured any more")
        }
        UpdateDecision::NotOffered if matches!(pack.offered, Offered::Unread) => {
            format!("the index of registry `{registry}` could not be read yet")
        }
        UpdateDecision::NotOffered => format!("registry `{registry}` does not offer it any more"),
    };
    match further(pack, decision) {
        Some(more) => format!("{text}; {more}"),
        None => text,
    }
}

/// What keeps the newest version from the pack, where the sentence is about another one.
fn further(pack: &Judged, decision: UpdateDecision) -> Option<String> {
    let newest = pack.choice.newest.as_ref()?;
    let obstacle = pack.choice.of_newest?;
    let is_about = match decision {
        UpdateDecision::Due
        | UpdateDecision::Window
        | UpdateDecision::Failed
        | UpdateDecision::Notify
        | UpdateDecision::Frozen => pack.choice.permitted.first(),
        UpdateDecision::Blocked
        | UpdateDecision::Phase
        | UpdateDecision::Requirement
        | UpdateDecision::Policy => pack.choice.obstacle.as_ref().map(|(version, _)| version),
        _ => return None,
    };
    (is_about != Some(newest)).then(|| format!("{newest} {}", kept(pack, obstacle)))
}

/// What keeps a version from the pack, behind the version.
fn kept(pack: &Judged, obstacle: Obstacle) -> String {
    match obstacle {
        Obstacle::PreRelease => "is a pre-release".to_owned(),
        Obstacle::Allow => format!(
            "is further from {} than `allow: {}` permits",
            pack.installed,
            pack.terms.allow.as_str()
        ),
        Obstacle::Requirement => {
            let requirement = pack.terms.requirement.as_ref();
            format!(
                "does not satisfy `{}`, as `updates.packs.{}.version` demands",
                requirement.map(ToString::to_string).unwrap_or_default(),
                pack.pack_ref
            )
        }
        Obstacle::Blocked => match &pack.blocked {
            Some(blocked) => format!(
                "was rolled back from by job {} at {}",
                blocked.job, blocked.since
            ),
            None => "was rolled back from".to_owned(),
        },
        Obstacle::Phase(share) => {
            format!("is for {share} % of all hosts so far, and this one is not among them")
        }
    }
}
