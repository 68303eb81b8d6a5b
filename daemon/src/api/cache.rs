//! The answer to `GET /v1/packs`, kept as bytes.
//!
//! It is what monitoring and configuration management ask for most, so it is encoded once per change
//! and then handed out as it is. The store counts the changes, with the commits that made them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::reply::Answer;

/// How long a list is kept without a change: whether the trees are there is looked up on disk.
const KEPT: Duration = Duration::from_secs(5);

/// The latest encoded list, with the version that it was made of.
#[derive(Debug, Default)]
pub(crate) struct PackCache {
    latest: Mutex<Option<(u64, Instant, Bytes)>>,
    making: tokio::sync::Mutex<()>,
}

impl PackCache {
    /// The bytes of the current `version`, made by `make` unless they are there. Who comes while they are being
    /// made waits for them.
    ///
    /// # Errors
    /// Those of `make`.
    pub(crate) async fn get(
        &self,
        version: impl Fn() -> u64,
        make: impl AsyncFnOnce() -> Answer<Bytes>,
    ) -> Answer<Bytes> {
        if let Some(bytes) = self.known(version()) {
            return Ok(bytes);
        }
        let _making = self.making.lock().await;
        // before the look at the data: what is made may be newer than this says, never older
        let version = version();
        if let Some(bytes) = self.known(version) {
            return Ok(bytes);
        }
        let bytes = make().await?;
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((version, Instant::now(), bytes.clone()));
        Ok(bytes)
    }

    fn known(&self, version: u64) -> Option<Bytes> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest
            .as_ref()
            .filter(|(known, made, _)| *known == version && made.elapsed() < KEPT)
            .map(|(_, _, bytes)| bytes.clone())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn the_answer_is_made_once_per_change() {
        let cache = PackCache::default();
        let count = Cell::new(0);
        let packs = Cell::new(0);
        let ask = async || {
            let version = || packs.get();
            let make = async || {
                count.set(count.get() + 1);
                tokio::task::yield_now().await;
                Ok(Bytes::from(count.get().to_string()))
            };
            cache.get(version, make).await.unwrap()
        };
        let (first, second) = tokio::join!(ask(), ask());
        assert_eq!(
            (first.as_ref(), second.as_ref()),
            (&b"1"[..], &b"1"[..]),
            "two at once share it"
        );
        assert_eq!(ask().await, "1", "it is kept");
        packs.set(1);
        assert_eq!(ask().await, "2", "until something changes");
    }
}
