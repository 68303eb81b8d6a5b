//! One GET request on its way through redirects, up to the beginning of the body.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION, RETRY_AFTER,
};
use tokio::time::timeout;

use super::address::Realm;
use super::body::{Body, Deadline, Drip};
use super::error::NetError;
use super::request::{Outcome, Partial, Request, Response, Validators};
use super::resume::{Mark, Resume};
use super::route::Route;
use super::{Client, blocking};
use crate::config::{SafeUrl, Secret};

/// The longest pause a server can ask for: a job that waits for ever is a lost job.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

impl Client {
    pub(super) async fn follow(
        self: &Arc<Self>,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Response, NetError> {
        let refused = |source| NetError::Route { source };
        let rules = self.rules(request.allow_http);
        let mut route = Route::start(&request.url, request.realm, rules).map_err(refused)?;
        let secrets = secret_headers(&request.headers).await?;
        let mut partial = request.partial.as_ref();
        loop {
            let answer = self.ask(request, &route, &secrets, partial).await?;
            route.answered_from(self.realm_of(route.here(), &answer));
            match answer.status() {
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let location = text(answer.headers(), &LOCATION);
                    route.follow(location.as_deref()).map_err(refused)?;
                    tracing::debug!(from = %request.url, to = %route.here(), "redirected");
                }
                // not the rest that was asked for: then all of it, once
                StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE
                    if partial.is_some_and(|partial| !partial.is_continued_by(&answer)) =>
                {
                    partial = None;
                }
                _ => return self.read(request, answer, &route, secrets, partial, deadline),
            }
        }
    }

    /// Asks at the present place of the route.
    async fn ask(
        &self,
        request: &Request,
        route: &Route<'_>,
        secrets: &HeaderMap,
        partial: Option<&Partial>,
    ) -> Result<reqwest::Response, NetError> {
        let mut headers = HeaderMap::new();
        if route.at_origin() {
            headers.clone_from(secrets);
        }
        let known = request.validators.as_ref();
        for (name, value) in [
            (IF_NONE_MATCH, known.and_then(|known| known.etag.as_deref())),
            (
                IF_MODIFIED_SINCE,
                known.and_then(|known| known.last_modified.as_deref()),
            ),
        ] {
            // what we stored came from a header once; if it does not fit now, the answer is only larger
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        if let Some(partial) = partial {
            partial.mark.ask_from(partial.bytes, &mut headers);
        }
        self.send(route.here(), route.realm(), headers).await
    }

    /// One request, one answer. The URL has been judged.
    pub(super) async fn send(
        &self,
        url: &SafeUrl,
        realm: Realm,
        headers: HeaderMap,
    ) -> Result<reqwest::Response, NetError> {
        let ask = self
            .built(realm)
            .await?
            .get(url.as_url().clone())
            .headers(headers);
        self.answer(url, ask).await
    }

    /// Sends a request, and waits for the head of its answer.
    pub(super) async fn answer(
        &self,
        url: &SafeUrl,
        ask: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, NetError> {
        // digests are of the bytes as published, so no transfer in another form is wanted
        let identity = HeaderValue::from_static("identity");
        let ask = ask.headers(HeaderMap::from_iter([(ACCEPT_ENCODING, identity)]));
        // connecting has its own timeout within this one
        let patience = self.connect_timeout.saturating_add(self.idle_timeout);
        match timeout(patience, ask.send()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(NetError::of_request(url, error)),
            Err(_elapsed) => Err(NetError::NoAnswer {
                host: url.host().to_owned(),
                after: patience,
            }),
        }
    }

    /// Takes the head of an answer apart.
    fn read(
        self: &Arc<Self>,
        request: &Request,
        answer: reqwest::Response,
        route: &Route<'_>,
        secrets: HeaderMap,
        partial: Option<&Partial>,
        deadline: Deadline,
    ) -> Result<Response, NetError> {
        let url = route.here().clone();
        let headers = answer.headers();
        let validators = Validators {
            etag: text(headers, &ETAG),
            last_modified: text(headers, &LAST_MODIFIED),
        };
        let partial = match (answer.status().as_u16(), partial) {
            (200, _) => None,
            (206, Some(partial)) => Some(partial),
            (304, _) if request.validators.is_some() => {
                return Ok(Response {
                    outcome: Outcome::NotModified,
                    url,
                    content_length: None,
                    validators,
                    realm: route.realm(),
                    begins_at: 0,
                    mark: None,
                });
            }
            (status, _) => {
                let retry_after = text(headers, &RETRY_AFTER)
                    .and_then(|text| pause(&text, jiff::Timestamp::now()));
                return Err(NetError::Status {
                    url,
                    status,
                    retry_after,
                });
            }
        };
        let announced = match partial {
            Some(partial) => Some(partial.mark.total),
            None => answer.content_length(),
        };
        if announced.is_some_and(|bytes| bytes > request.max_bytes) {
            return Err(NetError::TooLarge {
                url,
                limit: request.max_bytes,
                announced,
            });
        }
        let secrets = if route.at_origin() {
            secrets
        } else {
            HeaderMap::new()
        };
        let begins_at = partial.map_or(0, |partial| partial.bytes);
        let mark = match partial {
            Some(partial) => Some(partial.mark.clone()),
            None => Mark::of(&answer),
        };
        let resume = mark
            .clone()
            .map(|mark| Resume::new(self, &url, route.realm(), secrets, mark));
        let body = Body {
            resume,
            resumed: false,
            response: answer,
            url: url.clone(),
            announced,
            max_bytes: request.max_bytes,
            idle: self.idle_timeout,
            deadline,
            received: begins_at,
            drip: Drip::default(),
            rate: Arc::clone(&self.rate),
        };
        Ok(Response {
            outcome: Outcome::Body(Box::new(body)),
            url,
            content_length: announced,
            validators,
            realm: route.realm(),
            begins_at,
            mark,
        })
    }
}

/// Puts the headers together. What they refer to may lie in files, which are read off the runtime.
pub(super) async fn secret_headers(headers: &[(String, Secret)]) -> Result<HeaderMap, NetError> {
    if headers.is_empty() {
        return Ok(HeaderMap::new());
    }
    let headers = headers.to_vec();
    blocking(move || {
        let mut map = HeaderMap::with_capacity(headers.len());
        for (name, secret) in headers {
            let text = secret.expand().map_err(|source| NetError::Secret {
                name: name.clone(),
                source,
            })?;
            let key = HeaderName::from_bytes(name.as_bytes()).ok();
            let value = HeaderValue::from_str(&text).ok();
            let (Some(key), Some(mut value)) = (key, value) else {
                return Err(NetError::Header { name });
            };
            value.set_sensitive(true);
            map.append(key, value);
        }
        Ok(map)
    })
    .await
}

pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `Retry-After`, which is a number of seconds or a date (RFC 9110, 10.2.3).
pub(super) fn pause(text: &str, now: jiff::Timestamp) -> Option<Duration> {
    let text = text.trim();
    let pause = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()?;
        // a date in the past means now
        Duration::try_from(until.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(LONGEST_RETRY_AFTER))
}
