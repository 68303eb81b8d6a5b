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
    if let Some((version, obstacle)) = choice.obstacle {
        return format!("{version}: {obstacle:?}");
    }
    let versions: Vec<_> = choice.permitted.iter().map(ToString::to_string).collect();
    versions.join(", ")
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

/// 2.1.0 is newer, and nothing keeps it away, or this does.
fn newer(obstacle: Option<Obstacle>) -> Choice {
    let version: Version = "2.1.0".parse().unwrap();
    Choice {
        newest: Some(version.clone()),
        permitted: obstacle.map_or_else(|| vec![version.clone()], |_| Vec::new()),
        obstacle: obstacle.map(|obstacle| (version, obstacle)),
        of_newest: obstacle,
    }
}

const NOON: Timestamp = Timestamp::constant(1_772_366_400, 0);
const LATER: Timestamp = Timestamp::constant(1_772_370_000, 0);

#[test]
fn decisions_have_an_order() {
    use UpdateDecision as Is;
    use UpdateMode::{Auto, Notify, Off};
    let circumstances = |is_held, is_frozen, is_tried: bool| Circumstances {
        is_held,
        is_frozen,
        tried_until: is_tried.then_some(LATER),
    };
    let all = circumstances(true, true, true);
    for (mode, choice, circumstances, expected) in [
        (Auto, Choice::default(), all, Is::UpToDate),
        (Off, newer(None), all, Is::Off),
        (Auto, newer(None), all, Is::Held),
        (
            Notify,
            newer(None),
            circumstances(true, false, false),
            Is::Held,
        ),
        (
            Notify,
            newer(None),
            circumstances(false, true, true),
            Is::Notify,
        ),
        (
            Auto,
            newer(None),
            circumstances(false, true, true),
            Is::Frozen,
        ),
        (
            Auto,
            newer(None),
            circumstances(false, false, true),
            Is::Failed,
        ),
        (
            Auto,
            newer(None),
            circumstances(false, false, false),
            Is::Due,
        ),
    ] {
        assert_eq!(
            decide(mode, &choice, circumstances, NOON),
            expected,
            "{mode:?} {choice:?}"
        );
    }
    let tried = circumstances(false, false, true);
    assert_eq!(decide(Auto, &newer(None), tried, LATER), Is::Due);
}

#[test]
fn what_keeps_a_version_away_has_a_name() {
    use UpdateDecision as Is;
    for (obstacle, expected) in [
        (Obstacle::Allow, Is::Policy),
        (Obstacle::PreRelease, Is::Policy),
        (Obstacle::Requirement, Is::Requirement),
        (Obstacle::Blocked, Is::Blocked),
        (Obstacle::Phase(10), Is::Phase),
    ] {
        let choice = newer(Some(obstacle));
        let decision = decide(UpdateMode::Auto, &choice, Circumstances::default(), NOON);
        assert_eq!(decision, expected, "{obstacle:?}");
    }
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
