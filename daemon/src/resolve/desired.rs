//! The plan of what shall be: every pack that is named is there as it is asked for, and with `prune` nothing else.
//!
//! What is as it was asked for is left alone, and nobody is asked about it. The rest is one question to the solver, in
//! which what is there already may move only within what was asked of it. A pack that comes from a URL is brought
//! first, to see what it needs.

mod error;
mod prune;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use packd_format::PackRef;
use packd_wire::{ApplyRequest, Desired, DesiredHold, HoldChange};

use super::order::{Order, Planned};
use super::solver::Limit;
use super::wish::Wish;
use super::{Brought, Host, Plan, Policy, ResolveError, Wanted, by_url, uploaded};
use crate::queue::Flags;
use crate::store::hold::Holds;
use crate::store::pack::Installed;
use crate::store::{self, time};

pub(crate) use error::DesiredError;
use spec::{Origin, Spec};

/// The most packs of a request.
const MAX_PACKS: usize = 10_000;

/// What is wrong with a request on its face.
///
/// # Errors
/// [`ResolveError`]; of a pack it names it.
pub(super) fn check(
    request: &ApplyRequest,
    packs: &BTreeMap<String, Desired>,
    policy: Policy,
) -> Result<(), ResolveError> {
    if packs.len() > MAX_PACKS {
        return Err(DesiredError::TooManyPacks { limit: MAX_PACKS }.into());
    }
    if packs.is_empty() && request.prune && !request.force {
        return Err(DesiredError::PruneAll.into());
    }
    for spec in specs(request, packs)? {
        spec.permit(policy).map_err(of(&spec.pack_ref))?;
    }
    Ok(())
}

/// The plan.
///
/// # Errors
/// [`ResolveError`].
pub(super) async fn plan(
    request: &ApplyRequest,
    packs: &BTreeMap<String, Desired>,
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Plan, ResolveError> {
    let specs = specs(request, packs)?;
    let (holds, mut warnings) = holds(&specs, host.holds);
    let Sorted {
        wishes,
        kept,
        limits,
        pending,
    } = sorted(&specs, host, brought).await?;
    if !pending.is_empty() {
        return Ok(Plan {
            wanted: pending,
            unfinished: true,
            holds,
            ..Plan::default()
        });
    }
    let named: BTreeSet<String> = packs.keys().cloned().collect();
    let staying = if request.prune {
        prune::staying(host.active, host.holds, &named, request.force)
    } else {
        BTreeMap::new()
    };
    let now = prune::needs(host.active);
    let roots = || named.iter().chain(staying.keys()).map(String::as_str);
    let leaving = if request.prune {
        prune::unreached(&now, roots())
    } else {
        BTreeSet::new()
    };
    let flags = Flags::from(request);
    let Planned { mut plan, needs } = if wishes.is_empty() {
        Planned {
            plan: Plan::default(),
            needs: BTreeMap::new(),
        }
    } else {
        let order = Order {
            wishes,
            limits,
            leaving: leaving
                .iter()
                .filter_map(|name| name.parse().ok())
                .collect(),
            pre: request.pre,
            flags,
        };
        order.plan(host, brought).await?
    };
    let is_wanted = |wanted: &[Wanted], name: &str| {
        let mut refs = wanted.iter().filter_map(|wanted| wanted.pack_ref.as_ref());
        refs.any(|pack_ref| pack_ref.as_str() == name)
    };
    plan.kept.extend(kept);
    plan.kept
        .retain(|pack| !is_wanted(&plan.wanted, &pack.pack_ref));
    plan.kept.sort_by(|a, b| a.pack_ref.cmp(&b.pack_ref));
    if request.prune {
        let mut after = now;
        // what a new version needs is not known where nobody is to look
        if !flags.skip_deps {
            for (name, needs) in needs {
                let needs = needs.iter().map(|need| need.pack_ref.to_string());
                after.insert(name, needs.collect());
            }
        }
        let gone = prune::unreached(&after, roots());
        let active = host.active.values();
        plan.removed = active
            .filter(|pack| gone.contains(&pack.pack_ref))
            .cloned()
            .collect();
        plan.pruning = true;
        let unneeded = prune::unreached(&after, named.iter().map(String::as_str));
        let told = staying.iter().filter(|(name, _)| unneeded.contains(*name));
        warnings.extend(told.map(|(name, why)| format!("`{name}` is not named, and stays: {why}")));
    }
    plan.holds = holds;
    plan.warnings.extend(warnings);
    Ok(plan)
}

/// Every pack of a request, read.
fn specs(
    request: &ApplyRequest,
    packs: &BTreeMap<String, Desired>,
) -> Result<Vec<Spec>, ResolveError> {
    let specs = packs.iter().map(|(name, desired)| {
        let pack_ref = super::parse_ref(name)?;
        Spec::read(&pack_ref, desired.pack(), request.pre).map_err(of(&pack_ref))
    });
    specs.collect()
}

/// The same as said of one pack of several.
fn of(pack_ref: &PackRef) -> impl FnOnce(ResolveError) -> ResolveError {
    let pack = pack_ref.to_string();
    move |source| {
        let source = Box::new(source);
        DesiredError::OfPack { pack, source }.into()
    }
}

/// What is to be done about the packs of a request.
#[derive(Default)]
struct Sorted {
    /// Those that are to change.
    wishes: Vec<Wish>,
    /// Those that are as asked for.
    kept: Vec<Installed>,
    /// What those must stay within.
    limits: Vec<Limit>,
    /// Those that have to be inspected first.
    pending: Vec<Wanted>,
}

impl Sorted {
    fn keep(&mut self, spec: &Spec, pack: &Installed) {
        self.limits.extend(spec.limit(pack));
        self.kept.push(pack.clone());
    }
}

async fn sorted(
    specs: &[Spec],
    host: &Host<'_>,
    brought: &[Brought],
) -> Result<Sorted, ResolveError> {
    let present = present(specs, host).await?;
    let mut sorted = Sorted::default();
    let mut lacking = Vec::new();
    for spec in specs {
        let installed = present.get(spec.pack_ref.as_str());
        if let Some(pack) = installed.filter(|pack| spec.is_met_by(pack, host.policy)) {
            sorted.keep(spec, pack);
            continue;
        }
        let given = brought
            .iter()
            .find(|pack| pack.wanted.registry.is_none() && pack.pack_ref == spec.pack_ref);
        let wanted = match (&spec.origin, given) {
            (Origin::Registry(_), _) => {
                sorted.wishes.push(spec.wish());
                continue;
            }
            (_, Some(given)) => {
                let given = spec.given(given).map_err(of(&spec.pack_ref))?;
                sorted.wishes.push(given);
                continue;
            }
            (Origin::Url(request), None) => {
                let found = by_url(request, Some(&spec.pack_ref), host).await;
                found.map_err(of(&spec.pack_ref))?.wanted.pop()
            }
            (Origin::Upload(shown), None) => match spec.pin.archive {
                Some(archive) => {
                    uploaded::find(archive, spec.path.clone(), shown.clone(), host).await?
                }
                None => None,
            },
        };
        let Some(mut wanted) = wanted else {
            lacking.push(spec.named());
            continue;
        };
        if let Some(pack) = installed.filter(|pack| spec.is_same_commit(pack, &wanted)) {
            sorted.keep(spec, pack);
            continue;
        }
        spec.demand(&mut wanted);
        sorted.pending.push(wanted);
    }
    if lacking.is_empty() {
        Ok(sorted)
    } else {
        Err(DesiredError::NotHere { packs: lacking }.into())
    }
}

/// The packs of a request that are active, and whose trees are in the store.
async fn present(
    specs: &[Spec],
    host: &Host<'_>,
) -> Result<BTreeMap<String, Installed>, ResolveError> {
    let active = specs
        .iter()
        .filter_map(|spec| host.active.get(spec.pack_ref.as_str()));
    let active: Vec<Installed> = active.cloned().collect();
    let layout = Arc::clone(host.layout);
    store::off_thread(move || {
        let there = active
            .into_iter()
            .filter(|pack| store::tree::is_complete(&layout, &pack.dir));
        Ok(there.map(|pack| (pack.pack_ref.clone(), pack)).collect())
    })
    .await
    .map_err(ResolveError::Store)
}

/// Which holds are to be different, and what is odd about them.
fn holds(specs: &[Spec], now: &Holds) -> (Vec<HoldChange>, Vec<String>) {
    let (mut changes, mut warnings) = (Vec::new(), Vec::new());
    for spec in specs {
        let name = spec.pack_ref.to_string();
        let before = now.get(&name);
        let (until, reason) = match &spec.hold {
            None => continue,
            Some(DesiredHold::Is(false)) => {
                changes.extend(before.map(|_| HoldChange {
                    pack_ref: name,
                    held: false,
                    until: None,
                    reason: None,
                }));
                continue;
            }
            Some(DesiredHold::Is(true)) => (None, None),
            Some(DesiredHold::Until(hold)) => (hold.until.clone(), hold.reason.clone()),
        };
        if let Some(over) = until.as_ref().filter(|until| time::until(until).is_zero()) {
            warnings.push(format!("the hold of `{name}` was over at {over}"));
            continue;
        }
        let is_as_asked =
            |hold: &packd_wire::HoldView| hold.until == until && hold.reason == reason;
        if !before.is_some_and(is_as_asked) {
            changes.push(HoldChange {
                pack_ref: name,
                held: true,
                until,
                reason,
            });
        }
    }
    (changes, warnings)
}
