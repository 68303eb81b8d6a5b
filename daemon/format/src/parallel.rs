//! The same work on many things, on all cores, with the result and the error that one core would have had.
//!
//! One thread finds what is to be done and numbers it; the others do it. What is handed over is bounded, so
//! memory and open handles do not grow with the tree, and a finder that is ahead helps. Of several errors the first
//! in the order of finding counts. Little work stays on the thread that asked for it: threads cost more than they save.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Things that are handed over at once: waking a thread for each would cost as much as hashing a small file.
const BATCH: usize = 8;
/// So few things are done without other threads, unless they are heavy.
const FEW: usize = 32;
/// So few bytes, too.
const LIGHT: u64 = 4 * 1024 * 1024;
/// Each holds open what it works on; beyond this many, disks are the limit.
const MOST_THREADS: usize = 16;
/// Bytes of the buffer that each thread works with.
const BUFFER: usize = 256 * 1024;

/// A thing with its number in the order of finding.
type Numbered<J> = (usize, J);
/// What came of things, in any order.
type Done<T, E> = Vec<Numbered<Result<T, E>>>;
/// What is done with each.
type Work<'a, J, T, E> = dyn Fn(J, &mut [u8]) -> Result<T, E> + Sync + 'a;

/// What takes the things that are found, each with about how many bytes it has (zero if that is not known).
///
/// `Break` says that something before has failed: whatever is found from here on does not matter.
pub(crate) type Push<'a, J> = dyn FnMut(J, u64) -> ControlFlow<()> + 'a;

/// Does `work` on everything that `find` pushes, and gives what came of it in the order of pushing.
///
/// `work` gets a buffer that is its own while it runs.
///
/// # Errors
/// The first, in the order of pushing, of what `work` and `find` say.
pub(crate) fn each<J: Send, T: Send, E: Send>(
    find: impl FnOnce(&mut Push<'_, J>) -> Result<(), E>,
    work: &Work<'_, J, T, E>,
) -> Result<Vec<T>, E> {
    let first_failure = AtomicUsize::new(usize::MAX);
    let (sender, receiver) = sync_channel(MOST_THREADS);
    let receiver = Mutex::new(receiver);
    let shop = Shop {
        first_failure: &first_failure,
        receiver: &receiver,
        work,
    };
    thread::scope(|scope| {
        let mut line = Line {
            scope,
            shop,
            sender,
            threads: Vec::new(),
            started: false,
            waiting: Vec::new(),
            pushed: 0,
            weight: 0,
            done: Vec::new(),
            buffer: Vec::new(),
        };
        let found = find(&mut |thing, weight| line.push(thing, weight));
        let mut done = line.finish();
        done.sort_unstable_by_key(|(number, _)| *number);
        let results = done.into_iter().map(|(_, result)| result).collect();
        // whatever went wrong with something found earlier comes first
        match (results, found) {
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
            (Ok(results), Ok(())) => Ok(results),
        }
    })
}

/// What all threads share.
struct Shop<'a, J, T, E> {
    /// The lowest number of what failed: nothing behind it matters any more.
    first_failure: &'a AtomicUsize,
    receiver: &'a Mutex<Receiver<Vec<Numbered<J>>>>,
    work: &'a Work<'a, J, T, E>,
}

impl<J, T, E> Clone for Shop<'_, J, T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J, T, E> Copy for Shop<'_, J, T, E> {}

impl<J, T, E> Shop<'_, J, T, E> {
    fn has_failed_before(&self, number: usize) -> bool {
        self.first_failure.load(Ordering::Relaxed) < number
    }

    fn run(&self, batch: Vec<Numbered<J>>, buffer: &mut Vec<u8>, done: &mut Done<T, E>) {
        buffer.resize(BUFFER, 0);
        for (number, thing) in batch {
            if self.has_failed_before(number) {
                continue;
            }
            let result = (self.work)(thing, buffer);
            if result.is_err() {
                self.first_failure.fetch_min(number, Ordering::Relaxed);
            }
            done.push((number, result));
        }
    }

    /// What each further thread does: whatever comes, until nobody is left to send.
    fn serve(&self) -> Done<T, E> {
        let (mut buffer, mut done) = (Vec::new(), Vec::new());
        loop {
            // a panic elsewhere is told when that thread is joined, and is no reason to panic here
            let next = self
                .receiver
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            match next {
                Ok(batch) => self.run(batch, &mut buffer, &mut done),
                Err(_) => return done,
            }
        }
    }
}

/// Where what was found is put.
struct Line<'scope, 'env, J, T, E> {
    scope: &'scope Scope<'scope, 'env>,
    shop: Shop<'env, J, T, E>,
    sender: SyncSender<Vec<Numbered<J>>>,
    threads: Vec<ScopedJoinHandle<'scope, Done<T, E>>>,
    started: bool,
    waiting: Vec<Numbered<J>>,
    pushed: usize,
    weight: u64,
    done: Done<T, E>,
    buffer: Vec<u8>,
}

impl<'scope, 'env: 'scope, J, T, E> Line<'scope, 'env, J, T, E>
where
    J: Send + 'scope,
    T: Send + 'scope,
    E: Send + 'scope,
{
    fn push(&mut self, thing: J, weight: u64) -> ControlFlow<()> {
        if self.shop.has_failed_before(self.pushed) {
            return ControlFlow::Break(());
        }
        self.waiting.push((self.pushed, thing));
        self.pushed += 1;
        self.weight = self.weight.saturating_add(weight);
        if !self.started && (self.pushed > FEW || self.weight > LIGHT) {
            self.start();
        }
        if self.started && self.waiting.len() >= BATCH {
            let batch = std::mem::take(&mut self.waiting);
            self.hand_over(batch);
        }
        ControlFlow::Continue(())
    }

    fn start(&mut self) {
        self.started = true;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        // this thread is one of them
        for _ in 1..cores.min(MOST_THREADS) {
            let shop = self.shop;
            let thread = thread::Builder::new()
                .name("hash".to_owned())
                .spawn_scoped(self.scope, move || shop.serve());
            // where no more threads may be had, those there are will do
            let Ok(thread) = thread else { break };
            self.threads.push(thread);
        }
    }

    fn hand_over(&mut self, batch: Vec<Numbered<J>>) {
        let kept = if self.threads.is_empty() {
            batch
        } else {
            match self.sender.try_send(batch) {
                Ok(()) => return,
                Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => batch,
            }
        };
        self.shop.run(kept, &mut self.buffer, &mut self.done);
    }

    fn finish(mut self) -> Done<T, E> {
        let mut rest = std::mem::take(&mut self.waiting);
        while !rest.is_empty() {
            let after = rest.split_off(rest.len().min(BATCH));
            self.hand_over(std::mem::replace(&mut rest, after));
        }
        drop(self.sender);
        let mut done = self.done;
        // what is still in line is done here, too
        done.extend(self.shop.serve());
        for thread in self.threads {
            match thread.join() {
                Ok(theirs) => done.extend(theirs),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(
        count: u32,
        weight: u64,
        bad: &[u32],
        end: Result<(), u32>,
    ) -> Result<Vec<u32>, u32> {
        each(
            |push| {
                for number in 0..count {
                    if push(number, weight).is_break() {
                        break;
                    }
                }
                end
            },
            &|number, buffer| {
                assert_eq!(buffer.len(), BUFFER, "each has a whole buffer");
                if bad.contains(&number) {
                    Err(number)
                } else {
                    Ok(number * number)
                }
            },
        )
    }

    #[test]
    fn results_come_in_the_order_of_finding() {
        for (count, weight) in [(0, 0), (1, 0), (20, 0), (20, LIGHT), (5_000, 0)] {
            let expected: Vec<u32> = (0..count).map(|number| number * number).collect();
            assert_eq!(
                squares(count, weight, &[], Ok(())),
                Ok(expected),
                "{count} things of {weight} bytes"
            );
        }
    }

    #[test]
    fn of_several_errors_the_first_found_counts() {
        for _ in 0..50 {
            let bad = [3_999, 17, 1_200, 18];
            assert_eq!(squares(5_000, 0, &bad, Ok(())), Err(17));
            assert_eq!(squares(5_000, 0, &bad, Err(9_999)), Err(17));
            assert_eq!(
                squares(5_000, 0, &[], Err(9_999)),
                Err(9_999),
                "what the finder met comes after all it had found"
            );
        }
    }

    #[test]
    fn a_panic_is_not_swallowed() {
        let result = std::panic::catch_unwind(|| {
            each::<u32, (), ()>(
                |push| {
                    for number in 0..1_000 {
                        if push(number, 0).is_break() {
                            break;
                        }
                    }
                    Ok(())
                },
                &|number, _| {
                    assert!(number != 500, "this one is special");
                    Ok(())
                },
            )
        });
        assert!(result.is_err(), "the panic comes through");
    }
}
