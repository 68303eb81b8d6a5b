//! A real Prometheus: the alert rules, and figures that it has read itself.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use packd_tests::support::process::Ran;
use packd_tests::support::{http, programs};
use packd_tests::{PackTree, Packd, Request, Settings, Site};
use packd_wire::path;

/// How long Prometheus may take to start and to read.
const PATIENCE: Duration = Duration::from_mins(1);

fn rules(name: &str) -> std::path::PathBuf {
    programs::source().join("packaging/prometheus").join(name)
}

/// Prometheus does not read from a Unix socket: this passes its questions on, until the listener is shut.
fn bridge(listener: &TcpListener, socket: &std::path::Path) {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { return };
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            line.clear();
        }
        let answer = http::ask(socket, &Request::get(path::METRICS));
        let head = format!(
            "HTTP/1.1 {} OK\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.status,
            answer.header("content-type").unwrap(),
            answer.body.len()
        );
        // one that went away asks again
        let _gone = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&answer.body));
    }
}

/// A Prometheus that ends with the test.
struct Prometheus {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // it has ended already, or does now
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Prometheus {
    fn reading(target: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
             scrape_configs: [{{job_name: packd, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n",
            rules("packd.rules.yml").display()
        );
        fs_err::write(&config, text).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            port,
            _folder: folder,
        }
    }

    /// The first row of an answer, when there is one within the time.
    fn asked(&self, query: &str) -> serde_json::Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut command = Command::new("curl");
            command.args(["-s", "--max-time", "5", "--get", "--data-urlencode"]);
            command.arg(format!("query={query}"));
            // curl itself pauses before it tries again
            command.args(["--retry", "3", "--retry-connrefused", "--retry-delay", "1"]);
            command.arg(format!("http://127.0.0.1:{}/api/v1/query", self.port));
            let ran = Ran::of(&mut command);
            let answer: serde_json::Value = serde_json::from_str(ran.stdout()).unwrap_or_default();
            if let Some(row) = answer["data"]["result"].get(0) {
                return row.clone();
            }
            assert!(Instant::now() < end, "no answer to {query}: {ran:#?}");
        }
    }
}

#[test]
fn the_alert_rules_fire_when_they_should() {
    Ran::of(
        Command::new("promtool")
            .args(["check", "rules"])
            .arg(rules("packd.rules.yml")),
    )
    .success();
    Ran::of(
        Command::new("promtool")
            .args(["test", "rules"])
            .arg(rules("packd.rules.test.yml")),
    )
    .success();
}

#[test]
fn the_alert_rules_speak_of_figures_that_there_are() {
    let text = fs_err::read_to_string(rules("packd.rules.yml")).unwrap();
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let page = packd.get(path::METRICS).text();
    let names = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    let mut names: Vec<&str> = names.filter(|name| name.starts_with("packd_")).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() > 8, "{names:?}");
    // which there is only where a registry is signed
    names.retain(|name| *name != "packd_registry_signed_seconds");
    for name in names {
        assert!(
            page.contains(&format!("# TYPE {name} ")),
            "{name} in\n{page}"
        );
    }
}

#[test]
fn a_prometheus_reads_the_figures() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack"]).success();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = packd.socket();
    std::thread::scope(|scope| {
        let stop = listener.try_clone().unwrap();
        scope.spawn(|| bridge(&listener, &socket));
        {
            let prometheus = Prometheus::reading(port);
            let row = prometheus.asked("packd_packs{state=\"ok\"}");
            assert_eq!(row["value"][1], "1", "{row}");
            let row = prometheus
                .asked("packd_step_duration_seconds_bucket{step=\"activate\",le=\"+Inf\"}");
            assert_eq!(row["value"][1], "1", "{row}");
            let row = prometheus.asked("up{job=\"packd\"}");
            assert_eq!(row["value"][1], "1", "{row}");
            let row = prometheus.asked("time() - packd_start_time_seconds < 3600");
            assert_eq!(row["metric"]["job"], "packd");
        }
        // the bridge waits for a question: a listener that is not open any more has none
        rustix::net::shutdown(&stop, rustix::net::Shutdown::Both).unwrap();
        drop(TcpStream::connect(("127.0.0.1", port)));
    });
}
