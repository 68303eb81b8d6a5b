//! An entry as it is written, whatever its values are.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::word::{Natural, Object, Objects, Word, Words, present};

/// An entry.
#[derive(Debug, Deserialize)]
pub(super) struct View<'a> {
    #[serde(borrow, default, rename = "ref")]
    pub(super) name: Word<'a>,
    #[serde(borrow, default)]
    pub(super) label: Word<'a>,
    #[serde(borrow, default, rename = "name")]
    pub(super) title: Word<'a>,
    #[serde(borrow, default)]
    pub(super) description: Word<'a>,
    #[serde(borrow, default)]
    pub(super) use_case: Word<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) author: Word<'a>,
    #[serde(borrow, default)]
    pub(super) email: Word<'a>,
    #[serde(borrow, default)]
    pub(super) license: Word<'a>,
    #[serde(borrow, default)]
    pub(super) homepage: Word<'a>,
    #[serde(borrow, default)]
    pub(super) repository: Word<'a>,
    #[serde(borrow, default)]
    pub(super) repo_url: Word<'a>,
    #[serde(borrow, default)]
    pub(super) keywords: Words<'a>,
    #[serde(borrow, default)]
    pub(super) runtime_deps: Words<'a>,
    #[serde(borrow, default)]
    pub(super) install_sources: Objects<SourceView<'a>>,
    #[serde(borrow, default)]
    pub(super) contents: Object<ContentsView<'a>>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) dependencies: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) published_at: Word<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) yanked: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) phased: Natural,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) meta: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) versions: Option<&'a RawValue>,
}

/// An element of `versions`.
#[derive(Debug, Deserialize)]
pub(super) struct VersionView<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) version: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) install_sources: Objects<SourceView<'a>>,
    #[serde(borrow, default)]
    pub(super) runtime_deps: Words<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) dependencies: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) published_at: Word<'a>,
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) yanked: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) phased: Natural,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct SourceView<'a> {
    #[serde(borrow, default, rename = "type")]
    pub(super) kind: Word<'a>,
    #[serde(borrow, default)]
    pub(super) url: Word<'a>,
    #[serde(borrow, default, rename = "ref")]
    pub(super) git_ref: Word<'a>,
    #[serde(borrow, default)]
    pub(super) checksum: Word<'a>,
    #[serde(default)]
    pub(super) size: Natural,
    #[serde(borrow, default)]
    pub(super) commit: Word<'a>,
    #[serde(borrow, default)]
    pub(super) tree: Word<'a>,
}

/// `contents`.
#[derive(Debug, Deserialize)]
pub(super) struct ContentsView<'a> {
    #[serde(borrow, default)]
    pub(super) actions: Objects<ComponentView<'a>>,
    #[serde(borrow, default)]
    pub(super) sensors: Objects<ComponentView<'a>>,
    #[serde(borrow, default)]
    pub(super) triggers: Objects<ComponentView<'a>>,
    #[serde(borrow, default)]
    pub(super) rules: Objects<ComponentView<'a>>,
    #[serde(borrow, default)]
    pub(super) workflows: Objects<ComponentView<'a>>,
}

/// A component.
#[derive(Debug, Deserialize)]
pub(super) struct ComponentView<'a> {
    #[serde(borrow, default)]
    pub(super) name: Word<'a>,
    #[serde(borrow, default)]
    pub(super) description: Word<'a>,
}
