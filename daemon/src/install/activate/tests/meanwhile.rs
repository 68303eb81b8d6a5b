//! What other jobs did between the plan and its activation.

use super::*;
use crate::resolve::Target;
use crate::resolve::{Bytes, Wanted};
use crate::source::Place;
use crate::source::archive::Location;

/// A pack as the steps before leave it, its tree in the store.
fn pack(host: &Host, name: &str, version: &str, needs: &[&str]) -> Inspected {
    let needs = needs.join(", ");
    let text = format!(
        "ref: {name}\nlabel: {name}\nversion: {version}\nauthor: us\ndependencies: [{needs}]\n"
    );
    let dir = format!("{name}/{version}-abc");
    fs_err::create_dir_all(host.layout.store().join(&dir)).unwrap();
    fs_err::write(tree::manifest_path(&host.layout, &dir), "").unwrap();
    let shown = format!("{name}.tar.gz");
    let bytes = Bytes {
        place: Place::Archive(Location::upload(
            host.layout.uploads().join(&shown),
            shown.clone(),
        )),
        shown,
        uploaded: true,
        expected: None,
        tree: None,
        verified_by: Verification::None,
        size: None,
    };
    Inspected {
        wanted: Wanted {
            pack_ref: None,
            version: None,
            sources: vec![bytes.clone()],
            registry: None,
            registry_id: None,
            path: None,
            needs: None,
            reason: "requested".into(),
        },
        manifest: packd_format::Manifest::parse(text.as_bytes()).unwrap(),
        contents: packd_wire::ContentsView::default(),
        lease: Leases::default().take(&dir),
        dir,
        made: true,
        put_away: None,
        tree: String::new(),
        archive: None,
        bytes,
        registry: None,
        path: None,
    }
}

impl Host {
    async fn active(&self) -> Active {
        self.database.read(pack::active).await.unwrap()
    }

    /// Activates a plan of the past, and gives how that ended.
    async fn activate(
        &self,
        plan: &Plan,
        news: Vec<Inspected>,
        planned_on: &Active,
    ) -> Result<Outcome, StepError> {
        let job = self.claimed().await;
        let coming: Vec<_> = news.iter().map(|pack| pack.manifest.clone()).collect();
        let result = run(&self.context(), &job, plan, news, &coming, planned_on).await;
        let outcome = match &result {
            Ok(outcome) => outcome.clone(),
            Err(_) => Outcome::Unchanged,
        };
        job.finish(outcome).await.unwrap();
        result
    }

    /// What another job does meanwhile, or did before.
    async fn installs(&self, news: Vec<Inspected>) {
        let active = self.active().await;
        let done = self.activate(&Plan::default(), news, &active).await;
        assert!(matches!(done, Ok(Outcome::Activated)), "{done:?}");
    }

    /// The active packs, as `ref version`.
    async fn told(&self) -> Vec<String> {
        let active = self.active().await;
        let told = active
            .values()
            .map(|pack| format!("{} {}", pack.pack_ref, pack.version));
        told.collect()
    }
}

fn removal(active: &Active, name: &str) -> Plan {
    Plan {
        removed: vec![active[name].clone()],
        ..Plan::default()
    }
}

#[tokio::test]
async fn what_somebody_came_to_need_meanwhile_is_not_removed() {
    let host = host();
    host.installs(vec![pack(&host, "slack", "2.1.0", &[])])
        .await;
    host.installs(vec![pack(&host, "pager", "1.0.0", &[])])
        .await;
    let planned_on = host.active().await;
    host.installs(vec![pack(&host, "pager", "2.0.0", &["slack@^2"])])
        .await;

    let plan = removal(&planned_on, "slack");
    let ended = host.activate(&plan, Vec::new(), &planned_on).await;

    assert!(matches!(ended, Err(StepError::Outdated)), "{ended:?}");
    assert_eq!(host.told().await, ["pager 2.0.0", "slack 2.1.0"]);
}

#[tokio::test]
async fn a_version_that_somebody_came_to_need_meanwhile_is_not_replaced() {
    let host = host();
    host.installs(vec![pack(&host, "slack", "2.1.0", &[])])
        .await;
    let planned_on = host.active().await;
    host.installs(vec![pack(&host, "pager", "1.0.0", &["slack@^2"])])
        .await;

    let news = vec![pack(&host, "slack", "3.0.0", &[])];
    let ended = host.activate(&Plan::default(), news, &planned_on).await;

    assert!(matches!(ended, Err(StepError::Outdated)), "{ended:?}");
    assert_eq!(host.told().await, ["pager 1.0.0", "slack 2.1.0"]);
}

#[tokio::test]
async fn what_a_new_pack_needs_is_looked_for_again() {
    let host = host();
    host.installs(vec![pack(&host, "slack", "2.1.0", &[])])
        .await;
    let planned_on = host.active().await;
    let pager = || vec![pack(&host, "pager", "1.0.0", &["slack@^2"])];

    host.installs(vec![pack(&host, "slack", "3.0.0", &[])])
        .await;
    let ended = host.activate(&Plan::default(), pager(), &planned_on).await;
    assert!(matches!(ended, Err(StepError::Outdated)), "{ended:?}");

    // another version that does as well is no reason to plan again
    host.installs(vec![pack(&host, "slack", "2.2.0", &[])])
        .await;
    let ended = host.activate(&Plan::default(), pager(), &planned_on).await;
    assert!(matches!(ended, Ok(Outcome::Activated)), "{ended:?}");
}

#[tokio::test]
async fn what_others_do_with_other_packs_changes_nothing() {
    let host = host();
    host.installs(vec![pack(&host, "slack", "2.1.0", &[])])
        .await;
    let planned_on = host.active().await;
    host.installs(vec![pack(&host, "teams", "1.0.0", &[])])
        .await;

    let plan = removal(&planned_on, "slack");
    let ended = host.activate(&plan, Vec::new(), &planned_on).await;

    assert!(matches!(ended, Ok(Outcome::Activated)), "{ended:?}");
    assert_eq!(host.told().await, ["teams 1.0.0"]);
}

#[tokio::test]
async fn a_rollback_of_everything_is_planned_again_when_anything_came_meanwhile() {
    let host = host();
    host.installs(vec![pack(&host, "slack", "1.0.0", &[])])
        .await;
    let before = host.active().await;
    host.installs(vec![pack(&host, "slack", "2.0.0", &[])])
        .await;
    let planned_on = host.active().await;
    host.installs(vec![pack(&host, "teams", "1.0.0", &[])])
        .await;

    let back = |whole| Plan {
        again: vec![before["slack"].clone()],
        target: Some(Target {
            generation: 1,
            whole,
        }),
        ..Plan::default()
    };
    let ended = host.activate(&back(true), Vec::new(), &planned_on).await;
    assert!(matches!(ended, Err(StepError::Outdated)), "{ended:?}");
    assert_eq!(host.told().await, ["slack 2.0.0", "teams 1.0.0"]);

    // one pack by itself goes back whatever the others do
    let ended = host.activate(&back(false), Vec::new(), &planned_on).await;
    assert!(matches!(ended, Ok(Outcome::Activated)), "{ended:?}");
    assert_eq!(host.told().await, ["slack 1.0.0", "teams 1.0.0"]);
    let install = host.active().await["slack"].install;
    assert_eq!(install, before["slack"].install, "as it was installed then");
}

#[tokio::test]
async fn what_was_collected_meanwhile_does_not_come_again() {
    let host = host();
    host.installs(vec![pack(&host, "slack", "2.0.0", &[])])
        .await;
    let planned_on = host.active().await;
    let mut gone = planned_on["slack"].clone();
    gone.install += 1;
    let plan = Plan {
        again: vec![gone],
        target: Some(Target {
            generation: 1,
            whole: false,
        }),
        ..Plan::default()
    };
    let ended = host.activate(&plan, Vec::new(), &planned_on).await;
    assert!(matches!(ended, Err(StepError::Outdated)), "{ended:?}");
    assert_eq!(host.told().await, ["slack 2.0.0"]);
}
