//! How fast packd is, beside what people would use instead, on the same machine in the same run.
//!
//! `tests/bench/run` builds and starts it. Absolute times move with the machine;
//! ratios move less, so each row names its peer, and both were measured in turn.

#![expect(clippy::print_stdout, reason = "the table is what it is for")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails has no result")]
#![expect(
    clippy::similar_names,
    reason = "`packd` and its `packs` are what is measured"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts and times here are far below 2^52"
)]

mod checksum;
mod followers;
mod footprint;
mod git;
mod index;
mod install;
mod load;
mod many;
mod measure;
mod neighbours;
mod refresh;
mod requests;
mod resolve;
mod update;

use measure::Table;

/// A name for the command line, and what it stands for.
type Part = (&'static str, fn(&mut Table));

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let mut table = Table::default();
    let parts: [Part; 11] = [
        ("install", install::run),
        ("update", update::run),
        ("git", git::run),
        ("requests", requests::run),
        ("followers", followers::run),
        ("footprint", footprint::run),
        ("many", many::run),
        ("checksum", checksum::run),
        ("index", index::run),
        ("resolve", resolve::run),
        ("refresh", refresh::run),
    ];
    for name in &asked {
        assert!(
            parts.iter().any(|(part, _)| part == name),
            "there is no part `{name}`"
        );
    }
    for (name, run) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            measure::rest();
            run(&mut table);
        }
    }
    println!("\n{table}");
}
