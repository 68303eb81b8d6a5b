//! `GET /v1/events`: what happened, as a list or as a stream that goes on.

mod encode;
mod follow;

#[cfg(test)]
mod tests;

use axum::body::Body;
use axum::extract::State as FromState;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use packd_wire::{ErrorKind, EventKind, EventList, EventsQuery, path};

use super::State;
use super::body::{Asked, pack_ref, page};
use super::caller::Caller;
use super::problem::Refusal;
use super::reply::{Answer, Shown};
use crate::store::event::{self as rows, Filter};

use encode::Format;
use follow::Follower;

/// Tells what happens, as server-sent events, as lines of JSON (`Accept: application/x-ndjson`), or
/// with `?follow=false` as a list of what is stored.
///
/// A stream resumes behind `?since=` or `Last-Event-ID`, across restarts of the daemon too; nothing is
/// left out and nothing comes twice. Progress has no number and comes only to who is there.
#[utoipa::path(
    get,
    path = path::EVENTS,
    params(EventsQuery, ("Last-Event-ID" = Option<i64>, Header, description = "As `since`")),
    responses((
        status = 200,
        description = "The events",
        content(
            (String = "text/event-stream"),
            (String = "application/x-ndjson"),
            (EventList = "application/json"),
        ),
    )),
)]
pub(crate) async fn events(
    FromState(state): FromState<State>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<EventsQuery>,
) -> Answer<Response> {
    let filter = filter(&query)?;
    let since = since(&query, &headers)?;
    if let Some(since) = since {
        let last = state.parts.database.read(rows::last).await?;
        is_known(since, last)?;
    }
    if query.follow == Some(false) {
        let limit = page(query.limit, 100)?;
        return Ok(Shown(list(&state, since.unwrap_or(0), filter, limit).await?).into_response());
    }
    stream(&state, &caller, since, filter, Format::of(&headers)).await
}

async fn list(state: &State, since: i64, filter: Filter, limit: u32) -> Answer<EventList> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let events = state
        .parts
        .database
        .read(move |connection| rows::since(connection, since, &filter, limit))
        .await?;
    let next = events
        .last()
        .and_then(|event| event.seq)
        .filter(|_| events.len() == limit);
    Ok(EventList { events, next })
}

async fn stream(
    state: &State,
    caller: &Caller,
    since: Option<i64>,
    filter: Filter,
    format: Format,
) -> Answer<Response> {
    let slot = state
        .streams
        .try_take(caller.link.peer.uid, caller.rank())
        .map_err(|_| {
            Refusal::new(ErrorKind::TooMany, "too many event streams are open").hint("close some")
        })?;
    let follower = Follower::start(state, since, filter, format, slot).await?;
    // a stream is meant to be held: it is bounded as one, and no longer as a connection
    caller.link.release();
    let body = Body::from_stream(futures_util::stream::unfold(follower, Follower::next));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // its connection has given its slot back, so nothing else comes over it
        (header::CONNECTION, HeaderValue::from_static("close")),
    ];
    Ok((headers, body).into_response())
}

/// Refuses a number that no event has, and one that is yet to come. Whoever has it got it from another history, which the database was
/// replaced by, and would miss all of this one up to there.
fn is_known(since: i64, last: i64) -> Answer<()> {
    if since < 0 {
        let detail = format!("there is no event {since}: they are numbered from 1");
        return Err(
            Refusal::new(ErrorKind::BadRequest, detail).hint("`since=0` begins with the first one")
        );
    }
    if since <= last {
        return Ok(());
    }
    let detail = format!("there is no event {since}: the last one is {last}");
    Err(Refusal::new(ErrorKind::BadRequest, detail).hint(format!(
        "`since={last}` begins now, `since=0` at the beginning; numbers from before packd's database was \
         replaced mean nothing to this one"
    )))
}

fn filter(query: &EventsQuery) -> Answer<Filter> {
    let pack_ref = query.pack_ref.as_deref().map(pack_ref).transpose()?;
    let names = query.kind.iter().flat_map(|kinds| kinds.split(','));
    let kinds = names
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(kind)
        .collect::<Answer<_>>()?;
    Ok(Filter {
        job: query.job,
        pack_ref: pack_ref.map(|pack_ref| pack_ref.to_string()),
        kinds,
    })
}

fn kind(name: &str) -> Answer<EventKind> {
    if let Some(kind) = EventKind::ALL.iter().find(|kind| kind.as_str() == name) {
        return Ok(*kind);
    }
    let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let refusal = Refusal::new(
        ErrorKind::BadRequest,
        format!("there is no kind of event `{name}`"),
    );
    Err(match packd_format::nearest(name, names.iter().copied()) {
        Some(near) => refusal.hint(format!("did you mean `{near}`?")),
        None => refusal.hint(format!("the kinds are: {}", names.join(", "))),
    })
}

/// The event to begin behind; what the browser's way of resuming says goes before the query, which
/// stays as it was when a connection is made again.
fn since(query: &EventsQuery, headers: &HeaderMap) -> Answer<Option<i64>> {
    let Some(last) = headers.get("last-event-id") else {
        return Ok(query.since);
    };
    let number = last.to_str().ok().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| Refusal::new(ErrorKind::BadRequest, "`Last-Event-ID` is not a number"))
}
