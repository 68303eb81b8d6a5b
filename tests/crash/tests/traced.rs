//! System calls on the state folder fail, or packd is ended at them. Needs strace.

use packd_crash::{scenario::SCENARIOS, traced::Recorded};

/// Two tests, for two processors.
fn sample(half: usize) {
    const EACH: usize = 6;
    let (mut wrong, mut missed, mut all) = (Vec::new(), Vec::new(), 0);
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        if number % 2 != half {
            continue;
        }
        let recorded = Recorded::run(scenario);
        for disturbance in recorded.sample(number, EACH) {
            let found = recorded.disturb(disturbance);
            let named = format!("{}: {disturbance}", scenario.name);
            wrong.extend(found.wrong.iter().map(|fault| format!("{named}: {fault}")));
            missed.extend((!found.reached).then_some(named));
            all += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // which thread does what varies, but not much
    assert!(
        missed.len() * 3 < all,
        "{missed:#?} of {all} were not reached"
    );
}

#[test]
fn a_call_that_fails_or_kills_leaves_a_sound_host() {
    sample(0);
}

#[test]
fn a_call_that_fails_or_kills_leaves_a_sound_host_in_the_other_scenarios() {
    sample(1);
}
