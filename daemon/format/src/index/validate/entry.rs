//! One entry.

use std::borrow::Cow;

use semver::Version;
use serde_json::value::RawValue;

use super::super::MAX_RELEASES;
use super::super::reader::without_place;
use super::super::walk::At;
use super::super::word::{Kind, Object, Objects, Word, Words};
use super::Rule;
use super::inspect::{Inspector, Seen};
use super::release::{self, ReleaseView, version_of};
use super::spot::{Spot, Trail};
use super::url::home_fault;
use super::view::{ComponentView, SourceView, VersionView, View};
use crate::name::{PackRef, shown};

/// Where findings about one entry are written down.
pub(super) struct Desk<'d, 'a> {
    pub(super) inspector: &'d mut Inspector<'a>,
    pub(super) at: &'d At<'a>,
    /// The ref, or what stands in its place.
    pub(super) name: &'d str,
}

impl Desk<'_, '_> {
    pub(super) fn add(
        &mut self,
        rule: Rule,
        trail: &Trail<'_>,
        message: String,
        hint: Option<String>,
    ) {
        let spot = Spot::within(self.at, trail);
        self.inspector.findings.add(rule, spot, message, hint);
    }

    /// A text, if it is there.
    pub(super) fn text(&mut self, key: &'static str, word: &Word<'_>, trail: &Trail<'_>) {
        if let Word::Other(kind) = word
            && *kind != Kind::Null
        {
            let message = format!("`{key}` is {kind}, not a text");
            self.add(Rule::Kind, &trail.key(key), message, None);
        }
    }

    /// A list of texts, if it is there.
    fn texts(&mut self, key: &'static str, words: &Words<'_>, trail: &Trail<'_>) {
        let trail = trail.key(key);
        match words {
            Words::Absent | Words::Other(Kind::Null) => {}
            Words::Other(kind) => {
                let message = format!("`{key}` is {kind}, not a list");
                self.add(Rule::Kind, &trail, message, None);
            }
            Words::List(words) => {
                for (number, word) in words.iter().enumerate() {
                    if let Word::Other(kind) = word {
                        let message = format!("an element of `{key}` is {kind}, not a text");
                        self.add(Rule::Kind, &trail.item(number), message, None);
                    }
                }
            }
        }
    }

    /// Something that must be there.
    fn required(&mut self, key: &'static str, is_there: bool) {
        if !is_there {
            let message = format!("`{key}` is missing");
            self.add(Rule::Required, &Trail::Entry.key(key), message, None);
        }
    }
}

/// Judges an entry.
pub(super) fn check<'a>(inspector: &mut Inspector<'a>, at: &At<'a>, view: &View<'a>) {
    let key = at.key.as_deref();
    let desk = &mut Desk {
        inspector,
        at,
        name: key.or(view.name.text()).unwrap_or_default(),
    };
    let top = &Trail::Entry;
    names(desk, view);
    describes(desk, view);

    // each version is a tag of one repository
    let is_tag = matches!(view.install_sources, Objects::Absent) && view.repo_url.text().is_some();
    let release = ReleaseView {
        version: view.version,
        install_sources: &view.install_sources,
        dependencies: view.dependencies,
        published_at: &view.published_at,
        yanked: view.yanked,
        phased: view.phased,
        is_tag,
    };
    let version = release::check(desk, &release, top);
    if let Some(dependencies) = view.dependencies
        && key.is_none()
        && !matches!(Kind::of(dependencies.get()), Kind::Object | Kind::Null)
    {
        let kind = Kind::of(dependencies.get());
        let message = format!("`dependencies` is {kind}, not an object with `packs`");
        desk.add(Rule::Kind, &top.key("dependencies"), message, None);
    }
    if let Some(url) = view.repo_url.text()
        && let Some(fault) = super::url::source_fault(url, super::url::For::Git)
    {
        let hint = fault.hint.map(str::to_owned);
        desk.add(fault.rule, &top.key("repo_url"), fault.why, hint);
    }
    if let Some(versions) = view.versions {
        others(
            desk,
            versions,
            version.as_ref(),
            &view.install_sources,
            is_tag,
        );
    }
}

/// Judges the ref, and notes that it was seen.
fn names<'a>(desk: &mut Desk<'_, 'a>, view: &View<'a>) {
    let trail = Trail::Entry.key("ref");
    desk.text("ref", &view.name, &Trail::Entry);
    let own = view.name.text();
    let name = match (desk.at.key.as_deref(), own) {
        (Some(key), own) => {
            if let Some(own) = own.filter(|own| *own != key) {
                let message = format!("`ref` is `{}`, and the key counts", shown(own));
                desk.add(Rule::Key, &trail, message, None);
            }
            key
        }
        (None, Some(own)) => own,
        (None, None) => {
            // of another kind, it has been said
            if !matches!(view.name, Word::Other(kind) if kind != Kind::Null) {
                desk.add(Rule::Ref, &trail, "there is no `ref`".to_owned(), None);
            }
            return;
        }
    };
    if let Err(error) = name.parse::<PackRef>() {
        let hint = error.hint();
        desk.add(Rule::Ref, &trail, error.to_string(), hint);
        return;
    }
    let name = match (&desk.at.key, &view.name) {
        // borrowed from the index, as nearly all are
        (None, Word::Text(Cow::Borrowed(text))) => Cow::Borrowed(text.trim()),
        _ => Cow::Owned(name.to_owned()),
    };
    let spot = Spot::within(desk.at, &Trail::Entry);
    desk.inspector.seen.push(Seen { name, spot });
}

/// Judges what only describes.
fn describes(desk: &mut Desk<'_, '_>, view: &View<'_>) {
    let top = &Trail::Entry;
    let is_list = desk.at.key.is_none();
    let is_text = |word: &Word<'_>| !matches!(word, Word::Absent | Word::Other(Kind::Null));
    if is_list {
        desk.required("label", is_text(&view.label));
        desk.required("description", is_text(&view.description));
        desk.required("author", is_text(&view.author));
        desk.required("license", is_text(&view.license));
        desk.required(
            "runtime_deps",
            !matches!(view.runtime_deps, Words::Absent | Words::Other(Kind::Null)),
        );
        desk.required(
            "contents",
            !matches!(view.contents, Object::Absent | Object::Other(Kind::Null)),
        );
    }
    for (key, word) in [
        ("label", &view.label),
        ("name", &view.title),
        ("description", &view.description),
        ("use_case", &view.use_case),
        ("author", &view.author),
        ("email", &view.email),
        ("license", &view.license),
        ("homepage", &view.homepage),
        ("repository", &view.repository),
        ("repo_url", &view.repo_url),
    ] {
        desk.text(key, word, top);
    }
    desk.texts("keywords", &view.keywords, top);
    desk.texts("runtime_deps", &view.runtime_deps, top);
    if let Some(meta) = view.meta
        && !matches!(Kind::of(meta.get()), Kind::Object | Kind::Null)
    {
        let message = format!("`meta` is {}, not an object", Kind::of(meta.get()));
        desk.add(Rule::Kind, &top.key("meta"), message, None);
    }
    for (key, word) in [
        ("homepage", &view.homepage),
        ("repository", &view.repository),
    ] {
        if let Some(fault) = word.text().and_then(home_fault) {
            let rule = match fault.rule {
                Rule::Credentials => Rule::Credentials,
                _ => Rule::Link,
            };
            desk.add(rule, &top.key(key), format!("`{key}` {}", fault.why), None);
        }
    }
    // StackStorm's form has none
    if is_list {
        license(desk, view.license.text());
    }
    contents(desk, &view.contents);
}

fn license(desk: &mut Desk<'_, '_>, text: Option<&str>) {
    let trail = Trail::Entry.key("license");
    let Some(text) = text else {
        return;
    };
    if text == "NOASSERTION" {
        let message = "nothing is known of the licence".to_owned();
        let hint = Some("name it as SPDX does: `Apache-2.0`".to_owned());
        return desk.add(Rule::License, &trail, message, hint);
    }
    if desk.inspector.licenses.contains(text) {
        return;
    }
    match spdx::Expression::parse(text) {
        Ok(_) => {
            desk.inspector.licenses.insert(text.to_owned());
        }
        Err(error) => {
            let message = format!("`{}` is no SPDX expression: {}", shown(text), error.reason);
            let meant = spdx::Expression::canonicalize(text).ok().flatten();
            let hint = meant.map_or_else(
                || "for terms of your own write `LicenseRef-…`".to_owned(),
                |meant| format!("did you mean `{meant}`?"),
            );
            desk.add(Rule::License, &trail, message, Some(hint));
        }
    }
}

fn contents(desk: &mut Desk<'_, '_>, contents: &Object<super::view::ContentsView<'_>>) {
    let trail = Trail::Entry.key("contents");
    let is_list = desk.at.key.is_none();
    let counted = "Attune's own client reads nothing of an index with such an entry".to_owned();
    let view = match contents {
        Object::Is(view) => view,
        Object::Absent | Object::Other(Kind::Null) => return,
        Object::Other(Kind::Number) if !is_list => return,
        Object::Other(Kind::Number) => {
            let message = "`contents` is a number, not an object".to_owned();
            return desk.add(Rule::Counts, &trail, message, Some(counted));
        }
        Object::Other(kind) => {
            let message = format!("`contents` is {kind}, not an object");
            return desk.add(Rule::Kind, &trail, message, None);
        }
    };
    let mut counts = Vec::new();
    for (key, components) in [
        ("actions", &view.actions),
        ("sensors", &view.sensors),
        ("triggers", &view.triggers),
        ("rules", &view.rules),
        ("workflows", &view.workflows),
    ] {
        match components {
            Objects::Absent | Objects::Other(Kind::Null) => {}
            Objects::Other(Kind::Number) => counts.push(key),
            Objects::Other(kind) => {
                let message = format!("`{key}` is {kind}, not a list");
                desk.add(Rule::Kind, &trail.key(key), message, None);
            }
            Objects::List(list) => listed(desk, list, &trail.key(key)),
        }
    }
    if let Some(first) = counts.first().filter(|_| is_list) {
        let message = format!("`{}` are counted, and not listed", counts.join("`, `"));
        desk.add(Rule::Counts, &trail.key(first), message, Some(counted));
    }
}

/// Judges a list of components.
fn listed(desk: &mut Desk<'_, '_>, list: &[Object<ComponentView<'_>>], trail: &Trail<'_>) {
    for (number, component) in list.iter().enumerate() {
        let (key, message) = match component {
            Object::Is(ComponentView { name, description }) => {
                let mut faults = [("name", name), ("description", description)].into_iter();
                match faults.find(|(_, word)| !matches!(word, Word::Text(_))) {
                    Some((key, Word::Other(kind))) => {
                        (Some(key), format!("`{key}` is {kind}, not a text"))
                    }
                    Some((key, _)) => (None, format!("the component has no `{key}`")),
                    None => continue,
                }
            }
            Object::Absent => continue,
            Object::Other(kind) => (None, format!("the component is {kind}, not an object")),
        };
        let item = trail.item(number);
        match key {
            Some(key) => desk.add(Rule::Component, &item.key(key), message, None),
            None => desk.add(Rule::Component, &item, message, None),
        }
    }
}

/// Judges `versions`.
fn others<'a>(
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
