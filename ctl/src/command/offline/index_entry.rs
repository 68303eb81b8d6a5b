//! `index-entry`: the entry of a pack for an index, as a document.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use packd_wire::Exit;
use serde_json::{Value, json};

use super::entry::{SourceArgs, draft};
use crate::Ending;
use crate::args::Format;
use crate::file::{FileError, Locked};
use crate::output::{Failure, GOOD, Output, styled};

/// Make the index entry of a pack from its folder
///
/// Without --git-url and --archive-url the entry is a template: it shows what an entry looks like, and
/// cannot be added to an index.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexEntry {
    /// Folder of the pack
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// File to write the entry to, instead of standard output, which `-` is too
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Language of the entry; wins over --output and the ending of FILE
    #[arg(long, short, value_enum, value_name = "LANGUAGE")]
    format: Option<Language>,

    // last, so that its heading is above its own options only
    #[command(flatten)]
    sources: SourceArgs,
}

/// Languages that an entry can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// JSON, as in an index
    Json,
    /// YAML, the same object
    Yaml,
}

impl IndexEntry {
    pub(crate) async fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let file = self.file.as_deref().filter(|file| *file != Path::new("-"));
        let draft = draft(&self.path, &self.sources, file, out).await?;
        let entry = draft.to_json();
        let language = self.format.or_else(|| language_of(file?));
        let text = match (language, out.format()) {
            (Some(Language::Yaml), _) | (None, Format::Yaml) => yaml(&entry)?,
            (None, Format::Ndjson) if file.is_none() => format!("{entry}\n"),
            (Some(Language::Json), _) | (None, Format::Human | Format::Json | Format::Ndjson) => {
                format!("{entry:#}\n")
            }
        };
        let done = format!("{} Index entry generated successfully", styled(GOOD, "✓"));
        let Some(file) = file else {
            out.data(&text);
            out.say(&done);
            return Ok(Ending::Exit(Exit::Done));
        };
        write(file, &text)?;
        let written = json!({
            "success": true,
            "file": file.display().to_string(),
            "pack_ref": draft.pack_ref.as_str(),
            "version": draft.version.to_string(),
        });
        if out.is_human() {
            out.done(&done);
            out.done(&format!("  Pack: {} v{}", draft.pack_ref, draft.version));
            out.done(&format!("  File: {}", file.display()));
        } else {
            out.show(&written, String::new);
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// The language that the ending of a file's name says.
fn language_of(file: &Path) -> Option<Language> {
    let ending = file.extension()?.to_str()?.to_ascii_lowercase();
    match &*ending {
        "yaml" | "yml" => Some(Language::Yaml),
        "json" => Some(Language::Json),
        _ => None,
    }
}

fn yaml(entry: &Value) -> Result<String, Failure> {
    serde_yaml::to_string(entry)
        .map_err(|error| Failure::of(Exit::Failed, "cannot write the entry as YAML", &error))
}

fn write(path: &Path, text: &str) -> Result<(), FileError> {
    Locked::new(path)?.replace(|out| {
        out.write_all(text.as_bytes())
            .map_err(FileError::io("write", path))
    })
}
