//! Step 3 of 7: safe extraction, within the limits of the configuration.
//!
//! It runs inside the pass of [`super::fetch`]: bytes are written as they
//! arrive, into a folder that nobody looks at until their digest has agreed.
//! What may be written, and how, is `packd_format::archive`'s matter.

use packd_format::archive::Limits;

use crate::config;

/// The limits of extraction, as configured.
pub(super) fn limits(config: &config::Limits) -> Limits {
    Limits {
        pack_bytes: config.pack_bytes.bytes(),
        file_bytes: config.file_bytes.bytes(),
        entries: config.pack_entries,
        ..Limits::default()
    }
}
