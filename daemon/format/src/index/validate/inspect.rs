//! Takes the entries of one piece of an index, and what is found in them.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::reader::without_place;
use super::super::walk::{At, Visit};
use super::super::word::Kind;
use super::super::{MAX_ENTRY_BYTES, MAX_RELEASES};
use super::entry;
use super::spot::{Spot, Trail};
use super::view::View;
use super::{MAX_FINDINGS, Rule, Severity, Sources};
use crate::digest::Digest;

/// A finding whose line is not known yet.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) rule: Rule,
    pub(super) spot: Spot<'a>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Findings up to a bound, and how many there are beyond.
#[derive(Debug, Default)]
pub(super) struct Findings<'a> {
    kept: Vec<Draft<'a>>,
    errors: usize,
    warnings: usize,
}

impl<'a> Findings<'a> {
    pub(super) fn add(
        &mut self,
        rule: Rule,
        spot: Spot<'a>,
        message: String,
        hint: Option<String>,
    ) {
        match rule.severity() {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(Draft {
                rule,
                spot,
                message,
                hint,
            });
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.kept.extend(others.kept);
        self.errors += others.errors;
        self.warnings += others.warnings;
    }

    /// How many errors and warnings there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.errors, self.warnings)
    }

    /// The first of them, in the order of the index.
    pub(super) fn sorted(mut self) -> impl Iterator<Item = Draft<'a>> {
        // stable: what is found at one place stays in the order in which it was found
        self.kept.sort_by_key(|draft| draft.spot.start());
        self.kept.into_iter().take(MAX_FINDINGS)
    }
}

/// An entry that has a ref.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) spot: Spot<'a>,
}

/// An archive that is offered.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    pub(super) spot: Spot<'a>,
    pub(super) pack: String,
    pub(super) version: String,
    pub(super) url: String,
    pub(super) checksum: Option<Digest>,
    pub(super) size: Option<u64>,
}

/// Judges the entries of one piece.
#[derive(Debug)]
pub(super) struct Inspector<'a> {
    pub(super) sources: Sources,
    pub(super) count: usize,
    pub(super) findings: Findings<'a>,
    pub(super) seen: Vec<Seen<'a>>,
    pub(super) offers: Vec<Offer<'a>>,
    pub(super) repositories: usize,
    /// Licences that were found to be ones: an index has few.
    pub(super) licenses: HashSet<String>,
}

impl Inspector<'_> {
    pub(super) fn new(sources: Sources) -> Self {
        Self {
            sources,
            count: 0,
            findings: Findings::default(),
            seen: Vec::new(),
            offers: Vec::new(),
            repositories: 0,
            licenses: HashSet::new(),
        }
    }

    /// Counts from the beginning of the index, and not of this piece.
    pub(super) fn renumber(&mut self, first: usize) {
        let drafts = self.findings.kept.iter_mut().map(|draft| &mut draft.spot);
        let seen = self.seen.iter_mut().map(|seen| &mut seen.spot);
        let offers = self.offers.iter_mut().map(|offer| &mut offer.spot);
        for spot in drafts.chain(seen).chain(offers) {
            spot.renumber(first);
        }
    }
}

impl<'a> Visit<'a> for Inspector<'a> {
    type Entry = View<'a>;

    fn entry(&mut self, at: At<'a>, entry: Result<View<'a>, serde_json::Error>) {
        self.count += 1;
        let spot = || Spot::within(&at, &Trail::Entry);
        if at.raw.len() > MAX_ENTRY_BYTES {
            let message = format!(
                "the entry is {} bytes long, more than the {MAX_ENTRY_BYTES} that are read",
                at.raw.len()
            );
            let hint = format!("at most {MAX_RELEASES} versions are read, the newest ones");
            self.findings.add(Rule::Entry, spot(), message, Some(hint));
            return;
        }
        let message = match (Kind::of(at.raw), entry) {
            (Kind::Object, Ok(view)) => return entry::check(self, &at, &view),
            (Kind::Object, Err(error)) => without_place(&error),
            (kind, _) => format!("the entry is {kind}, not an object"),
        };
        self.findings.add(Rule::Entry, spot(), message, None);
    }
}
