//! What would help: found by asking the solver again, with one thing changed.

use packd_format::{PackRef, PreReleases, Requirement, Version};

use super::explain::Fact;
use super::question::Question;
use super::universe::{Offered, Offers, Pack};
use super::words;

/// One thing to try about a conflict. With the packs that make room removed it would be possible; `is_possible` gives
/// the versions that a question leads to, in the order of what it asks for.
pub(super) fn advice<O: Offers>(
    offers: &O,
    question: &Question,
    facts: &[Fact],
    makes_room: &[PackRef],
    is_possible: impl Fn(&Question) -> Option<Vec<(PackRef, Version)>>,
) -> Option<String> {
    let impossible = facts
        .iter()
        .filter_map(Fact::demand)
        .filter(|(pack, requirement)| pack.admitted(requirement, question.pre).is_empty());
    for (pack, requirement) in impossible {
        if let Some(hint) = instead(offers, pack, requirement) {
            return Some(hint);
        }
    }
    let limit = facts.iter().find_map(|fact| match fact {
        Fact::Barred { limit, .. } => question.limits.get(*limit),
        _ => None,
    });
    limit
        .map(|limit| limit.hint.clone())
        .or_else(|| another_version(question, &is_possible))
        .or_else(|| one_less(question, &is_possible))
        .or_else(|| without_installed(makes_room))
        .or_else(|| elsewhere(offers, facts))
        .or_else(|| Some(otherwise(facts)))
}

/// Whether it works with another version of what is asked for.
fn another_version(
    question: &Question,
    is_possible: &impl Fn(&Question) -> Option<Vec<(PackRef, Version)>>,
) -> Option<String> {
    let particular = |number: &usize| {
        let want = &question.wants[*number];
        want.given.is_none() && (!want.requirement.is_any() || want.requirement.is_latest())
    };
    (0..question.wants.len())
        .filter(particular)
        .find_map(|number| {
            let mut changed = question.clone();
            changed.wants[number].requirement = Requirement::any();
            let (pack_ref, version) = is_possible(&changed)?.into_iter().nth(number)?;
            let installed = question.installed.get(&pack_ref);
            // that it works as it is now helps nobody
            let is_other = installed.is_none_or(|installed| installed.version != version);
            is_other.then(|| {
                format!(
                    "it works with `{pack_ref}` {version}: `packctl install {pack_ref}@{version}`"
                )
            })
        })
}

/// Whether it works when one thing is not asked for.
fn one_less(
    question: &Question,
    is_possible: &impl Fn(&Question) -> Option<Vec<(PackRef, Version)>>,
) -> Option<String> {
    if question.wants.len() < 2 {
        return None;
    }
    (0..question.wants.len()).find_map(|number| {
        let mut changed = question.clone();
        let without = changed.wants.remove(number);
        is_possible(&changed)?;
        Some(format!("it works without `{}`", without.pack_ref))
    })
}

/// Which installed packs have to go.
fn without_installed(makes_room: &[PackRef]) -> Option<String> {
    let remove: Vec<String> = makes_room
        .iter()
        .map(|name| format!("`packctl remove {name}`"))
        .collect();
    match remove.as_slice() {
        [] => None,
        [one] => Some(format!(
            "{one} makes room for it; `--force` changes it all the same"
        )),
        [first, .., last] if remove.len() > 3 => Some(format!(
            "{first} to {last} make room for it; `--force` changes it all the same"
        )),
        some => Some(format!(
            "{} make room for it; `--force` changes it all the same",
            some.join(" and ")
        )),
    }
}

/// Where a pack that no registry offers may be had.
fn elsewhere<O: Offers>(offers: &O, facts: &[Fact]) -> Option<String> {
    facts.iter().find_map(|fact| {
        let Fact::Needs { needed, need, .. } = fact else {
            return None;
        };
        let Offered::Nowhere(_) = &needed.offered else {
            return None;
        };
        if let Some(url) = &need.url {
            return Some(format!("`packctl install {url}` brings it first"));
        }
        let nearest = offers.nearest(&needed.name).into_iter().next()?;
        Some(format!(
            "there is a pack `{nearest}`; `--skip-deps` installs without what is missing"
        ))
    })
}

fn otherwise(facts: &[Fact]) -> String {
    if words::breaks(facts).is_empty() {
        "`--skip-deps` installs without looking at what is needed".to_owned()
    } else {
        "`--force` changes it all the same".to_owned()
    }
}

/// A release that would satisfy a requirement, if something else were asked for too.
pub(super) fn instead<O: Offers>(
    offers: &O,
    pack: &Pack,
    requirement: &Requirement,
) -> Option<String> {
    let name = &pack.name;
    let mut matching = pack
        .candidates
        .iter()
        .rev()
        .filter(|release| requirement.matches(&release.version, PreReleases::Include));
    if let Some(release) = matching.clone().find(|release| !release.yanked) {
        return Some(format!(
            "`--pre` considers the pre-release {} of `{name}`",
            release.version
        ));
    }
    if let Some(release) = matching.next() {
        let version = &release.version;
        return Some(format!(
            "{version} of `{name}` was withdrawn; `packctl install {name}@{version}` asks for exactly that one"
        ));
    }
    match &pack.offered {
        Offered::By { registry } => offers.shadowed(name, registry).iter().find_map(|other| {
            let version = requirement.newest(&other.versions, PreReleases::Exclude)?;
            Some(format!(
                "registry `{other}` offers {version}, but `{registry}` comes before it: \
                 `packctl install {name}@{version} --registry {other}`",
                other = other.registry
            ))
        }),
        Offered::Local => {
            let requirement = requirement.to_string().replace(", ", ",");
            let shell = requirement.contains(['<', '>', '*']);
            let quote = if shell { "'" } else { "" };
            Some(format!(
                "`packctl install {quote}{name}@{requirement}{quote}` takes it from a registry"
            ))
        }
        Offered::Nowhere(_) | Offered::Unasked(_) | Offered::Pinned | Offered::Given => None,
    }
}
