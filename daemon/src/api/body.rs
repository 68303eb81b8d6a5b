//! What a request carries: query, JSON body, and names within the path.
//!
//! Everything is bounded before it is read, and read into the types of `packd-wire`, whose unknown
//! fields are errors.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Body as _;
use packd_format::PackRef;
use packd_wire::ErrorKind;
use serde::de::DeserializeOwned;

use super::State;
use super::misshapen::misshapen;
use super::problem::Refusal;

/// The largest JSON body, where nothing else is said.
const JSON_BYTES: usize = 1 << 20;
/// The largest one that says what shall be: of as many packs as that may name, each with its place and its digests.
pub(crate) const DESIRED_BYTES: usize = 8 << 20;
/// How deep JSON may be nested.
const JSON_DEPTH: usize = 64;
/// The longest time that `?wait=` may ask for, in seconds.
pub(crate) const LONGEST_WAIT: u64 = 600;
/// The longest page of a list.
const LONGEST_PAGE: u32 = 1000;

/// The query, as a type of the wire.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

/// The JSON body, as a type of the wire, of at most so many bytes.
#[derive(Debug)]
pub(crate) struct Sent<T, const LIMIT: usize = JSON_BYTES>(pub(crate) T);

/// The JSON body, or its default when there is none.
#[derive(Debug)]
pub(crate) struct MaybeSent<T>(pub(crate) T);

/// The pack that the path names.
#[derive(Debug)]
pub(crate) struct NamedPack(pub(crate) PackRef);

/// The job that the path names.
#[derive(Debug)]
pub(crate) struct NamedJob(pub(crate) i64);

/// The number of a generation in the path.
#[derive(Debug)]
pub(crate) struct NamedGeneration(pub(crate) i64);

/// The registry that the path names.
#[derive(Debug)]
pub(crate) struct NamedRegistry(pub(crate) String);

/// A body without any field.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The body broke off, or is not what HTTP says a body is.
#[derive(Debug, thiserror::Error)]
#[error("the body cannot be read")]
struct Unreadable {
    source: axum::BoxError,
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let (place, message) = placed(&text);
                Err(misshapen("query", place, message))
            }
        }
    }
}

impl<T: DeserializeOwned, const LIMIT: usize> FromRequest<State> for Sent<T, LIMIT> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        must_be_json(request.headers())?;
        let bytes = read(request.into_body(), LIMIT, state).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned + Default> FromRequest<State> for MaybeSent<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        Sent::<T>::from_request(request, state)
            .await
            .map(|Sent(value)| Self(value))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedPack {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        pack_ref(segment(&parts.uri)).map(Self)
    }
}

impl<S: Sync> FromRequestParts<S> for NamedJob {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let text = segment(&parts.uri);
        let id = text.parse().map_err(|_| {
            Refusal::new(
                ErrorKind::JobNotFound,
                format!("`{text}` is not the number of a job"),
            )
            .hint("`packctl job list` shows the jobs there are")
        })?;
        Ok(Self(id))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedGeneration {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let text = segment(&parts.uri);
        let number = text.parse().map_err(|_| {
            Refusal::new(
                ErrorKind::GenerationNotFound,
                format!("`{text}` is not the number of a generation"),
            )
            .hint("`packctl generations` lists those that are kept")
        })?;
        Ok(Self(number))
    }
}

impl<S: Sync> FromRequestParts<S> for NamedRegistry {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        Ok(Self(segment(&parts.uri).to_owned()))
    }
}

/// A ref, or what is wrong with it.
///
/// # Errors
/// [`ErrorKind::InvalidReference`], with the nearest ref as a hint.
pub(crate) fn pack_ref(text: &str) -> Result<PackRef, Refusal> {
    text.parse().map_err(|error: packd_format::NameError| {
        let hint = error
            .suggestion
            .as_ref()
            .map(|near| format!("did you mean `{near}`?"));
        Refusal::of_error(ErrorKind::InvalidReference, &error, hint)
    })
}

/// The seconds that `?wait=` asks for, none being zero.
///
/// # Errors
/// [`ErrorKind::BadRequest`] when it is too long.
pub(crate) fn wait(seconds: Option<u64>) -> Result<std::time::Duration, Refusal> {
    match seconds.unwrap_or_default() {
        seconds if seconds <= LONGEST_WAIT => Ok(std::time::Duration::from_secs(seconds)),
        seconds => Err(Refusal::new(
            ErrorKind::BadRequest,
            format!("`wait={seconds}` is longer than {LONGEST_WAIT} seconds"),
        )
        .hint("ask again when the time is over: waiting can be repeated")),
    }
}

/// The length of a page.
///
/// # Errors
/// [`ErrorKind::BadRequest`] when it is none or too long.
pub(crate) fn page(limit: Option<u32>, default: u32) -> Result<u32, Refusal> {
    match limit.unwrap_or(default) {
        limit @ 1..=LONGEST_PAGE => Ok(limit),
        limit => Err(Refusal::new(
            ErrorKind::BadRequest,
            format!("`limit={limit}` is not between 1 and {LONGEST_PAGE}"),
        )),
    }
}

/// The third segment of a path, behind `/v1/<resource>/`. It is taken as sent.
fn segment(uri: &Uri) -> &str {
    uri.path().split('/').nth(3).unwrap_or_default()
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let is_json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8"));
    if is_json && is_utf8 {
        return Ok(());
    }
    let detail = match text {
        "" => "the body has no content type".to_owned(),
        text => format!("the body's content type is `{text}`"),
    };
    Err(Refusal::new(ErrorKind::UnsupportedMediaType, detail)
        .hint("send `Content-Type: application/json`"))
}

async fn read(body: Body, limit: usize, state: &State) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large(limit));
    }
    // what axum puts around an error has no text of its own
    let body = body.map_err(axum::Error::into_inner);
    let collected = tokio::time::timeout(state.times.body, Limited::new(body, limit).collect())
        .await
        .map_err(|_| Refusal::new(ErrorKind::Timeout, "the body did not arrive in time"))?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(source) => Err(Refusal::of_error(
            ErrorKind::BadRequest,
            &Unreadable { source },
            None,
        )),
    }
}

fn too_large(limit: usize) -> Refusal {
    Refusal::new(
        ErrorKind::PayloadTooLarge,
        format!("the body is larger than {limit} bytes"),
    )
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    if depth(bytes) > JSON_DEPTH {
        let detail = format!("the body is nested deeper than {JSON_DEPTH} levels");
        return Err(Refusal::new(ErrorKind::BadRequest, detail));
    }
    // serde would take the values of a list for those of the fields, one after the other
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let detail = "the body is not a JSON object";
        return Err(Refusal::new(ErrorKind::BadRequest, detail));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            misshapen("body", &place, &error.to_string())
        } else {
            no_json(&error)
        }
    })?;
    json.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

fn no_json(error: &serde_json::Error) -> Refusal {
    Refusal::new(
        ErrorKind::BadRequest,
        format!("the body is not JSON: {error}"),
    )
}

/// How deep arrays and objects are nested; of what is no JSON, at least as deep as a parser gets.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The parameter that a rejection of axum is about, and what it says of it, without its own introduction.
fn placed(text: &str) -> (&str, &str) {
    let message = text.split_once(": ").map_or(text, |(_, inner)| inner);
    match message.split_once(": ") {
        Some((place, message)) if !place.contains(['`', ' ']) => (place, message),
        _ => ("", message),
    }
}

#[cfg(test)]
mod tests {
    use packd_wire::InstallRequest;

    use super::*;

    fn kind<T>(result: Result<T, Refusal>) -> Option<ErrorKind> {
        result.err().map(|refusal| refusal.problem().kind)
    }

    #[test]
    fn depth_counts_nesting_and_nothing_in_texts() {
        assert_eq!(depth(b"{}"), 1, "one object");
        assert_eq!(depth(br#"{"a": [1, {"b": []}]}"#), 4, "four levels");
        assert_eq!(depth(br#"{"a": "[[[[\"[["}"#), 1, "brackets in a text");
        assert_eq!(depth("[".repeat(100).as_bytes()), 100, "open ends");
    }

    #[test]
    fn bodies_are_what_they_should_be_or_refused_with_a_reason() {
        let install = parse::<InstallRequest>;
        assert_eq!(
            kind(install(br#"{"source": "slack"}"#)),
            None,
            "a right one"
        );
        assert_eq!(
            kind(install(br#"{"sorce": "slack"}"#)),
            Some(ErrorKind::UnknownField),
            "a typo"
        );
        assert_eq!(
            kind(install(b"{}")),
            Some(ErrorKind::BadRequest),
            "a missing field"
        );
        assert_eq!(
            kind(install(br#"{"source": 1}"#)),
            Some(ErrorKind::BadRequest),
            "a wrong type"
        );
        assert_eq!(
            kind(install(br#"{"source": "a"} x"#)),
            Some(ErrorKind::BadRequest),
            "more behind it"
        );
        assert_eq!(
            kind(install(br#"{"source": "a", "source": "b"}"#)),
            Some(ErrorKind::BadRequest),
            "the same field twice"
        );
        assert_eq!(
            kind(install("[".repeat(65).as_bytes())),
            Some(ErrorKind::BadRequest),
            "too deep"
        );
        assert_eq!(
            kind(install(
                br#"["slack", null, null, null, null, null, false, true]"#
            )),
            Some(ErrorKind::BadRequest),
            "a list of values"
        );
        assert_eq!(
            kind(parse::<Nothing>(b"[]").map(drop)),
            Some(ErrorKind::BadRequest),
            "a list of nothing"
        );
    }

    #[test]
    fn a_wrong_value_is_named() {
        let detail =
            |refusal: Option<Refusal>| refusal.map(|refusal| refusal.problem().detail.clone());
        let body = parse::<InstallRequest>(br#"{"source": 5}"#).err();
        assert_eq!(
            detail(body).as_deref(),
            Some("`source` of the body must be a string, not `5`")
        );
        let query =
            Query::<packd_wire::JobsQuery>::try_from_uri(&Uri::from_static("/v1/jobs?limit=x"));
        let text = query
            .err()
            .map(|rejection| rejection.body_text())
            .unwrap_or_default();
        let (place, message) = placed(&text);
        let query = Some(misshapen("query", place, message));
        assert_eq!(
            detail(query).as_deref(),
            Some("`limit` of the query must be a whole number")
        );
    }

    #[test]
    fn only_json_is_taken_for_json() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::CONTENT_TYPE,
                header::HeaderValue::from_static(value),
            );
            kind(must_be_json(&headers))
        };
        for fine in ["application/json", "Application/JSON; charset=UTF-8"] {
            assert_eq!(check(fine), None, "{fine}");
        }
        for wrong in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin1",
            "",
        ] {
            assert_eq!(
                check(wrong),
                Some(ErrorKind::UnsupportedMediaType),
                "{wrong}"
            );
        }
    }

    #[test]
    fn waits_and_pages_have_bounds() {
        assert_eq!(kind(wait(None)), None, "no wait");
        assert_eq!(kind(wait(Some(600))), None, "the longest");
        assert_eq!(kind(wait(Some(601))), Some(ErrorKind::BadRequest), "longer");
        assert_eq!(
            kind(page(Some(0), 50)),
            Some(ErrorKind::BadRequest),
            "no page"
        );
        assert_eq!(
            kind(page(Some(1001), 50)),
            Some(ErrorKind::BadRequest),
            "a page too long"
        );
        assert!(page(None, 50).is_ok_and(|limit| limit == 50), "the default");
    }
}
