//! Named points in the code at which something on disk is half-done, so that tests can end packd there.
//!
//! Compiled in only with the feature `faults`, which no package has: without it, [`point`] is nothing. With it,
//! the environment decides:
//!
//! - `PACKD_FAULT=NAME` or `NAME:N`: the N-th time that a thread comes by, packd is killed, as by a power cut.
//! - `PACKD_FAULT_SEEN=FILE`: the name of each point that is passed is appended to the file, one a line.
//!
//! The clock is set, and system calls fail, from outside: that needs no code here.

#[cfg(feature = "faults")]
mod armed;
#[cfg(feature = "faults")]
pub use armed::POINTS;
#[cfg(feature = "faults")]
pub(crate) use armed::point;

/// Where something is half-done; its name is one of the list in `fault/armed.rs`.
#[cfg(not(feature = "faults"))]
pub(crate) const fn point(_name: &str) {}
