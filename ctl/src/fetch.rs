//! The one HTTP client of packctl: what an offline tool fetches by URL comes through here.
//!
//! For looking at what others published, with the rights of the person who asks: any host, http and https,
//! proxies and certificate authorities as the environment says. Every download has a bound in bytes and in time,
//! and no credential of a URL gets into a message. The daemon has a client of its own, with stricter rules.

mod error;
#[cfg(test)]
pub(crate) mod loopback;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use packd_format::digest::Hasher;
use packd_format::{Algorithm, Digest};
use reqwest::header::{ACCEPT_ENCODING, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use url::Url;

pub(crate) use self::error::FetchError;
use self::error::{Cause, RedirectError};

/// The largest download, unless the caller says otherwise: what the daemon takes of an archive.
pub(crate) const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// How many servers may send us on.
const MAX_REDIRECTS: usize = 5;

/// The time to get a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long nothing may come.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The time for everything: [`MAX_BYTES`] at 600 KB/s.
const TOTAL_TIMEOUT: Duration = Duration::from_mins(30);

const USER_AGENT: &str = concat!("packctl/", env!("CARGO_PKG_VERSION"));

/// What was downloaded and passed on.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// Digests of the bytes, in the order of the algorithms.
    pub(crate) digests: Vec<Digest>,
    /// How many there were.
    pub(crate) bytes: u64,
    /// Where they came from in the end.
    pub(crate) final_url: Url,
}

/// Downloads something small.
///
/// # Errors
/// [`FetchError`]; [`FetchError::is_transient`] says whether another try can help.
pub(crate) async fn to_memory(url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    digest(url, &[], limit, Some(&mut bytes)).await?;
    Ok(bytes)
}

/// Downloads something for its digests; the bytes go into `into`, or nowhere.
///
/// # Errors
/// As [`to_memory`]. `into` may then hold part of the bytes.
pub(crate) async fn digest(
    url: &str,
    algorithms: &[Algorithm],
    limit: u64,
    into: Option<&mut (dyn Write + Send)>,
) -> Result<Fetched, FetchError> {
    digest_watched(url, algorithms, limit, into, &mut |_, _| {}).await
}

/// As [`digest`], telling `watch` how many bytes have come, and how many were announced.
///
/// # Errors
/// As [`digest`].
pub(crate) async fn digest_watched(
    url: &str,
    algorithms: &[Algorithm],
    limit: u64,
    into: Option<&mut (dyn Write + Send)>,
    watch: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<Fetched, FetchError> {
    let url = parse(url)?;
    let work = async {
        let answer = ask(&url).await?;
        read(answer, algorithms, limit, into, watch).await
    };
    match tokio::time::timeout(TOTAL_TIMEOUT, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(FetchError::TooSlow {
            url: shown(&url),
            after: TOTAL_TIMEOUT,
        }),
    }
}

/// Reads an address that may be asked.
///
/// # Errors
/// [`FetchError::NoUrl`], [`FetchError::Credentials`].
pub(crate) fn parse(text: &str) -> Result<Url, FetchError> {
    let no_url = || FetchError::NoUrl {
        text: text.to_owned(),
    };
    let url = Url::parse(text).map_err(|_| no_url())?;
    if has_credentials(&url) {
        return Err(FetchError::Credentials { url: shown(&url) });
    }
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(no_url()),
    }
}

/// Whether a URL carries a user or a password.
pub(crate) fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// A URL as it may be printed: without user and password, and without the values of its query.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // both fail only for URLs without a host, which have neither
    if url.set_username("").is_ok() && url.set_password(None).is_ok() {
        url.set_fragment(None);
    }
    if url.query().is_some() {
        url.set_query(Some("…"));
        // an ellipsis is no secret, and need not be escaped for people
        return url.as_str().replace("?%E2%80%A6", "?…");
    }
    url.into()
}

/// Asks, follows redirects, and gives the answer whose body is wanted.
async fn ask(url: &Url) -> Result<Response, FetchError> {
    let asked = client()?
        .get(url.clone())
        // digests are of the bytes as published, so no transfer in another form is wanted
        .header(ACCEPT_ENCODING, "identity")
        .send()
        .await;
    let answer = asked.map_err(|error| FetchError::of_request(url, error))?;
    if answer.status() == StatusCode::OK {
        return Ok(answer);
    }
    if answer.status().is_redirection() && answer.headers().contains_key(LOCATION) {
        // every other one was followed
        return Err(FetchError::Redirect {
            url: shown(answer.url()),
            source: Cause::of(&RedirectError::Scheme),
        });
    }
    Err(FetchError::Status {
        url: shown(answer.url()),
        status: answer.status(),
    })
}

async fn read(
    mut answer: Response,
    algorithms: &[Algorithm],
    limit: u64,
    mut into: Option<&mut (dyn Write + Send)>,
    watch: &mut (dyn FnMut(u64, Option<u64>) + Send),
) -> Result<Fetched, FetchError> {
    let final_url = answer.url().clone();
    let too_large = || FetchError::TooLarge {
        url: shown(&final_url),
        limit,
    };
    let announced = answer.content_length();
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let mut hashers: Vec<Hasher> = algorithms.iter().copied().map(Hasher::new).collect();
    let mut bytes = 0;
    loop {
        let chunk = answer.chunk().await;
        let chunk = chunk.map_err(|error| FetchError::of_body(&final_url, bytes, error))?;
        let Some(chunk) = chunk else { break };
        bytes += chunk.len() as u64;
        if bytes > limit {
            return Err(too_large());
        }
        for hasher in &mut hashers {
            hasher.update(&chunk);
        }
        if let Some(into) = into.as_deref_mut() {
            into.write_all(&chunk)
                .map_err(|source| FetchError::Write { source })?;
        }
        watch(bytes, announced);
    }
    if let Some(into) = into {
        into.flush()
            .map_err(|source| FetchError::Write { source })?;
    }
    Ok(Fetched {
        digests: hashers.into_iter().map(Hasher::finish).collect(),
        bytes,
        final_url,
    })
}

/// The client of this process. Reads the system's certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` say where).
fn client() -> Result<&'static Client, FetchError> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client);
    }
    // the library takes the process-wide provider; whoever was first installed the same one
    drop(rustls::crypto::ring::default_provider().install_default());
    // a host without a single root certificate can still use http; each https server then fails as one of
    // an unknown authority, with the hint that helps
    let client = builder()
        .build()
        .or_else(|_| builder().tls_certs_only([]).build())
        .map_err(|error| FetchError::Setup {
            source: Cause::of(&error),
        })?;
    Ok(CLIENT.get_or_init(|| client))
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(Policy::custom(follow))
        // query values of one URL are no business of the next server
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(IDLE_TIMEOUT)
}

/// Whether to go where a server sends us.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    match refusal(attempt.previous(), attempt.url()) {
        Some(error) => attempt.error(error),
        None => attempt.follow(),
    }
}

/// Why not to go to a URL after those before it.
fn refusal(before: &[Url], url: &Url) -> Option<RedirectError> {
    let from = before.last().map(Url::scheme);
    if before.len() > MAX_REDIRECTS {
        Some(RedirectError::TooMany)
    } else if has_credentials(url) {
        Some(RedirectError::Credentials)
    } else if from == Some("https") && url.scheme() != "https" {
        Some(RedirectError::Unencrypted)
    } else {
        // what is neither http nor https, the library does not follow: the redirect is the answer then
        None
    }
}
