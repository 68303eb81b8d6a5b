//! The releases of an entry, collected from its top level and from `versions`.

use semver::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::lenient::{Text, Texts};
use super::super::reader::without_place;
use super::super::{Release, Source, source};
use super::{EntryError, needs, scalar};
use crate::error::chain;
use crate::version;

/// The most problems that are kept of one entry.
const MAX_PROBLEMS: usize = 16;

/// A release as it is written, on the top level of an entry or under `versions`.
#[derive(Deserialize)]
pub(super) struct WrittenRelease<'a> {
    #[serde(borrow, default)]
    pub(super) version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) install_sources: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) dependencies: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) runtime_deps: Texts,
    #[serde(default)]
    pub(super) published_at: Text,
    #[serde(borrow, default)]
    pub(super) yanked: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) phased: Option<&'a RawValue>,
}

/// Problems up to a bound.
pub(super) struct Problems(pub(super) Vec<String>);

impl Problems {
    pub(super) fn add(&mut self, problem: String) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(problem);
        }
    }
}

/// The releases of an entry as they are collected.
pub(super) struct Collected {
    /// StackStorm's one repository, which has a tag for each version.
    pub(super) repo_url: Option<String>,
    pub(super) releases: Vec<Release>,
    pub(super) problems: Problems,
}

impl Collected {
    /// Adds `versions`: objects (packd) or texts (StackStorm).
    pub(super) fn add_others(&mut self, versions: &RawValue) {
        let items: Vec<&RawValue> = match serde_json::from_str(versions.get()) {
            Ok(items) => items,
            Err(_) if versions.get() == "null" => return,
            Err(_) => {
                self.problems
                    .add("`versions` is no list, and is left out".to_owned());
                return;
            }
        };
        for (number, item) in items.into_iter().enumerate() {
            let added = if item.get().starts_with('{') {
                match serde_json::from_str::<WrittenRelease<'_>>(item.get()) {
                    Ok(written) => self.add(written, None),
                    Err(error) => Err(EntryError::Malformed {
                        why: without_place(&error),
                    }),
                }
            } else {
                self.add_tag(item)
            };
            if let Err(error) = added {
                self.problems
                    .add(format!("versions[{number}] is left out: {}", chain(&error)));
            }
        }
    }

    /// Adds one release.
    pub(super) fn add(
        &mut self,
        written: WrittenRelease<'_>,
        engine: Option<String>,
    ) -> Result<(), EntryError> {
        let text = written
            .version
            .and_then(scalar)
            .ok_or(EntryError::NoVersion)?;
        let (version, _) = version::parse(&text).map_err(EntryError::Version)?;
        let mut sources = Vec::new();
        if let Some(written) = written.install_sources {
            let mut problem =
                |text: String| self.problems.add(format!("version {version}: {text}"));
            source::read(written, &mut sources, &mut problem);
        } else {
            sources.extend(self.tag(&text));
        }
        let mut release = Release {
            version,
            sources,
            dependencies: Vec::new(),
            needs_known: false,
            runtime_deps: written.runtime_deps.0,
            engine,
            published_at: written.published_at.0,
            yanked: written
                .yanked
                .is_some_and(|yanked| !matches!(yanked.get(), "false" | "null" | "\"\"")),
            phased: None,
        };
        release.phased = self.share(&release.version, written.phased);
        if let Some(written) = written.dependencies {
            let needs = needs(written)?;
            release.dependencies = needs.packs;
            release.needs_known = written.get() != "null";
            release.engine = needs.engine.or(release.engine);
        }
        self.push(release);
        Ok(())
    }

    /// Adds a version that is a text: a tag of the one repository.
    fn add_tag(&mut self, item: &RawValue) -> Result<(), EntryError> {
        let text = scalar(item).ok_or(EntryError::NoVersion)?;
        let (version, _) = version::parse(&text).map_err(EntryError::Version)?;
        let Some(source) = self.tag(&text) else {
            return Err(EntryError::Malformed {
                why: "it has neither sources nor a `repo_url`".to_owned(),
            });
        };
        self.push(Release {
            version,
            sources: vec![source],
            dependencies: Vec::new(),
            needs_known: false,
            runtime_deps: Vec::new(),
            engine: None,
            published_at: None,
            yanked: false,
            phased: None,
        });
        Ok(())
    }

    /// The percentage of hosts that a version is meant for. What is no such number is meant to be less than all.
    fn share(&mut self, version: &Version, written: Option<&RawValue>) -> Option<u8> {
        let text = written?.get();
        if text == "null" {
            return None;
        }
        let share = text.parse::<u8>().ok().filter(|share| *share <= 100);
        if share.is_none() {
            self.problems.add(format!(
                "version {version}: `phased` is no whole number from 0 to 100, and counts as 0"
            ));
        }
        share.or(Some(0))
    }

    /// The tag of a version in the one repository: `v`, and the version as it is written.
    fn tag(&self, text: &str) -> Option<Source> {
        let url = self
            .repo_url
            .as_ref()
            .filter(|url| source::is_plausible(url))?;
        let tag = format!("v{}", text.trim().trim_start_matches(['v', 'V']));
        Some(Source::Git {
            url: url.clone(),
            git_ref: Some(tag),
            checksum: None,
            commit: None,
            tree: None,
        })
    }

    /// Keeps the first of several releases of one version.
    fn push(&mut self, release: Release) {
        match self
            .releases
            .iter()
            .find(|known| known.version == release.version)
        {
            None => self.releases.push(release),
            Some(known)
                if release
                    .sources
                    .iter()
                    .all(|source| known.sources.contains(source)) => {}
            Some(_) => {
                let problem = format!(
                    "version {} is there twice with different sources; the first counts",
                    release.version
                );
                self.problems.add(problem);
            }
        }
    }
}
