#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::JobStatus;

use super::*;
use crate::config::{Args, Config, Environment, Inputs, Shared, load};
use crate::event::Hub;
use crate::gc::tests::{Host, host};
use crate::install;
use crate::queue::Outcome;
use crate::store::Database;

const OLD: &str = "slack/1.0.0-0123456789ab";
const NEW: &str = "slack/1.0.0-ba9876543210";

fn configured(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("packd.yaml");
    fs_err::write(&file, text).unwrap();
    let args = Args {
        config: Some(file),
        ..Args::default()
    };
    load(&Inputs::new(&args, Environment::default()))
        .unwrap()
        .config
}

fn event(kind: EventKind) -> NewEvent {
    NewEvent {
        kind,
        job: None,
        pack_ref: None,
        data: json!({}),
    }
}

async fn next(database: &Database) -> Vec<(String, i64)> {
    let due = database.read(hook::next).await.unwrap();
    due.into_iter().map(|due| (due.hook, due.event)).collect()
}

#[tokio::test]
async fn what_is_due_is_noted_with_the_event_and_each_hook_takes_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    let hub = Hub::with_hooks(Shared::new(configured(
        "hooks:
  - {name: both, on: [registry_failed, registry_refreshed], command: [/bin/true]}
  - {name: one, on: [registry_failed], command: [/bin/true]}
",
    )));
    let kinds = [
        EventKind::RegistryRefreshed,
        EventKind::Info,
        EventKind::RegistryFailed,
    ];
    for kind in kinds {
        let hub = hub.clone();
        database
            .write(move |tx| hub.append(tx, event(kind)))
            .await
            .unwrap();
    }
    hub.hook_due().await;
    let named = |name: &str, event| (name.to_owned(), event);
    assert_eq!(next(&database).await, [named("both", 1), named("one", 3)]);

    let due = Due {
        event: 1,
        hook: "both".to_owned(),
    };
    let deaths = async |due: &Due| {
        let due = due.clone();
        let begun = database.write(move |tx| hook::begin(tx, &due)).await;
        begun.unwrap().map(|begun| begun.deaths)
    };
    assert_eq!(deaths(&due).await, Some(0));
    assert_eq!(deaths(&due).await, Some(1), "packd died during the first");
    let of_back = due.clone();
    database
        .write(move |tx| hook::put_back(tx, &of_back))
        .await
        .unwrap();
    assert_eq!(deaths(&due).await, Some(1), "a stop is no death");
    let of_forget = due.clone();
    database
        .write(move |tx| hook::forget(tx, &of_forget))
        .await
        .unwrap();
    assert_eq!(deaths(&due).await, None);
    assert_eq!(next(&database).await, [named("both", 3), named("one", 3)]);
}

#[tokio::test]
async fn no_more_than_a_bound_of_runs_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (database, _threads) = Database::open(&folder.path().join("packd.db")).unwrap();
    let added = database.write(|tx| {
        let mut added = Vec::new();
        for seq in 1..=1001 {
            added.push(hook::add(tx, seq, "one")?);
        }
        added.push(hook::add(tx, 1, "another")?);
        Ok(added)
    });
    let added = added.await.unwrap();
    assert!(added[..1000].iter().all(|added| *added));
    assert_eq!(added[1000..], [false, true], "another hook has its own");
}

async fn asked(host: &Host, generation: i64) -> Back {
    back::ask(
        &host.context,
        &host.queue,
        generation,
        0,
        "a test".to_owned(),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn the_way_back_is_one_job_however_often_it_is_asked_for() {
    let host = host();
    let first = host.activate(OLD).await;
    assert!(
        matches!(asked(&host, first).await, Back::Not(why) if why.contains("no generation before"))
    );
    let second = host.activate(NEW).await;
    let Back::Asked(job) = asked(&host, second).await else {
        panic!("there is a way back");
    };
    assert_eq!(asked(&host, second).await, Back::Asked(job));
    let job = host.queue.get(job).await.unwrap();
    assert!(job.automatic);
    assert_eq!(job.summary, "rollback to generation 1: a test");
    assert!(
        matches!(asked(&host, first).await, Back::Not(why) if why.contains("is not active any more"))
    );
}

#[tokio::test]
async fn a_way_back_that_was_overtaken_before_it_ran_changes_nothing() {
    let host = host();
    host.activate(OLD).await;
    let second = host.activate(NEW).await;
    let Back::Asked(id) = asked(&host, second).await else {
        panic!("there is a way back");
    };
    let third = host.activate(OLD).await;
    let job = host.queue.claim().await.unwrap();
    assert_eq!(job.id(), id);
    let outcome = install::run(&host.context, &job).await.unwrap();
    assert!(matches!(outcome, Outcome::Unchanged), "{outcome:?}");
    job.finish(outcome).await.unwrap();
    let job = host.queue.get(id).await.unwrap();
    assert_eq!((job.status, job.changed), (JobStatus::Succeeded, false));
    assert_eq!(
        job.warnings,
        ["generation 2 is not active any more, and what is active now is left as it is"]
    );
    let active = host
        .context
        .database
        .read(crate::store::pack::active_generation)
        .await
        .unwrap();
    assert_eq!(active, Some(third));
}
