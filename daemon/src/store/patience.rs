//! What must be written is tried again while it may still succeed: what is true on disk already, such
//! as a switched generation, cannot be taken back because the database is locked or full for the moment.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::StoreError;

/// The time between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes attempts until one succeeds, fails for a reason that stays, or `stop` comes: how the last one
/// ended. `doing` completes "cannot …" in the log.
///
/// # Errors
/// [`StoreError`] of the last attempt.
pub(crate) async fn insist<T, F>(
    doing: &str,
    stop: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    loop {
        match attempt().await {
            Err(error) if error.may_pass() && !stop.is_cancelled() => {
                tracing::error!(error = %crate::logging::chain(&error), "cannot {doing}; trying again");
                pause(stop).await;
            }
            ended => return ended,
        }
    }
}

/// Waits before another attempt, at most until `stop` comes.
pub(crate) async fn pause(stop: &CancellationToken) {
    // both ends of the pause lead to another look
    drop(tokio::time::timeout(PAUSE, stop.cancelled()).await);
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::cell::Cell;

    use super::*;

    fn full() -> StoreError {
        StoreError::io("write")(std::io::ErrorKind::StorageFull.into())
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_until_it_has() {
        let (stop, attempts) = (CancellationToken::new(), Cell::new(0));
        let attempt = || async {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 4 {
                Err(full())
            } else {
                Ok("done")
            }
        };
        assert_eq!(insist("write", &stop, attempt).await.unwrap(), "done");
        assert_eq!(attempts.get(), 4, "three failures, then success");
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_and_what_is_stopped_is_not_tried_again() {
        let (stop, attempts) = (CancellationToken::new(), Cell::new(0));
        let closed = || async {
            attempts.set(attempts.get() + 1);
            Err::<(), _>(StoreError::Closed)
        };
        let error = insist("write", &stop, closed).await.unwrap_err();
        assert!(matches!(error, StoreError::Closed), "the reason comes out");
        assert_eq!(attempts.get(), 1, "a closed database stays closed");

        let stopped = || async {
            stop.cancel();
            Err::<(), _>(full())
        };
        insist("write", &stop, stopped).await.unwrap_err();
    }
}
