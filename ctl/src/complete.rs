//! Completion while words are typed: a script of the shell starts this program, and gets the words that fit.
//!
//! Names of packs, jobs and registries come from the running daemon. Where it does not answer at once there are none, and
//! nothing is said about it: somebody is typing.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::CompleteEnv;
use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter as _,
};
use clap_complete::env::Shells;
use packd_wire::{JobStatus, JobsQuery, SearchQuery};

use crate::args::Args;
use crate::client::{Client, ClientError};
use crate::output::text::clean;

/// The variable by which a script asks for words; its value is the shell.
const VARIABLE: &str = "PACKCTL_COMPLETE";

/// Longer than this nobody waits for a word.
const PATIENCE: Duration = Duration::from_millis(500);

/// At most so many names are offered.
const MOST: u32 = 200;

/// What the command line is called by.
const NAME: &str = "packctl";

/// Answers with the words that fit, if that is what this process was started for.
///
/// # Errors
/// When the answer cannot be written, or the shell is none that is known.
pub(crate) fn answered() -> Result<bool, clap::Error> {
    CompleteEnv::with_factory(Args::command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), None)
}

/// The script that a shell reads, by which it asks this program. Nothing for a shell that is not known.
pub(crate) fn script(shell: &str) -> Option<io::Result<Vec<u8>>> {
    let shells = Shells::builtins();
    let completer = shells.completer(shell)?;
    let mut script = Vec::new();
    let written = completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script);
    Some(written.map(|()| script))
}

/// Active packs.
pub(crate) fn packs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| offered(async |client| active(client).await))
}

/// Active packs, or a path where one is being typed.
pub(crate) fn packs_and_paths() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let text = current.to_string_lossy();
        if text.contains('/') || text.starts_with('.') {
            return PathCompleter::any().complete(current);
        }
        let packs = offered(async |client| active(client).await).into_iter();
        packs
            .filter(|pack| pack.get_value().to_string_lossy().starts_with(&*text))
            .collect()
    })
}

async fn active(client: &Client) -> Result<Vec<CompletionCandidate>, ClientError> {
    let packs = client.packs().await?.packs.into_iter();
    Ok(packs
        .map(|pack| named(&pack.pack_ref, &pack.version))
        .collect())
}

/// Registries.
pub(crate) fn registries() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        offered(async |client| {
            let registries = client.registries().await?.registries.into_iter();
            Ok(registries.map(|one| named(&one.name, &one.url)).collect())
        })
    })
}

/// Jobs, the newest first.
pub(crate) fn jobs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| offered(async |client| of_jobs(client, &[]).await))
}

/// Jobs that have not ended.
pub(crate) fn open_jobs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        offered(async |client| of_jobs(client, &[JobStatus::Running, JobStatus::Queued]).await)
    })
}

/// What registries offer, or a path where one is being typed.
pub(crate) fn sources() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let text = current.to_string_lossy();
        if text.contains('/') || text.starts_with('.') {
            return PathCompleter::any().complete(current);
        }
        offered_packs(&text)
    })
}

/// What registries offer.
pub(crate) fn offers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| offered_packs(&current.to_string_lossy()))
}

fn offered_packs(start: &str) -> Vec<CompletionCandidate> {
    let query = SearchQuery {
        q: start.to_owned(),
        limit: Some(MOST),
        ..SearchQuery::default()
    };
    offered(async |client| {
        let found = client.search(&query).await?.packs.into_iter();
        let found = found.filter(|pack| pack.pack_ref.starts_with(start));
        Ok(found
            .map(|pack| named(&pack.pack_ref, &pack.version))
            .collect())
    })
}

async fn of_jobs(
    client: &Client,
    status: &[JobStatus],
) -> Result<Vec<CompletionCandidate>, ClientError> {
    let query = JobsQuery {
        limit: Some(MOST),
        ..JobsQuery::default()
    };
    let jobs = client.jobs(&query).await?.jobs.into_iter();
    Ok(jobs
        .filter(|job| status.is_empty() || status.contains(&job.status))
        .map(|job| named(&job.id.to_string(), &job.summary))
        .collect())
}

fn named(name: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(clean(help).into_owned().into()))
}

/// What the daemon answers, if it does so at once.
fn offered(
    question: impl AsyncFnOnce(&Client) -> Result<Vec<CompletionCandidate>, ClientError>,
) -> Vec<CompletionCandidate> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return Vec::new();
    };
    let client = Client::new(socket(std::env::args_os()));
    let asked = async { tokio::time::timeout(PATIENCE, question(&client)).await };
    match runtime.block_on(asked) {
        Ok(Ok(candidates)) => candidates,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// The socket that the words say, which stand behind `--`; else that of the environment, else the usual one.
fn socket(words: impl Iterator<Item = OsString>) -> PathBuf {
    let words = words.skip_while(|word| word != "--").skip(1);
    let matches = Args::command()
        .ignore_errors(true)
        .try_get_matches_from(words);
    let socket = matches.ok().and_then(|found| {
        let socket = found.try_get_one::<PathBuf>("socket");
        socket.ok().flatten().cloned()
    });
    socket.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn the_socket_is_the_one_that_is_typed() {
        let of = |line: &str| socket(line.split(' ').map(OsString::from));
        assert_eq!(
            of("packctl -- packctl --socket /a show "),
            PathBuf::from("/a")
        );
        assert_eq!(
            of("packctl -- packctl show --socket /a sl"),
            PathBuf::from("/a")
        );
        assert_eq!(
            of("packctl -- packctl job show --socket=/a 1"),
            PathBuf::from("/a")
        );
    }

    #[test]
    fn each_shell_has_a_script_that_names_the_program() {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = script(shell).unwrap().unwrap();
            let script = String::from_utf8(script).unwrap();
            assert!(
                script.contains(VARIABLE) && script.contains(NAME),
                "{shell}"
            );
        }
        assert!(script("tcsh").is_none());
    }
}
