//! What may be typed: the options that every verb takes, and the verbs.
//!
//! The first line of each verb's comment is its line in `--help` and in the man
//! page. What a verb does with its arguments is in its file under `command`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand, ValueEnum};

use crate::Ending;
use crate::client::Client;
use crate::command;
use crate::output::{Failure, Output};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER: &str = "\
Exit codes: 0 done (also when nothing had to change), 1 failed, 2 usage, 3 not found, \
4 not permitted, 5 daemon not reachable, 6 busy or transient (a retry can help), \
7 still running when --timeout ended, 130 detached by Ctrl-C.";

/// Install automation packs on this host and look after them
///
/// Verbs that change something queue a job on the running packd and follow it until it has ended.
/// Data goes to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "packctl",
    bin_name = "packctl",
    version,
    styles = STYLES,
    after_help = AFTER,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,

    /// Flags that were given and have no meaning here.
    #[arg(skip)]
    ignored: Vec<&'static str>,

    #[command(subcommand)]
    command: Command,
}

/// The options that every verb takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Shape of the data on standard output
    #[arg(
        long,
        short,
        global = true,
        env = "PACKCTL_OUTPUT",
        value_enum,
        value_name = "FORMAT"
    )]
    #[arg(default_value_t = Format::Human, hide_env_values = true)]
    output: Format,

    /// The same as --output json
    #[arg(long, short = 'j', global = true)]
    json: bool,

    /// Socket of the daemon
    #[arg(long, global = true, env = "PACKD_SOCKET", value_name = "PATH")]
    #[arg(default_value = "/run/packd/packd.sock", hide_env_values = true)]
    pub(crate) socket: PathBuf,

    /// Say nothing but data and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    #[arg(default_value_t = Color::Auto)]
    pub(crate) color: Color,
}

impl Global {
    /// The shape asked for; `-j` wins, also over the environment.
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }
}

/// Shapes of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and sentences
    #[value(alias = "table")]
    Human,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
    /// One JSON object per line
    #[value(alias = "jsonl")]
    Ndjson,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// A verb, said directly or after `pack`.
#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Verb(Verb),

    /// The same verbs, said as `packctl pack VERB`
    #[command(hide = true, subcommand)]
    Pack(Verb),
}

/// The verbs, in the order of the help.
#[derive(Debug, Subcommand)]
enum Verb {
    Install(command::install::Install),
    #[command(visible_alias = "uninstall")]
    Remove(command::remove::Remove),
    Update(command::update::Update),
    Apply(command::apply::Apply),
    Export(command::export::Export),
    List(command::list::List),
    Show(command::show::Show),
    Search(command::search::Search),
    Versions(command::versions::Versions),
    Hold(command::hold::Hold),
    Unhold(command::hold::Unhold),
    Rollback(command::rollback::Rollback),
    #[command(visible_alias = "generation")]
    Generations(command::generations::Generations),
    Verify(command::verify::Verify),
    Gc(command::gc::Gc),
    #[command(subcommand)]
    Job(command::job::Job),
    Events(command::events::Events),
    #[command(subcommand, visible_alias = "registries")]
    Registry(command::registry::Registry),
    Status(command::status::Status),
    Doctor(command::doctor::Doctor),
    Metrics(command::metrics::Metrics),
    Audit(command::audit::Audit),
    Checksum(command::offline::checksum::Checksum),
    IndexEntry(command::offline::index_entry::IndexEntry),
    IndexUpdate(command::offline::index_update::IndexUpdate),
    IndexMerge(command::offline::index_merge::IndexMerge),
    IndexValidate(command::offline::index_validate::IndexValidate),
    IndexSign(command::offline::sign::index::IndexSign),
    IndexFresh(command::offline::sign::fresh::IndexFresh),
    IndexVerify(command::offline::sign::verify::IndexVerify),
    #[command(subcommand)]
    Key(command::offline::sign::key::KeyVerb),
    #[command(subcommand)]
    Root(command::offline::sign::root::RootVerb),
    Lint(command::offline::lint::Lint),
    Test(command::offline::test::Test),
    Tests(command::tests::Tests),
    Build(command::offline::build::Build),
    Create(command::offline::create::Create),
    Completions(command::completions::Completions),
    Man(command::man::Man),
}

impl Args {
    /// Reads a command line, the name of the program first: it decides whose language it is.
    ///
    /// # Errors
    /// What the reader says of a command line that makes no sense, or instead of one that asks for help.
    pub(crate) fn of(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words: Vec<OsString> = words.into_iter().collect();
        if words
            .first()
            .is_some_and(|name| attune::is_called_for(name))
        {
            return attune::parse(words);
        }
        let apart = output::with_files_apart(words);
        Self::try_parse_from(&apart).map_err(|error| output::explained(error, &apart))
    }

    /// Does what was typed.
    ///
    /// # Errors
    /// Whatever kept it from being done, ready to be shown.
    pub(crate) async fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        for flag in self.ignored {
            out.warn(&format!(
                "`{flag}` has no meaning for packd, and is ignored"
            ));
        }
        let client = Client::new(self.global.socket);
        let (Command::Verb(verb) | Command::Pack(verb)) = self.command;
        match verb {
            Verb::Install(verb) => verb.run(&client, out).await,
            Verb::Remove(verb) => verb.run(&client, out).await,
            Verb::Update(verb) => verb.run(&client, out).await,
            Verb::Apply(verb) => verb.run(&client, out).await,
            Verb::Export(verb) => verb.run(&client, out).await,
            Verb::List(verb) => verb.run(&client, out).await,
            Verb::Show(verb) => verb.run(&client, out).await,
            Verb::Search(verb) => verb.run(&client, out).await,
            Verb::Versions(verb) => verb.run(&client, out).await,
            Verb::Hold(verb) => verb.run(&client, out).await,
            Verb::Verify(verb) => verb.run(&client, out).await,
            Verb::Unhold(verb) => verb.run(&client, out).await,
            Verb::Rollback(verb) => verb.run(&client, out).await,
            Verb::Generations(verb) => verb.run(&client, out).await,
            Verb::Gc(verb) => verb.run(&client, out).await,
            Verb::Job(verb) => verb.run(&client, out).await,
            Verb::Events(verb) => verb.run(&client, out).await,
            Verb::Registry(verb) => verb.run(&client, out).await,
            Verb::Status(verb) => verb.run(&client, out).await,
            Verb::Doctor(verb) => verb.run(&client, out).await,
            Verb::Metrics(verb) => verb.run(&client, out).await,
            Verb::Audit(verb) => verb.run(&client, out).await,
            Verb::Checksum(verb) => verb.run(out),
            Verb::IndexEntry(verb) => verb.run(out).await,
            Verb::IndexUpdate(verb) => verb.run(out).await,
            Verb::IndexMerge(verb) => verb.run(out),
            Verb::IndexValidate(verb) => verb.run(out).await,
            Verb::IndexSign(verb) => verb.run(out),
            Verb::IndexFresh(verb) => verb.run(out),
            Verb::IndexVerify(verb) => verb.run(out),
            Verb::Key(verb) => verb.run(out),
            Verb::Root(verb) => verb.run(out),
            Verb::Lint(verb) => verb.run(out),
            Verb::Test(verb) => verb.run(&client, out).await,
            Verb::Tests(verb) => verb.run(&client, out).await,
            Verb::Build(verb) => verb.run(out),
            Verb::Create(verb) => verb.run(out),
            Verb::Completions(verb) => verb.run(out),
            Verb::Man(verb) => verb.run(out),
        }
    }
}

mod attune;
mod output;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
