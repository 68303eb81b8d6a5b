//! Reading the configuration again, while everything runs.

use packd_wire::ReloadView;

use crate::config::{self, ConfigError, Inputs, Shared};

/// Reads the files again and, if nothing is wrong in them, puts them in force. Blocks.
///
/// # Errors
/// Everything that is wrong; the old configuration stays in force.
pub(super) fn run(inputs: &Inputs, shared: &Shared) -> Result<ReloadView, ConfigError> {
    let effective = config::load(inputs).inspect_err(|error| {
        for problem in error.problems() {
            tracing::error!("{problem}");
        }
        tracing::error!("the configuration is wrong; the old one stays in force");
    })?;
    for warning in &effective.warnings {
        tracing::warn!("{warning}");
    }
    crate::logging::set_level(effective.config.log.level);
    let old = shared.replace(effective.config);
    let difference = config::diff(&old, &shared.current());
    if !difference.needs_restart.is_empty() {
        tracing::warn!(
            "these wait for a restart: {}",
            difference.needs_restart.join(", ")
        );
    }
    tracing::info!(
        "configuration reloaded; {} settings are different",
        difference.changed.len()
    );
    Ok(ReloadView {
        changed: difference.changed,
        needs_restart: difference.needs_restart,
    })
}
