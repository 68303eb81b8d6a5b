//! The keys of a mapping of `testing`, each of which either says something that can be run or is refused with its place.

use std::time::Duration;

use super::super::ManifestError;
use super::super::fields::{wrong_kind, wrong_value};
use super::super::yaml::Node;
use super::{MAX_TIMEOUT, ResultFormat};
use crate::name::shown;

/// The most tests of a list, files of a suite, and words of a command.
pub(super) const MAX_ITEMS: usize = 1024;

/// What a shell would not take for a word.
const OPERATORS: [&str; 16] = [
    "|", "||", "&", "&&", ";", ";;", "(", ")", "<", "<<", ">", ">>", ">&", "2>", "2>&1", "!",
];

/// A mapping with the keys above it, for messages.
pub(super) struct Keys<'a> {
    pub(super) node: &'a Node,
    pub(super) above: String,
}

impl<'a> Keys<'a> {
    pub(super) fn new(node: &'a Node, above: impl Into<String>) -> Self {
        Self {
            node,
            above: above.into(),
        }
    }

    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.above)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<(&'a Node, &'a str)>, ManifestError> {
        match self.node.get(key) {
            None => Ok(None),
            Some(value) => match value.text() {
                Some(text) => Ok(Some((value, text))),
                None => Err(wrong_kind(value, &self.key(key), "a text")),
            },
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<(&'a Node, &'a str), ManifestError> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    pub(super) fn missing(&self, key: &str) -> ManifestError {
        wrong_value(self.node, &self.key(key), "is missing")
    }

    /// The elements of a list, within bounds.
    pub(super) fn list(&self, key: &str, most: usize) -> Result<Option<&'a [Node]>, ManifestError> {
        let Some(value) = self.node.get(key) else {
            return Ok(None);
        };
        let items = value
            .list()
            .ok_or_else(|| wrong_kind(value, &self.key(key), "a list"))?;
        if items.len() > most {
            let why = format!("has more than {most} entries");
            return Err(wrong_value(value, &self.key(key), why));
        }
        Ok(Some(items))
    }

    pub(super) fn timeout(&self, key: &str, default: Duration) -> Result<Duration, ManifestError> {
        let Some((at, seconds)) = self.text(key)? else {
            return Ok(default);
        };
        match seconds.parse::<u64>().map(Duration::from_secs) {
            Ok(timeout) if !timeout.is_zero() && timeout <= MAX_TIMEOUT => Ok(timeout),
            _ => {
                let most = MAX_TIMEOUT.as_secs();
                let why = format!("must be a number of seconds from 1 to {most}");
                Err(wrong_value(at, &self.key(key), why))
            }
        }
    }

    pub(super) fn result_format(
        &self,
        default: ResultFormat,
    ) -> Result<ResultFormat, ManifestError> {
        match self.text("result_format")? {
            None => Ok(default),
            Some((_, "simple")) => Ok(ResultFormat::Simple),
            Some((_, "json")) => Ok(ResultFormat::Json),
            Some((_, "junit" | "junit-xml" | "junit_xml")) => Ok(ResultFormat::JunitXml),
            Some((_, "tap")) => Ok(ResultFormat::Tap),
            Some((at, _)) => Err(wrong_kind(
                at,
                &self.key("result_format"),
                "`simple`, `json`, `junit-xml` or `tap`",
            )),
        }
    }

    /// A path inside the pack.
    pub(super) fn path(&self, key: &str) -> Result<Option<String>, ManifestError> {
        self.text(key)?
            .map(|(at, path)| inside(at, &self.key(key), path))
            .transpose()
    }
}

/// A program and its arguments: a list, or a text with the quoting of a shell and nothing else of one.
pub(super) fn command(keys: &Keys<'_>, key: &str) -> Result<Vec<String>, ManifestError> {
    let node = keys.node.get(key).ok_or_else(|| keys.missing(key))?;
    let refuse = |why: &str| wrong_value(node, &keys.key(key), why);
    let words = if let Some(text) = node.text() {
        let words = shlex::split(text).ok_or_else(|| refuse("has a quote that does not end"))?;
        let of_a_shell = |word: &String| {
            OPERATORS.contains(&word.as_str())
                || word.starts_with(['$', '`', '>', '<'])
                || (word.ends_with(';') && !word.contains(' '))
        };
        if let Some(word) = words.iter().find(|word| of_a_shell(word)) {
            let why = format!(
                "has `{}`, which needs a shell, and is run without one; put it into a script",
                shown(word)
            );
            return Err(refuse(&why));
        }
        words
    } else {
        keys.list(key, MAX_ITEMS)?
            .unwrap_or_default()
            .iter()
            .map(|word| word.text().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| refuse("must be a text or a list of texts"))?
    };
    let Some(program) = words.first().filter(|program| !program.is_empty()) else {
        return Err(refuse("names no program"));
    };
    if program.starts_with('-') || program.contains('=') {
        return Err(refuse(&format!(
            "must begin with a program, not `{}`",
            shown(program)
        )));
    }
    // an absolute path is a program of the host; a relative one is of the pack
    if program.contains('/') && !program.starts_with('/') {
        inside(node, &keys.key(key), program)?;
    }
    if words.len() > MAX_ITEMS || words.iter().any(|word| word.contains('\0')) {
        return Err(refuse("cannot be the arguments of a program"));
    }
    Ok(words)
}

/// A path that stays in the pack and is no option; `.` is the pack.
pub(super) fn inside(node: &Node, key: &str, path: &str) -> Result<String, ManifestError> {
    if matches!(path, "." | "./") {
        return Ok(".".to_owned());
    }
    let inner = path.strip_prefix("./").unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let component_ok = |part: &str| !matches!(part, "" | "." | "..");
    if inner.starts_with(['/', '-', '~'])
        || inner.contains(['\\', '\0'])
        || !inner.split('/').all(component_ok)
    {
        let why = format!("must be a path inside the pack, not `{}`", shown(path));
        return Err(wrong_value(node, key, why));
    }
    Ok(inner.to_owned())
}
