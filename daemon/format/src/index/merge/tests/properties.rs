//! What holds whatever is merged: nothing is lost, and doing it again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::index::Entry;

/// An index of a few packs in few versions, some with others below.
fn any_index() -> impl Strategy<Value = String> {
    let version = || {
        prop::sample::select(vec![
            "1.0.0",
            "1.2.0",
            "2.0.0-rc.1",
            "2.0.0",
            "2.0.0+b",
            "1.10.0",
        ])
    };
    let pack = (
        prop::sample::select(vec!["a", "b", "c"]),
        version(),
        prop::collection::btree_set(version(), 0..4),
        any::<bool>(),
    );
    let pack = pack.prop_map(|(name, top, below, listed)| {
        let sources = |version: &str| entry(name, version, 'a')["install_sources"].clone();
        let mut entry = entry(name, top, 'a');
        let below: BTreeSet<_> = below
            .into_iter()
            .filter(|version| listed || *version != top)
            .collect();
        if !below.is_empty() {
            entry["versions"] = below
                .iter()
                .map(|version| json!({"version": version, "install_sources": sources(version)}))
                .collect();
        }
        entry
    });
    (prop::collection::vec(pack, 0..6), any::<bool>()).prop_map(|(packs, pretty)| {
        let text = index(&packs);
        if pretty {
            text
        } else {
            serde_json::from_str::<Value>(&text).unwrap().to_string()
        }
    })
}

/// Every version of every pack, and which is on top.
fn offered(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let tops: BTreeMap<_, _> = shape(text)
        .into_iter()
        .map(|(name, top, _)| (name, top))
        .collect();
    let entries = parsed(text).entries.into_iter();
    entries
        .map(|entry| {
            let name = entry.pack_ref.to_string();
            let versions = entry.releases.iter().map(|release| format!("{release:?}"));
            let top = tops[&name].clone();
            (name, (top, versions.collect()))
        })
        .collect()
}

proptest! {
    #[test]
    fn merging_is_idempotent(index in any_index()) {
        let once = merged(&[&index], Options::default()).unwrap();
        prop_assert_eq!(&merged(&[&once], Options::default()).unwrap(), &once);
        prop_assert_eq!(&merged(&[&once, &once], Options::default()).unwrap(), &once);
        prop_assert_eq!(&merged(&[&index, &index], Options::default()).unwrap(), &once);
    }

    #[test]
    fn order_matters_for_precedence_only(a in any_index(), b in any_index(), c in any_index()) {
        let forth = merged(&[&a, &b, &c], Options::default()).unwrap();
        let back = merged(&[&c, &b, &a], Options::default()).unwrap();
        prop_assert_eq!(offered(&forth), offered(&back));
        let pair = merged(&[&a, &b], Options::default()).unwrap();
        let stepwise = merged(&[&pair, &c], Options::default()).unwrap();
        prop_assert_eq!(offered(&forth), offered(&stepwise), "in one step or two");
    }

    #[test]
    fn nothing_that_could_be_used_is_lost(a in any_index(), b in any_index()) {
        let text = merged(&[&a, &b], Options::default()).unwrap();
        let versions = |text: &str| -> BTreeSet<_> {
            let value: Value = serde_json::from_str(text).unwrap();
            let packs = value["packs"].as_array().unwrap().clone();
            packs.iter().flat_map(|pack| {
                let entry = Entry::parse(&pack.to_string(), None).unwrap();
                let releases = entry.releases.into_iter();
                releases.map(move |release| (entry.pack_ref.clone(), release.version)).collect::<Vec<_>>()
            }).collect()
        };
        let mut before = versions(&a);
        before.extend(versions(&b));
        prop_assert_eq!(versions(&text), before);
    }
}
