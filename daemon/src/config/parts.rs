//! Values that have parts of their own: a window, or what is different for one pack.

use super::node::{Node, Table, Value};
use super::setting::Wrong;

/// The keys of a value that is a table; `shape` is what it must be, `known` what it may have.
pub(super) fn table<'n>(
    node: &'n Node,
    shape: &str,
    known: &[&str],
) -> Result<&'n Table, Vec<Wrong>> {
    let Value::Table(table) = &node.value else {
        let message = format!("must be {shape}, not {}", node.describe());
        return Err(Wrong::at(node, message));
    };
    let unknown = table
        .0
        .iter()
        .filter(|entry| !known.contains(&entry.key.as_str()));
    let wrongs: Vec<Wrong> = unknown
        .map(|entry| Wrong {
            origin: entry.origin.clone(),
            below: format!(".{}", entry.key),
            message: format!("is not a known key; known here: {}", known.join(" ")),
        })
        .collect();
    if wrongs.is_empty() {
        Ok(table)
    } else {
        Err(wrongs)
    }
}

/// One key of such a value, if it is written.
pub(super) fn part<T>(
    table: &Table,
    name: &str,
    read: impl Fn(&Node) -> Result<T, Vec<Wrong>>,
) -> Result<Option<T>, Vec<Wrong>> {
    let entry = table
        .get(name)
        .filter(|entry| !matches!(entry.value.value, Value::Null));
    let read = entry.map(|entry| read(&entry.value)).transpose();
    read.map_err(|wrongs| {
        let below = |wrong: Wrong| Wrong {
            below: format!(".{name}{}", wrong.below),
            ..wrong
        };
        wrongs.into_iter().map(below).collect()
    })
}
