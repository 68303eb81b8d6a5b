//! The sources of a release: each must be usable as it stands, or it is left out.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::Text;
use super::reader::without_place;
use super::{MAX_SOURCES, Source};
use crate::digest::Digest;
use crate::name::shown;

/// The longest URL, in bytes.
const MAX_URL: usize = 4096;

#[derive(Deserialize)]
struct Written {
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    url: Text,
    #[serde(default, rename = "ref")]
    git_ref: Text,
    #[serde(default)]
    checksum: Text,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    commit: Text,
    #[serde(default)]
    tree: Text,
}

/// Reads `install_sources`; what cannot be used is said to `problem`.
pub(super) fn read(written: &RawValue, into: &mut Vec<Source>, problem: &mut dyn FnMut(String)) {
    let items: Vec<&RawValue> = match serde_json::from_str(written.get()) {
        Ok(items) => items,
        Err(_) if written.get() == "null" => return,
        Err(_) => return problem("`install_sources` is no list".to_owned()),
    };
    if items.len() > MAX_SOURCES {
        problem(format!(
            "it has more than {MAX_SOURCES} sources; the rest is left out"
        ));
    }
    for (number, item) in items.into_iter().take(MAX_SOURCES).enumerate() {
        match one(item, number, problem) {
            Ok(source) => into.push(source),
            Err(why) => problem(format!("install_sources[{number}] is left out: {why}")),
        }
    }
}

fn one(item: &RawValue, number: usize, problem: &mut dyn FnMut(String)) -> Result<Source, String> {
    if !item.get().starts_with('{') {
        return Err("it is no object".to_owned());
    }
    let written: Written =
        serde_json::from_str(item.get()).map_err(|error| without_place(&error))?;
    let url = written.url.0.ok_or("it has no `url`")?;
    if !is_plausible(&url) {
        return Err(format!("`{}` is no URL", shown(&url)));
    }
    let digest = |key: &str, text: Option<String>| {
        text.map(|text| {
            text.parse::<Digest>()
                .map_err(|error| format!("`{key}`: {error}"))
        })
        .transpose()
    };
    let tree = digest("tree", written.tree.0)?;
    match written.kind.0.as_deref() {
        Some("archive") => {
            // a checksum that cannot be compared is never taken for none
            let checksum = digest("checksum", written.checksum.0)?;
            Ok(Source::Archive {
                url,
                checksum,
                size: written.size,
                tree,
            })
        }
        Some("git") => {
            // nothing is trusted for this one, so that a broken one is only worth a word
            let checksum = digest("checksum", written.checksum.0).unwrap_or_else(|why| {
                problem(format!(
                    "install_sources[{number}]: {why}; it is not compared"
                ));
                None
            });
            let git_ref = written.git_ref.0;
            let commit = written.commit.0;
            for (key, text) in [("ref", &git_ref), ("commit", &commit)] {
                if let Some(text) = text.as_ref().filter(|text| !is_git_ref(text)) {
                    return Err(format!("`{}` is no `{key}`", shown(text)));
                }
            }
            Ok(Source::Git {
                url,
                git_ref,
                checksum,
                commit,
                tree,
            })
        }
        Some(other) => Err(format!("source type `{}` is not known", shown(other))),
        None => Err("it has no `type`".to_owned()),
    }
}

/// Whether a text can be a URL at all, absolute or relative. What may be asked is decided elsewhere.
pub(super) fn is_plausible(url: &str) -> bool {
    !url.is_empty()
        && url.len() <= MAX_URL
        && !url.starts_with('-')
        && !url
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
}

/// Whether a text can name a branch, tag or commit: no option, nothing git itself refuses.
#[must_use]
pub fn is_git_ref(text: &str) -> bool {
    text.len() <= 255
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
        && !text.contains("..")
        && !text.contains("@{")
        && !text.chars().any(|c| {
            c.is_control()
                || c.is_whitespace()
                || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\')
        })
}
