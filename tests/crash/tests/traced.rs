//! System calls on the state folder fail, or packd is ended at them. Needs strace.

use packd_crash::{scenario::SCENARIOS, traced::Recorded};

/// Two tests, for two processors.
fn sample(half: usize) {
    const EACH: usize = 6;
    let mut wrong = Vec::new();
    for (number, scenario) in SCENARIOS
        .iter()
        .enumerate()
        .filter(|(number, _)| number % 2 == half)
    {
        let recorded = Recorded::run(scenario);
        for disturbance in recorded.sample(number, EACH) {
            for fault in recorded.disturb(disturbance) {
                wrong.push(format!("{}: {disturbance}: {fault}", scenario.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_call_that_fails_or_kills_leaves_a_sound_host() {
    sample(0);
}

#[test]
fn a_call_that_fails_or_kills_leaves_a_sound_host_in_the_other_scenarios() {
    sample(1);
}
