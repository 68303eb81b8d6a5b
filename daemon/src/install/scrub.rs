//! The scrubber: looks at every tree once in `store.scrub_interval`, and at all of the database once a week.
//!
//! One thing at a time, spread over the interval, on a thread that gives way to all others. When each was looked at is in the
//! database, so a restart goes on where it was. Between two looks it sleeps until the next is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use packd_wire::{EventKind, PackState};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{Context, verify};
use crate::event::NewEvent;
use crate::logging::chain;
use crate::store::look::{self, Look};
use crate::store::pack::Installed;
use crate::store::{self, StoreError, routine, time};

/// How often all of the database is read.
const WEEK: Duration = Duration::from_hours(7 * 24);

/// The name that the latest time of that is kept under.
const DATABASE: &str = "integrity";

/// How long to leave it after something went wrong.
const PAUSE: Duration = Duration::from_hours(1);

/// What is next.
#[derive(Debug, Clone, PartialEq)]
enum Next {
    Tree(Box<Installed>),
    Database,
}

/// Looks at things until `stop`.
pub(crate) async fn run(context: Context, stop: CancellationToken) {
    let mut config = context.config.subscribe();
    let mut events = context.hub.subscribe();
    loop {
        let (wait, next) = match upcoming(&context).await {
            Ok(upcoming) => upcoming,
            Err(error) => {
                tracing::error!(error = %chain(&error), "cannot see which tree is to be looked at next");
                if pause(&stop).await {
                    return;
                }
                continue;
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = config.changed() => continue,
            () = changed(&mut events) => continue,
            () = tokio::time::sleep(wait) => {}
        }
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = carry_out(&context, next) => done,
        };
        if let Err(error) = done {
            tracing::error!(error = %chain(&error), "cannot look after the store");
            if pause(&stop).await {
                return;
            }
        }
    }
}

/// Returns when other packs are active than before.
async fn changed(events: &mut tokio::sync::broadcast::Receiver<Arc<crate::event::Frame>>) {
    loop {
        match events.recv().await {
            Ok(frame) if frame.kind == EventKind::GenerationActivated => return,
            Ok(_) => {}
            // it may have been among those that were missed
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Waits a while; whether it is time to stop.
async fn pause(stop: &CancellationToken) -> bool {
    tokio::time::timeout(PAUSE, stop.cancelled()).await.is_ok()
}

async fn upcoming(context: &Context) -> Result<(Duration, Next), StoreError> {
    let interval = context.config.current().store.scrub_interval;
    let (packs, looked, checked) = context
        .database
        .read(|connection| {
            Ok((
                store::pack::of_all_generations(connection)?,
                look::times(connection)?,
                routine::last(connection, DATABASE)?,
            ))
        })
        .await?;
    let packs = that_are_there(context, packs).await?;
    let database = routine::wait(checked.as_deref(), WEEK);
    Ok(match next_tree(packs, &looked, interval) {
        Some((wait, pack)) if wait < database => (wait, Next::Tree(Box::new(pack))),
        _ => (database, Next::Database),
    })
}

/// The tree that was not looked at for the longest time, and how long it is until it is its turn: the trees come one after
/// another, spread over the interval, and each in it.
fn next_tree(
    packs: Vec<Installed>,
    looked: &BTreeMap<String, String>,
    interval: Duration,
) -> Option<(Duration, Installed)> {
    if interval.is_zero() {
        return None;
    }
    let count = u32::try_from(packs.len()).unwrap_or(u32::MAX).max(1);
    // when it was installed it was good
    let ages = packs.into_iter().map(|pack| {
        let at = looked.get(&pack.dir).unwrap_or(&pack.at);
        // of a time to come, as it is after the clock was set back, nobody knows how long ago it was
        let is_known = time::was_within(at, interval);
        (if is_known { time::since(at) } else { interval }, pack)
    });
    let ages: Vec<_> = ages.collect();
    let youngest = ages.iter().map(|(age, _)| *age).min()?;
    let (oldest, pack) = ages.into_iter().max_by_key(|(age, _)| *age)?;
    let spread = (interval / count).saturating_sub(youngest);
    Some((spread.min(interval.saturating_sub(oldest)), pack))
}

async fn carry_out(context: &Context, next: Next) -> Result<(), StoreError> {
    match next {
        Next::Database => {
            if context.database.check_all().await? {
                tracing::info!("all of the database was read, and is in order");
            }
            routine::note(&context.database, DATABASE).await
        }
        Next::Tree(pack) => {
            // nobody takes it away while it is looked at; it may have been since its turn was set
            let _stays = context.leases.take(&pack.dir);
            let Some(pack) = that_are_there(context, vec![*pack]).await?.pop() else {
                return Ok(());
            };
            let found = {
                let (layout, pack) = (Arc::clone(&context.layout), pack.clone());
                gently(move || look::look(&layout, &pack)).await?
            };
            noted(context, pack, found).await
        }
    }
}

/// The trees that are in the store, or should be: of one that nobody uses it is nothing that it is gone.
async fn that_are_there(
    context: &Context,
    packs: Vec<Installed>,
) -> Result<Vec<Installed>, StoreError> {
    let layout = Arc::clone(&context.layout);
    let active = context.active().await?;
    store::off_thread(move || {
        let is_there = |pack: &Installed| {
            active
                .get(&pack.pack_ref)
                .is_some_and(|one| one.dir == pack.dir)
                || layout.store().join(&pack.dir).is_dir()
        };
        Ok(packs.into_iter().filter(is_there).collect())
    })
    .await
}

async fn noted(context: &Context, pack: Installed, found: Look) -> Result<(), StoreError> {
    if found.state != PackState::Ok {
        tracing::error!(
            pack = pack.pack_ref,
            "the tree of `{}` {} is {}; `packctl verify {0} --repair` brings it again",
            pack.pack_ref,
            pack.version,
            found.state.as_str()
        );
    }
    let hub = context.hub.clone();
    context
        .database
        .write(move |tx| {
            look::note(tx, &pack.dir, &found)?;
            if found.state == PackState::Ok {
                return Ok(());
            }
            hub.append(
                tx,
                NewEvent {
                    kind: EventKind::PackDamaged,
                    job: None,
                    data: verify::event(&pack, &found),
                    pack_ref: Some(pack.pack_ref),
                },
            )
        })
        .await
}

/// Runs `work` on a thread of the lowest priority; those that it starts have the same.
async fn gently<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("packd-scrub".to_owned())
        .spawn(move || {
            // of the thread: priorities are a thread's own matter on Linux. See setpriority(2)
            if let Err(error) = rustix::process::nice(19) {
                tracing::debug!(%error, "the scrubber has the priority of all others");
            }
            // nobody wants the answer when packd stops
            drop(answer.send(work()));
        })
        .map_err(StoreError::io("start the scrubber's thread"))?;
    answered.await.map_err(|_| StoreError::Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pack::Record;

    const HOUR: Duration = Duration::from_hours(1);

    fn pack(name: &str, age: Duration) -> Installed {
        Installed {
            install: 1,
            pack_ref: name.to_owned(),
            version: "1.0.0".to_owned(),
            dir: format!("{name}/1.0.0-0123456789ab"),
            job: 1,
            generation: 1,
            at: time::before(age),
            record: Record::with_dependencies(&[]),
        }
    }

    fn next(packs: Vec<Installed>, looked: &[(&str, Duration)]) -> Option<(u64, String)> {
        let looked = looked
            .iter()
            .map(|(name, age)| (format!("{name}/1.0.0-0123456789ab"), time::before(*age)));
        let (wait, pack) = next_tree(packs, &looked.collect(), 24 * HOUR)?;
        // the test itself takes a moment
        let hours = (wait + Duration::from_mins(1)).as_secs() / 3600;
        Some((hours, pack.pack_ref))
    }

    #[test]
    fn trees_come_one_after_another_and_each_within_the_interval() {
        let named = |hours, name: &str| Some((hours, name.to_owned()));
        assert_eq!(next(vec![], &[]), None);
        assert_eq!(next(vec![pack("a", HOUR)], &[]), named(23, "a"));
        let both = || vec![pack("a", 9 * HOUR), pack("b", 10 * HOUR)];
        assert_eq!(
            next(both(), &[]),
            named(3, "b"),
            "half of the interval for each"
        );
        assert_eq!(next(both(), &[("b", HOUR)]), named(11, "a"));
        assert_eq!(next(both(), &[("a", HOUR)]), named(11, "b"));
        let late = vec![pack("a", 30 * HOUR), pack("b", HOUR)];
        assert_eq!(
            next(late, &[]),
            named(0, "a"),
            "what is overdue comes at once"
        );
        let ahead = BTreeMap::from([(pack("a", HOUR).dir, time::after(400 * HOUR))]);
        let found = next_tree(vec![pack("a", HOUR)], &ahead, 24 * HOUR);
        let wait = found.map(|(wait, _)| wait);
        assert_eq!(wait, Some(Duration::ZERO), "the clock was set back");
    }

    #[test]
    fn nothing_is_due_when_it_is_off() {
        let found = next_tree(vec![pack("a", HOUR)], &BTreeMap::new(), Duration::ZERO);
        assert_eq!(found, None);
    }
}
