//! Accepts connections and answers what comes over them.
//!
//! The accept loop is our own, and never ends because of a client: one that goes away in the middle is
//! that connection's end only. Who connected is asked of the kernel once. A connection holds a slot,
//! its heads and writes have deadlines, and its task is owned by the tracker that the end waits for.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use packd_wire::{ErrorKind, Role};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::pulse::{Beat, Pulse};

use super::caller::{Caller, Link, rank};
use super::door::{Door, Opened};
use super::guarded::{Guarded, Patience};
use super::limit::{Full, LINE, Rank};
use super::peer::Peer;
use super::problem::{self, Refusal};
use super::{LEAVING, STREAMS, State, bare, bounds, closing, hygiene, routes};

/// The most headers of a request.
const HEADERS: usize = 64;
/// The most bytes of a head; also how much is buffered for a connection.
const BUFFER: usize = 16 * 1024;
/// How long accepting pauses when the process or the system has no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the log has the number of connections that were turned away.
const SUM_UP: Duration = Duration::from_mins(1);

/// Serves until `stop`, then until what is being answered is answered, within a bound. More sockets may come meanwhile.
pub(crate) async fn serve(
    first: Vec<Opened>,
    more: mpsc::Receiver<Opened>,
    state: State,
    pulse: Pulse,
    stop: CancellationToken,
) {
    raise_descriptors();
    let router = routes::router(&state);
    let accepting = accept_all(first, more, &state, &router, &pulse);
    let accepting = futures_util::future::join(accepting, sum_up(&state));
    // and then nobody new gets in, also not to the kernel's queue: the listeners are gone with their loops
    stop.run_until_cancelled(accepting).await;
    state.stopping.cancel();
    state.tasks.close();
    if tokio::time::timeout(state.times.stop, state.tasks.wait())
        .await
        .is_err()
    {
        tracing::warn!("{} requests were cut off", state.tasks.len());
        state.stopped.cancel();
        state.tasks.wait().await;
    }
}

/// Event streams and waiting clients can be more than the usual 1024 descriptors.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}

/// Accepts at every socket. All loops share one task, so the signs of life of the first ones are those of all.
async fn accept_all(
    first: Vec<Opened>,
    mut more: mpsc::Receiver<Opened>,
    state: &State,
    router: &Router,
    pulse: &Pulse,
) {
    let mut loops = FuturesUnordered::new();
    for opened in first {
        let beat = pulse.beat("the loop that accepts connections");
        loops.push(accept(opened, Some(beat), state, router));
    }
    loop {
        tokio::select! {
            Some(opened) = more.recv() => loops.push(accept(opened, None, state, router)),
            Some(()) = loops.next() => {}
            else => std::future::pending::<()>().await,
        }
    }
}

/// Accepts at one socket until it is shut.
async fn accept(opened: Opened, mut beat: Option<Beat>, state: &State, router: &Router) {
    let Opened { door, listener } = opened;
    let mut failing = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = answer_beat(beat.as_mut()) => continue,
            () = door.is_shut() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                failing = false;
                begin(stream, &door, state, router);
            }
            Err(error) => {
                if !failing {
                    tracing::error!(%error, "cannot accept connections");
                }
                failing = true;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn answer_beat(beat: Option<&mut Beat>) {
    match beat {
        Some(beat) => beat.answer().await,
        None => std::future::pending().await,
    }
}

/// Tells the log now and then how many more connections of whom were turned away.
async fn sum_up(state: &State) {
    loop {
        state.turned_away.begun().await;
        tokio::time::sleep(SUM_UP).await;
        for (uid, more) in state.turned_away.sum_up() {
            tracing::warn!(uid, "{more} more connections were turned away");
        }
    }
}

/// Gives a connection its task.
fn begin(stream: UnixStream, door: &Arc<Door>, state: &State, router: &Router) {
    let connections = state.parts.config.current().access.max_connections;
    if state.tasks.len() > LINE + STREAMS.total + LEAVING.total + connections {
        // it would not get a slot in time, and a task of its own is too much for saying so
        closing::say_at_once(stream, &too_many());
        return;
    }
    let (stopped, state, router) = (state.stopped.clone(), state.clone(), router.clone());
    let door = Arc::clone(door);
    let tasks = state.tasks.clone();
    state.accepted.fetch_add(1, Ordering::Relaxed);
    tasks.spawn(async move {
        stopped
            .run_until_cancelled_owned(connection(stream, door, state, router))
            .await;
    });
}

/// Finds out who connected, and answers them.
async fn connection(stream: UnixStream, door: Arc<Door>, state: State, router: Router) {
    let names = state.access.look(state.times.head).await;
    let peer = match Peer::of(&stream, &names) {
        Ok(peer) => peer,
        Err(error) => {
            tracing::debug!(%error, "a connection was gone before it was asked who it is");
            return;
        }
    };
    state
        .connections
        .set_bounds(bounds(&state.parts.config.current().access));
    let rank = rank(door.role(&peer, &state));
    let Ok(slot) = state
        .connections
        .take(peer.uid, rank, state.times.head)
        .await
    else {
        turn_away(stream, &peer, rank, &state).await;
        return;
    };
    let link = Arc::new(Link::new(peer, Arc::clone(&door), slot));
    let patience = Patience {
        head: state.times.head,
        write: state.times.write,
        linger: state.times.linger,
    };
    let io = TokioIo::new(Guarded::new(stream, patience, Arc::clone(&link.conflict)));
    let stopping = state.stopping.clone();
    let idle = state.times.idle;
    let service =
        service_fn(move |request| answer(request, link.clone(), state.clone(), router.clone()));
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .max_headers(HEADERS)
            .max_buf_size(BUFFER)
            .serve_connection(io, service)
    );
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        () = door.is_shut() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(error = %crate::logging::chain(&error), "a connection ended badly");
    }
}

/// Answers one request.
async fn answer(
    request: Request<Incoming>,
    link: Arc<Link>,
    state: State,
    mut router: Router,
) -> Result<Response, Infallible> {
    let role = link.door.role(&link.peer, &state);
    let caller = Caller { link, role };
    let must_close =
        caller.link.has_conflict() || request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut request = request.map(Body::new);
    let response = if role == Role::Denied {
        routes::refuse(&state, &caller, None, request).await
    } else if caller.link.has_conflict() {
        let detail = "the request has both `Content-Length` and `Transfer-Encoding`";
        Refusal::new(ErrorKind::BadRequest, detail).into_response()
    } else if let Err(refusal) = hygiene::check(&request) {
        refusal.into_response()
    } else {
        request.extensions_mut().insert(caller);
        let Ok(response) = router.call(request).await;
        response
    };
    let mut response = problem::for_role(response, role);
    if must_close {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// Says that there are too many connections, without looking at what the client wants. How many are
/// waited for meanwhile is bounded too: they hold no slot of the connections.
async fn turn_away(stream: UnixStream, peer: &Peer, rank: Rank, state: &State) {
    if state.turned_away.is_first(peer.uid) {
        tracing::warn!(
            uid = peer.uid,
            pid = peer.pid,
            "a connection was turned away: there are too many"
        );
    }
    match state.leaving.try_take(peer.uid, rank) {
        Ok(_slot) => closing::say(stream, &too_many(), state.times.linger).await,
        Err(Full) => closing::say_at_once(stream, &too_many()),
    }
}

/// The whole answer to a connection that there is no room for.
fn too_many() -> Vec<u8> {
    let refusal = Refusal::new(ErrorKind::TooMany, "too many connections are open")
        .hint("close some, or raise `access.max_connections` and `access.max_per_uid`");
    bare::whole(
        StatusCode::TOO_MANY_REQUESTS,
        "Retry-After: 1\r\n",
        refusal.problem(),
    )
}
