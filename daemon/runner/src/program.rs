//! From a suite to the program that runs it: which one, with which arguments, where, and with which environment.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use packd_format::Manifest;
use packd_format::manifest::{ResultFormat, RunnerKind};

use crate::options::Environment;
use crate::plan::Suite;
use crate::process::Invocation;
use crate::scratch::Scratch;

/// Why a suite could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The entry point is not there.
    #[error("there is no `{path}` in the pack")]
    Missing {
        /// The path in the pack.
        path: String,
    },
    /// The entry point is a link to somewhere else.
    #[error("`{path}` leads out of the pack")]
    Outside {
        /// The path in the pack.
        path: String,
    },
    /// A folder where a file has to be.
    #[error("`{path}` is not a file")]
    NotAFile {
        /// The path in the pack.
        path: String,
    },
    /// A folder where there has to be one.
    #[error("`{path}` is not a folder")]
    NotAFolder {
        /// The path in the pack.
        path: String,
    },
    /// A file that cannot be run.
    #[error("`{path}` is not executable: chmod +x {path}")]
    NotExecutable {
        /// The path in the pack.
        path: String,
    },
    /// The program that runs the tests is not there.
    #[error("cannot find the program `{program}`, which runs this suite")]
    NoProgram {
        /// Its name, or its path.
        program: String,
    },
    /// The entry point cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The path in the pack.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The system refused to start it.
    #[error("cannot start `{program}`: {source}")]
    Spawn {
        /// The path of the program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The sandbox could not start it.
    #[error("cannot start `{program}`: {why}")]
    NotInSandbox {
        /// The path of the program.
        program: String,
        /// Why.
        why: String,
    },
    /// There is no sandbox for it; the run is over.
    #[error("the sandbox is not available: {missing}")]
    Sandbox {
        /// What the host lacks.
        missing: String,
    },
    /// The suites before it took all the time there was.
    #[error("it was not started: all tests together may take {} s", total.as_secs_f64())]
    NoTime {
        /// How long they may take.
        total: Duration,
    },
    /// The suite's own folders could not be made.
    #[error("cannot make a folder for temporary files: {0}")]
    Scratch(io::Error),
}

/// A pack whose tests are run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pack<'a> {
    /// Its folder, without links.
    pub(crate) root: &'a Path,
    pub(crate) manifest: &'a Manifest,
}

/// What is started for a suite.
pub(crate) fn invocation(
    pack: Pack<'_>,
    suite: &Suite,
    environment: &Environment,
    scratch: &Scratch,
) -> Result<Invocation, StartError> {
    let folder = match &suite.working_dir {
        Some(path) => {
            let folder = inside(pack.root, path)?;
            if !folder.is_dir() {
                return Err(StartError::NotAFolder { path: path.clone() });
            }
            folder
        }
        None => pack.root.to_owned(),
    };
    let programs = Programs {
        path: &environment.path,
    };
    let targets = suite
        .entry_points
        .iter()
        .map(|path| Target::new(pack.root, path, suite.working_dir.as_deref()))
        .collect::<Result<Vec<_>, _>>()?;
    let relative = || targets.iter().map(|target| target.argument.clone());
    let (program, arguments) = match &suite.kind {
        RunnerKind::Script => {
            let target = one(&targets)?.file()?;
            let (program, mut arguments) = interpreter(target, &programs)?;
            arguments.push(target.argument.clone());
            (program, arguments)
        }
        RunnerKind::Executable => {
            let target = one(&targets)?.file()?;
            if !is_executable(&target.path) {
                return Err(StartError::NotExecutable {
                    path: target.name.clone(),
                });
            }
            // by the name in the pack: a program may ask what it is called
            (pack.root.join(&target.name), Vec::new())
        }
        RunnerKind::Unittest => (programs.find("python3")?, unittest(&targets)),
        RunnerKind::Pytest => {
            let mut arguments: Vec<_> = relative().collect();
            arguments.push("-v".into());
            if suite.result_format == ResultFormat::JunitXml && suite.result_path.is_none() {
                let mut option = OsString::from("--junit-xml=");
                option.push(scratch.results());
                arguments.push(option);
            }
            (programs.find("pytest")?, arguments)
        }
        RunnerKind::Jest => {
            let own = pack.root.join("node_modules/.bin/jest");
            let program = if own.is_file() {
                own
            } else {
                programs.find("jest")?
            };
            let mut arguments: Vec<OsString> = vec!["--ci".into()];
            if targets.iter().all(|target| target.path.is_file()) {
                arguments.push("--runTestsByPath".into());
            }
            arguments.extend(relative());
            (program, arguments)
        }
        RunnerKind::Command(words) => {
            let (program, arguments) = words
                .split_first()
                .expect("the reader of manifests lets no empty command through");
            let program = if program.contains('/') && !program.starts_with('/') {
                let target = Target::new(pack.root, program, None)?;
                if !is_executable(&target.file()?.path) {
                    return Err(StartError::NotExecutable { path: target.name });
                }
                target.path
            } else {
                programs.find(program)?
            };
            (program, arguments.iter().map(OsString::from).collect())
        }
    };
    Ok(Invocation {
        program,
        arguments,
        folder,
        environment: variables(pack, environment, scratch),
    })
}

/// All that tests find in their environment.
fn variables(
    pack: Pack<'_>,
    environment: &Environment,
    scratch: &Scratch,
) -> Vec<(OsString, OsString)> {
    let own: [(&str, OsString); 10] = [
        ("PATH", environment.path.clone()),
        ("LANG", environment.lang.clone()),
        ("HOME", scratch.home().into()),
        ("TMPDIR", scratch.temporary().into()),
        ("TERM", "dumb".into()),
        ("PACK_REF", pack.manifest.pack_ref.as_str().into()),
        ("PACK_VERSION", pack.manifest.version.to_string().into()),
        ("PACK_PATH", pack.root.into()),
        // tests leave nothing behind in the pack's folder
        ("PYTHONDONTWRITEBYTECODE", "1".into()),
        ("PYTEST_ADDOPTS", "-p no:cacheprovider".into()),
    ];
    own.into_iter()
        .map(|(name, value)| (name.into(), value))
        .chain(environment.extra.iter().cloned())
        .collect()
}

/// An entry point that is there.
#[derive(Debug)]
struct Target {
    /// As the manifest has it.
    name: String,
    /// Where it really is.
    path: PathBuf,
    /// As the program gets it: relative to the folder in which it is started, and never like an option.
    argument: OsString,
}

impl Target {
    fn new(root: &Path, name: &str, working_dir: Option<&str>) -> Result<Self, StartError> {
        let path = inside(root, name)?;
        let relative = working_dir
            .and_then(|folder| name.strip_prefix(folder)?.strip_prefix('/'))
            .unwrap_or(name);
        let argument = if relative.starts_with('-') {
            format!("./{relative}")
        } else {
            relative.to_owned()
        };
        Ok(Self {
            name: name.to_owned(),
            path,
            argument: argument.into(),
        })
    }

    fn file(&self) -> Result<&Self, StartError> {
        if self.path.is_file() {
            Ok(self)
        } else {
            Err(StartError::NotAFile {
                path: self.name.clone(),
            })
        }
    }
}

fn one(targets: &[Target]) -> Result<&Target, StartError> {
    targets.first().ok_or_else(|| StartError::Missing {
        path: ".".to_owned(),
    })
}

/// Where a path of the pack really is.
fn inside(root: &Path, name: &str) -> Result<PathBuf, StartError> {
    let path = fs_err::canonicalize(root.join(name)).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            StartError::Missing {
                path: name.to_owned(),
            }
        } else {
            StartError::Read {
                path: name.to_owned(),
                source: error,
            }
        }
    })?;
    if path.starts_with(root) {
        Ok(path)
    } else {
        Err(StartError::Outside {
            path: name.to_owned(),
        })
    }
}

/// `python3 -m unittest FILE…`; a folder is searched.
fn unittest(targets: &[Target]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["-m".into(), "unittest".into()];
    match targets {
        [folder] if folder.path.is_dir() => {
            arguments.extend(["discover".into(), "-s".into(), folder.argument.clone()]);
        }
        files => arguments.extend(files.iter().map(|file| file.argument.clone())),
    }
    arguments
}

/// What runs a script: what its first line says, else `/bin/sh` for `*.sh` and `/bin/bash` for others.
fn interpreter(
    script: &Target,
    programs: &Programs<'_>,
) -> Result<(PathBuf, Vec<OsString>), StartError> {
    let mut first = Vec::new();
    fs_err::File::open(&script.path)
        .and_then(|file| file.take(256).read_to_end(&mut first))
        .map_err(|source| StartError::Read {
            path: script.name.clone(),
            source,
        })?;
    if let Some((program, arguments)) = shebang(&first) {
        let program = programs.find(&program)?;
        return Ok((program, arguments.into_iter().map(Into::into).collect()));
    }
    let is_sh = Path::new(&script.name)
        .extension()
        .is_some_and(|extension| extension == "sh");
    let shell = if is_sh { "/bin/sh" } else { "/bin/bash" };
    Ok((programs.find(shell)?, Vec::new()))
}

/// The program and the arguments of a `#!` line. `env` is looked through, as the program is looked up here.
fn shebang(text: &[u8]) -> Option<(String, Vec<String>)> {
    let line = text.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.trim();
    let (program, rest) = line
        .split_once(|c: char| c.is_ascii_whitespace())
        .unwrap_or((line, ""));
    let rest = rest.trim();
    if !program.starts_with('/') {
        return None;
    }
    if program.rsplit('/').next() == Some("env") && !rest.is_empty() {
        let mut words = rest
            .split_ascii_whitespace()
            .skip_while(|word| *word == "-S")
            .map(str::to_owned);
        let program = words.next()?;
        // variables and options are for `env` itself to understand
        if !program.starts_with('-') && !program.contains('=') {
            return Some((program, words.collect()));
        }
    }
    let arguments = if rest.is_empty() {
        Vec::new()
    } else {
        vec![rest.to_owned()]
    };
    Some((program.to_owned(), arguments))
}

/// Where programs are looked for.
#[derive(Debug)]
struct Programs<'a> {
    path: &'a OsStr,
}

impl Programs<'_> {
    /// The path of a program, which is given by its name or by an absolute path.
    fn find(&self, program: &str) -> Result<PathBuf, StartError> {
        crate::ask::find(program, self.path).ok_or_else(|| StartError::NoProgram {
            program: program.to_owned(),
        })
    }
}

/// Whether a path is a file that somebody may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    fs_err::metadata(path)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_interpreter() {
        for (text, expected) in [
            ("#!/bin/bash\necho", Some(("/bin/bash", vec![]))),
            ("#! /bin/sh -eu \n", Some(("/bin/sh", vec!["-eu"]))),
            ("#!/usr/bin/env python3\r\n", Some(("python3", vec![]))),
            ("#!/usr/bin/env -S bash -e\n", Some(("bash", vec!["-e"]))),
            (
                "#!/usr/bin/env A=1 bash\n",
                Some(("/usr/bin/env", vec!["A=1 bash"])),
            ),
            ("#!\n", None),
            ("echo #!/bin/sh", None),
            ("", None),
        ] {
            let expected = expected.map(|(program, arguments)| {
                let arguments = arguments.into_iter().map(str::to_owned).collect::<Vec<_>>();
                (program.to_owned(), arguments)
            });
            assert_eq!(shebang(text.as_bytes()), expected, "{text:?}");
        }
    }
}
