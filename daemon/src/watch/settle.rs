//! When what changes has come to rest. Pure: time comes in.
//!
//! Editors truncate and write, or write beside and rename; a copy takes its time. Whoever reads in the middle of that
//! reads half of it. So news is handed on when it has been quiet for a moment and nobody is in the middle of a file.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long nothing may happen before it counts as done.
pub(super) const QUIET: Duration = Duration::from_millis(100);

/// How long somebody who holds a file open to write, and writes nothing, is waited for.
pub(super) const WRITER: Duration = Duration::from_secs(5);

/// How long news is held back at most, whatever goes on.
pub(super) const LONGEST: Duration = Duration::from_mins(1);

/// So many files are known to be written at a time; of more, their end is not waited for.
const OPEN: usize = 1000;

/// What was seen of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Somebody is in the middle of it.
    Writing,
    /// It is as somebody wanted it, or gone.
    Done,
}

/// What has changed and was not handed on yet.
#[derive(Debug, Default)]
pub(super) struct Settling {
    touched: BTreeSet<usize>,
    open: HashSet<PathBuf>,
    /// When the first and the last of it was seen.
    seen: Option<(Instant, Instant)>,
}

impl Settling {
    /// Notes that the subject of this number may have changed.
    pub(super) fn note(&mut self, subject: usize, path: &Path, sign: Sign, now: Instant) {
        self.touched.insert(subject);
        match sign {
            Sign::Writing if self.open.len() < OPEN => {
                self.open.insert(path.to_owned());
            }
            Sign::Writing => {}
            Sign::Done => {
                self.open.remove(path);
            }
        }
        let first = self.seen.map_or(now, |(first, _)| first);
        self.seen = Some((first, now));
    }

    /// When it is handed on, if there is something.
    pub(super) fn due(&self) -> Option<Instant> {
        let (first, last) = self.seen?;
        let rest = if self.open.is_empty() { QUIET } else { WRITER };
        Some((last + rest).min(first + LONGEST))
    }

    /// Takes what has changed.
    pub(super) fn take(&mut self) -> BTreeSet<usize> {
        self.open.clear();
        self.seen = None;
        std::mem::take(&mut self.touched)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_that_is_being_written_is_waited_for_and_not_for_ever() {
        let start = Instant::now();
        let mut settling = Settling::default();
        let path = Path::new("/etc/packd/packd.yaml");
        assert_eq!(settling.due(), None, "nothing happened");
        settling.note(0, path, Sign::Writing, start);
        assert_eq!(settling.due(), Some(start + WRITER));
        let later = start + Duration::from_secs(1);
        settling.note(0, path, Sign::Done, later);
        assert_eq!(settling.due(), Some(later + QUIET), "it was closed");
        assert_eq!(settling.take(), BTreeSet::from([0]));
        assert_eq!(settling.due(), None, "and was handed on");
    }

    proptest! {
        #[test]
        fn news_waits_for_a_moment_of_quiet_and_is_never_held_for_long(
            signs in prop::collection::vec((0_usize..3, 0_u8..4, any::<bool>(), 0_u64..20_000), 1..60),
        ) {
            let start = Instant::now();
            let mut now = start;
            let mut settling = Settling::default();
            let mut touched = BTreeSet::new();
            for (subject, path, done, after) in signs {
                now += Duration::from_millis(after);
                let sign = if done { Sign::Done } else { Sign::Writing };
                let first = settling.due().is_none().then_some(now);
                settling.note(subject, Path::new(&format!("/{path}")), sign, now);
                touched.insert(subject);
                let due = settling.due().unwrap();
                if let Some(first) = first {
                    prop_assert!(due >= first + QUIET, "no news is handed on at once");
                }
                prop_assert!(due <= now + WRITER, "nobody is waited for longer");
                prop_assert!(due <= start + LONGEST || now > start);
                if due <= now {
                    prop_assert_eq!(&settling.take(), &touched, "nothing is lost");
                    touched.clear();
                }
            }
            prop_assert_eq!(settling.take(), touched);
            prop_assert_eq!(settling.due(), None);
        }
    }
}
