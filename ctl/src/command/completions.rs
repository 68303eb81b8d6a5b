//! `completions`: what a shell needs to complete packctl's words.

use clap::CommandFactory as _;
use clap_complete::Shell;
use packd_wire::Exit;

use crate::Ending;
use crate::args::Args;
use crate::output::Output;

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, out: &mut Output) -> Ending {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "packctl", &mut script);
        out.data(&String::from_utf8_lossy(&script));
        Ending::Exit(Exit::Done)
    }
}
