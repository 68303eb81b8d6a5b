//! What can go wrong between packd and a server, and whether asking again can help.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use packd_format::error::causes;
use packd_format::error::network::{Stage, is_passing};
use packd_wire::ErrorKind;

use super::certificate::{self, CertificateFlaw};
use super::lookup::NotPublic;
use super::route::RouteError;
use crate::config::SafeUrl;
use crate::config::SecretError;

/// Why a download did not come about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetError {
    /// The URL, or one it redirects to, may not be asked.
    #[error("cannot use this URL")]
    Route {
        /// Why.
        source: RouteError,
    },
    /// A header of the registry is none that HTTP can carry.
    #[error(
        "header `{name}` cannot be sent: its name or value has characters that HTTP does not allow"
    )]
    Header {
        /// The header; its value is a secret.
        name: String,
    },
    /// What a header of the registry refers to cannot be read.
    #[error("cannot put the value of header `{name}` together")]
    Secret {
        /// The header.
        name: String,
        /// Why.
        source: SecretError,
    },
    /// The client could not be built.
    #[error("cannot set up the HTTP client")]
    Setup {
        /// Why.
        source: Reason,
    },
    /// The host's name has no address.
    #[error("{}", Stage::Resolve.failed(host))]
    Resolve {
        /// The host.
        host: String,
        /// Why.
        source: Reason,
    },
    /// No connection.
    #[error("{}", Stage::Connect.failed(host))]
    Connect {
        /// The host.
        host: String,
        /// Why.
        source: Reason,
    },
    /// The server is not who it says.
    #[error("{}", Stage::Certificate.failed(host))]
    Certificate {
        /// The host.
        host: String,
        /// What the authority that signed it, its dates or its names lack.
        flaw: CertificateFlaw,
        /// Why.
        source: Reason,
    },
    /// The server took the request and did not begin to answer.
    #[error("`{host}` did not answer within {} s", after.as_secs_f64())]
    NoAnswer {
        /// The host.
        host: String,
        /// How long packd waited.
        after: Duration,
    },
    /// The connection broke before an answer, or the answer is not HTTP.
    #[error("{}", Stage::Answer.failed(host))]
    Answer {
        /// The host.
        host: String,
        /// Why.
        source: Reason,
    },
    /// The server answered with a refusal.
    #[error("`{url}` answered {}", describe(*status))]
    Status {
        /// The URL that was asked last.
        url: SafeUrl,
        /// The HTTP status.
        status: u16,
        /// When the server wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Nothing, or next to nothing, came for as long as packd waits.
    #[error("the download of `{url}` stalled after {}: too little came within {} s", of(*received, *expected), within.as_secs_f64())]
    Stalled {
        /// The URL.
        url: SafeUrl,
        /// The bytes that came.
        received: u64,
        /// The bytes that were announced.
        expected: Option<u64>,
        /// How long packd waited.
        within: Duration,
    },
    /// The body ended before it was whole.
    #[error("the download of `{url}` broke off after {}", of(*received, *expected))]
    Cut {
        /// The URL.
        url: SafeUrl,
        /// The bytes that came.
        received: u64,
        /// The bytes that were announced.
        expected: Option<u64>,
        /// Why, when the connection said so.
        source: Option<Reason>,
    },
    /// All of it together took too long.
    #[error("the download of `{url}` took longer than {} s", limit.as_secs_f64())]
    Deadline {
        /// The URL.
        url: SafeUrl,
        /// The time it had.
        limit: Duration,
    },
    /// More bytes than the caller wants.
    #[error("`{url}` is larger than {limit} bytes{}", announced.map(|bytes| format!(" (the server announces {bytes})")).unwrap_or_default())]
    TooLarge {
        /// The URL.
        url: SafeUrl,
        /// The bytes allowed.
        limit: u64,
        /// The bytes the server announced, when it did.
        announced: Option<u64>,
    },
}

impl NetError {
    /// The stable name sent over the API.
    #[must_use]
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Route { source } => source.kind(),
            // packd refuses the server, and goes on doing so until someone changes something
            Self::Certificate { .. } => ErrorKind::SourceRefused,
            Self::Secret { source, .. } => source.kind(),
            Self::Header { .. } | Self::Setup { .. } => ErrorKind::InvalidConfig,
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::NoAnswer { .. }
            | Self::Answer { .. }
            | Self::Stalled { .. }
            | Self::Cut { .. } => ErrorKind::FetchFailed,
            Self::Status { status, .. } if is_passing(*status) => ErrorKind::FetchFailed,
            Self::Status { .. } => ErrorKind::FetchRefused,
            Self::Deadline { .. } => ErrorKind::Timeout,
            Self::TooLarge { .. } => ErrorKind::LimitExceeded,
        }
    }

    /// Whether the same request can succeed later, with nothing changed here.
    #[must_use]
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self.kind(), ErrorKind::FetchFailed | ErrorKind::Timeout)
    }

    /// The HTTP status of a refusal: 401 and 403 are about credentials.
    #[must_use]
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// How long the server asked to be left alone.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// One thing to try.
    #[must_use]
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Route { source } => source.hint(),
            Self::Secret { source, .. } => {
                return source.hint().or_else(|| {
                    Some(
                        "provide what the `headers` of the registry refer to, or change them"
                            .into(),
                    )
                });
            }
            Self::Certificate {
                flaw: CertificateFlaw::UnknownIssuer,
                ..
            } => {
                "if the server's certificate comes from an authority of your own, name its PEM file in `net.ca_file`"
            }
            Self::Certificate {
                flaw: CertificateFlaw::Dates,
                ..
            } => "check the clock of this host, then the dates of the server's certificate",
            Self::Certificate {
                flaw: CertificateFlaw::Authority,
                ..
            } => {
                "give the server a certificate that an authority signed for it, and name the PEM file of that \
                 authority in `net.ca_file`"
            }
            Self::Certificate {
                flaw: CertificateFlaw::Name,
                ..
            } => "ask the server by a name that its certificate is for",
            Self::Resolve { .. } => "check the name, and this host's DNS and proxy settings",
            Self::Connect { .. } => {
                "check that the server runs, and `net.proxy` if there is a proxy between"
            }
            Self::Status {
                status: 401 | 403, ..
            } => {
                "the credentials of a registry are its `headers`, check those; a URL that is named directly is asked \
                 without any"
            }
            Self::Status { status: 407, .. } => "the proxy wants credentials: check `net.proxy`",
            Self::Stalled { .. } | Self::NoAnswer { .. } => {
                "raise `net.idle_timeout` if the server is known to be this slow"
            }
            Self::Certificate {
                flaw: CertificateFlaw::Other,
                ..
            }
            | Self::Header { .. }
            | Self::Setup { .. }
            | Self::Answer { .. }
            | Self::Status { .. }
            | Self::Cut { .. }
            | Self::Deadline { .. }
            | Self::TooLarge { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// The same, or what can be tried whenever something does not come over the network.
    #[must_use]
    pub(crate) fn any_hint(&self) -> String {
        self.hint().unwrap_or_else(|| self.usual_hint().to_owned())
    }

    fn usual_hint(&self) -> &'static str {
        match self {
            Self::Status {
                status: 404 | 410, ..
            } => "check the URL; what lay there may have been moved or removed",
            Self::Status {
                status: 429 | 500..,
                ..
            } => "the server is busy or out of order: try again later, or tell whoever runs it",
            Self::Status { .. } => "see what the server says to `curl -i` at that URL",
            Self::Certificate { .. } => {
                "let whoever runs the server look at its certificate and its TLS settings"
            }
            Self::Header { .. } => {
                "a header has a name of letters, digits and `-`, and a value on one line: change it in packd.yaml"
            }
            Self::Setup { .. } => "check `net.ca_file`, and the certificates of this host",
            Self::Deadline { .. } => "raise `net.total_timeout` if so much time is needed",
            Self::TooLarge { .. } => {
                "raise the limit, in section `limits` of packd.yaml, if so much is to be expected"
            }
            Self::Answer { .. }
            | Self::Cut { .. }
            | Self::Route { .. }
            | Self::Secret { .. }
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::NoAnswer { .. }
            | Self::Stalled { .. } => {
                "try again later; if it stays so, tell whoever runs the server, or the proxy between"
            }
        }
    }

    /// Sorts an error that came instead of an answer.
    pub(super) fn of_request(url: &SafeUrl, error: reqwest::Error) -> Self {
        let host = host_and_port(url);
        if let Some(found) = causes(&error).find_map(|cause| cause.downcast_ref::<NotPublic>()) {
            let NotPublic { host, address } = found.clone();
            let source = RouteError::Private { host, address };
            return Self::Route { source };
        }
        if let Some(flaw) = certificate::flaw(causes(&error)) {
            return Self::Certificate {
                host,
                flaw,
                source: Reason::of(error),
            };
        }
        if error.is_dns() {
            return Self::Resolve {
                host,
                source: Reason::of(error),
            };
        }
        if error.is_connect() {
            return Self::Connect {
                host,
                source: Reason::of(error),
            };
        }
        Self::Answer {
            host,
            source: Reason::of(error),
        }
    }
}

/// Why the settings give no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The file of `net.ca_file` cannot be read.
    #[error("cannot read the certificates of `net.ca_file`")]
    ReadCa {
        /// Why; names the file.
        source: io::Error,
    },
    /// It holds something else than certificates in PEM form.
    #[error("`net.ca_file`: {} holds no certificate in PEM form, or a damaged one", path.display())]
    InvalidCa {
        /// The file.
        path: PathBuf,
    },
    /// `net.proxy` cannot be used.
    #[error("`net.proxy`: `{url}` cannot be used as a proxy")]
    Proxy {
        /// The proxy.
        url: SafeUrl,
        /// Why.
        source: Reason,
    },
}

impl SetupError {
    /// The setting that is wrong.
    #[must_use]
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::ReadCa { .. } | Self::InvalidCa { .. } => "net.ca_file",
            Self::Proxy { .. } => "net.proxy",
        }
    }
}

/// The innermost cause of an error of the HTTP library.
///
/// The layers around it say "error sending request" and "client error (Connect)", and the outermost
/// names the URL with its secrets.
#[derive(Debug)]
pub(crate) struct Reason(reqwest::Error);

impl Reason {
    pub(super) fn of(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(flaw) = certificate::words(causes(&self.0)) {
            return f.write_str(&flaw);
        }
        let innermost = causes(&self.0).last();
        innermost.map_or(Ok(()), |error| write!(f, "{error}"))
    }
}

impl Error for Reason {}

fn describe(status: u16) -> String {
    let reason = reqwest::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}

fn of(received: u64, expected: Option<u64>) -> String {
    expected.map_or_else(
        || format!("{received} bytes"),
        |expected| format!("{received} of {expected} bytes"),
    )
}

/// The port says which of several servers on a host is meant.
fn host_and_port(url: &SafeUrl) -> String {
    match url.as_url().port() {
        Some(port) => format!("{}:{port}", url.host()),
        None => url.host().to_owned(),
    }
}
