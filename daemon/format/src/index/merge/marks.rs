//! By what the bytes of a release are known, and where two say different things of one.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::word::Word;

/// By what the bytes of a release are known: for each kind of mark, those that its sources have.
#[derive(Debug, Default)]
pub(super) struct Marks(BTreeMap<String, Vec<String>>);

/// A source, as far as it says what its bytes are.
#[derive(Deserialize)]
struct MarkedSource<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    url: Word<'a>,
    #[serde(borrow, default)]
    checksum: Word<'a>,
    #[serde(borrow, default)]
    commit: Word<'a>,
    #[serde(borrow, default)]
    tree: Word<'a>,
}

impl Marks {
    /// Those of `install_sources` as it is written.
    pub(super) fn of(sources: Option<&str>) -> Self {
        let mut marks = Self::default();
        let items: Vec<&RawValue> = sources
            .and_then(|sources| serde_json::from_str(sources).ok())
            .unwrap_or_default();
        for item in items {
            let Ok(source) = serde_json::from_str::<MarkedSource<'_>>(item.get()) else {
                continue;
            };
            let kind = source.kind.text().unwrap_or_default();
            if let Some(checksum) = source.checksum.text() {
                // digests of different algorithms cannot be compared
                let algorithm = checksum.split(':').next().unwrap_or_default();
                let algorithm = algorithm.to_ascii_lowercase();
                marks.add(format!("{kind} {algorithm}"), checksum);
                if let Some(url) = source.url.text() {
                    marks.add(format!("{kind} {algorithm} {url}"), checksum);
                }
            }
            if let Some(commit) = source.commit.text() {
                marks.add("commit".to_owned(), commit);
            }
            if let Some(tree) = source.tree.text() {
                marks.add("tree".to_owned(), tree);
            }
        }
        marks
    }

    fn add(&mut self, kind: String, mark: &str) {
        self.0
            .entry(kind)
            .or_default()
            .push(mark.to_ascii_lowercase());
    }

    /// Two marks of one kind, when the releases have that kind and none of it in common, and what they are.
    pub(super) fn disagreement(&self, other: &Self) -> Option<(&'static str, String, String)> {
        self.0.iter().find_map(|(kind, ours)| {
            let theirs = other.0.get(kind)?;
            let what = match &**kind {
                "commit" => "commits",
                "tree" => "tree digests",
                _ => "checksums",
            };
            let agree = ours.iter().any(|mark| theirs.contains(mark));
            (!agree).then(|| (what, ours[0].clone(), theirs[0].clone()))
        })
    }
}

/// Whether a source has no checksum, without which Attune's own client reads nothing of the whole index.
pub(super) fn lacks_checksum(sources: &str) -> bool {
    // nearly all have one, and counting is faster than reading
    if sources.matches("\"checksum\"").count() >= sources.matches("\"type\"").count() {
        return false;
    }
    let items: Vec<MarkedSource<'_>> = serde_json::from_str(sources).unwrap_or_default();
    items.iter().any(|item| item.checksum.text().is_none())
}
