//! `metrics`: figures for monitoring.

use std::path::PathBuf;

use packd_wire::Exit;

use crate::Ending;
use crate::client::Client;
use crate::file::{FileError, Locked};
use crate::output::{Failure, Output};

/// Print figures for monitoring, as OpenMetrics
///
/// With --textfile they are written to a file, as a whole or not at all: for the textfile collector of Prometheus'
/// node exporter, from a timer.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl metrics
  packctl metrics --textfile /var/lib/prometheus/node-exporter/packd.prom")]
pub(crate) struct Metrics {
    /// Write them to this file
    #[arg(long, value_name = "PATH")]
    textfile: Option<PathBuf>,
}

impl Metrics {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let text = client.metrics().await?;
        match &self.textfile {
            None => out.data(&text),
            Some(path) => {
                let file = Locked::new(path)?;
                file.replace(|to| {
                    to.write_all(text.as_bytes())
                        .map_err(FileError::io("write", path))
                })?;
            }
        }
        Ok(Ending::Exit(Exit::Done))
    }
}
