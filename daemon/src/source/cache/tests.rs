#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fs::FileTimes;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::config::Config;

/// A cache with files of so many bytes, the one used last first.
fn cache(files: &[(&str, usize)]) -> (TempDir, Cache) {
    let folder = tempfile::tempdir().unwrap();
    for (age, (name, bytes)) in (0..).zip(files) {
        let path = folder.path().join(name);
        fs_err::write(&path, vec![0; *bytes]).unwrap();
        let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        let used = now - Duration::from_secs(60 * (age + 1));
        let times = FileTimes::new().set_modified(used);
        file.file().set_times(times).unwrap();
    }
    let cache = Cache::new(folder.path().to_owned(), Shared::new(Config::default()));
    (folder, cache)
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs_err::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let files = [
        ("sha256-a", 10),
        ("k.part", 10),
        ("sha256-b", 10),
        ("sha512-c", 10),
    ];
    let (folder, cache) = cache(&files);
    cache.trim(40);
    assert_eq!(names(&folder).len(), 4, "all of it fits");
    assert!(cache.excess(40).is_empty());
    let excess = cache.excess(39);
    assert_eq!(
        excess,
        [folder.path().join("sha512-c")],
        "nothing is removed"
    );
    cache.trim(39);
    assert_eq!(names(&folder), ["k.part", "sha256-a", "sha256-b"]);
    cache.give_back(1);
    assert_eq!(names(&folder), ["k.part", "sha256-a"]);
    cache.trim(0);
    assert_eq!(names(&folder), [""; 0]);
}

#[test]
fn one_that_is_too_large_takes_no_other_with_it() {
    let (folder, cache) = cache(&[("sha256-a", 10), ("sha256-b", 100), ("sha256-c", 10)]);
    cache.trim(50);
    assert_eq!(names(&folder), ["sha256-a", "sha256-c"]);
}

#[test]
fn use_counts() {
    let digest = Digest::sha256_of(b"");
    let name = name_of(&digest);
    let (folder, cache) = cache(&[("sha256-a", 10), (&name, 10)]);
    assert!(cache.archive(&digest).is_some());
    cache.trim(10);
    assert_eq!(names(&folder), [name]);
}

#[test]
fn what_is_not_ours_is_left_alone_and_records_go_with_what_they_are_about() {
    let (folder, cache) = cache(&[
        ("k.part", 1),
        ("k.json", 2),
        ("gone.json", 2),
        ("notes", 500),
    ]);
    cache.trim(100);
    assert_eq!(names(&folder), ["k.json", "k.part", "notes"]);
    cache.trim(0);
    assert_eq!(names(&folder), ["notes"]);
}
