//! A host with very many packs: how soon it is ready, and how long a list takes.

use std::time::Instant;

use packd_tests::{
    PackTree, Packd, Settings,
    support::{many, site},
};
use packd_wire::path;
use serde_json::json;

use crate::measure::{Table, median, rounds, settle};

const PACKS: usize = 10_000;

pub(crate) fn run(table: &mut Table) {
    let registry = site::folder_with([&PackTree::new("slack", "1.0.0")]);
    let url = format!("file://{}/index.json", registry.path().display());
    let mut packd = Packd::start(&Settings::new().registry("local", &url, &json!({})));
    packd.ctl(["install", "slack"]).success();
    packd.terminate();
    many::packs(&packd.state_dir(), PACKS);
    settle();

    let (mut starts, mut first, mut later, mut shown) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds() {
        starts.push(timed(|| packd.begin()));
        let list = || {
            let answer = packd_tests::support::http::ask(
                &packd.socket(),
                &packd_tests::Request::get(path::PACKS),
            );
            assert_eq!(answer.status, 200);
        };
        // the first builds what later ones are answered from
        first.push(timed(list));
        later.push(timed(list));
        shown.push(timed(|| {
            packd.ctl(["list"]).success();
        }));
        packd.terminate();
    }
    let what = |what: &str| format!("{what}, {PACKS} packs installed");
    table.number(&what("exec to READY"), "ms", median(starts), "<= 300");
    table.number(
        &what("list over the API, first after a start"),
        "ms",
        median(first),
        "<= 50",
    );
    table.number(
        &what("list over the API, again"),
        "ms",
        median(later),
        "<= 50",
    );
    table.number(&what("packctl list"), "ms", median(shown), "");
}

fn timed(run: impl FnOnce()) -> f64 {
    let began = Instant::now();
    run();
    began.elapsed().as_secs_f64() * 1e3
}
