//! What the fuzzer calls: the very functions that the ordinary tests call with its corpus.

#[path = "../../src/fuzzing.rs"]
pub mod fuzzing;
