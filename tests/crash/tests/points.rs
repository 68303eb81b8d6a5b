//! packd is ended at its named points.

use std::{collections::BTreeSet, path::Path};

use packd::fault::POINTS;
use packd_crash::{
    points::{Strike, Undisturbed},
    scenario::SCENARIOS,
};

#[test]
fn every_point_of_the_list_is_in_the_code_once_or_more_and_none_is_missing_there() {
    fn read(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, found);
            } else {
                let text = fs_err::read_to_string(&path).unwrap();
                let calls = text.split("fault::point(\"").skip(1);
                found.extend(calls.map(|call| call.split('"').next().unwrap().to_owned()));
            }
        }
    }
    let mut found = BTreeSet::new();
    read(
        &packd_tests::support::programs::source().join("daemon/src"),
        &mut found,
    );
    let listed: BTreeSet<String> = POINTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed);
    assert_eq!(listed.len(), POINTS.len(), "no point has two lines");
}

#[test]
fn every_point_is_passed_by_some_scenario() {
    let mut never: BTreeSet<&str> = POINTS.iter().map(|(name, _)| *name).collect();
    for scenario in SCENARIOS {
        let passed = Undisturbed::run(scenario).passed;
        never.retain(|point| !passed.contains_key(point));
        for point in scenario.own {
            assert!(
                passed.contains_key(point),
                "{} never comes by `{point}`",
                scenario.name
            );
        }
    }
    assert!(never.is_empty(), "no scenario comes by {never:?}");
}

/// Two tests, for two processors.
fn sample(half: usize) {
    for (number, scenario) in SCENARIOS
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 2 == half)
    {
        let undisturbed = Undisturbed::run(scenario);
        for (point, nth) in undisturbed.sample(number) {
            let struck = undisturbed.strike(point, nth);
            // how many transactions there are depends on what else happens
            let varies = point.starts_with("database.");
            assert!(
                struck == Strike::Hit || varies,
                "{}: `{point}` {nth}",
                scenario.name
            );
        }
    }
}

#[test]
fn packd_ended_at_any_point_leaves_a_host_that_ends_the_same() {
    sample(0);
}

#[test]
fn packd_ended_at_any_point_leaves_a_host_that_ends_the_same_in_the_other_scenarios() {
    sample(1);
}
