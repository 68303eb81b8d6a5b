//! Where a value came from, for messages and for the listing of the effective configuration.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was said; the code's own value.
    Default,
    /// A line of a file.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: Arc<str>,
    },
    /// An option of the command line.
    Flag {
        /// The option, with its dashes.
        name: &'static str,
    },
    /// A registry that was added while packd ran.
    Added {
        /// Its name.
        name: Arc<str>,
    },
}

impl Origin {
    /// The same place, at another line of it. What has no lines stays as it is.
    pub(super) fn at_line(&self, line: usize) -> Self {
        match self {
            Self::File { path, .. } => Self::File {
                path: Arc::clone(path),
                line,
            },
            other => other.clone(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => write!(f, "env {name}"),
            Self::Flag { name } => write!(f, "flag {name}"),
            Self::Added { name } => write!(f, "registry `{name}`, which was added"),
        }
    }
}
