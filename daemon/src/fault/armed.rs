//! What the feature `faults` compiles in.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Every point, with what is half-done there.
pub const POINTS: &[(&str, &str)] = &[
    (
        "migration.uncommitted",
        "the statements of a migration ran, and nothing of it is on disk",
    ),
    (
        "migration.committed",
        "one migration is on disk, and the next has not begun",
    ),
    (
        "database.uncommitted",
        "all of a transaction ran, and nothing of it is on disk",
    ),
    (
        "database.committed",
        "a transaction is on disk, and nobody was told",
    ),
    (
        "upload.received",
        "an archive lies in `uploads/`, and no job knows of it",
    ),
    (
        "staging.made",
        "a job has its folder in `staging/`, with nothing in it",
    ),
    (
        "archive.kept",
        "a download lies whole in the cache, and its record still calls it a part",
    ),
    (
        "tree.staged",
        "a tree is whole in `staging/`, and not synced",
    ),
    (
        "tree.synced",
        "a tree and its list are synced, and neither is in the store",
    ),
    (
        "quarantine.begun",
        "the list of a damaged tree is put away, and the tree lies in its place",
    ),
    (
        "quarantine.moved",
        "a damaged tree is put away, and its place is empty",
    ),
    (
        "tree.listed",
        "the list of a tree is in the store, and the tree is not",
    ),
    (
        "tree.moved",
        "a tree is in the store, and neither its folder is synced nor has it a row",
    ),
    (
        "generation.begun",
        "a generation is a row that is pending, and an empty folder",
    ),
    (
        "generation.linked",
        "a generation has its links, and they are not synced",
    ),
    (
        "current.next",
        "a generation is complete, and `current.next` leads to it",
    ),
    (
        "current.switched",
        "`current` leads to a generation that is pending in the database",
    ),
    (
        "gc.forgotten",
        "generations that go have no rows any more, and still their folders",
    ),
    (
        "gc.taken",
        "a tree that nothing needs is out of the store, and still has its rows",
    ),
    (
        "gc.untold",
        "a tree that nothing needs has no rows any more, and lies in `staging/`",
    ),
    (
        "recover.reconciled",
        "the database follows `current` again, and its jobs still count as running",
    ),
    (
        "recover.requeued",
        "jobs are back in the queue, and what they left in `staging/` is still there",
    ),
];

/// What the environment asks for.
struct Plan {
    name: String,
    left: AtomicU64,
    seen: Option<PathBuf>,
}

static PLAN: LazyLock<Plan> = LazyLock::new(Plan::of_process);

impl Plan {
    #[expect(
        clippy::disallowed_methods,
        reason = "what is no setting is no matter of `config`, which lies above"
    )]
    fn of_process() -> Self {
        let text = std::env::var("PACKD_FAULT").unwrap_or_default();
        let (name, count) = text.split_once(':').unwrap_or((&text, "1"));
        Self {
            name: name.to_owned(),
            left: AtomicU64::new(count.parse().unwrap_or(1)),
            seen: std::env::var_os("PACKD_FAULT_SEEN").map(PathBuf::from),
        }
    }
}

/// Where something is half-done; `name` is one of [`POINTS`].
pub(crate) fn point(name: &'static str) {
    debug_assert!(
        POINTS.iter().any(|(known, _)| *known == name),
        "`{name}` is not in the list of points"
    );
    if let Some(seen) = &PLAN.seen {
        // one write, so that lines of several threads do not mix; a test sees what is missing
        let mut options = fs_err::OpenOptions::new();
        let opened = options.append(true).create(true).open(seen);
        drop(opened.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes())));
    }
    if PLAN.name == name && PLAN.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        // it can fail for processes of others only
        let _killed = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
