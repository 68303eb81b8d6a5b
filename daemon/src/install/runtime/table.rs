//! The runtimes that packd knows how to ask for, and in which words.
//!
//! Names, programs and their order are those of Attune (`docs/pack-format.md`); the others are asked as their own
//! documentation says.

use crate::config::Runtimes;

/// How one runtime is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// By the first of these programs that answers.
    Ask(Vec<Question>),
    /// Not at all: whatever runs packd has it.
    Given,
}

/// One program, and where the version stands in what it prints.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    /// A regular expression whose first group is the version.
    pub(super) pattern: String,
    /// The version of a program that answers, and says none.
    pub(super) otherwise: Option<&'static str>,
}

/// A built-in row: names, programs with arguments, pattern.
type Known = (
    &'static [&'static str],
    &'static [&'static [&'static str]],
    &'static str,
);

const KNOWN: &[Known] = &[
    (
        &["python3", "python"],
        &[&["python3", "--version"], &["python", "--version"]],
        r"Python ([0-9]+(?:\.[0-9]+)*)",
    ),
    (
        &["nodejs", "node"],
        &[&["node", "--version"], &["nodejs", "--version"]],
        r"v([0-9]+(?:\.[0-9]+)*)",
    ),
    (
        &["shell", "bash", "sh"],
        &[&["bash", "--version"], &["sh", "--version"]],
        r"version ([0-9]+(?:\.[0-9]+)*)",
    ),
    (&["go"], &[&["go", "version"]], r"go([0-9]+(?:\.[0-9]+)*)"),
    (
        &["java"],
        &[&["java", "-version"]],
        r#"version "([0-9]+(?:\.[0-9]+)*)"#,
    ),
    (&["perl"], &[&["perl", "-v"]], r"\(v([0-9]+(?:\.[0-9]+)*)\)"),
    (
        &["ruby"],
        &[&["ruby", "--version"]],
        r"ruby ([0-9]+(?:\.[0-9]+)*)",
    ),
    (
        &["r"],
        &[&["R", "--version"]],
        r"R version ([0-9]+(?:\.[0-9]+)*)",
    ),
    (
        &["pwsh"],
        &[&["pwsh", "--version"]],
        r"PowerShell ([0-9]+(?:\.[0-9]+)*)",
    ),
    (
        &[ATTUNE],
        &[&["attune", "--version"]],
        r"([0-9]+(?:\.[0-9]+)+)",
    ),
    (
        &[STACKSTORM],
        &[&["st2", "--version"]],
        r"([0-9]+(?:\.[0-9]+)+)",
    ),
];

/// The name that `attune_version` of a pack is judged by.
pub(super) const ATTUNE: &str = "attune";

/// The name that `stackstorm_version` of a pack is judged by.
pub(super) const STACKSTORM: &str = "stackstorm";

/// The row of a runtime; a configured one is stronger than a built-in one.
pub(super) fn row(name: &str, configured: &Runtimes) -> Option<Row> {
    if let Some(probe) = configured.get(name)
        && let [program, arguments @ ..] = probe.command.as_slice()
    {
        return Some(Row::Ask(vec![Question {
            program: program.clone(),
            arguments: arguments.to_vec(),
            pattern: probe.pattern.clone(),
            otherwise: None,
        }]));
    }
    if name == "native" {
        return Some(Row::Given);
    }
    let (names, programs, pattern) = KNOWN.iter().find(|(names, ..)| names.contains(&name))?;
    // a shell that is no bash does not say its version; packs that want any shell mean it too
    let otherwise = names.contains(&"shell").then_some("1.0.0");
    let question = |words: &&[&str]| Question {
        program: words[0].to_owned(),
        arguments: words[1..].iter().map(ToString::to_string).collect(),
        pattern: (*pattern).to_owned(),
        otherwise,
    };
    Some(Row::Ask(programs.iter().map(question).collect()))
}
