//! What one user can cause any number of times, told to the log once, and then as a number now and then.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Users who are counted apart; more share one count.
const USERS: usize = 1024;
/// Who shares it. The kernel gives this number to nobody.
const OTHERS: u32 = u32::MAX;

/// Counts what is not told each time.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    counts: Mutex<HashMap<u32, u64>>,
    first: Notify,
}

impl Flood {
    /// Counts one; whether it is to be told, because this user's last ones have been summed up.
    pub(crate) fn is_first(&self, uid: u32) -> bool {
        let mut counts = self.counts();
        let uid = if counts.len() >= USERS && !counts.contains_key(&uid) {
            OTHERS
        } else {
            uid
        };
        match counts.entry(uid) {
            std::collections::hash_map::Entry::Occupied(mut untold) => {
                *untold.get_mut() += 1;
                false
            }
            std::collections::hash_map::Entry::Vacant(none) => {
                none.insert(0);
                self.first.notify_one();
                true
            }
        }
    }

    /// How many of whom were not told since the last sum. Of whoever caused none, the next is a first one.
    pub(crate) fn sum_up(&self) -> Vec<(u32, u64)> {
        let mut counts = self.counts();
        counts.retain(|_, untold| *untold > 0);
        let mut sums: Vec<_> = counts
            .iter_mut()
            .map(|(uid, untold)| (*uid, std::mem::take(untold)))
            .collect();
        sums.sort_unstable();
        sums
    }

    /// Returns when there is a user whose next sum is to be told, or to be found empty. Until then nobody needs to wake
    /// up for one.
    pub(crate) async fn begun(&self) {
        while self.counts().is_empty() {
            self.first.notified().await;
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<u32, u64>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_first_is_told_and_the_others_are_counted() {
        let flood = Flood::default();
        let told = (0..1000).filter(|_| flood.is_first(1000)).count();
        assert_eq!(told, 1, "one of a thousand is a line in the log");
        assert!(flood.is_first(1001), "another user's first one too");
        assert_eq!(flood.sum_up(), [(1000, 999)], "the others are a number");
        assert!(!flood.is_first(1000), "that goes on");
        assert_eq!(flood.sum_up(), [(1000, 1)], "with a number each time");
        assert_eq!(flood.sum_up(), [], "until there is silence");
        assert!(flood.is_first(1000), "after which it is news again");
    }

    #[test]
    fn nobody_wakes_up_for_a_sum_of_nothing() {
        let flood = Flood::default();
        assert_eq!(flood.begun().now_or_never(), None);
        flood.is_first(1000);
        flood.is_first(1000);
        assert_eq!(flood.begun().now_or_never(), Some(()), "to be told");
        assert_eq!(flood.sum_up(), [(1000, 1)]);
        assert_eq!(flood.begun().now_or_never(), Some(()), "to be forgotten");
        assert_eq!(flood.sum_up(), []);
        assert_eq!(flood.begun().now_or_never(), None);
    }

    #[test]
    fn many_users_share_one_count() {
        let flood = Flood::default();
        let told = (0..100_000).filter(|uid| flood.is_first(*uid)).count();
        assert_eq!(told, USERS + 1, "what is remembered has a bound");
    }
}
