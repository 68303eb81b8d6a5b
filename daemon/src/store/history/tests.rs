#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::super::pack::{Changed as PackChanges, NewInstall, Record, forget_pending};
use super::super::{Database, Threads, blocked};
use super::*;

fn database() -> (tempfile::TempDir, Database, Threads) {
    let folder = tempfile::tempdir().unwrap();
    let (database, threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    (folder, database, threads)
}

fn new(pack_ref: &str, version: &str) -> NewInstall {
    NewInstall {
        pack_ref: pack_ref.to_owned(),
        version: version.to_owned(),
        dir: format!("{pack_ref}/{version}-abc"),
        record: Record::with_dependencies(&[]),
    }
}

/// A generation with these packs in addition, switched to.
async fn activate(database: &Database, with: Vec<NewInstall>, without: &[&str]) -> i64 {
    let changed = PackChanges {
        with,
        without: without.iter().map(ToString::to_string).collect(),
        ..PackChanges::default()
    };
    database
        .write(move |tx| {
            let base = pack::active_generation(tx)?;
            let number = pack::insert_pending(tx, 1, base, &changed)?;
            pack::set_active(tx, number)?;
            Ok(number)
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn each_generation_says_what_it_changed() {
    let (_folder, database, _threads) = database();
    activate(&database, vec![new("slack", "1.10.0")], &[]).await;
    activate(
        &database,
        vec![new("slack", "1.9.0"), new("teams", "1.0.0")],
        &[],
    )
    .await;
    activate(&database, vec![], &["slack"]).await;
    let all = database.read(|c| list(c, None, 10)).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| (one.number, one.current, one.base, one.packs))
        .collect();
    assert_eq!(
        told,
        [
            (3, true, Some(2), 1),
            (2, false, Some(1), 2),
            (1, false, None, 1)
        ]
    );
    let actions = |one: &GenerationView| -> Vec<_> {
        let changes = one.changes.iter();
        changes
            .map(|change| format!("{} {}", change.action.as_str(), change.pack_ref))
            .collect()
    };
    assert_eq!(actions(&all[0]), ["remove slack"]);
    assert_eq!(
        actions(&all[1]),
        ["downgrade slack", "install teams"],
        "versions are compared as versions"
    );
    let back = database.read(|c| changes(c, 3, 1)).await.unwrap();
    assert_eq!(
        back.iter()
            .map(|c| (c.action, c.from.as_deref(), c.to.as_deref()))
            .collect::<Vec<_>>(),
        [
            (ChangeAction::Install, None, Some("1.10.0")),
            (ChangeAction::Remove, Some("1.0.0"), None)
        ]
    );
    let page = database.read(|c| list(c, Some(3), 1)).await.unwrap();
    assert_eq!(page[0].number, 2);
}

#[tokio::test]
async fn a_number_is_never_used_for_two_generations_that_were_active() {
    let (_folder, database, _threads) = database();
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        activate(&database, vec![new("slack", version)], &[]).await;
    }
    // set back by hand, and those above collected
    let next = database
        .write(|tx| {
            pack::set_active(tx, 1)?;
            tx.execute_batch(
                "DELETE FROM generation_pack WHERE generation > 1; DELETE FROM generation WHERE number > 1;",
            )?;
            pack::insert_pending(tx, 1, Some(1), &PackChanges::default())
        })
        .await
        .unwrap();
    assert_eq!(next, 4);
    let again = database
        .write(|tx| {
            forget_pending(tx)?;
            pack::insert_pending(tx, 1, Some(1), &PackChanges::default())
        })
        .await
        .unwrap();
    assert_eq!(again, 4, "a number that nobody saw is used");
}

#[tokio::test]
async fn the_previous_one_is_the_one_that_was_active_before() {
    let (_folder, database, _threads) = database();
    assert_eq!(database.read(previous).await.unwrap(), None);
    for version in ["1.0.0", "2.0.0", "3.0.0"] {
        activate(&database, vec![new("slack", version)], &[]).await;
    }
    assert_eq!(database.read(previous).await.unwrap(), Some(2));
    database.write(|tx| pack::set_active(tx, 1)).await.unwrap();
    assert_eq!(
        database.read(previous).await.unwrap(),
        Some(3),
        "set back by hand: what was active before is the newest"
    );
    let found = database
        .read(|c| earlier(c, "slack", Some("slack/1.0.0-abc")))
        .await
        .unwrap();
    let (number, pack) = found.unwrap();
    assert_eq!((number, pack.version.as_str()), (3, "3.0.0"));
    assert!(
        database
            .read(|c| earlier(c, "teams", None))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_pin_lasts_until_it_is_lifted_and_a_pending_generation_is_none() {
    let (_folder, database, _threads) = database();
    activate(&database, vec![new("slack", "1.0.0")], &[]).await;
    let pinned = PinView {
        reason: Some("before the move".into()),
        by: "ada".into(),
        at: super::super::time::now(),
    };
    let kept = pinned.clone();
    assert!(database.write(move |tx| pin(tx, 1, &kept)).await.unwrap());
    let shown = database.read(|c| get(c, 1)).await.unwrap().unwrap();
    assert_eq!(shown.pin, Some(pinned.clone()));
    assert!(database.write(|tx| unpin(tx, 1)).await.unwrap());
    let shown = database.read(|c| get(c, 1)).await.unwrap().unwrap();
    assert_eq!(shown.pin, None);
    database
        .write(|tx| pack::insert_pending(tx, 1, Some(1), &PackChanges::default()))
        .await
        .unwrap();
    assert!(!database.write(move |tx| pin(tx, 2, &pinned)).await.unwrap());
    assert_eq!(database.read(|c| get(c, 2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_version_is_blocked_until_it_becomes_active_again() {
    let (_folder, database, _threads) = database();
    for version in ["1.9.0", "1.10.0"] {
        let number = activate(&database, vec![new("slack", version)], &[]).await;
        database
            .write(move |tx| blocked::block(tx, number, "slack", 7))
            .await
            .unwrap();
    }
    let versions = async || -> Vec<String> {
        let all = database.read(blocked::all).await.unwrap();
        let newer = all.newer("slack", "1.0.0").into_iter();
        newer.map(|one| one.version).collect()
    };
    assert_eq!(versions().await, ["1.9.0", "1.10.0"]);
    database
        .write(|tx| blocked::clear(tx, "slack", Some("1.11.0")))
        .await
        .unwrap();
    assert_eq!(
        versions().await.len(),
        2,
        "a newer one may be gone back from too"
    );
    let all = database.read(blocked::all).await.unwrap();
    assert!(
        all.newer("slack", "1.11.0").is_empty(),
        "until then they are in nobody's way"
    );
    database
        .write(|tx| blocked::clear(tx, "slack", Some("1.9.0")))
        .await
        .unwrap();
    assert_eq!(versions().await, ["1.10.0"]);
    let all = database.read(blocked::all).await.unwrap();
    assert!(all.is_blocked("slack", "1.10.0").is_some());
    assert!(all.is_blocked("slack", "1.9.0").is_none());
    database
        .write(|tx| blocked::clear(tx, "slack", None))
        .await
        .unwrap();
    assert!(versions().await.is_empty());
}
