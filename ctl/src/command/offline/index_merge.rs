//! `index-merge`: several index files as one.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use packd_format::error::without_path;
use packd_format::index::merge::{Input, MergeError, Merged, Options, Prefer, merge};
use packd_wire::Exit;
use serde::Serialize;

use super::large;
use crate::Ending;
use crate::clock::Clock;
use crate::file::{self, FileError, Locked};
use crate::output::{Failure, GOOD, Output, styled, text};

/// Merge indexes: the newest of each pack, with all its versions
///
/// Of each pack the newest version, by the rules of semantic versions, becomes the entry; the others are kept
/// under its `versions`. The packs are sorted, and the same inputs always give the same bytes. The output may be
/// one of the inputs.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexMerge {
    /// Index files, the most trusted one first; - for standard input
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,

    /// Where to write; --output FILE is the same, unless it is the name of a format: `./json` is a file
    #[arg(long, value_name = "FILE")]
    file: PathBuf,

    /// Replace the file if there is one
    #[arg(long, short)]
    force: bool,

    /// Fail if an input is missing or an entry cannot be used
    #[arg(long)]
    strict: bool,

    /// Which input is right when a version has different checksums
    #[arg(long, value_enum, value_name = "WHICH")]
    prefer: Option<Preferred>,

    /// `registry_name` of the result
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// `registry_url` of the result
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    #[command(flatten)]
    clock: Clock,
}

/// What `--prefer` takes.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Preferred {
    /// The earlier one
    First,
    /// The later one
    Last,
}

/// What the merge came to, as existing scripts read it.
#[derive(Debug, Serialize)]
struct MergeView {
    success: bool,
    output_file: String,
    /// The inputs that were there.
    sources_count: usize,
    total_loaded: usize,
    unique_packs: usize,
    duplicates_resolved: usize,
    #[serde(skip_serializing_if = "is_zero")]
    left_out: usize,
    #[serde(skip_serializing_if = "is_zero")]
    versions_left_out: usize,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the library hands a reference over"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl IndexMerge {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let shown = self.file.display().to_string();
        // before anything is read: an input that is the output too must not change meanwhile
        let locked = Locked::new(&self.file)?;
        if locked.exists() && !self.force {
            let message = format!("Output file already exists: {shown}. Use --force to overwrite.");
            return Err(Failure::new(Exit::Failed, message));
        }
        let read = self.read(out)?;
        let inputs: Vec<Input<'_>> = read
            .iter()
            .map(|(name, bytes)| Input { name, bytes })
            .collect();
        let updated = self.clock.fixed();
        let options = Options {
            prefer: self.prefer.map(|preferred| match preferred {
                Preferred::First => Prefer::First,
                Preferred::Last => Prefer::Last,
            }),
            name: self.name.as_deref(),
            url: self.url.as_deref(),
            updated: updated.as_deref(),
        };
        let merged = merge(&inputs, options).map_err(|error| failure(&error, out))?;
        tell(&merged, &inputs, out);
        if merged.total() == 0 && merged.left_out() > 0 {
            let message = format!(
                "none of {} can be used; nothing was written",
                text::count(merged.left_out() as u64, "entry", "entries")
            );
            return Err(Failure::new(Exit::Failed, message));
        }
        if self.strict && merged.left_out() > 0 {
            let message = format!(
                "{} of {} entries cannot be used, and --strict wants them all",
                merged.left_out(),
                merged.left_out() + merged.total()
            );
            return Err(Failure::new(Exit::Failed, message));
        }
        if self.strict && merged.lost() > 0 {
            let versions = text::count(merged.lost() as u64, "version is", "versions are");
            let message = format!("{versions} left out, and --strict wants them all");
            return Err(Failure::new(Exit::Failed, message));
        }
        locked.replace(|to| {
            merged
                .write(to)
                .map_err(|error| Failure::from(FileError::io("write", &self.file)(error)))
        })?;
        let view = MergeView {
            success: true,
            output_file: shown,
            sources_count: inputs.len(),
            total_loaded: merged.total(),
            unique_packs: merged.unique(),
            duplicates_resolved: merged.duplicates(),
            left_out: merged.left_out(),
            versions_left_out: merged.lost(),
        };
        if out.is_human() {
            out.done(&view.told());
        } else {
            out.show(&view, String::new);
        }
        Ok(Ending::Exit(Exit::Done))
    }

    /// The inputs that are there, with their names.
    fn read(&self, out: &mut Output) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let mut read = Vec::new();
        for path in &self.inputs {
            let name = path.display().to_string();
            if name == "-" {
                read.push((name, file::standard_input()?));
                continue;
            }
            match large::read(path) {
                Ok(bytes) => read.push((name, bytes)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if self.strict {
                        let message = format!("Index file not found: {name}");
                        return Err(Failure::new(Exit::NotFound, message)
                            .with_hint("without --strict, it would be skipped"));
                    }
                    out.say(&format!("Skipping missing file: {name}"));
                }
                Err(error) => return Err(unreadable(path, &error)),
            }
        }
        if read.is_empty() {
            let message = "none of the index files exists; nothing was written";
            return Err(Failure::new(Exit::NotFound, message));
        }
        Ok(read)
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    let doing = format!("cannot read `{}`", path.display());
    Failure::of(Exit::Failed, doing, &without_path(error))
}

impl MergeView {
    fn told(&self) -> String {
        let mut text = format!(
            "{} Merged {} index files into {}\n  Total packs loaded: {}\n  Unique packs: {}",
            styled(GOOD, "✓"),
            self.sources_count,
            self.output_file,
            self.total_loaded,
            self.unique_packs
        );
        for (what, count) in [
            ("Duplicates resolved", self.duplicates_resolved),
            ("Entries left out", self.left_out),
            ("Versions left out", self.versions_left_out),
        ] {
            if count > 0 {
                let written = write!(text, "\n  {what}: {count}");
                debug_assert!(written.is_ok(), "a String takes every write");
            }
        }
        text
    }
}

/// Says what was read, what became of packs that were there twice, and what is odd.
fn tell(merged: &Merged<'_>, inputs: &[Input<'_>], out: &mut Output) {
    if out.is_human() && !out.is_quiet() {
        let mut decisions = merged.decisions().into_iter().peekable();
        for (number, input) in inputs.iter().enumerate() {
            let mut text = format!("Loading: {}", input.name);
            while let Some(decision) = decisions.next_if(|next| next.input == number) {
                let (name, known, other) = (decision.pack_ref, decision.known, decision.other);
                let written = match decision.order() {
                    Ordering::Greater => {
                        write!(text, "\n  Updating '{name}' from {known} to {other}")
                    }
                    Ordering::Less => {
                        write!(text, "\n  Keeping '{name}' at {known} (newer than {other})")
                    }
                    Ordering::Equal if decision.is_preferred => {
                        write!(
                            text,
                            "\n  Replacing '{name}' at {known} (same version, the later one counts)"
                        )
                    }
                    Ordering::Equal => {
                        write!(text, "\n  Keeping '{name}' at {known} (same version)")
                    }
                };
                debug_assert!(written.is_ok(), "a String takes every write");
            }
            out.done(&text);
        }
    }
    for notice in merged.notices() {
        let name = inputs[notice.input].name;
        let fate = if notice.left_out { " (left out)" } else { "" };
        out.warn(&format!("{name}: {notice}{fate}"));
    }
    if merged.unsaid() > 0 {
        out.warn(&format!("and {} more entries like these", merged.unsaid()));
    }
    if merged.unchecked() > 0 {
        let entries = text::count(merged.unchecked() as u64, "entry has", "entries have");
        out.warn(&format!(
            "{entries} a source without a `checksum`: Attune's own client reads nothing of an index with such an entry"
        ));
    }
    if !merged.names_itself() {
        out.warn(
            "no input says what its registry is called; --name and --url say it of the result",
        );
    }
}

fn failure(error: &MergeError, out: &mut Output) -> Failure {
    if let MergeError::Conflict { conflicts, .. } = error {
        for conflict in conflicts.iter().skip(1) {
            out.warn(&conflict.to_string());
        }
    }
    let failure = Failure::of_error(Exit::Failed, error);
    match error.hint() {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests;
