//! The verbs: one file each, and what those that queue jobs have in common.
//!
//! The first line of a verb's comment is its line in the help.

pub(crate) mod apply;
mod asked;
pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod export;
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
mod packs_file;
pub(crate) mod plan_file;
pub(crate) mod registry;
pub(crate) mod remove;
pub(crate) mod rollback;
pub(crate) mod search;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod tests;
mod told;
pub(crate) mod update;
pub(crate) mod verify;
pub(crate) mod versions;
