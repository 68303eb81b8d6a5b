//! The facts of a conflict in the words of a sysadmin.

use std::collections::BTreeSet;

use packd_format::{PackRef, Requirement};
use pubgrub::VersionSet as _;

use super::explain::{Explanation, Fact};
use super::question::Question;
use super::set::Set;
use super::universe::{Offered, Pack, Standing};

/// The most sentences of an explanation.
const SENTENCES: usize = 12;

/// The most versions that a sentence lists.
const LISTED: usize = 5;

/// Says why a plan is impossible.
pub(super) fn in_words(question: &Question, facts: &[Fact], hint: Option<String>) -> Explanation {
    let mut sentences: Vec<String> = Vec::new();
    for fact in facts {
        if let Some(sentence) = sentence(question, fact)
            && !sentences.contains(&sentence)
        {
            sentences.push(sentence);
        }
    }
    if sentences.len() > SENTENCES {
        let more = sentences.split_off(SENTENCES - 1).len();
        sentences.push(format!("and {more} more requirements"));
    }
    let breaks = breaks(facts);
    Explanation {
        summary: summary(question, facts, &breaks),
        sentences,
        hint,
        breaks,
        needed: facts
            .iter()
            .filter_map(Fact::demand)
            .map(|(pack, _)| pack.name.clone())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
    }
}

/// The installed packs that stand in the way: those that shall stay, and need something else.
pub(super) fn breaks(facts: &[Fact]) -> Vec<PackRef> {
    let stays = facts.iter().filter_map(|fact| match fact {
        Fact::Stays { pack } => Some(pack.name.clone()),
        _ => None,
    });
    stays.collect::<BTreeSet<_>>().into_iter().collect()
}

fn summary(question: &Question, facts: &[Fact], breaks: &[PackRef]) -> String {
    if let [first, more @ ..] = breaks {
        return match more.len() {
            0 => format!("it would break `{first}`, which is installed"),
            1 => format!(
                "it would break `{first}` and `{}`, which are installed",
                more[0]
            ),
            more => format!("it would break `{first}` and {more} other installed packs"),
        };
    }
    let barred = facts.iter().find_map(|fact| match fact {
        Fact::Barred { pack, limit } => Some((pack, question.limits.get(*limit)?)),
        _ => None,
    });
    if let Some((pack, limit)) = barred {
        return format!(
            "`{}` {}, and another version of it is needed",
            pack.name, limit.why
        );
    }
    let mut demanded: Vec<(&Pack, Vec<Set>)> = Vec::new();
    for (pack, requirement) in facts.iter().filter_map(Fact::demand) {
        let set = pack.wanted(requirement, question.pre);
        match demanded
            .iter_mut()
            .find(|(known, _)| known.name == pack.name)
        {
            Some((_, sets)) => sets.push(set),
            None => demanded.push((pack, vec![set])),
        }
    }
    let missing: Vec<&Pack> = demanded
        .iter()
        .filter(|(_, sets)| sets.iter().any(Set::is_empty))
        .map(|(pack, _)| *pack)
        .collect();
    let contested: Vec<&Pack> = demanded
        .iter()
        .filter(|(pack, sets)| {
            let all = sets
                .iter()
                .fold(Set::full(), |all, set| all.intersection(set));
            !missing.iter().any(|missing| missing.name == pack.name) && all.is_empty()
        })
        .map(|(pack, _)| *pack)
        .collect();
    match (missing.as_slice(), contested.as_slice()) {
        ([pack], []) if pack.candidates.is_empty() => {
            format!("`{}` is needed, and no registry offers it", pack.name)
        }
        ([pack], []) => format!("`{}` is needed in a version that cannot be had", pack.name),
        ([], [pack]) => format!(
            "no version of `{}` suits everything that needs it",
            pack.name
        ),
        ([], []) => match facts {
            [.., Fact::Itself { pack, .. }] => format!("`{}` needs itself", pack.name),
            _ => "what is needed does not go together".to_owned(),
        },
        _ => "what is needed does not go together".to_owned(),
    }
}

fn sentence(question: &Question, fact: &Fact) -> Option<String> {
    match fact {
        Fact::Asked { pack, requirement } => {
            if let Offered::Given = pack.offered {
                let version = &pack.candidates.first()?.version;
                return Some(format!(
                    "`{}` {version} is what the request brings",
                    pack.name
                ));
            }
            let any = requirement.is_any() && !requirement.is_latest();
            let but = match &pack.offered {
                Offered::Unasked(_) => impossible(question, pack, requirement).unwrap_or_default(),
                _ => String::new(),
            };
            (!any).then(|| format!("`{}@{requirement}` is asked for{but}", pack.name))
        }
        // what it needs is said where it is said what releases need
        Fact::Stays { pack } => match &pack.offered {
            Offered::Local => Some(format!(
                "`{}` was installed from no registry, so there is no other version",
                pack.name
            )),
            Offered::Nowhere(_) => Some(format!(
                "the registry of `{}` does not offer it any more",
                pack.name
            )),
            Offered::Unasked(why) => Some(format!(
                "other versions of `{}` cannot be asked for: {why}",
                pack.name
            )),
            Offered::By { .. } | Offered::Pinned | Offered::Given => None,
        },
        Fact::Needs {
            pack,
            places,
            needed,
            need,
        } => {
            let (who, needs) = releases(pack, places);
            let but = impossible(question, needed, &need.requirement).unwrap_or_default();
            Some(format!("{who} {needs} `{need}`{but}"))
        }
        Fact::Barred { pack, limit } => {
            let limit = question.limits.get(*limit)?;
            Some(format!("`{}` {}", pack.name, limit.why))
        }
        Fact::Itself { pack, places } => {
            let (who, needs) = releases(pack, places);
            Some(format!("{who} {needs} itself, which no pack can"))
        }
    }
}

/// Releases as the subject of a sentence, and the form of `need` that goes with it.
fn releases(pack: &Pack, places: &BTreeSet<u32>) -> (String, &'static str) {
    let of_pack: Vec<_> = places.iter().filter_map(|place| pack.at(*place)).collect();
    let is_installed = of_pack
        .iter()
        .any(|release| release.standing == Standing::Installed);
    let usable = (0_u32..)
        .zip(&pack.candidates)
        .filter(|(_, release)| !release.yanked && release.version.pre.is_empty());
    let is_all = of_pack.len() > 1 && usable.into_iter().all(|(place, _)| places.contains(&place));
    let name = &pack.name;
    match of_pack.as_slice() {
        _ if is_all => {
            let installed = if is_installed {
                ", which is installed,"
            } else {
                ""
            };
            (format!("every version of `{name}`{installed}"), "needs")
        }
        [] => (format!("`{name}`"), "needs"),
        [one] if is_installed => (format!("installed `{name}` {}", one.version), "needs"),
        [one] => (format!("`{name}` {}", one.version), "needs"),
        [first, second] => (
            format!("`{name}` {} and {}", first.version, second.version),
            "need",
        ),
        [first, .., last] => (
            format!(
                "{} versions of `{name}` from {} to {}",
                of_pack.len(),
                first.version,
                last.version
            ),
            "need",
        ),
    }
}

/// Why no release satisfies a requirement, as the end of a sentence; nothing where one does.
fn impossible(question: &Question, pack: &Pack, requirement: &Requirement) -> Option<String> {
    if !pack.admitted(requirement, question.pre).is_empty() {
        return None;
    }
    let there = pack
        .candidates
        .first()
        .map(|release| release.version.to_string());
    Some(match (&pack.offered, there) {
        (Offered::Nowhere(asked), None) if asked.is_empty() => {
            ", and no registry is configured that may offer it".to_owned()
        }
        (Offered::Nowhere(_), None) => ", which no registry offers".to_owned(),
        (Offered::Nowhere(_), Some(version)) => {
            format!(", and {version} is installed, which its registry does not offer any more")
        }
        (Offered::Local, Some(version)) => {
            format!(", and {version} is installed from no registry, so that none takes its place")
        }
        (Offered::Given, Some(version)) => format!(", and the request brings {version}"),
        (Offered::Unasked(why), Some(version)) => {
            format!(
                ", and {version} is installed, for which no other version can be asked for: {why}"
            )
        }
        (Offered::Pinned, Some(version)) => format!(", and {version} is installed"),
        (Offered::By { registry }, _) => offered(pack, registry),
        (Offered::Local | Offered::Given | Offered::Unasked(_) | Offered::Pinned, None) => {
            String::new()
        }
    })
}

/// What a registry offers instead.
fn offered(pack: &Pack, registry: &str) -> String {
    let usable: Vec<String> = pack
        .candidates
        .iter()
        .rev()
        .filter(|release| !release.yanked)
        .map(|release| release.version.to_string())
        .collect();
    let listed = usable
        .iter()
        .take(LISTED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match usable.len().saturating_sub(LISTED) {
        _ if usable.is_empty() => {
            format!(", and registry `{registry}` has withdrawn every version")
        }
        0 => format!(", and registry `{registry}` offers {listed}"),
        more => format!(", and registry `{registry}` offers {listed} and {more} older ones"),
    }
}
