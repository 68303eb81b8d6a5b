//! What the hands of a load are told of packd: nobody asks one that is dead, and nobody sleeps until it lives.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

use packd_tests::PATIENCE;

/// How packd fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Alive,
    Dead,
    /// All has been asked.
    Over,
}

/// The same, for those who wait for another.
#[derive(Debug)]
pub(super) struct Signs {
    sign: Mutex<Sign>,
    changed: Condvar,
}

impl Default for Signs {
    fn default() -> Self {
        Self {
            sign: Mutex::new(Sign::Alive),
            changed: Condvar::new(),
        }
    }
}

impl Signs {
    /// Tells everybody.
    pub(super) fn set(&self, sign: Sign) {
        *self.sign.lock().unwrap() = sign;
        self.changed.notify_all();
    }

    /// Waits until packd lives again.
    pub(super) fn while_dead(&self) {
        let sign = self.sign.lock().unwrap();
        let dead = |sign: &mut Sign| *sign == Sign::Dead;
        let waited = self.changed.wait_timeout_while(sign, PATIENCE, dead);
        drop(waited.unwrap());
    }

    /// Whether all is over, now or before the time is.
    pub(super) fn are_over_within(&self, time: Duration) -> bool {
        let sign = self.sign.lock().unwrap();
        let goes_on = |sign: &mut Sign| *sign != Sign::Over;
        let (_sign, waited) = self
            .changed
            .wait_timeout_while(sign, time, goes_on)
            .unwrap();
        !waited.timed_out()
    }
}
