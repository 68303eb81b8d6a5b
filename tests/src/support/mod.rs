//! One file for each thing a test talks about.

pub mod authority;
pub mod clock;
pub mod desk;
pub mod events;
pub mod fault;
pub mod forge;
pub mod git_site;
pub mod hostile;
pub mod http;
pub mod index;
pub mod liar;
pub mod many;
pub mod notify;
pub mod numbers;
pub mod openapi;
pub mod packd;
pub mod packs;
pub mod page;
pub mod people;
pub mod process;
pub mod programs;
pub mod publisher;
pub mod repository;
pub mod scene;
pub mod settings;
pub mod site;
pub mod strace;
pub mod transcript;
pub mod tree;
pub mod watch;

#[cfg(test)]
mod tests;
