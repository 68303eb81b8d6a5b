//! What may be written about updates, and what is said of the rest.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use jiff::civil::{Weekday, time};

use super::super::{Args, ConfigError, Effective, Environment, Inputs, Zone, load};
use super::*;

fn loaded(text: &str) -> Result<Effective, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("packd.yaml");
    fs_err::write(&config, text).unwrap();
    let args = Args {
        config: Some(config),
        ..Args::default()
    };
    load(&Inputs::new(&args, Environment::default()))
}

#[test]
fn everything_that_can_be_said_is_understood_and_shown_so_that_it_can_be_read_again() {
    let text = r#"
registries:
  - name: acme
    url: https://packs.example/index.json
    updates: {mode: notify}
updates:
  mode: off
  allow: patch
  windows:
    - {days: [sun, sat], from: 22:30, to: 05:00, tz: Europe/Berlin}
    - {from: "12:00", to: "24:00"}
  splay: 5m
  packs: {slack: {mode: auto, version: ^2}, jira: {allow: any}}
"#;
    let effective = loaded(text).unwrap();
    let updates = &effective.config.updates;
    assert_eq!(
        (updates.mode, updates.allow),
        (UpdateMode::Off, UpdateAllow::Patch)
    );
    let [night, noon] = updates.windows.0.as_slice() else {
        panic!("two windows: {updates:?}");
    };
    assert_eq!(night.days, [Weekday::Saturday, Weekday::Sunday]);
    assert_eq!(
        (night.from, night.to),
        (time(22, 30, 0, 0), time(5, 0, 0, 0))
    );
    assert_eq!((noon.days.len(), &noon.zone), (7, &Zone::Local));
    assert_eq!(noon.to, time(0, 0, 0, 0));
    let slack = &updates.packs.0[&"slack".parse::<PackRef>().unwrap()];
    assert_eq!(slack.mode, Some(UpdateMode::Auto));
    let acme = effective.config.registry("acme").unwrap();
    assert_eq!(acme.updates.mode, Some(UpdateMode::Notify));
    let again = loaded(&effective.render()).unwrap();
    assert_eq!(again.config, effective.config, "{}", effective.render());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (written, said) in [
        (
            "mode: sometimes",
            "`updates.mode` must be `auto`, `notify` or `off`, not `sometimes`",
        ),
        ("windows: 5", "`updates.windows` must be a list of windows"),
        (
            "windows: [{from: 02:00}]",
            "`updates.windows[0]` needs both `from` and `to`",
        ),
        (
            "windows: [{from: 2:00, to: 03:00}]",
            "`updates.windows[0].from` must be a time of the day",
        ),
        (
            "windows: [{from: 02:00, to: 25:00}]",
            "`updates.windows[0].to` must be a time of the day",
        ),
        (
            "windows: [{from: 02:00, to: 02:00}]",
            "opens and closes at the same time",
        ),
        (
            "windows: [{from: 02:00, to: 03:00, day: [sat]}]",
            "`updates.windows[0].day` is not a known key; known here: days from to tz",
        ),
        (
            "windows: [{from: 02:00, to: 03:00, days: [someday]}]",
            "`updates.windows[0].days` must be a list of `mon`",
        ),
        (
            "windows: [{from: 02:00, to: 03:00, days: []}]",
            "`updates.windows[0].days` must be a list of `mon`",
        ),
        (
            "windows: [{from: 02:00, to: 03:00, tz: Mars/Base}]",
            "`updates.windows[0].tz` must be `local`",
        ),
        ("splay: 2d", "`updates.splay` must be from 0 to 1d, not 2d"),
        (
            "packs: {slack: {version: two}}",
            "`updates.packs.slack.version` must be a requirement such as `^2`",
        ),
        (
            "packs: {slack: {mod: auto}}",
            "`updates.packs.slack.mod` is not a known key",
        ),
        (
            "packs: {A b: {mode: auto}}",
            "`updates.packs.A b` is about no pack",
        ),
        ("packs: [slack]", "`updates.packs` must be refs of packs"),
    ] {
        let error = loaded(&format!("updates: {{{written}}}")).unwrap_err();
        let told: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
        assert!(
            told.iter().any(|line| line.contains(said)),
            "{written}: {told:?}"
        );
        assert_eq!(told.len(), 1, "{written}: {told:?}");
    }
}
