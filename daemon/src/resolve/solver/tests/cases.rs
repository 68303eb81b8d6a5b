//! The cases of `cases.yaml`: each is a question with the plan, or the explanation, that it must lead to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use packd_format::{Dependency, PreReleases, Version};
use serde::Deserialize;

use super::super::question::Limit;
use super::super::*;
use super::shelf::Shelf;

const CASES: &str = include_str!("cases.yaml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Registries, the first to be asked first.
    #[serde(default)]
    registries: serde_yaml::Mapping,
    #[serde(default)]
    down: Vec<String>,
    #[serde(default)]
    installed: BTreeMap<String, Installed>,
    /// What is asked for.
    install: Vec<String>,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    again: bool,
    #[serde(default)]
    pre: bool,
    /// What the request brings itself: `a 1.0.0`, and what it needs.
    #[serde(default)]
    brought: BTreeMap<String, Vec<String>>,
    /// Packs that may be in some versions only.
    #[serde(default)]
    held: BTreeMap<String, String>,
    /// Active packs that may go.
    #[serde(default)]
    leaving: Vec<String>,
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    error: Option<String>,
    /// The packs that registries were asked about, where it matters.
    #[serde(default)]
    asked: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Installed {
    version: String,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    needs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Releases {
    /// Versions that need nothing.
    Plain(Vec<String>),
    /// Versions with what they need; one that ends in ` withdrawn` is.
    Needing(BTreeMap<String, Vec<String>>),
}

impl Case {
    fn shelf(&self) -> Shelf {
        let registries = self.registries.iter().map(|(name, packs)| {
            let packs: BTreeMap<String, Releases> = serde_yaml::from_value(packs.clone()).unwrap();
            let packs = packs
                .into_iter()
                .map(|(name, releases)| (name.parse().unwrap(), candidates(releases)));
            (name.as_str().unwrap().to_owned(), packs.collect())
        });
        Shelf {
            registries: registries.collect(),
            down: self.down.clone(),
            ..Shelf::default()
        }
    }

    fn question(&self) -> Question {
        let mut wants: Vec<Want> = self
            .install
            .iter()
            .map(|text| {
                let Dependency {
                    pack_ref,
                    requirement,
                    ..
                } = text.parse().unwrap();
                Want {
                    registry: self.registry.clone(),
                    again: self.again,
                    ..Want::new(pack_ref, requirement)
                }
            })
            .collect();
        for (brought, needs) in &self.brought {
            let (name, version) = brought.split_once(' ').unwrap();
            wants.push(Want {
                given: Some(Candidate {
                    version: version.parse().unwrap(),
                    standing: Standing::Given,
                    yanked: false,
                    dependencies: parsed(needs),
                }),
                ..Want::new(name.parse().unwrap(), packd_format::Requirement::any())
            });
        }
        let installed = self.installed.iter().map(|(name, pack)| {
            let present = Present {
                version: pack.version.parse().unwrap(),
                registry: pack.from.clone(),
                dependencies: parsed(&pack.needs),
            };
            (name.parse().unwrap(), present)
        });
        let limits = self.held.iter().map(|(name, requirement)| Limit {
            pack_ref: name.parse().unwrap(),
            requirement: requirement.parse().unwrap(),
            why: format!("is held at {requirement}"),
            hint: format!("`packctl unhold {name}` lets it change"),
        });
        Question {
            wants,
            installed: installed.collect(),
            limits: limits.collect(),
            leaving: self
                .leaving
                .iter()
                .map(|name| name.parse().unwrap())
                .collect(),
            pre: if self.pre {
                PreReleases::Include
            } else {
                PreReleases::Exclude
            },
        }
    }

    /// What came of it, as the file writes it.
    fn lead(&self, offers: &Shelf) -> (Option<String>, Option<String>) {
        let never = || false;
        match solve(&self.question(), offers, &Budget::new(&never)) {
            Ok(solution) => (Some(plan(&solution)), None),
            Err(unsolved) => (None, Some(error(unsolved))),
        }
    }
}

fn candidates(releases: Releases) -> Vec<Candidate> {
    let releases = match releases {
        Releases::Plain(versions) => versions
            .into_iter()
            .map(|version| (version, Vec::new()))
            .collect(),
        Releases::Needing(releases) => releases,
    };
    let candidate = |(version, needs): (String, Vec<String>)| Candidate {
        version: version
            .trim_end_matches(" withdrawn")
            .parse::<Version>()
            .unwrap(),
        standing: Standing::Offered,
        yanked: version.ends_with(" withdrawn"),
        dependencies: parsed(&needs),
    };
    releases.into_iter().map(candidate).collect()
}

fn parsed(needs: &[String]) -> Vec<Dependency> {
    needs.iter().map(|need| need.parse().unwrap()).collect()
}

fn plan(solution: &Solution) -> String {
    let mut text = String::new();
    for pick in &solution.picks {
        let what = match pick.standing {
            Standing::Installed => "keep",
            Standing::Given => "bring",
            Standing::Offered => "take",
        };
        let from = pick
            .registry
            .as_ref()
            .map(|name| format!(" from {name}"))
            .unwrap_or_default();
        writeln!(
            text,
            "{what} {} {}{from}: {}",
            pick.pack_ref, pick.version, pick.reason
        )
        .unwrap();
    }
    for circle in &solution.circles {
        let names: Vec<&str> = circle.iter().map(packd_format::PackRef::as_str).collect();
        writeln!(text, "circle: {}", names.join(" -> ")).unwrap();
    }
    for warning in &solution.warnings {
        writeln!(text, "warning: {warning}").unwrap();
    }
    text
}

fn error(unsolved: Unsolved<super::shelf::Down>) -> String {
    let mut text = String::new();
    match unsolved {
        Unsolved::Unknown {
            pack_ref,
            asked,
            nearest,
        } => {
            writeln!(text, "{pack_ref} is nowhere in {}", asked.join(", ")).unwrap();
            if let Some(nearest) = nearest.first() {
                writeln!(text, "nearest: {nearest}").unwrap();
            }
        }
        Unsolved::NoVersion {
            pack_ref,
            registry,
            available,
            hint,
        } => {
            let available: Vec<String> = available.iter().map(ToString::to_string).collect();
            writeln!(
                text,
                "{registry} has no such {pack_ref}, but {}",
                available.join(", ")
            )
            .unwrap();
            if let Some(hint) = hint {
                writeln!(text, "hint: {hint}").unwrap();
            }
        }
        Unsolved::Conflict(explanation) => {
            writeln!(text, "{}", explanation.summary).unwrap();
            for sentence in explanation.sentences {
                writeln!(text, "- {sentence}").unwrap();
            }
            if let Some(hint) = explanation.hint {
                writeln!(text, "hint: {hint}").unwrap();
            }
        }
        Unsolved::Spent(spent) => writeln!(text, "{spent}").unwrap(),
        Unsolved::Offers(error) => writeln!(text, "{error}").unwrap(),
    }
    text
}

#[test]
fn each_case_leads_to_what_it_says() {
    let cases: Vec<Case> = serde_yaml::from_str(CASES).unwrap();
    assert!(cases.len() >= 60, "the file has {} cases", cases.len());
    let mut failed = Vec::new();
    for case in &cases {
        let shelf = case.shelf();
        let (plan, error) = case.lead(&shelf);
        let asked = shelf.asked.borrow().join(", ");
        let is_asked = case
            .asked
            .as_ref()
            .is_none_or(|expected| *expected == asked);
        if plan != case.plan || error != case.error || !is_asked {
            let mut text = format!("## {}\n", case.name);
            for (what, found) in [("plan", plan), ("error", error)] {
                if let Some(found) = found {
                    let lines: Vec<String> =
                        found.lines().map(|line| format!("    {line}")).collect();
                    writeln!(text, "  {what}: |\n{}", lines.join("\n")).unwrap();
                }
            }
            if !is_asked {
                writeln!(text, "  asked: {asked}").unwrap();
            }
            failed.push(text);
        }
    }
    let count = failed.len();
    assert!(
        failed.is_empty(),
        "{count} cases lead elsewhere:\n{}",
        failed.join("\n")
    );
}

#[test]
fn the_names_of_cases_differ() {
    let cases: Vec<Case> = serde_yaml::from_str(CASES).unwrap();
    let names: std::collections::BTreeSet<&str> =
        cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "a case is found by its name");
}
