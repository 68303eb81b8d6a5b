//! The verbs for those who make packs and keep registries: they need no daemon, and never look for one.

pub(crate) mod build;
pub(crate) mod checksum;
pub(crate) mod create;
pub(crate) mod entry;
pub(crate) mod index_entry;
pub(crate) mod index_merge;
pub(crate) mod index_update;
pub(crate) mod index_validate;
mod large;
pub(crate) mod lint;
mod made;
mod place;
pub(crate) mod sign;
pub(crate) mod test;

#[cfg(test)]
mod tests;
