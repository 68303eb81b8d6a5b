#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use tokio_util::sync::CancellationToken;

use super::*;
use crate::net::Rate;
use crate::source::git::error::GitError;
use crate::source::git::guard::Bounds;

/// Generous: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

fn guard(bytes: u64, idle: Duration, total: Duration, stop: &CancellationToken) -> Guard {
    slow(bytes, idle, total, stop, Arc::default())
}

fn slow(
    bytes: u64,
    idle: Duration,
    total: Duration,
    stop: &CancellationToken,
    rate: Arc<Rate>,
) -> Guard {
    let bounds = Bounds {
        from: "test".into(),
        bytes,
        idle,
        total,
        rate,
        space: ("/".into(), 0),
    };
    Guard::new(bounds, stop.clone())
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    command
}

/// What is read of a program until it ends, or why reading ended.
fn read(script: &str, guard: &Guard) -> (Result<Vec<u8>, GitError>, String) {
    let (_program, mut incoming, outgoing, said) = start(&mut shell(script), guard).unwrap();
    drop(outgoing);
    let mut all = Vec::new();
    let read = incoming.read_to_end(&mut all);
    let read = read.map_err(|error| guard.take_trouble().unwrap_or_else(|| panic!("{error}")));
    (read.map(|_| all), said.text())
}

#[test]
fn a_program_is_heard_on_both_channels() {
    let stop = CancellationToken::new();
    let guard = guard(100_000, PATIENCE, PATIENCE, &stop);
    let (read, said) = read("echo aside >&2; echo out; echo last >&2", &guard);
    assert_eq!(read.unwrap(), b"out\n");
    assert_eq!(said, "aside\nlast\n");
    assert_eq!(guard.received(), 4);
}

#[test]
fn one_that_only_talks_aside_does_not_fill_memory_or_stop() {
    let stop = CancellationToken::new();
    let guard = guard(100_000, PATIENCE, PATIENCE, &stop);
    let (read, said) = read("head -c 1000000 /dev/zero >&2; echo out", &guard);
    assert_eq!(read.unwrap(), b"out\n");
    assert_eq!(said.len(), SAID);
}

#[test]
fn what_is_too_much_too_slow_too_long_or_unwanted_ends_it() {
    let stop = CancellationToken::new();
    let short = Duration::from_millis(300);
    let (read_all, _) = read(
        "cat /dev/zero",
        &guard(1_000_000, PATIENCE, PATIENCE, &stop),
    );
    assert!(
        matches!(
            read_all,
            Err(GitError::TooLarge {
                limit: 1_000_000,
                ..
            })
        ),
        "{read_all:?}"
    );
    let (stalled, _) = read(
        "echo x; exec sleep 100",
        &guard(1_000_000, short, PATIENCE, &stop),
    );
    assert!(
        matches!(stalled, Err(GitError::Stalled { received: 2, .. })),
        "{stalled:?}"
    );
    let (late, _) = read("exec sleep 100", &guard(1_000_000, PATIENCE, short, &stop));
    assert!(matches!(late, Err(GitError::Deadline { .. })), "{late:?}");
    stop.cancel();
    let (stopped, _) = read(
        "exec sleep 100",
        &guard(1_000_000, PATIENCE, PATIENCE, &stop),
    );
    assert!(matches!(stopped, Err(GitError::Cancelled)), "{stopped:?}");
}

#[test]
fn a_program_that_takes_nothing_is_not_written_to_for_ever() {
    let stop = CancellationToken::new();
    let guard = guard(1_000_000, Duration::from_millis(300), PATIENCE, &stop);
    let (_program, _incoming, mut outgoing, _said) =
        start(&mut shell("exec sleep 100"), &guard).unwrap();
    outgoing.write_all(&vec![0; 1 << 20]).unwrap_err();
    assert!(matches!(
        guard.take_trouble(),
        Some(GitError::Stalled { .. })
    ));
}

#[test]
fn a_program_ends_with_its_handle() {
    let stop = CancellationToken::new();
    let guard = guard(1_000_000, PATIENCE, PATIENCE, &stop);
    let (program, mut incoming, _outgoing, _said) =
        start(&mut shell("echo $$; exec sleep 100"), &guard).unwrap();
    let mut first = [0; 16];
    let count = incoming.read(&mut first).unwrap();
    let pid = std::str::from_utf8(&first[..count]).unwrap().trim();
    drop(program);
    let folder = std::path::Path::new("/proc").join(pid);
    assert!(!folder.exists(), "{} is there", folder.display());
}

#[test]
fn nothing_is_read_before_what_came_is_paid_for() {
    let rate = Arc::new(Rate::default());
    rate.limit(Some(1));
    rate.charge(1_000_000);
    let short = Duration::from_millis(300);
    let guard = slow(1_000, PATIENCE, short, &CancellationToken::new(), rate);
    let (late, _) = read("echo here; exec sleep 100", &guard);
    assert!(matches!(late, Err(GitError::Deadline { .. })), "{late:?}");
    assert_eq!(guard.received(), 0);
}
