//! The bytes of an answer as they come: counted against a budget, and never waited for without end.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};

use super::error::{NetError, Reason};
use super::rate::Rate;
use super::resume::Resume;
use crate::config::SafeUrl;

/// What has to come within one idle timeout at least. A server that drips one byte a time is as good
/// as a stalled one, and would otherwise hold a job for ever.
const LEAST: u64 = 1024;

/// When all of a request has to be over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) limit: Duration,
}

impl Deadline {
    /// So much time from now on.
    pub(super) fn after(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            limit,
        }
    }
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Body {
    pub(super) response: reqwest::Response,
    /// How to go on after it broke, if the server can do that.
    pub(super) resume: Option<Resume>,
    pub(super) resumed: bool,
    pub(super) url: SafeUrl,
    pub(super) announced: Option<u64>,
    pub(super) max_bytes: u64,
    pub(super) idle: Duration,
    pub(super) deadline: Deadline,
    /// From the first byte of the resource on, also when only its rest was asked for.
    pub(super) received: u64,
    pub(super) drip: Drip,
    pub(super) rate: Arc<Rate>,
}

impl Body {
    /// The next bytes, or `None` when the body has ended as announced. Safe to drop while it waits.
    ///
    /// # Errors
    /// [`NetError::Stalled`], [`NetError::Cut`] and [`NetError::Deadline`] are worth a retry of the whole
    /// request; [`NetError::TooLarge`] is final.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        loop {
            match self.next().await {
                // an empty frame is no end
                Ok(Some(bytes)) if bytes.is_empty() => {}
                Err(error @ (NetError::Cut { .. } | NetError::Stalled { .. })) => {
                    self.response = self.rest().await?.ok_or(error)?;
                    self.resumed = true;
                    self.drip = Drip::default();
                }
                answer => return answer,
            }
        }
    }

    /// The rest of what broke off, if it can be had.
    async fn rest(&mut self) -> Result<Option<reqwest::Response>, NetError> {
        let Some(resume) = &mut self.resume else {
            return Ok(None);
        };
        let rest = resume.from(self.received);
        let Deadline { at, limit } = self.deadline;
        let late = |_| NetError::Deadline {
            url: self.url.clone(),
            limit,
        };
        timeout_at(at, rest).await.map_err(late)
    }

    /// All of the body. The budget of the request bounds the memory.
    ///
    /// # Errors
    /// As [`Body::chunk`].
    pub(crate) async fn bytes(mut self) -> Result<Bytes, NetError> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.chunk().await? {
            if all.is_empty() && self.announced == Some(self.received) {
                return Ok(bytes);
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    /// Whether it broke off and was gone on with: then it may be put together of two things.
    #[must_use]
    pub(crate) fn was_resumed(&self) -> bool {
        self.resumed
    }

    /// How many bytes the server said there are.
    #[must_use]
    pub(crate) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// How many bytes have come.
    #[must_use]
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    async fn next(&mut self) -> Result<Option<Bytes>, NetError> {
        let late = || NetError::Deadline {
            url: self.url.clone(),
            limit: self.deadline.limit,
        };
        // a wait of our own is no fault of the server's
        let ready = timeout_at(self.deadline.at, self.rate.ready()).await;
        ready.map_err(|_| late())?;
        let begun = Instant::now();
        let idle = begun + self.idle;
        let until = self.deadline.at.min(idle);
        let Ok(frame) = timeout_at(until, self.response.chunk()).await else {
            return Err(if self.deadline.at <= idle {
                late()
            } else {
                self.stalled()
            });
        };
        let bytes = match frame {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return self.end(),
            Err(error) => return Err(self.cut(Some(Reason::of(error)))),
        };
        let count = bytes.len() as u64;
        self.rate.charge(count);
        if self.drip.is_too_slow(begun.elapsed(), count, self.idle) {
            return Err(self.stalled());
        }
        self.received = self.received.saturating_add(count);
        if self.received > self.max_bytes {
            return Err(NetError::TooLarge {
                url: self.url.clone(),
                limit: self.max_bytes,
                announced: None,
            });
        }
        Ok(Some(bytes))
    }

    /// HTTP/1 checks the length for us; this holds for every version and every server.
    fn end(&self) -> Result<Option<Bytes>, NetError> {
        match self.announced {
            Some(announced) if announced != self.received => Err(self.cut(None)),
            _ => Ok(None),
        }
    }

    fn stalled(&self) -> NetError {
        NetError::Stalled {
            url: self.url.clone(),
            received: self.received,
            expected: self.announced,
            within: self.idle,
        }
    }

    fn cut(&self, source: Option<Reason>) -> NetError {
        NetError::Cut {
            url: self.url.clone(),
            received: self.received,
            expected: self.announced,
            source,
        }
    }
}

/// Adds up the time spent waiting, so that a slow consumer is not taken for a slow server.
#[derive(Debug, Default)]
pub(super) struct Drip {
    waited: Duration,
    came: u64,
}

impl Drip {
    fn is_too_slow(&mut self, waited: Duration, came: u64, idle: Duration) -> bool {
        self.waited += waited;
        self.came += came;
        if self.waited < idle {
            return false;
        }
        let slow = self.came < LEAST;
        *self = Self::default();
        slow
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Drip, LEAST};

    #[test]
    fn a_dripping_server_is_too_slow_and_a_slow_one_is_not() {
        let idle = Duration::from_secs(30);
        let mut drip = Drip::default();
        let second = Duration::from_secs(1);
        let slow = (0..30)
            .filter(|_| drip.is_too_slow(second, 1, idle))
            .count();
        assert_eq!(
            slow, 1,
            "30 bytes in 30 s are too few, and noticed at the 30th"
        );

        let mut drip = Drip::default();
        let slow = (0..300).any(|_| drip.is_too_slow(second, LEAST / 30 + 1, idle));
        assert!(!slow, "a modem is slow, and still a download");
    }
}
