//! The documentation leads nowhere that is not there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use packd_tests::support::programs;
use regex::Regex;

/// A page: its text without what is code, and the anchors of its headings.
struct Text {
    prose: String,
    anchors: BTreeSet<String>,
}

impl Text {
    fn read(path: &Path) -> Self {
        let text = fs_err::read_to_string(path).unwrap();
        let mut in_code = false;
        let mut prose = String::new();
        let mut anchors = BTreeSet::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if !in_code {
                if line.starts_with('#') {
                    let anchor = anchor(line.trim_start_matches('#').trim());
                    let times = seen.entry(anchor.clone()).or_default();
                    anchors.insert(match *times {
                        0 => anchor,
                        more => format!("{anchor}-{more}"),
                    });
                    *times += 1;
                }
                prose.push_str(line);
                prose.push('\n');
            }
        }
        Self { prose, anchors }
    }

    /// What is linked to, but for other sites.
    fn links(&self) -> Vec<String> {
        let link = Regex::new(r"\]\(([^()\s]+)\)").unwrap();
        let code = Regex::new("`[^`\n]*`").unwrap();
        // a link's text may be code, so only what is in the code goes
        let prose = code.replace_all(&self.prose, "``");
        link.captures_iter(&prose)
            .map(|found| found[1].to_owned())
            .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
            .collect()
    }
}

/// The anchor that forges make of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn pages() -> Vec<PathBuf> {
    let source = programs::source();
    let mut pages = vec![source.join("README.md")];
    let mut folders = vec![source.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
    }
    pages
}

#[test]
fn every_link_and_anchor_is_there() {
    let mut wrong = Vec::new();
    let mut followed = 0;
    for page in pages() {
        for link in Text::read(&page).links() {
            followed += 1;
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let there = target.exists()
                && (fragment.is_empty() || Text::read(&target).anchors.contains(fragment));
            if !there {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(followed > 50, "only {followed} links were found");
    assert!(wrong.is_empty(), "these lead nowhere: {wrong:#?}");
}

#[test]
fn the_map_names_every_page() {
    let docs = programs::source().join("docs");
    let map = Text::read(&docs.join("README.md"));
    let named: BTreeSet<String> = map
        .links()
        .into_iter()
        .map(|link| {
            let file = link.split(['#', '/']).next().unwrap();
            file.to_owned()
        })
        .collect();
    for entry in fs_err::read_dir(&docs).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || named.contains(&name),
            "docs/README.md does not name `{name}`"
        );
    }
}

#[test]
fn an_anchor_is_made_as_forges_make_it() {
    assert_eq!(anchor("7.3 The file list"), "73-the-file-list");
    assert_eq!(anchor("`packctl key init`"), "packctl-key-init");
    assert_eq!(anchor("What a host demands"), "what-a-host-demands");
}
