//! Installing a large pack, against fetching and unpacking it with curl and tar.
//!
//! packd does more than its peers: it digests, checks, syncs to disk, switches,
//! and writes the database.

use std::path::Path;

use packd_tests::{Format, PackTree, Packd, Settings, Site, support::programs};
use serde_json::json;

use crate::measure::{Cost, Table, cpu_of, median, memory_of, rounds, shell};

/// Files of text that compress about three to one, as sources do.
pub(crate) fn pack(name: &str, files: usize, bytes: usize) -> PackTree {
    let mut pack = PackTree::new(name, "1.0.0");
    for number in 0..files {
        let path = format!("lib/part{:03}/file{number:05}.txt", number % 800);
        pack = pack.file(&path, text(number as u64 + 1, bytes));
    }
    pack
}

/// Words of a small language.
fn text(seed: u64, length: usize) -> Vec<u8> {
    let choices = packd_tests::support::packs::noise(seed, length / 4);
    let mut text = Vec::with_capacity(length + 8);
    for pair in choices.chunks_exact(2) {
        let word = u16::from_le_bytes([pair[0], pair[1]]) % 2048;
        text.extend_from_slice(
            format!("w{word:x}{} ", "ab".repeat(usize::from(word % 3))).as_bytes(),
        );
        if text.len() >= length {
            break;
        }
    }
    text.resize(length, b'\n');
    text
}

pub(crate) fn run(table: &mut Table) {
    one(
        table,
        "20,000 files, 200 MB",
        &pack("small", 20_000, 10_000),
        ("<= 0.70", "<= 0.60"),
    );
    one(
        table,
        "50 files, 300 MB",
        &pack("big", 50, 6_000_000),
        ("<= 0.60", "<= 0.60"),
    );
}

fn one(table: &mut Table, what: &str, pack: &PackTree, aims: (&str, &str)) {
    // plain http for everyone: what is measured is not TLS
    let mut site = Site::serving([]);
    site.offer_plainly(pack);
    let archive = format!("packs/{}", pack.archive(Format::TarGz).name);
    let url = site.plain_url(&archive);
    let local = site.root().join(&archive);
    let work = tempfile::tempdir().unwrap();
    let (mut ours, mut piped, mut unpacked) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak: f64 = 0.0;
    // kept until the end: deleting now would slow down the rounds to come
    let mut daemons = Vec::new();
    let folder = |kind: &str, round: usize| {
        let path = work.path().join(format!("{kind}{round}"));
        fs_err::create_dir(&path).unwrap();
        path
    };
    for round in 0..rounds() {
        let mut packd = daemon(&site);
        // who comes first changes, so that nobody always inherits the others' dirty pages
        for turn in 0..3 {
            match (turn + round) % 3 {
                0 => ours.push(install(&packd, pack.name(), &mut peak)),
                1 => {
                    let to = folder("piped", round);
                    piped.push(shell(
                        &format!("curl -sS '{url}' | tar xz -C '{}'", show(&to)),
                        &[],
                    ));
                }
                _ => {
                    let to = folder("local", round);
                    unpacked.push(shell(
                        &format!("tar xzf '{}' -C '{}'", show(&local), show(&to)),
                        &[],
                    ));
                }
            }
        }
        packd.terminate();
        daemons.push(packd);
    }
    let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.cpu).collect());
    let curl = "curl URL | tar xz";
    let name = |kind: &str| format!("install of {what}, {kind}");
    table.ratio(
        &name("wall"),
        "s",
        wall(&ours),
        (curl, wall(&piped)),
        aims.0,
    );
    table.ratio(
        &name("wall"),
        "s",
        wall(&ours),
        ("tar xzf FILE", wall(&unpacked)),
        "",
    );
    table.ratio(&name("CPU"), "s", cpu(&ours), (curl, cpu(&piped)), aims.1);
    table.ratio(
        &name("CPU"),
        "s",
        cpu(&ours),
        ("tar xzf FILE", cpu(&unpacked)),
        "",
    );
    table.number(&name("peak resident memory"), "MB", peak / 1000.0, "<= 24");
}

fn daemon(site: &Site) -> Packd {
    let index = site.plain_url("index.json");
    let settings = Settings::new().registry("demo", &index, &json!({"allow_http": true}));
    let packd = Packd::start(&settings);
    packd.ctl(["registry", "refresh"]).success();
    packd
}

/// The cost of one install, of daemon and client together.
fn install(packd: &Packd, name: &str, peak: &mut f64) -> Cost {
    let before = cpu_of(packd.pid());
    let line = format!(
        "'{}' install {name} >/dev/null 2>&1",
        show(&programs::packctl())
    );
    let client = shell(&line, &[("PACKD_SOCKET", packd.socket().as_os_str())]);
    assert_eq!(packd.current(), [name]);
    *peak = peak.max(memory_of(packd.pid()).peak);
    Cost {
        wall: client.wall,
        cpu: client.cpu + cpu_of(packd.pid()) - before,
    }
}

fn show(path: &Path) -> &str {
    path.to_str().unwrap()
}
