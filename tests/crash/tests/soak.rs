//! A few seconds of what `tests/soak` does for minutes.

use std::time::Duration;

use packd_crash::soak::{self, Load};

#[test]
fn a_daemon_that_is_killed_under_load_loses_no_job_and_no_event() {
    let load = Load {
        time: Duration::from_secs(12),
        jobs: 60,
        followers: 20,
        pollers: 8,
        life: Duration::from_secs(3),
    };

    let seen = soak::run(&load);

    assert!(seen.jobs >= load.jobs && seen.events > 0, "{seen:?}");
    assert!(seen.kills >= 3, "{seen:?}");
}
