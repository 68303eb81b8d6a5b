//! What became of each registry that a verb names; one that fails does not keep the others from it.

use packd_wire::{Exit, RegistryChange};

use crate::Ending;
use crate::client::ClientError;
use crate::output::{Failure, Output};

#[derive(Default)]
pub(super) struct Told {
    changes: Vec<(String, RegistryChange)>,
    refused: Option<Exit>,
}

impl Told {
    pub(super) fn take(
        &mut self,
        out: &mut Output,
        name: &str,
        answer: Result<RegistryChange, ClientError>,
    ) {
        match answer.map_err(Failure::from) {
            Ok(change) => self.changes.push((name.to_owned(), change)),
            Err(failure) => {
                out.failure(&failure);
                self.refused.get_or_insert(failure.exit());
            }
        }
    }

    /// Shows what is different; `words` says it of a registry.
    pub(super) fn end(self, out: &mut Output, words: impl Fn(&str, bool) -> String) -> Ending {
        let changes: Vec<_> = self.changes.iter().map(|(_, change)| change).collect();
        out.show_list(&changes, &changes, || {
            let lines = self.changes.iter();
            lines
                .map(|(name, change)| words(name, change.changed) + "\n")
                .collect()
        });
        Ending::Exit(self.refused.unwrap_or(Exit::Done))
    }
}
