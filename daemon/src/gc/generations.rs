//! Which generations go.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::Store;
use crate::queue;
use crate::store::keep::{self, Rule};
use crate::store::{Connection, SqlResult, collect, history, job, pack, time, watch};

/// What was active so lately is kept while nobody can see what uses it.
const UNSEEN: Duration = Duration::from_hours(1);

/// What is kept beside the rule of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Care {
    /// The time that ages are measured from.
    pub(super) now: String,
    /// Whether processes may use trees without anybody seeing it.
    pub(super) is_blind: bool,
}

/// The rule of the configuration, as it is now.
pub(super) fn rule(config: &Store, care: &Care) -> Rule {
    let (newest, age) = if care.is_blind {
        (config.keep_generations.max(2), config.keep_for.max(UNSEEN))
    } else {
        (config.keep_generations, config.keep_for)
    };
    Rule {
        newest,
        since: time::earlier(&care.now, age),
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
