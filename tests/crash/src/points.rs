//! The first harness: packd ends at each of its named points, and the host ends as if it had not.

use std::{collections::BTreeMap, os::unix::process::ExitStatusExt as _};

use packd::fault::POINTS;
use packd_tests::Packd;
use packd_wire::JobStatus;

use crate::{client, facts::Facts, scenario::Scenario, scene::Scene, sound};

const KEY: &str = "asked-once";
const FAULT: &str = "PACKD_FAULT";

/// A scenario and its undisturbed run.
#[derive(Debug)]
pub struct Undisturbed {
    scene: Scene,
    /// How the host ended.
    end: Facts,
    /// How often each point was passed.
    pub passed: BTreeMap<&'static str, usize>,
}

/// What came of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// packd was ended there, and the host ended the same.
    Hit,
    /// This time packd did not come by so often.
    Missed,
}

impl Undisturbed {
    /// Runs a scenario undisturbed.
    #[must_use]
    pub fn run(scenario: &'static Scenario) -> Self {
        let scene = Scene::of(scenario);
        let mut packd = scene.host();
        let seen = packd.config_file().with_file_name("seen");
        packd.with_environment("PACKD_FAULT_SEEN", &seen);
        packd.begin();
        let job = client::insist(&packd, &scene.request, KEY);
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
        (scenario.after)(&packd, job.id);
        packd.terminate();
        let end = end(&packd);
        let seen = fs_err::read_to_string(seen).unwrap();
        let passed = POINTS.iter().filter_map(|(name, _)| {
            let count = seen.lines().filter(|line| line == name).count();
            (count > 0).then_some((*name, count))
        });
        let passed = passed.collect();
        Self { scene, end, passed }
    }

    /// The runs of a sample: some of the points, each once, and transactions from the first to the last.
    #[must_use]
    pub fn sample(&self, number: usize) -> Vec<(&'static str, usize)> {
        const EVERY: usize = 3;
        let mut runs = Vec::new();
        for (position, (point, _)) in POINTS.iter().enumerate() {
            let Some(count) = self.passed.get(point) else {
                continue;
            };
            if self.scene.scenario.own.contains(point) || (position + number).is_multiple_of(EVERY)
            {
                // another one of the many in each scenario
                runs.push((*point, 1 + (number * 7) % count));
            }
        }
        runs
    }

    /// Every run.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, usize)> {
        let passed = self.passed.iter();
        passed
            .flat_map(|(point, count)| (1..=*count).map(|nth| (*point, nth)))
            .collect()
    }

    /// Ends packd when it comes by a point for the n-th time, starts it again, and insists that the host ends as in
    /// the undisturbed run.
    pub fn strike(&self, point: &str, nth: usize) -> Strike {
        let mut packd = self.scene.host();
        if point.starts_with("recover.") && self.passed.contains_key("current.switched") {
            // there is something to recover
            self.end_at(&mut packd, "current.switched:1");
        }
        let struck = self.end_at(&mut packd, &format!("{point}:{nth}"));
        packd.with_environment(FAULT, "");
        packd.begin();
        let job = client::insist(&packd, &self.scene.request, KEY);
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
        (self.scene.scenario.after)(&packd, job.id);
        packd.terminate();
        assert_eq!(end(&packd), self.end, "the host ends the same");
        struck
    }

    fn end_at(&self, packd: &mut Packd, fault: &str) -> Strike {
        packd.with_environment(FAULT, fault);
        if !packd.begins() {
            return Strike::Hit;
        }
        // it dies before it answers, or afterwards, or never comes by
        let said = client::ask(packd, &self.scene.request, KEY);
        let status = packd.ends().unwrap();
        match status.signal() {
            Some(9) => Strike::Hit,
            _ if status.success() => Strike::Missed,
            _ => panic!("packd ended with {status} after {said:?}:\n{}", packd.log()),
        }
    }
}

fn end(packd: &Packd) -> Facts {
    let faults = sound::faults(&packd.state_dir());
    assert!(faults.is_empty(), "{faults:#?}\n{}", packd.log());
    Facts::of(&packd.state_dir())
}
