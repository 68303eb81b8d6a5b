//! From the tree of a `pack.yaml` to a [`Manifest`].

use super::fields::{Fields, Warning, wrong_kind};
use super::needs::Needs;
use super::yaml::{self, Node, Position, Value};
use super::{Components, Known, MAX_BYTES, Manifest, ManifestError, keys, runtimes, testing};
use crate::components::Component;
use crate::name::{NameError, PackRef};
use crate::requirement;
use crate::version;

/// A manifest as far as it could be read, and everything that was found on the way.
#[derive(Debug)]
pub(crate) struct Reading {
    /// Nothing where it must be refused.
    manifest: Option<Manifest>,
    /// Why it must be refused, in the order of the keys that decide; empty where it need not.
    pub(crate) errors: Vec<ManifestError>,
    /// What was odd, but not in the way.
    pub(crate) warnings: Vec<Warning>,
    /// Where each of the manifest's dependencies is.
    pub(crate) dependencies_at: Vec<Position>,
    /// The whole file.
    pub(crate) root: Node,
}

impl Reading {
    /// The manifest, unless something that decides is wrong.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// The manifest, or the first of the errors.
    pub(super) fn into_manifest(self) -> Result<Manifest, ManifestError> {
        match (self.manifest, self.errors.into_iter().next()) {
            (Some(manifest), _) => Ok(manifest),
            (None, Some(error)) => Err(error),
            (None, None) => unreachable!("a manifest is refused for a reason"),
        }
    }
}

/// Reads a manifest, and goes on where a key is wrong, so that all errors are found at once.
///
/// # Errors
/// [`ManifestError::Yaml`] and [`ManifestError::NotAMapping`], where there are no keys to look at.
pub(crate) fn read(bytes: &[u8], known: Known<'_>) -> Result<Reading, ManifestError> {
    let root = yaml::parse(bytes, MAX_BYTES).map_err(ManifestError::Yaml)?;
    if root.map().is_none() {
        return Err(ManifestError::NotAMapping { found: root.kind() });
    }
    let mut fields = Fields::new(&root);

    let pack_ref = pack_ref(&mut fields, known);
    let pack_ref = fields.keep(pack_ref);
    let version = version(&mut fields);
    let version = fields.keep(version);

    let mut needs = Needs {
        engine: fields.text(&["stackstorm_version", "attune_version"]),
        ..Needs::default()
    };
    if let Some(node) = fields.get("dependencies") {
        needs.read(node, &mut fields);
    }
    let runtimes = runtimes::read(&mut fields);
    let runtimes = fields.keep(runtimes);
    let system = fields.flag("system");
    let system = fields.keep(system);
    let testing = fields.get("testing").map(testing::read).transpose();
    let testing = fields.keep(testing);

    let label = fields.text(&["label", "name"]);
    let description = fields.text(&["description"]);
    let author = fields.text(&["author"]);
    let email = fields.text(&["email"]);
    let contributors = fields.texts("contributors");
    let license = fields.text(&["license", "licence"]);
    let homepage = fields.text(&["homepage"]);
    let repository = fields.text(&["repository"]);
    let keywords = keywords(&mut fields);
    let python_versions = fields.texts("python_versions");
    let use_case = fields.text(&["use_case"]);
    let attune_version = host_version(&mut fields, "attune_version");
    let stackstorm_version = host_version(&mut fields, "stackstorm_version");
    let python_version = host_version(&mut fields, "python_version");
    let nodejs_version = host_version(&mut fields, "nodejs_version");
    let meta = meta(&mut fields);
    let config_schema = mapping(&mut fields, &["conf_schema", "config_schema"]).map(Node::to_json);

    let components = Components {
        actions: components(&fields, "actions"),
        sensors: components(&fields, "sensors"),
        triggers: components(&fields, "triggers"),
        rules: components(&fields, "rules"),
        workflows: components(&fields, "workflows"),
    };
    let Fields {
        errors, warnings, ..
    } = fields;
    let decided = (pack_ref, version, runtimes, system, testing);
    let manifest = match decided {
        (Some(pack_ref), Some(version), Some(runtimes), Some(system), Some(testing))
            if errors.is_empty() =>
        {
            Some(Manifest {
                pack_ref,
                version,
                label,
                description,
                author,
                email,
                contributors,
                license,
                homepage,
                repository,
                keywords,
                dependencies: needs.dependencies,
                runtimes,
                python_versions,
                engine: needs.engine,
                attune_version,
                stackstorm_version,
                python_version,
                nodejs_version,
                use_case,
                meta,
                system,
                config_schema,
                testing,
                components,
                unknown: keys::unknown(&root),
                warnings: warnings.iter().map(ToString::to_string).collect(),
            })
        }
        _ => None,
    };
    Ok(Reading {
        manifest,
        errors,
        warnings,
        dependencies_at: needs.places,
        root,
    })
}

/// The ref: `ref`, else what the pack is known by, else `name`, else the folder it lies in.
fn pack_ref(fields: &mut Fields<'_>, known: Known<'_>) -> Result<PackRef, ManifestError> {
    if fields.get("ref").is_some() {
        let (node, text) = fields.required("ref")?;
        return text.parse().map_err(|source| ManifestError::Ref {
            at: node.at,
            source,
        });
    }
    let folder: Option<PackRef> = match known {
        Known::Nothing => None,
        Known::Ref(known) => {
            fields.note(format!("`pack.yaml` has no `ref`; `{known}` is used"));
            return Ok(known.clone());
        }
        Known::Folder(name) => {
            let name = name.strip_prefix("stackstorm-").unwrap_or(name);
            name.parse().ok()
        }
    };
    let by_name = by_name(fields);
    if by_name.is_err()
        && let Some(folder) = folder
    {
        fields.note(format!(
            "`pack.yaml` has no `ref`; that of its folder, `{folder}`, is used"
        ));
        return Ok(folder);
    }
    by_name
}

/// `name` as a ref, as StackStorm has it.
fn by_name(fields: &Fields<'_>) -> Result<PackRef, ManifestError> {
    let Some(node) = fields.get("name") else {
        return Err(ManifestError::Missing { key: "ref" });
    };
    let text = node
        .text()
        .ok_or_else(|| wrong_kind(node, "name", "a text"))?;
    let parsed: Result<PackRef, NameError> = text.trim().parse();
    parsed.map_err(|source| ManifestError::Name {
        at: node.at,
        source,
    })
}

fn version(fields: &mut Fields<'_>) -> Result<semver::Version, ManifestError> {
    let (node, text) = fields.required("version")?;
    let (version, warning) = version::parse(text).map_err(|source| ManifestError::Version {
        at: node.at,
        source,
    })?;
    if let Some(warning) = warning {
        fields.warn(node, &warning);
    }
    Ok(version)
}

/// `keywords`, else `tags`, else the same of `meta` or `metadata`.
fn keywords(fields: &mut Fields<'_>) -> Vec<String> {
    for key in ["keywords", "tags"] {
        let words = fields.texts(key);
        if !words.is_empty() {
            return words;
        }
    }
    for meta in ["meta", "metadata"] {
        for key in ["keywords", "tags"] {
            if let Some(node) = fields.get(meta).and_then(|meta| meta.get(key)) {
                let words = fields.texts_of(node, key);
                if !words.is_empty() {
                    return words;
                }
            }
        }
    }
    Vec::new()
}

/// A version of the host's software: under `dependencies`, as indexes have it, else on the top level.
fn host_version(fields: &mut Fields<'_>, key: &str) -> Option<String> {
    let nested = fields.get("dependencies").and_then(|node| node.get(key));
    match nested.and_then(Node::text).map(str::trim) {
        Some(text) if !text.is_empty() && text.len() <= requirement::MAX_LENGTH => {
            Some(text.to_owned())
        }
        _ => fields.text(&[key]),
    }
}

/// `meta`, else `metadata`: for people and programs that know its keys.
fn meta(fields: &mut Fields<'_>) -> Option<serde_json::Value> {
    const TESTED: &str = "tested_attune_versions";
    let node = mapping(fields, &["meta", "metadata"])?;
    let mut meta = node.to_json();
    if let Some(tested) = node.get(TESTED) {
        // versions, and `1.10` is another one than the number 1.1
        meta[TESTED] = fields.texts_of(tested, TESTED).into();
    }
    Some(meta)
}

/// The first of some keys that has a mapping.
fn mapping<'a>(fields: &mut Fields<'a>, keys: &[&str]) -> Option<&'a Node> {
    for key in keys {
        let Some(node) = fields.get(key) else {
            continue;
        };
        if node.map().is_some() {
            return Some(node);
        }
        fields.warn(
            node,
            &format!(
                "`{key}` must be a mapping, not {}; it is left out",
                node.kind()
            ),
        );
    }
    None
}

/// What is under a key that lists components, be it a mapping or a list.
fn components(fields: &Fields<'_>, key: &str) -> Option<Vec<Component>> {
    match &fields.get(key)?.value {
        Value::Map(entries) => Some(
            entries
                .iter()
                .map(|(name, item)| Component::new(&name.text, described(item)))
                .collect(),
        ),
        Value::List(items) => Some(items.iter().filter_map(component).collect()),
        Value::Null | Value::Text(_) | Value::Plain(_) => None,
    }
}

fn component(item: &Node) -> Option<Component> {
    let named = ["ref", "name"]
        .iter()
        .find_map(|key| item.get(key).and_then(Node::text));
    Some(Component::new(item.text().or(named)?, described(item)))
}

fn described(item: &Node) -> &str {
    item.get("description")
        .and_then(Node::text)
        .unwrap_or_default()
}
