//! Registries that were added while packd ran. They are kept in the database, in the words of the configuration, and
//! what the configuration says of a registry of the same name counts instead.

use std::collections::BTreeMap;
use std::path::Path;

use super::load::registry_warnings;
use super::node::{self, Entry, Node, Value};
use super::problem::Problem;
use super::section::{Findings, Reader};
use super::{Config, ConfigError, Environment, Origin, Registry, registry};

/// A registry that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its name.
    pub name: String,
    /// Its other keys as the configuration has them, in JSON.
    pub keys: String,
}

/// Where each registry of the configuration is written, by its name: `/etc/packd/packd.yaml:12`.
///
/// All are equal: a configuration is what it does, wherever it is written.
#[derive(Debug, Clone, Default)]
pub struct Places(pub BTreeMap<String, String>);

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

impl Places {
    /// Where this registry is written, if it is.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&String> {
        self.0.get(name)
    }
}

/// The registry that was added, and what should be known of it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn registry_of(
    added: &Added,
    keys: &Path,
    environment: &Environment,
) -> Result<(Registry, Vec<String>), ConfigError> {
    let mut findings = Findings::default();
    let read = read(added, keys, &mut findings);
    match read {
        Some(registry) if findings.problems.is_empty() => {
            let warnings = registry_warnings(&registry, environment);
            Ok((registry, warnings))
        }
        _ => Err(ConfigError {
            problems: findings.problems,
        }),
    }
}

fn read(added: &Added, keys: &Path, findings: &mut Findings) -> Option<Registry> {
    let origin = Origin::Added {
        name: added.name.as_str().into(),
    };
    if !registry::is_name(&added.name) {
        let message = format!(
            "`name` must be {}, not {}",
            registry::NAME_SHAPE,
            Node::text(origin.clone(), &*added.name).describe()
        );
        findings
            .problems
            .push(Problem::new(Origin::Default, message));
        return None;
    }
    let mut node = node::parse(&added.keys, &origin, &mut findings.problems)?;
    if let Value::Table(keys) = &mut node.value {
        keys.0.retain(|entry| entry.key != "name");
        keys.0.push(Entry {
            key: "name".to_owned(),
            origin: origin.clone(),
            value: Node::text(origin, added.name.clone()),
        });
    }
    let path = format!("registries.{}", added.name);
    Registry::read_whole(&mut Reader::new(&path, Some(&node), findings), keys)
}

/// The registries that were added, and the folder with the keys that they may name.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    pub(super) added: &'a [Added],
    pub(super) keys: &'a Path,
}

/// Puts the registries that were added into a configuration. What is wrong with one leaves that one out.
pub(super) fn take_in(
    config: &mut Config,
    from: From<'_>,
    origins: &mut BTreeMap<String, Origin>,
    warnings: &mut Vec<String>,
) {
    for one in from.added {
        if let Some(place) = config.places.get(&one.name) {
            warnings.push(format!(
                "registry `{}` is in the configuration, at {place}; the one of this name that was added does not count",
                one.name
            ));
            continue;
        }
        let mut findings = Findings::default();
        match read(one, from.keys, &mut findings) {
            Some(registry) if findings.problems.is_empty() => {
                origins.extend(findings.origins);
                config.registries.push(registry);
            }
            _ => warnings.extend(findings.problems.iter().map(|problem| {
                format!(
                    "registry `{}`, which was added, is left out: {}",
                    one.name, problem.message
                )
            })),
        }
    }
    sort(&mut config.registries);
}

/// Brings registries into the order in which they are asked.
pub(super) fn sort(registries: &mut [Registry]) {
    registries.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
}

impl Config {
    /// The same configuration with a registry that was added, in place of one of that name.
    #[must_use]
    pub fn with_registry(&self, registry: Registry) -> Self {
        let mut config = self.without_registry(&registry.name);
        config.registries.push(registry);
        sort(&mut config.registries);
        config
    }

    /// The same configuration without a registry.
    #[must_use]
    pub fn without_registry(&self, name: &str) -> Self {
        let mut config = self.clone();
        config.registries.retain(|registry| registry.name != name);
        config
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn added(name: &str, keys: &str) -> Added {
        Added {
            name: name.to_owned(),
            keys: keys.to_owned(),
        }
    }

    #[test]
    fn one_is_read_as_in_the_configuration() {
        let keys = r#"{"url": "https://packs.example/index.json", "priority": 5, "refs": ["acme_*"], "refresh": "2h"}"#;
        let (registry, warnings) = registry_of(
            &added("acme", keys),
            Path::new("/nowhere"),
            &Environment::default(),
        )
        .unwrap();
        assert_eq!((registry.priority, registry.refs.as_slice().len()), (5, 1));
        assert!(warnings.is_empty(), "{warnings:?}");
        for (name, keys, said) in [
            ("acme", r#"{"priority": 5}"#, "url"),
            ("acme", r#"{"url": "ftp://x/"}"#, "https"),
            ("acme", r#"{"url": "http://x/i.json"}"#, "allow_http"),
            ("acme", r#"{"url": "https://x/", "odd": 1}"#, "odd"),
            ("Acme", r#"{"url": "https://x/"}"#, "lower-case"),
        ] {
            let error = registry_of(
                &added(name, keys),
                Path::new("/nowhere"),
                &Environment::default(),
            )
            .unwrap_err();
            let text = error
                .problems()
                .iter()
                .map(ToString::to_string)
                .collect::<String>();
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn the_configuration_comes_first_and_what_is_wrong_is_left_out() {
        let mut config = Config::default();
        config
            .places
            .0
            .insert("files".to_owned(), "/etc/packd/packd.yaml:3".to_owned());
        let mut warnings = Vec::new();
        take_in(
            &mut config,
            From {
                keys: Path::new("/nowhere"),
                added: &[
                    added("files", r#"{"url": "https://a/"}"#),
                    added("late", r#"{"url": "https://b/", "priority": 200}"#),
                    added("odd", r#"{"url": "gopher://c/"}"#),
                    added("early", r#"{"url": "https://d/"}"#),
                ],
            },
            &mut BTreeMap::new(),
            &mut warnings,
        );
        let names: Vec<_> = config
            .registries
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["early", "late"]);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }
}
