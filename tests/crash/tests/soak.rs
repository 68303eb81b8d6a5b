//! One minute of what `tests/soak` does for longer, with a load that builds for tests can bear.

use packd_crash::soak::{self, Load};

#[test]
fn a_daemon_that_is_killed_under_load_loses_no_job_and_no_event() {
    let load = Load {
        jobs: 200,
        followers: 100,
        pollers: 25,
        ..Load::of_minutes(1)
    };

    let seen = soak::run(&load);

    assert!(seen.jobs >= load.jobs && seen.events > 0, "{seen:?}");
    assert!(seen.kills >= 2, "{seen:?}");
}
