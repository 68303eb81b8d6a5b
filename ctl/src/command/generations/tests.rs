use insta::assert_snapshot;
use packd_wire::{GenerationPack, PinView};

use super::*;

fn change(pack_ref: &str, action: ChangeAction, from: &str, to: &str) -> GenerationChange {
    let version = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    GenerationChange {
        pack_ref: pack_ref.to_owned(),
        action,
        from: version(from),
        to: version(to),
    }
}

fn generation(number: i64, changes: Vec<GenerationChange>) -> GenerationView {
    GenerationView {
        number,
        current: number == 3,
        activated_at: Some("2026-03-01T09:00:00Z".to_owned()),
        by: Some("ada".to_owned()),
        job: number * 10,
        summary: Some("install slack".to_owned()),
        base: (number > 1).then(|| number - 1),
        changes,
        packs: 2,
        pin: (number == 1).then(|| PinView {
            reason: Some("before the move".to_owned()),
            by: "root".to_owned(),
            at: "2026-03-01T09:10:00Z".to_owned(),
        }),
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn now() -> Timestamp {
    "2026-03-01T09:30:00Z".parse().expect("a time")
}

#[test]
fn each_generation_is_a_line() {
    let list = GenerationList {
        generations: vec![
            generation(
                3,
                vec![
                    change("slack", ChangeAction::Downgrade, "2.0.0", "1.0.0"),
                    change("teams", ChangeAction::Remove, "1.0.0", ""),
                ],
            ),
            generation(2, vec![]),
            generation(
                1,
                ["a", "b", "c", "d", "e", "f"]
                    .map(|name| change(name, ChangeAction::Install, "", "1.0.0"))
                    .to_vec(),
            ),
        ],
        next: None,
    };
    assert_snapshot!(plain(&table(&list, now(), Width::Unlimited)), @"
    GENERATION  WHEN        BY   JOB  PACKS  NOTE     CHANGES
    3           30 min ago  ada  30   2      current  slack 2.0.0 -> 1.0.0, teams 1.0.0 removed
    2           30 min ago  ada  20   2      -        nothing
    1           30 min ago  ada  10   2      pinned   a 1.0.0 installed, b 1.0.0 installed, c 1.0.0 installed, d 1.0.0 installed and 2 more
    ");
    let none = GenerationList {
        generations: vec![],
        next: None,
    };
    assert_eq!(table(&none, now(), Width::Unlimited), "");
}

#[test]
fn a_generation_has_a_page() {
    let detail = GenerationDetail {
        generation: generation(1, vec![change("slack", ChangeAction::Install, "", "1.0.0")]),
        packs: vec![GenerationPack {
            pack_ref: "slack".to_owned(),
            version: "1.0.0".to_owned(),
            registry: Some("acme".to_owned()),
            tree: "sha256:00".to_owned(),
        }],
    };
    assert_snapshot!(plain(&page(&detail, now(), Width::Unlimited)), @"
    generation 1

    activated  2026-03-01 09:00:00 UTC, 30 min ago
    by         ada
    job        10, install slack
    pinned     2026-03-01 09:10:00 UTC, 20 min ago by root: before the move
    changes    slack 1.0.0 installed
    packs      2 packs

    REF    VERSION  REGISTRY
    slack  1.0.0    acme
    ");
}

#[test]
fn a_difference_is_a_table() {
    let both = [
        change("slack", ChangeAction::Upgrade, "1.0.0", "2.0.0"),
        change("teams", ChangeAction::Install, "", "1.0.0"),
    ];
    assert_snapshot!(plain(&changes(&both, Width::Unlimited)), @"
    REF    CHANGE   FROM   TO
    slack  upgrade  1.0.0  2.0.0
    teams  install  -      1.0.0
    ");
}
