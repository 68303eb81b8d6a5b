//! `docs/cli.md`, made from the definition of the command line and compared with it.
//! `PACKD_WRITE_REFERENCE=1 cargo test -p packctl reference` writes it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::Args;

const HEAD: &str = "\
# The command line

Every verb of `packctl`, made from its code. `packctl VERB --help` says the same, and `packctl man --dir FOLDER` writes it as
manual pages. The daemon has few flags; [operations](operations.md#several-of-them) has them.

Data goes to standard output, everything else to standard error. `pack` before a verb changes nothing: `packctl pack install` is
`packctl install`.
";

/// A sentence of the help as Markdown: no bare angle brackets, no line ends.
fn prose(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('|', "\\|").replace('<', "&lt;")
}

fn paragraphs(text: &str) -> String {
    let parts: Vec<String> = text.split("\n\n").map(prose).collect();
    parts.join("\n\n")
}

/// How an argument is typed: `-o, --output <FORMAT>`, `<SOURCE>...`.
fn typed(arg: &Arg) -> String {
    let names: Vec<&str> = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(clap::builder::Str::as_str)
        .collect();
    let takes = arg.get_action().takes_values();
    let value = if takes {
        let name = names.join(" ");
        format!(
            "<{}>",
            if name.is_empty() {
                arg.get_id().as_str()
            } else {
                &name
            }
        )
    } else {
        String::new()
    };
    if arg.is_positional() {
        let many = arg
            .get_num_args()
            .is_some_and(|number| number.max_values() > 1);
        return format!("`{value}{}`", if many { "…" } else { "" });
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let flags: Vec<String> = short.into_iter().chain(long).collect();
    format!("`{}`", format!("{} {value}", flags.join(", ")).trim_end())
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let mut text = prose(&help.map(ToString::to_string).unwrap_or_default());
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if arg.get_action().takes_values() && !values.is_empty() {
        write!(text, ": {}", values.join(", ")).unwrap();
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        write!(text, ". Default: {}", defaults.join(", ")).unwrap();
    }
    if let Some(name) = arg.get_env() {
        write!(text, ". Environment: `{}`", name.to_string_lossy()).unwrap();
    }
    text
}

fn table<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let rows: Vec<&Arg> = args.collect();
    if rows.is_empty() {
        return;
    }
    page.push_str("\n| | |\n|---|---|\n");
    for arg in rows {
        writeln!(page, "| {} | {} |", typed(arg), meaning(arg)).unwrap();
    }
}

fn own(arg: &Arg) -> bool {
    !arg.is_global_set() && !arg.is_hide_set() && !says_itself(arg)
}

/// `--help` and `--version`.
fn says_itself(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

fn verb(page: &mut String, command: &Command, parents: &str) {
    let name = format!("{parents} {}", command.get_name());
    let level = if parents.contains(' ') { "###" } else { "##" };
    writeln!(page, "\n{level} `{name}`\n").unwrap();
    let about = command.get_long_about().or_else(|| command.get_about());
    page.push_str(&paragraphs(
        &about.map(ToString::to_string).unwrap_or_default(),
    ));
    page.push('\n');
    let aliases: Vec<String> = command
        .get_visible_aliases()
        .map(|alias| format!("`{alias}`"))
        .collect();
    if !aliases.is_empty() {
        writeln!(page, "\nAlso called {}.", aliases.join(", ")).unwrap();
    }
    table(page, command.get_positionals().filter(|arg| own(arg)));
    let options = command.get_arguments().filter(|arg| !arg.is_positional());
    table(page, options.filter(|arg| own(arg)));
    if let Some(after) = command
        .get_after_long_help()
        .or_else(|| command.get_after_help())
    {
        writeln!(page, "\n```text\n{}\n```", after.to_string().trim_end()).unwrap();
    }
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        verb(page, inner, &name);
    }
}

fn page() -> String {
    let mut command = Args::command();
    command.build();
    let mut page = HEAD.to_owned();
    page.push_str("\n## Options of every verb\n");
    let globals = command
        .get_arguments()
        .filter(|arg| arg.is_global_set() && !says_itself(arg));
    table(&mut page, globals);
    let exits = command.get_after_help().unwrap().to_string();
    writeln!(
        page,
        "\n## Exit codes\n\n{}",
        prose(exits.trim_start_matches("Exit codes: "))
    )
    .unwrap();
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        verb(&mut page, inner, "packctl");
    }
    page
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "who runs the test says here that the page is to be written"
)]
fn the_page_says_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let expected = page();
    if std::env::var_os("PACKD_WRITE_REFERENCE").is_some() {
        fs_err::write(&path, &expected).unwrap();
    }
    let actual = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        actual == expected,
        "docs/cli.md is not what the code says; PACKD_WRITE_REFERENCE=1 writes it anew"
    );
}
