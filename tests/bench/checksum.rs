//! The digest of a large folder, against finding its files and hashing them with sha256sum.

use std::path::Path;

use packd_tests::support::programs;

use crate::measure::{Cost, Table, median, rounds, shell};

pub(crate) fn run(table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    crate::install::pack("small", 20_000, 10_000).write_to(folder.path());
    let packctl = programs::packctl();
    let (packctl, folder) = (show(&packctl), show(folder.path()));
    let ours_line = format!("'{packctl}' checksum '{folder}' >/dev/null 2>&1");
    let theirs_line =
        format!("find '{folder}' -type f -print0 | sort -z | xargs -0 sha256sum >/dev/null");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // the first reading fills the page cache, for both
    shell(&theirs_line, &[]);
    for round in 0..rounds() {
        for turn in 0..2 {
            if (turn + round) % 2 == 0 {
                ours.push(shell(&ours_line, &[]));
            } else {
                theirs.push(shell(&theirs_line, &[]));
            }
        }
    }
    let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.cpu).collect());
    let peer = "find | sort | xargs sha256sum";
    let what = "checksum of 20,000 files, 200 MB";
    table.ratio(
        &format!("{what}, wall"),
        "s",
        wall(&ours),
        (peer, wall(&theirs)),
        "<= 1.00",
    );
    table.ratio(
        &format!("{what}, CPU"),
        "s",
        cpu(&ours),
        (peer, cpu(&theirs)),
        "",
    );
}

fn show(path: &Path) -> &str {
    path.to_str().unwrap()
}
