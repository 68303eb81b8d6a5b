//! Looks at trees: what is not as it was installed is named, and, if that was asked for, brought again.
//!
//! Reads every file of the trees. A tree that is brought again comes by the steps of an install, *fetch* to *inspect*, and
//! must have the very digest that it had; what lies in its place goes to `quarantine/` as it is. The place is the same, so
//! the links of generations stay good, and no generation is made. Safe to repeat: what is good already is left alone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use packd_format::Digest;
use packd_wire::{
    ApplyRequest, ChangeAction, ErrorKind, EventKind, PackState, PlanChange, PlanView, Problem,
    SourceType, StepName, TreeView, Verification, VerifyRequest,
};
use serde_json::json;

use crate::queue::{Claimed, JobRequest, Outcome};
use crate::resolve::{self, Active, Bytes, Wanted};
use crate::source::Place;
use crate::source::archive::Location;
use crate::store::look::{self, Look};
use crate::store::pack::Installed;
use crate::store::{self, StoreError};

use super::{Context, StepError, blocking, bring, stoppable, unpack};

/// How many differences an event names.
const TOLD: usize = 10;

/// How many packs are looked at before what was found is noted, which costs a sync.
const TOGETHER: usize = 64;

/// How many packs an error names.
const NAMED: usize = 5;

/// Looks at the active packs that were asked for, and repairs them.
///
/// # Errors
/// [`ErrorKind::PackDamaged`] when one is not as it was installed, and was not repaired.
pub(super) async fn run(
    context: &Context,
    job: &Claimed,
    asked: &VerifyRequest,
) -> Result<Outcome, StepError> {
    job.begin(StepName::Verify, None).await?;
    let (active, generation) = context.active_generation().await?;
    let packs = chosen(&active, &asked.refs)?;
    if asked.repair
        && let Some(earlier) = job.touch(asked.refs.clone()).await?
    {
        return Err(StepError::After(earlier));
    }
    let mut views = Vec::with_capacity(packs.len());
    let mut bad = Vec::new();
    for some in packs.chunks(TOGETHER) {
        for (pack, look) in some.iter().zip(looks(context, job, some).await?) {
            if look.state != PackState::Ok {
                bad.push((views.len(), *pack, look.clone()));
            }
            views.push(view(pack, look));
        }
    }
    job.complete(StepName::Verify, counted(views.len(), bad.len()))
        .await?;
    if asked.repair && !bad.is_empty() {
        let refs = bad.iter().map(|(_, pack, _)| pack.pack_ref.clone());
        if let Some(earlier) = job.touch(refs.collect()).await? {
            return Err(StepError::After(earlier));
        }
        for (place, pack, look) in &bad {
            let Some(view) = views.get_mut(*place) else {
                continue;
            };
            match repaired(context, job, &active, generation, pack, look).await {
                Ok(put_away) => {
                    view.repaired = true;
                    view.quarantine = put_away.map(|folder| folder.display().to_string());
                    tell(job, pack, view).await?;
                }
                Err(StepError::Failed { problem, .. }) => view.error = Some(in_words(&problem)),
                Err(other) => return Err(other),
            }
        }
    }
    let changed = views.iter().any(|view| view.repaired);
    let failure = damaged(&views, asked.repair);
    job.verified(views, changed).await?;
    match failure {
        Some(problem) => Err(StepError::final_one(problem)),
        None if changed => Ok(Outcome::Changed),
        None => Ok(Outcome::Unchanged),
    }
}

/// The active packs of these names, or all.
fn chosen<'a>(active: &'a Active, refs: &[String]) -> Result<Vec<&'a Installed>, StepError> {
    if refs.is_empty() {
        return Ok(active.values().collect());
    }
    let mut packs: BTreeMap<&str, &Installed> = BTreeMap::new();
    for name in refs {
        let pack = active.get(name).ok_or_else(|| {
            let text = format!("`{name}` is not installed");
            let problem = Problem::new(ErrorKind::PackNotInstalled, text)
                .with_hint("`packctl list` shows what is");
            StepError::final_one(problem)
        })?;
        packs.insert(name, pack);
    }
    Ok(packs.into_values().collect())
}

/// Looks at some trees at the same time, notes what was found in one transaction, and says which are bad.
async fn looks(
    context: &Context,
    job: &Claimed,
    packs: &[&Installed],
) -> Result<Vec<Look>, StepError> {
    let looks = {
        let layout = Arc::clone(&context.layout);
        let packs: Vec<Installed> = packs.iter().map(|pack| (*pack).clone()).collect();
        let looks = blocking(move || look::look_at_all(&layout, &packs));
        stoppable(job, looks).await??
    };
    let dirs = packs.iter().map(|pack| pack.dir.clone());
    let found: Vec<_> = dirs.zip(looks.iter().cloned()).collect();
    let note = context.database.write(move |tx| {
        let mut found = found.iter();
        found.try_for_each(|(dir, look)| look::note(tx, dir, look))
    });
    note.await?;
    for (pack, look) in packs.iter().zip(&looks) {
        if look.state != PackState::Ok {
            let data = event(pack, look);
            job.tell(EventKind::PackDamaged, Some(&pack.pack_ref), data)
                .await?;
        }
    }
    Ok(looks)
}

async fn noted(context: &Context, pack: &Installed, look: Look) -> Result<(), StoreError> {
    let dir = pack.dir.clone();
    let database = &context.database;
    database.write(move |tx| look::note(tx, &dir, &look)).await
}

/// What the event of a bad tree says.
pub(super) fn event(pack: &Installed, look: &Look) -> serde_json::Value {
    let named = look.differences.get(..TOLD).unwrap_or(&look.differences);
    json!({
        "version": pack.version,
        "state": look.state,
        "differences": named,
        "count": look.count,
    })
}

async fn tell(job: &Claimed, pack: &Installed, view: &TreeView) -> Result<(), StoreError> {
    let data = json!({"version": pack.version, "quarantine": view.quarantine});
    job.tell(EventKind::PackRepaired, Some(&pack.pack_ref), data)
        .await
}

fn view(pack: &Installed, look: Look) -> TreeView {
    TreeView {
        pack_ref: pack.pack_ref.clone(),
        version: pack.version.clone(),
        state: look.state,
        differences: look.differences,
        count: look.count,
        repaired: false,
        quarantine: None,
        error: None,
    }
}

/// Makes a pack's tree, and what lies beside it, good again; where what lay there is now.
async fn repaired(
    context: &Context,
    job: &Claimed,
    active: &Active,
    generation: Option<i64>,
    pack: &Installed,
    look: &Look,
) -> Result<Option<PathBuf>, StepError> {
    let put_away = if look.is_tree_good {
        None
    } else {
        brought(context, job, active, generation, pack).await?
    };
    let event = context.database.read(store::event::last).await?;
    let again = {
        let (layout, pack) = (Arc::clone(&context.layout), pack.clone());
        store::off_thread(move || {
            look::mend_beside(&layout, &pack, event)?;
            Ok(look::look(&layout, &pack))
        })
        .await?
    };
    let is_good = again.state == PackState::Ok;
    noted(context, pack, again).await?;
    if is_good {
        return Ok(put_away);
    }
    let text = format!(
        "`{}` was brought again, and is damaged again",
        pack.pack_ref
    );
    let problem = Problem::new(ErrorKind::PackDamaged, text)
        .with_hint("look at the disk: `dmesg` and `smartctl` may say more");
    Err(StepError::final_one(problem))
}

/// Brings a tree again from where it came; where what lay in its place is now.
async fn brought(
    context: &Context,
    job: &Claimed,
    active: &Active,
    generation: Option<i64>,
    pack: &Installed,
) -> Result<Option<PathBuf>, StepError> {
    let digest: Option<Digest> = pack.record.tree.parse().ok();
    if pack.record.source.source_type == SourceType::Upload {
        let Some(wanted) = kept(context, pack, digest).await? else {
            return Err(StepError::final_one(sent(pack)));
        };
        return match bring::run(context, job, active, &[wanted]).await {
            Ok(inspected) => {
                let here = inspected.into_iter().find(|one| one.dir == pack.dir);
                here.map(|one| one.put_away)
                    .ok_or_else(|| StepError::final_one(sent(pack)))
            }
            // what is kept is damaged too
            Err(StepError::Failed { problem, .. }) if problem.kind == ErrorKind::DigestMismatch => {
                Err(StepError::final_one(sent(pack)))
            }
            Err(other) => Err(other),
        };
    }
    let mut failure = None;
    // the registry may not offer it any more, and the place it came from may have it still
    let of_registry = pack.record.registry.as_deref().map(Some);
    for registry in of_registry.into_iter().chain([None]) {
        let tried = async {
            let mut wanted = wanted(context, job, active, generation, pack, registry).await?;
            for bytes in &mut wanted.sources {
                bytes.tree = bytes.tree.or(digest);
            }
            bring::run(context, job, active, &[wanted]).await
        };
        match tried.await {
            Ok(inspected) => {
                let here = inspected.into_iter().find(|one| one.dir == pack.dir);
                return match here {
                    Some(one) => Ok(one.put_away),
                    None => Err(StepError::final_one(other(pack))),
                };
            }
            Err(StepError::Failed { problem, .. }) => {
                failure.get_or_insert(*problem);
            }
            Err(stopped) => return Err(stopped),
        }
    }
    Err(StepError::final_one(failure.unwrap_or_else(|| other(pack))))
}

/// The archive of a pack that was sent, if the cache still has it.
async fn kept(
    context: &Context,
    pack: &Installed,
    tree: Option<Digest>,
) -> Result<Option<Wanted>, StepError> {
    let archive = pack.record.archive.as_deref();
    let Some(expected) = archive.and_then(|text| text.parse::<Digest>().ok()) else {
        return Ok(None);
    };
    let cache = context.cache.clone();
    let Some(path) = blocking(move || cache.archive(&expected)).await? else {
        return Ok(None);
    };
    let shown = format!("the archive of `{}` that was kept", pack.pack_ref);
    let bytes = Bytes {
        place: Place::Archive(Location::upload(path, shown.clone())),
        shown,
        uploaded: true,
        expected: Some(expected),
        tree,
        verified_by: Verification::RequestChecksum,
        size: None,
    };
    Ok(Some(Wanted {
        pack_ref: pack.pack_ref.parse().ok(),
        version: None,
        sources: vec![bytes],
        registry: None,
        registry_id: None,
        path: pack.record.source.path.clone(),
        needs: None,
        reason: "repair".into(),
    }))
}

/// The very bytes that a pack came of, from a registry or from where they lay.
async fn wanted(
    context: &Context,
    job: &Claimed,
    active: &Active,
    generation: Option<i64>,
    pack: &Installed,
    registry: Option<&str>,
) -> Result<Wanted, StepError> {
    let source = &pack.record.source;
    let change = PlanChange {
        pack_ref: Some(pack.pack_ref.clone()),
        action: ChangeAction::Reinstall,
        from: Some(pack.version.clone()),
        to: Some(pack.version.clone()),
        registry: registry.map(ToOwned::to_owned),
        source: source.url.clone(),
        path: source.path.clone(),
        git_ref: source.git_ref.clone(),
        commit: source.commit.clone(),
        digest: pack.record.archive.clone(),
        available: None,
        reason: "repair".into(),
    };
    let plan = PlanView {
        changes: vec![change],
        generation,
        ..PlanView::default()
    };
    let request = JobRequest::Apply(ApplyRequest {
        plan: Some(plan),
        // a hold keeps a version, and this is the same one
        force: true,
        // nor does it matter who offers the very same bytes
        change_origin: true,
        ..ApplyRequest::default()
    });
    let config = context.config.current();
    let limits = unpack::limits(&config.limits);
    let holds = BTreeMap::new();
    let host = super::host(context, job, &config, &limits, active, generation, &holds);
    let plan = stoppable(job, resolve::run(&request, &host, &[])).await??;
    let wanted = plan.wanted.into_iter().next();
    wanted.ok_or_else(|| StepError::final_one(other(pack)))
}

fn sent(pack: &Installed) -> Problem {
    let name = pack.record.source.url.as_deref();
    let name = name.unwrap_or("an archive");
    let text = format!(
        "`{}` was sent by a client, as `{name}`, and the cache does not have it any more",
        pack.pack_ref
    );
    Problem::new(ErrorKind::PackDamaged, text).with_hint(format!(
        "send it again: `packctl install {} --force`",
        if name.contains('/') {
            name
        } else {
            "./ARCHIVE"
        }
    ))
}

fn other(pack: &Installed) -> Problem {
    let text = format!(
        "what comes from where `{}` {} came from is another tree now",
        pack.pack_ref, pack.version
    );
    Problem::new(ErrorKind::PackDamaged, text).with_hint(format!(
        "`packctl install {}@latest` installs what is offered now",
        pack.pack_ref
    ))
}

/// Why the job fails, if something is not as it was installed now.
fn damaged(views: &[TreeView], repair: bool) -> Option<Problem> {
    let bad = || {
        let bad = |view: &&TreeView| view.state != PackState::Ok && !view.repaired;
        views.iter().filter(bad)
    };
    let count = bad().count();
    if count == 0 {
        return None;
    }
    let mut names: Vec<String> = bad()
        .take(NAMED)
        .map(|view| format!("`{}` is {}", view.pack_ref, view.state.as_str()))
        .collect();
    if count > NAMED {
        names.push(format!("and {} more", count - NAMED));
    }
    let text = names.join(", ");
    let problem = if repair {
        let mut problem = Problem::new(ErrorKind::PackDamaged, format!("not repaired: {text}"));
        let why = |view: &TreeView| {
            let error = view.error.as_deref()?;
            Some(format!("{}: {error}", view.pack_ref))
        };
        problem.causes = bad().filter_map(why).take(NAMED).collect();
        problem.with_hint(
            "`packctl install REF --force` brings a pack again that a registry offers, `packctl install ./ARCHIVE --force` \
             one that was sent",
        )
    } else {
        Problem::new(ErrorKind::PackDamaged, text)
            .with_hint("`packctl verify --repair` brings them again, and keeps what lies there")
    };
    Some(problem)
}

fn counted(all: usize, bad: usize) -> String {
    let packs = if all == 1 { "pack" } else { "packs" };
    match bad {
        0 => format!("{all} {packs}, all as installed"),
        bad => format!("{all} {packs}, {bad} not as installed"),
    }
}

fn in_words(problem: &Problem) -> String {
    let mut text = problem.detail.clone();
    for cause in &problem.causes {
        text = format!("{text}: {cause}");
    }
    match &problem.hint {
        Some(hint) => format!("{text} ({hint})"),
        None => text,
    }
}
