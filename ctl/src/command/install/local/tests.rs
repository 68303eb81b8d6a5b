#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;

use http_body_util::BodyExt as _;

use super::*;

fn inspected(path: &Path, inner: Option<&str>) -> Result<Content, LocalError> {
    Local::inspect(path, inner).map(|local| local.content)
}

#[test]
fn a_folder_needs_a_pack_in_a_sensible_place() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs_err::create_dir_all(root.join("repo/packs/slack")).unwrap();
    fs_err::write(root.join("repo/packs/slack/pack.yaml"), "ref: slack").unwrap();
    let repo = root.join("repo");
    assert!(
        matches!(inspected(&repo, None), Err(LocalError::NoManifest { .. })),
        "two levels down is not looked for unasked"
    );
    assert!(
        matches!(
            inspected(&repo, Some("packs/slack")),
            Ok(Content::Folder(_))
        ),
        "named by --path"
    );
    assert!(
        matches!(inspected(&repo.join("packs"), None), Ok(Content::Folder(_))),
        "one level down"
    );
    assert!(
        matches!(
            inspected(&repo.join("packs/slack"), None),
            Ok(Content::Folder(_))
        ),
        "at the top"
    );
    assert!(
        matches!(
            inspected(&root.join("none"), None),
            Err(LocalError::Absent { .. })
        ),
        "there is no such folder"
    );
}

#[test]
fn a_pack_whose_manifest_is_left_out_is_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs_err::create_dir(root.join("slack")).unwrap();
    for folder in ["", "slack"] {
        fs_err::write(root.join(folder).join("pack.yaml"), "ref: slack").unwrap();
    }
    fs_err::write(root.join("README"), "slack").unwrap();
    let ignore = |rules: &str| fs_err::write(root.join(".packignore"), rules).unwrap();
    ignore("pack.yaml\n");
    for (inner, left_out) in [
        (None, "pack.yaml"),
        (Some("slack"), "slack/pack.yaml"),
        (Some("./slack/"), "slack/pack.yaml"),
    ] {
        let error = inspected(root, inner).unwrap_err();
        assert!(
            matches!(&error, LocalError::Ignored { manifest, .. } if manifest == left_out),
            "{inner:?}: {error:?}"
        );
        assert!(error.hint().unwrap().contains(&format!("`!/{left_out}`")));
        ignore(&format!("pack.yaml\n!/{left_out}\n"));
        assert!(inspected(root, inner).is_ok(), "{inner:?} with the hint");
        ignore("pack.yaml\n");
    }
}

#[test]
fn a_file_is_what_it_contains_whatever_it_is_called() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        fs_err::File::create(&path)
            .unwrap()
            .write_all(content)
            .unwrap();
        path
    };
    let zip = file("zip.tar.gz", b"PK\x03\x04rest");
    let Content::Archive { bytes, format, .. } = inspected(&zip, None).unwrap() else {
        panic!("a file is no folder");
    };
    assert_eq!((bytes, content_type(format)), (8, "application/zip"));
    let gzip = file("a.zip", b"\x1f\x8b\x08\0rest");
    let Content::Archive { format, .. } = inspected(&gzip, None).unwrap() else {
        panic!("a file is no folder");
    };
    assert_eq!(content_type(format), "application/gzip");

    let error = inspected(&file("page.tar.gz", b"<html>not found</html>"), None).unwrap_err();
    assert!(matches!(error, LocalError::NoArchive { .. }), "{error}");
    assert!(error.hint().is_some(), "what packd reads is said");
    let socket = dir.path().join("socket.zip");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(
        matches!(inspected(&socket, None), Err(LocalError::Special { .. })),
        "no file to read"
    );
}

#[test]
fn what_no_pack_may_have_is_refused_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("slack");
    let told = |error: LocalError| {
        let text = Failure::from(error).render();
        let text = anstream::adapter::strip_str(&text).to_string();
        text.replace(root.to_str().unwrap(), "ROOT")
    };
    fs_err::create_dir(&root).unwrap();
    fs_err::write(root.join("pack.yaml"), "ref: slack").unwrap();
    fs_err::os::unix::fs::symlink("/etc/passwd", root.join("link")).unwrap();
    insta::assert_snapshot!(told(Local::inspect(&root, None).unwrap_err()), @r"
    error: cannot pack `ROOT`
      caused by: `link` may not be in a pack: it is a link to the absolute path `/etc/passwd`
    hint: `packctl lint` names everything that no pack may have
    ");
    fs_err::remove_file(root.join("link")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(root.join("run.sock")).unwrap());
    insta::assert_snapshot!(told(Local::inspect(&root, None).unwrap_err()), @r"
    error: cannot pack `ROOT`
      caused by: ROOT/run.sock is a socket, which cannot be packed
    hint: remove it, or name it in `.packignore` to leave it out
    ");
}

#[tokio::test]
async fn what_changes_between_the_look_and_the_last_byte_is_no_pack() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("slack");
    fs_err::create_dir(&root).unwrap();
    fs_err::write(root.join("pack.yaml"), "ref: slack").unwrap();
    let folder = Local::inspect(&root, None).unwrap();
    fs_err::write(root.join("pack.yaml"), "ref: other").unwrap();
    let (writer, mut body) = upload(Arc::default());
    let sending = tokio::task::spawn_blocking(move || folder.write_to(writer));
    while body.frame().await.is_some_and(|frame| frame.is_ok()) {}
    let error = sending.await.unwrap().unwrap_err().unwrap();
    assert!(error.hint().is_some(), "to try again is said");
    assert!(
        matches!(
            error,
            LocalError::Pack {
                source: PackError::Changed { .. },
                ..
            }
        ),
        "{error}"
    );

    let path = dir.path().join("slack.zip");
    fs_err::write(&path, b"PK\x03\x04 one").unwrap();
    let file = Local::inspect(&path, None).unwrap();
    fs_err::write(&path, b"PK\x03\x04 two").unwrap();
    let (writer, mut body) = upload(Arc::default());
    let sending = tokio::task::spawn_blocking(move || file.write_to(writer));
    while body.frame().await.is_some_and(|frame| frame.is_ok()) {}
    let error = sending.await.unwrap().unwrap_err().unwrap();
    assert!(matches!(error, LocalError::Changed { .. }), "{error}");
}

#[test]
fn a_name_for_lines_of_progress_is_short() {
    for (path, name) in [
        ("/srv/packs/slack", "slack"),
        ("/srv/packs/slack/", "slack"),
        ("/srv/slack-2.1.0.tar.gz", "slack-2.1.0"),
        ("/srv/Slack.ZIP", "Slack"),
    ] {
        assert_eq!(stem(Path::new(path)), name, "{path}");
    }
}
