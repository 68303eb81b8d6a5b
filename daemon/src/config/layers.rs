//! The sources of the configuration as trees, and how a stronger one is laid over a weaker.
//!
//! What the keys mean is not known here, but for the list of registries: it becomes a table by their
//! names, so that it can be merged like every other.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::node::{self, Entry, Node, Table, Value};
use super::problem::Problem;
use super::section::Section as _;
use super::{Environment, Inputs, Origin, Registry, registry, unknown};

/// What the names of variables begin with that set keys.
const PREFIX: &str = "PACKD__";

/// The most that is read of one file.
const FILE_BYTES: u64 = 1024 * 1024;

/// The files to read, weakest first, each with whether it must exist.
pub(super) fn paths(
    inputs: &Inputs,
    warnings: &mut Vec<String>,
    problems: &mut Vec<Problem>,
) -> Vec<(PathBuf, bool)> {
    let mut paths = vec![(inputs.layout.config_file.clone(), inputs.config_named)];
    let folder = inputs.layout.drop_ins();
    let listed = fs_err::read_dir(&folder).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<Vec<_>>>()
    });
    let mut drop_ins = match listed {
        Ok(drop_ins) => drop_ins,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            problems.push(Problem::new(Origin::Default, unreadable(&folder, &error)));
            Vec::new()
        }
    };
    drop_ins.sort();
    for path in drop_ins {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        match path.extension().and_then(OsStr::to_str) {
            Some("yaml") if !hidden => paths.push((path, true)),
            Some("yml") if !hidden => warnings.push(format!(
                "`{}` is not read: the name of a drop-in ends in `.yaml`",
                path.display()
            )),
            _ => {}
        }
    }
    paths
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::InvalidInput => "it is no regular file".to_owned(),
        kind => kind.to_string(),
    };
    format!("cannot read `{}`: {reason}", path.display())
}

pub(super) fn read_file(
    path: &Path,
    must_exist: bool,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let mut refuse = |message| problems.push(Problem::new(Origin::Default, message));
    let mut bytes = Vec::new();
    let read = super::open_regular(path)
        .and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return None,
        Err(error) => {
            refuse(unreadable(path, &error));
            return None;
        }
        Ok(_) => {}
    }
    if bytes.len() as u64 > FILE_BYTES {
        refuse(format!(
            "cannot read `{}`: it is larger than 1 MiB",
            path.display()
        ));
        return None;
    }
    let text = String::from_utf8(bytes);
    text.map_err(|_| refuse(format!("cannot read `{}`: it is not UTF-8", path.display())))
        .ok()
}

/// Reads one file's tree and brings its registries into the form in which they can be merged.
pub(super) fn read_layer(text: &str, place: &Origin, problems: &mut Vec<Problem>) -> Option<Table> {
    let node = node::parse(text, place, problems)?;
    match node.value {
        Value::Null => None,
        Value::Table(mut table) => {
            if let Some(entry) = table.get_mut("registries") {
                key_by_name(&mut entry.value, problems);
            }
            Some(table)
        }
        _ => {
            let message = format!(
                "the configuration must be sections with keys, not {}",
                node.describe()
            );
            problems.push(Problem::new(node.origin, message));
            None
        }
    }
}

/// Makes of a list of registries a table of them by name. What cannot be one is reported and left out.
fn key_by_name(node: &mut Node, problems: &mut Vec<Problem>) {
    let items = match &mut node.value {
        Value::Null => Vec::new(),
        Value::List(items) => std::mem::take(items),
        _ => {
            let message = format!("`registries` must be a list, not {}", node.describe());
            problems.push(Problem::new(node.origin.clone(), message));
            Vec::new()
        }
    };
    let mut named = Table::default();
    for (position, item) in items.into_iter().enumerate() {
        match name_of(&item, &named) {
            Ok((key, origin)) => named.0.push(Entry {
                key,
                origin,
                value: item,
            }),
            Err((origin, message)) => {
                let path = format!("registries[{position}]");
                problems.push(Problem::new(origin, format!("`{path}` {message}")));
                // its keys are read under its name; without one, this is where a misspelt one is found
                problems.extend(unknown_keys(&path, &item));
            }
        }
    }
    node.value = Value::Table(named);
}

/// What is said about the keys of a registry that do not exist.
fn unknown_keys(path: &str, item: &Node) -> Vec<Problem> {
    let Value::Table(keys) = &item.value else {
        return Vec::new();
    };
    let known: Vec<_> = Registry::KEYS.iter().map(|key| key.name).collect();
    let unknown = keys
        .0
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()));
    unknown
        .map(|entry| {
            Problem::new(
                entry.origin.clone(),
                unknown::message(path, &entry.key, &known),
            )
        })
        .collect()
}

/// The name that a registry of a list has and where it is written, or what is wrong with it.
fn name_of(item: &Node, others: &Table) -> Result<(String, Origin), (Origin, String)> {
    let Value::Table(keys) = &item.value else {
        let message = format!("must have keys with values, not {}", item.describe());
        return Err((item.origin.clone(), message));
    };
    let Some(Entry { value: name, .. }) = keys.get("name") else {
        return Err((item.origin.clone(), "has no `name`".to_owned()));
    };
    let message = match &name.value {
        Value::Text { text, .. } if registry::is_name(text) => match others.get(text) {
            None => return Ok((text.clone(), name.origin.clone())),
            Some(first) => format!("has the name `{text}`, as has the one at {}", first.origin),
        },
        _ => {
            let shape = registry::NAME_SHAPE;
            format!(
                "cannot have the name {}; a name is {shape}",
                name.describe()
            )
        }
    };
    Err((name.origin.clone(), message))
}

/// Lays `PACKD__SECTION__KEY=value` over the tree.
pub(super) fn add_environment(
    root: &mut Table,
    environment: &Environment,
    problems: &mut Vec<Problem>,
) {
    for (name, path, text) in environment.below(PREFIX) {
        let origin = Origin::Environment { name: name.into() };
        let path: Vec<_> = path.split("__").collect();
        if path.iter().any(|segment| segment.is_empty()) {
            let message = "names no key; the form is `PACKD__SECTION__KEY`";
            problems.push(Problem::new(origin, message));
            continue;
        }
        let before = problems.len();
        let node = node::parse(text, &origin, problems);
        if problems.len() > before {
            continue;
        }
        let mut node = node.unwrap_or(Node {
            origin: origin.clone(),
            value: Value::Null,
        });
        if path.len() == 1 && path[0].eq_ignore_ascii_case("registries") {
            key_by_name(&mut node, problems);
        }
        set(root, &path, node);
    }
}

/// Lays one value over the tree, making the tables on the way.
///
/// The names of variables have neither case nor `-`, so a key that exists is found without regard to
/// them; the name of a registry and of a header can be reached that way too.
pub(super) fn set(root: &mut Table, path: &[&str], value: Node) {
    let Some((first, below)) = path.split_first() else {
        return;
    };
    let plain = |key: &str| key.replace('-', "_").to_ascii_lowercase();
    let place = root
        .0
        .iter()
        .position(|entry| plain(&entry.key) == plain(first));
    let place = place.unwrap_or_else(|| {
        let origin = value.origin.clone();
        let empty = Node {
            origin: origin.clone(),
            value: Value::Null,
        };
        root.0.push(Entry {
            key: first.to_ascii_lowercase(),
            origin,
            value: empty,
        });
        root.0.len() - 1
    });
    let entry = &mut root.0[place];
    if below.is_empty() {
        let (key, origin) = (entry.key.clone(), value.origin.clone());
        entry.merge(Entry { key, origin, value });
        return;
    }
    if !matches!(entry.value.value, Value::Table(_)) {
        entry.value = Node {
            origin: value.origin.clone(),
            value: Value::Table(Table::default()),
        };
    }
    if let Value::Table(table) = &mut entry.value.value {
        set(table, below, value);
    }
}
