#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use fs_err::os::unix::fs::symlink;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn put(path: &Path, text: &str) -> Result<(), FileError> {
    Locked::new(path)?.replace(|out| {
        out.write_all(text.as_bytes())
            .map_err(FileError::io("write", path))
    })
}

#[test]
fn a_file_is_created_and_replaced_and_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.json");
    assert_eq!(Locked::new(&path).unwrap().read().unwrap(), None);
    put(&path, "one").unwrap();
    put(&path, "two").unwrap();
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "two");
    assert_eq!(names(folder.path()), ["index.json"]);
}

#[test]
fn mode_and_link_survive_a_replacement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.json");
    let link = folder.path().join("link.json");
    fs_err::write(&path, "old").unwrap();
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("index.json", &link).unwrap();
    put(&link, "new").unwrap();
    assert!(link.is_symlink(), "the link is still one");
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "new");
    assert_eq!(fs_err::metadata(&path).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn a_writer_that_fails_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.json");
    fs_err::write(&path, "old").unwrap();
    let locked = Locked::new(&path).unwrap();
    let result: Result<(), FileError> = locked.replace(|out| {
        out.write_all(b"half").unwrap();
        Err(FileError::Special { path: path.clone() })
    });
    assert!(result.is_err());
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "old");
    assert_eq!(names(folder.path()), ["index.json"]);
}

#[test]
fn what_a_killed_run_left_is_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.json");
    for name in [
        ".index.json.x1y2.packctl-tmp",
        ".other.json.x1y2.packctl-tmp",
        "notes",
    ] {
        fs_err::write(folder.path().join(name), "half").unwrap();
    }
    put(&path, "new").unwrap();
    assert_eq!(
        names(folder.path()),
        [".other.json.x1y2.packctl-tmp", "index.json", "notes"]
    );
}

#[test]
fn writers_take_turns_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("count");
    fs_err::write(&path, "0").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..8 {
                    let locked = Locked::new(&path).unwrap();
                    let old = String::from_utf8(locked.read().unwrap().unwrap()).unwrap();
                    let new = old.parse::<u32>().unwrap() + 1;
                    locked
                        .replace(|out| write!(out, "{new}").map_err(FileError::io("write", &path)))
                        .unwrap();
                }
            });
        }
    });
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "128");
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Locked::new(folder.path()).unwrap_err();
    assert!(matches!(error, FileError::Special { .. }), "{error}");
    let error = Locked::new(&folder.path().join("missing/index.json")).unwrap_err();
    assert!(matches!(error, FileError::NoFolder { .. }), "{error}");
    let dangling = folder.path().join("dangling");
    let error = Locked::new(Path::new("-")).unwrap_err();
    assert!(matches!(error, FileError::Dash), "{error}");
    symlink("nowhere", &dangling).unwrap();
    let error = Locked::new(&dangling).unwrap_err();
    assert!(matches!(error, FileError::Io { .. }), "{error}");
}

/// Nobody knows the file that is written before it is renamed.
#[test]
fn what_cannot_be_written_is_named_and_not_what_is_written_for_it() {
    let path = Path::new("/proc/index.json");
    let locked = Locked::new(path).unwrap();
    let error = locked.replace::<FileError>(|_| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "cannot write `/proc/index.json`");
    let chain = packd_format::error::chain(&error);
    assert!(!chain.contains(UNFINISHED), "{chain}");
}
