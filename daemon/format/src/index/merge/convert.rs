//! An entry of StackStorm's form as one of Attune's (`docs/index-format.md#4-stackstorms-form`).
//!
//! What it offers stays what it is: [`Entry::parse`] reads the same releases from both.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::super::entry::{scalar, version_of};
use super::super::make::needed_packs;
use super::super::reader::without_place;
use super::super::word::Kind;
use super::super::{Entry, EntryError, Release, Source};
use crate::name::{PackRef, shown};

/// The kinds of components that Attune's form knows.
pub(super) const KINDS: [&str; 5] = ["actions", "sensors", "triggers", "rules", "workflows"];

/// What the entry of a pack would look like in Attune's form, as it lies in a list of entries; and for each version
/// that is not in it any more, why.
pub(super) fn to_attune(raw: &str, name: &PackRef) -> Result<(String, Vec<String>), EntryError> {
    let entry = Entry::parse(raw, Some(name.as_str()))?;
    let mut old: Map<String, Value> =
        serde_json::from_str(raw).map_err(|error| EntryError::Malformed {
            why: without_place(&error),
        })?;
    let lost = lost(&entry, raw);
    // the top level is the one that it is in the old form
    let own = old
        .get("version")
        .map(|version| {
            version
                .as_str()
                .map_or_else(|| version.to_string(), str::to_owned)
        })
        .and_then(|version| crate::version::parse(&version).ok());
    let top = own
        .and_then(|(version, _)| entry.release(&version))
        .unwrap_or_else(|| entry.newest());

    let text = |text: &Option<String>, absent: &str| Value::from(text.as_deref().unwrap_or(absent));
    let mut new = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            new.insert(key.to_owned(), value);
        }
    };
    put("ref", name.as_str().into());
    put("label", text(&entry.label, name.as_str()));
    put("description", text(&entry.description, ""));
    put("use_case", entry.use_case.clone().into());
    put("version", top.version.to_string().into());
    put("author", text(&entry.author, "Unknown"));
    put("email", entry.email.clone().into());
    put("license", text(&entry.license, "NOASSERTION"));
    put("homepage", entry.homepage.clone().into());
    put("repository", entry.repository.clone().into());
    put("keywords", entry.keywords.clone().into());
    put("runtime_deps", top.runtime_deps.clone().into());
    put("install_sources", sources(top));
    put("contents", contents(&mut old));
    put("dependencies", dependencies(top));
    // Attune's versions are others than StackStorm's, so that it does not go where those do
    put(
        "stackstorm_version",
        old.get("stackstorm_version").cloned().unwrap_or_default(),
    );
    put("meta", rest(old));
    let others: Vec<Value> = entry
        .releases
        .iter()
        .filter(|release| release.version != top.version)
        .map(|release| json!({"version": release.version.to_string(), "install_sources": sources(release)}))
        .collect();
    if !others.is_empty() {
        put("versions", others.into());
    }
    let pretty = serde_json::to_string_pretty(&new).expect("a map of texts can be written");
    Ok((pretty.replace('\n', "\n    "), lost))
}

/// What of `versions` cannot be read.
fn lost(entry: &Entry, raw: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Listing<'a> {
        #[serde(borrow, default)]
        versions: Option<&'a RawValue>,
    }
    let listing: Result<Listing<'_>, _> = serde_json::from_str(raw);
    let Some(versions) = listing.ok().and_then(|listing| listing.versions) else {
        return Vec::new();
    };
    let versions = versions.get();
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(versions) else {
        let kind = Kind::of(versions);
        return vec![format!("`versions` is left out: it is {kind}, not a list")];
    };
    let read = |item: &RawValue| {
        version_of(item.get()).is_some_and(|version| entry.release(&version).is_some())
    };
    let unread = items
        .into_iter()
        .enumerate()
        .filter(|(_, item)| !read(item));
    unread
        .map(|(number, item)| {
            let named =
                scalar(item).map_or_else(String::new, |text| format!(" `{}`", shown(&text)));
            format!("versions[{number}]{named} is left out: it is no version that can be read")
        })
        .collect()
}

fn sources(release: &Release) -> Value {
    let tags = release.sources.iter().filter_map(|source| match source {
        Source::Git { url, git_ref, .. } => {
            Some(json!({"type": "git", "url": url, "ref": git_ref}))
        }
        // the old form has none
        Source::Archive { .. } => None,
    });
    tags.collect()
}

fn dependencies(release: &Release) -> Value {
    if release.dependencies.is_empty() {
        return Value::Null;
    }
    let mut fields = Map::new();
    needed_packs(&release.dependencies, &mut fields);
    fields.into()
}

/// `content` with its names, as `contents`; other kinds stay in it.
fn contents(old: &mut Map<String, Value>) -> Value {
    let mut contents = Map::new();
    let mut content = old.remove("content");
    for kind in KINDS {
        let resources = content
            .as_mut()
            .and_then(Value::as_object_mut)
            .and_then(|content| content.shift_remove(kind))
            .and_then(|mut kind| kind.get_mut("resources").map(Value::take));
        let Some(Value::Array(names)) = resources else {
            contents.insert(kind.to_owned(), json!([]));
            continue;
        };
        let texts = names.into_iter().filter(Value::is_string);
        let items = texts.map(|name| json!({"name": name, "description": ""}));
        contents.insert(kind.to_owned(), items.collect());
    }
    if let Some(content) =
        content.filter(|content| content.as_object().is_some_and(|c| !c.is_empty()))
    {
        old.insert("content".to_owned(), content);
    }
    contents.into()
}

/// What has no place of its own.
fn rest(mut old: Map<String, Value>) -> Value {
    const PLACED: [&str; 14] = [
        "ref",
        "name",
        "label",
        "description",
        "use_case",
        "version",
        "author",
        "email",
        "license",
        "homepage",
        "repository",
        "repo_url",
        "keywords",
        "runtime_deps",
    ];
    for key in PLACED
        .into_iter()
        .chain(["dependencies", "stackstorm_version", "versions"])
    {
        old.shift_remove(key);
    }
    let mut meta = match old.shift_remove("meta") {
        Some(Value::Object(meta)) => meta,
        Some(_) | None => Map::new(),
    };
    for (key, value) in old {
        if !value.is_null() {
            meta.entry(key).or_insert(value);
        }
    }
    if meta.is_empty() {
        Value::Null
    } else {
        meta.into()
    }
}
