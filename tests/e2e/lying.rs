//! Servers that lie, break down or want to know who asks: what comes of it, and what is left.

use packd_tests::{Format, Index, Liar, Manner, PASSWORD, PackTree, Packd, Settings, Site, Tree};
use packd_wire::{ErrorKind, EventKind, JobStatus, JobView, path};
use serde_json::{Value, json};

fn slack() -> PackTree {
    PackTree::new("slack", "2.1.0").with_bulk(40, 50_000)
}

/// An index that offers a pack with all these sources.
fn index(pack: &PackTree, urls: &[String], checksum: &str) -> String {
    let text = Index::new().offer(pack, &urls[0], checksum).text();
    let mut index: Value = serde_json::from_str(&text).unwrap();
    let sources: Value = urls
        .iter()
        .map(|url| json!({"type": "archive", "url": url, "checksum": checksum}))
        .collect();
    let entry = &mut index["packs"][0];
    entry["install_sources"] = sources.clone();
    entry["versions"][0]["install_sources"] = sources;
    index.to_string()
}

/// Short patience, because each lie is waited for.
fn impatient() -> Settings {
    Settings::new()
        .set("net.allow_http", true)
        .set("net.idle_timeout", "1s")
        .set("net.proxy", "none")
        .set("limits.pack_bytes", "4MiB")
        .set("queue.retries", 0)
}

fn of_liar(settings: Settings, liar: &Liar, more: &Value) -> Settings {
    let mut registry = json!({"allow_http": true});
    for (key, value) in more.as_object().unwrap() {
        registry[key] = value.clone();
    }
    settings.registry("demo", &liar.url("index.json"), &registry)
}

fn install(packd: &Packd, request: &Value) -> JobView {
    let answer = packd.post(&format!("{}?wait=60", path::INSTALL), request);
    answer.expect(200).json()
}

fn nothing_is_left(packd: &Packd) {
    packd.staging_is_empty();
    assert_eq!(packd.active(), Vec::<String>::new());
    assert_eq!(packd.store(), Vec::<String>::new());
}

#[test]
fn every_lie_is_found_out_and_leaves_nothing() {
    use Manner::{
        Announcing, ContinuingWrongly, Cutting, Dripping, Endlessly, Redirecting, Refusing,
        Stalling,
    };
    let liar = Liar::start();
    let archive = slack().archive(Format::TarGz);
    let packd = Packd::start(&impatient());
    let url = |name: &str| liar.url(name);
    let lies: Vec<(&str, Vec<Manner>, ErrorKind)> = vec![
        (
            "stalls",
            vec![Stalling(1000), Stalling(0)],
            ErrorKind::FetchFailed,
        ),
        ("stalls-at-once", vec![Stalling(0)], ErrorKind::FetchFailed),
        ("drips", vec![Dripping(0)], ErrorKind::FetchFailed),
        (
            "cuts",
            vec![Cutting(1000), Cutting(0)],
            ErrorKind::FetchFailed,
        ),
        ("too-long", vec![Announcing(5)], ErrorKind::FetchFailed),
        ("too-short", vec![Announcing(-5)], ErrorKind::DigestMismatch),
        ("endless", vec![Endlessly], ErrorKind::LimitExceeded),
        (
            "loop",
            vec![Redirecting("/loop".into())],
            ErrorKind::SourceRefused,
        ),
        (
            "two",
            vec![Redirecting("/two?1".into()), Redirecting("/two".into())],
            ErrorKind::SourceRefused,
        ),
        (
            "shadow",
            vec![Redirecting("file:///etc/shadow".into())],
            ErrorKind::SourceRefused,
        ),
        (
            "wrong-rest",
            vec![
                Cutting(500_000),
                ContinuingWrongly,
                Cutting(500_000),
                ContinuingWrongly,
            ],
            ErrorKind::DigestMismatch,
        ),
        ("gone", vec![Refusing(410, "")], ErrorKind::FetchRefused),
        ("busy", vec![Refusing(503, "")], ErrorKind::FetchFailed),
        (
            "rest-unasked",
            vec![Refusing(206, "")],
            ErrorKind::FetchRefused,
        ),
    ];
    for (name, manners, kind) in lies {
        liar.serve(name, archive.bytes.clone(), "v1");
        liar.behave(name, manners);
        let job = install(
            &packd,
            &json!({"source": url(name), "checksum": archive.sha256()}),
        );
        let error = job.error.unwrap_or_else(|| panic!("{name} was believed"));
        assert_eq!(error.kind, kind, "{name}: {error:#?}");
        assert!(error.hint.is_some(), "{name}: nothing to try: {error:#?}");
        nothing_is_left(&packd);
    }
    // what was put together wrongly is asked for in one piece, once
    liar.serve("wrong-rest-once", archive.bytes.clone(), "v1");
    liar.behave("wrong-rest-once", [Cutting(500_000), ContinuingWrongly]);
    liar.serve("honest", archive.bytes.clone(), "v1");
    for name in ["wrong-rest-once", "honest"] {
        let job = install(
            &packd,
            &json!({"source": url(name), "checksum": archive.sha256()}),
        );
        assert_eq!(job.status, JobStatus::Succeeded, "{name}: {job:#?}");
    }
}

#[test]
fn https_does_not_lead_to_http() {
    let site = Site::serving([]);
    let archive = site.publish(&slack(), Format::TarGz);
    let packd = Packd::start(&Settings::for_site(&site).set("net.allow_http", true));
    let url = site.url(&format!("down/packs/{}", archive.name));
    packd
        .ctl(["install", &url])
        .failure(1)
        .says("redirects from https to plain http");
    nothing_is_left(&packd);
}

#[test]
fn a_download_goes_on_after_a_kill_and_starts_anew_if_the_archive_has_changed() {
    let pack = PackTree::new("slack", "2.1.0").with_bulk(100, 60_000);
    let archive = pack.archive(Format::TarGz);
    for etag in ["v1", "v2"] {
        let liar = Liar::start();
        liar.serve("slack.tar.gz", archive.bytes.clone(), "v1");
        liar.behave("slack.tar.gz", [Manner::Dripping(4_000_000)]);
        let mut packd = Packd::start(&Settings::new().set("net.allow_http", true));
        let url = liar.url("slack.tar.gz");
        let job = packd
            .ctl(["-j", "install", &url, "--no-wait"])
            .success()
            .job()
            .id;
        packd.wait_for(job, |event| {
            event.kind == EventKind::Downloading
                && event.data["downloaded_bytes"].as_u64() >= Some(3_000_000)
        });

        packd.kill();
        liar.serve("slack.tar.gz", archive.bytes.clone(), etag);
        liar.behave("slack.tar.gz", [Manner::Honestly]);
        packd.begin();

        let job = packd.finished(job);
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
        assert_eq!(
            packd.tree("slack").unwrap(),
            Tree::unpacked_by_others(&archive)
        );
        let asked = liar.asked("slack.tar.gz");
        let last = asked.last().unwrap();
        assert_eq!(last.header("if-range"), Some("\"v1\""), "{asked:#?}");
        let range = last.header("range").unwrap_or_default();
        let from: u64 = range
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap_or_else(|_| panic!("asked for `{range}`"));
        assert!(
            from > 1_000_000,
            "most of what had come is not asked for again: {from}"
        );
    }
}

#[test]
fn further_sources_are_tried_in_order_and_each_failure_is_told() {
    let liar = Liar::start();
    let archive = slack().archive(Format::TarGz);
    let names = [
        "gone.tar.gz",
        "other.tar.gz",
        "good.tar.gz",
        "unused.tar.gz",
    ];
    for name in names {
        liar.serve(name, archive.bytes.clone(), "v1");
    }
    liar.behave("gone.tar.gz", [Manner::Refusing(404, "")]);
    liar.serve(
        "other.tar.gz",
        PackTree::new("evil", "1.0.0").archive(Format::TarGz).bytes,
        "v1",
    );
    let urls = names.map(|name| liar.url(name));
    liar.serve(
        "index.json",
        index(&slack(), &urls, &archive.sha256()),
        "v1",
    );
    let packd = Packd::start(&of_liar(impatient(), &liar, &json!({})));

    let job = install(&packd, &json!({"source": "slack"}));

    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert_eq!(
        packd.tree("slack").unwrap(),
        Tree::unpacked_by_others(&archive)
    );
    let told: Vec<_> = job
        .warnings
        .iter()
        .filter(|text| text.contains(".tar.gz"))
        .collect();
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].contains("gone.tar.gz"), "{told:#?}");
    assert!(
        told[1].contains("other.tar.gz") && told[1].contains("digest"),
        "{told:#?}"
    );
    assert!(
        liar.asked("unused").is_empty(),
        "the first that is good is enough"
    );
    assert!(
        packd.packs()[0]
            .source
            .url
            .as_deref()
            .is_some_and(|url| url.contains("good.tar.gz"))
    );
}

#[test]
fn a_server_that_is_busy_is_asked_again_when_it_says() {
    let liar = Liar::start();
    let archive = slack().archive(Format::TarGz);
    liar.serve("slack.tar.gz", archive.bytes.clone(), "v1");
    liar.behave(
        "slack.tar.gz",
        [
            Manner::Refusing(503, "Retry-After: 4\r\n"),
            Manner::Cutting(300_000),
            Manner::Refusing(500, ""),
            Manner::Honestly,
        ],
    );
    let packd = Packd::start(&impatient().set("queue.retries", 5));
    let ran = packd.ctl(["install", &liar.url("slack.tar.gz")]);
    ran.success().says("trying again in 4 s").says("attempt 3");
    assert_eq!(
        packd.tree("slack").unwrap(),
        Tree::unpacked_by_others(&archive)
    );
    let asked = liar.asked("slack.tar.gz");
    assert!(
        asked.last().unwrap().header("range").is_some(),
        "only the rest: {asked:#?}"
    );
}

#[test]
fn credentials_of_a_registry_are_for_its_own_server_only() {
    let (registry, elsewhere) = (Liar::start(), Liar::start());
    registry.require("X-Api-Key", "s3cret");
    let packs = [
        (PackTree::new("own", "1.0.0"), registry.url("own.tar.gz")),
        (PackTree::new("away", "1.0.0"), elsewhere.url("away.tar.gz")),
        (
            PackTree::new("moved", "1.0.0"),
            registry.url("moved.tar.gz"),
        ),
    ];
    let mut all = Index::new();
    for (pack, url) in &packs {
        let archive = pack.archive(Format::TarGz);
        let path = format!("{}.tar.gz", pack.name());
        registry.serve(&path, archive.bytes.clone(), "v1");
        elsewhere.serve(&path, archive.bytes.clone(), "v1");
        all.add(pack, url, &archive.sha256());
    }
    registry.behave(
        "moved.tar.gz",
        [Manner::Redirecting(elsewhere.url("moved.tar.gz"))],
    );
    registry.serve("index.json", all.text(), "v1");
    let headers = json!({"headers": {"X-Api-Key": "${env:REGISTRY_KEY}"}});
    let mut packd = Packd::prepare(&of_liar(impatient(), &registry, &headers));
    packd.with_environment("REGISTRY_KEY", "s3cret");
    packd.begin();

    packd.ctl(["install", "own", "away", "moved"]).success();

    assert_eq!(packd.active(), ["away 1.0.0", "moved 1.0.0", "own 1.0.0"]);
    let asked = elsewhere.asked("");
    assert_eq!(asked.len(), 2, "{asked:#?}");
    for asked in asked {
        assert_eq!(asked.header("x-api-key"), None, "{asked:#?}");
        assert_eq!(asked.header("referer"), None, "{asked:#?}");
    }
    assert!(!packd.log().contains("s3cret"), "no secret is logged");
}

#[test]
fn a_registry_that_wants_a_password_gets_it_or_says_so() {
    let site = Site::serving([]);
    let archive = site.publish(&slack(), Format::TarGz);
    let url = site.url(&format!("guarded/packs/{}", archive.name));
    let text = Index::new().offer(&slack(), &url, &archive.sha256()).text();
    fs_err::write(site.root().join("index.json"), text).unwrap();
    let settings = |password: &str| {
        let more = json!({"headers": {"Authorization": password}});
        Settings::new()
            .registry("demo", &site.url("guarded/index.json"), &more)
            .set("net.ca_file", site.authority().to_str())
            .set("queue.retries", 0)
    };
    let packd = Packd::start(&settings("Bearer wrong"));
    let ran = packd.ctl(["install", "slack"]);
    ran.says("401").says("headers");
    assert_ne!(ran.code(), Some(0));
    nothing_is_left(&packd);

    packd.configure(&settings(PASSWORD));
    packd.post(path::RELOAD, &json!({})).expect(200);
    packd.ctl(["install", "slack"]).success();
    assert_eq!(packd.active(), ["slack 2.1.0"]);
}

#[test]
fn an_archive_that_is_not_what_its_name_says_is_read_and_the_name_warned_of() {
    let liar = Liar::start();
    let archive = slack().archive(Format::Zip);
    liar.serve("slack.tar.gz", archive.bytes.clone(), "v1");
    let packd = Packd::start(&impatient());
    let job = install(&packd, &json!({"source": liar.url("slack.tar.gz")}));
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    assert!(
        job.warnings
            .iter()
            .any(|text| text.contains("is called .tar.gz, and is .zip")),
        "{job:#?}"
    );
}

#[test]
fn what_was_downloaded_once_is_not_asked_for_again() {
    let mut site = Site::serving([&slack()]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    packd.ctl(["remove", "slack"]).success();
    // the tree is in the store, too; without it, only the cache has the bytes
    fs_err::remove_dir_all(packd.state_dir().join("store")).unwrap();
    fs_err::create_dir(packd.state_dir().join("store")).unwrap();
    packd.ctl(["install", "slack"]).success();
    let tree = Tree::unpacked_by_others(&slack().archive(Format::TarGz));
    assert_eq!(packd.tree("slack").unwrap(), tree);
    site.stop();
    let served = site.served();
    let archives = served
        .iter()
        .filter(|served| served.path.starts_with("/packs/"));
    assert_eq!(archives.count(), 1, "{served:#?}");
}

#[test]
fn proxies_are_used_as_the_environment_or_the_configuration_says() {
    let (proxy, direct) = (Liar::start(), Liar::start());
    let archive = slack().archive(Format::TarGz);
    for server in [&proxy, &direct] {
        server.serve("slack.tar.gz", archive.bytes.clone(), "v1");
    }
    let address = proxy.url("");
    let by_environment = [("HTTP_PROXY", address.as_str()), ("NO_PROXY", "127.0.0.1")];
    let by_setting = [
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    for (setting, environment) in [("env", by_environment), (address.as_str(), by_setting)] {
        let mut packd = Packd::prepare(&impatient().set("net.proxy", setting));
        for (name, value) in environment {
            packd.with_environment(name, value);
        }
        packd.begin();
        let before = (proxy.proxied().len(), direct.asked("").len());
        // no name server knows this one, so only the proxy can
        let job = install(
            &packd,
            &json!({"source": "http://packs.invalid/slack.tar.gz"}),
        );
        assert_eq!(job.status, JobStatus::Succeeded, "{setting}: {job:#?}");
        let asked = proxy.proxied();
        assert_eq!(asked.len(), before.0 + 1, "{asked:#?}");
        let job = install(
            &packd,
            &json!({"source": direct.url("slack.tar.gz"), "force": true}),
        );
        assert_eq!(job.status, JobStatus::Succeeded, "{setting}: {job:#?}");
        assert_eq!(
            direct.asked("").len(),
            before.1 + 1,
            "{setting}: past the proxy"
        );
        assert_eq!(proxy.proxied().len(), asked.len(), "{setting}");
    }
}

#[test]
fn a_rate_limit_holds_and_the_total_timeout_ends_what_takes_too_long() {
    let liar = Liar::start();
    let archive = slack().archive(Format::TarGz);
    liar.serve("slack.tar.gz", archive.bytes.clone(), "v1");
    // a tenth of what is needed can come within the time
    let rate = archive.bytes.len() / 20;
    let settings = impatient()
        .set("net.rate_limit", format!("{rate}B"))
        .set("net.total_timeout", "2s");
    let packd = Packd::start(&settings);
    let job = install(&packd, &json!({"source": liar.url("slack.tar.gz")}));
    let error = job.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error:#?}");
    assert!(error.retryable && error.hint.unwrap().contains("net.total_timeout"));
    nothing_is_left(&packd);
}
