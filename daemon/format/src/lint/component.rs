//! Rules on components: what their files say of themselves, and whether that fits this pack.

use std::collections::HashMap;

use super::entry_point::{self, Owner};
use super::manifest::Known;
use super::{Findings, Pack, Rule, YAML, ends_with, quoted};
use crate::manifest::yaml::{self, Node, Position, YamlError};
use crate::name::{PackRef, shown};

/// The largest file of a component, in bytes: that of a manifest, which is read the same way.
const MAX_BYTES: usize = crate::manifest::MAX_BYTES;

/// A folder of components of one kind.
struct Folder {
    path: &'static str,
    /// What one of them is called, for messages.
    one: &'static str,
    /// The keys that may name one, the most telling first.
    names: &'static [&'static str],
    /// Whether both ecosystems insist on a name.
    must_be_named: bool,
    /// Whether a `ref` is always one of the pack.
    qualified: bool,
}

/// Where components lie, in both ecosystems.
const FOLDERS: &[Folder] = &[
    folder("actions", "action", &["ref", "name"], true, true),
    // StackStorm's sensors are classes
    folder(
        "sensors",
        "sensor",
        &["ref", "name", "class_name"],
        true,
        true,
    ),
    folder("triggers", "trigger", &["ref", "name"], true, true),
    folder("rules", "rule", &["ref", "name"], true, true),
    folder("aliases", "alias", &["ref", "name"], true, false),
    folder("policies", "policy", &["ref", "name"], true, false),
    folder("queues", "queue", &["ref", "name"], false, false),
    folder(
        "permission_sets",
        "permission set",
        &["ref", "name"],
        false,
        false,
    ),
    folder("runtimes", "runtime", &["ref", "name"], false, false),
    folder("workflows", "workflow", &["ref", "name"], false, false),
    folder("actions/workflows", "workflow", &["ref"], false, false),
];

const fn folder(
    path: &'static str,
    one: &'static str,
    names: &'static [&'static str],
    must_be_named: bool,
    qualified: bool,
) -> Folder {
    Folder {
        path,
        one,
        names,
        must_be_named,
        qualified,
    }
}

/// Checks every component.
pub(super) fn check(pack: &Pack<'_>, known: Option<&Known>, found: &mut Findings) {
    for folder in FOLDERS {
        let mut seen: HashMap<String, String> = HashMap::new();
        for file in pack.files_in(folder.path, is_yaml) {
            let Some(root) = read(pack, file, found) else {
                continue;
            };
            if root.map().is_none() {
                if !root.is_null() || folder.must_be_named {
                    let message = format!("it must be a mapping, not {}", root.kind());
                    found.add(Rule::ComponentShape, file, None, message);
                }
                continue;
            }
            name(folder, file, &root, known, &mut seen, found);
            if matches!(folder.one, "action" | "sensor") {
                let owner = Owner {
                    folder: folder.path,
                    file,
                    root: &root,
                };
                entry_point::check(pack, &owner, known, found);
            }
        }
    }
}

fn is_yaml(name: &str) -> bool {
    !name.starts_with('.') && ends_with(name, YAML)
}

/// Reads a component's file, as strictly as it stands.
pub(super) fn read(pack: &Pack<'_>, file: &str, found: &mut Findings) -> Option<Node> {
    let bytes = pack.head(file, MAX_BYTES + 1);
    let error = match yaml::parse(&bytes, MAX_BYTES) {
        Ok(root) => return Some(root),
        Err(YamlError::TooLarge { at, .. }) => {
            let message = format!("it has more than {MAX_BYTES} bytes, and was not looked at");
            found.add(Rule::ComponentSize, file, Some(at), message);
            return None;
        }
        Err(error) => error,
    };
    let usual = yaml::parse_usual(&bytes, MAX_BYTES).ok();
    let merges = |root: &Node| has_merge(&bytes) && root.map().is_some();
    match &usual {
        // merge keys are fine where packd does not have to judge what they make
        Some(root) if merges(root) && error.without_place().contains("merge keys") => {}
        Some(_) => {
            found
                .add(
                    Rule::ComponentDialect,
                    file,
                    error.position(),
                    error.without_place(),
                )
                .hint("readers disagree on which one counts");
        }
        None => {
            found
                .add(
                    Rule::ComponentSyntax,
                    file,
                    error.position(),
                    error.without_place(),
                )
                .hint = error.hint();
        }
    }
    usual
}

fn has_merge(bytes: &[u8]) -> bool {
    bytes.windows(3).any(|window| window == b"<<:")
}

/// Checks what a component is called: by whom, and whether another is called so.
fn name(
    folder: &Folder,
    file: &str,
    root: &Node,
    known: Option<&Known>,
    seen: &mut HashMap<String, String>,
    found: &mut Findings,
) {
    let pack_ref = known.and_then(|known| known.pack_ref.as_ref());
    let named = (folder.names.iter()).find_map(|key| {
        let node = root.get(key)?;
        let text = node.text()?.trim();
        (!text.is_empty()).then_some((*key, node, text))
    });
    if let Some(node) = root.get("pack")
        && let (Some(text), Some(pack_ref)) = (node.text(), pack_ref)
        && *pack_ref != text.trim()
    {
        let message = format!("its `pack` is {}, but this is `{pack_ref}`", quoted(text));
        found.add(Rule::ComponentPack, file, Some(node.at), message);
    }
    let Some((key, node, text)) = named else {
        if folder.must_be_named {
            let message = format!("the {} has neither a `ref` nor a `name`", folder.one);
            found.add(Rule::ComponentName, file, None, message);
        }
        return;
    };
    let mut own = text;
    if let Some(pack_ref) = pack_ref {
        match text.split_once('.') {
            Some((owner, name)) if *pack_ref == owner && !name.is_empty() => own = name,
            _ if key != "ref" => {}
            Some((owner, _)) if folder.qualified || PackRef::is_legal(owner) => {
                foreign(folder, file, node.at, text, pack_ref, found);
            }
            None if folder.qualified => foreign(folder, file, node.at, text, pack_ref, found),
            Some(_) | None => {}
        }
    }
    if let Some(first) = seen.insert(own.to_owned(), file.to_owned()) {
        let message = format!(
            "{} {} is in {} already",
            folder.one,
            quoted(text),
            quoted(&first)
        );
        found.add(Rule::ComponentTwice, file, Some(node.at), message);
    }
}

fn foreign(
    folder: &Folder,
    file: &str,
    at: Position,
    text: &str,
    pack_ref: &PackRef,
    found: &mut Findings,
) {
    let name = text.rsplit('.').next().unwrap_or(text);
    let message = format!(
        "the ref of the {} is {}, which is not of this pack",
        folder.one,
        quoted(text)
    );
    found
        .add(Rule::ComponentPack, file, Some(at), message)
        .hint(format!("write `ref: {pack_ref}.{}`", shown(name)));
}
