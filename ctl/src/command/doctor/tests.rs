#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use insta::assert_snapshot;
use packd_wire::StatusView;
use serde_json::json;

use super::*;

/// A host in a folder on which nothing is wrong.
struct Scene {
    folder: tempfile::TempDir,
    host: Host,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = Self {
            host: Host {
                root: folder.path().to_owned(),
                socket: "/run/packd/packd.sock".into(),
                state_dir: "/var/lib/packd".into(),
                now: "2026-06-01T00:00:00Z".parse().unwrap(),
                kernel: "6.12.0-1-amd64".to_owned(),
                programs: Vec::new(),
            },
            folder,
        };
        for (path, text) in [
            ("/run/packd/x", ""),
            ("/var/lib/packd/packd.db", ""),
            ("/etc/packd/packd.yaml", "queue: {workers: 2}\n"),
            ("/etc/ssl/certs/ca-certificates.crt", ""),
            ("/etc/passwd", "root:x:0:0\npackd:x:990:990::/:/bin/false\n"),
            ("/etc/group", "packd:x:990:\npackd-admin:x:991:\n"),
            ("/sys/kernel/security/lsm", "lockdown,yama,landlock\n"),
            ("/proc/sys/kernel/seccomp/actions_avail", "kill_process\n"),
            ("/proc/sys/fs/inotify/max_user_watches", "65536\n"),
            ("/proc/sys/fs/inotify/max_user_instances", "128\n"),
            ("/run/systemd/timesync/synchronized", ""),
            ("/run/systemd/system/x", ""),
            ("/usr/bin/packd", ""),
            (
                "/usr/lib/systemd/system/packd.service",
                "[Service]\nExecStart=/usr/bin/packd --x\n",
            ),
            ("/usr/lib/systemd/system/packd.socket", ""),
            ("/etc/systemd/system/sockets.target.wants/packd.socket", ""),
        ] {
            scene.write(path, text);
        }
        // the file of a socket stays when nobody listens any more
        drop(UnixListener::bind(scene.at("/run/packd/packd.sock")).unwrap());
        scene.mode("/run/packd", 0o755);
        scene.mode("/var/lib/packd", 0o755);
        scene.mode("/var/lib/packd/packd.db", 0o600);
        scene
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.strip_prefix('/').unwrap())
    }

    fn write(&self, path: &str, text: &str) {
        let place = self.at(path);
        fs_err::create_dir_all(place.parent().unwrap()).unwrap();
        fs_err::write(place, text).unwrap();
        self.mode(path, 0o644);
    }

    fn remove(&self, path: &str) {
        fs_err::remove_file(self.at(path)).unwrap();
    }

    fn mode(&self, path: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        fs_err::set_permissions(self.at(path), permissions).unwrap();
    }

    /// What the checks find, but for the space of the test's own file system.
    fn found(&self) -> Vec<String> {
        let mut report = Report::default();
        files::socket(&self.host, &mut report);
        files::state(&self.host, &mut report);
        files::configuration(&self.host, &mut report);
        files::certificates(&self.host, &mut report);
        system::examine(&self.host, &mut report);
        assert_eq!(report.skipped, [], "everything can be looked at");
        told(&report)
    }

    /// Insists on this one finding.
    fn finds(&self, check: &str, what: &str, fix: &str) {
        let found = self.found();
        assert_eq!(found.len(), 1, "{found:#?}");
        let (start, end) = found[0].split_once(" => ").unwrap();
        assert!(start.starts_with(&format!("{check}: ")), "{found:#?}");
        assert!(start.contains(what) && end.contains(fix), "{found:#?}");
    }
}

fn told(report: &Report) -> Vec<String> {
    let findings = report.findings.iter();
    findings
        .map(|one| format!("{}: {} => {}", one.check, one.what, one.fix))
        .collect()
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(Scene::new().found(), Vec::<String>::new());
}

#[test]
fn permissions_that_are_too_wide_are_found() {
    for (path, mode, check, what, fix) in [
        (
            "/var/lib/packd",
            0o775,
            "state folder",
            "can write",
            "chmod go-w",
        ),
        (
            "/var/lib/packd/packd.db",
            0o644,
            "state folder",
            "can read",
            "chmod 0600",
        ),
        (
            "/run/packd",
            0o777,
            "socket",
            "everybody may replace",
            "chmod o-w /run/packd",
        ),
        (
            "/etc/packd/packd.yaml",
            0o664,
            "configuration files",
            "packd.yaml",
            "chmod go-w",
        ),
    ] {
        let scene = Scene::new();
        scene.mode(path, mode);
        scene.finds(check, what, fix);
    }
}

#[test]
fn a_file_in_the_place_of_the_socket_is_found() {
    let scene = Scene::new();
    scene.remove("/run/packd/packd.sock");
    scene.write("/run/packd/packd.sock", "");
    scene.finds("socket", "is no socket", "rm /run/packd/packd.sock");
}

#[test]
fn secrets_are_found_by_the_configuration() {
    let scene = Scene::new();
    scene.write(
        "/etc/packd/conf.d/a.yaml",
        "# ${file:/nowhere}\nregistries: [{headers: {A: \"${file:/etc/packd/token}\"}}]\n",
    );
    scene.finds(
        "secrets",
        "there is no `/etc/packd/token`",
        "write the secret",
    );
    scene.write("/etc/packd/token", "x");
    scene.finds("secrets", "everybody can read", "chmod o= /etc/packd/token");
    scene.mode("/etc/packd/token", 0o640);
    assert_eq!(scene.found(), Vec::<String>::new());
    scene.write("/etc/packd/ssh/known_hosts", "x");
    scene.write("/etc/packd/ssh/id_ed25519", "x");
    scene.finds("secrets", "id_ed25519", "chmod o=");
}

#[test]
fn certificates_that_lack_are_found() {
    let scene = Scene::new();
    scene.remove("/etc/ssl/certs/ca-certificates.crt");
    scene.finds("certificates", "no list of trusted", "ca-certificates");
    let scene = Scene::new();
    scene.write("/etc/packd/packd.yaml", "net: {ca_file: /etc/ca.pem}\n");
    scene.finds("certificates", "cannot read `net.ca_file`", "put the");
    scene.write("/etc/ca.pem", "no certificate");
    scene.finds("certificates", "no certificate in PEM", "in PEM");
    scene.write("/etc/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    assert_eq!(scene.found(), Vec::<String>::new());
}

#[test]
fn kernels_that_are_too_old_are_found() {
    let mut scene = Scene::new();
    scene.host.kernel = "5.4.0-150-generic".to_owned();
    scene.finds("kernel", "too old", "newer kernel");
    scene.host.kernel = "5.15.0".to_owned();
    scene.finds("kernel", "standard", "newer kernel");
    scene.host.kernel = "6.2.16-rc1".to_owned();
    assert_eq!(scene.found(), Vec::<String>::new());
}

#[test]
fn what_a_sandbox_lacks_is_found() {
    let scene = Scene::new();
    scene.write("/sys/kernel/security/lsm", "lockdown,yama\n");
    scene.finds(
        "sandbox",
        "Landlock is not on",
        "lsm=landlock,lockdown,yama",
    );
    let scene = Scene::new();
    scene.remove("/proc/sys/kernel/seccomp/actions_avail");
    scene.finds("sandbox", "no seccomp", "CONFIG_SECCOMP_FILTER");
    for (path, value) in [
        ("/proc/sys/user/max_user_namespaces", "0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0\n"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1\n",
        ),
    ] {
        let scene = Scene::new();
        scene.write(path, value);
        scene.finds("sandbox", "`tests.sandbox: strict` is not", "if `strict`");
    }
}

#[test]
fn few_watches_and_a_wrong_clock_are_found() {
    let scene = Scene::new();
    scene.write("/proc/sys/fs/inotify/max_user_watches", "100\n");
    scene.finds(
        "watches",
        "is 100",
        "sysctl fs.inotify.max_user_watches=8192",
    );
    let mut scene = Scene::new();
    scene.host.now = "1970-01-02T00:00:00Z".parse().unwrap();
    scene.finds("clock", "cannot be", "timedatectl");
    let scene = Scene::new();
    scene.remove("/run/systemd/timesync/synchronized");
    scene.finds("clock", "nothing seems to keep", "chrony");
}

#[test]
fn units_and_users_that_lack_are_found() {
    for (path, check, what, fix) in [
        (
            "/usr/lib/systemd/system/packd.socket",
            "units",
            "not both installed",
            "package",
        ),
        (
            "/etc/systemd/system/sockets.target.wants/packd.socket",
            "units",
            "enabled",
            "systemctl enable --now packd.socket",
        ),
        ("/usr/bin/packd", "units", "which is not there", "again"),
        (
            "/etc/passwd",
            "users",
            "no user `packd`",
            "systemd-sysusers",
        ),
    ] {
        let scene = Scene::new();
        scene.remove(path);
        scene.finds(check, what, fix);
    }
    let scene = Scene::new();
    scene.write("/etc/group", "packd:x:990:\n");
    scene.finds("users", "no group `packd-admin`", "systemd-sysusers");
}

#[test]
fn little_space_is_found() {
    let mut report = Report::default();
    files::enough("/var/lib/packd", 10 << 30, Some(1 << 20), &mut report);
    files::enough("/var/lib/packd", 10 << 30, None, &mut report);
    assert_eq!(report.findings, []);
    files::enough("/var/lib/packd", 100 << 20, Some(12), &mut report);
    assert_snapshot!(told(&report).join("\n"), @"
    space: `/var/lib/packd` has 100 MiB left => `packctl gc` frees what nothing needs; else make the file system larger
    space: the file system of `/var/lib/packd` has room for 12 more files => `packctl gc` frees what nothing needs; else use a file system with more inodes
    ");
}

fn status() -> StatusView {
    serde_json::from_value(json!({
        "version": "1.0.0", "api": 1, "features": [], "started_at": "2026-05-31T23:59:00Z",
        "uptime_seconds": 60, "pid": 1, "state_dir": "/var/lib/packd", "generation": null, "packs": 0,
        "queue": {"queued": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0},
        "last_event": 0, "registries": [], "problems": [], "role": "admin",
        "updates": packd_wire::UpdatesSummary::default()
    }))
    .unwrap()
}

#[test]
fn what_the_daemon_says_is_found() {
    let scene = Scene::new();
    let mut report = Report::default();
    daemon::problems(&status(), &mut report);
    daemon::clock(&scene.host, &status(), &mut report);
    daemon::versions("1.0.0", Some("1.0.0"), "1.0.0", &mut report);
    daemon::configuration(true, "# read: /etc/packd/packd.yaml\n", &mut report);
    assert_eq!(report.findings, [], "all is well");

    let mut view = status();
    view.problems = vec![
        "registry `acme` cannot be used: connection refused".to_owned(),
        "the tree of `a` 1 is missing in the store; `packctl install a` brings it back".to_owned(),
        "something is odd".to_owned(),
    ];
    view.registries = vec![failing()];
    view.uptime_seconds = 100_000;
    daemon::problems(&view, &mut report);
    daemon::clock(&scene.host, &view, &mut report);
    daemon::versions("1.0.0", Some("1.1.0"), "1.1.0", &mut report);
    daemon::versions("1.0.0", None, "1.1.0", &mut report);
    daemon::configuration(true, "# warning: `x` is odd\n", &mut report);
    let wrong = "packd.yaml:2: `x` is wrong\n1 problem; packd would not start\n";
    daemon::configuration(false, wrong, &mut report);
    assert_snapshot!(told(&report).join("\n"), @"
    registries: registry `acme` cannot be used: connection refused => look at the server
    state: the tree of `a` 1 is missing in the store => `packctl install a` brings it back
    state: something is odd => look at `journalctl -u packd -p warning`
    clock: the clock was set by -99940 s since packd started => see that something keeps it (`timedatectl`), then `systemctl restart packd`
    versions: packd 1.0.0 runs, and 1.1.0 is installed => `systemctl restart packd`
    versions: packd is 1.0.0, packctl is 1.1.0 => install both from the same package
    configuration: `x` is odd => change that key, then `systemctl reload packd`
    configuration: packd.yaml:2: `x` is wrong => correct it, then `systemctl reload packd`
    ");
}

#[test]
fn the_page_has_the_verdict_first_and_a_fix_for_each() {
    let mut report = Report::default();
    report.checked("socket");
    report.skip("units", "systemd does not run here");
    report.warning("clock", "it is slow", "wind it up");
    report.error("socket", "it is gone", "make one");
    report.findings.sort_by_key(|finding| finding.severity);
    let text = anstream::adapter::strip_str(&page(&report)).to_string();
    assert_snapshot!(text, @"
    2 things are wrong
    error [socket] it is gone
      fix: make one
    warning [clock] it is slow
      fix: wind it up
    no packd answered: what only it can see was not looked at
    not looked at: units: systemd does not run here
    looked at: socket
    ");
    report.findings.clear();
    report.daemon = true;
    let text = anstream::adapter::strip_str(&page(&report)).to_string();
    assert!(text.starts_with("nothing is wrong\n"), "{text}");
}

/// A registry that does not answer.
fn failing() -> packd_wire::RegistryView {
    use packd_wire::RegistryState::Failed;
    let mut registry = crate::command::registry::tests::registry("acme", Failed);
    registry.health.error = Some("connection refused".to_owned());
    registry.health.hint = Some("look at the server".to_owned());
    registry
}
