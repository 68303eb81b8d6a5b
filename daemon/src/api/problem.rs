//! Errors on their way out: `application/problem+json`, with the status that follows from the kind.
//!
//! A [`Refusal`] is what handlers fail with. The problem travels beside the response until the last
//! moment, so that the audit can read its kind, and so that what only an admin may know can be left
//! out for everybody else.

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use packd_wire::{ErrorKind, Problem, Role};

use crate::queue::QueueError;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// What a request is refused with.
#[derive(Debug)]
pub(crate) struct Refusal(Box<Problem>);

impl Refusal {
    /// A refusal with neither causes nor hint.
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let mut problem = Problem::new(kind, detail);
        problem.retryable = can_pass(kind);
        Self(Box::new(problem))
    }

    /// The refusal of an error and what led to it.
    pub(crate) fn of_error(kind: ErrorKind, error: &dyn Error, hint: Option<String>) -> Self {
        let mut problem = Problem::of_error(kind, error);
        problem.retryable = can_pass(kind);
        problem.hint = match (kind, hint) {
            // of a job it is known how much that is
            (ErrorKind::NoSpace, Some(hint)) => Some(format!(
                "{hint}; `packctl gc` removes what nothing needs, on a full disk too"
            )),
            (_, hint) => hint,
        };
        Self(Box::new(problem))
    }

    /// Answering failed because of a defect in packd.
    pub(crate) fn panicked() -> Self {
        Self::new(ErrorKind::Internal, "the request ended in a panic")
    }

    /// The same as it is said of one pack of several.
    pub(crate) fn about(mut self, pack: &str) -> Self {
        self.0.detail = format!("`{pack}`: {}", self.0.detail);
        self
    }

    /// The same with one thing to try.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// What will be sent.
    pub(crate) fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::of_error(error.kind(), &error, error.hint())
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        Self::of_error(error.kind(), &error, error.hint())
    }
}

impl From<QueueError> for Refusal {
    fn from(error: QueueError) -> Self {
        Self::of_error(error.kind(), &error, error.hint())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
            .extensions_mut()
            .insert(Arc::<Problem>::from(self.0));
        response
    }
}

/// The problem that a response carries, when it is a refusal.
pub(crate) fn of_response(response: &Response) -> Option<&Problem> {
    response
        .extensions()
        .get::<Arc<Problem>>()
        .map(AsRef::as_ref)
}

/// The response as this role may see it: what failed inside the daemon, with its paths, is for admins;
/// everybody else learns the kind, and the log has the rest.
pub(crate) fn for_role(response: Response, role: Role) -> Response {
    match of_response(&response) {
        Some(problem) if problem.kind.is_inner() => {
            let (kind, causes) = (problem.kind, problem.causes.join(": "));
            // a reload logs what is wrong with a configuration, line by line, and so does a refresh
            if kind != ErrorKind::InvalidConfig {
                tracing::error!(kind = kind.as_str(), %causes, "{}", problem.detail);
            }
            if role == Role::Admin {
                return response;
            }
            Refusal::new(kind, "the daemon could not do it")
                .hint("its log says why: `journalctl -u packd`, or ask an administrator")
                .into_response()
        }
        _ => response,
    }
}

/// Kinds that the same request need not meet again.
fn can_pass(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TooMany
            | ErrorKind::ShuttingDown
            | ErrorKind::Timeout
            | ErrorKind::NoSpace
            | ErrorKind::RegistryUnreachable
            | ErrorKind::FetchFailed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_status_of_its_kind_and_says_so_in_its_type() {
        for kind in ErrorKind::ALL {
            let response = Refusal::new(*kind, "detail").into_response();
            assert_eq!(response.status().as_u16(), kind.status(), "{kind}");
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "application/problem+json",
                "{kind}"
            );
            assert_eq!(
                of_response(&response).map(|problem| problem.kind),
                Some(*kind),
                "{kind}"
            );
        }
    }

    #[test]
    fn only_an_admin_sees_what_failed_inside() {
        let inner = || {
            Refusal::new(ErrorKind::Database, "cannot open `/var/lib/packd/packd.db`")
                .into_response()
        };
        let detail =
            |response: &Response| of_response(response).map(|problem| problem.detail.clone());
        let admin = detail(&for_role(inner(), Role::Admin)).unwrap_or_default();
        let reader = detail(&for_role(inner(), Role::Reader)).unwrap_or_default();
        assert!(
            admin.contains("/var/lib"),
            "an admin sees the path: {admin}"
        );
        assert!(!reader.contains("/var/lib"), "a reader does not: {reader}");
        let outer = for_role(
            Refusal::new(ErrorKind::JobNotFound, "there is no job 7").into_response(),
            Role::Reader,
        );
        assert_eq!(
            detail(&outer).as_deref(),
            Some("there is no job 7"),
            "what is wrong with the request stays"
        );
    }
}
