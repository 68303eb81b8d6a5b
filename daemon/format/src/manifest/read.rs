//! From the tree of a `pack.yaml` to a [`Manifest`].

use super::dependency::DependencyError;
use super::fields::{Fields, wrong_kind};
use super::yaml::{self, Node, Value};
use super::{
    Components, Dependency, MAX_BYTES, Manifest, ManifestError, RuntimeRequirement, testing,
};
use crate::components::Component;
use crate::name::{PackRef, shown};
use crate::requirement::{self, Requirement, RequirementError};
use crate::version;

/// The most dependencies, and the most runtimes.
const MAX_DEPENDENCIES: usize = 1024;

/// Reads a manifest. `known` is the ref it goes by where it has none itself.
pub(super) fn manifest(bytes: &[u8], known: Option<&PackRef>) -> Result<Manifest, ManifestError> {
    let root = yaml::parse(bytes, MAX_BYTES).map_err(ManifestError::Yaml)?;
    if root.map().is_none() {
        return Err(ManifestError::NotAMapping { found: root.kind() });
    }
    let mut fields = Fields::new(&root);

    let pack_ref = pack_ref(&mut fields, known)?;
    let (node, text) = fields.required("version")?;
    let (version, warning) = version::parse(text).map_err(|source| ManifestError::Version {
        at: node.at,
        source,
    })?;
    if let Some(warning) = warning {
        fields.warn(node, &warning);
    }

    let mut dependencies = Vec::new();
    let mut engine = fields.text(&["stackstorm_version", "attune_version"]);
    if let Some(node) = fields.get("dependencies") {
        read_dependencies(node, &mut dependencies, &mut engine)?;
    }

    Ok(Manifest {
        pack_ref,
        version,
        label: fields.text(&["label", "name"]),
        description: fields.text(&["description"]),
        use_case: fields.text(&["use_case"]),
        author: fields.text(&["author"]),
        email: fields.text(&["email"]),
        contributors: fields.texts("contributors"),
        license: fields.text(&["license", "licence"]),
        homepage: fields.text(&["homepage"]),
        repository: fields.text(&["repository"]),
        keywords: keywords(&mut fields),
        dependencies,
        runtimes: runtimes(&mut fields)?,
        python_versions: fields.texts("python_versions"),
        engine,
        attune_version: host_version(&mut fields, "attune_version"),
        stackstorm_version: host_version(&mut fields, "stackstorm_version"),
        python_version: host_version(&mut fields, "python_version"),
        nodejs_version: host_version(&mut fields, "nodejs_version"),
        meta: meta(&mut fields),
        system: fields.flag("system")?,
        config_schema: config_schema(&mut fields),
        testing: fields.get("testing").map(testing::read).transpose()?,
        components: Components {
            actions: components(&fields, "actions"),
            sensors: components(&fields, "sensors"),
            triggers: components(&fields, "triggers"),
            rules: components(&fields, "rules"),
            workflows: components(&fields, "workflows"),
        },
        warnings: fields.warnings,
    })
}

/// The ref: `ref`, else what the pack is known by, else `name`.
fn pack_ref(fields: &mut Fields<'_>, known: Option<&PackRef>) -> Result<PackRef, ManifestError> {
    if fields.get("ref").is_some() {
        let (node, text) = fields.required("ref")?;
        return text.parse().map_err(|source| ManifestError::Ref {
            at: node.at,
            key: "ref",
            source,
        });
    }
    if let Some(known) = known {
        fields
            .warnings
            .push(format!("`pack.yaml` has no `ref`; `{known}` is used"));
        return Ok(known.clone());
    }
    let Some(node) = fields.get("name") else {
        return Err(ManifestError::Missing { key: "ref" });
    };
    let text = node
        .text()
        .ok_or_else(|| wrong_kind(node, "name", "a text"))?;
    text.trim().parse().map_err(|source| ManifestError::Ref {
        at: node.at,
        key: "name",
        source,
    })
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
    for key in ["meta", "metadata"] {
        let Some(node) = fields.get(key) else {
            continue;
        };
        if node.map().is_none() {
            fields.warn(
                node,
                &format!(
                    "`{key}` must be a mapping, not {}; it is left out",
                    node.kind()
                ),
            );
            continue;
        }
        let mut meta = node.to_json();
        if let Some(tested) = node.get(TESTED) {
            // versions, and `1.10` is another one than the number 1.1
            meta[TESTED] = fields.texts_of(tested, TESTED).into();
        }
        return Some(meta);
    }
    None
}

fn config_schema(fields: &mut Fields<'_>) -> Option<serde_json::Value> {
    for key in ["conf_schema", "config_schema"] {
        let Some(node) = fields.get(key) else {
            continue;
        };
        if node.map().is_some() {
            return Some(node.to_json());
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

/// `dependencies`: a list, a mapping of refs to requirements, or the mapping that indexes have.
fn read_dependencies(
    node: &Node,
    into: &mut Vec<Dependency>,
    engine: &mut Option<String>,
) -> Result<(), ManifestError> {
    match &node.value {
        Value::Null => {}
        Value::Text(_) | Value::Plain(_) => into.push(dependency(node)?),
        Value::List(items) => {
            for item in items.iter().filter(|item| !item.is_null()) {
                into.push(dependency(item)?);
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries {
                match key.text.as_str() {
                    "attune_version" | "stackstorm_version" => {
                        *engine = value.text().map(str::to_owned).or_else(|| engine.take());
                    }
                    // what the host must have, as `python` and `nodejs` on the top level say it
                    "python_version" | "nodejs_version" => {}
                    "packs" if !matches!(value.value, Value::Text(_) | Value::Plain(_)) => {
                        read_dependencies(value, into, engine)?;
                    }
                    name => into.push(named_dependency(&key.text, name, value)?),
                }
            }
        }
    }
    if into.len() > MAX_DEPENDENCIES {
        let why = format!("has more than {MAX_DEPENDENCIES} entries");
        return Err(super::fields::wrong_value(node, "dependencies", why));
    }
    Ok(())
}

/// One element of a list: a text, or a mapping of `ref` and `version`.
fn dependency(item: &Node) -> Result<Dependency, ManifestError> {
    if let Some(text) = item.text() {
        let fail = |source| ManifestError::Dependency {
            at: item.at,
            shown: shown(text),
            source,
        };
        return text.parse().map_err(fail);
    }
    let name = ["ref", "pack", "name"]
        .iter()
        .find_map(|key| item.get(key).and_then(Node::text));
    match name {
        Some(name) => named_dependency(name, name, item),
        None => Err(wrong_kind(
            item,
            "dependencies",
            "a list of refs, each with or without `@version`",
        )),
    }
}

/// A dependency whose requirement stands apart from its name.
fn named_dependency(name: &str, text: &str, value: &Node) -> Result<Dependency, ManifestError> {
    let fail = |source| ManifestError::Dependency {
        at: value.at,
        shown: shown(text),
        source,
    };
    let pack_ref: PackRef = name
        .parse()
        .map_err(|error| fail(DependencyError::Ref(error)))?;
    let requirement = match &value.value {
        Value::Null => None,
        Value::Map(_) => match value.get("version") {
            Some(version) => Some(
                version
                    .text()
                    .ok_or_else(|| wrong_kind(version, "version", "a version requirement"))?,
            ),
            None => None,
        },
        Value::Text(text) | Value::Plain(text) => Some(text.as_str()),
        Value::List(_) => return Err(wrong_kind(value, text, "a version requirement")),
    };
    let requirement = match requirement {
        Some(text) => text
            .parse()
            .map_err(|error| fail(DependencyError::Requirement(error)))?,
        None => Requirement::any(),
    };
    Ok(Dependency::new(pack_ref, requirement))
}

/// `runtime_deps`, `python` and `nodejs`.
fn runtimes(fields: &mut Fields<'_>) -> Result<Vec<RuntimeRequirement>, ManifestError> {
    let mut found: Vec<RuntimeRequirement> = Vec::new();
    if let Some(node) = fields.get("runtime_deps") {
        let items = match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Text(_) | Value::Plain(_) => std::slice::from_ref(node),
            Value::Null | Value::Map(_) => {
                return Err(wrong_kind(node, "runtime_deps", "a list of runtimes"));
            }
        };
        if items.len() > MAX_DEPENDENCIES {
            let why = format!("has more than {MAX_DEPENDENCIES} entries");
            return Err(super::fields::wrong_value(node, "runtime_deps", why));
        }
        for item in items.iter().filter(|item| !item.is_null()) {
            let text = item
                .text()
                .ok_or_else(|| wrong_kind(item, "runtime_deps", "a list of texts"))?;
            let runtime = runtime(text).map_err(|source| ManifestError::Runtime {
                at: item.at,
                shown: shown(text),
                source,
            })?;
            found.push(runtime);
        }
    }
    for (key, name) in [("python", "python3"), ("nodejs", "nodejs")] {
        let Some(node) = fields.get(key) else {
            continue;
        };
        let Some(text) = node.text() else {
            fields.warn(
                node,
                &format!(
                    "`{key}` must be a version, not {}; it is left out",
                    node.kind()
                ),
            );
            continue;
        };
        let requirement = at_least(text.trim()).map_err(|source| ManifestError::Runtime {
            at: node.at,
            shown: shown(text),
            source,
        })?;
        found.push(RuntimeRequirement {
            name: name.to_owned(),
            requirement,
        });
    }
    Ok(found)
}

/// `python3>=3.8`: a name, and a requirement from the first operator on.
fn runtime(text: &str) -> Result<RuntimeRequirement, RequirementError> {
    let text = text.trim();
    let operator = |c: char| matches!(c, '<' | '>' | '=' | '^' | '~' | '@');
    let (name, requirement) = text.split_at(text.find(operator).unwrap_or(text.len()));
    let name = name.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
        return Err(RequirementError {
            shown: shown(text),
            why: "it must begin with a runtime's name".to_owned(),
        });
    }
    let requirement = match requirement.trim_start_matches('@').trim() {
        "" => Requirement::any(),
        requirement => requirement.parse()?,
    };
    Ok(RuntimeRequirement {
        name: name.to_owned(),
        requirement,
    })
}

/// A version where a requirement is meant: `3.9` is `>=3.9`.
fn at_least(text: &str) -> Result<Requirement, RequirementError> {
    if text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains([',', '*', 'x']) {
        format!(">={text}").parse()
    } else {
        text.parse()
    }
}
