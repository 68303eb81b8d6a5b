//! The configuration that is in force, shared by every part of the daemon and replaced by a reload.

use std::sync::Arc;

use tokio::sync::watch;

use super::Config;

/// A handle on the configuration in force. Clones share it.
#[derive(Debug, Clone)]
pub struct Shared(Arc<watch::Sender<Arc<Config>>>);

impl Shared {
    /// Puts a configuration in force.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(config))))
    }

    /// The configuration of this moment. Take it once per unit of work, so that the unit sees one
    /// configuration from beginning to end.
    #[must_use]
    pub fn current(&self) -> Arc<Config> {
        Arc::clone(&self.0.borrow())
    }

    /// Puts another configuration in force and returns the one before; who subscribed wakes up.
    #[must_use = "the difference to the one before is what a reload reports"]
    pub fn replace(&self, config: Config) -> Arc<Config> {
        self.0.send_replace(Arc::new(config))
    }

    /// Tells of each replacement from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Config>> {
        self.0.subscribe()
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
