//! The plan of a removal. What is not installed counts as removed.

use std::collections::{BTreeMap, BTreeSet};

use crate::queue::RemoveRequest;

use super::{Active, Plan, ResolveError, dependents, parse_ref};

/// Which packs go: the one asked for and, with `cascade`, all that need it, directly or not.
pub(super) fn run(request: &RemoveRequest, active: &Active) -> Result<Plan, ResolveError> {
    let pack_ref = parse_ref(&request.pack_ref)?;
    if !active.contains_key(pack_ref.as_str()) {
        return Ok(already_gone(pack_ref.as_str(), active));
    }
    let mut going = BTreeSet::from([pack_ref.to_string()]);
    let mut left_behind: BTreeMap<String, String> = BTreeMap::new();
    let mut look_at = vec![pack_ref.to_string()];
    while let Some(gone) = look_at.pop() {
        for (dependent, requirement) in dependents(active, &gone) {
            if !request.query.cascade {
                left_behind.insert(dependent, format!("{gone}@{requirement}"));
            } else if going.insert(dependent.clone()) {
                look_at.push(dependent);
            }
        }
    }
    if !request.query.force {
        if !left_behind.is_empty() {
            return Err(ResolveError::RequiredBy {
                pack: pack_ref.to_string(),
                dependents: left_behind.into_keys().collect(),
            });
        }
        if let Some(system) = going.iter().find(|name| active[*name].record.system) {
            return Err(ResolveError::SystemPack {
                pack: system.clone(),
            });
        }
    }
    let warnings = left_behind
        .iter()
        .map(|(dependent, need)| format!("`{dependent}` needs `{need}`, which is removed by force"))
        .collect();
    let removed = going.iter().map(|name| active[name].clone()).collect();
    Ok(Plan {
        removed,
        warnings,
        ..Plan::default()
    })
}

/// Nothing is to be done; a name that is nearly an installed one is probably a slip, and not passed over.
fn already_gone(name: &str, active: &Active) -> Plan {
    let near = packd_format::nearest(name, active.keys().map(String::as_str));
    Plan {
        absent: Some(name.to_owned()),
        warnings: near
            .map(|near| format!("`{name}` is not installed; did you mean `{near}`?"))
            .into_iter()
            .collect(),
        ..Plan::default()
    }
}
