//! Tests of packs are kept in: what a hostile one tries comes to nothing, and nothing of it is left.

use std::{
    io::Read,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::MetadataExt,
            net::{SocketAddr, UnixDatagram, UnixListener},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use packd_tests::{
    Format, PATIENCE, PackTree, Packd, Person, Settings,
    support::{packs::Archive, site},
};
use packd_wire::{ErrorKind, EventKind, JobStatus, TestStatus, TestView};
use serde_json::json;

const WAYS_OUT: &str = include_str!("sandbox/ways_out.py");

/// A pack whose tests are one shell script.
fn shell(name: &str, script: &str) -> PackTree {
    PackTree::new(name, "1.0.0")
        .saying(&format!(
            "ref: {name}\nversion: 1.0.0\ntesting: {{runners: {{shell: {{type: script, entry_point: run.sh}}}}}}\n"
        ))
        .file("run.sh", script)
}

/// An archive of a pack that packctl can be given.
fn archive(packd: &Packd, pack: &PackTree) -> PathBuf {
    let archive: Archive = pack.archive(Format::TarGz);
    let folder = packd.state_dir().with_file_name("archives");
    fs_err::create_dir_all(&folder).unwrap();
    archive.write_to(&folder);
    folder.join(archive.name)
}

fn install(packd: &Packd, pack: &PackTree, flags: &[&str]) -> packd_wire::JobView {
    let path = archive(packd, pack);
    let mut words = vec!["-j", "install", path.to_str().unwrap()];
    words.extend(flags);
    packd.ctl(words).job()
}

fn latest(packd: &Packd, pack: &str) -> TestView {
    packd
        .get(&format!("/v1/packs/{pack}/tests/latest"))
        .expect(200)
        .json()
}

/// What the first suite of the latest result wrote.
fn output(packd: &Packd, pack: &str) -> String {
    let report = latest(packd, pack).report.unwrap();
    let suite = &report["testSuites"][0];
    let text = suite["stdout"]
        .as_str()
        .or(suite["testCases"][0]["stdout"].as_str());
    text.unwrap_or_default().to_owned()
}

/// Whether a process has this word on its command line.
fn runs(word: &str) -> bool {
    let processes = fs_err::read_dir("/proc").unwrap();
    let mut lines = processes.filter_map(|entry| {
        let path = entry.ok()?.path();
        let is_process = path.file_name()?.to_str()?.parse::<u32>().is_ok();
        is_process.then(|| fs_err::read(path.join("cmdline")).unwrap_or_default())
    });
    lines.any(|line| String::from_utf8_lossy(&line).contains(word))
}

/// Insists that processes with this word are gone before the patience is over.
fn ends(word: &str) {
    let end = Instant::now() + PATIENCE;
    while runs(word) {
        assert!(
            Instant::now() < end,
            "a process with `{word}` outlives its test"
        );
        std::thread::yield_now();
    }
}

/// What a hostile pack has to know of the host, and what shows that it got out.
struct Host {
    tcp: TcpListener,
    udp: UdpSocket,
    datagrams: UnixDatagram,
    abstract_socket: UnixListener,
    canary: PathBuf,
    told: String,
}

impl Host {
    fn of(packd: &Packd) -> Self {
        let folder = packd.state_dir().parent().unwrap().to_owned();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let datagrams = folder.join("datagrams");
        let name = format!("packd-e2e-{}", folder.file_name().unwrap().display());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let canary = folder.join("canary");
        let told = json!({
            "state": packd.state_dir(),
            "config": packd.config_file(),
            "socket": packd.socket(),
            "home": folder,
            "canary": canary,
            "tcp": tcp.local_addr().unwrap().port(),
            "udp": udp.local_addr().unwrap().port(),
            "abstract": name,
            "datagrams": datagrams,
            "pid": packd.pid(),
            "is_root": false,
        })
        .to_string();
        let host = Self {
            tcp,
            udp,
            abstract_socket: UnixListener::bind_addr(&address).unwrap(),
            datagrams: UnixDatagram::bind(datagrams).unwrap(),
            canary,
            told,
        };
        host.tcp.set_nonblocking(true).unwrap();
        host.udp.set_nonblocking(true).unwrap();
        host.datagrams.set_nonblocking(true).unwrap();
        host.abstract_socket.set_nonblocking(true).unwrap();
        host
    }

    /// Insists that nothing came out.
    fn is_untouched(&self) {
        assert!(!self.canary.exists(), "a file was written outside");
        assert!(self.tcp.accept().is_err(), "a connection came over TCP");
        assert!(self.abstract_socket.accept().is_err(), "a connection came");
        let mut buffer = [0; 16];
        assert!(
            self.udp.recv(&mut buffer).is_err(),
            "a datagram came over UDP"
        );
        assert!(self.datagrams.recv(&mut buffer).is_err(), "a datagram came");
    }
}

/// Installs a pack that tries every way out, and insists that each is closed.
fn every_way_is_closed(packd: &Packd) -> TestView {
    let victim = PackTree::new("victim", "1.0.0");
    install(packd, &victim, &[]);
    let before = packd.tree("victim");
    let host = Host::of(packd);
    let hostile = PackTree::new("hostile", "1.0.0")
        .saying(
            "ref: hostile\nversion: 1.0.0\n\
             testing: {runners: {ways: {type: command, command: [python3, tests/ways_out.py]}}}\n",
        )
        .file("tests/ways_out.py", WAYS_OUT)
        .file("tests/host.json", host.told.clone());

    let job = install(packd, &hostile, &[]);

    let written = output(packd, "hostile");
    let tried: Vec<&str> = written.lines().filter(|line| line.contains(": ")).collect();
    let open: Vec<&&str> = tried
        .iter()
        .filter(|line| line.ends_with(": OPEN"))
        .collect();
    assert!(
        open.is_empty(),
        "ways out of the sandbox: {open:#?}\n{written}"
    );
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}\n{written}");
    let ways = WAYS_OUT.matches("\n@way\n").count();
    assert!(ways >= 25, "{ways} ways are tried");
    let closed = tried.iter().filter(|line| line.contains(": closed: "));
    assert_eq!(
        closed.count(),
        ways,
        "each way says what became of it:\n{written}"
    );
    // a way that is closed because the attempt itself is wrong shows nothing
    for mistake in [
        "NameError",
        "TypeError",
        "AttributeError",
        "SyntaxError",
        "KeyError",
    ] {
        assert!(!written.contains(mistake), "{written}");
    }
    host.is_untouched();
    assert_eq!(packd.tree("victim"), before, "another pack is as it was");
    assert_eq!(packd.active(), ["hostile 1.0.0", "victim 1.0.0"]);
    assert!(
        fs_err::read_dir(packd.state_dir().join("testing"))
            .unwrap()
            .next()
            .is_none(),
        "the copy is gone"
    );
    latest(packd, "hostile")
}

#[test]
fn every_way_out_is_closed_where_packd_is_root() {
    let mut packd = Packd::prepare(&Settings::new());
    packd.with_environment("SECRET_OF_THE_DAEMON", "s3cret");
    packd.begin();
    let result = every_way_is_closed(&packd);
    let sandbox = &result.sandbox;
    assert_eq!(sandbox["level"], "standard", "{sandbox}");
    assert_eq!(sandbox["seccomp"], true, "{sandbox}");
    assert!(sandbox["landlock"].as_u64() >= Some(3), "{sandbox}");
    assert_ne!(sandbox["user"], json!(0), "{sandbox}");
    assert!(
        sandbox["user"].is_number(),
        "tests are not run as root: {sandbox}"
    );
}

#[test]
fn every_way_out_is_closed_where_packd_is_not_root() {
    let mut packd = Packd::prepare(&Settings::new());
    packd.with_environment("SECRET_OF_THE_DAEMON", "s3cret");
    packd.begin_as(&Person::unlisted());
    assert_eq!(
        fs_err::metadata(format!("/proc/{}/environ", packd.pid()))
            .unwrap()
            .uid(),
        0,
        "its memory is root's alone, and not its user's"
    );
    let result = every_way_is_closed(&packd);
    assert_eq!(
        result.sandbox["namespaces"],
        json!([]),
        "{}",
        result.sandbox
    );
    assert_eq!(result.sandbox["user"], json!(null), "{}", result.sandbox);
}

#[test]
fn every_way_out_is_closed_in_a_strict_sandbox() {
    strict(None, &["pid", "mount", "ipc", "uts", "network"]);
}

#[test]
fn every_way_out_is_closed_in_a_strict_sandbox_of_a_user() {
    strict(
        Some(&Person::unlisted()),
        &["pid", "mount", "ipc", "uts", "network", "user"],
    );
}

fn strict(person: Option<&Person>, wanted: &[&str]) {
    let mut packd = Packd::prepare(&Settings::new().set("tests.sandbox", "strict"));
    packd.with_environment("SECRET_OF_THE_DAEMON", "s3cret");
    match person {
        Some(person) => packd.begin_as(person),
        None => packd.begin(),
    }
    let result = every_way_is_closed(&packd);
    assert_eq!(result.sandbox["level"], "strict");
    let namespaces = result.sandbox["namespaces"].as_array().unwrap();
    for name in wanted {
        assert!(
            namespaces.contains(&json!(name)),
            "{namespaces:?} has no {name}"
        );
    }
}

#[test]
fn a_registry_may_have_a_sandbox_of_its_own() {
    let demo = shell("demo", "exit 0\n");
    let other = shell("other", "exit 0\n");
    let (one, two) = (site::folder_with([&demo]), site::folder_with([&other]));
    let url = |folder: &Path| format!("file://{}/index.json", folder.display());
    let settings = Settings::new()
        .registry("one", &url(one.path()), &json!({"sandbox": "strict"}))
        .registry("two", &url(two.path()), &json!({}));
    let packd = Packd::start(&settings);
    packd.ctl(["install", "demo", "other"]).success();
    assert_eq!(latest(&packd, "demo").sandbox["level"], "strict");
    assert_eq!(latest(&packd, "other").sandbox["level"], "standard");
}

#[test]
fn a_sandbox_that_the_host_cannot_make_is_an_error_that_names_what_is_missing() {
    let mut packd = Packd::prepare(&Settings::new().set("tests.sandbox", "strict"));
    let without = "echo 0 >/proc/sys/user/max_pid_namespaces; exec \"$@\"";
    packd.begin_through(&[
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        without,
        "sh",
    ]);
    let job = install(&packd, &shell("demo", "exit 0\n"), &[]);
    let error = job.error.unwrap();
    assert_eq!(error.kind, ErrorKind::SandboxUnavailable, "{error:?}");
    assert!(
        error
            .detail
            .contains("namespaces of its own, which `strict` demands"),
        "{error:?}"
    );
    assert!(error.hint.unwrap().contains("--skip-tests"));
    assert_eq!(
        packd.active(),
        Vec::<String>::new(),
        "nothing falls back silently"
    );
    install(&packd, &shell("demo", "exit 0\n"), &["--skip-tests"]);
    assert_eq!(packd.active(), ["demo 1.0.0"]);
}

#[test]
fn what_tests_leave_running_is_ended_with_them() {
    for person in [None, Some(Person::unlisted())] {
        let mut packd = Packd::prepare(&Settings::new());
        match &person {
            Some(person) => packd.begin_as(person),
            None => packd.begin(),
        }
        // a number that no other process sleeps for
        let unique = format!("86400.{}", packd.pid());
        let script = format!(
            "sleep {unique} &\n\
             setsid sleep {unique} &\n\
             (setsid env -i /bin/sh -c '(exec /bin/sleep {unique}) & exec /bin/sleep {unique}' >/dev/null 2>&1 &)\n\
             (trap '' TERM; sleep {unique}; sleep {unique}) &\n\
             echo started\n"
        );
        let job = install(&packd, &shell("demo", &script), &[]);
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
        assert!(output(&packd, "demo").contains("started"));
        assert!(!runs(&unique), "a process outlives its test ({person:?})");
    }
}

/// A pack whose tests hang, whatever they are told, and a word that their processes have.
fn hanging(packd: &Packd) -> (PackTree, String) {
    let unique = format!("86400.{}", packd.pid());
    let script = format!(
        "trap '' TERM INT HUP\n(setsid env -i /bin/sleep {unique} &)\nwhile :; do sleep {unique}; done\n"
    );
    (shell("demo", &script), unique)
}

fn begin_hanging(packd: &Packd, pack: &PackTree, word: &str) -> i64 {
    let path = archive(packd, pack);
    let job = packd
        .ctl(["-j", "install", path.to_str().unwrap(), "--no-wait"])
        .job();
    packd.wait_for(job.id, |event| event.kind == EventKind::Testing);
    let end = Instant::now() + PATIENCE;
    while !runs(word) {
        assert!(
            Instant::now() < end,
            "the test does not begin:\n{}",
            packd.log()
        );
        std::thread::yield_now();
    }
    job.id
}

#[test]
fn tests_that_hang_are_ended_when_their_time_is_over() {
    let packd = Packd::start(&Settings::new().set("tests.timeout", "2s"));
    let (pack, word) = hanging(&packd);
    let job = install(&packd, &pack, &[]);
    let error = job.error.unwrap();
    assert_eq!(error.kind, ErrorKind::TestsFailed);
    assert!(error.causes[0].contains("was not done in"), "{error:?}");
    assert!(!runs(&word), "what hung is ended");
}

#[test]
fn tests_that_hang_are_ended_by_a_cancel_and_by_a_stop() {
    let mut packd = Packd::start(&Settings::new());
    let (pack, word) = hanging(&packd);
    let id = begin_hanging(&packd, &pack, &word);
    packd.ctl(["job", "cancel", &id.to_string()]).success();
    assert_eq!(packd.finished(id).status, JobStatus::Cancelled);
    assert!(!runs(&word), "a cancel ends the tests");

    let (pack, word) = hanging(&packd);
    let id = begin_hanging(&packd, &pack, &word);
    packd.terminate();
    assert!(!runs(&word), "a stop ends the tests");
    packd.begin();
    packd.ctl(["job", "cancel", &id.to_string()]).success();
    assert_eq!(packd.finished(id).status, JobStatus::Cancelled);
}

#[test]
fn tests_die_with_a_daemon_that_is_killed() {
    for person in [None, Some(Person::unlisted())] {
        let mut packd = Packd::prepare(&Settings::new());
        match &person {
            Some(person) => packd.begin_as(person),
            None => packd.begin(),
        }
        let (pack, word) = hanging(&packd);
        begin_hanging(&packd, &pack, &word);
        packd.kill();
        ends(&word);
        ends("sandbox-exec");
    }
}

#[test]
fn a_test_that_fills_the_disk_is_ended_and_told_so() {
    let packd = Packd::start(&Settings::new().set("tests.disk", "32MiB"));
    let script = "n=0; while :; do n=$((n+1)); head -c 16000000 /dev/zero >fill$n; done\n";
    let job = install(&packd, &shell("demo", script), &[]);
    let error = job.error.unwrap();
    assert_eq!(error.kind, ErrorKind::TestsFailed, "{error:?}");
    assert!(
        error
            .detail
            .contains("they wrote more than 32MiB to the disk"),
        "{error:?}"
    );
    assert!(packd.active().is_empty());
}

#[test]
fn a_test_may_write_without_end_and_only_so_much_is_kept() {
    let packd = Packd::start(&Settings::new());
    let script =
        "head -c 50000000 /dev/zero | tr '\\0' x; echo; echo Total Tests: 1; echo Passed: 1\n";
    let job = install(&packd, &shell("demo", script), &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let result = latest(&packd, "demo");
    assert_eq!((result.total, result.passed), (1, 1));
    assert!(result.report.unwrap().to_string().len() < 2_000_000);
}

#[test]
fn tests_may_change_their_copy_and_never_what_is_activated() {
    let packd = Packd::start(&Settings::new());
    let script = "set -e\necho changed >>pack.yaml; echo more >new; rm -r actions\n\
                  echo 'echo bad' >\"$PACK_PATH/run.sh\"; touch \"$HOME/a\" \"$TMPDIR/b\"\n";
    let pack = shell("demo", script);
    let job = install(&packd, &pack, &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let folder = packd.pack_dir("demo");
    assert_eq!(
        fs_err::read_to_string(folder.join("pack.yaml")).unwrap(),
        pack.manifest()
    );
    assert_eq!(
        fs_err::read_to_string(folder.join("run.sh")).unwrap(),
        script
    );
    assert!(folder.join("actions").is_dir() && !folder.join("new").exists());
}

#[test]
fn usual_programs_work_inside() {
    let packd = Packd::start(&Settings::new());
    let script = r#"set -eu
[ "$PACK_REF" = demo ] && [ -d "$HOME" ] && [ -w "$TMPDIR" ]
printf 'a\nb\n' | sort -r | grep -q b
cat < <(echo substitution) >/dev/null
mktemp >/dev/null
python3 - <<'END'
import getpass, json, os, pwd, sqlite3, subprocess, sys, tempfile, threading
subprocess.run([sys.executable, "-c", "print(1)"], check=True)
thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
sqlite3.connect("test.db").execute("create table t (a)")
tempfile.NamedTemporaryFile().write(b"x")
pwd.getpwnam("root")
bytearray(200 << 20)
os.mkfifo("fifo")
END
"#;
    let pack = shell("demo", script);
    let pack = pack
        .saying("ref: demo\nversion: 1.0.0\ntesting: {runners: {bash: {type: command, command: [bash, run.sh]}}}\n");
    let job = install(&packd, &pack, &[]);
    assert_eq!(
        job.status,
        JobStatus::Succeeded,
        "{job:#?}\n{:#?}",
        latest(&packd, "demo")
    );
}

#[test]
fn a_network_is_there_only_where_the_configuration_says_so() {
    let script = r#"import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(open("port").read())), 5).sendall(b"hello")
except OSError as error:
    sys.exit(str(error))
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sys.exit("a datagram socket")
except PermissionError:
    pass
"#;
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    let pack = |name: &str| {
        PackTree::new(name, "1.0.0")
            .saying(&format!(
                "ref: {name}\nversion: 1.0.0\ntesting: {{runners: {{net: {{type: command, command: [python3, net.py]}}}}}}\n"
            ))
            .file("net.py", script)
            .file("port", port.clone())
    };
    let packd = Packd::start(&Settings::new().set("tests.network_for", json!(["trusted*"])));
    let job = install(&packd, &pack("stranger"), &[]);
    assert_eq!(job.status, JobStatus::Failed, "{job:#?}");
    let job = install(&packd, &pack("trusted_one"), &[]);
    assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
    let (mut connection, _) = server.accept().unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut heard = String::new();
    connection.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
    assert_eq!(latest(&packd, "trusted_one").status, TestStatus::Passed);
}
