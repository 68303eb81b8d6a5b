//! The corpus, judged in this process.

use std::collections::HashSet;

use packd_format::archive::{Format, Limits};
use packd_wire::ErrorKind;

use super::{
    Bytes, Case, bombs, bombs::many_zip, good, judge::judge, limits_of_bombs, mutate, others,
    small_cases, streams,
};
use crate::{
    Tree,
    support::{
        numbers::Numbers,
        packs::{self, PackTree},
    },
};

/// Judges each case in each of its forms.
fn all_refused(cases: &[Case], limits: &Limits) {
    let mut wrong = Vec::new();
    for case in cases {
        for (form, bytes) in case.bytes.forms().iter().enumerate() {
            let shown = format!("{} ({}), form {form}", case.id, case.what);
            let refusal = match judge(bytes, limits) {
                Ok(tree) => {
                    wrong.push(format!("{shown} was accepted: {:?}", tree.0.keys()));
                    continue;
                }
                Err(refusal) => refusal,
            };
            let said = format!(
                "{} {}",
                refusal.message,
                refusal.hint.as_deref().unwrap_or_default()
            );
            if refusal.kind != case.kind || !said.contains(&case.names) {
                let expected = format!("{} with {:?}", case.kind, case.names);
                wrong.push(format!("{shown}: {refusal:?}, not {expected}"));
            }
            // of what is wrong in a manifest, the install has a hint
            if refusal.hint.is_none() && refusal.kind != ErrorKind::InvalidManifest {
                wrong.push(format!("{shown}: nothing to try: {refusal:?}"));
            }
            if refusal.message.len() > 2000 || refusal.message.chars().any(char::is_control) {
                wrong.push(format!("{shown}: words that cannot be shown: {refusal:?}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_hostile_archive_is_refused_with_its_kind_and_names_what_is_wrong() {
    let cases = small_cases();
    let ids: HashSet<&String> = cases.iter().map(|case| &case.id).collect();
    assert_eq!(ids.len(), cases.len(), "an id is that of one case");
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    all_refused(&cases, &Limits::default());
}

#[test]
fn every_bomb_is_refused_before_it_has_gone_off() {
    all_refused(&bombs(), &limits_of_bombs());
}

#[test]
fn the_entry_after_the_hundred_thousandth_is_refused() {
    // of a zip archive, as nothing of it is written then
    let archive = many_zip(100_001);
    let refusal = judge(&archive, &Limits::default()).unwrap_err();
    assert_eq!(refusal.message, "the archive has more than 100000 entries");
}

#[test]
fn odd_but_good_archives_are_unpacked_as_others_read_them() {
    let archives = [good::raw(), others::by_programs()].concat();
    let read = others::read_by_python(&archives);
    for archive in &archives {
        let tree = judge(&archive.bytes, &Limits::default())
            .unwrap_or_else(|refusal| panic!("{} is refused: {refusal:?}", archive.name));
        let Some(by_python) = read.get(&archive.name) else {
            panic!("python did not read {}", archive.name);
        };
        assert_eq!(
            &tree, by_python,
            "{} (left: packd, right: python)",
            archive.name
        );
        if Format::sniff(&archive.bytes).unwrap() == Format::Tar {
            for packed in Bytes::Tar(archive.bytes.clone()).forms() {
                assert_eq!(
                    judge(&packed, &Limits::default()).unwrap(),
                    tree,
                    "{}, compressed",
                    archive.name
                );
            }
        }
    }
    assert!(archives.len() >= 30, "only {} archives", archives.len());
}

/// What is changed at random is refused or unpacked, and always ends.
fn survives_changes(seed: u64, changes: u64, bases: &[Vec<u8>]) {
    let mut numbers = Numbers::new(seed);
    for base in bases {
        for change in 0..changes {
            let other = &bases[numbers.below(bases.len())];
            let bytes = mutate::changed(base, other, &mut numbers);
            let bytes = match change % 4 {
                0 => super::gzip(&bytes),
                1 => super::zstandard(&bytes),
                _ => bytes,
            };
            let outcome = std::panic::catch_unwind(|| crate::fuzzing::archive(&bytes));
            assert!(
                outcome.is_ok(),
                "seed {seed}, change {change}: b\"{}\"",
                bytes.escape_ascii()
            );
        }
    }
}

/// Archives that are not so large that changes of them mostly hit content.
const SMALL: usize = 16 * 1024;

#[test]
fn changed_hostile_archives_never_escape_and_always_end() {
    let bases: Vec<Vec<u8>> = small_cases()
        .into_iter()
        .map(|case| match case.bytes {
            Bytes::Tar(bytes) | Bytes::Exact(bytes) => bytes,
        })
        .filter(|bytes| bytes.len() <= SMALL)
        .collect();
    survives_changes(1, 5, &bases);
}

#[test]
fn changed_good_archives_never_escape_and_always_end() {
    let pack = PackTree::new("slack", "2.1.0")
        .link("run", "actions/say.sh")
        .folder("rules");
    let mut bases = vec![streams::small().end()];
    bases.extend(packs::Format::ALL.map(|format| pack.archive(format).bytes));
    bases.extend(good::raw().into_iter().map(|archive| archive.bytes));
    bases.retain(|bytes| bytes.len() <= SMALL);
    survives_changes(2, 40, &bases);
}

#[test]
fn a_refused_archive_is_told_apart_from_what_is_in_it() {
    let limits = Limits::default();
    let tree = judge(&super::tar::Tar::pack().file("a", "x").end(), &limits).unwrap();
    assert_eq!(tree.0.len(), 2);
    let other = judge(&super::zip::Zip::pack().file("a", "x").bytes(), &limits).unwrap();
    assert_eq!(tree, other, "the two writers say the same");
    assert_ne!(tree, Tree::default());
}
