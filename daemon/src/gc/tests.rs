#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::PathBuf;
use std::sync::Arc;

use packd_wire::{GcKind, GcRequest, JobStatus, Requester, RollbackRequest};

use super::*;
use crate::config::{Config, Layout, Shared};
use crate::event::Hub;
use crate::install::Prober;
use crate::net::Http;
use crate::queue::{JobRequest, NewJob, Queue, RollbackJob};
use crate::registry::Registries;
use crate::source::{Cache, git};
use crate::store::lease::Leases;
use crate::store::pack::{self, Changed, NewInstall, Record};
use crate::store::{Database, Threads, generation, look, tree};

pub(crate) struct Host {
    _folder: tempfile::TempDir,
    _threads: Threads,
    pub(crate) context: Context,
    pub(crate) queue: Queue,
}

/// A host that keeps nothing longer than it must.
pub(crate) fn host() -> Host {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::within(folder.path());
    tree::make_folders(&layout).unwrap();
    let (database, threads) = Database::open(&layout.db()).unwrap();
    let hub = Hub::default();
    let mut config = Config::default();
    config.store.keep_generations = 1;
    config.store.keep_for = std::time::Duration::ZERO;
    let config = Shared::new(config);
    let http = Http::new(&config.current().net).unwrap();
    let context = Context {
        cache: Cache::new(layout.archive_cache(), config.clone()),
        registries: Registries::new(
            database.clone(),
            http.clone(),
            config.clone(),
            hub.clone(),
            crate::registry::Here {
                host: crate::host::Host::new("a host"),
                scratch: std::env::temp_dir(),
                known: std::env::temp_dir(),
            },
        ),
        config,
        repositories: git::Cache::new(layout.git_cache()),
        layout: Arc::new(layout),
        database: database.clone(),
        hub: hub.clone(),
        http,
        prober: Prober::default(),
        leases: Leases::default(),
        activation: Arc::default(),
    };
    Host {
        _folder: folder,
        _threads: threads,
        context,
        queue: Queue::new(database, hub),
    }
}

impl Host {
    /// A tree of the store.
    fn tree(&self, dir: &str) -> PathBuf {
        let place = self.context.layout.store().join(dir);
        fs_err::create_dir_all(&place).unwrap();
        fs_err::write(place.join("pack.yaml"), "x").unwrap();
        fs_err::write(tree::manifest_path(&self.context.layout, dir), "").unwrap();
        place
    }

    /// The active generation, with this tree of `slack`.
    pub(crate) async fn activate(&self, dir: &str) -> i64 {
        self.tree(dir);
        let new = NewInstall {
            pack_ref: "slack".to_owned(),
            version: "1.0.0".to_owned(),
            dir: dir.to_owned(),
            record: Record::with_dependencies(&[]),
        };
        let changed = Changed {
            with: vec![new],
            ..Changed::default()
        };
        let written = self.context.database.write(move |tx| {
            let base = pack::active_generation(tx)?;
            let number = pack::insert_pending(tx, 1, base, &changed)?;
            pack::set_active(tx, number)?;
            Ok((number, pack::dirs_of_generation(tx, number)?))
        });
        let (number, trees) = written.await.unwrap();
        generation::prepare(&self.context.layout, number, &trees, &[]).unwrap();
        generation::switch(&self.context.layout, number).unwrap();
        number
    }

    async fn enqueue(&self, request: JobRequest) {
        let requester = Requester {
            uid: 0,
            user: None,
            pid: None,
            agent: None,
        };
        let new = NewJob {
            request,
            requester,
            idempotency: None,
            automatic: false,
        };
        self.queue.enqueue(new).await.unwrap();
    }

    /// A job of the kind `gc` that is worked on.
    async fn claimed(&self) -> Claimed {
        self.enqueue(JobRequest::Gc(GcRequest::default())).await;
        self.queue.claim().await.unwrap()
    }

    async fn remove(&self, plan: plan::Plan) -> GcView {
        let job = self.claimed().await;
        let mut told = GcView::default();
        remove::run(&self.context, &job, plan.items, plan.care, &mut told)
            .await
            .unwrap();
        job.finish(Outcome::Unchanged).await.unwrap();
        told
    }
}

fn names(plan: &plan::Plan, kind: GcKind) -> Vec<String> {
    let items = plan.items.iter().filter(|item| item.kind == kind);
    items.map(|item| item.name.clone()).collect()
}

const OLD: &str = "slack/1.0.0-0123456789ab";
const NEW: &str = "slack/1.0.0-ba9876543210";

#[tokio::test]
async fn what_a_job_counts_on_is_not_planned_and_not_removed_when_it_comes_later() {
    let host = host();
    let place = host.tree(OLD);
    let lease = host.context.leases.take(OLD);
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Tree), Vec::<String>::new());
    drop(lease);

    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Tree), [OLD]);
    let lease = host.context.leases.take(OLD);
    let told = host.remove(plan).await;
    assert_eq!(told.count, 0, "{told:#?}");
    assert!(place.join("pack.yaml").exists());
    assert!(tree::is_complete(&host.context.layout, OLD));
    drop(lease);
}

#[tokio::test]
async fn nothing_is_told_of_a_damaged_tree_that_is_gone() {
    let host = host();
    host.activate(NEW).await;
    let lost = "slack/1.0.0-00000000abcd";
    host.tree(OLD);
    let database = &host.context.database;
    let bad = look::Look {
        state: packd_wire::PackState::Modified,
        differences: Vec::new(),
        count: 1,
        is_tree_good: false,
    };
    for dir in [OLD, lost, NEW] {
        let bad = bad.clone();
        let note = move |tx: &crate::store::Tx<'_>| look::note(tx, dir, &bad);
        database.write(note).await.unwrap();
    }
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Tree), [OLD]);
    host.remove(plan).await;
    let told = database.read(look::bad).await.unwrap();
    assert_eq!(told.keys().collect::<Vec<_>>(), [NEW], "it is active");
}

#[tokio::test]
async fn a_tree_that_became_active_between_plan_and_removal_stays() {
    let host = host();
    host.activate(NEW).await;
    host.tree(OLD);
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Tree), [OLD]);
    // by a job that took its lease, activated and ended meanwhile
    host.activate(OLD).await;
    let told = host.remove(plan).await;
    assert_eq!(told.count, 0, "{told:#?}");
    assert!(tree::is_complete(&host.context.layout, OLD));
}

#[tokio::test]
async fn nothing_leaves_the_store_while_something_is_activated() {
    let host = host();
    let place = host.tree(OLD);
    fs_err::write(place.join("mark"), "").unwrap();
    let plan = plan::make(&host.context).await.unwrap();
    let activation = host.context.activation.lock().await;
    let activating = async {
        host.activate(OLD).await;
        drop(activation);
    };
    let (told, ()) = tokio::join!(host.remove(plan), activating);
    assert_eq!(told.count, 0, "{told:#?}");
    assert!(place.join("mark").exists(), "it waited, and looked again");
}

#[tokio::test]
async fn a_pin_between_plan_and_removal_counts() {
    let host = host();
    let first = host.activate(OLD).await;
    host.activate(NEW).await;
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Generation), [first.to_string()]);
    assert_eq!(names(&plan, GcKind::Tree), [OLD]);
    let pin = packd_wire::PinView {
        reason: None,
        by: "ada".to_owned(),
        at: crate::store::time::now(),
    };
    let database = &host.context.database;
    database
        .write(move |tx| crate::store::history::pin(tx, first, &pin))
        .await
        .unwrap();
    let told = host.remove(plan).await;
    assert_eq!(told.count, 0, "{told:#?}");
    assert!(tree::is_complete(&host.context.layout, OLD));
}

#[tokio::test]
async fn what_a_watched_generation_may_be_gone_back_from_to_stays() {
    let host = host();
    let first = host.activate(OLD).await;
    let second = host.activate(NEW).await;
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Generation), [first.to_string()]);
    let database = &host.context.database;
    database
        .write(move |tx| crate::store::watch::begin(tx, second, 1))
        .await
        .unwrap();
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Generation), Vec::<String>::new());
    assert_eq!(names(&plan, GcKind::Tree), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_queued_rollback_goes_back_to_stays() {
    let host = host();
    let first = host.activate(OLD).await;
    host.activate(NEW).await;
    for (target, pack_ref) in [(Some(first), None), (None, Some("slack".to_owned()))] {
        let asked = RollbackRequest {
            pack_ref,
            ..RollbackRequest::default()
        };
        host.enqueue(JobRequest::Rollback(RollbackJob {
            asked,
            target,
            may_remove: true,
            from: None,
            because: None,
        }))
        .await;
        let plan = plan::make(&host.context).await.unwrap();
        assert_eq!(names(&plan, GcKind::Generation), Vec::<String>::new());
        assert_eq!(names(&plan, GcKind::Tree), Vec::<String>::new());
        let job = host.queue.claim().await.unwrap();
        job.finish(Outcome::Unchanged).await.unwrap();
    }
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Generation), [first.to_string()]);
}

#[tokio::test]
async fn a_cancelled_job_stops_between_two_things_and_says_what_went() {
    let host = host();
    host.tree(OLD);
    let job = host.claimed().await;
    let id = job.id();
    host.queue.cancel(id).await.unwrap();
    let result = run(&host.context, &job).await;
    assert!(matches!(result, Err(StepError::Stopped)), "{result:?}");
    job.finish(Outcome::Stopped).await.unwrap();
    let view = host.queue.get(id).await.unwrap();
    assert_eq!(view.status, JobStatus::Cancelled);
    assert_eq!(view.gc.unwrap().count, 0);
    assert!(tree::is_complete(&host.context.layout, OLD));
}

#[tokio::test]
async fn generations_go_in_parts_and_what_a_cancelled_job_says_is_what_went() {
    let host = host();
    for _ in 0..120 {
        host.activate(NEW).await;
    }
    let plan = plan::make(&host.context).await.unwrap();
    assert_eq!(names(&plan, GcKind::Generation).len(), 119);
    let job = host.claimed().await;
    let mut told = GcView::default();
    // while the first part waits for its turn, somebody cancels
    let activating = host.context.activation.lock().await;
    let removing = remove::run(&host.context, &job, plan.items, plan.care, &mut told);
    let cancelling = async {
        host.queue.cancel(job.id()).await.unwrap();
        drop(activating);
    };
    let (result, ()) = tokio::join!(removing, cancelling);
    assert!(matches!(result, Err(StepError::Stopped)), "{result:?}");
    job.finish(Outcome::Stopped).await.unwrap();
    let rows = host
        .context
        .database
        .read(crate::store::collect::generations);
    let left = rows.await.unwrap().len();
    assert_eq!(told.count, 50, "one part");
    assert_eq!(left, 120 - 50);
    let folders = crate::store::remains::generations(&host.context.layout);
    assert_eq!(folders.unwrap().len(), left, "each with its folder");
}

#[test]
fn what_was_active_lately_stays_while_nobody_sees_who_uses_it() {
    let mut config = Config::default().store;
    (config.keep_generations, config.keep_for) = (1, std::time::Duration::ZERO);
    let [open, careful] = [false, true].map(|is_blind| {
        let now = crate::store::time::now();
        generations::rule(&config, &generations::Care { now, is_blind })
    });
    assert_eq!((open.newest, careful.newest), (1, 2));
    let half_an_hour_ago = crate::store::time::before(std::time::Duration::from_mins(30));
    assert!(careful.since < half_an_hour_ago && half_an_hour_ago < open.since);
}
