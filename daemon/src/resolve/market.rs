//! The solver on a thread of its own, and the registries that it asks from there.
//!
//! The solver looks at packs one after the other and cannot wait as the rest of the daemon does. So it runs where
//! it may block, and its questions come here through a channel of one place. When nobody waits for its answer
//! any more, its next question ends it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use packd_format::{Dependency, PackRef, Version};
use tokio::sync::{mpsc, oneshot};

use super::Brought;
use super::solver::{
    self, Answer, Asked, Budget, Candidate, Offers, Question, Shadowed, Solution, Standing,
    Unsolved,
};
use crate::registry::{self, Known, Look, Registries, RegistryError, Sought};
use crate::store::{self, StoreError};

/// How long the search for one plan may take. What registries take to answer is part of it.
const PATIENCE: Duration = Duration::from_mins(2);

/// How the releases of registries are looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// What releases really need, by pack, version and registry: their own `pack.yaml` knows it better than an index.
    pub learned: HashMap<(PackRef, Version, String), Vec<Dependency>>,
    /// As if no release needed anything.
    pub without_needs: bool,
    /// The only releases of these packs that count, as if nothing else were on offer.
    pub only: HashMap<PackRef, BTreeSet<Version>>,
}

impl Terms {
    /// Takes in what the packs that were brought say themselves.
    pub(super) fn learn(&mut self, brought: &[Brought]) {
        for Brought {
            wanted,
            pack_ref,
            version,
            dependencies,
        } in brought
        {
            if let Some(registry) = &wanted.registry {
                let key = (pack_ref.clone(), version.clone(), registry.clone());
                self.learned.insert(key, dependencies.clone());
            }
        }
    }
}

/// What came of a search.
pub(super) struct Searched {
    /// The plan, or why there is none.
    pub outcome: Result<Solution, Unsolved<Unanswered>>,
    /// What registries said of the packs that were looked at.
    pub answers: HashMap<PackRef, Arc<registry::Answer>>,
    /// What was odd about registries.
    pub warnings: Vec<String>,
}

/// Why the solver got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unanswered {
    /// A registry cannot be asked.
    #[error(transparent)]
    Registry(Arc<RegistryError>),
    /// Nobody waits for the plan any more.
    #[error("nobody waits for the plan")]
    Gone,
}

/// A question of the solver.
enum Ask {
    Find(
        Vec<Sought>,
        oneshot::Sender<Vec<Result<Known, Arc<RegistryError>>>>,
    ),
    Shadowed(
        PackRef,
        String,
        oneshot::Sender<Vec<(String, Vec<Version>)>>,
    ),
    Nearest(PackRef, oneshot::Sender<Vec<String>>),
}

/// Searches for releases that go together.
///
/// # Errors
/// [`StoreError`] when the thread of the solver broke.
pub(super) async fn search(
    registries: &Registries,
    question: Question,
    terms: Terms,
) -> Result<Searched, StoreError> {
    let (ask, mut asked) = mpsc::channel(1);
    let mut look = Look::new(registries);
    let mut answers = HashMap::new();
    let searching = store::off_thread(move || {
        let deadline = Instant::now() + PATIENCE;
        let market = Market { ask, terms };
        let is_over = || Instant::now() >= deadline || market.ask.is_closed();
        Ok(solver::solve(&question, &market, &Budget::new(&is_over)))
    });
    let mut searching = std::pin::pin!(searching);
    let outcome = loop {
        tokio::select! {
            biased;
            Some(ask) = asked.recv() => answer(&mut look, &mut answers, ask).await,
            outcome = &mut searching => break outcome?,
        }
    };
    Ok(Searched {
        outcome,
        answers,
        warnings: look.warnings,
    })
}

/// Answers one question. That nobody listens any more is not an error: the solver has ended.
async fn answer(look: &mut Look, answers: &mut HashMap<PackRef, Arc<registry::Answer>>, ask: Ask) {
    match ask {
        Ask::Find(sought, reply) => {
            let found = look.find(&sought).await;
            for known in found.iter().flatten() {
                if let Known::Offered(answer) = known {
                    answers.insert(answer.entry.pack_ref.clone(), Arc::clone(answer));
                }
            }
            let _ = reply.send(found);
        }
        // what only makes an explanation better is left out where it cannot be had
        Ask::Shadowed(pack_ref, by, reply) => {
            let _ = reply.send(look.shadowed(&pack_ref, &by).await.unwrap_or_default());
        }
        Ask::Nearest(pack_ref, reply) => {
            let _ = reply.send(look.nearest(&pack_ref).await.unwrap_or_default());
        }
    }
}

/// The registries as the solver sees them. Blocks its thread.
struct Market {
    ask: mpsc::Sender<Ask>,
    terms: Terms,
}

impl Market {
    /// Asks, and waits for the answer; none when nobody is there to give it.
    fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.ask.blocking_send(ask(reply)).ok()?;
        answer.blocking_recv().ok()
    }

    fn candidates(&self, answer: &registry::Answer) -> Vec<Candidate> {
        let (pack_ref, registry) = (&answer.entry.pack_ref, answer.registry());
        let releases = answer.entry.releases.iter();
        let only = self.terms.only.get(pack_ref);
        releases
            .filter(|release| only.is_none_or(|only| only.contains(&release.version)))
            .map(|release| {
                let key = (
                    pack_ref.clone(),
                    release.version.clone(),
                    registry.to_owned(),
                );
                let dependencies = if self.terms.without_needs {
                    Vec::new()
                } else {
                    let learned = self.terms.learned.get(&key);
                    learned.unwrap_or(&release.dependencies).clone()
                };
                Candidate {
                    version: release.version.clone(),
                    standing: Standing::Offered,
                    yanked: release.yanked,
                    dependencies,
                }
            })
            .collect()
    }
}

impl Offers for Market {
    type Error = Unanswered;

    fn ask(&self, packs: &[Asked]) -> Vec<Result<Answer, Unanswered>> {
        let sought = packs
            .iter()
            .map(|asked| Sought {
                pack_ref: asked.pack_ref.clone(),
                only: asked.only.clone(),
            })
            .collect();
        let Some(found) = self.ask(|reply| Ask::Find(sought, reply)) else {
            return packs.iter().map(|_| Err(Unanswered::Gone)).collect();
        };
        found
            .into_iter()
            .map(|found| match found {
                Ok(Known::Offered(answer)) => Ok(Answer::Offer {
                    registry: answer.registry().to_owned(),
                    candidates: self.candidates(&answer),
                }),
                Ok(Known::Nowhere(asked)) => Ok(Answer::Nowhere(asked)),
                Err(error) => Err(Unanswered::Registry(error)),
            })
            .collect()
    }

    fn shadowed(&self, pack_ref: &PackRef, registry: &str) -> Vec<Shadowed> {
        let shadowed =
            self.ask(|reply| Ask::Shadowed(pack_ref.clone(), registry.to_owned(), reply));
        shadowed
            .unwrap_or_default()
            .into_iter()
            .map(|(registry, versions)| Shadowed { registry, versions })
            .collect()
    }

    fn nearest(&self, pack_ref: &PackRef) -> Vec<String> {
        self.ask(|reply| Ask::Nearest(pack_ref.clone(), reply))
            .unwrap_or_default()
    }
}
