//! packd under load for some minutes; `tests/soak` builds and starts it.

#![expect(clippy::print_stdout, reason = "what was seen is what it is for")]
#![expect(
    clippy::unwrap_used,
    reason = "without its argument it has nothing to do"
)]

use std::process::ExitCode;

use packd_crash::soak::{self, Load};

/// The most that memory may have grown from the first minute to the last, in percent.
const GROWTH: u64 = 10;

fn main() -> ExitCode {
    let minutes: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let load = Load::of_minutes(minutes);
    println!("{load:?}");
    let seen = soak::run(&load);
    println!("{seen:?}");
    // three lives are a minute
    let mean = |lives: &[u64]| lives.iter().sum::<u64>() / lives.len().max(1) as u64;
    let first = mean(&seen.memory[..seen.memory.len().min(3)]);
    let last = mean(&seen.memory[seen.memory.len().saturating_sub(3)..]);
    println!(
        "{} jobs, each ended once; {} events, read without a gap by {} followers; killed {} times; \
         resident {first} kB in the first minute, {last} kB in the last; descriptors {} before, {} after",
        seen.jobs, seen.events, load.followers, seen.kills, seen.descriptors.0, seen.descriptors.1
    );
    if last * 100 > first * (100 + GROWTH) {
        println!("memory has grown by more than {GROWTH} %");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
