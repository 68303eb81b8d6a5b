//! What there is, who may have it, and where it is answered: one table.
//!
//! A route that is not in the table does not exist, and one in it cannot be without a role. The gate
//! in front of each handler compares the role, keeps the audit, and holds answers that wait for a job.

use axum::Router;
use axum::extract::{Extension, Request, State as FromState};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use packd_wire::{ErrorKind, Role, path};

use super::caller::Caller;
use super::problem::Refusal;
use super::{
    State, apply, audit, event, gc, generation, job, metrics, openapi, pack, registry, reload,
    reply, search, status, update, upload,
};

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Route {
    /// The path, as the API description has it.
    pub(crate) path: &'static str,
    /// The method.
    pub(crate) verb: Verb,
    /// The least role that may have it.
    pub(crate) role: Role,
    handler: fn(MethodFilter) -> MethodRouter<State>,
}

/// The methods of the API. All but `Get` change something, and are audited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Look.
    Get,
    /// Do.
    Post,
    /// Let it be so.
    Put,
    /// Remove.
    Delete,
}

impl Verb {
    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// The name of the method in the API description.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    fn changes(self) -> bool {
        match self {
            Self::Get => false,
            Self::Post | Self::Put | Self::Delete => true,
        }
    }
}

/// Makes a line of the table; the handler's type is its own, so it is wrapped where it is named.
macro_rules! route {
    ($verb:ident $path:expr, $role:ident, $handler:path) => {
        Route {
            path: $path,
            verb: Verb::$verb,
            role: Role::$role,
            handler: |verb| on(verb, $handler),
        }
    };
}

/// Every route.
pub(crate) const ROUTES: &[Route] = &[
    route!(Get path::STATUS, Reader, status::status),
    route!(Post path::ACKNOWLEDGE, Admin, status::acknowledge),
    route!(Get path::HEALTH, Reader, status::health),
    route!(Get path::METRICS, Reader, metrics::metrics),
    route!(Get path::OPENAPI, Reader, openapi::document),
    route!(Get path::PACKS, Reader, pack::list),
    route!(Get path::PACK, Reader, pack::show),
    route!(Put path::PACK, Operator, apply::ensure),
    route!(Delete path::PACK, Admin, pack::remove),
    route!(Post path::PACK_HOLD, Operator, pack::hold::set),
    route!(Delete path::PACK_HOLD, Operator, pack::hold::lift),
    route!(Post path::PACK_TEST, Operator, pack::test::run),
    route!(Get path::PACK_TESTS, Reader, pack::test::list),
    route!(Get path::PACK_TESTS_LATEST, Reader, pack::test::latest),
    route!(Post path::INSTALL, Operator, pack::install),
    route!(Post path::UPLOAD, Operator, upload::upload),
    route!(Post path::UPDATE, Operator, update::run),
    route!(Get path::UPDATES, Reader, update::list),
    route!(Post path::FREEZE, Operator, update::freeze),
    route!(Delete path::FREEZE, Operator, update::thaw),
    route!(Post path::VERIFY, Operator, pack::verify::run),
    route!(Post path::APPLY, Operator, apply::apply),
    route!(Get path::GENERATIONS, Reader, generation::list),
    route!(Get path::GENERATION, Reader, generation::show),
    route!(Get path::GENERATION_DIFF, Reader, generation::diff),
    route!(Post path::GENERATION_PIN, Operator, generation::pin::set),
    route!(Delete path::GENERATION_PIN, Operator, generation::pin::lift),
    route!(Post path::ROLLBACK, Operator, generation::rollback::run),
    route!(Post path::GC, Admin, gc::run),
    route!(Get path::JOBS, Reader, job::list),
    route!(Get path::JOB, Reader, job::show),
    route!(Get path::JOB_WAIT, Reader, job::wait),
    route!(Post path::JOB_CANCEL, Operator, job::cancel),
    route!(Get path::EVENTS, Reader, event::events),
    route!(Get path::REGISTRIES, Reader, registry::list),
    route!(Post path::REGISTRIES, Admin, registry::add),
    route!(Get path::REGISTRY, Reader, registry::show),
    route!(Put path::REGISTRY, Admin, registry::change),
    route!(Delete path::REGISTRY, Admin, registry::remove),
    route!(Post path::REGISTRIES_REFRESH, Operator, registry::refresh),
    route!(Post path::REGISTRY_TRUST, Admin, registry::trust),
    route!(Get path::SEARCH, Reader, search::search),
    route!(Get path::AVAILABLE, Reader, search::available),
    route!(Post path::RELOAD, Admin, reload::reload),
    route!(Get path::AUDIT, Admin, audit::list),
    route!(Get path::AUDIT_VERIFY, Admin, audit::verify),
];

/// The router of the table.
pub(crate) fn router(state: &State) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        for path in std::iter::once(route.path).chain(hiding(route)) {
            router = router.route(path, guarded(route, state));
        }
    }
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state.clone())
}

/// Fixed paths that would hide a route with a name in its path: `/v1/packs/install` is also the path
/// of a pack that is called `install`.
fn hiding(route: &'static Route) -> impl Iterator<Item = &'static str> {
    let fits = |fixed: &str| {
        let mut pairs = route.path.split('/').zip(fixed.split('/'));
        route.path.split('/').count() == fixed.split('/').count()
            && pairs.all(|(ours, theirs)| ours == theirs || ours.starts_with('{'))
    };
    ROUTES
        .iter()
        .filter(move |other| {
            other.path != route.path && !other.path.contains('{') && fits(other.path)
        })
        .filter(move |other| {
            !ROUTES
                .iter()
                .any(|one| one.path == other.path && one.verb == route.verb)
        })
        .map(|other| other.path)
}

/// What stands between the router and a handler.
#[derive(Debug, Clone)]
struct Gate {
    route: &'static Route,
    state: State,
}

fn guarded(route: &'static Route, state: &State) -> MethodRouter<State> {
    let gate = Gate {
        route,
        state: state.clone(),
    };
    (route.handler)(route.verb.filter()).route_layer(from_fn_with_state(gate, pass))
}

async fn pass(
    FromState(Gate { route, state }): FromState<Gate>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    if caller.role < route.role {
        return refuse(&state, &caller, Some(route.role), request).await;
    }
    if route.verb.changes() {
        change(state, caller, request, next).await
    } else {
        next.run(request).await
    }
}

/// Runs a change to its end and writes it into the audit, also when the client goes away meanwhile;
/// then waits for its job as long as the client wants to.
async fn change(state: State, caller: Caller, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let what = name(&request);
    let doing = {
        let state = state.clone();
        async move {
            let response = next.run(request).await;
            let row = audit::row(&caller, &headers, &what, &response);
            state.audit.change(row).await;
            response
        }
    };
    let stopped = state.stopped.clone();
    let task = state
        .tasks
        .spawn(async move { stopped.run_until_cancelled_owned(doing).await });
    match task.await {
        Ok(Some(response)) => reply::waited(response, &state).await,
        Ok(None) => Refusal::new(ErrorKind::ShuttingDown, "the daemon is stopping").into_response(),
        Err(_) => Refusal::panicked().into_response(),
    }
}

/// Answers that the peer's role does not allow this. Without a role that is needed: nor anything else.
pub(crate) async fn refuse(
    state: &State,
    caller: &Caller,
    needed: Option<Role>,
    request: Request,
) -> Response {
    let what = name(&request);
    let who = caller.link.peer.name();
    let role = caller.role;
    let detail = match needed {
        Some(needed) => format!("`{what}` needs role `{needed}`, and {who} has `{role}`"),
        None => format!("`{what}` is refused: {who} has role `{role}`, which may do nothing"),
    };
    let mut refusal = Refusal::new(ErrorKind::AccessDenied, detail);
    // no group helps over a socket that gives no more, and none those who are denied as who they are
    if let Some(needed) = needed
        && caller
            .link
            .door
            .most(state)
            .is_some_and(|most| most < needed)
    {
        refusal = refusal.hint(format!(
            "this socket gives nobody more than its role in `sockets`; ask at `{}`",
            state.parts.layout.socket.display()
        ));
    } else if role > Role::Denied
        && let Some(needed) = needed
        && let Some(group) = state.access.group_for(&caller.link.peer, needed)
    {
        let user = caller.link.peer.user.as_deref().unwrap_or("USER");
        refusal = refusal.hint(format!(
            "`sudo usermod -aG {group} {user}`, then log in again"
        ));
    }
    let response = refusal.into_response();
    let row = audit::row(caller, request.headers(), &what, &response);
    state.audit.refusal(row).await;
    response
}

async fn unknown(request: Request) -> Refusal {
    Refusal::new(
        ErrorKind::RouteNotFound,
        format!("there is no `{}`", request.uri().path()),
    )
    .hint(format!("`GET {}` lists what there is", path::OPENAPI))
}

async fn wrong_method(request: Request) -> Response {
    let detail = format!(
        "`{}` cannot be asked of `{}`",
        request.method(),
        request.uri().path()
    );
    let mut response = Refusal::new(ErrorKind::MethodNotAllowed, detail).into_response();
    debug_assert_eq!(
        response.status(),
        StatusCode::METHOD_NOT_ALLOWED,
        "so that axum adds `Allow`"
    );
    if request.method() == Method::HEAD {
        *response.body_mut() = axum::body::Body::empty();
    }
    response
}

/// Method and path, as they are recorded.
fn name(request: &Request) -> String {
    format!("{} {}", request.method(), request.uri().path())
}
