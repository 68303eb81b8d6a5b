//! What shall be: packs as they are named, or plans that were made before.

use packd_wire::{
    ApplyRequest, ChangeAction, Desired, DesiredHold, DesiredPack, EnsureQuery, ErrorKind,
    HoldRequest, Role, WaitQuery, path,
};

use super::asking::{Asking, Key};
use super::body::{self, Asked, NamedPack, Sent};
use super::pack::hold;
use super::problem::Refusal;
use super::reply::{Answer, Made};
use crate::queue::JobRequest;

/// Makes it so, in one job: the packs that are named, or a plan that was made before.
///
/// With `packs`, each pack is there afterwards in a version that will do. One that is as asked for already stays as it is,
/// and nobody is asked about it; the job's `changed` says whether anything had to be. With `prune`, every other pack goes
/// that none of those needs, unless it is held or part of the system; that is for admins, as removing is.
///
/// With `plan`, such as that of a dry run, exactly that is run. When the host, or what a registry offers, is not what the
/// plan was made on, the job fails as `plan_outdated`, says what has changed, and changes nothing. A plan that removes packs
/// is for admins.
#[utoipa::path(
    post,
    path = path::APPLY,
    params(WaitQuery, Key),
    request_body = ApplyRequest,
    responses(Made),
)]
pub(crate) async fn apply(
    asking: Asking,
    Asked(query): Asked<WaitQuery>,
    Sent(mut request): Sent<ApplyRequest, { body::DESIRED_BYTES }>,
) -> Answer<Made> {
    if asking.caller.role != Role::Admin
        && let Some(what) = removes(&request)
    {
        let detail = format!("{what}, which only an admin may do");
        return Err(Refusal::new(ErrorKind::AccessDenied, detail));
    }
    for (name, desired) in request.packs.iter_mut().flatten() {
        if let Desired::Pack(pack) = desired {
            read_hold(name, pack)?;
        }
    }
    for change in request.plan.iter_mut().flat_map(|plan| &mut plan.holds) {
        let asked = HoldRequest {
            until: change.until.take(),
            reason: change.reason.take(),
        };
        let HoldRequest { until, reason } = hold::read(&asked)?;
        (change.until, change.reason) = (until, reason);
    }
    let request = JobRequest::Apply(request);
    asking.job(query.wait, request).await
}

/// Makes a pack as it is asked for: there, in a version that will do.
///
/// Done again, it changes nothing, unless the version that will do is `latest`, or the branch of a repository has moved.
#[utoipa::path(
    put,
    path = path::PACK,
    params(
        ("ref" = String, Path, description = "The pack's ref"),
        EnsureQuery,
        Key,
    ),
    request_body = DesiredPack,
    responses(Made),
)]
pub(crate) async fn ensure(
    asking: Asking,
    NamedPack(pack_ref): NamedPack,
    Asked(query): Asked<EnsureQuery>,
    Sent(mut pack): Sent<DesiredPack>,
) -> Answer<Made> {
    let name = pack_ref.to_string();
    read_hold(&name, &mut pack)?;
    let request = JobRequest::Apply(ApplyRequest {
        packs: Some([(name, pack.into())].into()),
        pre: query.pre,
        force: query.force,
        skip_deps: query.skip_deps,
        skip_tests: query.skip_tests,
        change_origin: query.change_origin,
        dry_run: query.dry_run,
        ..ApplyRequest::default()
    });
    asking.job(query.wait, request).await
}

/// That a request may remove packs, as the beginning of a sentence.
fn removes(request: &ApplyRequest) -> Option<String> {
    if request.prune {
        return Some("`prune` removes packs".to_owned());
    }
    let mut changes = request.plan.iter().flat_map(|plan| &plan.changes);
    let removed = changes.find(|change| change.action == ChangeAction::Remove)?;
    let name = removed.pack_ref.as_deref().unwrap_or("a pack");
    Some(format!("the plan removes `{name}`"))
}

/// Brings the hold of a pack into the form that is kept.
fn read_hold(name: &str, pack: &mut DesiredPack) -> Answer<()> {
    if let Some(DesiredHold::Until(asked)) = &mut pack.hold {
        *asked = hold::read(asked).map_err(|refusal| refusal.about(name))?;
    }
    Ok(())
}
