//! Registries in memory, for tests.

use std::cell::RefCell;
use std::collections::BTreeMap;

use packd_format::PackRef;

use super::super::{Answer, Asked, Candidate, Offers, Shadowed, Standing};

/// Registries in the order in which they are asked.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) registries: Vec<(String, BTreeMap<PackRef, Vec<Candidate>>)>,
    /// Those that cannot be asked.
    pub(super) down: Vec<String>,
    /// Every pack that was asked about.
    pub(super) asked: RefCell<Vec<String>>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("registry `{0}` cannot be reached")]
pub(super) struct Down(pub(super) String);

impl Offers for Shelf {
    type Error = Down;

    fn ask(&self, packs: &[Asked]) -> Vec<Result<Answer, Down>> {
        packs.iter().map(|asked| self.one(asked)).collect()
    }

    fn shadowed(&self, pack_ref: &PackRef, registry: &str) -> Vec<Shadowed> {
        self.registries
            .iter()
            .skip_while(|(name, _)| name != registry)
            .skip(1)
            .filter_map(|(name, packs)| {
                let versions = packs.get(pack_ref)?.iter();
                Some(Shadowed {
                    registry: name.clone(),
                    versions: versions
                        .map(|candidate| candidate.version.clone())
                        .collect(),
                })
            })
            .collect()
    }

    fn nearest(&self, pack_ref: &PackRef) -> Vec<String> {
        let known = self.registries.iter().flat_map(|(_, packs)| packs.keys());
        let nearest = packd_format::nearest(pack_ref.as_str(), known.map(PackRef::as_str));
        nearest.into_iter().map(ToOwned::to_owned).collect()
    }
}

impl Shelf {
    fn one(&self, asked: &Asked) -> Result<Answer, Down> {
        self.asked.borrow_mut().push(asked.pack_ref.to_string());
        let may_answer = |name: &String| asked.only.as_ref().is_none_or(|only| only == name);
        for (name, packs) in self.registries.iter().filter(|(name, _)| may_answer(name)) {
            if self.down.contains(name) {
                return Err(Down(name.clone()));
            }
            if let Some(candidates) = packs.get(&asked.pack_ref) {
                return Ok(Answer::Offer {
                    registry: name.clone(),
                    candidates: candidates.clone(),
                });
            }
        }
        let names = self.registries.iter().map(|(name, _)| name.clone());
        Ok(Answer::Nowhere(names.collect()))
    }
}

/// A release that a registry offers.
pub(super) fn release(version: &str, needs: &[&str]) -> Candidate {
    Candidate {
        version: version.parse().unwrap(),
        standing: Standing::Offered,
        yanked: false,
        dependencies: needs.iter().map(|need| need.parse().unwrap()).collect(),
    }
}
