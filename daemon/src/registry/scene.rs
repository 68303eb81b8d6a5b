//! Registries with a database of their own, for tests.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;

use packd_format::PackRef;
use packd_wire::EventKind;
use tokio::sync::broadcast;

use super::*;
use crate::config::{Config, Net};
use crate::event::Frame;
use crate::net::loopback::Loopback;

pub(crate) const DIGEST: &str =
    "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3";

/// Registries with a database of their own, and the events they cause.
pub(crate) struct Scene {
    pub(crate) registries: Registries,
    pub(crate) shared: Shared,
    pub(crate) events: broadcast::Receiver<Arc<Frame>>,
    pub(crate) folder: tempfile::TempDir,
    threads: Option<store::Threads>,
}

impl Scene {
    pub(crate) fn new(registries: Vec<Registry>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (database, threads) = Database::open(&folder.path().join("packd.db")).unwrap();
        let mut config = Config {
            registries,
            ..Config::default()
        };
        config.registries.sort_by_key(|registry| registry.priority);
        let shared = Shared::new(config);
        let hub = Hub::default();
        let events = hub.subscribe();
        let http = Http::new(&Net::default()).unwrap();
        let registries = Registries::new(
            database,
            http,
            shared.clone(),
            hub,
            Here {
                host: Host::new("a host"),
                scratch: folder.path().to_owned(),
                known: folder.path().join("folders"),
            },
        );
        Self {
            registries,
            shared,
            events,
            folder,
            threads: Some(threads),
        }
    }

    /// Changes the configuration in force.
    pub(crate) fn reconfigure(&self, change: impl FnOnce(&mut Vec<Registry>)) {
        let mut config = Config::clone(&self.shared.current());
        change(&mut config.registries);
        drop(self.shared.replace(config));
    }

    /// The offer of one version, or of the newest one that is neither withdrawn nor a pre-release.
    pub(crate) async fn find(&self, what: &str) -> Result<Offer, Arc<RegistryError>> {
        self.find_in(what, None).await
    }

    /// The same of one registry.
    pub(crate) async fn find_in(
        &self,
        what: &str,
        only: Option<&str>,
    ) -> Result<Offer, Arc<RegistryError>> {
        let (name, version) = what.split_once('@').unwrap_or((what, ""));
        let pack_ref: PackRef = name.parse().unwrap();
        let sought = Sought {
            pack_ref: pack_ref.clone(),
            only: only.map(ToOwned::to_owned),
        };
        let mut look = Look::new(&self.registries);
        match look.find(&[sought]).await.remove(0)? {
            Known::Offered(answer) => {
                let newest = || answer.entry.newest().version.clone();
                let version = version.parse().unwrap_or_else(|_| newest());
                let mut offer = answer.offer(&version)?;
                offer.warnings.extend(look.warnings);
                Ok(offer)
            }
            Known::Nowhere(registries) => match self.registries.unanswered(&pack_ref, only) {
                Some(error) => Err(Arc::new(error)),
                None => Err(Arc::new(RegistryError::NotFound {
                    pack: name.to_owned(),
                    registries,
                    nearest: look.nearest(&pack_ref).await?,
                    left_out: Vec::new(),
                })),
            },
        }
    }

    /// The version that answers, and the registry it comes from.
    pub(crate) async fn answer(&self, what: &str) -> String {
        let offer = self.find(what).await.unwrap();
        format!("{} {}", offer.registry, offer.version)
    }

    pub(crate) async fn view(&self, name: &str) -> RegistryView {
        let views = self.registries.views().await.unwrap();
        views.into_iter().find(|view| view.name == name).unwrap()
    }

    /// The kinds of events so far.
    pub(crate) fn told(&mut self) -> Vec<EventKind> {
        std::iter::from_fn(|| self.events.try_recv().ok())
            .map(|frame| frame.kind)
            .collect()
    }

    /// Gives the database back, so that its threads end before its folder does.
    pub(crate) fn end(mut self) {
        drop(self.registries);
        self.threads.take().unwrap().join();
        self.folder.close().unwrap();
    }
}

/// An index with one archive for each `name@version`, the versions of one name in one entry.
pub(crate) fn index(packs: &[&str]) -> String {
    let mut entries = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for pack in packs {
        let (name, version) = pack.split_once('@').unwrap();
        entries.entry(name).or_default().push(version);
    }
    let release = |name: &str, version: &str| {
        format!(
            r#""version": "{version}", "install_sources":
               [{{"type": "archive", "url": "{name}-{version}.tar.gz", "checksum": "{DIGEST}", "size": 7}}]"#
        )
    };
    let entries: Vec<String> = entries
        .iter()
        .map(|(name, versions)| {
            let others: Vec<_> = versions[1..]
                .iter()
                .map(|version| format!("{{{}}}", release(name, version)))
                .collect();
            format!(
                r#"{{"ref": "{name}", "label": "The {name}", "description": "What {name} does",
                   "keywords": ["chat"], {}, "versions": [{}]}}"#,
                release(name, versions[0]),
                others.join(",")
            )
        })
        .collect();
    format!(
        r#"{{"registry_name": "x", "packs": [{}]}}"#,
        entries.join(",")
    )
}

/// A registry whose index is a file with this content.
pub(crate) fn filed(folder: &Path, name: &str, content: &str) -> Registry {
    let path = folder.join(format!("{name}.json"));
    fs_err::write(&path, content).unwrap();
    Registry::new(name, url::Url::from_file_path(path).unwrap())
}

/// A registry at a server of a test.
pub(crate) fn at(server: &Loopback, name: &str) -> Registry {
    let url = server.url("/index.json").parse().unwrap();
    Registry {
        allow_http: true,
        ..Registry::new(name, url)
    }
}

/// A registry that nobody answers for.
pub(crate) fn nowhere(name: &str) -> Registry {
    // the port was free a moment ago, and a refused connection is an answer at once
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/index.json")
        .parse()
        .unwrap();
    Registry {
        allow_http: true,
        ..Registry::new(name, url)
    }
}

pub(crate) fn rank(mut registry: Registry, priority: u32) -> Registry {
    registry.priority = priority;
    registry
}
