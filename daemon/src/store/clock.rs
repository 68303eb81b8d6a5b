//! Whether the clock can be believed when it is asked how old something is.
//!
//! A host whose clock is years ahead for an hour must not lose its history in that hour. So packd notes what time it last
//! was, and a clock that is far ahead of that is doubted: nothing grows older than it was then, until packd has known the
//! new time for a day.
//!
//! A host that was switched off for long looks the same, and has its history a day longer. A clock that goes back is
//! believed at once: nothing is old then that was not.

use std::time::Duration;

use super::{Database, StoreError, Tx, event, routine, time};

/// So far ahead of the time that was known last a clock is believed.
const FAR: Duration = Duration::from_hours(31 * 24);

/// For so long packd knows a time until it believes it.
const PROOF: Duration = Duration::from_hours(24);

/// The name that the time is noted by which is believed.
const BELIEVED: &str = "clock";

/// The name that the time is noted by at which it began to be doubted, as the doubted clock has it.
const DOUBTED: &str = "clock in doubt";

/// The time that ages are measured from, in the form of [`time`]: now, or the time that was known last, while the clock is
/// doubted.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn believed(database: &Database) -> Result<String, StoreError> {
    let before = database.read(|c| routine::last(c, DOUBTED)).await?;
    let believed = database.write(look).await?;
    match (believed.is_doubted, before) {
        (true, None) => tracing::warn!(
            "the clock is far ahead of {}, the time that packd knew last: nothing is removed for its age until that is so for a \
             day; `timedatectl` shows whether it is right",
            believed.at
        ),
        (false, Some(_)) => tracing::info!("the clock is believed again"),
        _ => {}
    }
    Ok(believed.at)
}

/// A time, and whether it is another one than the clock's.
struct Believed {
    at: String,
    is_doubted: bool,
}

fn look(tx: &Tx<'_>) -> rusqlite::Result<Believed> {
    let known = match routine::last(tx, BELIEVED)? {
        Some(at) => Some(at),
        None => event::newest(tx)?,
    };
    if let Some(at) = known.filter(|at| time::since(at) > FAR) {
        let doubted = routine::last(tx, DOUBTED)?;
        // one that jumped once more is doubted anew
        let doubted = doubted.filter(|at| time::was_within(at, FAR));
        if doubted.as_ref().is_none_or(|at| time::since(at) < PROOF) {
            if doubted.is_none() {
                routine::done(tx, DOUBTED)?;
            }
            return Ok(Believed {
                at,
                is_doubted: true,
            });
        }
    }
    let at = time::now();
    routine::done_at(tx, BELIEVED, &at)?;
    routine::forget(tx, DOUBTED)?;
    Ok(Believed {
        at,
        is_doubted: false,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    async fn note(database: &Database, name: &'static str, at: String) {
        let write = move |tx: &Tx<'_>| routine::done_at(tx, name, &at);
        database.write(write).await.unwrap();
    }

    /// How many days ages are too small.
    async fn days(database: &Database) -> u64 {
        let behind = time::since(&believed(database).await.unwrap());
        (behind + DAY / 2).as_secs() / DAY.as_secs()
    }

    #[tokio::test]
    async fn a_clock_far_ahead_is_believed_after_a_day_and_one_that_goes_back_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        assert_eq!(days(&database).await, 0, "the first time");
        note(&database, BELIEVED, time::before(DAY * 20)).await;
        assert_eq!(days(&database).await, 0, "not far");

        note(&database, BELIEVED, time::before(DAY * 400)).await;
        assert_eq!(days(&database).await, 400);
        assert_eq!(days(&database).await, 400, "still");
        note(&database, DOUBTED, time::before(DAY * 200)).await;
        assert_eq!(days(&database).await, 400, "it jumped once more");
        note(&database, DOUBTED, time::before(DAY * 2)).await;
        assert_eq!(days(&database).await, 0, "for a day it was so");
        assert_eq!(days(&database).await, 0);

        note(&database, BELIEVED, time::after(DAY * 400)).await;
        assert_eq!(days(&database).await, 0, "it was set right");
    }

    #[tokio::test]
    async fn before_it_was_ever_noted_the_newest_event_says_what_time_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let at = time::before(DAY * 400);
        let insert = move |tx: &Tx<'_>| {
            tx.execute(
                "INSERT INTO event (at, kind, data) VALUES (?1, 'info', '{}')",
                [at],
            )
        };
        database.write(insert).await.unwrap();
        assert_eq!(days(&database).await, 400);
    }
}
