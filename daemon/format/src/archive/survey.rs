//! Looking at a folder as [`super::pack()`] would, without packing it: what would be in the archive, and
//! everything that may not be, where packing stops at the first.

use std::path::Path;

use super::ledger::{Kind, Ledger};
use super::pack::{Found, PackError, PackOptions, walk_past};
use crate::error::chain;

/// What a folder has, as far as an archive of it would.
#[derive(Debug)]
pub(crate) struct Survey {
    /// What may be packed, sorted by path.
    pub(crate) items: Vec<(String, Kind)>,
    /// What may not, each with its path as far as it can be shown, and why.
    pub(crate) refused: Vec<(String, String)>,
    /// The folders in it that are git repositories of their own, sorted by path.
    pub(crate) repositories: Vec<String>,
}

/// Looks at a folder as it would be packed with these options. Ignored files are left out, as they are of an archive.
///
/// Never fails: what cannot be read is among what is refused.
pub(crate) fn survey(root: &Path, options: &PackOptions) -> Survey {
    let mut refused = Vec::new();
    let found = walk_past(root, options, &mut |error| {
        refused.push((place_of(root, &error), chain(&error)));
        Ok(())
    });
    let found = found.unwrap_or_else(|error| {
        refused.push((place_of(root, &error), chain(&error)));
        Found::default()
    });
    let mut ledger = Ledger::new(&options.limits);
    let mut below: Option<String> = None;
    for member in found.items {
        let (path, kind) = (member.path, member.kind);
        // what lies in a folder that may not be there is not said again
        if below.as_ref().is_some_and(|up| path.starts_with(up)) {
            continue;
        }
        if let Err(error) = ledger.admit(&path, kind) {
            below = Some(format!("{path}/"));
            let path = super::error::printable(path.as_bytes());
            refused.push((path, chain(&error)));
        }
    }
    let links: Vec<(String, String)> = ledger
        .bad_links()
        .into_iter()
        .map(|(path, error)| (path.to_owned(), chain(&error)))
        .collect();
    refused.extend(links);
    let mut items: Vec<(String, Kind)> = (ledger.items().iter())
        .map(|item| (item.path.clone(), item.kind.clone()))
        .collect();
    items.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    refused.sort_unstable();
    Survey {
        items,
        refused,
        repositories: found.left_out.repositories,
    }
}

/// Where in the folder something is that cannot be packed.
fn place_of(root: &Path, error: &PackError) -> String {
    let path = match error {
        PackError::Ignore { path, .. }
        | PackError::Read { path, .. }
        | PackError::Special { path, .. }
        | PackError::Changed { path }
        | PackError::Empty { path }
        | PackError::Refused { path, .. } => path,
        PackError::Write { .. } => root,
    };
    let path = path.strip_prefix(root).unwrap_or(path);
    super::error::printable(path.as_os_str().as_encoded_bytes())
}
