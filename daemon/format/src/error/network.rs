//! What both programs say of a server that did not serve them, and when another try can help.
//!
//! Words and numbers only: what the errors of an HTTP library mean, those who use one know.

/// How far a request came that nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The host's name has no address.
    Resolve,
    /// No connection.
    Connect,
    /// The server is not who it says.
    Certificate,
    /// The connection broke before an answer, or the answer is not HTTP.
    Answer,
}

impl Stage {
    /// What could not be done, for the message of an error.
    #[must_use]
    pub fn failed(self, host: &str) -> String {
        let what = match self {
            Self::Resolve => "find the address of",
            Self::Connect => "connect to",
            Self::Certificate => "trust the certificate of",
            Self::Answer => "get an answer from",
        };
        format!("cannot {what} `{host}`")
    }
}

/// Whether an HTTP status speaks of now and not of the request, which can succeed later as it is.
#[must_use]
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}
