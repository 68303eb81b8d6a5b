//! The documentation, followed word for word: every command on every page is run where it stands, and prints what the
//! page shows.

use std::collections::{BTreeMap, BTreeSet};

use packd_tests::{
    PackTree, Packd, Settings, Site,
    support::{
        page::{Mark, Page},
        programs,
        scene::{Start, follow},
    },
};
use packd_wire::{EventKind, EventView};
use regex::Regex;

/// Pages whose blocks other tests run, and which.
const ELSEWHERE: [(&str, &str); 2] = [
    ("ci-cd.md", "pipelines"),
    ("configuration-management.md", "managed"),
];

/// Why a block may be left out: what in it cannot be had in a test.
const NOT_HERE: &str = r"(?x) \b(apt|dnf|journalctl|usermod|sudo|install\ -|cargo|sshd?|ssh-keyscan|chgrp|rsync|curl\ https|curl\ -N)\b
    | events\ --follow | systemctl\ (enable|edit|status) | systemd-(analyze|sysusers|creds) | packaging/ | tests/ | \.example\b | \.example\.org\b";

macro_rules! pages {
    ($($test:ident: $page:literal, $start:ident;)*) => {
        const FOLLOWED: &[&str] = &[$($page),*];

        $(
            #[test]
            fn $test() {
                follow(&Page::read($page), Start::$start);
            }
        )*
    };
}

pages! {
    the_quick_start_is_followed: "quick-start.md", Programs;
    the_readme_is_followed: "../README.md", Registry;
    the_concepts_are_followed: "concepts.md", Host;
    operations_are_followed: "operations.md", Host;
    security_is_followed: "security.md", Host;
    events_are_followed: "events.md", Host;
    the_api_is_followed: "api.md", Registry;
    the_questions_are_followed: "faq.md", Host;
    signing_is_followed: "signing.md", Programs;
    publishing_into_an_index_is_followed: "index-update.md", Programs;
}

/// Every page, by its path below `docs/`.
fn pages() -> Vec<String> {
    let mut names: Vec<String> = fs_err::read_dir(programs::source().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.push("../README.md".to_owned());
    names.sort();
    names
}

#[test]
fn every_page_with_commands_is_followed_by_a_test() {
    for (page, module) in ELSEWHERE {
        let file = programs::source().join(format!("tests/e2e/{module}.rs"));
        let text = fs_err::read_to_string(file).unwrap();
        assert!(text.contains(page), "{module}.rs does not read {page}");
    }
    let known: BTreeSet<&str> = FOLLOWED
        .iter()
        .copied()
        .chain(ELSEWHERE.map(|(page, _)| page))
        .collect();
    for name in pages() {
        let page = Page::read(&name);
        let run = page
            .blocks
            .iter()
            .any(|block| block.is_shell() && block.mark == Mark::Plain);
        assert_eq!(
            run,
            FOLLOWED.contains(&name.as_str()),
            "{name}: whether it has commands to run, and whether a test follows it"
        );
        if !page.names().is_empty() {
            assert!(
                known.contains(name.as_str()),
                "nobody knows the names in {name}"
            );
        }
    }
}

#[test]
fn what_is_not_run_cannot_be_run_here() {
    let not_here = Regex::new(NOT_HERE).unwrap();
    for name in pages() {
        let page = Page::read(&name);
        assert!(
            page.stale.is_empty(),
            "{name}: no block below the marks in lines {:?}",
            page.stale
        );
        for block in &page.blocks {
            if let Mark::NotRun(reason) = &block.mark {
                assert!(
                    not_here.is_match(&block.text),
                    "{name}, line {}: this can be run after all, though it {reason}:\n{}",
                    block.line,
                    block.text
                );
            }
        }
    }
}

/// What the table of kinds in `events.md` says that the `data` of each kind may have.
fn kinds() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs_err::read_to_string(programs::source().join("docs/events.md")).unwrap();
    let word = Regex::new("`([a-z_]+)`").unwrap();
    let (_, table) = page.split_once("| kind | when | `data` |").unwrap();
    table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let words = |text: &str| -> BTreeSet<String> {
                word.captures_iter(text)
                    .map(|found| found[1].to_owned())
                    .collect()
            };
            (words(cells[1]).pop_first().unwrap(), words(cells[3]))
        })
        .collect()
}

#[test]
fn every_kind_of_event_is_described_and_no_other() {
    let described: BTreeSet<String> = kinds().into_keys().collect();
    let known: BTreeSet<String> = EventKind::ALL
        .iter()
        .map(|kind| kind.as_str().to_owned())
        .collect();
    assert_eq!(described, known);
}

#[test]
fn events_have_the_data_that_their_kind_is_described_with() {
    let old = PackTree::new("slack", "1.0.0");
    let new = PackTree::new("slack", "2.0.0");
    let site = Site::serving([&old, &new]);
    let packd = Packd::start(&Settings::for_site(&site));
    packd.ctl(["install", "slack@1.0.0"]).success();
    packd.ctl(["install", "slack@2.0.0"]).success();
    packd.ctl(["install", "nosuch"]).failure(3);
    packd.ctl(["verify"]).success();
    packd.ctl(["remove", "slack"]).success();

    let described = kinds();
    let mut seen = BTreeSet::new();
    let printed = packd.ctl(["events", "--since", "0", "-o", "ndjson"]);
    for line in printed.success().stdout().lines() {
        let event: EventView = serde_json::from_str(line).unwrap();
        let kind = event.kind.as_str();
        seen.insert(kind);
        for field in event.data.as_object().unwrap().keys() {
            assert!(
                described[kind].contains(field),
                "docs/events.md does not say that `{kind}` has `{field}`: {line}"
            );
        }
    }
    assert!(seen.len() > 8, "only {seen:?} happened");
}
