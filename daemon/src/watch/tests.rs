#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write as _;

use super::*;

/// A wait that is this long has failed.
const DEADLINE: Duration = Duration::from_secs(20);

async fn changed(watch: &mut Watch) -> Vec<usize> {
    let changed = tokio::time::timeout(DEADLINE, watch.changed()).await;
    changed
        .expect("the change is heard of")
        .into_iter()
        .collect()
}

fn file(path: PathBuf) -> Subject {
    Subject {
        path,
        what: What::File,
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = fs_err::canonicalize(folder.path()).unwrap();
    (folder, path)
}

#[tokio::test]
async fn every_way_to_write_a_file_is_heard_of() {
    let (_folder, path) = folder();
    let index = path.join("index.json");
    fs_err::write(&index, "one").unwrap();
    let mut watch = Watch::new(vec![file(index.clone())]).await;

    let beside = path.join(".index.json.tmp");
    fs_err::write(&beside, "two").unwrap();
    fs_err::rename(&beside, &index).unwrap();
    assert_eq!(
        changed(&mut watch).await,
        [0],
        "another one renamed over it"
    );

    fs_err::write(&index, "three").unwrap();
    assert_eq!(changed(&mut watch).await, [0], "truncated and written");

    let mut open = fs_err::OpenOptions::new()
        .append(true)
        .open(&index)
        .unwrap();
    open.write_all(b"four").unwrap();
    drop(open);
    assert_eq!(changed(&mut watch).await, [0], "appended to");

    fs_err::remove_file(&index).unwrap();
    assert_eq!(changed(&mut watch).await, [0], "removed");
    fs_err::write(&index, "five").unwrap();
    assert_eq!(changed(&mut watch).await, [0], "and made again");
}

#[tokio::test]
async fn what_is_still_being_written_is_waited_for() {
    let (_folder, path) = folder();
    let index = path.join("index.json");
    fs_err::write(&index, "whole").unwrap();
    let mut watch = Watch::new(vec![file(index.clone())]).await;
    let mut open = fs_err::File::create(&index).unwrap();
    open.write_all(b"ha").unwrap();
    let begun = Instant::now();
    let due = loop {
        if let Some(due) = watch.news.lock().settling.due() {
            break due;
        }
        assert!(begun.elapsed() < DEADLINE, "the write is heard of");
        tokio::task::yield_now().await;
    };
    assert!(due > begun + settle::QUIET * 10, "the writer is not done");
    open.write_all(b"lf").unwrap();
    drop(open);
    assert_eq!(changed(&mut watch).await, [0], "now it is");
}

#[tokio::test]
async fn a_folder_need_not_be_there_and_may_come_again() {
    let (_folder, path) = folder();
    let packs = path.join("srv/packs");
    let tree = Subject {
        path: packs.clone(),
        what: What::Tree,
    };
    let mut watch = Watch::new(vec![tree]).await;
    for round in 0..2 {
        fs_err::create_dir_all(packs.join("slack")).unwrap();
        assert_eq!(changed(&mut watch).await, [0], "it came, round {round}");
        fs_err::write(packs.join("slack/pack.yaml"), "ref: slack").unwrap();
        assert_eq!(changed(&mut watch).await, [0], "deep in it, round {round}");
        fs_err::remove_dir_all(path.join("srv")).unwrap();
        assert_eq!(changed(&mut watch).await, [0], "it went, round {round}");
    }
}

#[tokio::test]
async fn a_link_on_the_way_that_is_replaced_is_heard_of() {
    let (_folder, path) = folder();
    for (name, content) in [("one", "1"), ("two", "2")] {
        fs_err::create_dir(path.join(name)).unwrap();
        fs_err::write(path.join(name).join("index.json"), content).unwrap();
    }
    let current = path.join("current");
    fs_err::os::unix::fs::symlink("one", &current).unwrap();
    let mut watch = Watch::new(vec![file(current.join("index.json"))]).await;
    let next = path.join("next");
    fs_err::os::unix::fs::symlink("two", &next).unwrap();
    fs_err::rename(&next, &current).unwrap();
    assert_eq!(changed(&mut watch).await, [0], "it leads elsewhere");
    fs_err::write(path.join("two/index.json"), "3").unwrap();
    assert_eq!(
        changed(&mut watch).await,
        [0],
        "and what is there is watched"
    );
}

#[tokio::test]
async fn each_subject_is_told_of_by_itself_and_others_are_not_news() {
    let (_folder, path) = folder();
    let drop_ins = path.join("conf.d");
    fs_err::create_dir(&drop_ins).unwrap();
    let entries = Subject {
        path: drop_ins.clone(),
        what: What::Entries {
            extension: Some("yaml"),
        },
    };
    let mut watch = Watch::new(vec![file(path.join("packd.yaml")), entries]).await;
    for odd in [
        "conf.d/.a.yaml.swp",
        "conf.d/.hidden.yaml",
        "conf.d/README",
        "other",
    ] {
        fs_err::write(path.join(odd), "x").unwrap();
    }
    fs_err::read_dir(&drop_ins).unwrap().for_each(drop);
    fs_err::write(drop_ins.join("a.yaml"), "x").unwrap();
    assert_eq!(changed(&mut watch).await, [1]);
    fs_err::write(path.join("packd.yaml"), "x").unwrap();
    assert_eq!(changed(&mut watch).await, [0]);
}

#[tokio::test]
async fn reading_is_no_news_and_a_queue_that_ran_over_is() {
    let plan = Plan::of(&[file("/nowhere/index.json".into())], |_| true);
    let news = News::default();
    let event = |kind| fs_notify::Event::new(kind).add_path("/nowhere".into());
    let read = EventKind::Access(AccessKind::Open(AccessMode::Any));
    news.heard(&plan, Ok(event(read)));
    assert_eq!(news.lock().settling.due(), None);
    let over = fs_notify::Event::new(EventKind::Other).set_flag(fs_notify::event::Flag::Rescan);
    news.heard(&plan, Ok(over));
    assert!(news.lock().settling.due().is_some());
    let none_left = fs_notify::Error::new(fs_notify::ErrorKind::MaxFilesWatch);
    news.heard(&plan, Err(none_left));
    assert!(news.lock().is_blind, "and is looked at from then on");
}

#[tokio::test]
async fn where_there_is_no_news_it_is_looked_at() {
    let (_folder, path) = folder();
    let packs = path.join("packs");
    fs_err::create_dir(&packs).unwrap();
    let tree = Subject {
        path: packs.clone(),
        what: What::Tree,
    };
    let mut watch = Watch::with(vec![tree], Duration::from_millis(50), |_| false).await;
    // as another host would: no event comes
    watch.armed.watcher = None;
    fs_err::create_dir(packs.join("slack")).unwrap();
    let found = tokio::time::timeout(DEADLINE, async {
        while watch.changed.is_empty() {
            watch.poll().await;
        }
    });
    found.await.expect("a look finds it");
    assert!(watch.next_poll.is_some(), "and it is looked at again");
}

#[test]
fn a_file_system_of_this_host_has_news() {
    assert!(stamp::has_news(Path::new("/proc/self")));
    assert!(stamp::has_news(Path::new("/nowhere/at/all")));
}
