//! Archive sources: the digest is of the archive's bytes, and the pack in it is this one.

use super::*;

fn source(ran: &Ran) -> Value {
    ran.json()["install_sources"][0].clone()
}

fn expected(url: &str, bytes: &[u8], tree: Digest) -> Value {
    json!({
        "type": "archive",
        "url": url,
        "checksum": Digest::sha256_of(bytes).to_string(),
        "size": bytes.len(),
        "tree": tree.to_string()
    })
}

#[test]
fn an_archive_by_url_alone_is_downloaded_and_hashed_itself() {
    let pack = slack();
    let (bytes, tree) = packed(pack.path());
    let server = Loopback::files([("/slack-1.2.3.tar", bytes.clone())]);
    let url = server.url("/slack-1.2.3.tar");
    let ran = index_entry(pack.path(), &["--archive-url", &url]);
    assert_eq!(source(&ran), expected(&url, &bytes, tree));
    assert_ne!(
        source(&ran)["checksum"],
        source(&ran)["tree"],
        "the digest of a folder is never put on an archive"
    );
}

#[test]
fn an_archive_here_is_hashed_instead_of_the_one_that_is_published() {
    let pack = slack();
    let (bytes, tree) = packed(pack.path());
    let beside = tempfile::tempdir().unwrap();
    let file = beside.path().join("slack.tar");
    fs_err::write(&file, &bytes).unwrap();
    let file = file.to_str().unwrap();
    // relative to the index, and nothing that could be asked
    let url = "archives/slack-1.2.3.tar";
    let args = ["-a", url, "--archive", file];
    let ran = index_entry(pack.path(), &args);
    assert_eq!(source(&ran), expected(url, &bytes, tree));

    let good = Digest::sha256_of(&bytes).to_string();
    let with = |checksum: &str, size: &str| {
        let more = ["--archive-checksum", checksum, "--archive-size", size];
        index_entry(pack.path(), &[&args[..], &more].concat())
    };
    let size = bytes.len().to_string();
    assert_eq!(source(&with(&good, &size)), expected(url, &bytes, tree));
    let wrong = Digest::sha256_of(b"other").to_string();
    let ran = with(&wrong, &size);
    let text = ran.refused(Exit::Failed);
    assert!(
        text.contains(&wrong) && text.contains(&good),
        "both are named: {text}"
    );
    let ran = with(&good, "3");
    ran.failed(Exit::Failed, "the length");
}

#[test]
fn a_stated_digest_is_taken_without_a_download() {
    let pack = slack();
    let server = Loopback::files([]);
    let url = server.url("/slack.tar.gz");
    let digest = format!("sha512:{}", "AB".repeat(64));
    let ran = index_entry(pack.path(), &["-a", &url, "--archive-checksum", &digest]);
    assert_eq!(
        source(&ran),
        json!({"type": "archive", "url": url, "checksum": digest.to_lowercase()})
    );
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[test]
fn an_archive_whose_digest_nothing_tells_is_an_error_with_a_way_out() {
    let pack = slack();
    for url in [
        "archives/slack.tar.gz",
        "file:///srv/slack.tar.gz",
        "ftp://h/a.tar.gz",
    ] {
        let ran = index_entry(pack.path(), &["--archive-url", url]);
        let text = ran.refused(Exit::Usage);
        assert!(
            text.contains(url) && text.contains("--archive FILE"),
            "{text}"
        );
    }
}

#[test]
fn another_pack_or_version_in_the_archive_is_refused() {
    let pack = slack();
    for other in [
        MANIFEST.replace("1.2.3", "1.2.4"),
        MANIFEST.replace("ref: slack", "ref: slick"),
    ] {
        let (bytes, _) = packed(folder(&[("pack.yaml", &other)]).path());
        let server = Loopback::files([("/a.tar", bytes)]);
        let ran = index_entry(pack.path(), &["-a", &server.url("/a.tar")]);
        let text = ran.refused(Exit::Failed);
        assert!(
            text.contains("but the pack.yaml here is of slack 1.2.3"),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_archive_of_a_pack_is_refused_with_what_it_is() {
    let pack = slack();
    let (empty, _) = packed(folder(&[("README.md", "no pack")]).path());
    let (bytes, _) = packed(pack.path());
    let server = Loopback::files([
        ("/page", b"<!DOCTYPE html><html>sign in</html>".to_vec()),
        ("/empty", empty),
        ("/cut", bytes[..bytes.len() - 1500].to_vec()),
    ]);
    for (path, word) in [
        ("/page", "an HTML page"),
        ("/empty", "no `pack.yaml`"),
        ("/cut", "damaged"),
        ("/missing", "404"),
    ] {
        let ran = index_entry(pack.path(), &["-a", &server.url(path)]);
        let text = ran.refused(Exit::Failed);
        assert!(text.contains(word), "{path} gave {text}");
    }
}

#[test]
fn a_file_that_is_none_is_refused_without_waiting_for_it() {
    let pack = slack();
    let beside = tempfile::tempdir().unwrap();
    let pipe = beside.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).unwrap();
    for (path, exit, word) in [
        (pipe, Exit::Failed, "not a regular file"),
        (beside.path().to_owned(), Exit::Failed, "not a regular file"),
        (
            beside.path().join("a.tar"),
            Exit::NotFound,
            "Archive not found",
        ),
    ] {
        let path = path.to_str().unwrap();
        let ran = index_entry(pack.path(), &["-a", "a.tar", "--archive", path]);
        ran.failed(exit, word);
    }
}
