//! Which generations go.

use std::collections::BTreeSet;

use crate::config::Store;
use crate::queue;
use crate::store::keep::{self, Rule};
use crate::store::{Connection, SqlResult, collect, history, job, pack, time, watch};

/// The rule of the configuration, as it is now.
pub(super) fn rule(config: &Store) -> Rule {
    Rule {
        newest: config.keep_generations,
        since: time::before(config.keep_for),
    }
}

/// The generations that are not kept: by the rule, nor because `current` names them, nor because an unfinished job goes
/// back to them, or one may.
pub(super) fn doomed(
    connection: &Connection,
    rule: &Rule,
    current: Option<i64>,
) -> SqlResult<BTreeSet<i64>> {
    let all = collect::generations(connection)?;
    let mut kept = keep::kept(&all, rule);
    kept.extend(current);
    kept.extend(watch::ways_back(connection)?);
    for request in job::unfinished_requests(connection)? {
        let Some(rollback) = queue::rollback_of(&request) else {
            continue;
        };
        kept.extend(rollback.target);
        if let (None, Some(name)) = (rollback.target, &rollback.asked.pack_ref) {
            let active = pack::active(connection)?;
            let dir = active.get(name).map(|pack| pack.dir.as_str());
            kept.extend(history::earlier(connection, name, dir)?.map(|(number, _)| number));
        }
    }
    let numbers = all.iter().map(|facts| facts.number);
    Ok(numbers.filter(|number| !kept.contains(number)).collect())
}
