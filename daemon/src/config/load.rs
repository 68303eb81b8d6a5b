//! From inputs to the effective configuration: read the files, lay each stronger one over the weaker,
//! then the environment, then the flags; then give the tree its meaning.
//!
//! Everything that is wrong is found in one run. Nothing is taken over from a configuration that has
//! any problem: half of what an operator meant can be worse than nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::added;
use super::hook;
use super::inputs::{Inputs, Override};
use super::layers::{add_environment, paths, read_file, read_layer, set};
use super::node::{Entry, Node, Table, Value};
use super::problem::{ConfigError, Problem};
use super::runtime;
use super::section::{Findings, Reader, Section};
use super::socket;
use super::unknown::{self, SECTIONS};
use super::{
    Config, Environment, Layout, Origin, Places, Registry, SandboxLevel, SecretError, Trust,
};

/// A configuration without problems, and where each value came from.
#[derive(Debug, Clone)]
pub struct Effective {
    /// The values.
    pub config: Config,
    /// The paths.
    pub layout: Layout,
    /// Where each value came from, by the path of its key: `queue.workers`, `registries.acme.url`.
    pub origins: BTreeMap<String, Origin>,
    /// What is allowed but should be known, each in one line.
    pub warnings: Vec<String>,
    /// The files that were read, weakest first.
    pub files: Vec<PathBuf>,
    pub(super) layout_origins: [Origin; 3],
}

/// The longest path that a socket can be bound to.
const SOCKET_BYTES: usize = 107;

/// Makes the effective configuration.
///
/// # Errors
/// Everything that is wrong, at once. Loading again can succeed after the operator has acted.
pub fn load(inputs: &Inputs) -> Result<Effective, ConfigError> {
    let mut findings = Findings::default();
    let mut warnings = Vec::new();
    let mut files = Vec::new();
    let mut root = Table::default();

    for (path, must_exist) in paths(inputs, &mut warnings, &mut findings.problems) {
        let Some(text) = read_file(&path, must_exist, &mut findings.problems) else {
            continue;
        };
        let place = Origin::File {
            path: path.as_path().into(),
            line: 1,
        };
        if let Some(table) = read_layer(&text, &place, &mut findings.problems) {
            root.merge(table);
        }
        files.push(path);
    }
    add_environment(&mut root, &inputs.environment, &mut findings.problems);
    for Override {
        section,
        key,
        origin,
        text,
    } in &inputs.overrides
    {
        let value = Node::text(origin.clone(), text.clone());
        set(&mut root, &[section, key], value);
    }

    check_socket(inputs, &mut findings.problems);
    let keys = inputs.layout.keys();
    let config = read_config(&root, &keys, &inputs.layout.socket, &mut findings);
    let Findings {
        origins,
        mut problems,
    } = findings;
    match config {
        Some(config) if problems.is_empty() => {
            let of_registry = |registry| registry_warnings(registry, &inputs.environment);
            warnings.extend(config.registries.iter().flat_map(of_registry));
            if config.tests.sandbox == SandboxLevel::None {
                warnings.push(no_sandbox("tests.sandbox"));
            }
            warnings.extend(program_warnings(&config));
            Ok(Effective {
                config,
                layout: inputs.layout.clone(),
                origins,
                warnings,
                files,
                layout_origins: inputs.layout_origins.clone(),
            })
        }
        _ => {
            problems.sort_by_key(|problem| rank(&problem.origin, &files));
            Err(ConfigError { problems })
        }
    }
}

/// A socket's path has a longest length, see unix(7), and is bound only when much else has been done.
fn check_socket(inputs: &Inputs, problems: &mut Vec<Problem>) {
    let path = &inputs.layout.socket;
    if path.as_os_str().len() > SOCKET_BYTES {
        let [_, origin, _] = &inputs.layout_origins;
        let message = format!(
            "`{}` is too long for a socket: at most {SOCKET_BYTES} bytes",
            path.display()
        );
        problems.push(Problem::new(origin.clone(), message));
    }
}

/// Gives the tree its meaning.
fn read_config(
    root: &Table,
    keys: &Path,
    main_socket: &Path,
    findings: &mut Findings,
) -> Option<Config> {
    let mut names = vec!["registries", "runtimes", "hooks", "sockets"];
    names.extend(SECTIONS.iter().map(|(name, _)| *name));
    for entry in root
        .0
        .iter()
        .filter(|entry| !names.contains(&entry.key.as_str()))
    {
        let message = unknown::message("", &entry.key, &names);
        findings
            .problems
            .push(Problem::new(entry.origin.clone(), message));
    }
    // every section is read before any is missed: `?` comes last
    let registries = read_registries(root.get("registries"), keys, findings);
    let places = registries.iter().filter_map(|registry| {
        let origin = findings
            .origins
            .get(&format!("registries.{}.name", registry.name))?;
        Some((registry.name.clone(), origin.to_string()))
    });
    let places = Places(places.collect());
    let routing = read_section(root, "routing", findings);
    let queue = read_section(root, "queue", findings);
    let store = read_section(root, "store", findings);
    let limits = read_section(root, "limits", findings);
    let tests = read_section(root, "tests", findings);
    let runtimes = runtime::read(root.get("runtimes"), findings);
    let updates = read_section(root, "updates", findings);
    let hooks = hook::read(root.get("hooks"), findings);
    let access = read_section(root, "access", findings);
    let sockets = socket::read(root.get("sockets"), main_socket, findings);
    let net = read_section(root, "net", findings);
    let git = read_section(root, "git", findings);
    let service = read_section(root, "service", findings);
    let log = read_section(root, "log", findings);
    Some(Config {
        registries,
        places,
        routing: routing?,
        queue: queue?,
        store: store?,
        limits: limits?,
        tests: tests?,
        runtimes,
        updates: updates?,
        hooks,
        access: access?,
        sockets,
        net: net?,
        git: git?,
        service: service?,
        log: log?,
    })
}

fn read_section<T: Section>(root: &Table, name: &str, findings: &mut Findings) -> Option<T> {
    T::read(&mut Reader::new(
        name,
        root.get(name).map(|entry| &entry.value),
        findings,
    ))
}

fn read_registries(entry: Option<&Entry>, keys: &Path, findings: &mut Findings) -> Vec<Registry> {
    let Some(entry) = entry else {
        findings
            .origins
            .insert("registries".to_owned(), Origin::Default);
        return Vec::new();
    };
    let Value::Table(table) = &entry.value.value else {
        let message = format!(
            "`registries` must be a list, not {}",
            entry.value.describe()
        );
        findings
            .problems
            .push(Problem::new(entry.origin.clone(), message));
        return Vec::new();
    };
    findings
        .origins
        .insert("registries".to_owned(), entry.origin.clone());
    let mut registries = Vec::new();
    for entry in &table.0 {
        let mut node = entry.value.clone();
        // a registry that only variables describe has its name in theirs
        if let Value::Table(keys) = &mut node.value
            && keys.get("name").is_none()
        {
            let name = Node::text(entry.origin.clone(), entry.key.clone());
            keys.0.push(Entry {
                key: "name".to_owned(),
                origin: entry.origin.clone(),
                value: name,
            });
        }
        let path = format!("registries.{}", entry.key);
        let mut reader = Reader::new(&path, Some(&node), findings);
        match Registry::read_whole(&mut reader, keys) {
            // only a variable can do that: in a file the name is what registries are merged by
            Some(registry) if registry.name != entry.key => {
                reader.problem("name", "cannot give a registry another name");
            }
            registry => registries.extend(registry),
        }
    }
    added::sort(&mut registries);
    registries
}

pub(super) fn registry_warnings(registry: &Registry, environment: &Environment) -> Vec<String> {
    let mut warnings = Vec::new();
    if registry.trust == Trust::Unverified {
        warnings.push(format!(
            "`registries.{}.trust` is `unverified`: nothing shows that its packs are what they should be",
            registry.name
        ));
    }
    if registry.url.scheme() == "http" {
        warnings.push(format!(
            "`registries.{}.url` is plain http: anyone on the way can offer other packs",
            registry.name
        ));
    }
    if registry.sandbox == Some(SandboxLevel::None) {
        let key = format!("registries.{}.sandbox", registry.name);
        warnings.push(no_sandbox(&key));
    }
    for (header, secret) in &registry.headers {
        match secret.expand_in(environment) {
            // what only the service is given, whoever checks its configuration lacks with good reason
            Ok(_) | Err(SecretError::NoCredentials { .. }) => {}
            Err(error) => warnings.push(format!(
                "`registries.{}.headers.{header}` cannot be sent, so the registry cannot be asked: {}",
                registry.name,
                packd_format::error::chain(&error)
            )),
        }
    }
    warnings
}

/// Programs that packd is to run, and that are not there.
fn program_warnings(config: &Config) -> Vec<String> {
    let hooks = config
        .hooks
        .iter()
        .enumerate()
        .filter_map(|(position, hook)| {
            hook::program_warning(&format!("hooks[{position}].command"), &hook.command)
        });
    let health = config.updates.health.commands.iter();
    let key = "updates.health.commands";
    let health = health.filter_map(|command| hook::program_warning(key, command));
    hooks.chain(health).collect()
}

fn no_sandbox(key: &str) -> String {
    format!("`{key}` is `none`: the tests of a pack can do whatever packd can")
}

/// Sorts problems in the order they are written: files as they are read, then what is outside of them.
fn rank(origin: &Origin, files: &[PathBuf]) -> (usize, usize) {
    match origin {
        Origin::File { path, line } => {
            let position = files.iter().position(|file| **file == **path);
            (position.unwrap_or(files.len()), *line)
        }
        Origin::Environment { .. } => (files.len() + 1, 0),
        Origin::Flag { .. } => (files.len() + 2, 0),
        Origin::Added { .. } => (files.len() + 3, 0),
        Origin::Default => (files.len() + 4, 0),
    }
}

#[cfg(test)]
mod tests;
