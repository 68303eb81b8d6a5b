#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use insta::assert_snapshot;
use packd_wire::{QueueView, Role};

use super::*;
use crate::command::registry::tests::registry;
use crate::command::show::tests::now;

fn status() -> StatusView {
    StatusView {
        version: "0.1.0".to_owned(),
        api: 1,
        features: Vec::new(),
        started_at: "2026-03-01T00:00:00Z".to_owned(),
        uptime_seconds: 43_500,
        pid: 812,
        state_dir: "/var/lib/packd".to_owned(),
        generation: Some(7),
        packs: 12,
        queue: QueueView {
            queued: 1,
            running: 2,
            succeeded: 30,
            failed: 4,
            cancelled: 5,
        },
        last_event: 119,
        registries: vec![registry("acme", RegistryState::Ok)],
        updates: UpdatesSummary::default(),
        degraded: None,
        checks_database: false,
        problems: Vec::new(),
        role: Role::Operator,
    }
}

fn plain(status: &StatusView) -> String {
    let page = page(
        status,
        Path::new("/run/packd/packd.sock"),
        now(),
        Width::Unlimited,
    );
    anstream::adapter::strip_str(&page).to_string()
}

#[test]
fn a_daemon_that_is_well_says_so_first() {
    assert_snapshot!(plain(&status()), @r"
    packd is well

    packs       12
    generation  7
    jobs        1 queued, 2 running; 30 succeeded, 4 failed, 5 cancelled
    updates     0 pending
    version     0.1.0 (API 1), up 12 h 5 min, pid 812
    state       /var/lib/packd
    socket      /run/packd/packd.sock
    you are     operator

    NAME  STATE  PACKS  READ     PRIORITY  TRUST     URL
    acme  ok     42     1 h ago  100       checksum  https://acme.example/index.json
    ");
}

#[test]
fn problems_come_first_and_fit_the_screen() {
    let mut ill = status();
    ill.problems = (1..=10).map(|number| format!("problem {number}")).collect();
    ill.generation = None;
    ill.registries.clear();
    assert_snapshot!(plain(&ill), @r"
    packd has 10 problems
      ! problem 1
      ! problem 2
      ! problem 3
      ! problem 4
      ! problem 5
      ! problem 6
      ! problem 7
      ! problem 8
      … and 2 more

    packs       12
    generation  none yet
    jobs        1 queued, 2 running; 30 succeeded, 4 failed, 5 cancelled
    updates     0 pending
    version     0.1.0 (API 1), up 12 h 5 min, pid 812
    state       /var/lib/packd
    socket      /run/packd/packd.sock
    you are     operator

    no registry is configured
    ");
    assert!(
        plain(&ill).lines().count() <= 24,
        "it is more than a screen"
    );
}

#[test]
fn whatever_is_wrong_it_fits_on_one_screen_and_the_worst_is_first() {
    let mut view = status();
    view.problems = (0..40).map(|number| format!("problem {number}")).collect();
    view.registries = (0..60)
        .map(|number| {
            let state = match number {
                57 => RegistryState::Failed,
                _ => RegistryState::Ok,
            };
            registry(&format!("r{number}"), state)
        })
        .collect();
    let page = plain(&view);
    assert!(page.lines().count() <= 24, "{page}");
    assert!(
        page.starts_with("packd has 40 problems\n  ! problem 0\n"),
        "{page}"
    );
    let table = page.split_once("NAME").unwrap().1;
    assert!(table.lines().nth(1).unwrap().starts_with("r57"), "{page}");
    assert!(page.ends_with("more: packctl registry list\n"), "{page}");
    view.problems.clear();
    view.registries.truncate(11);
    let page = plain(&view);
    assert!(page.lines().count() <= 24 && page.contains("r10"), "{page}");
}
