//! The verbs: one file each, and what those that queue jobs have in common.
//!
//! The first line of a verb's comment is its line in the help.

pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod completions;
pub(crate) mod events;
mod folder;
pub(crate) mod gc;
pub(crate) mod generations;
pub(crate) mod hold;
pub(crate) mod install;
mod interrupt;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod metrics;
pub(crate) mod offline;
pub(crate) mod plan_file;
pub(crate) mod registry;
pub(crate) mod remove;
pub(crate) mod rollback;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod tests;
pub(crate) mod update;
pub(crate) mod verify;
pub(crate) mod versions;
