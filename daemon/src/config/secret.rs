//! A value that may be secret: kept as the template the operator wrote, expanded when it is used.
//!
//! It has no `Display`, and its `Debug` is masked, so that it cannot end in a log by accident. Late
//! expansion means that a rotated credential is used by the next request, without a reload.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use packd_format::error::without_path;
use packd_wire::ErrorKind;

use super::environment::Environment;

/// What systemd names the folder of the service's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The most that is read of a file with a secret.
const FILE_BYTES: u64 = 64 * 1024;

/// A text with references to secrets: `Bearer ${cred:acme}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<Part>);

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    File(PathBuf),
    Credential(String),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// `${` without `}`.
    #[error("has a `${{` without its `}}`; a plain `${{` is written `$${{`")]
    Open,
    /// A reference that is none of the three.
    #[error(
        "has a reference that is none of `${{cred:NAME}}`, `${{file:/path}}` and `${{env:NAME}}`"
    )]
    Unknown,
    /// The name of a credential or variable that cannot be one.
    #[error("refers to `{name}`, which cannot be the name of a {what}")]
    Name {
        /// `credential` or `variable`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A path that depends on where packd was started.
    #[error("refers to the file `{}`, whose path is not absolute", path.display())]
    Relative {
        /// The path.
        path: PathBuf,
    },
    /// A line break or another control character outside of the references.
    #[error("has a line break or control character")]
    Control,
}

/// Why a secret could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or is no text.
    #[error("cannot read the environment variable `{name}`: it is not set, or no text")]
    Variable {
        /// Its name.
        name: String,
    },
    /// There are no credentials at all.
    #[error("cannot read the credential `{name}`: packd was started without credentials")]
    NoCredentials {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the secret in {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds what cannot be part of a header.
    #[error("cannot use the secret in {}: it must be one line of text, at most 64 KiB", path.display())]
    NotALine {
        /// The file.
        path: PathBuf,
    },
    /// The variable holds what cannot be part of a header.
    #[error(
        "cannot use the secret in the environment variable `{name}`: it must be one line of text"
    )]
    NotALineVariable {
        /// Its name.
        name: String,
    },
}

impl SecretError {
    /// The stable name sent over the API.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Variable { .. }
            | Self::NoCredentials { .. }
            | Self::NotALine { .. }
            | Self::NotALineVariable { .. } => ErrorKind::InvalidConfig,
            Self::Read { .. } => ErrorKind::Io,
        }
    }

    /// What to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCredentials { name } => Some(format!(
                "add `LoadCredential={name}:/path/of/the/secret` to the unit `packd.service`"
            )),
            _ => None,
        }
    }
}

impl Secret {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it; never the text itself.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            // `$${` stands for `${`
            if let Some(before) = rest[..at].strip_suffix('$') {
                plain.push_str(before);
                plain.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            plain.push_str(&rest[..at]);
            let reference = &rest[at + 2..];
            let end = reference.find('}').ok_or(TemplateError::Open)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::parse(&reference[..end])?);
            rest = &reference[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if parts
            .iter()
            .any(|part| matches!(part, Part::Text(text) if text.contains(char::is_control)))
        {
            return Err(TemplateError::Control);
        }
        Ok(Self(parts))
    }

    /// Puts the value together, now. Reads small files, so it belongs off the runtime's thread where
    /// they could lie on a network.
    ///
    /// # Errors
    /// What could not be read, by name. A later attempt can succeed once the operator has acted.
    pub fn expand(&self) -> Result<String, SecretError> {
        // the usual case needs nothing of the process
        if let [Part::Text(text)] = self.0.as_slice() {
            return Ok(text.clone());
        }
        self.expand_in(&Environment::of_process())
    }

    pub(super) fn expand_in(&self, environment: &Environment) -> Result<String, SecretError> {
        let mut value = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => value.push_str(text),
                Part::Variable(name) => {
                    let held = environment.get(name);
                    let held = held.ok_or_else(|| SecretError::Variable { name: name.clone() })?;
                    if held.contains(char::is_control) {
                        return Err(SecretError::NotALineVariable { name: name.clone() });
                    }
                    value.push_str(held);
                }
                Part::File(path) => value.push_str(&line_of(path)?),
                Part::Credential(name) => {
                    let folder = environment.get(CREDENTIALS);
                    let folder =
                        folder.ok_or_else(|| SecretError::NoCredentials { name: name.clone() })?;
                    value.push_str(&line_of(&Path::new(folder).join(name))?);
                }
            }
        }
        Ok(value)
    }

    /// The template with every plain text masked: what refers to a secret is none itself.
    pub(super) fn masked(&self) -> String {
        let mask = |part: &Part| match part {
            Part::Text(_) => "****".to_owned(),
            Part::Variable(name) => format!("${{env:{name}}}"),
            Part::File(path) => format!("${{file:{}}}", path.display()),
            Part::Credential(name) => format!("${{cred:{name}}}"),
        };
        self.0.iter().map(mask).collect()
    }
}

impl Part {
    fn parse(reference: &str) -> Result<Self, TemplateError> {
        let (scheme, name) = reference.split_once(':').ok_or(TemplateError::Unknown)?;
        match scheme {
            "env" if is_variable(name) => Ok(Self::Variable(name.to_owned())),
            "env" => Err(TemplateError::Name {
                what: "variable",
                name: name.to_owned(),
            }),
            "cred" if is_credential(name) => Ok(Self::Credential(name.to_owned())),
            "cred" => Err(TemplateError::Name {
                what: "credential",
                name: name.to_owned(),
            }),
            "file" if Path::new(name).is_absolute() => Ok(Self::File(name.into())),
            "file" => Err(TemplateError::Relative { path: name.into() }),
            _ => Err(TemplateError::Unknown),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.masked())
    }
}

fn is_variable(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(legal) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// As systemd has it: a file name, so it cannot leave the folder of the credentials.
fn is_credential(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    !name.is_empty() && name.len() <= 255 && name.chars().all(legal) && name != "." && name != ".."
}

/// The one line in a file, without its end.
fn line_of(path: &Path) -> Result<String, SecretError> {
    let failed = |error| SecretError::Read {
        path: path.to_owned(),
        source: without_path(&error),
    };
    let not_a_line = || SecretError::NotALine {
        path: path.to_owned(),
    };
    // a FIFO would be waited for
    if !fs_err::metadata(path).map_err(failed)?.is_file() {
        return Err(not_a_line());
    }
    let mut bytes = Vec::new();
    let file = fs_err::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| not_a_line())?;
    let line = text.trim_end_matches(['\n', '\r']);
    if text.len() as u64 > FILE_BYTES || line.contains(char::is_control) {
        return Err(not_a_line());
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests;
