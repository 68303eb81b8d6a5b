//! An index entry from a pack: what its publisher adds to an index.
//!
//! In Attune's form, with every field that its typed reader demands, so that one index serves both. The keys come in
//! the documented order, and nothing that is not known is written as `null`. Nothing is read here: the manifest,
//! the components and the sources are the caller's to find out.

use semver::Version;
use serde_json::{Map, Value, json};

use super::{Entry, EntryError, Source};
use crate::components::{Component, Inventory};
use crate::manifest::{Dependency, Manifest};
use crate::name::PackRef;

#[cfg(test)]
mod tests;

/// The licence of a pack that names none: SPDX's word for "nothing is said about it".
pub const NO_LICENSE: &str = "NOASSERTION";

/// The author of a pack that names none; Attune's reader demands one.
pub const NO_AUTHOR: &str = "Unknown";

/// Where the sources of a template point to: a name that never resolves (RFC 2606).
const PLACEHOLDER: &str = "https://example.invalid/";

/// What the URLs of other tools' templates begin with.
const TEMPLATES: [&str; 2] = [
    "https://github.com/your-org/",
    "https://github.com/example/",
];

/// An entry that is ready to be written into an index, unless it is a template.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryDraft {
    /// The pack.
    pub pack_ref: PackRef,
    /// The version.
    pub version: Version,
    /// Where its bytes come from. Empty for a template.
    pub sources: Vec<Source>,
    /// What an author would want to know before publishing it.
    pub warnings: Vec<String>,
    object: Map<String, Value>,
}

impl EntryDraft {
    /// The entry as JSON, its keys in the documented order.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.object.clone())
    }

    /// Whether it only shows what an entry looks like: it has no source, and must not be published.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.sources.is_empty()
    }

    /// Reads it as those will who find it in an index.
    ///
    /// # Errors
    /// [`EntryError`] when they would leave it out; what they would leave out of it is in
    /// [`Entry::problems`].
    pub fn read_back(&self) -> Result<Entry, EntryError> {
        Entry::parse(&self.to_json().to_string(), None)
    }
}

/// Whether a URL is that of a template's source, which nobody can install from.
#[must_use]
pub fn is_placeholder(url: &str) -> bool {
    url.starts_with(PLACEHOLDER)
}

/// Whether a URL looks like that of a source in another tool's template, which its author forgot to replace.
#[must_use]
pub(super) fn is_of_template(url: &str) -> bool {
    TEMPLATES.iter().any(|template| url.starts_with(template))
}

/// Makes an entry. Without a source it is a template, whose one source is a placeholder without a checksum
/// ([`is_placeholder`]).
#[must_use]
pub fn make(manifest: &Manifest, components: &Inventory, sources: Vec<Source>) -> EntryDraft {
    let mut warnings = Vec::new();
    let license = manifest.license.as_deref().unwrap_or_else(|| {
        warnings.push(format!(
            "`pack.yaml` names no licence; the entry says `{NO_LICENSE}`"
        ));
        NO_LICENSE
    });

    let mut entry = Fields(Map::new());
    entry.add("ref", manifest.pack_ref.as_str());
    entry.add(
        "label",
        manifest
            .label
            .as_deref()
            .unwrap_or(manifest.pack_ref.as_str()),
    );
    entry.add(
        "description",
        manifest.description.as_deref().unwrap_or_default(),
    );
    entry.add_some("use_case", manifest.use_case.as_deref());
    entry.add("version", manifest.version.to_string());
    entry.add("author", manifest.author.as_deref().unwrap_or(NO_AUTHOR));
    entry.add_some("email", manifest.email.as_deref());
    entry.add("license", license);
    entry.add_some("homepage", manifest.homepage.as_deref());
    entry.add_some("repository", manifest.repository.as_deref());
    entry.add("keywords", manifest.keywords.as_slice());
    let runtimes = manifest.runtimes.iter().map(ToString::to_string);
    entry.add("runtime_deps", runtimes.collect::<Value>());
    entry.add("install_sources", install_sources(manifest, &sources));
    entry.add("contents", contents(components));
    entry.add_some("dependencies", dependencies(manifest, &mut warnings));
    // StackStorm's own key, which Attune's readers pass over
    entry.add_some("stackstorm_version", manifest.stackstorm_version.as_deref());
    entry.add_some("meta", meta(manifest, &mut warnings));

    EntryDraft {
        pack_ref: manifest.pack_ref.clone(),
        version: manifest.version.clone(),
        sources,
        warnings,
        object: entry.0,
    }
}

/// An object whose keys stay in the order they came in.
struct Fields(Map<String, Value>);

impl Fields {
    fn add(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn add_some(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    /// The object, unless nothing was put into it.
    fn non_empty(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }
}

fn install_sources(manifest: &Manifest, sources: &[Source]) -> Value {
    if sources.is_empty() {
        return json!([{
            "type": "git",
            "url": format!("{PLACEHOLDER}{}.git", manifest.pack_ref),
            "ref": default_git_ref(&manifest.version),
        }]);
    }
    sources.iter().map(source).collect()
}

/// The tag that a version is published under when nothing else is said: `v1.2.3`.
#[must_use]
pub fn default_git_ref(version: &Version) -> String {
    format!("v{version}")
}

fn source(source: &Source) -> Value {
    let mut fields = Fields(Map::new());
    match source {
        Source::Archive {
            url,
            checksum,
            size,
            tree,
        } => {
            fields.add("type", "archive");
            fields.add("url", url.as_str());
            fields.add_some("checksum", checksum.map(|digest| digest.to_string()));
            fields.add_some("size", *size);
            fields.add_some("tree", tree.map(|digest| digest.to_string()));
        }
        Source::Git {
            url,
            git_ref,
            checksum,
            commit,
            tree,
        } => {
            fields.add("type", "git");
            fields.add("url", url.as_str());
            fields.add_some("ref", git_ref.as_deref());
            fields.add_some("checksum", checksum.map(|digest| digest.to_string()));
            fields.add_some("commit", commit.as_deref());
            fields.add_some("tree", tree.map(|digest| digest.to_string()));
        }
    }
    Value::Object(fields.0)
}

fn contents(components: &Inventory) -> Value {
    let Inventory {
        actions,
        sensors,
        triggers,
        rules,
        workflows,
        warnings: _,
    } = components;
    let list = |components: &[Component]| -> Value {
        components
            .iter()
            .map(|component| json!({"name": component.name, "description": component.description}))
            .collect()
    };
    json!({
        "actions": list(actions),
        "sensors": list(sensors),
        "triggers": list(triggers),
        "rules": list(rules),
        "workflows": list(workflows),
    })
}

fn dependencies(manifest: &Manifest, warnings: &mut Vec<String>) -> Option<Value> {
    let mut fields = Fields(Map::new());
    fields.add_some("attune_version", manifest.attune_version.as_deref());
    fields.add_some("python_version", manifest.python_version.as_deref());
    fields.add_some("nodejs_version", manifest.nodejs_version.as_deref());
    for (needed, written) in needed_packs(&manifest.dependencies, &mut fields.0) {
        warnings.push(format!(
            "the dependency `{written}` is published as `{needed}`: an index names packs by their refs"
        ));
    }
    fields.non_empty()
}

/// Adds `packs`, where each pack is named by its ref as every reader of indexes wants it, and `named_as` with what a
/// manifest says instead: a git repository, a branch, a tag or a commit. Gives what was changed so, and from what.
pub(super) fn needed_packs(
    dependencies: &[Dependency],
    fields: &mut Map<String, Value>,
) -> Vec<(String, String)> {
    if dependencies.is_empty() {
        return Vec::new();
    }
    let mut named_as = Map::new();
    let mut changed = Vec::new();
    let packs = dependencies.iter().map(|dependency| {
        let (needed, written) = (dependency.by_ref().to_string(), dependency.to_string());
        if needed != written {
            named_as.insert(dependency.pack_ref.to_string(), written.as_str().into());
            changed.push((needed.clone(), written));
        }
        needed
    });
    let packs = packs.collect::<Value>();
    fields.insert("packs".to_owned(), packs);
    if !named_as.is_empty() {
        fields.insert("named_as".to_owned(), named_as.into());
    }
    changed
}

/// What the manifest has under `meta`, and what of it has no place of its own in an entry, under the names that
/// StackStorm's index has for it. What Attune's reader takes for numbers must be some: it refuses the whole index
/// otherwise.
fn meta(manifest: &Manifest, warnings: &mut Vec<String>) -> Option<Value> {
    let meta = manifest.meta.as_ref().and_then(Value::as_object);
    let mut fields = Fields(meta.cloned().unwrap_or_default());
    for (key, texts) in [
        ("contributors", &manifest.contributors),
        ("python_versions", &manifest.python_versions),
    ] {
        if !texts.is_empty() && !fields.0.contains_key(key) {
            fields.add(key, texts.as_slice());
        }
    }
    for key in ["downloads", "stars"] {
        if fields.0.get(key).is_some_and(|value| !value.is_u64()) {
            fields.0.shift_remove(key);
            warnings.push(format!(
                "`meta.{key}` in `pack.yaml` is no number, and is left out"
            ));
        }
    }
    fields.non_empty()
}
