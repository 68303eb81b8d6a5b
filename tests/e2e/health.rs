//! The health of the host after an automatic update: asked again and again, and the way back when it is bad.

use std::path::{Path, PathBuf};
use std::time::Instant;

use packd_tests::{PATIENCE, PackTree, Packd, Request, Settings, Site};
use packd_wire::{
    EventKind, EventView, JobKind, JobStatus, JobView, PackView, TestList, TestTrigger, path,
};
use serde_json::{Value, json};

const SHELL: &str = "/bin/sh";

/// `slack` with tests that fail while this file is there.
fn slack(version: &str, bad: &Path) -> PackTree {
    PackTree::new("slack", version)
        .saying(&format!(
            "ref: slack\nversion: {version}\ntesting: {{runners: {{shell: {{type: script, entry_point: run.sh}}}}}}\n"
        ))
        .file("version", version)
        .file("run.sh", format!("! test -e {}\n", bad.display()))
}

/// A host that asks for its health so, and a folder for what makes it ill.
struct Host {
    site: Site,
    packd: Packd,
    folder: tempfile::TempDir,
}

impl Host {
    fn new(health: impl FnOnce(&Path) -> Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // tests and commands may be run by somebody else
        fs_err::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let bad = folder.path().join("tests-fail");
        let site = Site::serving(&["1.0.0", "2.0.0", "3.0.0"].map(|version| slack(version, &bad)));
        let health = health(folder.path());
        let packd = Packd::start(&Settings::for_site(&site).set("updates.health", health));
        packd.ctl(["install", "slack@1.0.0"]).success();
        Self {
            site,
            packd,
            folder,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn make(&self, name: &str) {
        fs_err::write(self.file(name), "").unwrap();
    }

    /// Installs a version, and lets packd believe that it did so by itself a moment before it was stopped.
    fn update(&mut self, version: &str) -> JobView {
        let what = format!("slack@{version}");
        let job = self.packd.ctl(["-j", "install", &what]).success().job();
        self.packd.terminate();
        let database = rusqlite::Connection::open(self.packd.state_dir().join("packd.db")).unwrap();
        database
            .execute("UPDATE job SET automatic = 1 WHERE id = ?1", [job.id])
            .unwrap();
        database
            .execute(
                "INSERT INTO watch (generation, job, since)
                 VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                [job.generation.unwrap(), job.id],
            )
            .unwrap();
        database.close().unwrap();
        self.packd.begin();
        job
    }

    /// The first event of this kind of a job.
    fn told(&self, job: i64, kind: EventKind) -> EventView {
        let mut events = self.packd.wait_for(job, |event| event.kind == kind);
        events.pop().unwrap()
    }

    /// The way back, once it was taken.
    fn way_back(&self, job: i64) -> JobView {
        let told = self.told(job, EventKind::HealthFailed);
        let rollback = self.packd.finished(told.data["rollback"].as_i64().unwrap());
        assert_eq!(
            (rollback.kind, rollback.status, rollback.automatic),
            (JobKind::Rollback, JobStatus::Succeeded, true),
            "{rollback:#?}"
        );
        rollback
    }

    fn blocked(&self) -> Vec<String> {
        let pack: PackView = self.packd.ask(&Request::get(&path::pack("slack"))).json();
        pack.blocked.into_iter().map(|one| one.version).collect()
    }

    /// Waits until the tests of the active pack were run to see whether the host is well.
    fn is_looked_at(&self) {
        let end = Instant::now() + PATIENCE;
        while self.looks() == 0 {
            assert!(Instant::now() < end, "nobody looks:\n{}", self.packd.log());
            std::thread::yield_now();
        }
    }

    /// How often the tests of the active pack were run to see whether the host is well.
    fn looks(&self) -> usize {
        let tests: TestList = self.packd.get("/v1/packs/slack/tests").expect(200).json();
        let looks = tests.tests.iter();
        looks
            .filter(|test| test.trigger == TestTrigger::Health)
            .count()
    }
}

/// A command that fails while a file is there.
fn ill_with(folder: &Path) -> Value {
    let script = format!("echo it is ill; ! test -e {}/ill", folder.display());
    json!({"command": [SHELL, "-c", script], "every": "1s"})
}

#[test]
fn a_version_that_makes_the_host_ill_is_gone_back_from_and_the_next_one_is_another_chance() {
    let mut host = Host::new(ill_with);
    host.make("ill");
    let second = host.update("2.0.0");
    let rollback = host.way_back(second.id);
    assert_eq!(
        rollback.summary,
        "rollback to generation 1: the host was not well"
    );
    assert_eq!(host.packd.active(), ["slack 1.0.0"]);
    assert_eq!(host.blocked(), ["2.0.0"]);
    let warnings = host.packd.job(second.id).warnings;
    assert_eq!(
        warnings,
        [format!(
            "the host is not well with generation 2: `{SHELL}`: it ended with the status 1 (it is ill)"
        )]
    );
    let metrics = host.packd.get(path::METRICS).expect(200).text();
    assert!(
        metrics.contains("packd_health_failures_total 1"),
        "{metrics}"
    );
    assert!(host.packd.log().contains("going back"));

    fs_err::remove_file(host.file("ill")).unwrap();
    host.update("3.0.0");
    host.is_looked_at();
    assert_eq!(host.packd.active(), ["slack 3.0.0"]);
    assert_eq!(host.blocked(), Vec::<String>::new());
}

#[test]
fn own_tests_that_fail_on_what_is_active_are_a_reason_too() {
    let mut host = Host::new(|_| json!({"every": "1s"}));
    let second = host.update("2.0.0");
    host.is_looked_at();
    assert_eq!(host.packd.active(), ["slack 2.0.0"], "so far it is well");
    host.make("tests-fail");
    host.way_back(second.id);
    assert_eq!(host.packd.active(), ["slack 1.0.0"]);
    assert_eq!(host.blocked(), ["2.0.0"]);
}

#[test]
fn killed_during_the_watch_packd_goes_on_with_it() {
    let mut host = Host::new(ill_with);
    let second = host.update("2.0.0");
    host.is_looked_at();
    host.packd.kill();
    host.make("ill");
    host.packd.begin();
    host.way_back(second.id);
    assert_eq!(host.packd.active(), ["slack 1.0.0"]);
}

#[test]
fn what_somebody_activated_meanwhile_is_left_as_it_is() {
    let mut host = Host::new(|folder| {
        let go = folder.join("go");
        let script = format!(
            "while ! test -e {}; do sleep 0.05; done; exit 1",
            go.display()
        );
        json!({"commands": [[SHELL, "-c", script]]})
    });
    let second = host.update("2.0.0");
    host.packd.ctl(["install", "slack@3.0.0"]).success();
    host.make("go");
    let told = host.told(second.id, EventKind::Warning);
    let message = told.data["message"].as_str().unwrap();
    assert!(
        message.contains(
            "generation 2 is not active any more, and what is active now is left as it is"
        ),
        "{message}"
    );
    assert_eq!(host.packd.active(), ["slack 3.0.0"]);
    assert_eq!(host.blocked(), Vec::<String>::new());
}

#[test]
fn a_host_that_stays_well_is_left_alone_and_one_that_cannot_be_asked_too() {
    let mut host = Host::new(|_| json!({"every": "1s", "watch_for": "2s"}));
    let second = host.update("2.0.0");
    let told = host.told(second.id, EventKind::Info);
    assert_eq!(
        told.data["message"],
        "the host was well for 2 s with generation 2"
    );
    assert!(host.looks() >= 2, "{}", host.looks());
    assert_eq!(host.packd.active(), ["slack 2.0.0"]);

    let health = json!({"command": ["/nonexistent/check"], "tests": false, "watch_for": "0s"});
    host.packd
        .configure(&Settings::for_site(&host.site).set("updates.health", health));
    let third = host.update("3.0.0");
    let told = host.told(third.id, EventKind::Warning);
    let message = told.data["message"].as_str().unwrap();
    assert!(
        message.starts_with("whether the host is well cannot be told: `/nonexistent/check`"),
        "{message}"
    );
    assert_eq!(host.packd.active(), ["slack 3.0.0"]);
}
