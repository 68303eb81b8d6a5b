//! What it costs to read the index of a large registry, and to see that it has not changed.

use std::fmt::Write as _;
use std::path::Path;

use packd_tests::{PackTree, Packd, Settings, Site, support::packs::noise};

use crate::measure::{Table, cpu_of, median, memory_of, rounds};

/// Entries of the index, of about 600 bytes: what an index says that is written for 100,000 packs.
const ENTRIES: usize = 100_000;

pub(crate) fn run(table: &mut Table) {
    let site = Site::serving([&PackTree::new("slack", "1.0.0")]);
    let index = site.root().join("index.json");
    let (mut first, mut changed, mut unchanged, mut peak) =
        (Vec::new(), Vec::new(), Vec::new(), 0_f64);
    for _ in 0..rounds() {
        write(&index, "1.0.0");
        let packd = Packd::start(&Settings::for_site(&site));
        let refresh = |packd: &Packd| {
            let before = cpu_of(packd.pid());
            packd.ctl(["registry", "refresh"]).success();
            cpu_of(packd.pid()) - before
        };
        first.push(refresh(&packd));
        // one in a hundred is another one, as after a day
        write(&index, "1.1.0");
        changed.push(refresh(&packd));
        unchanged.push(refresh(&packd));
        peak = peak.max(memory_of(packd.pid()).peak);
    }
    let what = |what: &str| format!("refresh of 100,000 packs, {what}");
    table.number(&what("nothing cached, CPU"), "s", median(first), "");
    table.number(
        &what("one in a hundred changed, CPU"),
        "s",
        median(changed),
        "<= 1.00",
    );
    table.number(&what("unchanged, CPU"), "s", median(unchanged), "<= 0.01");
    table.number(&what("peak resident memory"), "MB", peak / 1e3, "<= 96");
}

/// Writes an index, in which every hundredth pack has this version.
fn write(path: &Path, version: &str) {
    let mut text = String::from("{\"registry_name\": \"large\", \"packs\": [\n");
    for number in 0..ENTRIES {
        let name = format!("pack_{number:06}");
        let version = if number.is_multiple_of(100) {
            version
        } else {
            "1.0.0"
        };
        let digest = hex(&noise(number as u64, 32));
        let comma = if number + 1 < ENTRIES { "," } else { "" };
        writeln!(
            text,
            "{{\"ref\": \"{name}\", \"label\": \"Pack {number}\", \"description\": \"Talks to the service of that name, and says \
             what it has heard\", \"version\": \"{version}\", \"author\": \"Somebody\", \"license\": \"Apache-2.0\", \
             \"keywords\": [\"chat\", \"service\"], \"runtime_deps\": [\"python3\"], \"install_sources\": [{{\"type\": \"archive\", \
             \"url\": \"packs/{name}-{version}.tar.gz\", \"checksum\": \"sha256:{digest}\", \"size\": 20480}}], \
             \"contents\": {{\"actions\": [{{\"name\": \"say\", \"description\": \"Says something\"}}], \"sensors\": [], \
             \"triggers\": [], \"rules\": [], \"workflows\": []}}}}{comma}"
        )
        .unwrap();
    }
    text.push_str("]}\n");
    let beside = path.with_extension("new");
    fs_err::write(&beside, text).unwrap();
    fs_err::rename(beside, path).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
