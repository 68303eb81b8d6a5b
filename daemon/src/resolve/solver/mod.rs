//! Which releases go together: the solver behind a plan.
//!
//! Pure: it is asked a [`Question`], asks back what there is of a pack through [`Offers`], and ends with a
//! [`Solution`] or with an [`Explanation`]. It knows neither network nor clock nor database, and it blocks its thread,
//! within a [`Budget`].
//!
//! The search itself is pubgrub's. What is here makes packs of its packages, and sentences of its proofs:
//!
//! | file | |
//! |---|---|
//! | [`question`] | what is asked, and what is installed |
//! | [`universe`] | what there is of each pack, read when it is first looked at |
//! | [`set`] | the releases that satisfy a requirement |
//! | [`attempt`] | one run of the search |
//! | [`mod@solve`] | the runs that lead to as few changes as possible |
//! | [`solution`], [`cycle`] | what was found, in order and with reasons |
//! | [`explain`], [`words`], [`advice`] | why nothing was found, and what would help |

mod advice;
mod attempt;
mod budget;
mod cycle;
mod explain;
mod question;
mod set;
mod solution;
mod solve;
#[cfg(test)]
mod tests;
mod universe;
mod words;

pub(crate) use budget::{Budget, Spent};
pub(crate) use explain::Explanation;
pub(crate) use question::{Limit, Present, Question, Want};
pub(crate) use solution::{Pick, Reason, Solution};
pub(crate) use solve::{Unsolved, solve};
pub(crate) use universe::{Answer, Asked, Candidate, Offers, Shadowed, Standing};
