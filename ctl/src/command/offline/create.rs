//! `create`: a pack to begin with.
//!
//! What it makes is complete: it lints clean, its test passes, and it can be built and installed as it is.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use packd_format::license::{self, LicenseError};
use packd_format::{Manifest, ManifestError, NameError, PackRef, version};
use packd_wire::Exit;
use serde::Serialize;

use super::made::Made;
use crate::Ending;
use crate::file::FileError;
use crate::output::{Failure, GOOD, Output, styled, text};

/// Make a new pack that builds, installs and passes its test
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl create slack                          a pack in ./slack
  packctl create slack --path packs/slack       elsewhere
  packctl create slack --author 'Ada Lovelace' --license MIT")]
pub(crate) struct Create {
    /// The ref of the pack: lower-case letters, digits, `_` and `-`
    #[arg(value_name = "NAME")]
    name: String,

    /// The folder to make it in, which may be there if it is empty, instead of ./NAME
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,

    /// Title for people
    #[arg(long)]
    label: Option<String>,

    /// What the pack does, in one sentence
    #[arg(long)]
    description: Option<String>,

    /// The first version
    #[arg(long, default_value = "0.1.0")]
    version: String,

    /// Who writes it
    #[arg(long)]
    author: Option<String>,

    /// Where to write to them
    #[arg(long)]
    email: Option<String>,

    /// The licence, as an SPDX expression
    #[arg(long, default_value = "Apache-2.0")]
    license: String,
}

/// What was made.
#[derive(Debug, Serialize)]
struct CreateView {
    path: String,
    r#ref: String,
    version: String,
    files: Vec<String>,
}

/// Why no pack was made.
#[derive(Debug, thiserror::Error)]
enum CreateError {
    /// There is something already.
    #[error("`{}` is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// There is a file of that name.
    #[error("`{}` exists and is no folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// An option that says nothing.
    #[error("`{flag}` is empty")]
    Empty {
        /// The option.
        flag: &'static str,
    },
    /// A licence that programs do not know.
    #[error("`--license` is {0}")]
    License(LicenseError),
    /// An option has what no pack may have.
    #[error("cannot make a pack of this")]
    Manifest(#[source] ManifestError),
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl CreateError {
    fn exit(&self) -> Exit {
        match self {
            Self::Empty { .. } | Self::License(_) | Self::Manifest(_) => Exit::Usage,
            Self::NotEmpty { .. } | Self::NotAFolder { .. } | Self::File(_) => Exit::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotEmpty { .. } | Self::NotAFolder { .. } => {
                Some("name another folder with --path".to_owned())
            }
            Self::Empty { .. } => Some("leave it out, and edit pack.yaml".to_owned()),
            Self::License(error) => Some(error.hint()),
            Self::Manifest(source) => source.hint(),
            Self::File(_) => None,
        }
    }
}

impl From<CreateError> for Failure {
    fn from(error: CreateError) -> Self {
        if let CreateError::File(error) = error {
            return error.into();
        }
        hinted(Self::of_error(error.exit(), &error), error.hint())
    }
}

fn hinted(failure: Failure, hint: Option<String>) -> Failure {
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

impl Create {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let name: PackRef = self.name.parse().map_err(|error: NameError| {
            hinted(Failure::of_error(Exit::Usage, &error), error.hint())
        })?;
        let (version, odd) = version::parse(&self.version)
            .map_err(|error| hinted(Failure::of_error(Exit::Usage, &error), error.hint()))?;
        if let Some(odd) = odd {
            out.warn(&odd);
        }
        self.check()?;
        let folder = self
            .path
            .clone()
            .unwrap_or_else(|| PathBuf::from(name.as_str()));
        let files = self.files(&name, &version.to_string());
        Manifest::parse(files[0].content.as_bytes()).map_err(CreateError::Manifest)?;
        write_all(&folder, &files)?;

        let view = CreateView {
            path: folder.to_string_lossy().into_owned(),
            r#ref: name.to_string(),
            version: version.to_string(),
            files: files.iter().map(|file| file.path.to_owned()).collect(),
        };
        out.show(&view, || {
            let paths = view.files.iter().map(|file| folder.join(file));
            let lines = paths.map(|path| text::clean(&path.to_string_lossy()).into_owned() + "\n");
            lines.collect()
        });
        out.done(&format!(
            "{} Created pack '{name}' in {}",
            styled(GOOD, "✓"),
            text::clean(&view.path)
        ));
        if out.is_human() {
            out.hint(&format!(
                "edit pack.yaml, then packctl test {0} and packctl build {0}",
                view.path
            ));
        }
        Ok(Ending::Exit(Exit::Done))
    }

    /// Fails if something would be made that `lint` has a word about.
    fn check(&self) -> Result<(), CreateError> {
        let flags = [
            ("--label", self.label.as_deref()),
            ("--description", self.description.as_deref()),
            ("--author", self.author.as_deref()),
            ("--email", self.email.as_deref()),
            ("--license", Some(self.license.as_str())),
        ];
        for (flag, value) in flags {
            if value.is_some_and(|value| value.trim().is_empty()) {
                return Err(CreateError::Empty { flag });
            }
        }
        license::check(&self.license).map_err(CreateError::License)
    }

    /// The files of the pack; the manifest first.
    fn files(&self, name: &PackRef, version: &str) -> Vec<Scaffold> {
        let label = self.label.clone().unwrap_or_else(|| title(name.as_str()));
        let description = self
            .description
            .clone()
            .unwrap_or_else(|| format!("What {label} is for, in one sentence"));
        let author = self
            .author
            .clone()
            .unwrap_or_else(|| format!("The {label} authors"));
        let email = self
            .email
            .as_ref()
            .map(|email| format!("email: {}\n", quoted(email)))
            .unwrap_or_default();
        let places = [
            ("ref", name.to_string()),
            ("version", quoted(version)),
            ("license", quoted(&self.license)),
            ("author", quoted(&author)),
            ("email", email),
            ("label", quoted(&label)),
            ("title", label.clone()),
            ("description", quoted(&description)),
            ("about", description.clone()),
        ];
        TEMPLATES
            .iter()
            .map(|(path, mode, template)| Scaffold {
                path,
                mode: *mode,
                content: filled(template, &places),
            })
            .collect()
    }
}

/// A file that is going to be written.
#[derive(Debug)]
struct Scaffold {
    path: &'static str,
    mode: u32,
    content: String,
}

const FILE: u32 = 0o666;
const PROGRAM: u32 = 0o777;

/// Paths, modes less the umask, and texts with places to fill.
const TEMPLATES: [(&str, u32, &str); 7] = [
    ("pack.yaml", FILE, include_str!("create/pack.yaml")),
    ("README.md", FILE, include_str!("create/README.md")),
    (
        "actions/hello.yaml",
        FILE,
        include_str!("create/hello.yaml"),
    ),
    ("actions/hello.sh", PROGRAM, include_str!("create/hello.sh")),
    ("tests/run.sh", PROGRAM, include_str!("create/run.sh")),
    (".gitignore", FILE, include_str!("create/gitignore")),
    (".packignore", FILE, include_str!("create/packignore")),
];

/// Writes all of them, or none.
fn write_all(folder: &Path, files: &[Scaffold]) -> Result<(), CreateError> {
    match fs_err::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(CreateError::NotEmpty {
                    path: folder.to_owned(),
                });
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(CreateError::NotAFolder {
                path: folder.to_owned(),
            });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(FileError::io("read", folder)(error).into()),
    }
    let mut made = Made::folders(Some(folder))?;
    for file in files {
        let place = folder.join(file.path);
        if let Some(parent) = place.parent() {
            made.folder(parent)?;
        }
        let mut opened = fs_err::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(file.mode)
            .open(&place)
            .map_err(FileError::io("create", &place))?;
        made.file(place.clone());
        opened
            .write_all(file.content.as_bytes())
            .map_err(FileError::io("write", &place))?;
    }
    made.keep();
    Ok(())
}

/// The template with each `{{place}}` filled. What is filled in is not looked at again.
fn filled(template: &str, places: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let value = places.iter().find(|(known, _)| *known == name);
        text.push_str(value.map_or("", |(_, value)| value));
        text.push_str(rest);
    }
    text
}

/// A text as YAML has it on one line, whatever is in it.
fn quoted(text: &str) -> String {
    // every JSON string is one of YAML
    serde_json::Value::from(text).to_string()
}

/// `disk_report` as a title: `Disk report`.
fn title(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        None => words,
    }
}

#[cfg(test)]
mod tests;
