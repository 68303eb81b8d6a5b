//! Reading the configuration again, while everything runs.

use std::sync::Arc;

use packd_wire::{ErrorKind, Problem, ReloadView};

use super::ServiceError;
use super::sockets::Sockets;
use crate::config::{self, Added, ConfigError, Inputs, Refused, Shared};
use crate::logging::chain;
use crate::net::Http;
use crate::store::{self, Database, time};

/// What a reload works with.
#[derive(Debug, Clone)]
pub(super) struct Reloading {
    pub(super) inputs: Arc<Inputs>,
    pub(super) shared: Shared,
    pub(super) http: Http,
    pub(super) database: Database,
    pub(super) sockets: Arc<Sockets>,
}

/// Reads the files again and, if nothing is wrong in them, puts them in force, with the registries that were added.
///
/// # Errors
/// Everything that is wrong, which is also logged and noted with the configuration; the old one stays in force.
pub(super) async fn run(reloading: Reloading) -> Result<ReloadView, Box<Problem>> {
    let Reloading {
        inputs,
        shared,
        http,
        database,
        sockets,
    } = reloading;
    let changing = shared.changing().await;
    let added = database.read(store::registry::all).await;
    let added = added.map_err(|error| Box::new(Problem::of_error(error.kind(), &error)))?;
    let in_force = shared.clone();
    let read =
        tokio::task::spawn_blocking(move || put_in_force(&inputs, &added, &in_force, &http)).await;
    let mut view = read.unwrap_or_else(|error| {
        Err(Box::new(Problem::new(
            ErrorKind::Internal,
            error.to_string(),
        )))
    })?;
    for error in sockets.follow(&shared.current()).await {
        let error = chain(&error);
        tracing::error!("{error}");
        view.warnings.push(error);
    }
    drop(changing);
    Ok(view)
}

/// The part of it that blocks.
fn put_in_force(
    inputs: &Inputs,
    added: &[Added],
    shared: &Shared,
    http: &Http,
) -> Result<ReloadView, Box<Problem>> {
    let mut effective = config::load(inputs).map_err(|error| {
        for problem in error.problems() {
            tracing::error!("{problem}");
        }
        refused(shared, of_config(&error))
    })?;
    effective.take_in(added, &inputs.environment);
    // the last thing that can be wrong goes first, so that nothing has to be taken back
    http.renew(&effective.config.net).map_err(|error| {
        let error = ServiceError::Net(error);
        tracing::error!("{}", chain(&error));
        let mut problem = Problem::of_error(ErrorKind::InvalidConfig, &error);
        problem.hint = error.hint();
        refused(shared, problem)
    })?;
    for warning in &effective.warnings {
        tracing::warn!("{warning}");
    }
    crate::logging::set_level(effective.config.log.level);
    let old = shared.replace(effective.config);
    let changed = config::diff(&old, &shared.current());
    match changed.as_slice() {
        [] => tracing::info!("configuration reloaded; nothing is different"),
        changed => tracing::info!("configuration reloaded; different: {}", changed.join(", ")),
    }
    Ok(ReloadView {
        changed,
        warnings: Vec::new(),
    })
}

fn refused(shared: &Shared, problem: Problem) -> Box<Problem> {
    tracing::error!("the configuration is wrong; the old one stays in force");
    let reason = match problem.causes.as_slice() {
        [] => problem.detail.clone(),
        [only] => only.clone(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    };
    let at = time::now();
    shared.refuse(Refused { at, reason });
    Box::new(problem)
}

/// Everything that is wrong with a configuration, each thing a cause of its own.
fn of_config(error: &ConfigError) -> Problem {
    let mut problem = Problem::new(error.kind(), error.to_string());
    problem.causes = error.problems().iter().map(ToString::to_string).collect();
    problem.hint = error.hint();
    problem
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::path::Path;

    use super::*;
    use crate::config::{Args, Config, Environment};

    /// What a reload of this text says, and the configuration that is then in force.
    fn reloaded(folder: &Path, text: &str) -> (Result<ReloadView, Box<Problem>>, Shared) {
        let file = folder.join("packd.yaml");
        fs_err::write(&file, text).unwrap();
        let args = Args {
            config: Some(file),
            ..Args::default()
        };
        let inputs = Inputs::new(&args, Environment::default());
        let shared = Shared::new(Config::default());
        let http = Http::new(&shared.current().net).unwrap();
        (put_in_force(&inputs, &[], &shared, &http), shared)
    }

    #[test]
    fn what_is_different_is_named_and_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let (view, shared) = reloaded(
            folder.path(),
            "queue: {workers: 7}\nnet: {idle_timeout: 1m}\n",
        );
        assert_eq!(
            view.unwrap().changed,
            ["queue.workers", "net.idle_timeout"],
            "both keys are named"
        );
        assert_eq!(shared.current().queue.workers, 7, "and in force");
    }

    #[test]
    fn everything_that_is_wrong_is_said_once() {
        let folder = tempfile::tempdir().unwrap();
        let (refused, shared) =
            reloaded(folder.path(), "queue: {workers: 0}\nlog: {level: loud}\n");
        let problem = refused.unwrap_err();
        assert_eq!(problem.kind, ErrorKind::InvalidConfig);
        assert_eq!(problem.causes.len(), 2, "{problem:#?}");
        for cause in &problem.causes {
            assert!(
                !problem.detail.contains(cause),
                "the detail repeats no cause: {problem:#?}"
            );
        }
        assert_eq!(
            shared.current().as_ref(),
            &Config::default(),
            "nothing changed"
        );
        let refused = shared.refused().unwrap();
        assert!(
            refused.reason.starts_with(&problem.causes[0])
                && refused.reason.ends_with(" (and 1 more)"),
            "who asks later is told: {refused:?}"
        );
        drop(shared.replace(Config::default()));
        assert_eq!(shared.refused(), None, "until one was right");
    }

    #[test]
    fn certificates_that_cannot_be_read_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let text = "queue: {workers: 7}\nnet: {ca_file: /nowhere/ca.pem}\n";
        let (refused, shared) = reloaded(folder.path(), text);
        let problem = refused.unwrap_err();
        assert_eq!(problem.kind, ErrorKind::InvalidConfig);
        assert!(
            problem
                .causes
                .iter()
                .any(|cause| cause.contains("/nowhere/ca.pem")),
            "the file is named: {problem:#?}"
        );
        assert_eq!(
            shared.current().as_ref(),
            &Config::default(),
            "nothing changed"
        );
    }
}
