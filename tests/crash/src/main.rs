//! Everything of which the tests take a sample; `tests/crash/all` builds and starts it.
//!
//! Arguments: `points`, `traced`, names of scenarios; none of a kind stand for all of it.

#![expect(clippy::print_stdout, reason = "progress and table are what it is for")]

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use packd_crash::{
    points::{Strike, Undisturbed},
    scenario::{SCENARIOS, Scenario},
    traced::Recorded,
};

/// How runs ended, by harness, scenario and what was done.
#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<[String; 3], [usize; 3]>,
    wrong: Vec<String>,
}

/// How one run ended.
enum End {
    Good,
    Missed,
    Wrong(String),
}

impl Table {
    fn count(&mut self, row: [&str; 3], what: &str, end: End) {
        let counts = self.rows.entry(row.map(ToOwned::to_owned)).or_default();
        let [harness, scenario, _] = row;
        let said = match end {
            End::Good => {
                counts[0] += 1;
                "ok"
            }
            End::Missed => {
                counts[1] += 1;
                "not reached"
            }
            End::Wrong(why) => {
                counts[2] += 1;
                self.wrong
                    .push(format!("{harness} {scenario}: {what}: {why}"));
                "WRONG"
            }
        };
        println!("{harness} {scenario}: {what}: {said}");
    }

    fn print(&self) {
        println!(
            "\n| harness | scenario | what | ok | not reached | wrong |\n|---|---|---|---|---|---|"
        );
        for ([harness, scenario, what], [good, missed, wrong]) in &self.rows {
            println!("| {harness} | {scenario} | {what} | {good} | {missed} | {wrong} |");
        }
        for wrong in &self.wrong {
            println!("\n{wrong}");
        }
    }
}

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let (harnesses, names): (Vec<_>, Vec<_>) = asked
        .iter()
        .map(String::as_str)
        .partition(|word| matches!(*word, "points" | "traced"));
    for name in &names {
        assert!(
            SCENARIOS.iter().any(|scenario| scenario.name == *name),
            "there is no scenario `{name}`"
        );
    }
    let wanted = |word: &str| harnesses.is_empty() || harnesses.contains(&word);
    let mut table = Table::default();
    for scenario in SCENARIOS
        .iter()
        .filter(|scenario| names.is_empty() || names.contains(&scenario.name))
    {
        if wanted("points") {
            points(&mut table, scenario);
        }
        if wanted("traced") {
            traced(&mut table, scenario);
        }
    }
    table.print();
    if table.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn points(table: &mut Table, scenario: &'static Scenario) {
    let undisturbed = Undisturbed::run(scenario);
    for (point, nth) in undisturbed.all() {
        let end = tried(|| match undisturbed.strike(point, nth) {
            Strike::Hit => End::Good,
            Strike::Missed => End::Missed,
        });
        table.count(
            ["points", scenario.name, point],
            &format!("{point} {nth}"),
            end,
        );
    }
}

fn traced(table: &mut Table, scenario: &'static Scenario) {
    let recorded = Recorded::run(scenario);
    for disturbance in recorded.all() {
        let end = tried(|| {
            let found = recorded.disturb(disturbance);
            match (found.wrong.as_slice(), found.reached) {
                ([], true) => End::Good,
                ([], false) => End::Missed,
                (wrong, _) => End::Wrong(wrong.join("\n")),
            }
        });
        let row = format!("{} {}", disturbance.group(), disturbance.fault());
        table.count(
            ["traced", scenario.name, &row],
            &disturbance.to_string(),
            end,
        );
    }
}

/// One failure is no reason to end.
fn tried(run: impl FnOnce() -> End) -> End {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        End::Wrong(text.unwrap_or_else(|| "a panic".to_owned()))
    })
}
