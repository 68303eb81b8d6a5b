//! Whether the host is well: the commands of `updates.health`, and the own tests of the packs that changed.

use packd_wire::ChangeAction;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::hook::command::{Command, End};
use crate::install::test::{Again, again};
use crate::install::{Context, StepError};
use crate::store::watch::Watched;
use crate::store::{StoreError, job, pack::Installed};

/// How much of what a command wrote is repeated, in characters.
const REPEATED: usize = 200;

/// How the host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing speaks against it.
    Well,
    /// This does.
    Ill(String),
    /// It cannot be told, for this reason.
    Unknown(String),
    /// There is nothing to ask.
    Nothing,
    /// packd stops.
    Stopped,
}

/// Asks everything, until something speaks against it.
pub(super) async fn run(
    context: &Context,
    watched: &Watched,
    stop: &CancellationToken,
) -> Result<Verdict, StoreError> {
    let config = context.config.current();
    let health = &config.updates.health;
    let mut unknown = None;
    for (number, words) in health.commands.iter().enumerate() {
        let told = json!({"generation": watched.generation, "job": watched.job, "current": context.layout.current()});
        let command = Command {
            folder: format!("health-{}-{number}", watched.generation),
            words,
            timeout: health.timeout,
            input: told.to_string().into_bytes(),
        };
        let Some(ran) = command.run(context, stop).await else {
            return Ok(Verdict::Stopped);
        };
        let said = ran.end.in_words(health.timeout).unwrap_or_default();
        let program = words.first().map_or("", String::as_str);
        let reason = format!("`{program}`: {said}{}", last_line(&ran.output));
        match ran.end {
            End::NotStarted(_) => unknown = Some(reason),
            end if end.is_failure() => return Ok(Verdict::Ill(reason)),
            _ => {}
        }
    }
    let mut any = !health.commands.is_empty();
    if health.tests && config.tests.run {
        for installed in changed(context, watched).await? {
            match again(context, watched.job, &installed, stop).await {
                Ok(Again::None) => {}
                Ok(Again::Good) => any = true,
                Ok(Again::Failed(why)) => return Ok(Verdict::Ill(why)),
                Err(StepError::Failed { problem, .. }) => {
                    any = true;
                    unknown = Some(problem.detail);
                }
                Err(StepError::Stopped | StepError::Outdated | StepError::After(_)) => {
                    return Ok(Verdict::Stopped);
                }
            }
        }
    }
    Ok(match unknown {
        Some(why) => Verdict::Unknown(why),
        None if any => Verdict::Well,
        None => Verdict::Nothing,
    })
}

/// The packs that the job brought, as they are active.
async fn changed(context: &Context, watched: &Watched) -> Result<Vec<Installed>, StoreError> {
    let id = watched.job;
    let row = context
        .database
        .read(move |connection| job::get(connection, id))
        .await?;
    let active = context.active().await?;
    let plan = row.and_then(|row| row.view.plan);
    let changes = plan.into_iter().flat_map(|plan| plan.changes);
    let brought = changes
        .filter(|change| !matches!(change.action, ChangeAction::Keep | ChangeAction::Remove));
    Ok(brought
        .filter_map(|change| active.get(change.pack_ref.as_deref()?).cloned())
        .collect())
}

/// The last line of what a command wrote, which mostly says why.
fn last_line(output: &str) -> String {
    let line = output.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(String::new, |line| {
        let line: String = line.trim().chars().take(REPEATED).collect();
        format!(" ({line})")
    })
}
