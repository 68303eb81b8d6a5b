//! What shall be, as a file: what `export` writes, and `apply -f` reads.
//!
//! ```yaml
//! registries:
//!   acme: {url: https://packs.acme.example/index.json, headers: [Authorization]}
//! packs:
//!   slack: ^2
//!   jira: {version: 1.2.3, registry: acme, hold: {reason: the bot breaks with 1.3}}
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use packd_wire::{Desired, Exit, RegistryRequest, RegistryUpdates, Trust};
use serde::{Deserialize, Serialize};

use crate::file::standard_input;
use crate::output::Failure;

/// The largest file that is read, in bytes.
const MAX_BYTES: usize = 16 << 20;

/// One thing to try when a file is none.
const HINT: &str = "the least of one is `packs: {slack: \"^2\"}`; `packctl export` writes one";

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PacksFile {
    /// The registries that there shall be, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) registries: BTreeMap<String, DesiredRegistry>,
    /// The packs that there shall be, by ref.
    pub(crate) packs: BTreeMap<String, Desired>,
}

/// How a registry shall be; the keys are those of a registry in packd.yaml.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DesiredRegistry {
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refs: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exclusive: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Headers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trust: Option<Trust>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) root_fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_stale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allow_http: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sandbox: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) updates: Option<RegistryUpdates>,
}

/// The headers of each request to a registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Headers {
    /// Their names; what they say is not in the file.
    Named(Vec<String>),
    /// What they say; values may refer to secrets, as `${cred:NAME}`.
    Given(BTreeMap<String, String>),
}

impl DesiredRegistry {
    /// The request that makes it so.
    pub(crate) fn request(&self) -> RegistryRequest {
        let headers = match &self.headers {
            Some(Headers::Given(headers)) => Some(headers.clone()),
            Some(Headers::Named(_)) | None => None,
        };
        RegistryRequest {
            name: None,
            url: Some(self.url.clone()),
            priority: self.priority,
            enabled: self.enabled,
            refs: self.refs.clone(),
            exclusive: self.exclusive,
            headers,
            trust: self.trust,
            root: self.root.clone(),
            root_fingerprint: self.root_fingerprint.clone(),
            max_stale: self.max_stale.clone(),
            refresh: self.refresh.clone(),
            allow_http: self.allow_http,
            sandbox: self.sandbox.clone(),
            updates: self.updates,
        }
    }
}

/// Reads a file, `-` from standard input.
///
/// # Errors
/// Why it is none, with the line.
pub(crate) fn read(path: &Path) -> Result<PacksFile, Failure> {
    let bytes = if path == Path::new("-") {
        standard_input()?
    } else {
        fs_err::read(path).map_err(|error| {
            let exit = match error.kind() {
                std::io::ErrorKind::NotFound => Exit::NotFound,
                _ => Exit::Failed,
            };
            let source = packd_format::error::without_path(&error);
            Failure::of(exit, format!("cannot read `{}`", path.display()), &source)
        })?
    };
    let shown = match path.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => format!("`{}`", path.display()),
    };
    if bytes.len() > MAX_BYTES {
        let words = format!("{shown} is larger than any list of packs");
        return Err(Failure::new(Exit::Usage, words).with_hint(HINT));
    }
    parse(&bytes).map_err(|error| {
        let hint = hint(&error.to_string());
        Failure::of(
            Exit::Usage,
            format!("{shown} does not say what shall be"),
            &error,
        )
        .with_hint(hint)
    })
}

fn parse(bytes: &[u8]) -> Result<PacksFile, serde_yaml::Error> {
    // a key that is there twice is an error of any map, and of none that is made of it
    serde_yaml::from_slice::<serde_yaml::Value>(bytes)?;
    serde_yaml::from_slice(bytes)
}

/// One thing to try, by what the reader says.
fn hint(words: &str) -> String {
    if words.contains("floating point") {
        return "put versions in quotes: 1.10 is a number, and \"1.10\" a version".to_owned();
    }
    let unknown = words.split_once("unknown field `").map(|(_, rest)| rest);
    let near = unknown.and_then(|rest| {
        let (field, rest) = rest.split_once('`')?;
        let known = rest.split('`').skip(1).step_by(2);
        packd_format::nearest(field, known)
    });
    near.map_or_else(|| HINT.to_owned(), |near| format!("did you mean `{near}`?"))
}

#[cfg(test)]
mod tests;
