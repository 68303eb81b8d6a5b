//! A registry's index, in the format that public registries use.

use std::collections::BTreeMap;

use semver::Version;
use serde_json::{Value, json};

use super::packs::PackTree;

/// An index under construction.
#[derive(Debug, Clone, Default)]
pub struct Index {
    packs: BTreeMap<String, BTreeMap<Version, Offer>>,
}

#[derive(Debug, Clone)]
struct Offer {
    label: String,
    needs: Vec<String>,
    source: Value,
    phased: Option<u8>,
}

impl Index {
    /// No packs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more version of a pack, from an archive with a checksum.
    #[must_use]
    pub fn offer(mut self, pack: &PackTree, url: &str, checksum: &str) -> Self {
        self.add(pack, url, checksum);
        self
    }

    /// The same in place.
    pub fn add(&mut self, pack: &PackTree, url: &str, checksum: &str) {
        self.add_source(
            pack,
            json!({"type": "archive", "url": url, "checksum": checksum}),
        );
    }

    /// One more version of a pack, from this source.
    pub fn add_source(&mut self, pack: &PackTree, source: Value) {
        let offer = Offer {
            label: format!("The {} pack", pack.name()),
            needs: pack.dependencies().to_vec(),
            source,
            phased: None,
        };
        let versions = self.packs.entry(pack.name().to_owned()).or_default();
        versions.insert(pack.version().parse().unwrap(), offer);
    }

    /// Says for how many of a hundred hosts a version is meant so far.
    pub fn phase(&mut self, pack: &PackTree, share: u8) {
        let versions = self.packs.get_mut(pack.name()).unwrap();
        let offer = versions.get_mut(&pack.version().parse().unwrap()).unwrap();
        offer.phased = Some(share);
    }

    /// The file's text. The newest version is the entry itself, as readers without
    /// knowledge of `versions` expect.
    #[must_use]
    pub fn text(&self) -> String {
        let packs: Vec<Value> = self
            .packs
            .iter()
            .map(|(name, versions)| entry(name, versions))
            .collect();
        let index = json!({
            "registry_name": "Demo",
            "registry_url": "https://packs.example",
            "version": "1.0",
            "last_updated": "2026-01-01T00:00:00Z",
            "packs": packs,
        });
        serde_json::to_string_pretty(&index).unwrap()
    }
}

fn entry(name: &str, versions: &BTreeMap<Version, Offer>) -> Value {
    let (newest, offer) = versions.last_key_value().unwrap();
    let listed: Vec<Value> = versions
        .iter()
        .rev()
        .map(|(version, offer)| {
            phased(
                json!({
                    "version": version.to_string(),
                    "install_sources": [offer.source],
                    "dependencies": offer.needs,
                    "runtime_deps": [],
                }),
                offer,
            )
        })
        .collect();
    let entry = json!({
        "ref": name,
        "label": offer.label,
        "description": format!("What {name} does"),
        "version": newest.to_string(),
        "author": "Tests",
        "license": "Apache-2.0",
        "keywords": ["demo"],
        "runtime_deps": [],
        "dependencies": {"packs": offer.needs},
        "install_sources": [offer.source],
        "contents": {"actions": [], "sensors": [], "triggers": [], "rules": [], "workflows": []},
        "versions": listed,
    });
    phased(entry, offer)
}

fn phased(mut release: Value, offer: &Offer) -> Value {
    if let Some(share) = offer.phased {
        release["phased"] = share.into();
    }
    release
}
