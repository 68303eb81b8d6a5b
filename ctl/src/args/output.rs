//! `--output` as the registry tools have it in existing scripts: a file as well as a format.
//!
//! `index-merge --output merged.json` names a file, `--output json` everywhere a format. So behind these verbs
//! an `--output` whose value is the name of no format is taken for `--file`, before anything is parsed. A
//! file that is called like a format is named with its folder: `./json`.

use std::ffi::{OsStr, OsString};

use clap::ValueEnum as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::Format;

/// The verbs that write a file.
const VERBS: [&str; 3] = ["export", "index-entry", "index-merge"];

/// The words of a command line, with the files among the values of `--output` said as `--file`.
pub(super) fn with_files_apart(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut apart = Vec::new();
    let mut words = words.into_iter();
    let mut writes_file = false;
    while let Some(word) = words.next() {
        if word == "--" {
            apart.push(word);
            break;
        }
        if !writes_file {
            writes_file = VERBS.iter().any(|verb| word == *verb);
            apart.push(word);
            continue;
        }
        if word == "--output" || word == "-o" {
            match words.next() {
                Some(value) if is_file(&value) => apart.extend(["--file".into(), value]),
                Some(value) => apart.extend([word, value]),
                None => apart.push(word),
            }
        } else if let Some(value) = attached(&word).filter(|value| is_file(value)) {
            apart.extend(["--file".into(), value]);
        } else {
            apart.push(word);
        }
    }
    apart.extend(words);
    apart
}

/// The same error, and what became of an `--output` that names no file, where a file is what is missing.
pub(super) fn explained(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let is_merge = words.iter().any(|word| word == "index-merge");
    if error.kind() == ErrorKind::MissingRequiredArgument && is_merge {
        let tip = "--output FILE says where to write, too; `json` and other names of formats are formats there, and \
                   `./json` is a file";
        let tips = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

/// The value of `--output=VALUE`, `-o=VALUE`, `-oVALUE`.
fn attached(word: &OsStr) -> Option<OsString> {
    // a path that is not UTF-8 is given as a word of its own
    let word = word.to_str()?;
    let value = word
        .strip_prefix("--output=")
        .or_else(|| word.strip_prefix("-o="))
        .or_else(|| word.strip_prefix("-o"))?;
    Some(value.into())
}

/// Whether a value names a file: it is no other option, and no format.
fn is_file(value: &OsStr) -> bool {
    let is_option = value
        .to_str()
        .is_some_and(|text| text.starts_with('-') && text != "-");
    let is_format = value
        .to_str()
        .is_some_and(|text| text.is_empty() || Format::from_str(text, false).is_ok());
    !is_option && !is_format
}
