//! Progress, cancelling, and a full disk.

use std::ops::ControlFlow;

use super::tar_bytes::Tar;
use super::zip_bytes::Zip;
use super::*;

#[derive(Default)]
struct Recorder {
    seen: Vec<(String, u64, u64)>,
    stop_after: Option<usize>,
}

impl Observer for Recorder {
    fn entry(&mut self, path: &str, files: u64, bytes: u64) -> ControlFlow<()> {
        self.seen.push((path.to_owned(), files, bytes));
        if self.stop_after == Some(self.seen.len()) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[test]
fn progress_is_told_before_each_entry() {
    let tar = Tar::new()
        .dir("d")
        .file("d/a", "12345")
        .file("b", "678")
        .end();
    let stage = Stage::new();
    let mut recorder = Recorder::default();
    unpack(
        Source::Stream(Format::Tar, &mut &tar[..]),
        &stage.dest(),
        &Limits::default(),
        &mut recorder,
    )
    .unwrap();
    let seen: Vec<_> = recorder
        .seen
        .iter()
        .map(|(path, files, bytes)| (path.as_str(), *files, *bytes))
        .collect();
    assert_eq!(seen, [("d", 0, 0), ("d/a", 0, 0), ("b", 1, 5)]);
}

#[test]
fn a_large_file_is_told_of_more_than_once() {
    let tar = gzip(&Tar::new().file("big", vec![7; 3 << 20]).end());
    let stage = Stage::new();
    let mut recorder = Recorder::default();
    let mut input = &tar[..];
    unpack(
        Source::Stream(Format::TarGz, &mut input),
        &stage.dest(),
        &Limits::default(),
        &mut recorder,
    )
    .unwrap();
    assert!(recorder.seen.len() > 3, "{:?}", recorder.seen);
    assert!(recorder.seen.is_sorted_by_key(|(_, _, bytes)| *bytes));
}

#[test]
fn unpacking_is_cancelled() {
    let tar = Tar::new()
        .file("a", "1")
        .file("b", "2")
        .file("c", "3")
        .end();
    let stage = Stage::new();
    let mut recorder = Recorder {
        stop_after: Some(2),
        ..Recorder::default()
    };
    let error = unpack(
        Source::Stream(Format::Tar, &mut &tar[..]),
        &stage.dest(),
        &Limits::default(),
        &mut recorder,
    )
    .unwrap_err();
    assert!(matches!(error, ArchiveError::Cancelled), "{error}");
    assert!(!stage.dest().join("b").exists());

    let zip = (0..100)
        .fold(Zip::new(), |zip, number| {
            zip.file(&format!("f{number}"), "x")
        })
        .end();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&zip).unwrap();
    let stage = Stage::new();
    let mut recorder = Recorder {
        stop_after: Some(20),
        ..Recorder::default()
    };
    let error = unpack(
        Source::Zip(&file),
        &stage.dest(),
        &Limits::default(),
        &mut recorder,
    )
    .unwrap_err();
    assert!(matches!(error, ArchiveError::Cancelled), "{error}");
    assert!(recorder.seen.len() < 100);
}

#[test]
fn a_write_that_fails_names_the_file() {
    let tar = Tar::new().file("a/b", "1").end();
    let stage = Stage::new();
    fs_err::create_dir(stage.dest().join("a")).unwrap();
    let error = unpack_tar(Format::Tar, &tar, &stage).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot write {}", stage.dest().join("a").display())
    );
    assert!(!error.is_no_space());

    let missing = stage.dest().join("none");
    let error = unpack(
        Source::Stream(Format::Tar, &mut &tar[..]),
        &missing,
        &Limits::default(),
        &mut (),
    )
    .unwrap_err();
    assert!(matches!(error, ArchiveError::Write { path, .. } if path == missing));
}

#[test]
fn a_full_disk_is_recognised() {
    for (code, full) in [(28, true), (122, true), (13, false)] {
        let source = std::io::Error::from_raw_os_error(code);
        let error = ArchiveError::Write {
            path: "x".into(),
            source,
        };
        assert_eq!(error.is_no_space(), full, "error {code}");
        let hint = error.hint().unwrap();
        assert_eq!(hint.contains("free some space"), full, "{hint}");
    }
}

/// Someone else put links where files belong. Staging is 0700, so this is a second line only.
#[test]
fn a_link_in_the_way_is_not_followed() {
    let stage = Stage::new();
    fs_err::os::unix::fs::symlink("../outside", stage.dest().join("f")).unwrap();
    fs_err::os::unix::fs::symlink("..", stage.dest().join("d")).unwrap();
    for name in ["f", "d/outside"] {
        let tar = Tar::new().file(name, "evil").end();
        let error = unpack_tar(Format::Tar, &tar, &stage).unwrap_err();
        assert!(matches!(error, ArchiveError::Write { .. }), "{error}");
    }
    let outside = stage.dest().parent().unwrap().join("outside");
    assert_eq!(fs_err::read(outside).unwrap(), b"untouched");
}
