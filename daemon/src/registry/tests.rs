#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use packd_format::{PackRef, Requirement};
use packd_wire::{ErrorKind, EventKind, RegistryState};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config::{Config, Net, RefPatterns, Trust};
use crate::event::Frame;
use crate::net::loopback::Loopback;

mod lookup;
mod refresh;
mod search;

const DIGEST: &str = "sha256:315f5bdb76d078c43b8ac0064e4a0164612b1fce77c869345bfc94c75894edd3";

/// Registries with a database of their own, and the events they cause.
struct Scene {
    registries: Registries,
    shared: Shared,
    events: broadcast::Receiver<Arc<Frame>>,
    folder: tempfile::TempDir,
    threads: Option<store::Threads>,
}

impl Scene {
    fn new(registries: Vec<Registry>) -> Self {
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
        let registries = Registries::new(database, http, shared.clone(), hub);
        Self {
            registries,
            shared,
            events,
            folder,
            threads: Some(threads),
        }
    }

    /// Changes the configuration in force.
    fn reconfigure(&self, change: impl FnOnce(&mut Vec<Registry>)) {
        let mut config = Config::clone(&self.shared.current());
        change(&mut config.registries);
        drop(self.shared.replace(config));
    }

    async fn find(&self, what: &str) -> Result<Offer, RegistryError> {
        self.find_with(what, |_| {}).await
    }

    async fn find_with(
        &self,
        what: &str,
        change: impl FnOnce(&mut Query<'_>),
    ) -> Result<Offer, RegistryError> {
        let (name, requirement) = what.split_once('@').unwrap_or((what, "*"));
        let (pack_ref, requirement): (PackRef, Requirement) =
            (name.parse().unwrap(), requirement.parse().unwrap());
        let mut query = Query {
            pack_ref: &pack_ref,
            requirement: &requirement,
            pre: false,
            only: None,
        };
        change(&mut query);
        self.registries.lookup(&query).await
    }

    /// The version that answers, and the registry it comes from.
    async fn answer(&self, what: &str) -> String {
        let offer = self.find(what).await.unwrap();
        format!("{} {}", offer.registry, offer.version)
    }

    async fn view(&self, name: &str) -> RegistryView {
        let views = self.registries.views().await.unwrap();
        views.into_iter().find(|view| view.name == name).unwrap()
    }

    /// The kinds of events so far.
    fn told(&mut self) -> Vec<EventKind> {
        std::iter::from_fn(|| self.events.try_recv().ok())
            .map(|frame| frame.kind)
            .collect()
    }

    /// Gives the database back, so that its threads end before its folder does.
    fn end(mut self) {
        drop(self.registries);
        self.threads.take().unwrap().join();
        self.folder.close().unwrap();
    }
}

/// An index with one archive for each `name@version`, the versions of one name in one entry.
fn index(packs: &[&str]) -> String {
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
fn filed(folder: &Path, name: &str, content: &str) -> Registry {
    let path = folder.join(format!("{name}.json"));
    fs_err::write(&path, content).unwrap();
    Registry::new(name, url::Url::from_file_path(path).unwrap())
}

/// A registry at a server of a test.
fn at(server: &Loopback, name: &str) -> Registry {
    let url = server.url("/index.json").parse().unwrap();
    Registry {
        allow_http: true,
        ..Registry::new(name, url)
    }
}

/// A registry that nobody answers for.
fn nowhere(name: &str) -> Registry {
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

fn rank(mut registry: Registry, priority: u32) -> Registry {
    registry.priority = priority;
    registry
}
