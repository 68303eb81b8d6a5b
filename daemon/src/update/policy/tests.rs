#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_format::Entry;

use super::*;

/// Releases of a pack: `2.1.0`, `2.2.0 withdrawn`, `2.2.0 phased 25`.
pub(crate) fn releases(written: &[&str]) -> Vec<Release> {
    let release = |text: &&str| {
        let mut words = text.split(' ');
        let version = words.next().unwrap();
        let more = match (words.next(), words.next()) {
            (Some("withdrawn"), _) => r#", "yanked": true"#.to_owned(),
            (Some("phased"), Some(share)) => format!(r#", "phased": {share}"#),
            _ => String::new(),
        };
        format!(r#"{{"version": "{version}", "install_sources": []{more}}}"#)
    };
    let all: Vec<String> = written.iter().map(release).collect();
    let text = format!(r#"{{"ref": "slack", "versions": [{}]}}"#, all.join(","));
    Entry::parse(&text, None).map_or_else(|_| Vec::new(), |entry| entry.releases)
}

fn terms(allow: UpdateAllow, requirement: Option<&str>) -> Terms {
    Terms {
        mode: UpdateMode::Auto,
        allow,
        requirement: requirement.map(|text| text.parse().unwrap()),
    }
}

/// `2.3.0, 2.2.0`, or what keeps all of them away.
fn chosen(installed: &str, offered: &[&str], terms: &Terms, blocked: &[&str]) -> String {
    let installed: Version = installed.parse().unwrap();
    let is_blocked = |version: &Version| blocked.contains(&version.to_string().as_str());
    let host = Host::new("one");
    let choice = choose(
        ("slack", &installed),
        &releases(offered),
        terms,
        &host,
        is_blocked,
    );
    match choice.obstacle {
        Some((version, obstacle)) => format!("{version}: {obstacle:?}"),
        None => {
            let versions: Vec<_> = choice.permitted.iter().map(ToString::to_string).collect();
            versions.join(", ")
        }
    }
}

#[test]
fn levels_say_how_far_a_version_may_be() {
    for (from, to, expected) in [
        ("2.3.0", "2.3.1", "patch"),
        ("2.3.0", "2.4.0", "compatible"),
        ("2.3.0", "3.0.0", "any"),
        ("0.2.3", "0.2.4", "patch"),
        ("0.2.3", "0.3.0", "any"),
        ("0.2.3", "1.0.0", "any"),
        ("0.0.3", "0.0.4", "any"),
        ("0.0.3", "0.1.0", "any"),
        ("1.0.0-beta.1", "1.0.0-beta.2", "patch"),
        ("1.0.0-beta.1", "1.0.0", "patch"),
        ("1.0.0-beta.1", "1.1.0", "compatible"),
    ] {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        let first = UpdateAllow::ALL
            .into_iter()
            .find(|allow| is_within(*allow, &from, &to));
        assert_eq!(
            first.map(UpdateAllow::as_str),
            Some(expected),
            "{from} to {to}"
        );
        // the same as the semver crate has it
        let caret = semver_caret(&from).matches(&to, PreReleases::Include);
        assert_eq!(
            is_within(UpdateAllow::Compatible, &from, &to),
            caret,
            "{from} to {to}"
        );
    }
}

fn semver_caret(version: &Version) -> Requirement {
    format!("^{version}").parse().unwrap()
}

#[test]
fn what_may_come_is_newer_and_permitted_the_newest_first() {
    let compatible = terms(UpdateAllow::Compatible, None);
    let any = terms(UpdateAllow::Any, None);
    for (installed, offered, terms, blocked, expected) in [
        ("2.0.0", &["1.9.0", "2.0.0"][..], &compatible, &[][..], ""),
        (
            "2.0.0",
            &["2.0.1", "2.1.0", "3.0.0"],
            &compatible,
            &[],
            "2.1.0, 2.0.1",
        ),
        ("2.0.0", &["2.0.1", "3.0.0"], &any, &[], "3.0.0, 2.0.1"),
        ("2.0.0", &["2.1.0 withdrawn"], &compatible, &[], ""),
        ("2.0.0", &["3.0.0"], &compatible, &[], "3.0.0: Allow"),
        (
            "2.0.0",
            &["2.1.0", "2.2.0"],
            &compatible,
            &["2.2.0"],
            "2.1.0",
        ),
        (
            "2.0.0",
            &["2.1.0", "3.0.0"],
            &compatible,
            &["2.1.0"],
            "2.1.0: Blocked",
        ),
        (
            "2.0.0",
            &["2.1.0-rc.1"],
            &compatible,
            &[],
            "2.1.0-rc.1: PreRelease",
        ),
        (
            "2.1.0-rc.1",
            &["2.1.0-rc.2", "2.2.0-rc.1", "2.1.0"],
            &compatible,
            &[],
            "2.2.0-rc.1, 2.1.0, 2.1.0-rc.2",
        ),
        (
            "2.0.0",
            &["2.1.0 phased 0"],
            &compatible,
            &[],
            "2.1.0: Phase(0)",
        ),
        (
            "2.0.0",
            &["2.1.0 phased 0", "2.0.5"],
            &compatible,
            &[],
            "2.0.5",
        ),
        ("2.0.0", &["2.1.0 phased 100"], &compatible, &[], "2.1.0"),
        (
            "2.0.0",
            &["2.1.0 phased 0", "3.0.0"],
            &compatible,
            &[],
            "2.1.0: Phase(0)",
        ),
    ] {
        assert_eq!(
            chosen(installed, offered, terms, blocked),
            expected,
            "{installed} {offered:?}"
        );
    }
    let pinned = terms(UpdateAllow::Any, Some("<2.1"));
    assert_eq!(chosen("2.0.0", &["2.0.9", "2.1.0"], &pinned, &[]), "2.0.9");
    assert_eq!(
        chosen("2.0.9", &["2.0.9", "2.1.0"], &pinned, &[]),
        "2.1.0: Requirement"
    );
}

#[test]
fn decisions_have_an_order() {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    let later = now
        .saturating_add(jiff::SignedDuration::from_hours(1))
        .unwrap();
    let newer = Choice {
        newest: Some("2.1.0".parse().unwrap()),
        permitted: vec!["2.1.0".parse().unwrap()],
        ..Choice::default()
    };
    let kept = |obstacle| Choice {
        permitted: Vec::new(),
        obstacle: Some(("2.1.0".parse().unwrap(), obstacle)),
        ..newer.clone()
    };
    let nothing = Circumstances::default();
    let held = Circumstances {
        is_held: true,
        ..nothing
    };
    let frozen = Circumstances {
        is_frozen: true,
        ..nothing
    };
    let tried = Circumstances {
        tried_until: Some(later),
        ..nothing
    };
    let all = Circumstances {
        is_held: true,
        is_frozen: true,
        tried_until: Some(later),
    };
    for (mode, choice, circumstances, expected) in [
        (
            UpdateMode::Auto,
            Choice::default(),
            all,
            UpdateDecision::UpToDate,
        ),
        (UpdateMode::Off, newer.clone(), all, UpdateDecision::Off),
        (UpdateMode::Auto, newer.clone(), all, UpdateDecision::Held),
        (
            UpdateMode::Notify,
            newer.clone(),
            held,
            UpdateDecision::Held,
        ),
        (
            UpdateMode::Notify,
            newer.clone(),
            frozen,
            UpdateDecision::Notify,
        ),
        (
            UpdateMode::Auto,
            newer.clone(),
            frozen,
            UpdateDecision::Frozen,
        ),
        (
            UpdateMode::Auto,
            newer.clone(),
            tried,
            UpdateDecision::Failed,
        ),
        (
            UpdateMode::Auto,
            newer.clone(),
            nothing,
            UpdateDecision::Due,
        ),
        (
            UpdateMode::Auto,
            kept(Obstacle::Allow),
            frozen,
            UpdateDecision::Policy,
        ),
        (
            UpdateMode::Auto,
            kept(Obstacle::PreRelease),
            nothing,
            UpdateDecision::Policy,
        ),
        (
            UpdateMode::Auto,
            kept(Obstacle::Requirement),
            nothing,
            UpdateDecision::Requirement,
        ),
        (
            UpdateMode::Auto,
            kept(Obstacle::Blocked),
            nothing,
            UpdateDecision::Blocked,
        ),
        (
            UpdateMode::Auto,
            kept(Obstacle::Phase(10)),
            nothing,
            UpdateDecision::Phase,
        ),
    ] {
        assert_eq!(
            decide(mode, &choice, circumstances, now),
            expected,
            "{mode:?} {choice:?}"
        );
    }
    assert_eq!(
        decide(UpdateMode::Auto, &newer, tried, later),
        UpdateDecision::Due
    );
}

#[test]
fn what_is_said_of_a_pack_comes_before_what_is_said_of_its_registry_and_of_all() {
    let mut updates = Updates::default();
    let url = "https://packs.example/index.json".parse().unwrap();
    let mut registry = Registry::new("acme", url);
    let modes = |updates: &Updates, registry: &Registry| {
        let terms = Terms::of(updates, Some(registry), "slack");
        (terms.mode, terms.allow)
    };
    assert_eq!(
        modes(&updates, &registry),
        (UpdateMode::Auto, UpdateAllow::Compatible)
    );
    registry.updates.mode = Some(UpdateMode::Notify);
    registry.updates.allow = Some(UpdateAllow::Any);
    assert_eq!(
        modes(&updates, &registry),
        (UpdateMode::Notify, UpdateAllow::Any)
    );
    let pack = crate::config::PackUpdate {
        mode: Some(UpdateMode::Off),
        allow: None,
        version: Some("^2".parse().unwrap()),
    };
    updates.packs.0.insert("slack".parse().unwrap(), pack);
    assert_eq!(
        modes(&updates, &registry),
        (UpdateMode::Off, UpdateAllow::Any)
    );
    assert!(
        Terms::of(&updates, Some(&registry), "jira")
            .requirement
            .is_none()
    );
}
