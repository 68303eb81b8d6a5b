//! The text of an entry that is made of several.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::super::layout::quoted;
use super::super::{MAX_ENTRY_BYTES, MAX_RELEASES};
use super::change::changed;
use super::indentation::Indentation;
use super::join::Joined;
use super::offer::{Offer, OfferForm};
use super::record::{Record, versions_in};

/// The members of an entry that belong to the version on its top level.
const RELEASE: [&str; 7] = [
    "version",
    "install_sources",
    "dependencies",
    "runtime_deps",
    "published_at",
    "yanked",
    "phased",
];

/// The text of the entry, and how many of the versions below it are in it: the oldest are cut where it would be
/// more than readers take.
pub(super) fn text(joined: &Joined<'_>, group: &[&Record<'_>]) -> (String, usize) {
    let base = group[joined.lead.record];
    let whole = top(joined, base);
    let versions = match &whole {
        Cow::Borrowed(_) => base.parts.versions.range(),
        Cow::Owned(text) => versions_in(text),
    };
    let has_list = versions.is_some();
    let indentation = Indentation::of(&whole);
    let (mut head, mut tail) = (String::new(), String::new());
    if let Some(range) = versions {
        head.push_str(&whole[..range.start]);
        tail.push_str(&whole[range.end..]);
    } else if joined.others.is_empty() {
        return (whole.into_owned(), 0);
    } else {
        let inside = whole.strip_suffix('}').unwrap_or(&whole).trim_end();
        head.push_str(inside);
        indentation.comma(&mut head);
        indentation.line(0, &mut head);
        indentation.key("versions", &mut head);
        tail.push_str(&whole[inside.len()..]);
    }
    let mut close = String::new();
    indentation.line(0, &mut close);
    close.push(']');

    let space = MAX_ENTRY_BYTES.saturating_sub(head.len() + tail.len() + close.len());
    let mut list = String::from("[");
    let mut kept = 0;
    // the one on top is a version too
    for offer in joined.others.iter().take(MAX_RELEASES - 1) {
        let before = list.len();
        if kept > 0 {
            indentation.comma(&mut list);
        }
        indentation.line(1, &mut list);
        item(offer, group[offer.record], indentation, &mut list);
        if list.len() > space {
            list.truncate(before);
            break;
        }
        kept += 1;
    }
    if kept == 0 && !has_list {
        return (whole.into_owned(), 0);
    }
    if kept > 0 {
        list.push_str(&close);
    } else {
        list.push(']');
    }
    (head + &list + &tail, kept)
}

/// Whether an entry is certainly small enough to have all of its versions.
pub(super) fn fits(joined: &Joined<'_>, group: &[&Record<'_>]) -> bool {
    let is_rewritten = |offer: &Offer<'_>| offer.becomes_yanked;
    if matches!(joined.lead.form, OfferForm::Item(_))
        || is_rewritten(&joined.lead)
        || joined.others.iter().any(is_rewritten)
    {
        return false;
    }
    let base = &group[joined.lead.record].text;
    let (mut bytes, mut lines) = (0, 0);
    for record in group {
        bytes += record.text.len();
        lines += record.text.matches('\n').count();
    }
    // what is moved gets a new indentation, and members and their versions lines of their own
    lines += (joined.others.len() + 2) * (RELEASE.len() + 2);
    let line = Indentation::of(base).widest() + RELEASE[1].len() + 8;
    joined.others.len() < MAX_RELEASES && bytes + lines * line <= MAX_ENTRY_BYTES
}

/// The entry that the top level is from, with the version that belongs there.
fn top<'r>(joined: &Joined<'_>, base: &'r Record<'_>) -> Cow<'r, str> {
    let lead = &joined.lead;
    let mut wanted: Vec<(String, Option<String>)> = Vec::new();
    if let OfferForm::Item(raw) = lead.form {
        let members: Map<String, Value> =
            serde_json::from_str(raw).expect("it was read as an object before");
        let mut members: Vec<(String, String)> = members
            .into_iter()
            .map(|(key, value)| (key, value.to_string()))
            .collect();
        for (key, value) in &mut members {
            if key == "version" {
                *value = quoted(&lead.version.to_string());
            }
        }
        for key in RELEASE {
            let is_there = members.iter().any(|(known, _)| known == key);
            // what Attune's own client insists on
            let absent = matches!(key, "install_sources" | "runtime_deps").then(|| "[]".to_owned());
            if !is_there {
                wanted.push((key.to_owned(), absent));
            }
        }
        let own: Map<String, Value> = serde_json::from_str(&base.text).unwrap_or_default();
        for (key, value) in members {
            // what nobody knows of a version does not overwrite what an entry says of itself
            if RELEASE.contains(&&*key) || !own.contains_key(&key) {
                wanted.push((key, Some(value)));
            }
        }
    }
    if lead.becomes_yanked {
        wanted.retain(|(key, _)| key != "yanked");
        wanted.push(("yanked".to_owned(), Some("true".to_owned())));
    }
    if wanted.is_empty() {
        Cow::Borrowed(&base.text)
    } else {
        Cow::Owned(changed(&base.text, &wanted))
    }
}

/// A version as an element of `versions`.
fn item(offer: &Offer<'_>, record: &Record<'_>, indentation: Indentation<'_>, out: &mut String) {
    match offer.form {
        OfferForm::Item(raw) if offer.becomes_yanked => {
            let yanked = ("yanked".to_owned(), Some("true".to_owned()));
            indentation.value(&changed(raw, &[yanked]), 1, out);
        }
        OfferForm::Item(raw) => indentation.value(raw, 1, out),
        OfferForm::Top => release(record, offer.becomes_yanked, indentation, out),
    }
}

/// The top level of an entry as an element of `versions`.
fn release(
    record: &Record<'_>,
    becomes_yanked: bool,
    indentation: Indentation<'_>,
    out: &mut String,
) {
    let parts = &record.parts;
    let spans = [
        parts.version,
        parts.install_sources,
        parts.dependencies,
        parts.runtime_deps,
        parts.published_at,
        parts.yanked,
        parts.phased,
    ];
    out.push('{');
    let values = RELEASE.into_iter().zip(spans).filter_map(|(key, span)| {
        if key == "yanked" && becomes_yanked {
            return Some((key, "true"));
        }
        Some((key, span.get(&record.text)?))
    });
    for (number, (key, value)) in values.enumerate() {
        if number > 0 {
            indentation.comma(out);
        }
        indentation.line(2, out);
        indentation.key(key, out);
        indentation.value(value, 2, out);
    }
    indentation.line(1, out);
    out.push('}');
}
