//! Going on where a body broke off: the same state of the same resource, from the next byte.
//!
//! Only with a strong `ETag` and a known length. Without the first nobody says that the rest belongs to
//! what came before; without the second nobody says when it is whole.

use std::sync::Arc;

use reqwest::Response;
use reqwest::header::{
    ACCEPT_RANGES, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, RANGE,
};

use super::{Client, text};
use crate::config::SafeUrl;

/// How many times one body is taken up again. Each time has to bring bytes.
const TIMES: u32 = 8;

/// What is needed to ask for the rest of a body.
#[derive(Debug)]
pub(super) struct Resume {
    client: Arc<Client>,
    url: SafeUrl,
    /// Those that the first request to this URL had.
    secrets: HeaderMap,
    etag: HeaderValue,
    total: u64,
    left: u32,
    /// Where it broke off the last time.
    broke_at: u64,
}

impl Resume {
    /// What is needed, if the answer allows it at all.
    pub(super) fn of(
        client: &Arc<Client>,
        url: &SafeUrl,
        secrets: HeaderMap,
        answer: &Response,
    ) -> Option<Self> {
        let headers = answer.headers();
        let etag = headers.get(ETAG)?.clone();
        let strong = etag.as_bytes().starts_with(b"\"");
        let ranges = text(headers, &ACCEPT_RANGES).is_none_or(|unit| unit != "none");
        (strong && ranges).then_some(Self {
            client: Arc::clone(client),
            url: url.clone(),
            secrets,
            etag,
            total: answer.content_length()?,
            left: TIMES,
            broke_at: 0,
        })
    }

    /// Asks for the bytes from `received` on. `None` when they cannot be had: what broke is then the error.
    pub(super) async fn from(&mut self, received: u64) -> Option<Response> {
        if self.left == 0 || received <= self.broke_at || received >= self.total {
            return None;
        }
        self.left -= 1;
        self.broke_at = received;
        let mut headers = self.secrets.clone();
        headers.insert(
            RANGE,
            HeaderValue::from_str(&format!("bytes={received}-")).ok()?,
        );
        headers.insert(IF_RANGE, self.etag.clone());
        let answer = self
            .client
            .send(&self.url, headers)
            .await
            .inspect_err(|error| {
                tracing::debug!(url = %self.url, %error, "cannot resume");
            });
        // 200 would be all of it again: the server has another state by now, or does not do ranges
        let answer = answer.ok().filter(|answer| answer.status() == 206)?;
        let promised = format!("bytes {received}-{}/{}", self.total - 1, self.total);
        if text(answer.headers(), &CONTENT_RANGE)? != promised {
            return None;
        }
        tracing::info!(url = %self.url, received, total = self.total, "download resumed");
        Some(answer)
    }
}
