//! How much of the daemon one user, and all users together, may hold at once.
//!
//! Connections, event streams and uploads each have their [`Slots`]. A slot is given back by dropping
//! it. Who finds none can stand in line for one, for a bounded time and in bounded number. A few slots
//! of the connections are kept for admins, so that nobody can lock them out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// How many may stand in line: enough for as many event streams as there may be, all opened at once.
pub(crate) const LINE: usize = 2048;
/// How many of these may be one user's.
const LINE_PER_UID: usize = LINE / 2;

/// How many slots there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// For everybody together, the reserve included.
    pub(crate) total: usize,
    /// For one user, the reserve not included.
    pub(crate) per_uid: usize,
    /// Of `total`, those that only admins get, when they would get none otherwise.
    pub(crate) reserve: usize,
}

/// Whether the reserve is open to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    /// It is.
    Admin,
    /// It is not.
    Other,
}

/// All slots are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all are taken")]
pub(crate) struct Full;

/// A bounded number of slots; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Slots(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    bounds: Bounds,
    common: usize,
    reserve: usize,
    by_uid: HashMap<u32, usize>,
    line: VecDeque<Waiting>,
}

/// One who stands in line.
#[derive(Debug)]
struct Waiting {
    uid: u32,
    rank: Rank,
    slot: oneshot::Sender<Slot>,
}

/// One slot; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Slots,
    from: From,
}

#[derive(Debug, Clone, Copy)]
enum From {
    Common(u32),
    Reserve,
}

impl Slots {
    /// So many free slots.
    pub(crate) fn new(bounds: Bounds) -> Self {
        let counts = Counts {
            bounds,
            common: 0,
            reserve: 0,
            by_uid: HashMap::new(),
            line: VecDeque::new(),
        };
        Self(Arc::new(Mutex::new(counts)))
    }

    /// Other bounds from now on; what is held stays held.
    pub(crate) fn set_bounds(&self, bounds: Bounds) {
        let mut counts = self.counts();
        if counts.bounds != bounds {
            counts.bounds = bounds;
            self.serve(counts);
        }
    }

    /// How many are held.
    pub(crate) fn taken(&self) -> u64 {
        let counts = self.counts();
        u64::try_from(counts.common + counts.reserve).unwrap_or(u64::MAX)
    }

    /// A slot, if one is free for this user.
    ///
    /// # Errors
    /// [`Full`].
    pub(crate) fn try_take(&self, uid: u32, rank: Rank) -> Result<Slot, Full> {
        let from = self.counts().grant(uid, rank).ok_or(Full)?;
        Ok(Slot {
            slots: self.clone(),
            from,
        })
    }

    /// A slot, as soon as one is free for this user.
    ///
    /// # Errors
    /// [`Full`] when none became free within `patience`, or the line is too long already.
    pub(crate) async fn take(
        &self,
        uid: u32,
        rank: Rank,
        patience: Duration,
    ) -> Result<Slot, Full> {
        let granted = {
            let mut counts = self.counts();
            if let Some(from) = counts.grant(uid, rank) {
                return Ok(Slot {
                    slots: self.clone(),
                    from,
                });
            }
            counts.stand_in_line(uid, rank)?
        };
        match tokio::time::timeout(patience, granted).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(Full),
        }
    }

    /// Gives free slots to those in line who may have them, the first first. Who is further back is
    /// not held up by one in front who has to wait for another of their own.
    fn serve(&self, mut counts: MutexGuard<'_, Counts>) {
        let mut served = Vec::new();
        let mut line = std::mem::take(&mut counts.line);
        line.retain(|waiting| !waiting.slot.is_closed());
        while let Some(waiting) = line.pop_front() {
            match counts.grant(waiting.uid, waiting.rank) {
                Some(from) => served.push((
                    waiting.slot,
                    Slot {
                        slots: self.clone(),
                        from,
                    },
                )),
                None => counts.line.push_back(waiting),
            }
        }
        // who has given up meanwhile drops the slot, which gives it back: not under the lock
        drop(counts);
        for (waiting, slot) in served {
            drop(waiting.send(slot));
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Counts a slot as taken, if one is free for this user.
    fn grant(&mut self, uid: u32, rank: Rank) -> Option<From> {
        let held = self.by_uid.get(&uid).copied().unwrap_or_default();
        let common = self.bounds.total.saturating_sub(self.bounds.reserve);
        if self.common < common && held < self.bounds.per_uid {
            self.common += 1;
            *self.by_uid.entry(uid).or_default() += 1;
            Some(From::Common(uid))
        } else if rank == Rank::Admin && self.reserve < self.bounds.reserve {
            self.reserve += 1;
            Some(From::Reserve)
        } else {
            None
        }
    }

    fn give_back(&mut self, from: From) {
        match from {
            From::Reserve => self.reserve -= 1,
            From::Common(uid) => {
                self.common -= 1;
                if let Some(held) = self.by_uid.get_mut(&uid) {
                    *held -= 1;
                    if *held == 0 {
                        self.by_uid.remove(&uid);
                    }
                }
            }
        }
    }

    fn stand_in_line(&mut self, uid: u32, rank: Rank) -> Result<oneshot::Receiver<Slot>, Full> {
        if self.line.len() >= LINE {
            self.line.retain(|waiting| !waiting.slot.is_closed());
        }
        let own = self
            .line
            .iter()
            .filter(|waiting| waiting.uid == uid && !waiting.slot.is_closed());
        if self.line.len() >= LINE || own.count() >= LINE_PER_UID {
            return Err(Full);
        }
        let (slot, granted) = oneshot::channel();
        self.line.push_back(Waiting { uid, rank, slot });
        Ok(granted)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.counts();
        counts.give_back(self.from);
        if !counts.line.is_empty() {
            self.slots.serve(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn slots() -> Slots {
        Slots::new(Bounds {
            total: 6,
            per_uid: 2,
            reserve: 2,
        })
    }

    #[test]
    fn one_user_cannot_take_what_is_for_others() {
        let slots = slots();
        let held: Vec<Slot> = (0..2)
            .map(|_| slots.try_take(1000, Rank::Other).unwrap())
            .collect();
        assert!(
            slots.try_take(1000, Rank::Other).is_err(),
            "the third is one too many"
        );
        assert!(
            slots.try_take(1001, Rank::Other).is_ok(),
            "another user still gets one"
        );
        drop(held);
        assert!(
            slots.try_take(1000, Rank::Other).is_ok(),
            "what is given back can be taken again"
        );
    }

    #[test]
    fn admins_get_in_when_everybody_else_is_in() {
        let slots = slots();
        let mut held: Vec<Slot> = (0..4)
            .map(|uid| slots.try_take(uid / 2, Rank::Other).unwrap())
            .collect();
        assert!(
            slots.try_take(5, Rank::Other).is_err(),
            "the reserve is closed to others"
        );
        held.extend((0..2).map(|_| slots.try_take(5, Rank::Admin).unwrap()));
        assert!(
            slots.try_take(5, Rank::Admin).is_err(),
            "the reserve has an end too"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_what_is_freed_or_learns_that_there_is_none() {
        let slots = slots();
        let held: Vec<Slot> = (0..2)
            .map(|_| slots.try_take(1000, Rank::Other).unwrap())
            .collect();
        let patience = Duration::from_secs(5);
        assert_eq!(
            slots.take(1000, Rank::Other, patience).await.unwrap_err(),
            Full,
            "patience ends"
        );
        let waiting = slots.take(1000, Rank::Other, patience);
        let freeing = async { drop(held) };
        let (slot, ()) = tokio::join!(waiting, freeing);
        assert!(slot.is_ok(), "a freed slot goes to who waits");
        assert!(slots.counts().line.is_empty(), "nobody is left in line");
        drop(slot);
        assert_eq!(
            slots.counts().common,
            0,
            "and every slot came back, also those that came too late"
        );
    }

    #[tokio::test]
    async fn the_line_moves_past_who_has_to_wait_for_their_own() {
        let slots = slots();
        let own: Vec<Slot> = (0..2)
            .map(|_| slots.try_take(1000, Rank::Other).unwrap())
            .collect();
        let others: Vec<Slot> = (0..2)
            .map(|_| slots.try_take(1001, Rank::Other).unwrap())
            .collect();
        let patience = Duration::from_mins(1);
        let first = slots.take(1000, Rank::Other, patience);
        let second = slots.take(1002, Rank::Other, patience);
        let freeing = async { drop(others) };
        let (mut first, second) = (Box::pin(first), second);
        let got = tokio::select! {
            biased;
            _ = &mut first => unreachable!("user 1000 has as many as one may have"),
            (got, ()) = async { tokio::join!(second, freeing) } => got,
        };
        assert!(got.is_ok(), "user 1002 is served past user 1000");
        drop(own);
        assert!(
            first.await.is_ok(),
            "whose turn comes with a slot of their own"
        );
    }

    #[test]
    fn the_line_has_an_end_and_one_user_is_only_half_of_it() {
        let slots = slots();
        let mut counts = slots.counts();
        let in_line: Vec<_> = (0..LINE_PER_UID)
            .map(|_| counts.stand_in_line(1000, Rank::Other).unwrap())
            .collect();
        assert!(
            counts.stand_in_line(1000, Rank::Other).is_err(),
            "half of it is one user's"
        );
        assert!(
            counts.stand_in_line(1001, Rank::Other).is_ok(),
            "the rest is for others"
        );
        drop(in_line);
        assert!(
            counts.stand_in_line(1000, Rank::Other).is_ok(),
            "who has left is not counted"
        );
    }
}
