//! `net.rate_limit`: how fast all downloads together may be.
//!
//! What came is paid for afterwards, in time: whoever wants more waits until everything before it is paid.
//! So nothing is lost when a wait is given up, and large pieces are paid as exactly as small ones.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::metric::Bytes;

/// What was not used lately may be used now, this much of it: timers wake late, and that is no loss then.
const CREDIT: Duration = Duration::from_millis(50);

/// The one account of all downloads.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    account: Mutex<Account>,
    came: Bytes,
}

#[derive(Debug, Default)]
struct Account {
    /// Bytes in a second. None: as many as come.
    limit: Option<u64>,
    /// When everything that came is paid for.
    paid: Option<Instant>,
}

impl Rate {
    /// From now on so many bytes in a second.
    pub(crate) fn limit(&self, bytes_per_second: Option<u64>) {
        let mut account = self.account();
        account.limit = bytes_per_second;
        if bytes_per_second.is_none() {
            account.paid = None;
        }
    }

    /// Returns when more may come. Safe to drop while it waits.
    pub(super) async fn ready(&self) {
        loop {
            let paid = self.account().paid;
            match paid {
                // another download may have taken something meanwhile, so it is looked at again
                Some(paid) if paid > Instant::now() => sleep_until(paid).await,
                _ => return,
            }
        }
    }

    /// How long it takes until more may come; for whoever waits without a runtime.
    pub(crate) fn unpaid(&self) -> Duration {
        let paid = self.account().paid;
        paid.map_or(Duration::ZERO, |paid| {
            paid.saturating_duration_since(Instant::now())
        })
    }

    /// All that came since the start.
    pub(crate) fn total(&self) -> u64 {
        self.came.total()
    }

    /// Notes that so many bytes came.
    pub(crate) fn charge(&self, bytes: u64) {
        self.came.add(bytes);
        let mut account = self.account();
        let Some(limit) = account.limit else { return };
        // in nanoseconds, so that the smallest piece has its price
        let price = u128::from(bytes) * 1_000_000_000 / u128::from(limit.max(1));
        let price = Duration::from_nanos(u64::try_from(price).unwrap_or(u64::MAX));
        let now = Instant::now();
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let from = account.paid.map_or(now, |paid| paid.max(earliest));
        account.paid = from.checked_add(price).or(account.paid);
    }

    fn account(&self) -> std::sync::MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_bytes_take_so_many_seconds_however_they_come() {
        for piece in [1, 1_000, 62_500, 500_000] {
            let rate = Rate::default();
            rate.limit(Some(100_000));
            let begun = Instant::now();
            for _ in 0..1_000_000 / piece {
                rate.ready().await;
                rate.charge(piece);
            }
            rate.ready().await;
            let took = begun.elapsed().as_millis();
            // timers have a grain of a millisecond, and the credit was used once
            assert!((9_940..10_010).contains(&took), "{piece}: {took} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn downloads_share_it_and_one_without_a_limit_does_not_wait() {
        let rate = Rate::default();
        rate.limit(Some(100_000));
        let download = || async {
            for _ in 0..10 {
                rate.ready().await;
                rate.charge(10_000);
            }
        };
        let begun = Instant::now();
        tokio::join!(download(), download(), download());
        rate.ready().await;
        let took = begun.elapsed().as_millis();
        assert!((2_940..3_010).contains(&took), "{took} ms for all three");

        rate.charge(1_000_000);
        rate.limit(None);
        let begun = Instant::now();
        download().await;
        rate.ready().await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "a reload takes it away");
    }
}
