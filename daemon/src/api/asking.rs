//! Asking for a job: who does, how it is queued, and whether it was asked for before.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use packd_wire::{ErrorKind, Role};
use utoipa::IntoParams;

use super::State;
use super::body;
use super::caller::Caller;
use super::problem::Refusal;
use super::reply::{Answer, Made};
use crate::queue::{JobRequest, NewJob, Queued};
use crate::resolve;

/// The longest `Idempotency-Key`.
const LONGEST_KEY: usize = 256;

/// Who asks for a job, of whom.
pub(crate) struct Asking {
    /// Who is asked.
    pub(crate) state: State,
    /// Who asks.
    pub(crate) caller: Caller,
    headers: HeaderMap,
}

/// What the description of the API says of every request for a job.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it only describes a header")]
pub(crate) struct Key {
    /// The same key and request give the same job
    #[param(rename = "Idempotency-Key")]
    key: Option<String>,
}

impl FromRequestParts<State> for Asking {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        Ok(Self {
            state: state.clone(),
            caller: Caller::from_request_parts(parts, state).await?,
            headers: parts.headers.clone(),
        })
    }
}

impl Asking {
    /// Queues a job, and answers with it: once it has ended, where that is within `wait` seconds.
    ///
    /// # Errors
    /// Those of [`enqueue`](Self::enqueue), and of a `wait` that is too long.
    pub(crate) async fn job(&self, wait: Option<u64>, request: JobRequest) -> Answer<Made> {
        let wait = body::wait(wait)?;
        let queued = self.enqueue(request).await?;
        Ok(Made {
            job: queued.into_job(),
            wait,
        })
    }

    /// Queues a job.
    ///
    /// # Errors
    /// What is wrong with the request on its face, and what the queue refuses.
    pub(crate) async fn enqueue(&self, request: JobRequest) -> Answer<Queued> {
        if request.flags().change_origin && self.caller.role != Role::Admin {
            let detail = "`change_origin` takes packs from other registries than they came from, which only an admin may do";
            return Err(Refusal::new(ErrorKind::AccessDenied, detail));
        }
        let parts = &self.state.parts;
        let policy = {
            let config = parts.config.current();
            resolve::Policy {
                allow_http: config.net.allow_http,
                allow_git_protocol: config.git.allow_git_protocol,
                reads_files: self.caller.role == Role::Admin,
            }
        };
        resolve::check(&request, policy)
            .map_err(|error| Refusal::of_error(error.kind(), &error, error.hint()))?;
        let idempotency = idempotency(&self.headers, &request)?;
        let new = NewJob {
            request,
            requester: self.caller.requester(&self.headers),
            idempotency,
            automatic: false,
        };
        Ok(parts.queue.enqueue(new).await?)
    }
}

/// The client's key with a digest of what it asked for.
fn idempotency(headers: &HeaderMap, request: &JobRequest) -> Answer<Option<(String, String)>> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
        .ok_or_else(|| {
            let detail =
                format!("`Idempotency-Key` is not 1 to {LONGEST_KEY} printable ASCII characters");
            Refusal::new(ErrorKind::BadRequest, detail)
        })?;
    // the file that an upload was received into is new each time; the same bytes are the same request
    let mut request = request.clone();
    if let JobRequest::Upload(upload) = &mut request {
        upload.file.clear();
    }
    // and so is one to the generation before, whichever that is by now
    if let JobRequest::Rollback(rollback) = &mut request {
        rollback.target = None;
    }
    let bytes = serde_json::to_vec(&request).unwrap_or_default();
    Ok(Some((
        key.to_owned(),
        packd_format::Digest::sha256_of(&bytes).to_string(),
    )))
}
