#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cases;
mod graph;
mod hostile;
mod properties;
mod shelf;
