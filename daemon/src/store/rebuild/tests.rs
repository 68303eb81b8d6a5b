#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::store::pack::Record;
use crate::store::record::InstallRecord;
use crate::store::{event, pack, tree};

/// A state folder with two generations of `slack`, and no database; what each tree is called.
fn state() -> (tempfile::TempDir, Layout, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::within(folder.path());
    tree::make_folders(&layout).unwrap();
    let mut dirs = Vec::new();
    for (number, version) in [(1, "1.0.0"), (2, "2.0.0")] {
        let staged = layout.staging().join(version);
        fs_err::create_dir(&staged).unwrap();
        let text = format!("ref: slack\nversion: {version}\nlabel: Slack {version}\n");
        fs_err::write(staged.join("pack.yaml"), text).unwrap();
        let list = packd_format::tree::scan(&staged).unwrap();
        let (name, parsed) = ("slack".parse().unwrap(), version.parse().unwrap());
        let present = tree::Present::Trusted;
        let dir = tree::publish(&layout, &staged, &name, &parsed, &list, present)
            .unwrap()
            .dir;
        let record = InstallRecord {
            pack_ref: "slack".into(),
            version: version.into(),
            dir: dir.clone(),
            job: 40 + number,
            generation: number,
            installed_at: "2026-01-01T00:00:00.000Z".into(),
            event: 400,
            record: Record {
                tree: list.digest().to_string(),
                registry: Some("acme".into()),
                ..Record::with_dependencies(&[])
            },
        };
        record::write(&layout, &[record]).unwrap();
        let trees = [("slack".to_owned(), dir.clone())].into();
        generation::prepare(&layout, number, &trees, &["slack".into()]).unwrap();
        generation::switch(&layout, number).unwrap();
        dirs.push(dir);
    }
    (folder, layout, dirs)
}

async fn active(database: &Database) -> (Option<i64>, Option<pack::Installed>) {
    let read = |connection: &Connection| {
        let slack = pack::active(connection)?.remove("slack");
        Ok((pack::active_generation(connection)?, slack))
    };
    database.read(read).await.unwrap()
}

#[tokio::test]
async fn a_lost_database_is_made_again_from_trees_records_and_generations() {
    let (_folder, layout, dirs) = state();
    let (database, _threads) = open(&layout).unwrap();
    let (number, slack) = active(&database).await;
    let slack = slack.unwrap();
    assert_eq!(number, Some(2));
    assert_eq!((&*slack.version, &slack.dir), ("2.0.0", &dirs[1]));
    assert_eq!(slack.record.registry.as_deref(), Some("acme"));
    assert_eq!((slack.job, slack.generation), (42, 2));
    let view = database.degraded().unwrap();
    assert_eq!((view.packs, view.unrecorded), (1, 0), "{view:?}");
    let last = database.read(event::last).await.unwrap();
    assert!(last > 1_000_000, "{last}");
    let known = database
        .read(|connection| pack::generation(connection, 1))
        .await;
    assert!(
        known.unwrap().is_some(),
        "earlier generations are known too"
    );
}

#[tokio::test]
async fn without_records_packs_are_taken_for_what_they_say_themselves() {
    let (_folder, layout, dirs) = state();
    fs_err::write(record::path(&layout, &dirs[1]), "{").unwrap();
    fs_err::remove_file(layout.current()).unwrap();
    let (database, _threads) = open(&layout).unwrap();
    let (number, slack) = active(&database).await;
    assert_eq!(number, Some(2), "the newest that is whole");
    let slack = slack.unwrap();
    assert_eq!(slack.record.label.as_deref(), Some("Slack 2.0.0"));
    let digest = slack.record.tree.trim_start_matches("sha256:").to_owned();
    assert!(dirs[1].ends_with(&digest[..12]), "{digest}");
    assert_eq!(database.degraded().unwrap().unrecorded, 1);
}

#[tokio::test]
async fn a_damaged_database_is_kept_and_its_numbers_go_on() {
    let (_folder, layout, _) = state();
    let (database, threads) = open(&layout).unwrap();
    database.acknowledge().await.unwrap();
    let first = database.read(event::last).await.unwrap();
    drop(database);
    threads.join();
    // one that is in order is left alone
    let (database, threads) = open(&layout).unwrap();
    assert_eq!(database.degraded(), None);
    drop(database);
    threads.join();

    let mut bytes = fs_err::read(layout.db()).unwrap();
    let half = bytes.len() / 2;
    bytes.truncate(half);
    fs_err::write(layout.db(), bytes).unwrap();
    let (database, _threads) = open(&layout).unwrap();
    let view = database.degraded().unwrap();
    let folder = view.quarantine.unwrap();
    assert_eq!(
        fs_err::metadata(Path::new(&folder).join("packd.db"))
            .unwrap()
            .len(),
        half as u64
    );
    let last = database.read(event::last).await.unwrap();
    assert!(last >= first, "{first} {last}");
    assert_eq!(active(&database).await.0, Some(2));
}

#[tokio::test]
async fn a_new_host_is_not_degraded() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::within(folder.path());
    tree::make_folders(&layout).unwrap();
    let (database, _threads) = open(&layout).unwrap();
    assert_eq!(database.degraded(), None);
}
