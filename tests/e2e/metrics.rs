//! Figures for monitoring, by the API and as a file.

use packd_tests::{PackTree, Packd, Settings, Site};
use packd_wire::path;

/// The value of a figure, as it stands on the page.
fn figure<'a>(page: &'a str, name: &str) -> &'a str {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in\n{page}"))
}

#[test]
fn figures_follow_what_happens() {
    let packs = [
        PackTree::new("core", "1.0.0"),
        PackTree::new("core", "2.0.0"),
    ];
    let mut site = Site::serving(&packs);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "core@1.0.0"]).success();
    packd.ctl(["install", "nothing"]).failure(3);
    packd.ctl(["hold", "core"]).success();

    let answer = packd.get(path::METRICS);
    answer.expect(200);
    assert_eq!(answer.content_type(), Some("application/openmetrics-text"));
    let page = answer.text();
    assert!(page.ends_with("# EOF\n"), "{page}");
    for (name, value) in [
        (r#"packd_jobs{kind="install",state="succeeded"}"#, "1.0"),
        (r#"packd_jobs{kind="install",state="failed"}"#, "1.0"),
        (r#"packd_packs{state="ok"}"#, "1.0"),
        (r#"packd_packs{state="missing"}"#, "0.0"),
        ("packd_packs_held", "1.0"),
        ("packd_updates_available", "1.0"),
        ("packd_generation", "1.0"),
        ("packd_generations", "1.0"),
        (
            r#"packd_pack_installs_total{pack="core",version="1.0.0"}"#,
            "1",
        ),
        (r#"packd_registry_up{registry="demo"}"#, "1.0"),
        (r#"packd_registry_packs{registry="demo"}"#, "1.0"),
        (r#"packd_registry_failures{registry="demo"}"#, "0.0"),
        (r#"packd_step_duration_seconds_count{step="activate"}"#, "1"),
        ("packd_event_followers", "0.0"),
        ("packd_queue_depth", "0.0"),
        ("packd_queue_age_seconds", "0.0"),
        ("packd_jobs_running", "0.0"),
        ("packd_store_trees", "1.0"),
    ] {
        assert_eq!(figure(&page, name), value, "{name}");
    }
    for (name, least) in [
        ("packd_received_bytes_total", 100.0),
        ("packd_resident_bytes", 1e6),
        ("packd_events_total", 5.0),
        ("packd_store_bytes", 10.0),
        ("packd_open_files", 5.0),
        ("packd_threads", 2.0),
        ("packd_cpu_seconds_total", -1.0),
    ] {
        let value: f64 = figure(&page, name).parse().unwrap();
        assert!(value > least, "{name} {value}");
    }

    site.stop();
    packd.ctl(["registry", "refresh"]).failure(6);
    let page = packd.get(path::METRICS).text();
    assert_eq!(
        figure(&page, r#"packd_registry_up{registry="demo"}"#),
        "0.0"
    );
    let failures = figure(&page, r#"packd_registry_failures{registry="demo"}"#);
    assert_ne!(failures, "0.0");
}

#[test]
fn a_textfile_is_replaced_as_a_whole() {
    let packd = Packd::start(&Settings::new());
    let path = packd.state_dir().with_file_name("packd.prom");
    fs_err::write(&path, "of yesterday\n").unwrap();
    let file = path.to_str().unwrap();
    packd.ctl(["metrics", "--textfile", file]).success();
    let text = fs_err::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("# HELP ") && text.ends_with("# EOF\n"),
        "{text}"
    );
    assert!(
        packd
            .ctl(["metrics"])
            .success()
            .stdout()
            .contains("packd_build_info")
    );
    packd
        .ctl(["metrics", "--textfile", "/nonexistent/packd.prom"])
        .failure(3)
        .says("/nonexistent");
}
