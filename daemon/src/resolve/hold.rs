//! Packs that stay in the version that they have.
//!
//! The solver knows of them, so that a plan goes round them where there is a way, and says so where there is none.
//! Plans that no solver makes are looked through.

use packd_format::PackRef;
use packd_wire::HoldView;

use super::solver::Limit;
use super::{Host, Plan, ResolveError};
use crate::store::pack::Installed;

/// What the solver has to know of the packs that are not asked for themselves.
pub(super) fn limits(host: &Host<'_>, is_named: impl Fn(&PackRef) -> bool) -> Vec<Limit> {
    let held = host.holds.iter();
    held.filter_map(|(name, hold)| {
        let version = &host.active.get(name)?.version;
        let pack_ref: PackRef = name.parse().ok()?;
        (!is_named(&pack_ref)).then_some(())?;
        Some(Limit {
            pack_ref,
            requirement: format!("={version}").parse().ok()?,
            why: format!("is held at {version}{}", shown(hold)),
            hint: format!("`packctl unhold {name}` lets it change"),
        })
    })
    .collect()
}

/// Refuses a plan that changes a pack which is held, and stays so.
///
/// # Errors
/// [`ResolveError::Held`].
pub(super) fn check(plan: &Plan, host: &Host<'_>) -> Result<(), ResolveError> {
    let is_lifted =
        |name: &str| (plan.holds.iter()).any(|change| change.pack_ref == name && !change.held);
    for (name, hold) in host.holds.iter().filter(|(name, _)| !is_lifted(name)) {
        if let Some(pack) = host.active.get(name).filter(|pack| leaves(plan, pack)) {
            return Err(ResolveError::Held {
                pack: name.clone(),
                version: pack.version.clone(),
                hold: Box::new(hold.clone()),
            });
        }
    }
    Ok(())
}

fn leaves(plan: &Plan, pack: &Installed) -> bool {
    let is_it = |name: &PackRef| name.as_str() == pack.pack_ref;
    let becomes = plan
        .wanted
        .iter()
        .find(|wanted| wanted.pack_ref.as_ref().is_some_and(is_it));
    let changes = becomes
        .and_then(|wanted| wanted.version.as_ref())
        .is_some_and(|version| version.to_string() != pack.version);
    let comes_again = plan
        .again
        .iter()
        .any(|again| again.pack_ref == pack.pack_ref && again.version != pack.version);
    changes
        || comes_again
        || plan
            .removed
            .iter()
            .any(|gone| gone.pack_ref == pack.pack_ref)
}

/// What else is to be said of a hold: ` until 2026-12-01T00:00:00Z, by ada: a release is going on`.
pub(crate) fn shown(hold: &HoldView) -> String {
    let until = hold.until.as_ref().map(|until| format!(" until {until}"));
    let reason = hold.reason.as_ref().map(|reason| format!(": {reason}"));
    format!(
        "{}, by {}{}",
        until.unwrap_or_default(),
        hold.by,
        reason.unwrap_or_default()
    )
}
