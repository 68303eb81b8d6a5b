//! The entries of one pack as one entry: which is on top, and which versions are below it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use semver::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::entry::scalar;
use super::super::word::{Word, present};
use super::record::Record;
use super::text::Style;
use super::{Conflict, Input, Prefer};
use crate::version;

/// What is decided about one ref.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Where its entries begin in the order of refs.
    pub(super) start: usize,
    /// How many there are.
    pub(super) length: usize,
    /// The number of the record whose text is the entry.
    pub(super) top: u32,
    /// Whether versions of others come into it; otherwise it is copied as it is.
    pub(super) is_joined: bool,
}

impl Plan {
    /// Its entries in the order of refs.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.length
    }
}

/// The entries of one pack, joined.
pub(super) struct Joined<'r> {
    /// Which of them is the entry.
    pub(super) top: usize,
    /// The versions below it, newest first; nothing when the entry has them as they are.
    pub(super) others: Option<Vec<Offer<'r>>>,
}

/// One version as one entry has it.
pub(super) struct Offer<'r> {
    version: Cow<'r, Version>,
    /// Which of the entries.
    record: usize,
    form: OfferForm<'r>,
}

#[derive(Clone, Copy)]
enum OfferForm<'r> {
    /// The top level of the entry.
    Top,
    /// An element of its `versions`, and what that has as sources.
    Item(&'r str, Option<&'r str>),
}

/// An element of `versions`.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    install_sources: Option<&'a RawValue>,
}

/// Joins the entries of one pack, which come in the order of precedence.
pub(super) fn join<'r>(
    group: &[&'r Record<'_>],
    prefer: Option<Prefer>,
    inputs: &[Input<'_>],
    conflicts: &mut Vec<Conflict>,
) -> Joined<'r> {
    if group.len() == 1 {
        return Joined {
            top: 0,
            others: None,
        };
    }
    let newest = group
        .iter()
        .map(|record| &record.version)
        .max()
        .expect("a group has entries");
    let mut offers = Vec::with_capacity(group.len());
    for (number, record) in group.iter().enumerate() {
        offers.push(Offer {
            version: Cow::Borrowed(&record.version),
            record: number,
            form: OfferForm::Top,
        });
        offers_below(record, number, &mut offers);
    }
    // stable: what comes first of one version stays first
    offers.sort_by(|a, b| b.version.cmp(&a.version));

    let (mut top, mut others) = (0, Vec::new());
    let mut rest = offers.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut same = vec![first];
        while let Some(next) = rest.next_if(|next| next.version == same[0].version) {
            same.push(next);
        }
        let is_top = *same[0].version == *newest;
        let chosen = choose(&same, is_top, group, prefer, inputs, conflicts);
        let chosen = same.swap_remove(chosen);
        if is_top {
            top = chosen.record;
        } else {
            others.push(chosen);
        }
    }
    let has_them = others
        .iter()
        .all(|offer| offer.record == top && matches!(offer.form, OfferForm::Item(..)));
    Joined {
        top,
        others: (!has_them).then_some(others),
    }
}

/// Adds the versions below the top level of an entry. What cannot be read is not handed on; readers leave it out too.
fn offers_below<'r>(record: &'r Record<'_>, number: usize, offers: &mut Vec<Offer<'r>>) {
    let Some(versions) = record.parts.versions.get(&record.text) else {
        return;
    };
    let items: Vec<&RawValue> = serde_json::from_str(versions).unwrap_or_default();
    for item in items {
        let raw = item.get();
        let Ok(item) = serde_json::from_str::<Item<'_>>(raw) else {
            continue;
        };
        let text = item.version.and_then(scalar);
        if let Some(Ok((version, _))) = text.map(|text| version::parse(&text)) {
            let sources = item.install_sources.map(RawValue::get);
            offers.push(Offer {
                version: Cow::Owned(version),
                record: number,
                form: OfferForm::Item(raw, sources),
            });
        }
    }
}

/// Which of several offers of one version counts: the first, unless they disagree and the last is preferred.
/// An entry on top has the version on its top level itself.
fn choose(
    same: &[Offer<'_>],
    is_top: bool,
    group: &[&Record<'_>],
    prefer: Option<Prefer>,
    inputs: &[Input<'_>],
    conflicts: &mut Vec<Conflict>,
) -> usize {
    let may_count = |offer: &Offer<'_>| !is_top || matches!(offer.form, OfferForm::Top);
    let mut chosen = same.iter().position(may_count).unwrap_or(0);
    if same.len() == 1 {
        return chosen;
    }
    let marks: Vec<Marks> = same.iter().map(|offer| Marks::of(offer, group)).collect();
    for later in 1..same.len() {
        let disagreement = (0..later)
            .find_map(|earlier| Some((earlier, marks[earlier].disagreement(&marks[later])?)));
        let Some((earlier, (one, other))) = disagreement else {
            continue;
        };
        match prefer {
            Some(Prefer::Last) if may_count(&same[later]) => chosen = later,
            Some(Prefer::First | Prefer::Last) => {}
            None => {
                let name = |offer: &Offer<'_>| {
                    let input = group[offer.record].input as usize;
                    inputs
                        .get(input)
                        .map_or_else(String::new, |input| input.name.to_owned())
                };
                conflicts.push(Conflict {
                    pack_ref: group[same[0].record].name.clone(),
                    version: same[0].version.clone().into_owned(),
                    first: (name(&same[earlier]), one),
                    second: (name(&same[later]), other),
                });
                return chosen;
            }
        }
    }
    chosen
}

/// By what the bytes of a release are known: for each kind of mark, those that its sources have.
#[derive(Debug, Default)]
struct Marks(BTreeMap<String, Vec<String>>);

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
    fn of(offer: &Offer<'_>, group: &[&Record<'_>]) -> Self {
        let record = group[offer.record];
        let sources = match offer.form {
            OfferForm::Top => record.parts.install_sources.get(&record.text),
            OfferForm::Item(_, sources) => sources,
        };
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

    /// Two marks of one kind, when the releases have that kind and none of it in common.
    fn disagreement(&self, other: &Self) -> Option<(String, String)> {
        self.0.iter().find_map(|(kind, ours)| {
            let theirs = other.0.get(kind)?;
            let agree = ours.iter().any(|mark| theirs.contains(mark));
            (!agree).then(|| (ours[0].clone(), theirs[0].clone()))
        })
    }
}

/// The text of an entry with other versions below it.
pub(super) fn text(top: &Record<'_>, others: &[Offer<'_>], group: &[&Record<'_>]) -> String {
    let style = Style::of(&top.text);
    let mut list = String::from("[");
    for (number, offer) in others.iter().enumerate() {
        if number > 0 {
            style.comma(&mut list);
        }
        style.line(1, &mut list);
        match offer.form {
            OfferForm::Item(raw, _) => style.value(raw, 1, &mut list),
            OfferForm::Top => release(group[offer.record], style, &mut list),
        }
    }
    style.line(0, &mut list);
    list.push(']');

    let whole = &*top.text;
    let mut joined = String::with_capacity(whole.len() + list.len() + 32);
    if let Some(range) = top.parts.versions.range() {
        joined.push_str(&whole[..range.start]);
        joined.push_str(&list);
        joined.push_str(&whole[range.end..]);
    } else {
        let inside = whole.strip_suffix('}').unwrap_or(whole).trim_end();
        joined.push_str(inside);
        style.comma(&mut joined);
        style.line(0, &mut joined);
        style.key("versions", &mut joined);
        joined.push_str(&list);
        joined.push_str(&whole[inside.len()..]);
    }
    joined
}

/// The top level of an entry as an element of `versions`.
fn release(record: &Record<'_>, style: Style<'_>, out: &mut String) {
    let parts = &record.parts;
    let members = [
        ("version", parts.version),
        ("install_sources", parts.install_sources),
        ("dependencies", parts.dependencies),
        ("runtime_deps", parts.runtime_deps),
        ("published_at", parts.published_at),
        ("yanked", parts.yanked),
        ("phased", parts.phased),
    ];
    out.push('{');
    let values = members
        .into_iter()
        .filter_map(|(key, span)| Some((key, span.get(&record.text)?)));
    for (number, (key, value)) in values.enumerate() {
        if number > 0 {
            style.comma(out);
        }
        style.line(2, out);
        style.key(key, out);
        style.value(value, 2, out);
    }
    style.line(1, out);
    out.push('}');
}
