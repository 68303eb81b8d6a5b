//! Keeps the tests of packs in: `packd sandbox-exec`, which this program starts itself as.
//!
//! A daemon with threads cannot restrict itself between `fork` and `exec` without unsafe code, and what it would restrict
//! is itself. So a suite is started through up to three processes of this program, each with one thread
//! (`docs/adr/0005-a-sandbox-in-the-same-program.md`):
//!
//! ```text
//! packd ── sandbox-exec outside ──▶ [namespaces] ── sandbox-exec inside ── sandbox-exec confined ──▶ the suite
//!                                                   watches, ends it all   restricts itself
//! ```
//!
//! Without namespaces the first one does the work of the second. What the daemon says and hears is in
//! `packd_runner::sandbox`; what has to be enforced is a [`Spec`], which stands on the command line.
//!
//! | file | what it keeps from tests |
//! |---|---|
//! | [`limits`] | memory, processor, processes, files |
//! | [`namespaces`] | other processes, networks, mounts, where the host allows that |
//! | [`paths`] | files, by Landlock |
//! | [`syscalls`] | system calls, by seccomp |

mod confine;
mod limits;
mod namespaces;
mod paths;
mod spec;
mod syscalls;
mod user;

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use packd_runner::sandbox::{Word, supervise, take_stdin, tell};

pub(crate) use spec::{Spec, User};

/// The word on the command line that makes this program a sandbox.
const VERB: &str = "sandbox-exec";

/// This very program, even if the file it was started from has been replaced.
const SELF: &str = "/proc/self/exe";

/// Which of the processes this one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Outside,
    Inside,
    Confined,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Outside, Self::Inside, Self::Confined];

    fn as_str(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Inside => "inside",
            Self::Confined => "confined",
        }
    }
}

/// What a suite is started through.
///
/// The tests are run as the user of the spec, who then needs the folders they write to.
#[must_use]
pub(crate) fn before(spec: &Spec) -> packd_runner::sandbox::Sandbox {
    packd_runner::sandbox::Sandbox {
        program: SELF.into(),
        arguments: words(Stage::Outside, spec),
        owner: spec.user.map(|user| (user.uid, user.gid)),
    }
}

/// The folders of a `PATH` that programs can be started from inside.
#[must_use]
pub(crate) fn usable_path(path: &OsStr, spec: &Spec) -> OsString {
    if spec.level == crate::config::SandboxLevel::None {
        return path.to_owned();
    }
    let usable = std::env::split_paths(path).filter(|folder| {
        let readable = spec.readable.iter().any(|place| folder.starts_with(place));
        readable || paths::SYSTEM.iter().any(|place| folder.starts_with(place))
    });
    let usable = std::env::join_paths(usable).unwrap_or_default();
    if usable.is_empty() {
        packd_runner::Environment::PATH.into()
    } else {
        usable
    }
}

fn words(stage: Stage, spec: &Spec) -> Vec<OsString> {
    vec![
        VERB.into(),
        stage.as_str().into(),
        spec.to_text().into(),
        "--".into(),
    ]
}

/// Runs as a sandbox, if the command line says so.
pub(crate) fn main(mut words: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if words.next()? != VERB {
        return None;
    }
    let stage = words.next();
    let stage = Stage::ALL
        .into_iter()
        .find(|known| stage.as_deref() == Some(OsStr::new(known.as_str())));
    let spec = words.next().and_then(|text| Spec::parse(text.to_str()?));
    let (Some(stage), Some(spec), Some(_)) = (stage, spec, words.next()) else {
        return Some(ExitCode::from(2));
    };
    let command: Vec<_> = words.collect();
    let done = match stage {
        Stage::Outside => outside(spec, &command),
        Stage::Inside => inside(spec, &command),
        Stage::Confined => confined(&spec, &command),
    };
    Some(if done.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Makes the namespaces, and stays outside of them.
fn outside(mut spec: Spec, command: &[OsString]) -> std::io::Result<()> {
    let control = take_stdin()?;
    match namespaces::enter(&spec) {
        Ok(made) if made.is_empty() => watch(&spec, command, control),
        Ok(made) => {
            spec.namespaces = made;
            let mut inside = Command::new(SELF);
            inside
                .args(words(Stage::Inside, &spec))
                .args(command)
                .stdin(control.try_clone()?);
            match inside.spawn() {
                Ok(mut child) => {
                    // only who watches must have it, so that its end is heard
                    drop((inside, control));
                    child.wait().map(drop)
                }
                Err(error) => {
                    let why = format!("the sandbox cannot be started: {error}");
                    say(&control, &Word::Failed(why))
                }
            }
        }
        Err(missing) => say(&control, &Word::Unavailable(missing)),
    }
}

/// The first process in its namespaces: makes them habitable, and watches.
fn inside(mut spec: Spec, command: &[OsString]) -> std::io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let control = take_stdin()?;
    match namespaces::furnish(&mut spec) {
        Ok(()) => watch(&spec, command, control),
        Err(missing) => say(&control, &Word::Unavailable(missing)),
    }
}

/// Starts the suite, and ends it with all that it started.
fn watch(spec: &Spec, command: &[OsString], control: OwnedFd) -> std::io::Result<()> {
    let mut confined = Command::new(SELF);
    confined.args(words(Stage::Confined, spec)).args(command);
    if let Some(user) = spec.user {
        // root's other groups are given up with it
        confined.uid(user.uid).gid(user.gid);
    }
    supervise(confined, control)
}

/// Restricts itself, and becomes the suite.
fn confined(spec: &Spec, command: &[OsString]) -> std::io::Result<()> {
    let control = take_stdin()?;
    let word = match read_input(spec).and_then(|()| confine::run(spec)) {
        Ok(enforced) => {
            say(&control, &Word::Enforced(enforced))?;
            // it returns only if it fails, and its success closes the stream
            let (program, arguments) = command.split_first().unzip();
            let program = program.map_or(OsStr::new(""), OsString::as_os_str);
            let error = Command::new(program)
                .args(arguments.unwrap_or_default())
                .exec();
            Word::Failed(error.to_string())
        }
        Err(word) => word,
    };
    say(&control, &word)
}

/// Makes the file of the spec the standard input.
fn read_input(spec: &Spec) -> Result<(), Word> {
    let Some(path) = &spec.input else {
        return Ok(());
    };
    let opened =
        fs_err::File::open(path).and_then(|file| Ok(rustix::stdio::dup2_stdin(file.as_fd())?));
    opened.map_err(|error| Word::Failed(format!("its input cannot be read: {error}")))
}

fn say(control: &OwnedFd, word: &Word) -> std::io::Result<()> {
    tell(std::fs::File::from(control.try_clone()?), word)
}
