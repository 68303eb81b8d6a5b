//! The configuration that is in force, shared by every part of the daemon and replaced by a reload.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::Config;

/// A handle on the configuration in force. Clones share it.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    current: watch::Sender<Arc<Config>>,
    refused: Mutex<Option<Arc<Refused>>>,
    changing: tokio::sync::Mutex<()>,
}

/// A reload that changed nothing, because what was read is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When, RFC 3339, UTC.
    pub at: String,
    /// What is wrong with it, in one line.
    pub reason: String,
}

impl Shared {
    /// Puts a configuration in force.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(Inner {
            current: watch::Sender::new(Arc::new(config)),
            refused: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }))
    }

    /// The configuration of this moment. Take it once per unit of work, so that the unit sees one
    /// configuration from beginning to end.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        Arc::clone(&self.0.current.borrow())
    }

    /// Held by whoever reads what a configuration is made of until it is in force, so that nothing that changes
    /// meanwhile is forgotten.
    pub async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.changing.lock().await
    }

    /// Puts another configuration in force and returns the one before; who subscribed wakes up.
    #[must_use = "the difference to the one before is what a reload reports"]
    pub fn replace(&self, config: Config) -> Arc<Config> {
        *self.refused_mut() = None;
        self.0.current.send_replace(Arc::new(config))
    }

    /// Notes that a reload was refused; until the next [`Self::replace`] there is something to look at.
    pub fn refuse(&self, refused: Refused) {
        *self.refused_mut() = Some(Arc::new(refused));
    }

    /// The last reload, if it was refused.
    #[must_use]
    pub fn refused(&self) -> Option<Arc<Refused>> {
        self.refused_mut().clone()
    }

    /// Tells of each replacement from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Config>> {
        self.0.current.subscribe()
    }

    fn refused_mut(&self) -> std::sync::MutexGuard<'_, Option<Arc<Refused>>> {
        self.0
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn a_replacement_is_seen_by_all_and_wakes_who_waits() {
        let shared = Shared::new(Config::default());
        let mut subscriber = shared.subscribe();
        let before = shared.current();
        let mut config = Config::default();
        config.queue.workers = 9;
        assert_eq!(shared.clone().replace(config), before);
        subscriber.changed().await.unwrap();
        assert_eq!(subscriber.borrow().queue.workers, 9);
        assert_eq!(shared.current().queue.workers, 9);
        assert_eq!(before.queue.workers, 2, "who holds the one before keeps it");
    }
}
