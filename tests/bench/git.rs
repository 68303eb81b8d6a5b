//! Installing a tag of a repository with a long history, against cloning it without the history.

use packd_tests::{GitSite, Packd, Repository, Settings, support::programs};

use crate::install::pack;
use crate::measure::{Cost, Table, cpu_of, median, memory_of, rounds, settle, shell};

const COMMITS: usize = 10_000;
const TAG: &str = "v1.0.1";

pub(crate) fn run(table: &mut Table) {
    let repository = Repository::of([&pack("grown", 2_000, 4_000)]);
    repository.grow(COMMITS);
    repository.tag(TAG);
    let site = GitSite::serving([&repository]);
    // plain http for both: what is measured is not TLS
    let url = site.site.plain_url("git/grown.git");
    let work = tempfile::tempdir().unwrap();
    let (mut ours, mut theirs, mut synced) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak: f64 = 0.0;
    let mut daemons = Vec::new();
    for round in 0..rounds() {
        let mut packd = Packd::start(&Settings::new().set("net.allow_http", true));
        let clone = |name: &str, then: &str| {
            let to = work.path().join(format!("{name}{round}"));
            let to = to.display();
            let line = format!("git clone -q --depth 1 -b {TAG} '{url}' '{to}' 2>/dev/null");
            shell(&format!("{line} {then}"), &[])
        };
        for turn in 0..3 {
            settle();
            match (turn + round) % 3 {
                0 => ours.push(install(&packd, &url, &mut peak)),
                1 => theirs.push(clone("plain", "")),
                _ => synced.push(clone(
                    "synced",
                    &format!("&& sync -f '{}'", work.path().display()),
                )),
            }
        }
        packd.terminate();
        daemons.push(packd);
    }
    let wall = |costs: &[Cost]| median(costs.iter().map(|cost| cost.wall).collect());
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.cpu).collect());
    let git = "git clone --depth 1 -b TAG";
    let name = |kind: &str| format!("install of a tag among {COMMITS} commits, {kind}");
    table.ratio(
        &name("wall"),
        "s",
        wall(&ours),
        (git, wall(&theirs)),
        "<= 0.90",
    );
    let durable = ("the same, sync -f", wall(&synced));
    table.ratio(&name("wall"), "s", wall(&ours), durable, "");
    table.ratio(&name("CPU"), "s", cpu(&ours), (git, cpu(&theirs)), "");
    table.number(&name("peak resident memory"), "MB", peak / 1000.0, "<= 96");
}

/// The cost of one install, of daemon and client together.
fn install(packd: &Packd, url: &str, peak: &mut f64) -> Cost {
    let before = cpu_of(packd.pid());
    let line = format!(
        "'{}' install '{url}' --ref {TAG} >/dev/null 2>&1",
        programs::packctl().display()
    );
    let client = shell(&line, &[("PACKD_SOCKET", packd.socket().as_os_str())]);
    assert_eq!(packd.current(), ["grown"]);
    *peak = peak.max(memory_of(packd.pid()).peak);
    Cost {
        wall: client.wall,
        cpu: client.cpu + cpu_of(packd.pid()) - before,
    }
}
