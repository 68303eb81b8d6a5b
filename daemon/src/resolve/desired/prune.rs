//! Which packs go when only those that are named shall be there, and what they need.

use std::collections::{BTreeMap, BTreeSet};

use packd_format::Dependency;

use crate::resolve::Active;
use crate::resolve::hold;
use crate::store::hold::Holds;

/// The packs that each one needs, by name.
pub(super) type Needs = BTreeMap<String, BTreeSet<String>>;

/// What the active packs need.
pub(super) fn needs(active: &Active) -> Needs {
    let of = |texts: &[String]| {
        let needs = texts
            .iter()
            .filter_map(|text| text.parse::<Dependency>().ok());
        needs.map(|need| need.pack_ref.to_string()).collect()
    };
    active
        .iter()
        .map(|(name, pack)| (name.clone(), of(&pack.record.dependencies)))
        .collect()
}

/// The packs that nobody named and that stay all the same, each with the reason: those that are held, and those of the
/// system, unless by force.
pub(super) fn staying(
    active: &Active,
    holds: &Holds,
    named: &BTreeSet<String>,
    force: bool,
) -> BTreeMap<String, String> {
    let others = active.iter().filter(|(name, _)| !named.contains(*name));
    others
        .filter_map(|(name, pack)| {
            let why = match holds.get(name) {
                Some(hold) => format!("it is held{}", hold::shown(hold)),
                None if pack.record.system && !force => "it is a system pack".to_owned(),
                None => return None,
            };
            Some((name.clone(), why))
        })
        .collect()
}

/// The packs that none of the roots is or needs, directly or not.
pub(super) fn unreached<'a>(
    needs: &'a Needs,
    roots: impl Iterator<Item = &'a str>,
) -> BTreeSet<String> {
    let mut look_at: Vec<&str> = roots.collect();
    let mut reached: BTreeSet<&str> = look_at.iter().copied().collect();
    while let Some(name) = look_at.pop() {
        for need in needs.get(name).into_iter().flatten() {
            if reached.insert(need) {
                look_at.push(need);
            }
        }
    }
    let all = needs.keys();
    all.filter(|name| !reached.contains(name.as_str()))
        .cloned()
        .collect()
}
