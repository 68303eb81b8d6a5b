//! The versions that an entry has below its top level.

use semver::Version;
use serde_json::value::RawValue;

use super::super::MAX_RELEASES;
use super::super::reader::without_place;
use super::super::word::{Kind, Objects};
use super::Rule;
use super::entry::Desk;
use super::release::{self, ReleaseView, version_of};
use super::spot::Trail;
use super::view::{SourceView, VersionView};

/// Judges `versions`.
pub(super) fn check<'a>(
    desk: &mut Desk<'_, 'a>,
    versions: &'a RawValue,
    own: Option<&Version>,
    own_sources: &Objects<SourceView<'a>>,
    is_tag: bool,
) {
    let trail = Trail::Entry.key("versions");
    let items: Vec<&RawValue> = match serde_json::from_str(versions.get()) {
        Ok(items) => items,
        Err(_) if versions.get() == "null" => return,
        Err(_) => {
            let message = format!("`versions` is {}, not a list", Kind::of(versions.get()));
            return desk.add(Rule::Kind, &trail, message, None);
        }
    };
    if items.len() > MAX_RELEASES {
        let message = format!(
            "there are {} versions, and {MAX_RELEASES} are read",
            items.len()
        );
        desk.add(Rule::Many, &trail, message, None);
    }
    // in their order: number, version, whether it is withdrawn
    let mut below: Vec<(usize, Version, bool)> = Vec::with_capacity(items.len());
    for (number, item) in items.into_iter().enumerate() {
        let trail = trail.item(number);
        if !item.get().starts_with('{') {
            if is_tag {
                let version = version_of(desk, Some(item), &trail);
                below.extend(version.map(|version| (number, version, false)));
            } else {
                let message = format!("the version is {}, not an object", Kind::of(item.get()));
                desk.add(Rule::Kind, &trail, message, None);
            }
            continue;
        }
        let view: VersionView<'_> = match serde_json::from_str(item.get()) {
            Ok(view) => view,
            Err(error) => {
                desk.add(Rule::Entry, &trail, without_place(&error), None);
                continue;
            }
        };
        desk.texts("runtime_deps", &view.runtime_deps, &trail);
        let release = ReleaseView {
            version: view.version,
            install_sources: &view.install_sources,
            dependencies: view.dependencies,
            published_at: &view.published_at,
            yanked: view.yanked,
            phased: view.phased,
            is_tag,
        };
        let Some(version) = release::check(desk, &release, &trail) else {
            continue;
        };
        let is_yanked = view.yanked.is_some_and(|yanked| yanked.get() == "true");
        if own == Some(&version) && view.install_sources != *own_sources && !is_tag {
            let message =
                format!("version {version} is the top level's, and has other sources here");
            desk.add(Rule::VersionTwice, &trail, message, None);
        }
        below.push((number, version, is_yanked));
    }
    in_order(desk, &below, own, &trail);
}

/// Judges the order of versions.
fn in_order(
    desk: &mut Desk<'_, '_>,
    below: &[(usize, Version, bool)],
    own: Option<&Version>,
    trail: &Trail<'_>,
) {
    let is_stackstorm = desk.at.key.is_some();
    let unsorted = below.windows(2).find(|pair| pair[0].1 < pair[1].1);
    if let (Some([before, after]), false) = (unsorted, is_stackstorm) {
        let message = format!("version {} comes after {}", after.1, before.1);
        desk.add(Rule::VersionOrder, &trail.item(after.0), message, None);
    }
    let mut sorted: Vec<_> = below
        .iter()
        .map(|(number, version, _)| (version, *number))
        .collect();
    sorted.sort();
    for pair in sorted.windows(2) {
        if pair[0].0 == pair[1].0 {
            let message = format!("version {} is listed twice", pair[1].0);
            desk.add(Rule::VersionTwice, &trail.item(pair[1].1), message, None);
        }
    }
    let newest = below
        .iter()
        .filter(|(_, version, is_yanked)| !is_yanked && version.pre.is_empty())
        .map(|(_, version, _)| version)
        .max();
    if let (Some(own), Some(newest)) = (own, newest)
        && newest > own
    {
        let message = format!("version {own} is on top, and {newest} is newer");
        let hint = Some("readers that do not know `versions` see the top level only".to_owned());
        desk.add(Rule::Newest, &Trail::Entry.key("version"), message, hint);
    }
}
