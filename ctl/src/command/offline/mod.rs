//! The verbs that need no daemon: what a maintainer and a CI job do with packs and indexes.

pub(crate) mod entry;
pub(crate) mod index_entry;
