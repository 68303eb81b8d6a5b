//! `packd`: owns this host's pack store and install queue.
//!
//! The modules, from lowest to highest; each may use those before it in this
//! list, never those after. `docs/architecture.md` walks one install through them.

mod api;
pub mod config;
mod event;
pub mod fault;
mod gc;
mod health;
mod hook;
mod host;
mod install;
pub mod logging;
mod metric;
mod net;
mod pulse;
mod queue;
mod registry;
mod resolve;
mod sandbox;
mod service;
mod source;
mod store;
mod update;
mod watch;
mod worker;

use std::process::ExitCode;

use clap::Parser;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Runs the program: reads the configuration, then serves until it is told to stop.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = sandbox::main(std::env::args_os().skip(1)) {
        return code;
    }
    let args = config::Args::parse();
    let inputs = config::Inputs::from_process(&args);
    if args.check_config {
        let (text, code) = config::check(&inputs, service::takes_over);
        return logging::print(&text, code);
    }
    let effective = match config::load(&inputs) {
        Ok(effective) => effective,
        Err(error) => return logging::refuse(&error, error.hint()),
    };
    logging::start(args.log_format, effective.config.log.level);
    // what it knows of secrets is for no debugger and no core file, also of its own user's
    if let Err(errno) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%errno, "other processes of this user can read the memory of packd");
    }
    for warning in &effective.warnings {
        tracing::warn!("{warning}");
    }
    match service::run(inputs, effective) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => logging::refuse(&error, error.hint()),
    }
}
