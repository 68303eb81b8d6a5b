//! The command line of `packd`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// What the environment can say instead of a flag; a flag is stronger.
const ENVIRONMENT: &str = "\
Environment:
  PACKD_CONFIG, PACKD_STATE_DIR, PACKD_SOCKET, PACKD_LOG  as the flags of these names (PACKD_LOG: --log-level)
  PACKD__SECTION__KEY=VALUE                               any key of the configuration file";

/// The pack agent: owns this host's pack store and install queue
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "packd", version, max_term_width = 100, after_help = ENVIRONMENT)]
pub struct Args {
    /// The configuration file [default: /etc/packd/packd.yaml]
    ///
    /// Drop-ins are read from the folder `conf.d` beside it. A file that is named here must exist.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The folder of the store and the database [default: /var/lib/packd]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// The socket of the API [default: /run/packd/packd.sock]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,

    /// Print the effective configuration with the origin of each value, or everything that is wrong
    /// with it, and exit
    #[arg(long)]
    pub check_config: bool,

    /// Where and how to log [default: journald when started by systemd, else human]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// The least important messages to log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// Where log lines go, and how they look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people, on stderr.
    Human,
    /// One JSON object per line, on stderr.
    Json,
    /// Structured entries in the journal.
    Journald,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        let args = Args::try_parse_from(["packd", "--log-format", "json", "--state-dir", "/s"]);
        let args = args.map_err(|error| error.to_string());
        assert_eq!(
            args.as_ref().map(|args| args.log_format),
            Ok(Some(LogFormat::Json))
        );
        assert_eq!(args.map(|args| args.state_dir), Ok(Some("/s".into())));
        assert!(
            Args::try_parse_from(["packd", "start"]).is_err(),
            "there are no words, only flags"
        );
    }
}
