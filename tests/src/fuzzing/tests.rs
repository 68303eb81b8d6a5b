//! The corpus of the fuzzer, and bounded, repeatable changes of it, as ordinary tests.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::support::{numbers::Numbers, programs};

/// The bytes with a few changes, of the kinds that break readers.
fn changed(bytes: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const ODD: [u8; 12] = [
        0, 1, 0x7f, 0x80, 0xff, b'\n', b'\r', b'"', b':', b'[', b'*', b'/',
    ];
    let mut bytes = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(24)).min(bytes.len());
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            1 if at < bytes.len() => bytes[at] = ODD[numbers.below(ODD.len())],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            _ => {
                let from = numbers.below(other.len() + 1);
                let to = (from + numbers.below(48)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

/// Calls `target` with every file of its corpus, and with so many changes of each.
fn try_corpus(name: &str, changes: u64, target: fn(&[u8])) {
    let folder = programs::source().join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 10, "`{name}` has a corpus");
    let contents: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs_err::read(file).unwrap())
        .collect();
    let attempt = |bytes: &[u8], what: &dyn Fn() -> String| {
        let outcome = catch_unwind(AssertUnwindSafe(|| target(bytes)));
        assert!(
            outcome.is_ok(),
            "{} fails with {}, which is b\"{}\"",
            name,
            what(),
            bytes.escape_ascii()
        );
    };
    for (number, (file, bytes)) in files.iter().zip(&contents).enumerate() {
        attempt(bytes, &|| file.display().to_string());
        let mut numbers = Numbers::new(number as u64 + 1);
        for change in 0..changes {
            let other = &contents[numbers.below(contents.len())];
            let bytes = changed(bytes, other, &mut numbers);
            attempt(&bytes, &|| format!("{}, change {change}", file.display()));
        }
    }
}

#[test]
fn manifests_of_any_kind_are_read_or_refused() {
    try_corpus("manifest", 40, super::manifest);
}

#[test]
fn indexes_of_any_kind_are_read_or_refused() {
    try_corpus("index", 1000, super::index);
}

#[test]
fn short_texts_of_any_kind_are_read_or_refused() {
    try_corpus("requirement", 1000, super::requirement);
}

#[test]
fn archives_of_any_kind_are_unpacked_or_refused() {
    try_corpus("archive", 100, super::archive);
}

#[test]
fn lists_of_any_kind_are_read_or_refused() {
    try_corpus("tree", 1000, super::tree);
}
