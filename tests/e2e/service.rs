//! What a service manager sees: readiness, status, watchdog, stop, sockets; and the database.

use std::{os::unix::fs::FileTypeExt, process::Stdio};

use packd_tests::{
    PATIENCE, PackTree, Packd, Ran, Request, Settings, Site,
    support::{http, process, watch},
};
use packd_wire::{HealthView, StatusView, path};

#[test]
fn readiness_status_and_stop_are_told() {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let mut packd = Packd::start(&Settings::for_site(&site));
    packd.notifies("STATUS=");
    let health: HealthView = packd.get(path::HEALTH).expect(200).json();
    assert_eq!(health.status, "ok");
    let status: StatusView = packd.get(path::STATUS).expect(200).json();
    assert_eq!(status.pid, packd.pid());
    assert_eq!(status.state_dir, packd.state_dir().to_str().unwrap());

    let told = packd.terminate_and_listen();

    assert!(told.iter().any(|line| line == "STOPPING=1"), "{told:?}");
    let ready = told.iter().position(|line| line == "READY=1");
    let stopping = told.iter().position(|line| line == "STOPPING=1");
    assert!(ready < stopping, "{told:?}");
    assert!(!packd.socket().exists(), "its own socket is taken away");
}

#[test]
fn the_watchdog_is_fed_while_all_is_well() {
    let mut packd = Packd::prepare(&Settings::new());
    packd.with_environment("WATCHDOG_USEC", "400000");
    packd.begin();
    packd.notifies("WATCHDOG=1");
}

#[test]
fn a_socket_of_the_service_manager_is_used_and_left_alone() {
    let packd = Packd::prepare(&Settings::new());
    let line = packd.command_line();
    let mut activate = packd.bare(&["systemd-socket-activate".into()]);
    let second = packd.socket().with_file_name("second.sock");
    activate
        .arg("--listen")
        .arg(packd.socket())
        .arg("--listen")
        .arg(&second)
        .args(&line);
    let log = fs_err::File::create(packd.config_file().with_file_name("packd.log")).unwrap();
    let log = log.into_parts().0;
    activate
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let mut child = activate.spawn().unwrap();
    let folder = packd.socket().parent().unwrap().to_owned();
    assert!(
        watch::until(&folder, PATIENCE, || second.exists()),
        "nothing listens"
    );
    let inode = |packd: &Packd| {
        std::os::unix::fs::MetadataExt::ino(&fs_err::symlink_metadata(packd.socket()).unwrap())
    };
    let before = inode(&packd);

    // the first connection starts it
    packd.ctl(["status"]).success();
    let status: StatusView = packd.get(path::STATUS).expect(200).json();
    assert_eq!(status.pid, child.id());
    assert_eq!(
        inode(&packd),
        before,
        "no socket of its own was put in the place"
    );
    let at_second = http::ask(&second, &Request::get(path::STATUS))
        .expect(200)
        .json::<StatusView>();
    assert_eq!(at_second.pid, child.id(), "the other socket is served too");

    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let ended = process::wait(&mut child, PATIENCE);
    let _gone_or_killed = child.kill();
    assert!(
        ended.is_some_and(|status| status.success()),
        "{ended:?}\n{}",
        packd.log()
    );
    let left = fs_err::symlink_metadata(packd.socket()).unwrap();
    assert!(
        left.file_type().is_socket(),
        "the service manager's socket stays"
    );
}

#[test]
fn a_socket_that_is_no_unix_socket_is_refused_by_its_number() {
    let packd = Packd::prepare(&Settings::new());
    let line = packd.command_line();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let mut activate = packd.bare(&["systemd-socket-activate".into()]);
    // the first connection starts it, at whichever socket
    activate
        .arg("--listen")
        .arg(packd.socket())
        .arg("--listen")
        .arg(&address)
        .args(&line);
    let waker = packd.socket();
    let connecting = std::thread::spawn(move || {
        let folder = waker.parent().unwrap();
        assert!(
            watch::until(folder, PATIENCE, || waker.exists()),
            "nothing listens"
        );
        std::os::unix::net::UnixStream::connect(&waker)
    });
    let ran = Ran::of(&mut activate);
    drop(connecting.join().unwrap());
    assert_eq!(ran.code(), Some(1), "{ran:#?}");
    assert!(
        ran.stderr()
            .contains("cannot listen on socket number 2 of those that systemd passed")
            && ran
                .stderr()
                .contains("hint: packd serves Unix stream sockets only"),
        "{ran:#?}"
    );
}

#[test]
fn a_socket_that_a_killed_daemon_left_is_taken_over() {
    let mut packd = Packd::start(&Settings::new());
    packd.kill();
    assert!(packd.socket().exists());
    packd.begin();
    packd.get(path::HEALTH).expect(200);
}

#[test]
fn a_second_daemon_on_the_same_folders_is_refused() {
    let packd = Packd::start(&Settings::new());
    let mut command = packd.bare(&packd.command_line());
    let ran = process::Ran::of(&mut command);
    assert_ne!(ran.code(), Some(0), "{ran:#?}");
    packd.get(path::HEALTH).expect(200);
}

#[test]
fn a_database_from_the_future_is_left_alone() {
    let mut packd = Packd::start(&Settings::new());
    packd.terminate();
    let file = packd.state_dir().join("packd.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    let known: i64 = database
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert!(known > 0, "the schema has a number");
    database
        .execute_batch("PRAGMA user_version = 9999")
        .unwrap();
    database.close().unwrap();
    let before = fs_err::read(&file).unwrap();

    let status = packd.begin_in_vain();

    assert!(!status.success());
    assert!(
        packd.log().contains("9999"),
        "the log names the number:\n{}",
        packd.log()
    );
    assert_eq!(
        fs_err::read(&file).unwrap(),
        before,
        "not a byte was changed"
    );
}

#[test]
fn logs_can_be_json() {
    let packd = Packd::prepare(&Settings::new());
    let mut line = packd.command_line();
    line.extend(["--log-format".into(), "json".into()]);
    let mut command = packd.bare(&line);
    let log = fs_err::File::create(packd.config_file().with_file_name("packd.log")).unwrap();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log.into_parts().0);
    let mut child = command.spawn().unwrap();
    let folder = packd.config_file().parent().unwrap().to_owned();
    let spoke = watch::until(&folder, PATIENCE, || packd.log().contains('\n'));
    let _running = child.kill();
    let _reaped = child.wait();
    assert!(spoke);
    let log = packd.log();
    let first = log.lines().next().unwrap();
    let value: serde_json::Value = serde_json::from_str(first).unwrap();
    assert!(value.is_object(), "{first}");
}
