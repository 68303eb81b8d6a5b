//! Signs of life of the loops that packd lives on, for the watchdog.
//!
//! Each loop holds a [`Beat`] and answers when it is asked, between two turns. Who does not answer
//! in time hangs, and is named.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// Asks every loop; clones share the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse(Arc<Mutex<Vec<Asked>>>);

#[derive(Debug, Clone)]
struct Asked {
    name: &'static str,
    ask: mpsc::Sender<oneshot::Sender<()>>,
}

/// A loop's end of it.
#[derive(Debug)]
pub(crate) struct Beat(mpsc::Receiver<oneshot::Sender<()>>);

/// A loop that does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not move")]
pub(crate) struct Hangs(&'static str);

impl Pulse {
    /// Another loop that has to answer from now on.
    #[must_use]
    pub(crate) fn beat(&self, name: &'static str) -> Beat {
        // one question may wait; a second one says nothing more
        let (ask, asked) = mpsc::channel(1);
        self.loops().push(Asked { name, ask });
        Beat(asked)
    }

    /// Asks every loop at once, and waits for their answers.
    ///
    /// # Errors
    /// [`Hangs`]: the first that did not answer.
    pub(crate) async fn feel(&self, within: Duration) -> Result<(), Hangs> {
        let loops = self.loops().clone();
        let answers = loops.into_iter().map(|Asked { name, ask }| async move {
            let (reply, answer) = oneshot::channel();
            let asked = async {
                ask.send(reply).await.ok()?;
                answer.await.ok()
            };
            match tokio::time::timeout(within, asked).await {
                Ok(Some(())) => Ok(()),
                Ok(None) | Err(_) => Err(Hangs(name)),
            }
        });
        futures_util::future::join_all(answers)
            .await
            .into_iter()
            .collect()
    }

    fn loops(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Beat {
    /// Answers the next question; never ends when nobody is left to ask. May be dropped and called
    /// again at any time.
    pub(crate) async fn answer(&mut self) {
        match self.0.recv().await {
            // who asked may have lost patience
            Some(reply) => drop(reply.send(())),
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn all_that_move_answer_and_what_hangs_is_named() {
        let pulse = Pulse::default();
        assert_eq!(pulse.feel(PATIENCE).await, Ok(()), "there is nobody");
        let mut moving = pulse.beat("the first");
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            loop {
                moving.answer().await;
            }
        });
        assert_eq!(pulse.feel(PATIENCE).await, Ok(()));
        assert_eq!(pulse.feel(PATIENCE).await, Ok(()), "again");
        let stuck = pulse.beat("the second");
        assert_eq!(pulse.feel(PATIENCE).await, Err(Hangs("the second")));
        drop(stuck);
        let found = pulse.feel(PATIENCE).await;
        assert_eq!(found, Err(Hangs("the second")), "one that ended");
    }
}
