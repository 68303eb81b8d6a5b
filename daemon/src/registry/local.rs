//! Registries that are files or folders of this host: they are watched, and refreshed when they change.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::config::{Registry, Trust};
use crate::watch::{Subject, Watch, What};

use super::Registries;

/// The folder beside a signed index that has everything that was signed.
const SIGNED: &str = "packd";

impl Registries {
    /// Refreshes those registries when their files change, and once at the beginning: they may have changed while nobody
    /// watched.
    pub(super) async fn refresh_when_changed(&self) {
        let mut config = self.inner.config.subscribe();
        let mut names: Vec<String> = Vec::new();
        let mut watch: Option<Watch> = None;
        loop {
            config.mark_unchanged();
            let (wanted, subjects) = self.local();
            let known = watch.as_ref().map_or(&[][..], Watch::subjects);
            if (&wanted, &subjects[..]) != (&names, known) {
                let before = names.iter().zip(known);
                let is_known =
                    |one: &(&String, &Subject)| before.clone().any(|other| other == *one);
                let each = wanted.iter().zip(&subjects);
                let new: BTreeSet<String> = each
                    .filter(|one| !is_known(one))
                    .map(|(name, _)| name.clone())
                    .collect();
                watch = None;
                if !subjects.is_empty() {
                    watch = Some(Watch::new(subjects).await);
                }
                names = wanted;
                self.refresh_these(&new).await;
            }
            let changed = async {
                match &mut watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // the sender lives as long as `self`
                _ = config.changed() => {}
                () = self.inner.distrust.notified() => {
                    let these = self.distrusted().clone();
                    self.refresh_these(&these).await;
                }
                changed = changed => {
                    let changed = changed.iter().filter_map(|number| names.get(*number).cloned());
                    let changed = changed.collect();
                    self.refresh_these(&changed).await;
                }
            }
        }
    }

    /// What is to be watched, and the registry that each of it belongs to.
    fn local(&self) -> (Vec<String>, Vec<Subject>) {
        let config = self.inner.config.current();
        let enabled = config.registries.iter().filter(|one| one.enabled);
        let local = enabled.flat_map(|registry| {
            let subjects = subjects(registry).into_iter();
            subjects.map(|subject| (registry.name.clone(), subject))
        });
        local.unzip()
    }

    async fn refresh_these(&self, names: &BTreeSet<String>) {
        let config = self.inner.config.current();
        let these = names.iter().filter_map(|name| config.registry(name));
        let all = these
            .filter(|registry| registry.enabled)
            .map(|registry| self.refresh_one(registry));
        for refreshed in futures_util::future::join_all(all).await {
            // what is wrong with a registry is noted with it, and said in the log
            if let Err(error) = refreshed {
                tracing::error!(error = %crate::logging::chain(&error), "cannot refresh a registry");
            }
        }
    }
}

/// The file or folder of this host that a registry is, if it is one.
pub(super) fn path_of(registry: &Registry) -> Option<PathBuf> {
    match registry.url.scheme() {
        "file" | "dir" => registry.url.to_file_path().ok(),
        _ => None,
    }
}

fn subjects(registry: &Registry) -> Vec<Subject> {
    let Some(path) = path_of(registry) else {
        return Vec::new();
    };
    if registry.url.scheme() == "dir" {
        let what = What::Tree;
        return vec![Subject { path, what }];
    }
    let signed = path.parent().map(|folder| Subject {
        path: folder.join(SIGNED),
        what: What::Tree,
    });
    let mut subjects = vec![Subject {
        path,
        what: What::File,
    }];
    subjects.extend(signed.filter(|_| registry.trust == Trust::Signed));
    subjects
}
