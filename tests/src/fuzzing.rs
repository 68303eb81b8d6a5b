//! What must hold for any bytes at all: one function for each reader of things that come from outside.
//!
//! `tests/fuzz` calls them with what libFuzzer makes up, and the tests beside them with its corpus and changes of
//! that. They return nothing; whatever does not hold is a panic that says so.

use std::fmt::{Debug, Display};
use std::io::Write as _;
use std::path::Path;
use std::str::FromStr;

use packd_format::archive::{self, ArchiveError, Format, Limits, Source};
use packd_format::error::chain;
use packd_format::index::merge::{self, Input, Prefer, merge};
use packd_format::index::update::{self, Action, Existing, Newer, Publication, update};
use packd_format::index::validate::{Severity, Sources, validate};
use packd_format::index::{self, Document, Edits, Entry, Index};
use packd_format::tree::{self, FileList};
use packd_format::{Dependency, Digest, Manifest, PackRef, PreReleases, Requirement, Version};

/// No message may be as long as what it is about.
const LONGEST_MESSAGE: usize = 4 * 1024;

/// What is published into every index.
const ENTRY: &str = r#"{"ref": "slack", "label": "Slack", "description": "Talks", "version": "2.1.0", "author": "A",
    "license": "MIT", "runtime_deps": [], "contents": {}, "install_sources": [{"type": "archive", "url": "slack.zip",
    "checksum": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}"#;

/// What is unpacked of an archive at most, in bytes.
const UNPACKED: u64 = 1024 * 1024;

/// Reads a `pack.yaml`.
pub fn manifest(data: &[u8]) {
    let known: PackRef = "known".parse().unwrap();
    let by_known = Manifest::parse_known(data, &known);
    let manifest = match Manifest::parse(data) {
        Ok(manifest) => manifest,
        Err(error) => {
            short(&chain(&error));
            if let Some(at) = error.position() {
                assert!(at.line > 0 && at.column > 0, "places are counted from 1");
            }
            if let Some(hint) = error.hint() {
                short(&hint);
            }
            return;
        }
    };
    assert!(
        by_known.is_ok(),
        "a pack that names itself can be read under any name"
    );
    reads_back(&manifest.pack_ref);
    reads_back(&manifest.version);
    for dependency in &manifest.dependencies {
        reads_back::<Dependency>(dependency);
    }
    for runtime in &manifest.runtimes {
        assert!(!runtime.name.is_empty(), "a runtime has a name");
        reads_back(&runtime.requirement);
    }
    for warning in &manifest.warnings {
        short(warning);
    }
    if let Some(meta) = &manifest.meta {
        assert!(meta.is_object(), "`meta` is a mapping");
    }
    if let Some(testing) = &manifest.testing {
        assert!(
            (0.0..=1.0).contains(&testing.min_pass_rate),
            "a rate is one"
        );
        for runner in &testing.runners {
            assert!(!runner.timeout.is_zero(), "a runner gets some time");
        }
    }
}

/// Reads an index, and does with it what the tools for registries do.
pub fn index(data: &[u8]) {
    judge(data);
    publish(data);
    join(data);
    let index = match Index::parse(data) {
        Ok(index) => index,
        Err(error) => return short(&chain(&error)),
    };
    assert!(
        index.problems.len() <= index::MAX_PROBLEMS + 1,
        "problems are bounded"
    );
    for problem in &index.problems {
        short(problem);
    }
    let mut found = Vec::new();
    let read = index::read(data, |one| {
        if let Ok(one) = one {
            let key = one.entry.pack_ref.as_str();
            let again = Entry::parse(one.raw, Some(key));
            let again = again.expect("an entry that was read can be read again by its ref");
            assert_eq!(
                again.releases, one.entry.releases,
                "and offers the same then"
            );
            found.push(one.entry);
        }
    });
    assert!(
        read.is_ok(),
        "both ways of reading agree on what an index is"
    );
    assert_eq!(found, index.entries, "and on what is in it");
    for entry in &index.entries {
        reads_back(&entry.pack_ref);
        assert!(!entry.releases.is_empty(), "an entry offers something");
        for pair in entry.releases.windows(2) {
            assert!(
                pair[0].version > pair[1].version,
                "the newest comes first, and each once"
            );
        }
        let newest = entry.newest();
        assert_eq!(
            entry.release(&newest.version),
            Some(newest),
            "what is offered can be had"
        );
        for release in &entry.releases {
            for dependency in &release.dependencies {
                reads_back::<Dependency>(dependency);
            }
            assert!(
                release.sources.len() <= index::MAX_SOURCES,
                "sources are bounded"
            );
        }
    }
}

/// Validates an index.
fn judge(data: &[u8]) {
    let report = validate(data, Sources::Judge);
    let mut errors = 0;
    for finding in &report.findings {
        short(&finding.message);
        errors += usize::from(finding.severity == Severity::Error);
    }
    assert!(errors <= report.errors, "every error is counted");
    if report.errors == 0 {
        assert!(Index::parse(data).is_ok(), "what has no error can be read");
    }
}

/// Publishes a pack into an index.
fn publish(data: &[u8]) {
    let document = match Document::parse(data) {
        Ok(document) => document,
        Err(error) => return short(&chain(&error)),
    };
    assert_eq!(
        Edits::default().apply(document.text()),
        document.text(),
        "no change leaves every byte as it is"
    );
    let publication = Publication::parse(ENTRY).expect("it is a good entry");
    let options = update::Options {
        existing: Existing::Update,
        newer: Newer::Keep,
        now: "2026-01-31T12:00:00Z",
    };
    let updated = match update(&document, &publication, options) {
        Ok(updated) => updated,
        Err(error) => return short(&chain(&error)),
    };
    for warning in &updated.warnings {
        short(warning);
    }
    let text = updated.edits.apply(document.text());
    let document = Document::parse(text.as_bytes()).expect("it is an index still");
    let again = update(&document, &publication, options).expect("what was published can be again");
    assert_eq!(
        again.action,
        Action::Unchanged,
        "which changes nothing: {text}"
    );
    assert!(again.edits.is_empty(), "not a byte");
    let index = Index::parse(text.as_bytes()).expect("readers read it");
    let entry = index
        .entries
        .iter()
        .find(|entry| entry.pack_ref == *publication.pack_ref());
    let entry = entry.expect("and find the pack in it");
    assert!(
        entry.release(publication.version()).is_some(),
        "in the version that was published"
    );
}

/// Merges an index with itself, and what comes of it with itself again.
fn join(data: &[u8]) {
    let Some(once) = joined(&[data, data]) else {
        return;
    };
    let again = joined(&[&once]).expect("what was merged can be merged again");
    assert_eq!(
        String::from_utf8_lossy(&again),
        String::from_utf8_lossy(&once),
        "which changes nothing"
    );
    assert!(Index::parse(&once).is_ok(), "readers read it");
}

fn joined(data: &[&[u8]]) -> Option<Vec<u8>> {
    let inputs: Vec<Input<'_>> = data
        .iter()
        .map(|bytes| Input {
            name: "index",
            bytes,
        })
        .collect();
    let options = merge::Options {
        prefer: Some(Prefer::First),
        name: None,
        url: None,
        updated: None,
    };
    let merged = match merge(&inputs, options) {
        Ok(merged) => merged,
        Err(error) => {
            short(&chain(&error));
            return None;
        }
    };
    for notice in merged.notices() {
        short(&notice.to_string());
    }
    let mut written = Vec::new();
    merged.write(&mut written).expect("a list takes every byte");
    Some(written)
}

/// Reads a requirement, and what else is a short text: a version, a ref, a dependency, a digest.
pub fn requirement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    short_parse::<PackRef>(text);
    short_parse::<Dependency>(text);
    short_parse::<Digest>(text);
    match packd_format::version::parse(text) {
        Ok((version, _)) => reads_back(&version),
        Err(error) => short(&chain(&error)),
    }
    let Some(requirement) = short_parse::<Requirement>(text) else {
        return;
    };
    for version in [
        "0.0.0",
        "0.0.3",
        "0.2.9",
        "1.0.0-rc.1",
        "1.0.0",
        "1.2.3",
        "1.2.3+b1",
        "1.2.4-a.b",
        "1.9.9",
        "2.0.0-0",
        "2.0.0",
        "18446744073709551615.0.0",
    ] {
        let version: Version = version.parse().unwrap();
        if requirement.matches(&version, PreReleases::Exclude) {
            assert!(
                requirement.matches(&version, PreReleases::Include),
                "allowing pre-releases never loses {version} of {requirement}"
            );
        }
        if requirement.exact() == Some(&version) {
            assert!(
                requirement.matches(&version, PreReleases::Exclude),
                "{version} is what was asked for"
            );
        }
    }
}

/// Unpacks an archive into a folder of its own.
pub fn archive(data: &[u8]) {
    let outer = tempfile::tempdir().unwrap();
    let inside = outer.path().join("inside");
    fs_err::create_dir(&inside).unwrap();
    let limits = Limits {
        pack_bytes: UNPACKED,
        file_bytes: UNPACKED / 2,
        entries: 64,
        depth: 16,
        ..Limits::default()
    };
    let unpacked = unpack(data, &inside, &limits);
    let beside: Vec<_> = fs_err::read_dir(outer.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(beside, ["inside"], "nothing is written elsewhere");
    // reading it follows no link, and refuses what is no file, folder or link
    let there = tree::scan(&inside).expect("what is written is what a tree may have");
    match unpacked {
        Ok(files) => {
            assert_eq!(files, there, "the list says what is there");
            assert!(files.bytes() <= UNPACKED, "limits hold");
        }
        Err(error) => short(&chain(&error)),
    }
}

fn unpack(data: &[u8], dest: &Path, limits: &Limits) -> Result<FileList, ArchiveError> {
    match Format::sniff(data)? {
        Format::Zip => {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(data).unwrap();
            archive::unpack(Source::Zip(&file), dest, limits, &mut ())
        }
        format => {
            let mut data = data;
            archive::unpack(Source::Stream(format, &mut data), dest, limits, &mut ())
        }
    }
}

/// Reads the text of a list of files.
pub fn tree(data: &[u8]) {
    let list = match FileList::parse(data) {
        Ok(list) => list,
        Err(error) => {
            assert!(error.line > 0, "lines are counted from 1");
            return short(&chain(&error));
        }
    };
    assert_eq!(list.to_bytes(), data, "a list has one spelling");
    assert_eq!(
        list.digest(),
        Digest::sha256_of(data),
        "its digest is that of its text"
    );
    for pair in list.entries().windows(2) {
        assert!(pair[0].path < pair[1].path, "it is sorted, each path once");
    }
    for entry in list.entries() {
        assert_eq!(
            tree::path::check(&entry.path),
            Ok(()),
            "its paths are good ones"
        );
        assert_eq!(list.get(&entry.path), Some(entry), "each can be found");
    }
    assert!(
        list.files() <= list.entries().len() as u64,
        "files are entries"
    );
    let _sum_of_any_sizes = list.bytes();
}

/// Reads a text of some kind, which then reads back, or is refused in few words.
fn short_parse<T>(text: &str) -> Option<T>
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: std::error::Error,
{
    match text.parse::<T>() {
        Ok(value) => {
            reads_back(&value);
            Some(value)
        }
        Err(error) => {
            short(&chain(&error));
            None
        }
    }
}

/// What is printed is read as the same.
fn reads_back<T>(value: &T)
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: Debug,
{
    let printed = value.to_string();
    let read: T = (printed.parse()).unwrap_or_else(|error| {
        panic!("{value:?} is printed as {printed:?}, which is refused: {error:?}")
    });
    assert_eq!(&read, value, "{printed:?} reads back");
}

fn short(message: &str) {
    assert!(
        message.len() <= LONGEST_MESSAGE,
        "{} bytes are too many for a message: {message:.200}…",
        message.len()
    );
}

#[cfg(test)]
mod tests;
