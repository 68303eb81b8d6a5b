//! Installing a large pack, against fetching and unpacking it with curl and tar.
//!
//! packd does more than its peers: it digests, checks, syncs to disk, switches,
//! and writes the database.

use std::path::Path;

use packd_tests::{Format, PackTree, Packd, Settings, Site, support::programs};
use serde_json::json;

use crate::measure::{Cost, Table, cpu_of, median, memory_of, rounds, settle, shell};

/// Files of text that compress about three to one, as sources do.
pub(crate) fn pack(name: &str, files: usize, bytes: usize) -> PackTree {
    version(name, "1.0.0", files, bytes, usize::MAX)
}

/// The same in another version, in which one file of `unchanged` is another one.
pub(crate) fn version(
    name: &str,
    version: &str,
    files: usize,
    bytes: usize,
    unchanged: usize,
) -> PackTree {
    let mut pack = PackTree::new(name, version);
    for number in 0..files {
        let path = format!("lib/part{:03}/file{number:05}.txt", number % 800);
        let seed = if number % unchanged == unchanged - 1 {
            number + files
        } else {
            number
        };
        pack = pack.file(&path, text(seed as u64 + 1, bytes));
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

/// The same bytes in the same files, and the archive that packd keeps, without download, digest and inflation: what
/// the disk takes for it.
const COPY: Peer = Peer {
    shown: "cp -r of the files, cp of the archive, sync -f",
    line: "cp -r 'FILES' 'TO/files' && cp 'FILE' 'TO/a' && sync -f 'TO'",
    aim: "",
};

pub(crate) fn run(table: &mut Table) {
    let mut kept = Vec::new();
    let small = pack("small", 20_000, 10_000);
    let big = pack("big", 50, 6_000_000);
    let piped = Peer {
        shown: "curl URL | tar xz",
        line: "curl -sS 'URL' | tar xz -C 'TO'",
        aim: "<= 0.70",
    };
    let durable = Peer {
        shown: "curl -o, sha256sum, tar xzf, sync -f",
        line: "curl -sS -o 'TO/a' 'URL' && sha256sum 'TO/a' >&2 && tar xzf 'TO/a' -C 'TO' && sync -f 'TO'",
        aim: "<= 0.50",
    };
    let files = "20,000 files, 200 MB";
    compare(
        table,
        &mut kept,
        &format!("{files}, .tar.gz"),
        &small,
        Format::TarGz,
        &[piped, durable, COPY],
    );
    let piped = Peer {
        aim: "<= 0.80",
        ..piped
    };
    compare(
        table,
        &mut kept,
        "50 files, 300 MB, .tar.gz",
        &big,
        Format::TarGz,
        &[piped, COPY],
    );
    let unzip = Peer {
        shown: "curl -o, unzip",
        line: "curl -sS -o 'TO/a' 'URL' && unzip -q 'TO/a' -d 'TO'",
        aim: "<= 0.60",
    };
    compare(
        table,
        &mut kept,
        &format!("{files}, .zip"),
        &small,
        Format::Zip,
        &[unzip, COPY],
    );
    let zstd = Peer {
        shown: "curl URL | tar --zstd -x",
        line: "curl -sS 'URL' | tar --zstd -x -C 'TO'",
        aim: "<= 0.80",
    };
    compare(
        table,
        &mut kept,
        &format!("{files}, .tar.zst"),
        &small,
        Format::TarZst,
        &[zstd, COPY],
    );
}

/// What people do instead, in a new folder `TO`.
#[derive(Debug, Clone, Copy)]
struct Peer {
    shown: &'static str,
    line: &'static str,
    aim: &'static str,
}

/// What a part leaves on the disk. Deleted before another part it would make ext4 slow at creating files, for a
/// minute and for everybody.
type Left = (Vec<Packd>, tempfile::TempDir, Site);

fn compare(
    table: &mut Table,
    kept: &mut Vec<Left>,
    what: &str,
    pack: &PackTree,
    format: Format,
    peers: &[Peer],
) {
    // plain http for everyone: what is measured is not TLS
    let mut site = Site::serving([]);
    let archive = site.offer_plainly_as(pack, format);
    let path = format!("packs/{}", archive.name);
    let url = site.plain_url(&path);
    let local = site.root().join(&path);
    let work = tempfile::tempdir().unwrap();
    let files = work.path().join("files");
    pack.write_to(&files);
    let (mut ours, mut theirs) = (Vec::new(), vec![Vec::new(); peers.len()]);
    let mut peak: f64 = 0.0;
    let mut daemons = Vec::new();
    for round in 0..rounds() {
        let mut packd = daemon(&site);
        // who comes first changes: the first one finds other caches than the last
        for turn in 0..=peers.len() {
            let who = (turn + round) % (peers.len() + 1);
            settle();
            let Some(peer) = peers.get(who) else {
                ours.push(install(&packd, pack.name(), &mut peak));
                continue;
            };
            let to = work.path().join(format!("{who}-{round}"));
            fs_err::create_dir(&to).unwrap();
            let line = peer.line.replace("TO", show(&to)).replace("URL", &url);
            let line = line.replace("FILES", show(&files));
            theirs[who].push(shell(&line.replace("FILE", show(&local)), &[]));
        }
        packd.terminate();
        daemons.push(packd);
    }
    let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.cpu).collect());
    let name = |kind: &str| format!("install of {what}, {kind}");
    for (peer, costs) in peers.iter().zip(&theirs) {
        let reference = (peer.shown, wall(costs));
        table.ratio(&name("wall"), "s", wall(&ours), reference, peer.aim);
    }
    for (peer, costs) in peers.iter().zip(&theirs) {
        let reference = (peer.shown, cpu(costs));
        table.ratio(&name("CPU"), "s", cpu(&ours), reference, "");
    }
    table.number(&name("peak resident memory"), "MB", peak / 1000.0, "<= 96");
    kept.push((daemons, work, site));
}

pub(crate) fn daemon(site: &Site) -> Packd {
    let index = site.plain_url("index.json");
    let settings = Settings::new().registry("demo", &index, &json!({"allow_http": true}));
    let packd = Packd::start(&settings);
    packd.ctl(["registry", "refresh"]).success();
    packd
}

/// The cost of one install, of daemon and client together.
pub(crate) fn install(packd: &Packd, name: &str, peak: &mut f64) -> Cost {
    let before = cpu_of(packd.pid());
    let line = format!(
        "'{}' install {name} >/dev/null 2>&1",
        show(&programs::packctl())
    );
    let client = shell(&line, &[("PACKD_SOCKET", packd.socket().as_os_str())]);
    let pack = name.split('@').next().unwrap();
    assert_eq!(packd.current(), [pack]);
    *peak = peak.max(memory_of(packd.pid()).peak);
    Cost {
        wall: client.wall,
        cpu: client.cpu + cpu_of(packd.pid()) - before,
    }
}

fn show(path: &Path) -> &str {
    path.to_str().unwrap()
}
