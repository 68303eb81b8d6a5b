#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::Role;

use super::*;
use crate::config::SocketMode;
use crate::logging::chain;

fn wanting(path: &Path, mode: u32) -> Config {
    Config {
        sockets: vec![ExtraSocket {
            path: path.to_owned(),
            mode: SocketMode(mode),
            group: None,
            role: Role::Reader,
        }],
        ..Config::default()
    }
}

fn mode(path: &Path) -> u32 {
    fs_err::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn sockets_come_and_go_with_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    let (sockets, mut opened) = Sockets::new(Vec::new());
    assert!(sockets.follow(&wanting(&first, 0o620)).await.is_empty());
    assert_eq!(mode(&first), 0o620);
    assert!(sockets.has_own());
    let door = opened.recv().await.unwrap();
    let same = sockets.follow(&wanting(&first, 0o620)).await;
    assert!(
        same.is_empty() && opened.try_recv().is_err(),
        "it is there already"
    );

    assert!(sockets.follow(&wanting(&first, 0o600)).await.is_empty());
    assert_eq!(mode(&first), 0o600, "made anew in its place");
    door.door.is_shut().await;
    let _second = opened.recv().await.unwrap();
    UnixStream::connect(&first).await.unwrap();

    assert!(sockets.follow(&wanting(&second, 0o666)).await.is_empty());
    assert_eq!(names(folder.path()), ["b"]);
    sockets.close().await;
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[tokio::test]
async fn what_cannot_be_made_is_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs_err::write(at("file"), "keep").unwrap();
    let _other = UnixListener::bind(at("other")).unwrap();
    fs_err::create_dir(at("open")).unwrap();
    fs_err::set_permissions(at("open"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let (sockets, _opened) = Sockets::new(vec![at("passed")]);
    for (name, told) in [
        ("file", "is there already, and is no socket"),
        ("other", "another packd listens on"),
        ("none/x", "cannot listen on"),
        ("open/x", "everybody may write"),
    ] {
        let failed = sockets.follow(&wanting(&at(name), 0o660)).await;
        assert!(chain(&failed[0]).contains(told), "{name}: {failed:?}");
    }
    let mut unknown = wanting(&at("x"), 0o660);
    unknown.sockets[0].group = Some("no-such-group-here".to_owned());
    let failed = sockets.follow(&unknown).await;
    assert!(
        chain(&failed[0]).contains("no-such-group-here"),
        "{failed:?}"
    );
    assert!(
        sockets
            .follow(&wanting(&at("passed"), 0o660))
            .await
            .is_empty()
    );
    assert!(!sockets.has_own(), "systemd listens there");
    assert_eq!(names(folder.path()), ["file", "open", "other"]);
}

#[tokio::test]
async fn a_leftover_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    drop(UnixListener::bind(&path).unwrap());
    drop(UnixListener::bind(folder.path().join("a.new")).unwrap());
    let (sockets, _opened) = Sockets::new(Vec::new());
    assert!(sockets.follow(&wanting(&path, 0o640)).await.is_empty());
    assert_eq!(
        (names(folder.path()), mode(&path)),
        (vec!["a".to_owned()], 0o640)
    );
}
