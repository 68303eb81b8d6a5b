//! Rules on what a component runs: the runner, the file, and the workflow.
//!
//! Attune and StackStorm both count an entry point from the folder of the component. One that is counted
//! from the root of the pack is taken, too: it is there, and says what is meant.

use super::component;
use super::manifest::Known;
use super::{Findings, Pack, Rule, YAML, ends_with, quoted};
use crate::archive::Kind;
use crate::manifest::yaml::Node;
use crate::nearest::nearest;

/// What a runner does with an entry point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    /// Nothing: the command is a parameter, or there is none.
    Nothing,
    /// An interpreter reads it.
    Code,
    /// A shell runs it, mostly as a program of its own.
    Script,
    /// It is started, and may have to be built first.
    Program,
    /// It describes a workflow.
    Workflow,
}

/// The runners of both ecosystems.
const RUNNERS: &[(&str, Runs)] = &[
    // Attune
    ("shell", Runs::Script),
    ("bash", Runs::Script),
    ("sh", Runs::Script),
    ("python", Runs::Code),
    ("python3", Runs::Code),
    ("nodejs", Runs::Code),
    ("node", Runs::Code),
    ("native", Runs::Program),
    ("builtin", Runs::Nothing),
    ("http", Runs::Nothing),
    ("workflow", Runs::Workflow),
    // StackStorm
    ("announcement", Runs::Nothing),
    ("action-chain", Runs::Workflow),
    ("cloudslang", Runs::Code),
    ("http-request", Runs::Nothing),
    ("http-runner", Runs::Nothing),
    ("inquirer", Runs::Nothing),
    ("local-shell-cmd", Runs::Nothing),
    ("local-shell-script", Runs::Script),
    ("mistral-v1", Runs::Workflow),
    ("mistral-v2", Runs::Workflow),
    ("noop", Runs::Nothing),
    ("orquesta", Runs::Workflow),
    ("python-script", Runs::Code),
    ("remote-shell-cmd", Runs::Nothing),
    ("remote-shell-script", Runs::Script),
    ("run-local", Runs::Nothing),
    ("run-local-script", Runs::Script),
    ("run-python", Runs::Code),
    ("run-remote", Runs::Nothing),
    ("run-remote-script", Runs::Script),
    ("windows-cmd", Runs::Nothing),
    ("windows-script", Runs::Code),
    ("winrm-cmd", Runs::Nothing),
    ("winrm-ps-cmd", Runs::Nothing),
    ("winrm-ps-script", Runs::Code),
];

/// A component that runs something.
pub(super) struct Owner<'a> {
    /// The folder that its entry point is counted from.
    pub(super) folder: &'static str,
    /// Its own file.
    pub(super) file: &'a str,
    pub(super) root: &'a Node,
}

/// Checks what a component runs.
pub(super) fn check(
    pack: &Pack<'_>,
    owner: &Owner<'_>,
    known: Option<&Known>,
    found: &mut Findings,
) {
    let runs = runner(pack, owner, known, found);
    if let Some(node) = owner.root.get("workflow_file")
        && let Some(path) = node.text().map(str::trim)
    {
        workflow(pack, owner, node, path, found);
    }
    let Some(node) = owner.root.get("entry_point") else {
        return;
    };
    let Some(path) = node.text().map(str::trim).filter(|path| !path.is_empty()) else {
        return;
    };
    if runs == Some(Runs::Nothing) {
        return;
    }
    if runs == Some(Runs::Workflow) {
        workflow(pack, owner, node, path, found);
        return;
    }
    let candidates = match candidates(&[owner.folder, ""], path) {
        Ok(candidates) => candidates,
        Err(why) => {
            let message = format!("entry point {} {why}", quoted(path));
            found.add(Rule::EntryPointOutside, owner.file, Some(node.at), message);
            return;
        }
    };
    let Some((place, kind)) = first(pack, &with_modules(candidates, runs)) else {
        missing(pack, owner, node, path, runs, found);
        return;
    };
    let must_be = matches!(runs, Some(Runs::Script | Runs::Program));
    if must_be
        && matches!(
            kind,
            Kind::File {
                executable: false,
                ..
            }
        )
    {
        let message = format!("entry point {} is not executable", quoted(&place));
        found
            .add(Rule::NotExecutable, owner.file, Some(node.at), message)
            .hint(format!("chmod +x {place}"));
    }
}

/// What the runner of a component does, if it has one that is known.
fn runner(
    pack: &Pack<'_>,
    owner: &Owner<'_>,
    known: Option<&Known>,
    found: &mut Findings,
) -> Option<Runs> {
    let (key, node) = ["runner_type", "runtime"]
        .iter()
        .find_map(|key| Some((*key, owner.root.get(key)?)))?;
    let written = node.text()?.trim();
    // Attune's runtimes may ask for a version
    let name = written
        .split(['<', '>', '=', '^', '~', ' '])
        .next()
        .unwrap_or(written);
    // and may be those of a pack: `core.shell`
    let short = name.rsplit('.').next().unwrap_or(name);
    let folded = short.to_ascii_lowercase();
    if let Some((_, runs)) = RUNNERS.iter().find(|(known, _)| *known == folded) {
        return Some(*runs);
    }
    let asked = |known: &Known| known.runtimes.iter().any(|runtime| runtime == name);
    let own = (YAML.iter()).any(|end| pack.get(&format!("runtimes/{short}{end}")).is_some());
    if !own && short == name && !known.is_some_and(asked) {
        let message = format!("`{key}` is {}, which no ecosystem has", quoted(written));
        let finding = found.add(Rule::Runner, owner.file, Some(node.at), message);
        if let Some(meant) = nearest(name, RUNNERS.iter().map(|(known, _)| *known)) {
            finding.hint(format!("did you mean `{meant}`?"));
        }
    }
    None
}

/// A workflow's own file must be there, and be YAML.
fn workflow(pack: &Pack<'_>, owner: &Owner<'_>, node: &Node, path: &str, found: &mut Findings) {
    let folders = [owner.folder, "actions/workflows", "workflows", ""];
    let candidates = match candidates(&folders, path) {
        Ok(candidates) => candidates,
        Err(why) => {
            let message = format!("workflow {} {why}", quoted(path));
            found.add(Rule::EntryPointOutside, owner.file, Some(node.at), message);
            return;
        }
    };
    let Some((place, _)) = first(pack, &candidates) else {
        let message = format!("workflow {} is not there", quoted(path));
        let finding = found.add(Rule::Workflow, owner.file, Some(node.at), message);
        finding.hint = elsewhere(pack, path);
        return;
    };
    let looked_at = place.matches('/').count() == 1
        || (place.starts_with("actions/workflows/") && place.matches('/').count() == 2);
    if ends_with(&place, YAML) && !looked_at {
        component::read(pack, &place, found);
    }
}

fn missing(
    pack: &Pack<'_>,
    owner: &Owner<'_>,
    node: &Node,
    path: &str,
    runs: Option<Runs>,
    found: &mut Findings,
) {
    if runs == Some(Runs::Program) {
        let message = format!(
            "entry point {} is a program that is not there",
            quoted(path)
        );
        found
            .add(Rule::Program, owner.file, Some(node.at), message)
            .hint("build it before the pack is published");
        return;
    }
    let message = format!(
        "entry point {} is not there, neither in `{}` nor at the root of the pack",
        quoted(path),
        owner.folder
    );
    let finding = found.add(Rule::EntryPoint, owner.file, Some(node.at), message);
    finding.hint = elsewhere(pack, path);
}

/// A file of that name somewhere else, or one that is nearly called so.
fn elsewhere(pack: &Pack<'_>, path: &str) -> Option<String> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let wanted = name(path);
    let files = || {
        (pack.survey.items.iter())
            .filter(|(_, kind)| matches!(kind, Kind::File { .. }))
            .map(|(path, _)| path.as_str())
    };
    if let Some(same) = files().find(|file| name(file) == wanted) {
        return Some(format!("there is {}", quoted(same)));
    }
    let names: Vec<String> = files().map(name).collect();
    let near = nearest(&wanted, names.iter().map(String::as_str))?;
    files()
        .find(|file| name(file) == near)
        .map(|file| format!("did you mean {}?", quoted(file)))
}

/// Where a path may lie, counted from each of some folders; or why it lies in no pack.
fn candidates(folders: &[&str], path: &str) -> Result<Vec<String>, &'static str> {
    if path.starts_with('/') || path.starts_with('~') {
        return Err("is absolute");
    }
    if path.starts_with('-') {
        return Err("would be taken for an option");
    }
    let resolved: Vec<String> = (folders.iter())
        .filter_map(|folder| resolve(folder, path))
        .collect();
    if resolved.is_empty() {
        Err("leads out of the pack")
    } else {
        Ok(resolved)
    }
}

/// A path counted from a folder, without `.` and `..`; nothing where it leads out.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The same for what is a module to its runner: `a.py:run` is `a.py`, and `lib.run` is `lib/run.py`.
fn with_modules(candidates: Vec<String>, runs: Option<Runs>) -> Vec<String> {
    if runs != Some(Runs::Code) {
        return candidates;
    }
    let mut all = candidates.clone();
    for path in candidates {
        let module = path.split(':').next().unwrap_or(&path).to_owned();
        if !ends_with(&module, &[".py", ".js"]) {
            all.push(format!("{}.py", module.replace('.', "/")));
            all.push(format!("{module}.py"));
            if let Some((module, _)) = module.rsplit_once('.') {
                all.push(format!("{}.py", module.replace('.', "/")));
            }
        }
        all.push(module);
    }
    all
}

/// The first of some places where a file, or a link to one, is.
fn first<'p>(pack: &'p Pack<'_>, candidates: &[String]) -> Option<(String, &'p Kind)> {
    candidates.iter().find_map(|place| {
        let kind = pack.get(place)?;
        matches!(kind, Kind::File { .. } | Kind::Symlink { .. }).then(|| (place.clone(), kind))
    })
}
