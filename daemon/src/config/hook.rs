//! Hooks: programs of this host that are run when something has happened.

use std::time::Duration;

use packd_wire::EventKind;

use super::Origin;
use super::node::{Entry, Node, Value};
use super::problem::Problem;
use super::section::{Findings, Reader, Section, section, within};
use super::setting::{Setting, Shown, Wrong, word};

const SECOND: Duration = Duration::from_secs(1);

/// The most hooks that there are.
const MOST: usize = 100;

/// What a name may be.
const NAME_SHAPE: &str = "1 to 64 letters, digits, `-`, `_` and `.`";

section! {
    /// A program that is run when something has happened: without a shell, kept in as the tests of packs are, but
    /// with a network. It gets what happened as JSON on its standard input (`docs/hooks.md`).
    keyed struct Hook {
        /// What it is called. Without one, it goes by the file name of its program.
        name: Option<String> = None, check name;
        /// The kinds of events that it is run for, such as `generation_activated` or `job_failed`.
        on: HookEvents;
        /// The program, by its absolute path, and its arguments.
        command: Vec<String>, check command;
        /// How long it may take. Then it is ended with all that it started, and has failed.
        timeout: Duration = 60 * SECOND, check within!(SECOND, 3600 * SECOND);
        /// What becomes of its failure. `warn`: a warning of the job. `rollback`: the host goes back to the
        /// generation before, too; only for `on: [generation_activated]`.
        on_failure: HookFailure = HookFailure::Warn;
    }
}

impl Hook {
    /// What it is called; every hook of a configuration has a name of its own.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }
}

/// The kinds of events that a hook is run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookEvents(Vec<EventKind>);

impl HookEvents {
    /// Whether this kind is one of them.
    #[must_use]
    pub fn has(&self, kind: EventKind) -> bool {
        self.0.contains(&kind)
    }
}

/// What becomes of a hook's failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookFailure {
    /// A warning.
    Warn,
    /// The host goes back to the generation before.
    Rollback,
}

/// Whether a hook can be run for events of a kind: for those that tell how something ended. What goes on before is told
/// too often, and what tells of hooks would run them for ever.
fn can_be_hooked(kind: EventKind) -> bool {
    match kind {
        EventKind::JobSucceeded
        | EventKind::JobFailed
        | EventKind::JobCancelled
        | EventKind::PackInstalled
        | EventKind::PackUpdated
        | EventKind::PackRemoved
        | EventKind::PackDamaged
        | EventKind::PackRepaired
        | EventKind::GenerationActivated
        | EventKind::HealthFailed
        | EventKind::RegistryRefreshed
        | EventKind::RegistryFailed
        | EventKind::UpdateAvailable => true,
        EventKind::JobQueued
        | EventKind::JobStarted
        | EventKind::StepStarted
        | EventKind::StepCompleted
        | EventKind::Downloading
        | EventKind::Extracting
        | EventKind::Verifying
        | EventKind::Testing
        | EventKind::Warning
        | EventKind::Info
        | EventKind::HookSucceeded
        | EventKind::HookFailed => false,
    }
}

impl Setting for HookEvents {
    const SHAPE: &'static str = "a list of kinds of events";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        let Value::List(items) = &node.value else {
            let message = format!("must be {}, not {}", Self::SHAPE, node.describe());
            return Err(Wrong::at(node, message));
        };
        if items.is_empty() {
            return Err(Wrong::at(node, "must name a kind of events"));
        }
        let mut kinds = Vec::new();
        let mut wrongs = Vec::new();
        for (position, item) in items.iter().enumerate() {
            match kind(item) {
                Ok(kind) => kinds.push(kind),
                Err(message) => wrongs.push(Wrong {
                    origin: item.origin.clone(),
                    below: format!("[{position}]"),
                    message,
                }),
            }
        }
        if wrongs.is_empty() {
            Ok(Self(kinds))
        } else {
            Err(wrongs)
        }
    }

    fn show(&self) -> Shown {
        let kinds = self.0.iter().map(|kind| kind.as_str().to_owned());
        Shown::List(kinds.collect())
    }
}

fn kind(node: &Node) -> Result<EventKind, String> {
    let all = || {
        let kinds = EventKind::ALL.iter().copied();
        kinds.filter(|kind| can_be_hooked(*kind))
    };
    let text = match &node.value {
        Value::Text { text, .. } => text.as_str(),
        _ => return Err(format!("must be a kind of events, not {}", node.describe())),
    };
    if let Some(kind) = all().find(|kind| kind.as_str() == text) {
        return Ok(kind);
    }
    let known: Vec<_> = all().map(EventKind::as_str).collect();
    if EventKind::ALL.iter().any(|kind| kind.as_str() == text) {
        return Err(format!(
            "is `{text}`, for which no hook can be run; hooks can be run for: {}",
            known.join(" ")
        ));
    }
    Err(match packd_format::nearest(text, known.iter().copied()) {
        Some(meant) => {
            format!(
                "is {}, which is no kind of events, did you mean `{meant}`?",
                node.describe()
            )
        }
        None => format!(
            "is {}, which is no kind of events; hooks can be run for: {}",
            node.describe(),
            known.join(" ")
        ),
    })
}

impl Setting for HookFailure {
    const SHAPE: &'static str = "`warn` or `rollback`";

    fn read(node: &Node) -> Result<Self, Vec<Wrong>> {
        word(node, &[("warn", Self::Warn), ("rollback", Self::Rollback)])
    }

    fn show(&self) -> Shown {
        let word = match self {
            Self::Warn => "warn",
            Self::Rollback => "rollback",
        };
        Shown::Plain(word.to_owned())
    }
}

#[expect(
    clippy::ref_option,
    reason = "a check gets the value as the section has it"
)]
fn name(name: &Option<String>) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match name {
        Some(name) if !(1..=64).contains(&name.len()) || !name.chars().all(legal) => {
            Err(format!("must be {NAME_SHAPE}"))
        }
        _ => Ok(()),
    }
}

/// What the words of a command must be.
#[expect(
    clippy::ptr_arg,
    reason = "a check gets the value as the section has it"
)]
pub(super) fn command(words: &Vec<String>) -> Result<(), String> {
    match words.first() {
        None => Err("must name a program".to_owned()),
        Some(program) if !program.starts_with('/') => Err(format!(
            "must name a program by its absolute path, not `{program}`"
        )),
        Some(_) => Ok(()),
    }
}

/// That the program of a command cannot be started as things stand; `key` is the command's.
pub(super) fn program_warning(key: &str, command: &[String]) -> Option<String> {
    let program = command.first()?;
    let found = packd_runner::find(program, std::ffi::OsStr::new(""));
    found
        .is_none()
        .then(|| format!("`{key}` cannot be run: `{program}` is no program"))
}

/// Reads the list, and names those that have no name.
pub(super) fn read(entry: Option<&Entry>, findings: &mut Findings) -> Vec<Hook> {
    let origin = entry.map_or(Origin::Default, |entry| entry.value.origin.clone());
    findings.origins.insert("hooks".to_owned(), origin);
    let Some(Entry { value: node, .. }) = entry else {
        return Vec::new();
    };
    let items = match &node.value {
        Value::Null => return Vec::new(),
        Value::List(items) if items.len() <= MOST => items,
        Value::List(_) => {
            let message = format!("`hooks` must be at most {MOST}");
            let problem = Problem::new(node.origin.clone(), message);
            findings.problems.push(problem);
            return Vec::new();
        }
        _ => {
            let message = format!("`hooks` must be a list, not {}", node.describe());
            let problem = Problem::new(node.origin.clone(), message);
            findings.problems.push(problem);
            return Vec::new();
        }
    };
    let mut hooks: Vec<Hook> = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let path = format!("hooks[{position}]");
        let mut reader = Reader::new(&path, Some(item), findings);
        let Some(mut hook) = Hook::read(&mut reader) else {
            continue;
        };
        let is_activation = hook.on.0 == [EventKind::GenerationActivated];
        if hook.on_failure == HookFailure::Rollback && !is_activation {
            reader.problem(
                "on_failure",
                "can be `rollback` only with `on: [generation_activated]`",
            );
        }
        let taken = |name: &str| hooks.iter().any(|hook| hook.name() == name);
        match &hook.name {
            Some(name) if taken(name) => {
                let message = format!("is `{name}`, as is that of another hook");
                reader.problem("name", &message);
            }
            Some(_) => {}
            None => hook.name = Some(free_name(&hook.command[0], taken)),
        }
        hooks.push(hook);
    }
    hooks
}

/// The file name of a program, with a number if it is taken.
fn free_name(program: &str, taken: impl Fn(&str) -> bool) -> String {
    let file = program.rsplit('/').next().unwrap_or_default();
    let numbered = (2..).map(|number| format!("{file}-{number}"));
    std::iter::once(file.to_owned())
        .chain(numbered)
        .find(|name| !taken(name))
        .unwrap_or_default()
}
