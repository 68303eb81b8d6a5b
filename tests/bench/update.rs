//! Updating a large pack in which little changed: what it writes, and how long it takes, against its first install.

use std::os::unix::fs::MetadataExt as _;

use packd_tests::{Packd, Settings, Site};
use serde_json::json;

use crate::install::{install, pack, version};
use crate::measure::{Cost, Table, median, rounds, written_by};

const FILES: usize = 20_000;
/// One in a hundred.
const CHANGED: usize = FILES / 100;

pub(crate) fn run(table: &mut Table) {
    let old = pack("small", FILES, 10_000);
    let new = version("small", "1.0.1", FILES, 10_000, FILES / CHANGED);
    // kept until the end: deleting now would slow down the rounds to come
    let mut daemons = Vec::new();
    for cache in ["0B", "2GiB"] {
        let (mut fresh, mut update) = (Vec::new(), Vec::new());
        let mut peak: f64 = 0.0;
        for _ in 0..rounds() {
            let mut site = Site::serving([]);
            site.offer_plainly(&old);
            let registry = site.plain_url("index.json");
            let settings = Settings::new()
                .registry("demo", &registry, &json!({"allow_http": true}))
                .set("store.cache_size", cache);
            let mut packd = Packd::start(&settings);
            packd.ctl(["registry", "refresh"]).success();
            fresh.push(Measured::of(&packd, "small", &mut peak));
            site.offer_plainly(&new);
            packd.ctl(["registry", "refresh"]).success();
            update.push(Measured::of(&packd, "small@1.0.1", &mut peak));
            packd.terminate();
            daemons.push((packd, site));
        }
        let of = |runs: &[Measured], field: fn(&Measured) -> f64| {
            median(runs.iter().map(field).collect())
        };
        let name = |kind: &str| {
            format!("update of {FILES} files, {CHANGED} changed, {kind}, cache_size {cache}")
        };
        for (kind, unit, field, aim) in [
            (
                "new bytes of the tree",
                "MB",
                (|run| run.tree / 1e6) as fn(&Measured) -> f64,
                "<= 0.02",
            ),
            (
                "write_bytes of the daemon",
                "MB",
                |run| run.written / 1e6,
                if cache == "0B" { "<= 0.02" } else { "" },
            ),
            ("wall", "s", |run| run.cost.wall, ""),
        ] {
            let first = ("first install", of(&fresh, field));
            table.ratio(&name(kind), unit, of(&update, field), first, aim);
        }
        table.number(&name("peak resident memory"), "MB", peak / 1000.0, "<= 96");
    }
}

struct Measured {
    cost: Cost,
    /// Bytes on disk of files of the tree that no other tree has.
    tree: f64,
    /// Bytes that the daemon had written to the disk.
    written: f64,
}

impl Measured {
    fn of(packd: &Packd, what: &str, peak: &mut f64) -> Self {
        let before = written_by(packd.pid());
        let cost = install(packd, what, peak);
        Self {
            cost,
            tree: own_bytes(&packd.pack_dir("small")),
            written: written_by(packd.pid()) - before,
        }
    }
}

/// Bytes on disk of the files below a folder that have no second name.
fn own_bytes(folder: &std::path::Path) -> f64 {
    let entries = fs_err::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let about = fs_err::symlink_metadata(&path).unwrap();
            if about.is_dir() {
                own_bytes(&path)
            } else if about.nlink() > 1 {
                0.0
            } else {
                (about.blocks() * 512) as f64
            }
        })
        .sum()
}
