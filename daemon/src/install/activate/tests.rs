#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use packd_wire::{InstallRequest, PlanChange, PlanView, Requester};

use super::*;
use crate::config::{Config, Shared};
use crate::net::Http;
use crate::queue::{JobRequest, NewJob, Queue};
use crate::registry::Registries;
use crate::source::Cache;
use crate::store::lease::Leases;
use crate::store::{Threads, tree};

mod meanwhile;

struct Host {
    _folder: tempfile::TempDir,
    _threads: Threads,
    layout: Layout,
    database: Database,
    hub: Hub,
    queue: Queue,
}

fn host() -> Host {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::within(folder.path());
    tree::make_folders(&layout).unwrap();
    let (database, threads) = Database::open(&layout.db()).unwrap();
    let hub = Hub::default();
    let queue = Queue::new(database.clone(), hub.clone());
    Host {
        _folder: folder,
        _threads: threads,
        layout,
        database,
        hub,
        queue,
    }
}

impl Host {
    /// A job that is worked on.
    async fn claimed(&self) -> Claimed {
        let source = "slack".to_owned();
        let request = JobRequest::Install(InstallRequest {
            source,
            ..InstallRequest::default()
        });
        let requester = Requester {
            uid: 0,
            user: None,
            pid: None,
            agent: None,
        };
        self.queue
            .enqueue(NewJob {
                request,
                requester,
                idempotency: None,
                automatic: false,
            })
            .await
            .unwrap();
        self.queue.claim().await.unwrap()
    }

    /// Everything up to, but without, the rename: a claimed job, a pending row, a folder.
    async fn up_to_the_switch(&self, version: &str) -> (Claimed, i64) {
        let job = self.claimed().await;
        let change = PlanChange {
            pack_ref: Some("slack".into()),
            action: ChangeAction::Install,
            from: None,
            to: Some(version.to_owned()),
            registry: None,
            source: None,
            path: None,
            available: None,
            git_ref: None,
            commit: None,
            digest: None,
            reason: "requested".into(),
        };
        job.plan(PlanView {
            changes: vec![change],
            ..PlanView::default()
        })
        .await
        .unwrap();
        job.begin(StepName::Activate, None).await.unwrap();
        let dir = format!("slack/{version}-abc");
        fs_err::create_dir_all(self.layout.store().join(&dir)).unwrap();
        let new = NewInstall {
            pack_ref: "slack".into(),
            version: version.to_owned(),
            dir: dir.clone(),
            record: Record::with_dependencies(&[]),
        };
        let id = job.id();
        let number = self
            .database
            .write(move |tx| {
                let base = pack::active_generation(tx)?;
                let changed = pack::Changed {
                    with: vec![new],
                    ..pack::Changed::default()
                };
                pack::insert_pending(tx, id, base, &changed)
            })
            .await
            .unwrap();
        let trees = [("slack".to_owned(), dir)].into();
        generation::prepare(&self.layout, number, &trees, &["slack".to_owned()]).unwrap();
        (job, number)
    }

    async fn restart(&self) {
        reconcile(&self.layout, &self.database, &self.hub)
            .await
            .unwrap();
        self.queue.recover().await.unwrap();
    }

    fn context(&self) -> Context {
        let config = Shared::new(Config::default());
        let http = Http::new(&config.current().net).unwrap();
        let registries = Registries::new(
            self.database.clone(),
            http.clone(),
            config.clone(),
            self.hub.clone(),
            crate::registry::Here {
                host: crate::host::Host::new("a host"),
                scratch: std::env::temp_dir(),
                known: std::env::temp_dir(),
            },
        );
        Context {
            cache: Cache::new(self.layout.archive_cache(), config.clone()),
            config,
            repositories: crate::source::git::Cache::new(self.layout.git_cache()),
            layout: Arc::new(self.layout.clone()),
            database: self.database.clone(),
            hub: self.hub.clone(),
            http,
            registries,
            prober: crate::install::Prober::default(),
            leases: Leases::default(),
            activation: Arc::default(),
        }
    }

    async fn active_version(&self) -> Option<String> {
        let active = self.database.read(pack::active).await.unwrap();
        active.get("slack").map(|pack| pack.version.clone())
    }
}

#[tokio::test]
async fn killed_before_the_rename_the_job_runs_again_and_nothing_is_active() {
    let host = host();
    let (job, _) = host.up_to_the_switch("1.0.0").await;
    drop(job);
    host.restart().await;

    assert_eq!(host.active_version().await, None);
    assert_eq!(host.queue.get(1).await.unwrap().status, JobStatus::Queued);
    let again = host.queue.claim().await.unwrap();
    again.finish(Outcome::Unchanged).await.unwrap();
    let (_, number) = host.up_to_the_switch("1.0.1").await;
    assert_eq!(
        number, 1,
        "the number of the generation that never was is free again"
    );
}

#[tokio::test]
async fn killed_after_the_rename_the_job_has_succeeded_with_its_events() {
    let host = host();
    let (job, number) = host.up_to_the_switch("1.0.0").await;
    generation::switch(&host.layout, number).unwrap();
    drop(job);
    let mut events = host.hub.subscribe();
    host.restart().await;

    assert_eq!(host.active_version().await.as_deref(), Some("1.0.0"));
    let view = host.queue.get(1).await.unwrap();
    assert_eq!((view.status, view.changed), (JobStatus::Succeeded, true));
    assert_eq!(view.generation, Some(number));
    assert!(
        view.steps
            .iter()
            .all(|step| step.status == StepStatus::Completed)
    );
    let mut told = Vec::new();
    while let Ok(frame) = events.try_recv() {
        told.push(frame.kind);
    }
    assert_eq!(
        told,
        [
            EventKind::PackInstalled,
            EventKind::GenerationActivated,
            EventKind::StepCompleted,
            EventKind::JobSucceeded
        ]
    );
    host.restart().await;
    assert!(
        events.try_recv().is_err(),
        "following twice tells nothing twice"
    );
}

#[tokio::test]
async fn what_an_earlier_job_brought_since_the_plan_was_made_is_not_lacking() {
    let host = host();
    let planned_on = Active::new();
    let (earlier, number) = host.up_to_the_switch("1.0.0").await;
    generation::switch(&host.layout, number).unwrap();
    host.restart().await;
    drop(earlier);

    let (job, _) = host.up_to_the_switch("2.0.0").await;
    let context = host.context();
    let lacks = async |name: &str| {
        let lacking = vec![name.to_owned()];
        crate::install::earlier_first(&context, &job, lacking, &planned_on).await
    };
    assert!(
        matches!(lacks("slack").await, Err(StepError::Outdated)),
        "the earlier job ended in between: it is planned again"
    );
    lacks("teams").await.expect("nobody brings it any more");
}

#[tokio::test]
async fn a_missing_link_is_restored_and_one_set_back_by_hand_is_followed() {
    let host = host();
    for version in ["1.0.0", "2.0.0"] {
        let (job, number) = host.up_to_the_switch(version).await;
        generation::switch(&host.layout, number).unwrap();
        host.restart().await;
        drop(job);
    }
    fs_err::remove_file(host.layout.current()).unwrap();
    host.restart().await;
    assert_eq!(generation::current(&host.layout).unwrap(), Some(2));

    generation::switch(&host.layout, 1).unwrap();
    host.restart().await;
    assert_eq!(host.active_version().await.as_deref(), Some("1.0.0"));
}

#[tokio::test]
async fn a_database_that_does_not_belong_to_the_state_folder_is_refused() {
    let host = host();
    fs_err::create_dir(host.layout.generations().join("7")).unwrap();
    generation::switch(&host.layout, 7).unwrap();
    let error = reconcile(&host.layout, &host.database, &host.hub)
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::ForeignGeneration { number: 7 }),
        "{error}"
    );
}
