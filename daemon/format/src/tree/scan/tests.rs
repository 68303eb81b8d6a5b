//! Large trees, which are read by several threads, and small ones, which are not.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use fs_err::os::unix::fs::symlink;

use super::*;
use crate::digest::Digest;

/// More files than one thread reads alone.
const MANY: usize = 300;

fn folder_of(files: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..files {
        let place = folder.path().join(format!("d{:02}", number % 30));
        fs_err::create_dir_all(&place).unwrap();
        fs_err::write(place.join(format!("f{number:03}")), number.to_string()).unwrap();
    }
    folder
}

#[test]
fn every_file_has_the_digest_of_its_own_content() {
    let folder = folder_of(MANY);
    let list = scan(folder.path()).unwrap();
    assert_eq!(list.files(), MANY as u64);
    for number in 0..MANY {
        let path = format!("d{:02}/f{number:03}", number % 30);
        let content = number.to_string();
        assert_eq!(
            list.get(&path).unwrap().kind,
            FileKind::File {
                executable: false,
                size: content.len() as u64,
                digest: Digest::sha256_of(content.as_bytes()),
            },
            "{path}"
        );
    }
}

#[test]
fn the_first_error_in_the_order_of_paths_is_told() {
    let turn_into_pipe = |place: &Path| {
        fs_err::remove_file(place).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, place, Mode::RWXU).unwrap();
    };
    for files in [30, MANY] {
        let folder = folder_of(files);
        let at = |path: &str| folder.path().join(path);
        for _ in 0..5 {
            for bad in ["d20/bad\\name", "d07.x/also\\bad"] {
                fs_err::create_dir_all(at(bad).parent().unwrap()).unwrap();
                fs_err::write(at(bad), "").unwrap();
            }
            turn_into_pipe(&at("d07/f007"));
            symlink("a\nb", at("d29/link")).unwrap();
            let told = |list: Result<FileList, TreeError>| list.unwrap_err().to_string();
            assert_eq!(
                told(scan(folder.path())),
                format!(
                    "{} cannot be part of a pack: its name has a backslash",
                    at("d07.x/also\\bad").display()
                ),
                "`d07.x/` sorts before `d07/`"
            );
            fs_err::remove_file(at("d07.x/also\\bad")).unwrap();
            assert_eq!(
                told(scan(folder.path())),
                format!("{} is a named pipe", at("d07/f007").display())
            );
            fs_err::remove_file(at("d07/f007")).unwrap();
            fs_err::write(at("d07/f007"), "7").unwrap();
            assert_eq!(
                told(scan(folder.path())),
                format!(
                    "{} cannot be part of a pack: its name has a backslash",
                    at("d20/bad\\name").display()
                )
            );
            fs_err::remove_file(at("d29/link")).unwrap();
        }
    }
}

#[test]
fn handles_do_not_grow_with_the_tree() {
    // each file in a folder of its own, and more of them than a process usually may have handles
    let folder = tempfile::tempdir().unwrap();
    for number in 0..2_000 {
        let place = folder.path().join(number.to_string());
        fs_err::create_dir(&place).unwrap();
        fs_err::write(place.join("file"), "x").unwrap();
    }
    assert_eq!(scan(folder.path()).unwrap().files(), 2_000);
}
