//! `packctl`: the command line of packd.
//!
//! `args` says what may be typed, `command` has one file per verb, `client`
//! speaks to the daemon's Unix socket, `complete` answers shells, `output` is the only place that prints.
//! A verb turns arguments into a request, follows the job that comes of it, and
//! shows what became of it; it decides nothing about packs, the daemon does.

mod args;
mod checkout;
mod client;
mod clock;
mod command;
mod complete;
mod fetch;
mod file;
mod output;
mod supervisor;

use std::process::ExitCode;

use packd_wire::Exit;

use args::Args;
use output::{Failure, Output};
use tokio::signal::unix::SignalKind;

/// How a run of the program ends, when nothing stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With one of the exit codes of the documentation.
    Exit(Exit),
    /// Ctrl-C: what was followed goes on without us.
    Detached,
    /// By a signal, after what we ran ourselves was ended.
    Stopped(SignalKind),
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Exit(exit) => Self::from(exit as u8),
            Ending::Detached => Ending::Stopped(SignalKind::interrupt()).into(),
            // what a shell reports of a program that the signal ended
            Ending::Stopped(signal) => {
                let number = u8::try_from(signal.as_raw_value());
                Self::from(number.map_or(u8::MAX, |number| 128 | number))
            }
        }
    }
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = supervisor::main(std::env::args_os().skip(1)) {
        return code;
    }
    match complete::answered() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        // somebody is typing: no word is the answer
        Err(_) => return ExitCode::FAILURE,
    }
    let args = match Args::of(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8);
            // a closed terminal is no reason to fail differently
            return match error.print() {
                Ok(()) | Err(_) => ExitCode::from(code),
            };
        }
    };
    let mut out = Output::new(&args.global);
    let result = run(args, &mut out).and_then(|ending| out.finish().map(|()| ending));
    match result {
        Ok(ending) => ending.into(),
        Err(failure) => {
            out.failure(&failure);
            ExitCode::from(failure.exit() as u8)
        }
    }
}

fn run(args: Args, out: &mut Output) -> Result<Ending, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::of(Exit::Failed, "cannot start the runtime", &error))?;
    let result = runtime.block_on(args.run(out));
    // a thread that still reads a folder for an upload nobody waits for must not hold the exit up
    runtime.shutdown_background();
    result
}
