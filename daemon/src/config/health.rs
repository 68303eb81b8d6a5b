//! How the health of the host is asked for after an automatic update.

use std::time::Duration;

use super::hook;
use super::node::{Node, Value};
use super::parts::{part, table};
use super::setting::{Setting, Shown, Wrong};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// The keys.
const KEYS: &[&str] = &[
    "command",
    "commands",
    "tests",
    "timeout",
    "watch_for",
    "every",
];

/// How the health of the host is asked for after an automatic update, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Programs with their arguments; each of them must succeed.
    pub commands: Vec<Vec<String>>,
    /// Whether the own tests of the packs that changed are run again.
    pub tests: bool,
    /// How long each command may take.
    pub timeout: Duration,
    /// How long after the update it is asked again and again; nothing: once.
    pub watch_for: Duration,
    /// How often.
    pub every: Duration,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            commands: Vec::new(),
            tests: true,
            timeout: 60 * SECOND,
            watch_for: 600 * SECOND,
            every: 60 * SECOND,
        }
    }
}

impl Setting for Health {
    const SHAPE: &'static str =
        "`commands`, `tests`, `timeout`, `watch_for` and `every`, or some of them";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let default = Self::default();
        if matches!(node.value, Value::Null) {
            return Ok(default);
        }
        let keys = table(node, Self::SHAPE, KEYS)?;
        let mut wrongs = Vec::new();
        if let (Some(_), Some(both)) = (keys.get("command"), keys.get("commands")) {
            wrongs.extend(Wrong::at(
                &both.value,
                "has `command` and `commands`; one of them will do",
            ));
        }
        let mut span = |name, low: Duration, default: Duration| {
            let read = |node: &Node| {
                let span = Duration::read(node)?;
                if (low..=DAY).contains(&span) {
                    Ok(span)
                } else {
                    let low = low.as_secs();
                    Err(Wrong::at(node, format!("must be from {low}s to 1d")))
                }
            };
            let read = part(keys, name, read);
            read.unwrap_or_else(|more| {
                wrongs.extend(more);
                None
            })
            .unwrap_or(default)
        };
        let timeout = span("timeout", SECOND, default.timeout);
        let watch_for = span("watch_for", Duration::ZERO, default.watch_for);
        let every = span("every", SECOND, default.every);
        let tests = part(keys, "tests", bool::read);
        let one = part(keys, "command", words);
        let several = part(keys, "commands", list);
        match (tests, one, several) {
            (Ok(tests), Ok(one), Ok(several)) if wrongs.is_empty() => Ok(Self {
                commands: one.into_iter().chain(several.unwrap_or_default()).collect(),
                tests: tests.unwrap_or(default.tests),
                timeout,
                watch_for,
                every,
            }),
            (tests, one, several) => {
                let more = [tests.err(), one.err(), several.err()];
                wrongs.extend(more.into_iter().flatten().flatten());
                Err(wrongs)
            }
        }
    }

    fn show(&self) -> Shown {
        let quoted = |word: &String| serde_json::Value::from(word.as_str()).to_string();
        let commands = self.commands.iter().map(|words| {
            let words: Vec<_> = words.iter().map(quoted).collect();
            format!("[{}]", words.join(", "))
        });
        let commands: Vec<_> = commands.collect();
        let [timeout, watch_for, every] =
            [self.timeout, self.watch_for, self.every].map(|span| span.show().to_yaml());
        Shown::Flow(format!(
            "{{commands: [{}], tests: {}, timeout: {timeout}, watch_for: {watch_for}, every: {every}}}",
            commands.join(", "),
            self.tests
        ))
    }
}

/// One command.
fn words(node: &Node) -> Result<Vec<String>, Vec<Wrong>> {
    let words = Vec::read(node)?;
    hook::command(&words).map_err(|message| Wrong::at(node, message))?;
    Ok(words)
}

/// Several of them.
fn list(node: &Node) -> Result<Vec<Vec<String>>, Vec<Wrong>> {
    let Value::List(items) = &node.value else {
        let message = format!("must be a list of commands, not {}", node.describe());
        return Err(Wrong::at(node, message));
    };
    let mut commands = Vec::new();
    let mut wrongs = Vec::new();
    for (position, item) in items.iter().enumerate() {
        match words(item) {
            Ok(command) => commands.push(command),
            Err(more) => wrongs.extend(more.into_iter().map(|wrong| Wrong {
                below: format!("[{position}]{}", wrong.below),
                ..wrong
            })),
        }
    }
    if wrongs.is_empty() {
        Ok(commands)
    } else {
        Err(wrongs)
    }
}
