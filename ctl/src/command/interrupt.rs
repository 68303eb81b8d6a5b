//! Ctrl-C, while something is followed.

use packd_wire::Exit;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output::Failure;

/// Hears Ctrl-C from its making on, also while nobody waits for it.
///
/// Without one, Ctrl-C ends the program as it ends any other.
#[derive(Debug)]
pub(crate) struct Interrupt(Signal);

impl Interrupt {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system has no place for another handler.
    pub(crate) fn new() -> Result<Self, Failure> {
        match signal(SignalKind::interrupt()) {
            Ok(signal) => Ok(Self(signal)),
            Err(error) => Err(Failure::of(
                Exit::Failed,
                "cannot listen for Ctrl-C",
                &error,
            )),
        }
    }

    /// Waits for the next Ctrl-C.
    pub(crate) async fn comes(&mut self) {
        if self.0.recv().await.is_none() {
            // the runtime is being stopped, and so is whoever waits
            std::future::pending::<()>().await;
        }
    }
}
