#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use proptest::prelude::*;

use super::*;

/// A day of some month, in the form of the database.
fn day(day: u32) -> String {
    format!("2026-03-{day:02}T00:00:00.000Z")
}

fn past(number: i64, activated: u32) -> Facts {
    Facts {
        number,
        status: GenerationStatus::Past,
        activation: Some(number),
        activated_at: Some(day(activated)),
        pinned: false,
    }
}

fn active(number: i64, activated: u32) -> Facts {
    Facts {
        status: GenerationStatus::Active,
        ..past(number, activated)
    }
}

fn rule(newest: usize, since: u32) -> Rule {
    Rule {
        newest,
        since: day(since),
    }
}

#[test]
fn the_newest_are_kept_and_the_young_ones_beyond_them() {
    let all = [past(1, 1), past(2, 2), past(3, 3), past(4, 4), active(5, 5)];
    let numbers = |newest, since| Vec::from_iter(kept(&all, &rule(newest, since)));
    assert_eq!(numbers(2, 20), [4, 5], "by number");
    assert_eq!(numbers(1, 2), [3, 4, 5], "by age");
    assert_eq!(numbers(10, 20), [1, 2, 3, 4, 5]);
}

#[test]
fn the_current_one_the_pending_and_the_pinned_stay_whatever_their_age() {
    let mut all = vec![active(1, 1), past(2, 2), past(3, 3), past(4, 4)];
    all[1].pinned = true;
    all.push(Facts {
        number: 5,
        status: GenerationStatus::Pending,
        activation: None,
        activated_at: None,
        pinned: false,
    });
    let kept = Vec::from_iter(kept(&all, &rule(1, 20)));
    assert_eq!(kept, [1, 2, 4, 5], "4 is the one newest");
}

#[test]
fn what_was_switched_to_again_is_new_again() {
    let mut again = active(1, 9);
    again.activation = Some(4);
    let all = [again, past(2, 2), past(3, 3)];
    assert_eq!(Vec::from_iter(kept(&all, &rule(2, 20))), [1, 3]);
}

prop_compose! {
    fn history()(
        facts in prop::collection::vec((1..29_u32, any::<bool>()), 1..40),
        at in any::<prop::sample::Index>(),
    ) -> Vec<Facts> {
        let active = at.index(facts.len());
        let facts = facts.into_iter().enumerate();
        facts
            .map(|(index, (activated, pinned))| {
                let number = i64::try_from(index).unwrap() + 1;
                let mut facts = past(number, activated);
                facts.pinned = pinned;
                if index == active {
                    facts.status = GenerationStatus::Active;
                }
                facts
            })
            .collect()
    }
}

proptest! {
    #[test]
    fn whatever_the_rule_what_must_stay_stays_and_nothing_else(
        all in history(), newest in 1..50_usize, since in 1..29_u32,
    ) {
        let rule = rule(newest, since);
        let kept = kept(&all, &rule);
        for facts in &all {
            let newer = all.iter().filter(|other| other.activation > facts.activation).count();
            let expected = facts.pinned
                || facts.status == GenerationStatus::Active
                || newer < newest
                || facts.activated_at.as_ref().unwrap() > &rule.since;
            prop_assert_eq!(kept.contains(&facts.number), expected, "{:?}", facts);
        }
    }

    #[test]
    fn who_keeps_more_loses_nothing(
        all in history(), newest in 1..50_usize, since in 2..29_u32,
    ) {
        let kept_now = kept(&all, &rule(newest, since));
        prop_assert!(kept_now.is_subset(&kept(&all, &rule(newest + 1, since))));
        prop_assert!(kept_now.is_subset(&kept(&all, &rule(newest, since - 1))));
    }

    #[test]
    fn what_was_collected_by_a_rule_leaves_nothing_for_the_same_rule(
        all in history(), newest in 1..50_usize, since in 1..29_u32,
    ) {
        let rule = rule(newest, since);
        let first = kept(&all, &rule);
        let left: Vec<Facts> =
            all.into_iter().filter(|facts| first.contains(&facts.number)).collect();
        prop_assert_eq!(kept(&left, &rule), first);
    }
}
