//! Why a download did not come about, and whether another try can help.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use packd_wire::Exit;
use reqwest::StatusCode;
use url::Url;

use super::{CONNECT_TIMEOUT, IDLE_TIMEOUT, MAX_REDIRECTS, shown};
use crate::output::Failure;
use crate::output::text::bytes;

/// Why a download did not come about. URLs in it may be printed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// It is no address that can be asked.
    #[error("`{text}` is no http or https URL")]
    NoUrl {
        /// What was given.
        text: String,
    },
    /// It has a user or a password in it.
    #[error("`{url}` must not contain credentials")]
    Credentials {
        /// The URL without them.
        url: String,
    },
    /// The client could not be built.
    #[error("cannot set up the HTTP client")]
    Setup {
        /// Why.
        source: Cause,
    },
    /// The host's name has no address.
    #[error("cannot find the address of `{host}`")]
    Resolve {
        /// The host.
        host: String,
        /// Why.
        source: Cause,
    },
    /// No connection.
    #[error("cannot connect to `{host}`")]
    Connect {
        /// The host.
        host: String,
        /// Why.
        source: Cause,
    },
    /// The server is not who it says.
    #[error("cannot trust the certificate of `{host}`")]
    Certificate {
        /// The host.
        host: String,
        /// Why.
        source: Cause,
    },
    /// A server sent us where we do not go.
    #[error("cannot follow the redirect of `{url}`")]
    Redirect {
        /// The URL that was asked.
        url: String,
        /// Why.
        source: Cause,
    },
    /// The connection broke before an answer, or the answer is not HTTP.
    #[error("cannot get an answer from `{host}`")]
    Answer {
        /// The host.
        host: String,
        /// Why.
        source: Cause,
    },
    /// The server answered with a refusal.
    #[error("`{url}` answered {status}")]
    Status {
        /// The URL that was asked last.
        url: String,
        /// What it answered.
        status: StatusCode,
    },
    /// It is larger than we take.
    #[error("`{url}` is larger than {}", bytes(*limit))]
    TooLarge {
        /// The URL.
        url: String,
        /// What we take, in bytes.
        limit: u64,
    },
    /// Nothing came any more.
    #[error("nothing came from `{url}` for {} s, after {}", after.as_secs(), bytes(*received))]
    Stalled {
        /// The URL.
        url: String,
        /// What had come, in bytes.
        received: u64,
        /// How long we waited.
        after: Duration,
    },
    /// It took too long as a whole.
    #[error("the download of `{url}` took longer than {} min", after.as_secs() / 60)]
    TooSlow {
        /// The URL.
        url: String,
        /// How long we waited.
        after: Duration,
    },
    /// The body ended before it was whole.
    #[error("the download of `{url}` broke off after {}", bytes(*received))]
    Cut {
        /// The URL.
        url: String,
        /// What had come, in bytes.
        received: u64,
        /// Why.
        source: Cause,
    },
    /// What came could not be kept.
    #[error("cannot write what was downloaded")]
    Write {
        /// Why not.
        source: io::Error,
    },
}

/// Why we do not go where a server sends us.
#[derive(Debug, thiserror::Error)]
pub(super) enum RedirectError {
    #[error("it was sent on more than {MAX_REDIRECTS} times")]
    TooMany,
    #[error("it leads from https to http")]
    Unencrypted,
    #[error("it leads to a URL with credentials")]
    Credentials,
    #[error("it leads to no http or https URL")]
    Scheme,
}

/// What a library says in the end. Its outer errors say what we say ourselves, some of them with the whole URL.
#[derive(Debug)]
pub(crate) struct Cause(String);

impl Cause {
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        Self(chain(error).last().unwrap_or(error).to_string())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Cause {}

impl FetchError {
    /// What kept a request from being answered.
    pub(super) fn of_request(asked: &Url, error: reqwest::Error) -> Self {
        // a redirect may have led elsewhere
        let url = error.url().unwrap_or(asked).clone();
        let error = error.without_url();
        let host = url.host_str().unwrap_or_default().to_owned();
        let source = Cause::of(&error);
        if error.is_redirect() {
            return Self::Redirect {
                url: shown(asked),
                source,
            };
        }
        if error.is_timeout() && !error.is_connect() {
            return Self::Stalled {
                url: shown(&url),
                received: 0,
                after: IDLE_TIMEOUT,
            };
        }
        if is_certificate(&error) {
            return Self::Certificate { host, source };
        }
        if error.is_dns() {
            return Self::Resolve { host, source };
        }
        if error.is_timeout() {
            let source = Cause(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()));
            return Self::Connect { host, source };
        }
        if error.is_connect() {
            return Self::Connect { host, source };
        }
        Self::Answer { host, source }
    }

    /// What ended a body before its end.
    pub(super) fn of_body(url: &Url, received: u64, error: reqwest::Error) -> Self {
        let url = shown(url);
        if error.is_timeout() {
            return Self::Stalled {
                url,
                received,
                after: IDLE_TIMEOUT,
            };
        }
        Self::Cut {
            url,
            received,
            source: Cause::of(&error.without_url()),
        }
    }

    /// Whether the same request can succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Answer { .. }
            | Self::Stalled { .. }
            | Self::TooSlow { .. }
            | Self::Cut { .. } => true,
            Self::Status { status, .. } => {
                status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
            }
            Self::NoUrl { .. }
            | Self::Credentials { .. }
            | Self::Setup { .. }
            | Self::Certificate { .. }
            | Self::Redirect { .. }
            | Self::TooLarge { .. }
            | Self::Write { .. } => false,
        }
    }

    /// One thing to try.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoUrl { .. } => Some("write it as `https://HOST/PATH`"),
            Self::Credentials { .. } => Some("an index is public: publish at a URL without them"),
            Self::Certificate { .. } => {
                Some("SSL_CERT_FILE names a file with the authorities to trust")
            }
            Self::Status { status, .. }
                if matches!(
                    *status,
                    StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED
                ) =>
            {
                Some("see whether it is published there, and readable without an account")
            }
            _ if self.is_transient() => Some("try again later"),
            Self::Setup { .. }
            | Self::Redirect { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Write { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Answer { .. }
            | Self::Stalled { .. }
            | Self::TooSlow { .. }
            | Self::Cut { .. } => None,
        }
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let exit = match error {
            FetchError::NoUrl { .. } | FetchError::Credentials { .. } => Exit::Usage,
            _ if error.is_transient() => Exit::Transient,
            _ => Exit::Failed,
        };
        let failure = Self::of_error(exit, &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// Whether it was the certificate that kept us from connecting.
pub(super) fn is_certificate(error: &(dyn Error + 'static)) -> bool {
    chain(error)
        .filter_map(|error| error.downcast_ref::<rustls::Error>())
        .any(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}

/// An error and what led to it. An [`io::Error`] around another error passes over that one as its source.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        wrapped
            .map(|inner| inner as &(dyn Error + 'static))
            .or_else(|| error.source())
    })
}
