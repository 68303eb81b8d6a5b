//! Orphans that hide from everything else are found by whoever adopts them. In a program of its own, since adopting is
//! a matter of the whole process.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use jiff::Timestamp;
use packd_format::Manifest;
use packd_runner::{Environment, Options, Orphans, Status, run};

#[test]
fn a_daemon_without_session_parent_and_environment_is_ended() {
    let pack = tempfile::tempdir().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let script = "(setsid env -i /bin/sh -c 'echo $$ >pid; exec /bin/sleep 600' >/dev/null 2>&1 &)\n\
                  while ! [ -s pid ]; do :; done\n";
    fs_err::write(pack.path().join("run.sh"), script).unwrap();
    let manifest = Manifest::parse(
        b"ref: demo\nversion: 1.0.0\ntesting: {runners: {s: {type: script, entry_point: run.sh}}}\n",
    )
    .unwrap();
    let environment = Environment::with_path(Environment::PATH);
    let mut options = Options::new(
        Timestamp::UNIX_EPOCH,
        environment,
        scratch.path().to_owned(),
    );
    options.orphans = Orphans::Adopt;
    let report = run(pack.path(), &manifest, &options, &mut |_| ()).unwrap();
    assert_eq!(report.status, Status::Passed);
    assert_eq!(report.warnings, Vec::<String>::new());
    let pid = fs_err::read_to_string(pack.path().join("pid")).unwrap();
    let there = fs_err::exists(format!("/proc/{}", pid.trim())).unwrap();
    assert!(
        !there,
        "process {pid} outlives its suite, if only as a zombie"
    );
}
