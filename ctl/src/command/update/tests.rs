use insta::assert_snapshot;
use packd_wire::{UpdateAllow, UpdateMode};

use super::*;
use crate::command::show::tests::now;

fn update(decision: UpdateDecision, reason: &str, next: Option<&str>) -> UpdateView {
    UpdateView {
        pack_ref: "slack".to_owned(),
        installed: "2.0.0".to_owned(),
        registry: Some("acme".to_owned()),
        available: Some("2.1.0".to_owned()),
        candidate: Some("2.1.0".to_owned()),
        mode: UpdateMode::Auto,
        allow: UpdateAllow::Compatible,
        decision,
        reason: reason.to_owned(),
        next: next.map(ToOwned::to_owned),
        job: None,
    }
}

fn plain(update: &UpdateView) -> String {
    anstream::adapter::strip_str(&block(update, now())).to_string()
}

#[test]
fn a_pack_is_explained_in_a_few_lines() {
    let window = update(
        UpdateDecision::Window,
        "2.1.0 is installed in the next window",
        Some("2026-03-07T02:11:00.000Z"),
    );
    assert_snapshot!(plain(&window), @r"
    slack 2.0.0  waits for a window
      2.1.0 is installed in the next window
      begins: 2026-03-07 02:11:00 UTC, in 5 days
      rules: mode auto, allow compatible; from registry acme
    ");
}

#[test]
fn what_came_from_no_registry_has_no_rules() {
    let local = UpdateView {
        registry: None,
        available: None,
        ..update(
            UpdateDecision::NoRegistry,
            "it came from no registry, so that nobody knows of newer versions",
            None,
        )
    };
    assert_snapshot!(plain(&local), @r"
    slack 2.0.0  cannot be updated
      it came from no registry, so that nobody knows of newer versions
    ");
}

#[test]
fn nothing_that_somebody_wrote_changes_the_screen() {
    let held = update(UpdateDecision::Held, "it is held, by ada\u{1b}[31m", None);
    assert!(!block(&held, now()).contains("\u{1b}[31m"));
}

#[test]
fn every_decision_has_words() {
    for decision in UpdateDecision::ALL {
        assert!(!verdict(decision).is_empty(), "{decision:?}");
    }
}
