//! The keys that some vocabulary has on the top level of a `pack.yaml`, and those that none has.

use super::yaml::{Node, Position};
use crate::nearest::nearest;

/// The keys of every vocabulary: Attune's documents, its core pack, its code, and StackStorm's.
const KNOWN: &[&str] = &[
    // what decides
    "ref",
    "version",
    "dependencies",
    "runtime_deps",
    "runtime_dependencies",
    "python",
    "nodejs",
    "system",
    "testing",
    // what describes
    "label",
    "name",
    "description",
    "use_case",
    "author",
    "email",
    "contributors",
    "license",
    "licence",
    "homepage",
    "repository",
    "keywords",
    "tags",
    "meta",
    "metadata",
    "enabled",
    "config",
    "conf_schema",
    "config_schema",
    "attune_version",
    "stackstorm_version",
    "python_version",
    "python_versions",
    "nodejs_version",
    // components, and what StackStorm's server fills in
    "actions",
    "sensors",
    "triggers",
    "rules",
    "workflows",
    "aliases",
    "policies",
    "queues",
    "permission_sets",
    "runtimes",
    "files",
];

/// A key that no vocabulary has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// As it is written.
    pub key: String,
    /// Where it is.
    pub at: Position,
    /// The known key that was probably meant.
    pub nearest: Option<&'static str>,
}

/// The unknown keys of a mapping. Those that begin with `x-`, `x_` or `.` are nobody's but the author's.
pub(crate) fn unknown(root: &Node) -> Vec<UnknownKey> {
    let own = |key: &str| ["x-", "x_", "."].iter().any(|start| key.starts_with(start));
    let keys = root.map().unwrap_or_default().iter().map(|(key, _)| key);
    keys.filter(|key| !KNOWN.contains(&key.text.as_str()) && !own(&key.text))
        .map(|key| UnknownKey {
            key: key.text.clone(),
            at: key.at,
            nearest: nearest(&key.text, KNOWN.iter().copied()),
        })
        .collect()
}
