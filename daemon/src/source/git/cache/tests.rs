#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::time::Duration;

use super::*;
use crate::source::git::url::Spelled;

const LIMIT: u64 = 1 << 20;

/// A commit of a tree, without a history.
pub(in crate::source::git) fn commit_of(bare: &Bare, tree: ObjectId) -> ObjectId {
    let author = gix::actor::Signature {
        name: "A".into(),
        email: "a@example.org".into(),
        time: gix::date::Time::new(0, 0),
    };
    let commit = gix::objs::Commit {
        tree,
        parents: Vec::new().into(),
        author: author.clone(),
        committer: author,
        encoding: None,
        message: "one".into(),
        extra_headers: Vec::new(),
    };
    bare.repository.write_object(&commit).unwrap().detach()
}

fn commit(bare: &Bare) -> ObjectId {
    commit_of(bare, ObjectId::empty_tree(gix::hash::Kind::Sha1))
}

#[test]
fn a_commit_counts_once_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    let bare = Bare::open(&path, LIMIT).unwrap();
    let id = commit(&bare);
    assert!(!bare.has(id), "what a killed fetch leaves is not whole");
    assert!(bare.whole().is_empty());
    bare.keep(id).unwrap();
    assert!(bare.has(id));
    assert_eq!(bare.whole(), [id]);
    assert_eq!(bare.commits(&id.to_string()[..7]).unwrap(), [id]);
    assert!(Bare::open(&path, LIMIT).unwrap().has(id), "it stays");
    assert!(!path.join("hooks").exists(), "there is nothing to run");
}

#[test]
fn what_a_crash_leaves_is_removed_and_what_is_broken_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.git");
    let bare = Bare::open(&path, LIMIT).unwrap();
    let id = commit(&bare);
    bare.keep(id).unwrap();
    fs_err::write(path.join("shallow.lock"), "").unwrap();
    fs_err::write(path.join("objects/pack/tmp123"), "half").unwrap();
    fs_err::write(path.join("objects/pack/pack-1.keep"), "").unwrap();
    let bare = Bare::open(&path, LIMIT).unwrap();
    assert!(bare.has(id), "the rest is as it was");
    assert!(!path.join("shallow.lock").exists());
    assert_eq!(
        fs_err::read_dir(path.join("objects/pack")).unwrap().count(),
        0
    );

    fs_err::write(path.join("config"), "[core\n").unwrap();
    let bare = Bare::open(&path, LIMIT).unwrap();
    assert!(!bare.has(id), "a new one is empty");
}

#[tokio::test]
async fn the_least_used_go_first_and_none_that_is_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().to_owned());
    let mut paths = Vec::new();
    for (name, used) in [("a", 3), ("b", 1), ("c", 2)] {
        let url = Spelled::parse(&format!("https://h.example/{name}.git"))
            .unwrap()
            .url;
        let (path, _lock) = cache.lock(&url).await;
        Bare::open(&path, LIMIT).unwrap();
        fs_err::write(path.join("weight"), vec![0; 10_000]).unwrap();
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(used);
        let file = fs_err::OpenOptions::new()
            .write(true)
            .open(path.join(USED))
            .unwrap();
        file.file().set_modified(time).unwrap();
        paths.push((url, path));
    }
    let one = bytes_below(&paths[0].1);
    let (_, in_use) = cache.lock(&paths[1].0).await;
    cache.prune(2 * one);
    let left: Vec<_> = paths.iter().map(|(_, path)| path.exists()).collect();
    assert_eq!(
        left,
        [true, true, false],
        "`b` is older than `c`, and in use"
    );
    drop(in_use);
    cache.prune(0);
    assert!(paths.iter().all(|(_, path)| !path.exists()));
}

#[tokio::test]
async fn what_nobody_used_for_long_is_found_and_one_in_use_is_not_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::new(folder.path().to_owned());
    let url = |name: &str| {
        let text = format!("https://h.example/{name}.git");
        Spelled::parse(&text).unwrap().url
    };
    let (old, lock) = cache.lock(&url("old")).await;
    let (young, _) = cache.lock(&url("young")).await;
    for path in [&old, &young] {
        Bare::open(path, LIMIT).unwrap();
    }
    let day = Duration::from_hours(24);
    let used = fs_err::OpenOptions::new().write(true).open(old.join(USED));
    let used = used.unwrap();
    let then = used.metadata().unwrap().modified().unwrap() - 2 * day;
    used.file().set_modified(then).unwrap();
    let since = |age| cache.unused_since(&crate::store::time::before(age));
    assert_eq!(since(day), std::slice::from_ref(&old));
    let soon = crate::store::time::after(day);
    assert_eq!(cache.unused_since(&soon).len(), 2);
    assert!(!cache.discard(&old).unwrap());
    assert!(old.exists(), "somebody uses it");
    drop(lock);
    assert!(cache.discard(&old).unwrap());
    assert!(!old.exists());
}
