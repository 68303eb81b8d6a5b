//! `POST /v1/packs/upload`: an archive as the body, installed by a job.
//!
//! The body goes straight to a file in `uploads/`, digested on the way, and the job is queued when the
//! file is complete and on disk. A client that goes away in the middle leaves nothing.

use std::io::Write as _;
use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use packd_format::archive::Format;
use packd_format::digest::Hasher;
use packd_format::{Algorithm, Digest};
use packd_wire::{ErrorKind, UploadQuery, path};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::State;
use super::asking::{Asking, Key};
use super::body::{self, Asked};
use super::caller::Caller;
use super::problem::Refusal;
use super::reply::{Answer, Made};
use crate::fault;
use crate::queue::{JobRequest, Queued, UploadRequest};
use crate::store::{self, StoreError};

/// What a body may call itself. What it really is, its bytes say, later.
const CONTENT_TYPES: [&str; 6] = [
    "application/gzip",
    "application/x-gzip",
    "application/zstd",
    "application/zip",
    "application/x-tar",
    "application/octet-stream",
];

/// Pieces are gathered to this size before the writing thread gets them.
const PIECE: usize = 256 * 1024;
/// How many bytes tell what an archive is.
const RECOGNISED: usize = 512;
/// How many pieces may wait for it.
const PIECES: usize = 4;

/// Installs an archive that is sent as the body.
#[utoipa::path(
    post,
    path = path::UPLOAD,
    params(UploadQuery, Key),
    request_body(
        description = "A pack as .tar, .tar.gz, .tar.zst or .zip",
        content(
            (Vec<u8> = "application/gzip"),
            (Vec<u8> = "application/zstd"),
            (Vec<u8> = "application/zip"),
            (Vec<u8> = "application/x-tar"),
            (Vec<u8> = "application/octet-stream"),
        ),
    ),
    responses(Made),
)]
pub(crate) async fn upload(
    asking: Asking,
    Asked(mut query): Asked<UploadQuery>,
    request: Request,
) -> Answer<Made> {
    let wait = body::wait(query.wait.take())?;
    let state = &asking.state;
    let (parts, body) = request.into_parts();
    let Received {
        name,
        digest,
        bytes,
    } = receive(state, &asking.caller, &parts.headers, body).await?;
    fault::point("upload.received");
    let upload = UploadRequest {
        file: name.clone(),
        digest: digest.to_string(),
        bytes,
        query,
    };
    let queued = asking.enqueue(JobRequest::Upload(upload)).await;
    if !matches!(queued, Ok(Queued::New(_))) {
        // refused, or known by its key: no job has a use for this file
        store::tree::remove_upload(&state.parts.layout, &name).await;
    }
    Ok(Made {
        job: queued?.into_job(),
        wait,
    })
}

/// A body that lies in `uploads/`.
#[derive(Debug)]
struct Received {
    name: String,
    digest: Digest,
    bytes: u64,
}

/// Why a body did not become a file.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    /// The file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writing thread panicked: a defect in packd.
    #[error("the upload ended in a panic")]
    Panicked,
    /// The body ended before it was complete.
    #[error("the upload was cut short")]
    Cut,
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Store(error) => error.into(),
            UploadError::Panicked => Self::panicked(),
            UploadError::Cut => Self::of_error(ErrorKind::BadRequest, &error, None),
        }
    }
}

/// What the writing thread is told.
enum Piece {
    Bytes(Bytes),
    /// The body is complete. Without this word, what came is thrown away.
    End,
}

/// Takes the body into a file of its own.
async fn receive(
    state: &State,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Answer<Received> {
    let limit = state.parts.config.current().limits.pack_bytes.bytes();
    let (uid, rank) = (caller.link.peer.uid, caller.rank());
    accepted(headers)?;
    within(body.size_hint().lower(), limit)?;
    let _slot = state.uploads.try_take(uid, rank).map_err(|_| {
        Refusal::new(ErrorKind::TooMany, "too many uploads are being received")
            .hint("wait until one has ended")
    })?;
    let layout = state.parts.layout.clone();
    let (pieces, taken) = mpsc::channel(PIECES);
    let writing =
        tokio::task::spawn_blocking(move || write(&store::tree::make_uploads(&layout)?, taken));
    let sent = send(state, body, limit, pieces).await;
    let written = writing.await.map_err(|_| UploadError::Panicked)?;
    // what the body did wrong comes first: it is why the rest is missing
    match sent {
        Ok(()) => Ok(written?),
        Err(refusal) => Err(refusal),
    }
}

fn accepted(headers: &HeaderMap) -> Answer<()> {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if CONTENT_TYPES
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorKind::UnsupportedMediaType,
        format!("an archive is not sent as `{text}`"),
    )
    .hint(format!("send one of {}", CONTENT_TYPES.join(", "))))
}

fn within(bytes: u64, limit: u64) -> Answer<()> {
    if bytes <= limit {
        return Ok(());
    }
    let detail = format!("the archive is larger than {limit} bytes");
    Err(Refusal::new(ErrorKind::PayloadTooLarge, detail).hint("raise `limits.pack_bytes`"))
}

/// Refuses what is no archive before all of it has come.
fn recognise(start: &[u8]) -> Answer<()> {
    match Format::sniff(start) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::of_error(
            ErrorKind::UnsupportedArchive,
            &error,
            error.hint(),
        )),
    }
}

/// Hands the body over to the writing thread.
async fn send(
    state: &State,
    mut body: Body,
    limit: u64,
    pieces: mpsc::Sender<Piece>,
) -> Answer<()> {
    let mut total = 0_u64;
    let mut gathered = BytesMut::new();
    let mut recognised = false;
    loop {
        let frame = tokio::time::timeout(state.times.body, body.frame())
            .await
            .map_err(|_| {
                Refusal::new(
                    ErrorKind::Timeout,
                    "nothing of the archive arrived for too long",
                )
            })?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|_| UploadError::Cut)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        total = total.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        within(total, limit)?;
        gathered.extend_from_slice(&data);
        if !recognised && gathered.len() >= RECOGNISED {
            recognise(&gathered)?;
            recognised = true;
        }
        if gathered.len() >= PIECE
            && pieces
                .send(Piece::Bytes(gathered.split().freeze()))
                .await
                .is_err()
        {
            // the thread has failed, and says why when it is asked
            return Ok(());
        }
    }
    if !recognised {
        recognise(&gathered)?;
    }
    for piece in [Piece::Bytes(gathered.freeze()), Piece::End] {
        if pieces.send(piece).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes what comes to a file that is gone unless it becomes complete. Blocks.
fn write(folder: &Path, mut pieces: mpsc::Receiver<Piece>) -> Result<Received, UploadError> {
    let failed = || StoreError::io("write the upload");
    let mut file = tempfile::Builder::new()
        .prefix(".receiving-")
        .tempfile_in(folder)
        .map_err(failed())?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut bytes = 0_u64;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Bytes(piece)) => {
                file.write_all(&piece).map_err(failed())?;
                hasher.update(&piece);
                bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            }
            Some(Piece::End) => break,
            None => return Err(UploadError::Cut),
        }
    }
    file.as_file().sync_all().map_err(failed())?;
    let digest = hasher.finish();
    let name = keep(file, folder, &digest)?;
    Ok(Received {
        name,
        digest,
        bytes,
    })
}

/// Names the file by its digest. Each upload keeps a file of its own, so that the end of one job never
/// takes the file of another.
fn keep(file: NamedTempFile, folder: &Path, digest: &Digest) -> Result<String, StoreError> {
    let failed = || StoreError::io("keep the upload");
    let own = file
        .path()
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let name = format!("{}-{}", digest.hex(), own.trim_start_matches(".receiving-"));
    file.persist_noclobber(folder.join(&name))
        .map_err(|error| failed()(error.error))?;
    fs_err::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed())?;
    Ok(name)
}
