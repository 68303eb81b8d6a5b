//! Merging two large indexes and validating one, against jq and python doing as much as they are asked for.
//!
//! What the peers do is less: they look at no version, digest or URL, and sync nothing to disk.

use std::{fmt::Write as _, path::Path, process::Command, time::Instant};

use packd_tests::support::{packs::noise, programs};
use serde_json::json;

use crate::measure::{Table, median, rounds};

/// Entries of each index, of about 2.3 KB.
const ENTRIES: usize = 100_000;

/// How many refs the two have in common.
const COMMON: usize = 50_000;

/// Newest version per ref, by its three numbers, sorted.
const JQ_MERGE: &str = "(.[0] | del(.packs)) + {packs: ([.[].packs[]] | group_by(.ref) \
     | map(max_by(.version | split(\".\") | map(tonumber))))}";

/// That every entry has what a registry's CI asks for, and no ref comes twice.
const JQ_VALIDATE: &str = "(.packs | length > 0) and all(.packs[]; .ref and .version and .install_sources) \
     and ((.packs | map(.ref) | unique | length) == (.packs | length))";

const PYTHON_MERGE: &str = r"
import json, sys
newest, head = {}, None
for name in sys.argv[2:]:
    with open(name) as file: index = json.load(file)
    head = head or {key: value for key, value in index.items() if key != 'packs'}
    for pack in index['packs']:
        number = [int(part) for part in pack['version'].split('.')]
        known = newest.get(pack['ref'])
        if known is None or known[0] < number: newest[pack['ref']] = (number, pack)
head['packs'] = [newest[ref][1] for ref in sorted(newest)]
with open(sys.argv[1], 'w') as file: json.dump(head, file, indent=2)
";

const PYTHON_VALIDATE: &str = r"
import json, sys
with open(sys.argv[1]) as file: packs = json.load(file)['packs']
assert packs and all(pack.get('ref') and pack.get('version') and pack.get('install_sources') for pack in packs)
assert len({pack['ref'] for pack in packs}) == len(packs)
";

pub(crate) fn run(table: &mut Table) {
    let work = tempfile::tempdir().unwrap();
    let path = |name: &str| work.path().join(name).to_str().unwrap().to_owned();
    let (a, b) = (path("a.json"), path("b.json"));
    write(Path::new(&a), 0, |_| "1.2.0");
    write(Path::new(&b), ENTRIES - COMMON, |number| {
        if number.is_multiple_of(2) {
            "1.1.0"
        } else {
            "1.10.0"
        }
    });
    let bytes = |path: &str| fs_err::metadata(path).unwrap().len() as f64;
    let packctl = programs::packctl().to_str().unwrap().to_owned();
    let out = path("out.json");
    let merges = [
        vec![
            packctl.as_str(),
            "index-merge",
            "--quiet",
            "--force",
            "--file",
            &out,
            &a,
            &b,
        ],
        vec!["jq", "-s", JQ_MERGE, &a, &b],
        vec!["python3", "-c", PYTHON_MERGE, &out, &a, &b],
    ];
    let what = "merge of 100,000 and 100,000 entries";
    compare(table, what, &merges, bytes(&a) + bytes(&b), work.path());
    let validations = [
        vec![packctl.as_str(), "index-validate", &a],
        vec!["jq", "-e", JQ_VALIDATE, &a],
        vec!["python3", "-c", PYTHON_VALIDATE, &a],
    ];
    compare(
        table,
        "validation of 100,000 entries",
        &validations,
        bytes(&a),
        work.path(),
    );
}

/// Runs packctl and its peers in turn.
fn compare(table: &mut Table, what: &str, lines: &[Vec<&str>; 3], input: f64, work: &Path) {
    let mut walls = [Vec::new(), Vec::new(), Vec::new()];
    let mut peak: f64 = 0.0;
    for round in 0..rounds() {
        // who comes first changes, so that nobody always inherits the others' dirty pages
        for turn in 0..lines.len() {
            let who = (turn + round) % lines.len();
            let (wall, resident) = once(&lines[who], work);
            walls[who].push(wall);
            if who == 0 {
                peak = peak.max(resident);
            }
        }
    }
    let [ours, jq, python] = walls.map(median);
    let name = |kind: &str| format!("{what}, {kind}");
    table.ratio(&name("wall"), "s", ours, ("jq", jq), "<= 0.10");
    table.ratio(
        &name("wall"),
        "s",
        ours,
        ("python3 -m json", python),
        "<= 0.10",
    );
    table.ratio(
        &name("peak resident memory"),
        "MB",
        peak / 1e6,
        ("bytes of the input", input / 1e6),
        "<= 1.50",
    );
}

/// Seconds on the clock, and the most bytes that were resident.
fn once(line: &[&str], work: &Path) -> (f64, f64) {
    let report = work.join("memory");
    let began = Instant::now();
    let status = Command::new("/usr/bin/time")
        .args(["--format", "%M", "--output"])
        .arg(&report)
        .args(line)
        .stdout(
            fs_err::File::create(work.join("stdout"))
                .unwrap()
                .into_parts()
                .0,
        )
        .status()
        .unwrap();
    let wall = began.elapsed().as_secs_f64();
    assert!(status.success(), "{line:?} ended with {status}");
    let kilobytes = fs_err::read_to_string(report).unwrap();
    (wall, kilobytes.trim().parse::<f64>().unwrap() * 1024.0)
}

/// Writes an index of entries like those of public registries.
fn write(path: &Path, first: usize, version: impl Fn(usize) -> &'static str) {
    let mut words = Words(noise(7, ENTRIES * 160).into_iter());
    let packs: Vec<_> = (first..first + ENTRIES)
        .map(|number| {
            let (name, version) = (format!("pack_{number:06}"), version(number));
            let digest = |kind: usize| format!("sha256:{:064x}", number * 31 + kind * 7 + version.len());
            let mut component = |kind: &str| json!({"name": format!("{name}.{kind}"), "description": words.take(8)});
            let actions = ["a", "b", "c", "d", "e"].map(&mut component);
            let contents = json!({
                "actions": actions, "sensors": [component("s")],
                "triggers": [component("t")], "rules": [], "workflows": [],
            });
            json!({
                "ref": name, "label": words.take(3), "description": words.take(20), "use_case": words.take(10),
                "version": version, "author": "Some Body", "email": "some@body.example", "license": "Apache-2.0",
                "homepage": format!("https://packs.example/{name}"),
                "repository": format!("https://git.example/{name}"), "keywords": [words.take(1), words.take(1)],
                "runtime_deps": ["python3>=3.9", "shell"],
                "install_sources": [
                    {"type": "git", "url": format!("https://git.example/{name}.git"), "ref": format!("v{version}"),
                     "checksum": digest(1)},
                    {"type": "archive", "url": format!("https://packs.example/{name}-{version}.tar.gz"),
                     "checksum": digest(2), "size": 12_345},
                ],
                "contents": contents,
                "dependencies": {"attune_version": ">=0.1.0", "packs": ["core@^1.0.0"]},
                "meta": {"downloads": number, "stars": number % 100, "tested_attune_versions": ["0.1.0"]},
            })
        })
        .collect();
    let index = json!({
        "registry_name": "Bench", "registry_url": "https://packs.example", "version": "1.0",
        "last_updated": "2026-01-01T00:00:00Z", "packs": packs,
    });
    fs_err::write(path, serde_json::to_string_pretty(&index).unwrap()).unwrap();
}

/// Words from noise.
struct Words(std::vec::IntoIter<u8>);

impl Words {
    fn take(&mut self, count: usize) -> String {
        let mut text = String::new();
        for number in 0..count {
            let byte = self.0.next().unwrap_or_default();
            let gap = if number == 0 { "" } else { " " };
            write!(text, "{gap}w{byte}{}", "ord".repeat(usize::from(byte % 3))).unwrap();
        }
        text
    }
}
