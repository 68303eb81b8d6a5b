//! How much may be done for one plan.
//!
//! A graph of packs can be made so that looking for versions that go together takes longer than anybody waits.
//! Every look is counted, and the clock is the caller's.

use std::cell::Cell;

/// The most steps for one plan. A plan of 500 packs takes some thousand.
pub(crate) const MAX_STEPS: u64 = 2_000_000;

/// The most packs that one plan may look at beside the installed ones.
pub(crate) const MAX_PACKS: usize = 5_000;

/// What is left to spend.
pub(crate) struct Budget<'a> {
    steps: Cell<u64>,
    packs: Cell<usize>,
    is_over: &'a dyn Fn() -> bool,
}

/// Which bound was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Spent {
    /// Too many steps.
    #[error(
        "the requirements of the packs are too entangled: no plan was found in {MAX_STEPS} steps"
    )]
    Steps,
    /// Too many packs.
    #[error("more than {MAX_PACKS} packs would have to be looked at")]
    Packs,
    /// The caller's time is over.
    #[error("the requirements of the packs are too entangled: no plan was found in time")]
    Time,
}

impl<'a> Budget<'a> {
    /// [`MAX_STEPS`], [`MAX_PACKS`], and until `is_over` says so.
    pub(crate) fn new(is_over: &'a dyn Fn() -> bool) -> Self {
        Self::of(MAX_STEPS, MAX_PACKS, is_over)
    }

    /// The same with other bounds.
    pub(super) fn of(steps: u64, packs: usize, is_over: &'a dyn Fn() -> bool) -> Self {
        Self {
            steps: Cell::new(steps),
            packs: Cell::new(packs),
            is_over,
        }
    }

    /// Pays for some steps.
    pub(super) fn step(&self, count: usize) -> Result<(), Spent> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let left = self.steps.get().checked_sub(count).ok_or(Spent::Steps)?;
        self.steps.set(left);
        if (self.is_over)() {
            return Err(Spent::Time);
        }
        Ok(())
    }

    /// Pays for packs that are looked at for the first time.
    pub(super) fn packs(&self, count: usize) -> Result<(), Spent> {
        let left = self.packs.get().checked_sub(count).ok_or(Spent::Packs)?;
        self.packs.set(left);
        Ok(())
    }
}
