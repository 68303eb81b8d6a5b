//! Plans of many packs out of a large registry, against a resolver in Python that tries one version after the
//! other and goes back where it must.
//!
//! The peer has the index in memory already and only resolves; packd is asked over its socket, reads what it needs from
//! its database, and writes a job with all that belongs to it.

use std::process::Command;
use std::time::Instant;

use packd_tests::{Packd, Ran, Request, Settings};
use packd_wire::{ErrorKind, JobStatus, JobView};
use serde_json::{Value, json};

use crate::measure::{Table, median, rounds};

/// Packs of the registry.
const REGISTRY: usize = 50_000;

/// Packs of the plan.
const PLAN: usize = 500;

const PYTHON: &str = r"
import json, sys, time
with open(sys.argv[1]) as file: packs = {pack['ref']: pack for pack in json.load(file)['packs']}
def releases(ref):
    found = [(tuple(map(int, release['version'].split('.'))), release['dependencies']) for release in packs[ref]['versions']]
    return sorted(found, reverse=True)
def resolve(open_needs, chosen):
    if not open_needs: return chosen
    (ref, major), rest = open_needs[0], open_needs[1:]
    if ref in chosen: return resolve(rest, chosen) if chosen[ref][0] == major else None
    for version, needs in releases(ref):
        if version[0] != major: continue
        more = [(name, int(range)) for name, range in (need.split('@^') for need in needs)]
        solution = resolve(rest + more, {**chosen, ref: version})
        if solution: return solution
    return None
sys.setrecursionlimit(100000)
began = time.perf_counter()
plan = resolve([('pack_000000', 2)], {})
took = time.perf_counter() - began
assert len(plan) == int(sys.argv[2]), len(plan)
print(took)
";

pub(crate) fn run(table: &mut Table) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("index.json");
    fs_err::write(&path, index().to_string()).unwrap();
    let url = format!("file://{}", path.display());
    let packd = Packd::start(&Settings::new().registry("large", &url, &json!({})));
    let (mut ours, mut peers, mut hopeless) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds() {
        // what is measured is the plan, not the reading of a large file
        packd.ctl(["registry", "refresh"]).success();
        let (took, job) = plan(&packd, "pack_000000@^2");
        assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
        assert_eq!(job.plan.unwrap().changes.len(), PLAN);
        ours.push(took);
        let ran = Ran::of(
            Command::new("python3")
                .args(["-c", PYTHON])
                .arg(&path)
                .arg(PLAN.to_string()),
        );
        ran.success();
        peers.push(ran.stdout().trim().parse().unwrap());
        let (took, job) = plan(&packd, "loft");
        let kind = job.error.unwrap().kind;
        assert_eq!(kind, ErrorKind::DependencyUnmet, "it is impossible");
        hopeless.push(took);
    }
    table.ratio(
        "plan of 500 packs out of 50,000, wall",
        "s",
        median(ours),
        ("python3, backtracking, index in memory", median(peers)),
        "",
    );
    table.number(
        "6 pigeons in 5 holes, seen to be impossible, wall",
        "s",
        median(hopeless),
        "<= 1.00",
    );
}

/// A dry run, and how long it took until it was answered.
fn plan(packd: &Packd, what: &str) -> (f64, JobView) {
    let request = json!({"source": what, "dry_run": true});
    let began = Instant::now();
    let answer = packd.ask(&Request::post("/v1/packs/install?wait=60", &request));
    let took = began.elapsed().as_secs_f64();
    (took, answer.expect(200).json())
}

/// An index of packs in many versions, the first of which need each other, and of some that cannot go together.
fn index() -> Value {
    let entry = |name: &str, releases: Vec<(String, Vec<String>)>| {
        let source = |version: &str| {
            json!([{"type": "archive", "url": format!("packs/{name}-{version}.tar.gz"),
                "checksum": format!("sha256:{:064x}", name.len() * 31 + version.len())}])
        };
        let newest = &releases.last().unwrap().0;
        let versions: Vec<Value> = releases
            .iter()
            .map(|(version, needs)| {
                json!({"version": version, "install_sources": source(version), "dependencies": needs})
            })
            .collect();
        json!({"ref": name, "label": name, "description": "A pack", "version": newest,
            "install_sources": source(newest), "dependencies": {"packs": releases.last().unwrap().1},
            "versions": versions})
    };
    let name = |number: usize| format!("pack_{number:06}");
    let mut packs: Vec<Value> = (0..REGISTRY)
        .map(|number| {
            let releases = (0..8).map(|release| {
                let major = 1 + release / 4;
                let children = [2 * number + 1, 2 * number + 2, number + 7];
                let needs = children
                    .into_iter()
                    .filter(|child| number < PLAN && *child < PLAN)
                    .map(|child| format!("{}@^{major}", name(child)));
                (format!("{major}.{}.0", release % 4), needs.collect())
            });
            entry(&name(number), releases.collect())
        })
        .collect();
    let holes = 5;
    for hole in 0..holes {
        let releases = (0..=holes).map(|pigeon| (format!("{pigeon}.0.0"), Vec::new()));
        packs.push(entry(&format!("hole{hole}"), releases.collect()));
    }
    for pigeon in 0..=holes {
        let releases = (0..holes).map(|hole| {
            let need = format!("hole{hole}@{pigeon}.0.0");
            (format!("{hole}.0.0"), vec![need])
        });
        packs.push(entry(&format!("pigeon{pigeon}"), releases.collect()));
    }
    let all = (0..=holes)
        .map(|pigeon| format!("pigeon{pigeon}"))
        .collect();
    packs.push(entry("loft", vec![("1.0.0".to_owned(), all)]));
    json!({"registry_name": "Large", "version": "1.0", "packs": packs})
}
