//! What came of each thing that a verb names; one that fails does not keep the others from it.

use packd_wire::Exit;
use serde::Serialize;

use crate::Ending;
use crate::client::ClientError;
use crate::output::{Failure, Output};

/// The answers so far.
pub(super) struct Told<T> {
    things: Vec<T>,
    /// A line for each of them.
    words: String,
    refused: Option<Exit>,
}

impl<T: Serialize> Told<T> {
    pub(super) fn new() -> Self {
        Self {
            things: Vec::new(),
            words: String::new(),
            refused: None,
        }
    }

    /// One more answer; `words` says it in a line. What was refused is told at once.
    pub(super) fn take(
        &mut self,
        out: &mut Output,
        answer: Result<T, ClientError>,
        words: impl FnOnce(&T) -> String,
    ) {
        match answer.map_err(Failure::from) {
            Ok(thing) => {
                self.words.push_str(&words(&thing));
                self.words.push('\n');
                self.things.push(thing);
            }
            Err(failure) => {
                out.failure(&failure);
                self.refused.get_or_insert(failure.exit());
            }
        }
    }

    /// Shows what came of them, as `list` makes one document of it.
    pub(super) fn end<L: Serialize>(
        self,
        out: &mut Output,
        list: impl FnOnce(Vec<T>) -> L,
    ) -> Ending
    where
        T: Clone,
    {
        let Self {
            things,
            words,
            refused,
        } = self;
        out.show_list(&list(things.clone()), &things, || words);
        Ending::Exit(refused.unwrap_or(Exit::Done))
    }
}
