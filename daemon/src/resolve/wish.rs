//! One pack that a request asks for.

use std::collections::HashMap;
use std::sync::Arc;

use packd_format::{PackRef, Requirement};

use super::Brought;
use super::pin::Pin;
use super::solver::{Solution, Standing};
use crate::registry::Answer;

/// One pack that a request asks for.
pub(super) struct Wish {
    /// The pack.
    pub pack_ref: PackRef,
    /// Which versions will do.
    pub requirement: Requirement,
    /// The only registry that may answer for it.
    pub registry: Option<String>,
    /// The folder inside the archive that is the pack.
    pub path: Option<String>,
    /// The pack itself, where the request brings it and it was inspected.
    pub given: Option<Brought>,
    /// What its bytes have to be, whatever a registry says.
    pub pin: Pin,
    /// Whether it is to be brought again though it is there.
    pub again: bool,
}

impl Wish {
    /// A pack in some version.
    pub(super) fn new(pack_ref: PackRef, requirement: Requirement) -> Self {
        Self {
            pack_ref,
            requirement,
            registry: None,
            path: None,
            given: None,
            pin: Pin::default(),
            again: false,
        }
    }

    /// That what is installed is newer than what was to be the newest.
    pub(super) fn newer_than_offered(
        &self,
        solution: &Solution,
        answers: &HashMap<PackRef, Arc<Answer>>,
    ) -> Option<String> {
        let name = &self.pack_ref;
        let kept = solution
            .picks
            .iter()
            .find(|pick| pick.pack_ref == *name && pick.standing == Standing::Installed)?;
        let answer = answers.get(name)?;
        let newest = &answer.entry.newest().version;
        (self.requirement.is_latest() && kept.version > *newest).then(|| {
        format!(
            "installed `{name}` {} is newer than {newest}, the newest that registry `{}` offers; \
             say `{name}@{newest}` to go back",
            kept.version,
            answer.registry(),
        )
    })
    }
}
