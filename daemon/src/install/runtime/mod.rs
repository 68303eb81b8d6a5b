//! What packs need of this host: Python, Node.js, a shell, … in a version that will do.
//!
//! Part of step `check`. Reads only: it starts the programs of the host, and nothing of a pack.
//!
//! `attune_version` and `stackstorm_version` say what a pack was written for. packd is neither, so they are judged by the
//! version of the program that this host has, or that `runtimes.attune` names; a host without one is told so, and the
//! pack is not refused.

mod probe;
mod table;

use packd_format::manifest::RuntimeRequirement;
use packd_format::{Manifest, PreReleases, Requirement};

use crate::config::Runtimes;
use probe::Found;
pub(crate) use probe::Prober;

/// What a host lacks for some packs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lacking {
    /// What does not do, each in one sentence.
    pub(super) unmet: Vec<String>,
    /// What helps, each in a few words.
    pub(super) fixes: Vec<String>,
    /// What cannot be judged, each in one sentence.
    pub(super) unknown: Vec<String>,
}

/// A demand of a pack on the host.
#[derive(Debug, PartialEq, Eq)]
struct Demand {
    pack: String,
    name: String,
    /// One of them has to be met.
    requirements: Vec<Requirement>,
    absent: Absent,
}

/// What it means that a runtime is not there at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// The pack cannot work.
    Fails,
    /// It is another kind of host than the pack was written for, which may do.
    Warns,
}

/// Compares what packs need with what this host has. Blocks.
pub(super) fn lacking<'a>(
    manifests: impl IntoIterator<Item = &'a Manifest>,
    configured: &Runtimes,
    prober: &Prober,
) -> Lacking {
    let mut lacking = Lacking::default();
    let mut demands = Vec::new();
    let mut packs = 0;
    for manifest in manifests {
        packs += 1;
        collect(manifest, &mut demands, &mut lacking);
    }
    let mut rows = Vec::new();
    let mut asked = Vec::new();
    for demand in demands {
        if let Some(row) = table::row(&demand.name, configured) {
            rows.push(row);
            asked.push(demand);
        } else {
            lacking.unknown.push(format!(
                "`{}` needs the runtime `{}`, which packd does not know how to ask for; \
                 `runtimes.{}` in packd.yaml says how",
                demand.pack, demand.name, demand.name
            ));
        }
    }
    for (demand, found) in asked.iter().zip(prober.ask(&rows)) {
        judge(demand, &found, packs > 1, &mut lacking);
    }
    lacking
}

/// The demands of one pack.
fn collect(manifest: &Manifest, demands: &mut Vec<Demand>, lacking: &mut Lacking) {
    let pack = manifest.pack_ref.as_str();
    let mut add = |name: &str, requirements: Vec<Requirement>, absent: Absent| {
        let demand = Demand {
            pack: pack.to_owned(),
            name: name.to_owned(),
            requirements,
            absent,
        };
        if !demands.contains(&demand) {
            demands.push(demand);
        }
    };
    for RuntimeRequirement { name, requirement } in &manifest.runtimes {
        add(name, vec![requirement.clone()], Absent::Fails);
    }
    for (key, text, name, absent) in [
        (
            "python_version",
            &manifest.python_version,
            "python3",
            Absent::Fails,
        ),
        (
            "nodejs_version",
            &manifest.nodejs_version,
            "nodejs",
            Absent::Fails,
        ),
        (
            "attune_version",
            &manifest.attune_version,
            table::ATTUNE,
            Absent::Warns,
        ),
        (
            "stackstorm_version",
            &manifest.stackstorm_version,
            table::STACKSTORM,
            Absent::Warns,
        ),
    ] {
        let Some(text) = text else { continue };
        match at_least(text) {
            Some(requirement) => add(name, vec![requirement], absent),
            None => lacking.unknown.push(format!(
                "`{pack}` asks for `{key}: {text}`, which is no version requirement"
            )),
        }
    }
    match majors(&manifest.python_versions) {
        Some(requirements) if requirements.is_empty() => {}
        Some(requirements) => add("python3", requirements, Absent::Warns),
        None => lacking.unknown.push(format!(
            "`{pack}` has `python_versions: [{}]`, which are no versions",
            manifest.python_versions.join(", ")
        )),
    }
}

/// A requirement; a bare version means at least that one, as in `python: 3.9`.
fn at_least(text: &str) -> Option<Requirement> {
    let text = text.trim();
    let bare = text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains([',', '*', 'x']);
    if bare {
        format!(">={text}").parse().ok()
    } else {
        text.parse().ok()
    }
}

/// What `python_versions: ["2", "3.6"]` demands: one of these major versions, as StackStorm takes it.
fn majors(versions: &[String]) -> Option<Vec<Requirement>> {
    let major = |text: &String| {
        let number: u64 = text.split('.').next()?.trim().parse().ok()?;
        number.to_string().parse().ok()
    };
    versions.iter().map(major).collect()
}

fn judge(demand: &Demand, found: &Found, names_pack: bool, lacking: &mut Lacking) {
    let Demand {
        pack,
        name,
        requirements,
        absent,
    } = demand;
    let texts: Vec<_> = requirements.iter().map(ToString::to_string).collect();
    let wanted = texts.join(" or ");
    let sentence = match found {
        Found::Given => return,
        Found::Version(version)
            if requirements
                .iter()
                .any(|requirement| requirement.matches(version, PreReleases::Include)) =>
        {
            return;
        }
        Found::Version(version) => {
            format!("Runtime '{name}' version {version} does not satisfy constraint '{wanted}'")
        }
        Found::Absent if *absent == Absent::Warns => {
            lacking.unknown.push(format!(
                "`{pack}` asks for {name} {wanted}, and this host has no program that says its version; \
                 `runtimes.{name}` in packd.yaml can name one"
            ));
            return;
        }
        Found::Absent => format!("Runtime '{name}' not found on system"),
        Found::Silent { program, why } => format!(
            "Runtime '{name}' does not say its version: `{}`: {why}",
            program.display()
        ),
    };
    let sentence = if names_pack {
        format!("{sentence} (needed by `{pack}`)")
    } else {
        sentence
    };
    let any = requirements.iter().any(Requirement::is_any);
    let fix = match found {
        Found::Silent { .. } => format!("set `runtimes.{name}` in packd.yaml"),
        _ if any => format!("install {name}"),
        _ => format!("install {name} {wanted}"),
    };
    for (list, text) in [(&mut lacking.unmet, sentence), (&mut lacking.fixes, fix)] {
        if !list.contains(&text) {
            list.push(text);
        }
    }
}

#[cfg(test)]
mod tests;
