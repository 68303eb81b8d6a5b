//! Why a download did not come about, and whether another try can help.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use packd_format::error::causes;
use packd_format::error::network::{Stage, is_passing};
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
    /// Nobody answered.
    #[error("{}", stage.failed(host))]
    Unanswered {
        /// How far the request came.
        stage: Stage,
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
        Self(causes(error).last().unwrap_or(error).to_string())
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
        let (stage, source) = if is_certificate(&error) {
            (Stage::Certificate, source)
        } else if error.is_dns() {
            (Stage::Resolve, source)
        } else if error.is_timeout() {
            let waited = format!("no answer within {} s", CONNECT_TIMEOUT.as_secs());
            (Stage::Connect, Cause(waited))
        } else if error.is_connect() {
            (Stage::Connect, source)
        } else {
            (Stage::Answer, source)
        };
        Self::Unanswered {
            stage,
            host,
            source,
        }
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
            Self::Unanswered { stage, .. } => *stage != Stage::Certificate,
            Self::Stalled { .. } | Self::TooSlow { .. } | Self::Cut { .. } => true,
            Self::Status { status, .. } => is_passing(status.as_u16()),
            Self::NoUrl { .. }
            | Self::Credentials { .. }
            | Self::Setup { .. }
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
            Self::Unanswered {
                stage: Stage::Certificate,
                ..
            } => Some("SSL_CERT_FILE names a file with the authorities to trust"),
            Self::Unanswered {
                stage: Stage::Resolve,
                ..
            } => Some(
                "see whether the name is written right, and whether this machine's DNS answers",
            ),
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
            | Self::Unanswered { .. }
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
    causes(error)
        .filter_map(|error| error.downcast_ref::<rustls::Error>())
        .any(|error| matches!(error, rustls::Error::InvalidCertificate(_)))
}
