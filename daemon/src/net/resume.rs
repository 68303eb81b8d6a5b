//! Going on where a body broke off: the same state of the same resource, from the next byte.
//!
//! Only with a strong validator and a known length. Without the first nobody says that the rest belongs to
//! what came before; without the second nobody says when it is whole.

use std::sync::Arc;

use reqwest::header::{
    ACCEPT_RANGES, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use reqwest::{Response, StatusCode};

use super::address::Realm;
use super::get::text;
use super::{Client, Partial};
use crate::config::SafeUrl;

/// How many times one body is taken up again. Each time has to bring bytes.
const TIMES: u32 = 8;

/// A state of a resource, of which a later answer can bring the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// What `If-Range` takes: a strong `ETag`, or a `Last-Modified` that is as good.
    pub validator: String,
    /// All its bytes.
    pub total: u64,
}

impl Mark {
    /// That of an answer, if the server can do ranges and says what state this is.
    pub(super) fn of(answer: &Response) -> Option<Self> {
        let headers = answer.headers();
        if text(headers, &ACCEPT_RANGES).is_some_and(|unit| unit == "none") {
            return None;
        }
        Some(Self {
            validator: strong_etag(headers).or_else(|| strong_date(headers))?,
            total: answer.content_length()?,
        })
    }

    /// Asks for what comes after the first `bytes`.
    pub(super) fn ask_from(&self, bytes: u64, headers: &mut HeaderMap) {
        let range = HeaderValue::from_str(&format!("bytes={bytes}-"));
        // a validator that no header can carry came from none: all of it is asked for then
        if let (Ok(range), Ok(validator)) = (range, HeaderValue::from_str(&self.validator)) {
            headers.insert(RANGE, range);
            headers.insert(IF_RANGE, validator);
        }
    }

    /// Whether an answer is what comes after the first `bytes`, up to the end.
    fn is_continued_by(&self, bytes: u64, answer: &Response) -> bool {
        let promised = format!(
            "bytes {bytes}-{}/{}",
            self.total.saturating_sub(1),
            self.total
        );
        answer.status() == StatusCode::PARTIAL_CONTENT
            && text(answer.headers(), &CONTENT_RANGE).is_some_and(|range| range == promised)
            // a server that ignores `If-Range` may send the rest of something else
            && strong_etag(answer.headers()).is_none_or(|etag| {
                !self.validator.starts_with('"') || etag == self.validator
            })
    }
}

impl Partial {
    /// Whether an answer goes on where this ends.
    pub(super) fn is_continued_by(&self, answer: &Response) -> bool {
        self.mark.is_continued_by(self.bytes, answer)
    }
}

fn strong_etag(headers: &HeaderMap) -> Option<String> {
    text(headers, &ETAG).filter(|etag| etag.starts_with('"'))
}

/// A date of change is as good as an `ETag` if the resource could not have changed again within its second: it
/// has to lie before that of the answer (RFC 9110, 8.8.2.2).
fn strong_date(headers: &HeaderMap) -> Option<String> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let changed = text(headers, &LAST_MODIFIED)?;
    let now = parser.parse_timestamp(text(headers, &DATE)?).ok()?;
    let is_past = parser.parse_timestamp(&changed).ok()? < now;
    is_past.then_some(changed)
}

/// What is needed to ask for the rest of a body.
#[derive(Debug)]
pub(super) struct Resume {
    client: Arc<Client>,
    url: SafeUrl,
    realm: Realm,
    /// Those that the first request to this URL had.
    secrets: HeaderMap,
    mark: Mark,
    left: u32,
    /// Where it broke off the last time.
    broke_at: u64,
}

impl Resume {
    pub(super) fn new(
        client: &Arc<Client>,
        url: &SafeUrl,
        realm: Realm,
        secrets: HeaderMap,
        mark: Mark,
    ) -> Self {
        Self {
            client: Arc::clone(client),
            url: url.clone(),
            realm,
            secrets,
            mark,
            left: TIMES,
            broke_at: 0,
        }
    }

    /// Asks for the bytes from `received` on. `None` when they cannot be had: what broke is then the error.
    pub(super) async fn from(&mut self, received: u64) -> Option<Response> {
        if self.left == 0 || received <= self.broke_at || received >= self.mark.total {
            return None;
        }
        self.left -= 1;
        self.broke_at = received;
        let mut headers = self.secrets.clone();
        self.mark.ask_from(received, &mut headers);
        let answer = self
            .client
            .send(&self.url, self.realm, headers)
            .await
            .inspect_err(|error| {
                tracing::debug!(url = %self.url, %error, "cannot resume");
            });
        // 200 would be all of it again: the server has another state by now, or does not do ranges
        let answer = answer.ok()?;
        if !self.mark.is_continued_by(received, &answer) {
            return None;
        }
        tracing::info!(url = %self.url, received, total = self.mark.total, "download resumed");
        Some(answer)
    }
}
