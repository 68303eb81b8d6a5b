//! `completions`: what a shell needs to complete packctl's words.

use clap_complete::Shell;
use packd_wire::Exit;

use crate::Ending;
use crate::complete;
use crate::output::{Failure, Output};

/// Print the completions of a shell
///
/// The script asks packctl for the words that fit, and packctl the running packd for the names of packs, jobs and
/// registries. The packages install it; by hand it is read when a shell starts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl completions bash >~/.local/share/bash-completion/completions/packctl
  packctl completions zsh >~/.zfunc/_packctl
  packctl completions fish >~/.config/fish/completions/packctl.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let shell = self.shell.to_string();
        match complete::script(&shell) {
            Some(Ok(script)) => out.data(&String::from_utf8_lossy(&script)),
            Some(Err(error)) => {
                return Err(Failure::of(Exit::Failed, "cannot make the script", &error));
            }
            None => {
                let text = format!("there are no completions for `{shell}`");
                return Err(Failure::new(Exit::Usage, text));
            }
        }
        Ok(Ending::Exit(Exit::Done))
    }
}
