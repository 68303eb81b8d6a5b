//! A plan as the API shows it.

use packd_format::Version;
use packd_wire::{ChangeAction, PlanChange, PlanView};

use super::{Active, Plan, installed_version};
use crate::store::history;
use crate::store::pack::Installed;

impl Plan {
    /// As the API shows it, given what is active.
    #[must_use]
    pub(crate) fn view(&self, active: &Active) -> PlanView {
        let wanted = self.wanted.iter().map(|wanted| {
            let from = wanted
                .pack_ref
                .as_ref()
                .and_then(|name| active.get(name.as_str()));
            let bytes = wanted.sources.first();
            PlanChange {
                pack_ref: wanted.pack_ref.as_ref().map(ToString::to_string),
                action: action(from, wanted.version.as_ref()),
                from: from.map(|pack| pack.version.clone()),
                to: wanted.version.as_ref().map(ToString::to_string),
                registry: wanted.registry.clone(),
                source: bytes.map(|bytes| bytes.shown.clone()),
                path: wanted.path.clone(),
                git_ref: bytes
                    .and_then(|bytes| bytes.commit())
                    .and_then(|chosen| chosen.git_ref.clone()),
                commit: bytes
                    .and_then(|bytes| bytes.commit())
                    .map(|chosen| chosen.commit.clone()),
                digest: bytes
                    .and_then(|bytes| bytes.expected.as_ref())
                    .map(ToString::to_string),
                available: None,
                reason: wanted.reason.clone(),
            }
        });
        let again = self.again.iter().map(|pack| {
            let from = active.get(&pack.pack_ref);
            let to = installed_version(pack).ok();
            PlanChange {
                from: from.map(|from| from.version.clone()),
                to: Some(pack.version.clone()),
                ..line(pack, action(from, to.as_ref()), &self.reason("as"))
            }
        });
        let removed = self
            .removed
            .iter()
            .map(|pack| line(pack, ChangeAction::Remove, &self.reason("not")));
        let kept = self.kept.iter().map(|pack| PlanChange {
            available: self.newer.get(&pack.pack_ref).cloned(),
            ..line(pack, ChangeAction::Keep, "already as asked")
        });
        let mut view = PlanView {
            changes: wanted.chain(again).chain(removed).chain(kept).collect(),
            circles: self.circles.clone(),
            generation: None,
            left_out: self.left_out.clone(),
            holds: self.holds.clone(),
            changed: false,
        };
        view.changed = view.is_change();
        view
    }

    /// Why a pack that no registry was asked for changes.
    fn reason(&self, how: &str) -> String {
        match self.target {
            Some(target) => format!("{how} in generation {}", target.generation),
            None if self.pruning => "not named, and not needed".to_owned(),
            None => "requested".to_owned(),
        }
    }
}

fn line(pack: &Installed, action: ChangeAction, reason: &str) -> PlanChange {
    PlanChange {
        pack_ref: Some(pack.pack_ref.clone()),
        action,
        from: Some(pack.version.clone()),
        to: (action == ChangeAction::Keep).then(|| pack.version.clone()),
        registry: pack.record.registry.clone(),
        source: pack.record.source.url.clone(),
        path: pack.record.source.path.clone(),
        git_ref: pack.record.source.git_ref.clone(),
        commit: pack.record.source.commit.clone(),
        digest: pack.record.archive.clone(),
        available: None,
        reason: reason.to_owned(),
    }
}

/// What it is called to go from one version to another.
#[must_use]
pub(crate) fn action(from: Option<&Installed>, to: Option<&Version>) -> ChangeAction {
    let Some(from) = from else {
        return ChangeAction::Install;
    };
    match to {
        Some(to) => history::action(Some(&from.version), Some(&to.to_string())),
        None => ChangeAction::Reinstall,
    }
}
