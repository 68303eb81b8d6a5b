//! The program under the name `attune`: the command line of Attune's client, with packctl's verbs behind it.
//!
//! Scripts that say `attune pack VERB …` run unchanged. What the flags of a verb mean is what Attune's documents
//! say; how the verb works, what it prints and what it exits with is packctl's own. Only `pack` is here: packd
//! knows nothing of the rest of Attune.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use super::{Args, Command, Format, Global, output};
use crate::command;
use crate::command::changes::Waiting;

/// The name that a link to the program has, for it to understand Attune's command line.
const NAME: &str = "attune";

/// Whether the program was called by Attune's name.
pub(super) fn is_called_for(program: &OsStr) -> bool {
    Path::new(program).file_name() == Some(OsStr::new(NAME))
}

/// Attune's `pack` commands, done by packctl
#[derive(Debug, Parser)]
#[command(name = NAME, bin_name = NAME, version, styles = super::STYLES, after_help = super::AFTER)]
#[command(disable_help_subcommand = true, max_term_width = 100)]
struct Attune {
    #[command(flatten)]
    global: Global,

    /// Profile of Attune's client; packd has none, so this is ignored
    #[arg(long, short, global = true, value_name = "NAME", hide = true)]
    profile: Option<String>,

    /// Address of Attune's API; packd is asked instead, so this is ignored
    #[arg(long, global = true, value_name = "URL", hide = true)]
    api_url: Option<String>,

    /// The same as --output yaml
    #[arg(long, short, global = true)]
    yaml: bool,

    /// Say more, which only `test` can
    // the same name and kind as that of `test`, which hears it wherever it stands
    #[arg(long, short, global = true, overrides_with = "verbose", hide = true)]
    verbose: bool,

    #[command(subcommand)]
    group: Group,
}

#[derive(Debug, Subcommand)]
enum Group {
    /// Packs, and the indexes they are listed in
    #[command(subcommand)]
    Pack(Verb),
}

/// What Attune's client can do with packs.
#[derive(Debug, Subcommand)]
enum Verb {
    Install(Install),
    /// Install a folder on this machine
    Register(Local),
    /// Install a folder or an archive on this machine
    Upload(Local),
    #[command(visible_alias = "remove")]
    Uninstall(Uninstall),
    List(List),
    Show(command::show::Show),
    Search(command::search::Search),
    /// List the registries in the order they are asked
    Registries,
    /// Look at the registries and at what they offer
    #[command(subcommand)]
    Index(Index),
    Test(command::offline::test::Test),
    Checksum(command::offline::checksum::Checksum),
    IndexEntry(command::offline::index_entry::IndexEntry),
    IndexUpdate(command::offline::index_update::IndexUpdate),
    IndexMerge(command::offline::index_merge::IndexMerge),
    Create(command::offline::create::Create),
}

/// Install a pack
#[derive(Debug, clap::Args)]
#[group(id = "attune-install")]
struct Install {
    #[command(flatten)]
    verb: command::install::Install,

    /// Branch, tag or commit of a git source; the same as --ref
    #[arg(long, short, value_name = "GIT_REF")]
    ref_spec: Option<String>,

    /// Wait for the end, which is done anyway
    #[arg(long, hide = true)]
    wait: bool,
}

#[derive(Debug, clap::Args)]
struct Local {
    /// The folder or the archive
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// Install again what is installed
    #[arg(long, short)]
    force: bool,

    /// Do not run the pack's own tests, and do not check what it depends on
    #[arg(long)]
    skip_tests: bool,

    #[command(flatten)]
    waiting: Waiting,
}

/// Remove a pack
#[derive(Debug, clap::Args)]
struct Uninstall {
    /// The pack
    #[arg(value_name = "REF")]
    pack_ref: String,

    /// Nothing is ever asked
    #[arg(long, hide = true)]
    yes: bool,

    #[command(flatten)]
    waiting: Waiting,
}

/// List the packs that are installed
#[derive(Debug, clap::Args)]
#[group(id = "attune-list")]
struct List {
    /// Only this pack
    #[arg(long, short, value_name = "REF")]
    name: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Index {
    /// List the registries in the order they are asked
    List,
    /// List what the registries offer
    Browse(command::search::Search),
    /// List the versions of a pack that registries offer
    Show(command::versions::Versions),
}

/// Reads Attune's command line, the name of the program first.
pub(super) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let attune = Attune::try_parse_from(output::with_files_apart(words))?;
    let mut global = attune.global;
    if attune.yaml {
        global.output = Format::Yaml;
    }
    let ignored = [
        ("--profile", attune.profile.is_some()),
        ("--api-url", attune.api_url.is_some()),
    ];
    let Group::Pack(verb) = attune.group;
    Ok(Args {
        global,
        ignored: ignored
            .into_iter()
            .filter_map(|(flag, given)| given.then_some(flag))
            .collect(),
        command: Command::Pack(verb.in_own_words()),
    })
}

impl Verb {
    /// The verb of packctl that does it.
    fn in_own_words(self) -> super::Verb {
        use command::registry::Registry;
        match self {
            Self::Install(Install { verb, ref_spec, .. }) => {
                super::Verb::Install(verb.meant_by_attune(ref_spec))
            }
            Self::Register(local) | Self::Upload(local) => {
                super::Verb::Install(command::install::Install::of_path(
                    &local.path,
                    local.force,
                    local.skip_tests,
                    local.waiting,
                ))
            }
            Self::Uninstall(Uninstall {
                pack_ref, waiting, ..
            }) => super::Verb::Remove(command::remove::Remove::of(pack_ref, waiting)),
            Self::List(List { name }) => super::Verb::List(command::list::List::of(name)),
            Self::Show(verb) => super::Verb::Show(verb),
            Self::Search(verb) | Self::Index(Index::Browse(verb)) => super::Verb::Search(verb),
            Self::Registries | Self::Index(Index::List) => super::Verb::Registry(Registry::List),
            Self::Index(Index::Show(verb)) => super::Verb::Versions(verb),
            Self::Test(verb) => super::Verb::Test(verb),
            Self::Checksum(verb) => super::Verb::Checksum(verb),
            Self::Create(verb) => super::Verb::Create(verb),
            Self::IndexEntry(verb) => super::Verb::IndexEntry(verb),
            Self::IndexUpdate(verb) => super::Verb::IndexUpdate(verb),
            Self::IndexMerge(verb) => super::Verb::IndexMerge(verb),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use clap::CommandFactory as _;

    use super::*;

    fn of(line: &str) -> Result<Args, clap::Error> {
        Args::of(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_definition_holds_together() {
        Attune::command().debug_assert();
    }

    #[test]
    fn what_scripts_say_is_understood() {
        for line in [
            "attune pack install slack",
            "/usr/local/bin/attune pack install https://example.org/x.git --ref-spec v1.2.3 --skip-tests",
            "attune pack install https://example.org/x.git -r main --skip-deps --force --wait",
            "attune --profile prod --api-url https://attune.example -j pack install slack --no-registry",
            "attune pack register ./my-pack --force --skip-tests",
            "attune pack upload my-pack",
            "attune pack uninstall slack --yes",
            "attune pack list -n slack",
            "attune -y pack show slack",
            "attune pack search chat -r acme",
            "attune pack registries",
            "attune pack index browse chat",
            "attune --output json pack index-entry . --git-url https://example.org/x.git --git-ref v1.2.3",
            "attune pack index-entry . --format json",
            "attune pack checksum . --json",
            "attune --output json pack checksum .",
            "attune pack test . --detailed",
            "attune pack test . -v",
            "attune --verbose pack list",
            "attune -v pack checksum .",
            "attune -vv pack checksum .",
            "attune pack -v checksum .",
            "attune pack checksum . -v",
            "attune pack checksum . --verbose",
            "attune pack index-merge -v --file merged.json a.json",
            "attune pack show slack -y -v",
            "attune pack search chat -p prod -v",
            "attune pack index-update --index index.json . --git-url https://example.org/x.git --git-ref v1.2.3 --update",
            "attune pack index-update -i index.json . -g https://example.org/x.git -r v1.2.3 -u",
            "attune pack index-update -i index.json . -a https://example.org/x.tar.gz",
            "attune pack create my_pack",
            "attune pack index-merge --output merged.json a.json b.json",
            "attune pack index-merge --file merged.json a.json --force",
        ] {
            let parsed = of(line);
            assert!(
                parsed.is_ok(),
                "`{line}` was refused: {}",
                parsed.err().map_or_else(String::new, |e| e.to_string())
            );
        }
    }

    #[test]
    fn what_is_no_pack_command_is_refused() {
        for line in ["attune", "attune action list", "attune install slack"] {
            assert_eq!(
                of(line).map_err(|error| error.exit_code()).err(),
                Some(2),
                "`{line}` was taken"
            );
        }
    }

    #[test]
    fn what_has_no_meaning_here_is_said() {
        let args = of("attune -p prod pack list --api-url https://attune.example").unwrap();
        assert_eq!(args.ignored, ["--profile", "--api-url"]);
        assert!(of("attune pack list").unwrap().ignored.is_empty());
    }

    /// `test` has a flag of that name, and both are one.
    #[test]
    fn to_say_more_reaches_the_tests_from_wherever_it_stands() {
        for line in [
            "attune -v pack test .",
            "attune pack --verbose test .",
            "attune pack test . -v",
        ] {
            let parsed = format!("{:?}", of(line).unwrap());
            assert!(parsed.contains("verbose: true"), "`{line}`: {parsed}");
        }
        let parsed = format!("{:?}", of("attune pack test .").unwrap());
        assert!(parsed.contains("verbose: false"), "{parsed}");
    }

    #[test]
    fn to_skip_tests_skips_dependencies_too_under_this_name_only() {
        let skips = |line: &str| match of(line).unwrap().command {
            Command::Pack(verb) | Command::Verb(verb) => match verb {
                super::super::Verb::Install(install) => install.skips_dependencies(),
                other => panic!("another verb came of it: {other:?}"),
            },
        };
        assert!(skips("attune pack install slack --skip-tests"));
        assert!(!skips("attune pack install slack"));
        assert!(!skips("packctl pack install slack --skip-tests"));
    }
}
