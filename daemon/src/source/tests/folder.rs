//! The folder of a pack as a source: judged as an archive is, and the same bytes as long as the files are the same.

use super::*;

/// A folder with a pack, and how it is named as a source.
fn pack() -> (TempDir, Location) {
    let folder = tempfile::tempdir().unwrap();
    fs_err::write(
        folder.path().join("pack.yaml"),
        "ref: slack\nversion: 1.0.0\n",
    )
    .unwrap();
    fs_err::create_dir(folder.path().join("actions")).unwrap();
    fs_err::write(folder.path().join("actions/say.sh"), vec![b'x'; 300_000]).unwrap();
    let path = folder.path().to_owned();
    let shown = "dir:/srv/packs/slack".to_owned();
    (folder, Location::Folder { path, shown })
}

#[tokio::test]
async fn a_folder_is_the_same_archive_each_time_and_another_one_when_a_file_changes() {
    let (folder, location) = pack();
    let first = Case::new();
    let unpacked = first.fetch(&location).await.unwrap();
    assert_eq!(unpacked.files.files(), 2);
    assert_eq!(first.content("pack.yaml"), "ref: slack\nversion: 1.0.0\n");

    let again = Case::new().expecting(unpacked.archive);
    assert!(again.fetch(&location).await.is_ok(), "nothing has changed");

    fs_err::write(folder.path().join("actions/say.sh"), "other").unwrap();
    let error = again_in(&unpacked.archive, &location).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch, "{error}");
    assert!(
        error.to_string().contains("dir:/srv/packs/slack"),
        "{error}"
    );
}

async fn again_in(digest: &Digest, location: &Location) -> Result<Unpacked, SourceError> {
    Case::new().expecting(*digest).fetch(location).await
}

#[tokio::test]
async fn what_leaves_the_folder_or_is_no_file_is_refused() {
    let (folder, location) = pack();
    let link = folder.path().join("secret");
    fs_err::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
    let case = Case::new();
    let error = case.fetch(&location).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafeArchive, "{error:?}");
    let left = fs_err::read_dir(case.folder.path()).unwrap().count();
    assert_eq!(left, 0, "it was refused before anything was written");

    fs_err::remove_file(&link).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&link).unwrap();
    let error = Case::new().fetch(&location).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafeArchive, "{error:?}");
}

#[tokio::test]
async fn a_folder_that_is_gone_or_too_large_is_named() {
    let (folder, location) = pack();
    let mut small = Case::new();
    small.limits.file_bytes = 1000;
    let error = small.fetch(&location).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");

    drop(folder);
    let error = Case::new().fetch(&location).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FetchRefused, "{error:?}");
    assert!(
        error.to_string().contains("dir:/srv/packs/slack"),
        "{error}"
    );
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let (_folder, location) = pack();
    let case = Case::new();
    case.stop.cancel();
    let error = case.fetch(&location).await.unwrap_err();
    assert!(error.is_cancelled(), "{error:?}");
}
