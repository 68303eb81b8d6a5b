//! One version of a pack as one entry offers it.

use std::borrow::Cow;

use semver::Version;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::entry::scalar;
use super::super::reader::without_place;
use super::super::source;
use super::super::word::{Kind, present};
use super::record::Record;
use crate::name::shown;
use crate::version;

/// One version as one entry has it.
pub(super) struct Offer<'r> {
    pub(super) version: Cow<'r, Version>,
    /// Which of the entries of the pack.
    pub(super) record: usize,
    pub(super) form: OfferForm<'r>,
    /// Its `install_sources`, as they are written.
    pub(super) sources: Option<&'r str>,
    /// Whether it says that it is withdrawn.
    pub(super) is_yanked: bool,
    /// Whether another offer of the version says so, and this one does not.
    pub(super) becomes_yanked: bool,
}

#[derive(Clone, Copy)]
pub(super) enum OfferForm<'r> {
    /// The top level of the entry.
    Top,
    /// An element of its `versions`.
    Item(&'r str),
}

/// Something under `versions` that is not handed on.
pub(super) struct Lost {
    /// Which of the entries of the pack.
    pub(super) record: usize,
    /// What and why, for people.
    pub(super) why: String,
}

/// An element of `versions`.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    version: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    install_sources: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    yanked: Option<&'a RawValue>,
}

impl<'r> Offer<'r> {
    /// The top level of an entry.
    pub(super) fn top(record: &'r Record<'_>, number: usize) -> Self {
        let parts = &record.parts;
        Self {
            version: Cow::Borrowed(&record.version),
            record: number,
            form: OfferForm::Top,
            sources: parts.install_sources.get(&record.text),
            is_yanked: parts.yanked.get(&record.text) == Some("true"),
            becomes_yanked: false,
        }
    }

    /// An element of `versions`; an error says why it is none that could be handed on.
    fn item(raw: &'r str, number: usize) -> Result<Self, String> {
        if !raw.starts_with('{') {
            return Err(format!("it is {}, not an object", Kind::of(raw)));
        }
        let item: Item<'r> = serde_json::from_str(raw).map_err(|error| without_place(&error))?;
        let text = item.version.and_then(scalar).ok_or("it has no `version`")?;
        let (version, _) = version::parse(&text).map_err(|error| error.to_string())?;
        Ok(Self {
            version: Cow::Owned(version),
            record: number,
            form: OfferForm::Item(raw),
            sources: item.install_sources.map(RawValue::get),
            is_yanked: item.yanked.is_some_and(|yanked| yanked.get() == "true"),
            becomes_yanked: false,
        })
    }

    /// Whether it has a source that readers can use.
    pub(super) fn is_usable(&self) -> bool {
        let sources = self
            .sources
            .and_then(|sources| serde_json::from_str(sources).ok());
        let mut usable = Vec::new();
        if let Some(sources) = sources {
            // what is wrong with them is for those who check indexes
            source::read(sources, &mut usable, &mut |_| {});
        }
        !usable.is_empty()
    }
}

/// The versions below the top level of an entry; what cannot be read is handed to `lost`.
pub(super) fn below<'r>(
    versions: Option<&'r str>,
    number: usize,
    lost: &mut Vec<Lost>,
) -> Vec<Offer<'r>> {
    let Some(versions) = versions.filter(|versions| *versions != "null") else {
        return Vec::new();
    };
    let mut leave_out = |why| {
        lost.push(Lost {
            record: number,
            why,
        });
    };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(versions) else {
        let kind = Kind::of(versions);
        leave_out(format!("`versions` is left out: it is {kind}, not a list"));
        return Vec::new();
    };
    let mut offers = Vec::with_capacity(items.len());
    for (position, item) in items.into_iter().enumerate() {
        let raw = item.get();
        match Offer::item(raw, number) {
            Ok(offer) => offers.push(offer),
            Err(why) => {
                let named =
                    scalar(item).map_or_else(String::new, |text| format!(" `{}`", shown(&text)));
                leave_out(format!("versions[{position}]{named} is left out: {why}"));
            }
        }
    }
    offers
}

/// Whether a version below the top level is one that belongs there.
pub(super) fn is_behind(own: &Version, versions: Option<&str>) -> bool {
    let offers = below(versions, 0, &mut Vec::new());
    let mut offers = offers.iter();
    offers.any(|offer| offer.version.pre.is_empty() && !offer.is_yanked && *offer.version > *own)
}
