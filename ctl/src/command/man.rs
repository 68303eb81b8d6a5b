//! `man`: the manual pages, made from the same words as the help.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_mangen::Man as Page;
use packd_format::error::without_path;
use packd_wire::Exit;

use crate::Ending;
use crate::args::Args;
use crate::output::{Failure, Output};

/// Print the manual page, or write one per verb
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write packctl.1, packctl-install.1, … into this folder instead
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let command = Args::command();
        if let Some(dir) = self.dir {
            let failed = |error: std::io::Error| {
                let doing = format!("cannot write manual pages into `{}`", dir.display());
                Failure::of(Exit::Failed, doing, &without_path(&error))
            };
            fs_err::create_dir_all(&dir).map_err(failed)?;
            clap_mangen::generate_to(command, &dir).map_err(failed)?;
            return Ok(Ending::Exit(Exit::Done));
        }
        let mut page = Vec::new();
        Page::new(command)
            .manual("packd")
            .render(&mut page)
            .map_err(|error| Failure::of(Exit::Failed, "cannot write the manual page", &error))?;
        out.data(&String::from_utf8_lossy(&page));
        Ok(Ending::Exit(Exit::Done))
    }
}
