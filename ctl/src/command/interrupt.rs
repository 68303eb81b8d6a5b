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

/// Hears whatever asks the program to end: Ctrl-C, a service manager, a terminal that is closed.
///
/// For what must be ended along with it.
#[derive(Debug)]
pub(crate) struct Stop([Signal; 3]);

impl Stop {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system has no place for another handler.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::of(Exit::Failed, "cannot listen for signals", &error))
        };
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the next of them, and tells which it is.
    pub(crate) async fn comes(&mut self) -> SignalKind {
        let [interrupt, terminate, hangup] = &mut self.0;
        // one that ends without a signal does so since the runtime is being stopped, and so is whoever waits
        tokio::select! {
            Some(()) = interrupt.recv() => SignalKind::interrupt(),
            Some(()) = terminate.recv() => SignalKind::terminate(),
            Some(()) = hangup.recv() => SignalKind::hangup(),
            else => std::future::pending().await,
        }
    }
}
