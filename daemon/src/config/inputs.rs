//! What the configuration is made from: the paths, the environment and the command line of one start.
//!
//! Kept for the life of the process, so that a reload reads the same files and obeys the same flags.

use std::path::PathBuf;

use super::{Args, Environment, Layout, Origin};

/// Everything [`super::load()`] reads from, but for the content of the files.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The paths, each already decided.
    pub layout: Layout,
    /// Whether somebody named the configuration file, which must exist then.
    pub(super) config_named: bool,
    /// Where the paths came from, in the order of [`Layout`]'s fields.
    pub(super) layout_origins: [Origin; 3],
    /// The variables of the process.
    pub environment: Environment,
    /// Keys that the command line or a variable of its own sets, weakest first.
    pub(super) overrides: Vec<Override>,
}

/// One key that is set from outside of the files.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    pub(super) origin: Origin,
    pub(super) text: String,
}

impl Inputs {
    /// What a start with these arguments in this process reads from.
    #[must_use]
    pub fn from_process(args: &Args) -> Self {
        Self::new(args, Environment::of_process())
    }

    /// What a start with these arguments in this environment reads from.
    #[must_use]
    pub fn new(args: &Args, environment: Environment) -> Self {
        let decide = |flag: &Option<PathBuf>, name: &'static str, variable: &str, default: &str| {
            let (path, origin) = match (flag, set(&environment, variable)) {
                (Some(path), _) => (path.clone(), Origin::Flag { name }),
                (None, Some(path)) => (
                    path.into(),
                    Origin::Environment {
                        name: variable.into(),
                    },
                ),
                (None, None) => (default.into(), Origin::Default),
            };
            // the daemon may change its folder; where it cannot be made absolute it stays as it is,
            // and the first use of it tells
            (std::path::absolute(&path).unwrap_or(path), origin)
        };
        let (config_file, config_origin) = decide(
            &args.config,
            "--config",
            "PACKD_CONFIG",
            Layout::CONFIG_FILE,
        );
        let (state_dir, state_origin) = decide(
            &args.state_dir,
            "--state-dir",
            "PACKD_STATE_DIR",
            Layout::STATE_DIR,
        );
        let (socket, socket_origin) =
            decide(&args.socket, "--socket", "PACKD_SOCKET", Layout::SOCKET);

        let level = |origin, text: &str| Override {
            section: "log",
            key: "level",
            origin,
            text: text.to_owned(),
        };
        let variable = set(&environment, "PACKD_LOG");
        let variable = variable.map(|text| {
            level(
                Origin::Environment {
                    name: "PACKD_LOG".into(),
                },
                text,
            )
        });
        let flag = args.log_level.as_deref();
        let flag = flag.map(|text| {
            level(
                Origin::Flag {
                    name: "--log-level",
                },
                text,
            )
        });

        Self {
            layout: Layout {
                state_dir,
                socket,
                config_file,
            },
            config_named: config_origin != Origin::Default,
            layout_origins: [state_origin, socket_origin, config_origin],
            overrides: variable.into_iter().chain(flag).collect(),
            environment,
        }
    }
}

/// The value of a variable; an empty one counts as not set.
fn set<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).filter(|value| !value.is_empty())
}
