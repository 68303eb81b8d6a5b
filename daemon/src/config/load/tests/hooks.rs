//! Hooks, and how the health of the host is asked for.

use packd_wire::EventKind;

use super::*;
use crate::config::{Health, Hook, HookFailure};

#[test]
fn hooks_are_read_and_named_after_their_programs() {
    let host = Host::new(
        "hooks:
  - {on: [generation_activated], command: [/bin/sh, -c, 'exit 0'], on_failure: rollback}
  - {name: mail, on: [job_failed, registry_failed], command: [/bin/sh], timeout: 5m}
  - {on: [job_failed], command: [/bin/sh]}
updates:
  health: {command: [/bin/sh, -c, 'exit 0'], timeout: 10s, watch_for: 1h, every: 5m, tests: false}
",
    );
    let effective = host.effective();
    assert_eq!(effective.warnings, Vec::<String>::new());
    let hooks = &effective.config.hooks;
    let names: Vec<_> = hooks.iter().map(Hook::name).collect();
    assert_eq!(names, ["sh", "mail", "sh-2"]);
    assert_eq!(
        (hooks[0].on_failure, hooks[0].timeout),
        (HookFailure::Rollback, Duration::from_mins(1))
    );
    assert!(hooks[1].on.has(EventKind::RegistryFailed));
    assert!(!hooks[1].on.has(EventKind::GenerationActivated));
    let health = Health {
        commands: vec![["/bin/sh", "-c", "exit 0"].map(str::to_owned).to_vec()],
        tests: false,
        timeout: Duration::from_secs(10),
        watch_for: Duration::from_hours(1),
        every: Duration::from_mins(5),
    };
    assert_eq!(effective.config.updates.health, health);

    // what is shown can be read again
    let again = Host::new(&effective.render()).effective();
    assert_eq!(again.config.hooks, effective.config.hooks);
    assert_eq!(again.config.updates, effective.config.updates);
}

#[test]
fn what_is_wrong_with_a_hook_is_said_with_what_was_meant() {
    let host = Host::new(
        "hooks:
  - {on: [generation_activatd], command: [/bin/true]}
  - {on: [downloading], command: [/bin/true]}
  - {on: [], command: [/bin/true]}
  - {on: [job_failed], command: [notify.sh]}
  - {on: [job_failed], command: []}
  - {on: [job_failed], command: [/bin/true], on_failure: rollback}
  - {name: a b, on: [job_failed], command: [/bin/true], timeout: 2d}
  - {name: one, on: [job_failed], command: [/bin/true]}
  - {name: one, on: [job_failed], command: [/bin/true], shell: true}
  - {name: two, on: [job_failed], command: [/bin/true]}
  - {name: two, on: [job_failed], command: [/bin/true]}
  - {command: [/bin/true]}
updates:
  health: {commands: [[/bin/true], [check]], command: [/bin/true], every: 0s, wach_for: 1m}
",
    );
    assert_snapshot!(host.problems(), @r"
    packd.yaml:2: `hooks[0].on[0]` is `generation_activatd`, which is no kind of events, did you mean `generation_activated`?
    packd.yaml:3: `hooks[1].on[0]` is `downloading`, for which no hook can be run; hooks can be run for: job_succeeded job_failed job_cancelled pack_installed pack_updated pack_removed pack_damaged pack_repaired generation_activated health_failed registry_refreshed registry_failed update_available
    packd.yaml:4: `hooks[2].on` must name a kind of events
    packd.yaml:5: `hooks[3].command` must name a program by its absolute path, not `notify.sh`
    packd.yaml:6: `hooks[4].command` must name a program
    packd.yaml:7: `hooks[5].on_failure` can be `rollback` only with `on: [generation_activated]`
    packd.yaml:8: `hooks[6].name` must be 1 to 64 letters, digits, `-`, `_` and `.`
    packd.yaml:8: `hooks[6].timeout` must be from 1s to 1h, not 2d
    packd.yaml:10: `hooks[8].shell` is not a known key; known here: name on command timeout on_failure
    packd.yaml:10: `hooks[8].name` is `one`, as is that of another hook
    packd.yaml:12: `hooks[10].name` is `two`, as is that of another hook
    packd.yaml:13: `hooks[11].on` is missing
    packd.yaml:15: `updates.health.wach_for` is not a known key; known here: command commands tests timeout watch_for every
    ");
    let host = Host::new(
        "updates:\n  health: {commands: [[/bin/true], [check]], command: [/bin/true], every: 0s}\n",
    );
    assert_snapshot!(host.problems(), @r"
    packd.yaml:2: `updates.health` has `command` and `commands`; one of them will do
    packd.yaml:2: `updates.health.every` must be from 1s to 1d
    packd.yaml:2: `updates.health.commands[1]` must name a program by its absolute path, not `check`
    ");
}

#[test]
fn a_program_that_is_not_there_is_a_warning() {
    let host = Host::new(
        "hooks: [{on: [job_failed], command: [/nonexistent/a]}]
updates: {health: {command: [/nonexistent/b]}}
",
    );
    assert_eq!(
        host.effective().warnings,
        [
            "`hooks[0].command` cannot be run: `/nonexistent/a` is no program",
            "`updates.health.commands` cannot be run: `/nonexistent/b` is no program"
        ]
    );
}
