//! Rules on components: what their files, or their places in `pack.yaml`, say of themselves, and whether that fits
//! this pack.

use std::collections::HashMap;

use super::entry_point::{self, Owner};
use super::manifest::Known;
use super::{Findings, Pack, Rule, YAML, ends_with, quoted};
use crate::manifest::FILE_NAME;
use crate::manifest::yaml::{self, Node, Position, Value, YamlError};
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

/// The keys of `pack.yaml` that may list components, each called like the folder of its kind.
const LISTS: &[&str] = &["actions", "sensors", "triggers", "rules", "workflows"];

/// Checks the components that `pack.yaml` lists, as those are checked that have files of their own.
pub(super) fn check_listed(
    pack: &Pack<'_>,
    manifest: &Node,
    known: Option<&Known>,
    found: &mut Findings,
) {
    for folder in FOLDERS.iter().filter(|folder| LISTS.contains(&folder.path)) {
        let Some(list) = manifest.get(folder.path) else {
            continue;
        };
        let mut seen = HashMap::new();
        for (own_name, item) in listed(list) {
            name(folder, FILE_NAME, item, own_name, known, &mut seen, found);
            runs(pack, folder, FILE_NAME, item, known, found);
        }
    }
}

/// The components of a mapping or a list, with what names them if they do not do so themselves.
fn listed(list: &Node) -> Vec<(Option<Named<'_>>, &Node)> {
    match &list.value {
        Value::Map(entries) => (entries.iter())
            .map(|(key, item)| (Named::of("name", &key.text, key.at), item))
            .collect(),
        Value::List(items) => (items.iter())
            .map(|item| {
                let text = item.text().unwrap_or_default();
                (Named::of("name", text, item.at), item)
            })
            .collect(),
        Value::Null | Value::Text(_) | Value::Plain(_) => Vec::new(),
    }
}

/// What a component is called, and by which key.
#[derive(Debug, Clone, Copy)]
struct Named<'a> {
    key: &'static str,
    text: &'a str,
    at: Position,
}

impl<'a> Named<'a> {
    /// Nothing, where the text is none.
    fn of(key: &'static str, text: &'a str, at: Position) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then_some(Self { key, text, at })
    }
}

/// Checks every component that has a file.
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
            name(folder, file, &root, None, known, &mut seen, found);
            runs(pack, folder, file, &root, known, found);
        }
    }
}

/// Checks what a component runs, if it is of a kind that runs something.
fn runs(
    pack: &Pack<'_>,
    folder: &Folder,
    file: &str,
    root: &Node,
    known: Option<&Known>,
    found: &mut Findings,
) {
    if matches!(folder.one, "action" | "sensor") {
        let owner = Owner {
            folder: folder.path,
            file,
            root,
        };
        entry_point::check(pack, &owner, known, found);
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

/// Checks what a component is called, by itself or else where it is listed, and whether another is called so.
fn name(
    folder: &Folder,
    file: &str,
    root: &Node,
    listed_as: Option<Named<'_>>,
    known: Option<&Known>,
    seen: &mut HashMap<String, String>,
    found: &mut Findings,
) {
    let pack_ref = known.and_then(|known| known.pack_ref.as_ref());
    // several of them have this file then, and the place tells which one it is
    let is_listed = file == FILE_NAME;
    let named = (folder.names.iter()).find_map(|key| {
        let node = root.get(key)?;
        Named::of(key, node.text()?, node.at)
    });
    if let Some(node) = root.get("pack")
        && let (Some(text), Some(pack_ref)) = (node.text(), pack_ref)
        && *pack_ref != text.trim()
    {
        let message = format!("its `pack` is {}, but this is `{pack_ref}`", quoted(text));
        found.add(Rule::ComponentPack, file, Some(node.at), message);
    }
    let Some(Named { key, text, at }) = named.or(listed_as) else {
        if folder.must_be_named {
            let message = format!("the {} has neither a `ref` nor a `name`", folder.one);
            let at = is_listed.then_some(root.at);
            found.add(Rule::ComponentName, file, at, message);
        }
        return;
    };
    let mut own = text;
    if let Some(pack_ref) = pack_ref {
        match text.split_once('.') {
            Some((owner, name)) if *pack_ref == owner && !name.is_empty() => own = name,
            _ if key != "ref" => {}
            Some((owner, _)) if folder.qualified || PackRef::is_legal(owner) => {
                foreign(folder, file, at, text, pack_ref, found);
            }
            None if folder.qualified => foreign(folder, file, at, text, pack_ref, found),
            Some(_) | None => {}
        }
    }
    let place = if is_listed {
        format!("{file}:{}", at.line)
    } else {
        file.to_owned()
    };
    if let Some(first) = seen.insert(own.to_owned(), place) {
        let message = format!(
            "{} {} is in {} already",
            folder.one,
            quoted(text),
            quoted(&first)
        );
        found.add(Rule::ComponentTwice, file, Some(at), message);
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
