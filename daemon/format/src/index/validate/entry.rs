//! One entry.

use std::borrow::Cow;

use super::super::walk::At;
use super::super::word::{Kind, Object, Objects, Word, Words};
use super::inspect::{Inspector, Seen};
use super::release::{self, ReleaseView};
use super::spot::{Spot, Trail};
use super::url::home_fault;
use super::view::View;
use super::{Rule, contents, versions};
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
    pub(super) fn texts(&mut self, key: &'static str, words: &Words<'_>, trail: &Trail<'_>) {
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
    if let Some(below) = view.versions {
        versions::check(desk, below, version.as_ref(), &view.install_sources, is_tag);
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
    contents::check(desk, &view.contents);
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
