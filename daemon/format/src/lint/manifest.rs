//! Rules on `pack.yaml` itself.

use std::collections::HashMap;

use super::{Findings, Pack, Rule, quoted};
use crate::error::chain;
use crate::license;
use crate::manifest::read::{Reading, read};
use crate::manifest::yaml::{Node, Position};
use crate::manifest::{self, FILE_NAME, Manifest, ManifestError};
use crate::name::PackRef;
use crate::nearest::nearest;
use crate::requirement::Requirement;

/// The runtimes that packs of both ecosystems are written for.
const RUNTIMES: &[&str] = &[
    "python3", "python", "nodejs", "node", "shell", "bash", "sh", "native",
];

/// What the rest of the rules must know of the manifest.
pub(super) struct Known {
    /// The ref, if it can be read.
    pub(super) pack_ref: Option<PackRef>,
    /// Runtimes that the pack asks for; its runners may be called so.
    pub(super) runtimes: Vec<String>,
    /// `ref version`, for people.
    pub(super) shown: Option<String>,
}

impl Known {
    pub(super) fn of(reading: &Reading) -> Self {
        let manifest = reading.manifest();
        let written = || reading.root.get("ref")?.text()?.parse().ok();
        Self {
            pack_ref: manifest.map_or_else(written, |manifest| Some(manifest.pack_ref.clone())),
            runtimes: manifest.map_or_else(Vec::new, |manifest| {
                (manifest.runtimes.iter())
                    .map(|runtime| runtime.name.clone())
                    .collect()
            }),
            shown: manifest.map(|manifest| format!("{} {}", manifest.pack_ref, manifest.version)),
        }
    }
}

/// Checks the manifest; gives it back as far as it could be read.
pub(super) fn check(pack: &Pack<'_>, bytes: &[u8], found: &mut Findings) -> Option<Reading> {
    let folder = fs_err::canonicalize(pack.root).ok();
    let folder = folder.as_ref().and_then(|path| path.file_name()?.to_str());
    let known = folder.map_or(manifest::Known::Nothing, manifest::Known::Folder);
    let reading = match read(bytes, known) {
        Ok(reading) => reading,
        Err(error) => {
            add_error(&error, found);
            return None;
        }
    };
    for error in &reading.errors {
        add_error(error, found);
    }
    keys(&reading, found);
    warnings(&reading, found);
    described(pack, &reading.root, found);
    if let Some(manifest) = reading.manifest() {
        dependencies(manifest, &reading.dependencies_at, found);
        engines(manifest, &reading.root, found);
        runtimes(manifest, &reading.root, found);
    }
    Some(reading)
}

fn add_error(error: &ManifestError, found: &mut Findings) {
    let at = error.position();
    let message = match error {
        ManifestError::Yaml(source) => source.without_place(),
        error => {
            let text = chain(error);
            let place = at.map(|at| format!("`{FILE_NAME}`, {at}: "));
            let stripped = place.and_then(|place| text.strip_prefix(&place).map(str::to_owned));
            stripped.unwrap_or(text)
        }
    };
    found.add(Rule::Manifest, FILE_NAME, at, message).hint = error.hint();
}

fn keys(reading: &Reading, found: &mut Findings) {
    for unknown in manifest::unknown_keys(&reading.root) {
        let key = quoted(&unknown.key);
        match unknown.nearest {
            Some(meant) => found
                .add(
                    Rule::MisspeltKey,
                    FILE_NAME,
                    Some(unknown.at),
                    format!("unknown key {key}"),
                )
                .hint(format!("did you mean `{meant}`?")),
            None => {
                found
                    .add(
                        Rule::UnknownKey,
                        FILE_NAME,
                        Some(unknown.at),
                        format!("unknown key {key}, which nobody reads"),
                    )
                    .hint("a key that begins with `x-` is never taken for a slip");
            }
        }
    }
}

/// What the reader found odd. Of the version it is said how it should be written.
fn warnings(reading: &Reading, found: &mut Findings) {
    let version = reading.root.get("version");
    for warning in &reading.warnings {
        let text = warning.text.as_str();
        match warning.at {
            Some(at) if version.is_some_and(|version| version.at == at) => {
                let finding = found.add(Rule::Version, FILE_NAME, Some(at), text);
                if let Some(manifest) = reading.manifest() {
                    finding.hint(format!("write `version: {}`", manifest.version));
                }
            }
            Some(at) => {
                found.add(Rule::LeftOut, FILE_NAME, Some(at), text);
            }
            None => {}
        }
    }
    if let Some(manifest) = reading.manifest()
        && reading.root.get("ref").is_none()
    {
        let message = format!("there is no `ref`; `{}` is used", manifest.pack_ref);
        found
            .add(Rule::NoRef, FILE_NAME, None, message)
            .hint(format!("add `ref: {}`", manifest.pack_ref));
    }
}

fn described(pack: &Pack<'_>, root: &Node, found: &mut Findings) {
    let has = |keys: &[&str]| {
        keys.iter().any(|key| {
            let text = root.get(key).and_then(Node::text);
            text.is_some_and(|text| !text.trim().is_empty())
        })
    };
    let license = ["license", "licence"].iter().find_map(|key| root.get(key));
    match license.filter(|_| has(&["license", "licence"])) {
        None => {
            let finding = found.add(Rule::NoLicense, FILE_NAME, None, "there is no `license`");
            let file = (pack.survey.items.iter())
                .map(|(path, _)| path)
                .find(|path| is_license_file(path));
            finding.hint(match file {
                Some(file) => format!(
                    "say which one {} is, for example `license: Apache-2.0`",
                    quoted(file)
                ),
                None => "add for example `license: Apache-2.0`".to_owned(),
            });
        }
        Some(node) => license_of(node, found),
    }
    for (keys, rule, message, hint) in [
        (
            &["description"][..],
            Rule::NoDescription,
            "there is no `description`",
            "add `description: …`, what the pack does in one sentence",
        ),
        (
            &["label", "name"],
            Rule::NoLabel,
            "there is neither a `label` nor a `name`",
            "add `label: …`, a title for people",
        ),
        (
            &["author"],
            Rule::NoAuthor,
            "there is no `author`",
            "add `author: …`",
        ),
    ] {
        if !has(keys) {
            found.add(rule, FILE_NAME, None, message).hint(hint);
        }
    }
    for key in ["homepage", "repository"] {
        let Some(node) = root.get(key) else { continue };
        if let Some(text) = node.text().map(str::trim)
            && !is_url(text)
        {
            let message = format!("`{key}` is {}, which is no URL", quoted(text));
            found
                .add(Rule::Url, FILE_NAME, Some(node.at), message)
                .hint("write it in full, for example `https://example.org/pack`");
        }
    }
}

fn is_license_file(path: &str) -> bool {
    let stem = path.split('.').next().unwrap_or(path);
    ["license", "licence", "copying"]
        .iter()
        .any(|name| stem.eq_ignore_ascii_case(name))
}

/// Whether a text is an address: with a scheme, or as git and ssh write it.
fn is_url(text: &str) -> bool {
    let after = text.split_once("://").map(|(_, rest)| rest).or_else(|| {
        text.split_once(':')
            .filter(|(host, _)| host.contains('@'))
            .map(|(_, rest)| rest)
    });
    after.is_some_and(|rest| !rest.is_empty()) && !text.contains(char::is_whitespace)
}

fn license_of(node: &Node, found: &mut Findings) {
    let Some(text) = node.text() else { return };
    if let Err(error) = license::check(text) {
        let message = format!("`license` is {error}");
        found
            .add(Rule::License, FILE_NAME, Some(node.at), message)
            .hint(error.hint());
    }
}

fn dependencies(manifest: &Manifest, places: &[Position], found: &mut Findings) {
    let mut seen = HashMap::new();
    for (dependency, at) in manifest.dependencies.iter().zip(places) {
        if dependency.pack_ref == manifest.pack_ref {
            let message = format!("`{}` needs itself", manifest.pack_ref);
            found.add(Rule::SelfDependency, FILE_NAME, Some(*at), message);
        }
        if let Some(first) = seen.insert(&dependency.pack_ref, at) {
            let message = format!(
                "`{}` is a dependency already, at {first}",
                dependency.pack_ref
            );
            found
                .add(Rule::DuplicateDependency, FILE_NAME, Some(*at), message)
                .hint("join the requirements with a comma");
        }
    }
}

fn engines(manifest: &Manifest, root: &Node, found: &mut Findings) {
    for (key, text) in [
        ("attune_version", &manifest.attune_version),
        ("stackstorm_version", &manifest.stackstorm_version),
        ("python_version", &manifest.python_version),
        ("nodejs_version", &manifest.nodejs_version),
    ] {
        let Some(Err(error)) = text.as_ref().map(|text| text.parse::<Requirement>()) else {
            continue;
        };
        let within = root.get("dependencies").and_then(|node| node.get(key));
        let at = within.or_else(|| root.get(key)).map(|node| node.at);
        found
            .add(Rule::Engine, FILE_NAME, at, format!("`{key}`: {error}"))
            .hint = error.hint();
    }
}

fn runtimes(manifest: &Manifest, root: &Node, found: &mut Findings) {
    let at = root.get("runtime_deps").map(|node| node.at);
    for runtime in &manifest.runtimes {
        if RUNTIMES.contains(&runtime.name.as_str()) {
            continue;
        }
        let message = format!(
            "runtime {} is none that hosts are known to have",
            quoted(&runtime.name)
        );
        let finding = found.add(Rule::Runtime, FILE_NAME, at, message);
        if let Some(meant) = nearest(&runtime.name, RUNTIMES.iter().copied()) {
            finding.hint(format!("did you mean `{meant}`?"));
        }
    }
}
