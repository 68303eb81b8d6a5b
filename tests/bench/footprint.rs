//! What packd needs while nothing happens, and how soon it is ready.

use std::process::Command;
use std::time::{Duration, Instant};

use packd_tests::support::{programs, site};
use packd_tests::{PackTree, Packd, Ran, Settings};
use packd_wire::{JobStatus, JobView, path};
use serde_json::json;

use crate::measure::{Table, median, memory_of, switches_of};
use crate::neighbours;

const PACKS: usize = 1_000;
/// Of the host with packs.
const REGISTRIES: usize = 10;
const STARTS: usize = 11;
/// What a start leaves to be done, in the background and by the allocator of its threads, is done by then.
const SETTLES: Duration = Duration::from_secs(45);

pub(crate) fn run(table: &mut Table) {
    sizes(table);
    let packs: Vec<PackTree> = (0..PACKS)
        .map(|number| PackTree::new(&format!("pack{number:04}"), "1.0.0"))
        .collect();
    let registry = site::folder_with(&packs);
    let url = format!("file://{}/index.json", registry.path().display());

    let mut empty = Packd::start(&Settings::new());
    row(table, &mut empty, 0);

    // what only has to be kept in mind
    let others: Vec<_> = (1..REGISTRIES)
        .map(|number| site::folder_with([&PackTree::new(&format!("other{number}"), "1.0.0")]))
        .collect();
    let mut settings = Settings::new().registry("local", &url, &json!({}));
    for (number, folder) in others.iter().enumerate() {
        let url = format!("file://{}/index.json", folder.path().display());
        settings = settings.registry(&format!("other{number}"), &url, &json!({}));
    }
    let mut full = Packd::start(&settings);
    let began = Instant::now();
    for pack in &packs {
        let target = format!("{}?wait=60", path::INSTALL);
        let job: JobView = full.post(&target, &json!({"source": pack.name()})).json();
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    }
    let each = began.elapsed().as_secs_f64() * 1e3 / PACKS as f64;
    table.number(
        "install of one small pack over the API, on average of 1,000",
        "ms",
        each,
        "",
    );
    assert_eq!(full.packs().len(), PACKS);
    row(table, &mut full, PACKS);
    neighbours::rows(table);
}

fn sizes(table: &mut Table) {
    let both = [
        ("packd", programs::packd(), "< 15"),
        ("packctl", programs::packctl(), "< 8"),
    ];
    for (name, program, aim) in both {
        let copy = tempfile::NamedTempFile::new().unwrap();
        fs_err::copy(program, copy.path()).unwrap();
        let mut strip = Command::new("strip");
        Ran::of(strip.arg(copy.path())).success();
        let bytes = fs_err::metadata(copy.path()).unwrap().len();
        table.number(
            &format!("size of {name}, stripped"),
            "MB",
            bytes as f64 / 1e6,
            aim,
        );
    }
}

fn row(table: &mut Table, packd: &mut Packd, packs: usize) {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        packd.terminate();
        let began = Instant::now();
        packd.begin();
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let memory = memory_of(packd.pid());
    let what = |what: &str| format!("{what}, {packs} packs installed");
    table.number(&what("exec to READY"), "ms", median(times), "<= 15");
    table.number(
        &what("idle: resident memory"),
        "MB",
        memory.resident / 1e3,
        "<= 12",
    );
    table.number(
        &what("idle: of it, not of files"),
        "MB",
        memory.anonymous / 1e3,
        "",
    );
    std::thread::sleep(SETTLES);
    let before = switches_of(packd.pid());
    std::thread::sleep(Duration::from_mins(1));
    table.number(
        &what("idle: wake-ups in a minute"),
        "",
        (switches_of(packd.pid()) - before) as f64,
        "0",
    );
}
