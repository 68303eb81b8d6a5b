//! An automatic update from a registry that makes the host ill: at once, while it is watched, or by its own tests. packd goes
//! back by itself, and takes the next newer version as usual.

use std::path::Path;
use std::time::Instant;

use packd_tests::{PATIENCE, PackTree, Packd, Settings, Site};
use packd_wire::{
    EventKind, JobKind, JobStatus, JobView, PackList, TestList, TestTrigger, UpdateDecision, path,
};
use serde_json::{Value, json};

use super::hooks::hook_of;
use super::update::{explained, from_now, updated};

const SHELL: &str = "/bin/sh";

/// A pack with tests that fail while a file is there.
fn pack(name: &str, version: &str, folder: &Path) -> PackTree {
    let bad = folder.join("tests-fail");
    PackTree::new(name, version)
        .saying(&format!(
            "ref: {name}\nversion: {version}\ntesting: {{runners: {{shell: {{type: script, entry_point: run.sh}}}}}}\n"
        ))
        .file("version", version)
        .file("run.sh", format!("! test -e {}\n", bad.display()))
}

/// A host with `core`, `jira` and `slack` 1.0.0, which asks for its health so.
struct Host {
    site: Site,
    packd: Packd,
    folder: tempfile::TempDir,
}

impl Host {
    fn new(health: &Value) -> Self {
        Self::with(
            |_| json!({"health": health.clone()}),
            |settings, _| settings,
        )
    }

    fn with(
        updates: impl FnOnce(&Path) -> Value,
        more: impl FnOnce(Settings, &Packd) -> Settings,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // tests and commands may be run by somebody else
        fs_err::set_permissions(
            folder.path(),
            std::os::unix::fs::PermissionsExt::from_mode(0o755),
        )
        .unwrap();
        let packs = ["core", "jira", "slack"].map(|name| pack(name, "1.0.0", folder.path()));
        let site = Site::serving(&packs);
        let mut settings = Settings::for_site(&site).set("updates.splay", "0s");
        for (key, value) in updates(folder.path()).as_object().unwrap() {
            settings = settings.set(&format!("updates.{key}"), value.clone());
        }
        let mut packd = Packd::prepare(&settings);
        packd.configure(&more(settings, &packd));
        packd.begin();
        packd.ctl(["install", "core", "jira", "slack"]).success();
        Self {
            site,
            packd,
            folder,
        }
    }

    fn make(&self, name: &str) {
        fs_err::write(self.folder.path().join(name), "").unwrap();
    }

    /// Offers this version of `jira` and `slack`; the job that brings both by itself.
    fn offer(&mut self, version: &str) -> JobView {
        let mut events = from_now(&self.packd);
        for name in ["jira", "slack"] {
            self.site.offer(&pack(name, version, self.folder.path()));
        }
        self.packd.ctl(["registry", "refresh"]).success();
        let job = updated(&self.packd, &mut events);
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
        assert!(job.automatic, "nobody asked: {job:#?}");
        job
    }

    /// Waits until the tests of the active packs were run to see whether the host is well.
    fn is_looked_at(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let tests: TestList = self.packd.get("/v1/packs/slack/tests").expect(200).json();
            let mut looks = tests.tests.iter();
            if looks.any(|test| test.trigger == TestTrigger::Health) {
                return;
            }
            assert!(Instant::now() < end, "nobody looks:\n{}", self.packd.log());
            std::thread::yield_now();
        }
    }

    /// Insists that packd goes back from what this job activated, all of it, and says so everywhere; returns why.
    fn goes_back(&self, job: &JobView) -> String {
        let heard = self
            .packd
            .wait_for(job.id, |event| event.kind == EventKind::HealthFailed);
        let told = &heard.last().unwrap().data;
        assert_eq!(told["generation"], json!(job.generation), "{told}");
        let rollback = self.packd.finished(told["rollback"].as_i64().unwrap());
        assert_eq!(
            (rollback.kind, rollback.status, rollback.automatic),
            (JobKind::Rollback, JobStatus::Succeeded, true),
            "{rollback:#?}"
        );
        assert_eq!(
            self.packd.active(),
            ["core 1.0.0", "jira 1.0.0", "slack 1.0.0"]
        );
        let version = &job.plan.as_ref().unwrap().changes[0].to;
        let version = version.as_deref().unwrap();
        let packs: PackList = self.packd.get(path::PACKS).expect(200).json();
        for pack in packs.packs {
            let blocked: Vec<_> = pack.blocked.iter().map(|one| &*one.version).collect();
            let expected: &[&str] = match pack.pack_ref.as_str() {
                "core" => &[],
                _ => &[version],
            };
            assert_eq!(blocked, expected, "{}", pack.pack_ref);
        }
        let begins = format!("{version} was rolled back from by job {}", rollback.id);
        for name in ["jira", "slack"] {
            let update = explained(&self.packd, name, UpdateDecision::Blocked);
            assert!(update.reason.starts_with(&begins), "{update:#?}");
            self.packd
                .ctl(["update", "--explain", name])
                .success()
                .says(&begins);
        }
        let metrics = self.packd.get(path::METRICS).expect(200).text();
        assert!(
            metrics.contains("packd_health_failures_total 1"),
            "{metrics}"
        );
        let log = self.packd.log();
        let mut lines = log.lines();
        assert!(
            lines.any(|line| line.contains("ERROR") && line.contains("; going back")),
            "{log}"
        );
        told["message"].as_str().unwrap().to_owned()
    }

    /// Insists that a newer version comes as usual, and stays.
    fn takes(&mut self, version: &str) {
        self.offer(version);
        let expected = [
            "core 1.0.0".to_owned(),
            format!("jira {version}"),
            format!("slack {version}"),
        ];
        assert_eq!(self.packd.active(), expected);
    }
}

/// A command that fails while `slack` is of this version.
fn not_with(packd: &Packd, version: &str) -> String {
    format!(
        "echo slack says no; test \"$(cat {}/current/slack/version)\" != {version}",
        packd.state_dir().display()
    )
}

#[test]
fn an_update_that_makes_the_host_ill_at_once_is_gone_back_from_by_itself() {
    let mut host = Host::with(
        |_| json!({}),
        |settings, packd| {
            let command = json!([[SHELL, "-c", not_with(packd, "1.1.0")]]);
            settings.set(
                "updates.health",
                json!({"commands": command, "watch_for": "0s"}),
            )
        },
    );
    let job = host.offer("1.1.0");
    let why = host.goes_back(&job);
    assert!(
        why.ends_with("it ended with the status 1 (slack says no)"),
        "{why}"
    );
    host.takes("1.2.0");
}

#[test]
fn an_update_that_makes_the_host_ill_while_it_is_watched_is_gone_back_from_by_itself() {
    let mut host = Host::with(
        |folder| {
            let script = format!("! test -e {}/ill", folder.display());
            let command = json!([[SHELL, "-c", script]]);
            json!({"health": {"commands": command, "watch_for": "1h", "every": "1s"}})
        },
        |settings, _| settings,
    );
    let job = host.offer("1.1.0");
    host.is_looked_at();
    assert_eq!(
        host.packd.active(),
        ["core 1.0.0", "jira 1.1.0", "slack 1.1.0"],
        "so far it is well"
    );
    host.site.offer(&pack("core", "1.0.1", host.folder.path()));
    host.packd.ctl(["registry", "refresh"]).success();
    let waits = explained(&host.packd, "core", UpdateDecision::Due);
    assert_eq!(
        waits.reason,
        "1.0.1 is installed when it is certain that the host is well after the last update"
    );
    assert_eq!(waits.next, None, "{waits:#?}");
    host.packd.ctl(["hold", "core"]).success();
    host.make("ill");
    host.goes_back(&job);
    fs_err::remove_file(host.folder.path().join("ill")).unwrap();
    host.takes("1.2.0");
}

#[test]
fn own_tests_that_fail_while_an_update_is_watched_are_a_reason_to_go_back() {
    let mut host = Host::new(&json!({"watch_for": "1h", "every": "1s"}));
    let job = host.offer("1.1.0");
    host.is_looked_at();
    host.make("tests-fail");
    host.goes_back(&job);
    fs_err::remove_file(host.folder.path().join("tests-fail")).unwrap();
    host.takes("1.2.0");
}

#[test]
fn a_hook_that_goes_back_from_an_update_blocks_it_and_the_next_version_comes() {
    let mut host = Host::with(
        |_| json!({}),
        |settings, packd| {
            settings.hook(&json!({
                "name": "check",
                "on": ["generation_activated"],
                "command": [SHELL, "-c", not_with(packd, "1.1.0")],
                "on_failure": "rollback",
            }))
        },
    );
    let job = host.offer("1.1.0");
    let hook = hook_of(&host.packd, job.id);
    let rollback = host.packd.finished(hook.rollback.unwrap());
    assert_eq!(rollback.status, JobStatus::Succeeded, "{rollback:#?}");
    let update = explained(&host.packd, "slack", UpdateDecision::Blocked);
    assert!(update.reason.starts_with("1.1.0 was rolled back from"));
    host.takes("1.2.0");
}
