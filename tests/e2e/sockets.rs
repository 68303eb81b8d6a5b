//! More sockets, over which less may be done. Needs root, to act as real users.

use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use packd_tests::{PackTree, Packd, Person, Request, Settings, Site};
use packd_wire::{ReloadView, Role, StatusView, path};
use serde_json::json;

/// A packd with a socket more in the folder of its own; the socket's name, and its settings.
fn scene(more: &serde_json::Value) -> (Site, Packd, PathBuf) {
    let site = Site::serving([&PackTree::new("slack", "2.1.0")]);
    let mut packd = Packd::prepare(&Settings::for_site(&site));
    let socket = packd.socket().with_file_name("monitor.sock");
    packd.configure(&settings(&site, &socket, more));
    packd.begin();
    (site, packd, socket)
}

fn settings(site: &Site, socket: &Path, more: &serde_json::Value) -> Settings {
    let mut entry = json!({"path": socket});
    for (key, value) in more.as_object().unwrap() {
        entry[key] = value.clone();
    }
    Settings::for_site(site).socket(&entry)
}

fn role(packd: &Packd, person: &Person, socket: &Path) -> Role {
    let socket = socket.to_str().unwrap();
    let ran = packd.ctl_as(person, ["-j", "--socket", socket, "status"]);
    ran.success().json::<StatusView>().role
}

#[test]
fn a_socket_gives_nobody_more_than_its_role() {
    let (_site, packd, socket) = scene(&json!({"mode": "0666", "role": "reader"}));
    for person in [Person::reader(), Person::operator(), Person::admin()] {
        assert_eq!(role(&packd, &person, &socket), Role::Reader, "{person:?}");
    }
    let place = socket.to_str().unwrap();
    let ran = packd.ctl_as(&Person::admin(), ["--socket", place, "install", "slack"]);
    ran.failure(4);
    ran.says(packd.socket().to_str().unwrap());
    assert!(
        !ran.stderr().contains("usermod"),
        "no group helps: {ran:#?}"
    );
    let ran = packd.ctl(["--socket", place, "audit"]);
    ran.failure(4);
    assert_eq!(role(&packd, &Person::admin(), &packd.socket()), Role::Admin);
    packd
        .ctl_as(&Person::operator(), ["install", "slack"])
        .success();
}

#[test]
fn a_socket_takes_no_rights_from_who_has_fewer() {
    let (_site, packd, socket) = scene(&json!({"mode": "0666", "role": "operator"}));
    assert_eq!(role(&packd, &Person::reader(), &socket), Role::Reader);
    assert_eq!(role(&packd, &Person::operator(), &socket), Role::Operator);
    assert_eq!(role(&packd, &Person::admin(), &socket), Role::Operator);
    let place = socket.to_str().unwrap();
    packd
        .ctl_as(&Person::overflow(), ["--socket", place, "list"])
        .failure(4);
}

#[test]
fn mode_and_group_decide_who_connects() {
    let (_site, packd, socket) =
        scene(&json!({"mode": "0660", "group": "packd", "role": "operator"}));
    let made = fs_err::symlink_metadata(&socket).unwrap();
    assert!(made.file_type().is_socket());
    assert_eq!(made.permissions().mode() & 0o7777, 0o660);
    let group = fs_err::read_to_string("/etc/group").unwrap();
    let group = group
        .lines()
        .find_map(|line| line.strip_prefix("packd:x:"))
        .unwrap();
    assert_eq!(made.gid().to_string(), group.split(':').next().unwrap());
    let place = socket.to_str().unwrap();
    packd
        .ctl_as(&Person::operator(), ["--socket", place, "list"])
        .success();
    let ran = packd.ctl_as(&Person::reader(), ["--socket", place, "list"]);
    assert!(matches!(ran.code(), Some(4 | 5)), "{ran:#?}");
}

#[test]
fn sockets_come_and_go_with_a_reload_and_go_at_the_end() {
    let (site, mut packd, socket) = scene(&json!({"mode": "0600", "role": "reader"}));
    let reload = || Request::new("POST", path::RELOAD);
    packd.configure(&settings(
        &site,
        &socket,
        &json!({"mode": "0666", "role": "operator"}),
    ));
    let view: ReloadView = packd.ask(&reload()).expect(200).json();
    assert_eq!(
        (view.changed, view.warnings),
        (vec!["sockets".to_owned()], vec![])
    );
    assert_eq!(role(&packd, &Person::operator(), &socket), Role::Operator);

    let other = socket.with_file_name("other.sock");
    packd.configure(&settings(
        &site,
        &other,
        &json!({"role": "reader", "group": "no-such-group"}),
    ));
    let view: ReloadView = packd.ask(&reload()).expect(200).json();
    assert!(view.warnings[0].contains("no-such-group"), "{view:?}");
    assert!(
        !socket.exists() && !other.exists(),
        "one is gone, the other cannot be made"
    );

    packd.configure(&settings(&site, &other, &json!({"role": "reader"})));
    packd.ask(&reload()).expect(200);
    assert!(other.exists());
    packd.terminate();
    assert!(!other.exists(), "nobody would answer there");
}

#[test]
fn a_socket_that_cannot_be_made_is_no_start() {
    let (_site, mut packd, socket) = scene(&json!({"role": "reader"}));
    packd.kill();
    fs_err::remove_file(&socket).unwrap();
    fs_err::write(&socket, "something else").unwrap();
    packd.begin_in_vain();
    assert!(
        packd.log().contains("is there already, and is no socket"),
        "{}",
        packd.log()
    );
    fs_err::remove_file(&socket).unwrap();
    packd.begin();
    packd.kill();
    packd.begin();
    assert!(socket.exists(), "a leftover is replaced");
}
