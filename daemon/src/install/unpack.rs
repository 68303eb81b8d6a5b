//! Step 3 of 7: safe extraction, within the limits of the configuration.
//!
//! It runs inside the pass of [`super::fetch`]: bytes are written as they
//! arrive, into a folder that nobody looks at until their digest has agreed.
//! What may be written, and how, is `packd_format::archive`'s matter.

pub(super) use crate::source::limits;
