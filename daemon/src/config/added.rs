//! Registries that were added while packd ran. They are kept in the database, in the words of the configuration, and
//! what the configuration says of a registry of the same name counts instead.

use std::collections::BTreeMap;
use std::path::Path;

use super::load::registry_warnings;
use super::node::{self, Entry, Node, Value};
use super::problem::Problem;
use super::section::{Findings, Reader};
use super::{Config, ConfigError, Effective, Environment, Origin, Registry, registry};

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

impl Effective {
    /// Takes in the registries that were added. What is wrong with one leaves that one out, and is a warning.
    ///
    /// Reads the roots that they name, so it blocks.
    pub fn take_in(&mut self, added: &[Added], environment: &Environment) {
        let keys = self.layout.keys();
        for one in added {
            if let Some(place) = self.config.places.get(&one.name) {
                self.warnings.push(format!(
                    "registry `{}` is in the configuration, at {place}; the one of this name that was added does not count",
                    one.name
                ));
                continue;
            }
            let mut findings = Findings::default();
            match read(one, &keys, &mut findings) {
                Some(registry) if findings.problems.is_empty() => {
                    self.warnings
                        .extend(registry_warnings(&registry, environment));
                    self.origins.extend(findings.origins);
                    self.config.registries.push(registry);
                }
                _ => self
                    .warnings
                    .extend(findings.problems.iter().map(|problem| {
                        format!(
                            "registry `{}`, which was added, is left out: {}",
                            one.name, problem.message
                        )
                    })),
            }
        }
        sort(&mut self.config.registries);
    }
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

    use super::super::{Args, Inputs, load};
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
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packd.yaml");
        fs_err::write(
            &file,
            "registries: [{name: files, url: https://a.example/}]\n",
        )
        .unwrap();
        let args = Args {
            config: Some(file),
            ..Args::default()
        };
        let environment = Environment::default();
        let mut effective = load(&Inputs::new(&args, environment.clone())).unwrap();
        let loud = r#"{"url": "https://b.example/", "priority": 200, "trust": "unverified"}"#;
        effective.take_in(
            &[
                added("files", r#"{"url": "https://c.example/"}"#),
                added("late", loud),
                added("odd", r#"{"url": "gopher://d.example/"}"#),
                added("early", r#"{"url": "https://e.example/", "priority": 50}"#),
            ],
            &environment,
        );
        let Effective {
            config, warnings, ..
        } = &effective;
        let names: Vec<_> = config
            .registries
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(names, ["early", "files", "late"]);
        for (warning, said) in warnings.iter().zip(["at ", "`unverified`", "is left out"]) {
            assert!(warning.contains(said), "{warnings:?}");
        }
        assert_eq!(warnings.len(), 3, "{warnings:?}");
    }
}
