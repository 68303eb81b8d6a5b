//! Plans as files: what `--plan-file` writes, and `apply` reads.
//!
//! ```json
//! {"packd_plan": 1, "summary": "install slack", "force": false, "skip_deps": false, "skip_tests": false,
//!  "plan": {"generation": 41, "changes": [{"ref": "slack", "action": "upgrade", "from": "1.0.0", "to": "2.1.0", …}]}}
//! ```

use std::path::{Path, PathBuf};

use packd_wire::{ApplyRequest, Exit, JobView, PlanView};
use serde::{Deserialize, Serialize};

use crate::file::{FileError, Locked};
use crate::output::Failure;

/// The form of the file that this version writes, and the only one it reads.
const FORM: u32 = 1;

/// The largest plan that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, as it was given"
)]
struct PlanFile {
    /// The form of the file.
    packd_plan: u32,
    /// What the plan was made for.
    summary: String,
    /// The flags that it was made with.
    force: bool,
    skip_deps: bool,
    skip_tests: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    change_origin: bool,
    plan: PlanView,
}

/// Only which form it has.
#[derive(Deserialize)]
struct Formed {
    packd_plan: Option<u32>,
}

/// Why a file is no plan.
#[derive(Debug, thiserror::Error)]
enum PlanFileError {
    /// It cannot be read.
    #[error("cannot read the plan `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// It is larger than any plan.
    #[error("`{}` is larger than any plan", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("`{}` is no plan of packctl", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It has a form that came later.
    #[error("the plan `{}` has form {form}, and this packctl reads form {FORM}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Its form; 0 when it does not say.
        form: u32,
    },
}

impl From<PlanFileError> for Failure {
    fn from(error: PlanFileError) -> Self {
        let exit = match &error {
            PlanFileError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Exit::NotFound
            }
            PlanFileError::Read { .. } => Exit::Failed,
            PlanFileError::TooLarge { .. }
            | PlanFileError::Other { .. }
            | PlanFileError::Form { .. } => Exit::Usage,
        };
        Self::of_error(exit, &error).with_hint("packctl install … --plan-file FILE writes a plan")
    }
}

/// Writes the plan of a job that was a dry run. The file is replaced as a whole.
///
/// # Errors
/// Why it cannot be written.
pub(crate) fn write(path: &Path, job: &JobView, request: &ApplyRequest) -> Result<(), Failure> {
    let file = PlanFile {
        packd_plan: FORM,
        summary: job.summary.clone(),
        force: request.force,
        skip_deps: request.skip_deps,
        skip_tests: request.skip_tests,
        change_origin: request.change_origin,
        plan: job.plan.clone().unwrap_or_default(),
    };
    let mut text = serde_json::to_string_pretty(&file)
        .map_err(|error| Failure::of(Exit::Failed, "cannot write the plan", &error))?;
    text.push('\n');
    let locked = Locked::new(path)?;
    locked.replace(|out| {
        out.write_all(text.as_bytes())
            .map_err(FileError::io("write", path))
    })?;
    Ok(())
}

/// Reads a plan, as the request that runs it.
///
/// # Errors
/// Why it is none.
pub(crate) fn read(path: &Path) -> Result<ApplyRequest, Failure> {
    let failed = |error: std::io::Error| PlanFileError::Read {
        path: path.to_owned(),
        source: packd_format::error::without_path(&error),
    };
    if fs_err::metadata(path).map_err(failed)?.len() > MAX_BYTES {
        return Err(PlanFileError::TooLarge {
            path: path.to_owned(),
        }
        .into());
    }
    let bytes = fs_err::read(path).map_err(failed)?;
    let other = |source| PlanFileError::Other {
        path: path.to_owned(),
        source,
    };
    let formed: Formed = serde_json::from_slice(&bytes).map_err(other)?;
    if formed.packd_plan != Some(FORM) {
        return Err(PlanFileError::Form {
            path: path.to_owned(),
            form: formed.packd_plan.unwrap_or_default(),
        }
        .into());
    }
    let file: PlanFile = serde_json::from_slice(&bytes).map_err(other)?;
    Ok(ApplyRequest {
        plan: Some(file.plan),
        summary: Some(file.summary),
        force: file.force,
        skip_deps: file.skip_deps,
        skip_tests: file.skip_tests,
        change_origin: file.change_origin,
        ..ApplyRequest::default()
    })
}

#[cfg(test)]
mod tests;
