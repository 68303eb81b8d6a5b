//! The entries of one pack as one entry: which is on top, and which versions are below it.

use super::marks::Marks;
use super::offer::{Lost, Offer, OfferForm, below};
use super::record::Record;
use super::{Conflict, Input, Prefer};

/// The entries of one pack, joined.
pub(super) struct Joined<'r> {
    /// The version on the top level, in the entry that the rest of the top level is from.
    pub(super) lead: Offer<'r>,
    /// The versions below it, newest first.
    pub(super) others: Vec<Offer<'r>>,
    /// What of `versions` is not among them.
    pub(super) lost: Vec<Lost>,
    /// By which entry a version is withdrawn that the one that counts does not withdraw.
    pub(super) withdrawn: Vec<(usize, String)>,
    /// Whether something in the entry of the lead changes.
    pub(super) is_changed: bool,
}

/// Joins the entries of one pack, which come in the order of precedence; nothing where one stays as it is.
pub(super) fn join<'r>(
    group: &[&'r Record<'_>],
    prefer: Option<Prefer>,
    inputs: &[Input<'_>],
    conflicts: &mut Vec<Conflict>,
) -> Option<Joined<'r>> {
    if let [only] = group
        && !only.is_behind
    {
        return None;
    }
    let (mut offers, mut lost) = (Vec::with_capacity(group.len()), Vec::new());
    for (number, record) in group.iter().enumerate() {
        offers.push(Offer::top(record, number));
        let versions = record.parts.versions.get(&record.text);
        offers.append(&mut below(versions, number, &mut lost));
    }
    // stable: what comes first of one version stays first
    offers.sort_by(|a, b| b.version.cmp(&a.version));

    let (mut lead, mut others, mut withdrawn) = (None, Vec::new(), Vec::new());
    let mut rest = offers.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut same = vec![first];
        while let Some(next) = rest.next_if(|next| next.version == same[0].version) {
            same.push(next);
        }
        let yanks = same.iter().find(|offer| offer.is_yanked);
        let yanks = yanks.map(|offer| offer.record);
        let is_top = lead.is_none() && leads(&same);
        let chosen = choose(&same, is_top, group, prefer, inputs, conflicts);
        let mut chosen = same.swap_remove(chosen);
        if let Some(record) = yanks.filter(|_| !chosen.is_yanked) {
            chosen.becomes_yanked = true;
            withdrawn.push((record, chosen.version.to_string()));
        }
        if is_top {
            lead = Some(chosen);
        } else {
            others.push(chosen);
        }
    }
    let lead = lead.expect("each entry has a version on top, and one of them leads");
    let is_there = |offer: &Offer<'_>| {
        offer.record == lead.record
            && matches!(offer.form, OfferForm::Item(_))
            && !offer.becomes_yanked
    };
    let is_as_it_is =
        matches!(lead.form, OfferForm::Top) && !lead.becomes_yanked && others.iter().all(is_there);
    if is_as_it_is {
        // its own `versions` stay as they are, whatever is in them
        lost.retain(|lost| lost.record != lead.record);
    }
    Some(Joined {
        lead,
        others,
        lost,
        withdrawn,
        is_changed: !is_as_it_is,
    })
}

/// Whether a version may be on top: it is in some entry, or it is neither a pre-release nor withdrawn.
fn leads(same: &[Offer<'_>]) -> bool {
    let is_on_top = |offer: &Offer<'_>| matches!(offer.form, OfferForm::Top);
    same.iter().any(is_on_top)
        || (same[0].version.pre.is_empty() && same.iter().all(|offer| !offer.is_yanked))
}

/// Which of several offers of one version counts: the first that can be used, unless they disagree and the last is
/// preferred. What will be on top is taken from a top level where one says the same.
fn choose(
    same: &[Offer<'_>],
    is_top: bool,
    group: &[&Record<'_>],
    prefer: Option<Prefer>,
    inputs: &[Input<'_>],
    conflicts: &mut Vec<Conflict>,
) -> usize {
    if same.len() == 1 {
        return 0;
    }
    let usable: Vec<bool> = same.iter().map(Offer::is_usable).collect();
    let mut chosen = usable.iter().position(|usable| *usable).unwrap_or(0);
    let marks: Vec<Marks> = same.iter().map(|offer| Marks::of(offer.sources)).collect();
    for later in 1..same.len() {
        let disagreement = (0..later)
            .find_map(|earlier| Some((earlier, marks[earlier].disagreement(&marks[later])?)));
        let Some((earlier, (what, one, other))) = disagreement else {
            continue;
        };
        match prefer {
            Some(Prefer::Last) if usable[later] || !usable[chosen] => chosen = later,
            Some(Prefer::First | Prefer::Last) => {}
            None => {
                let name = |offer: &Offer<'_>| {
                    let input = group[offer.record].input as usize;
                    inputs
                        .get(input)
                        .map_or_else(String::new, |input| input.name.to_owned())
                };
                conflicts.push(Conflict {
                    pack_ref: group[same[0].record].name.clone(),
                    version: same[0].version.clone().into_owned(),
                    what,
                    first: (name(&same[earlier]), one),
                    second: (name(&same[later]), other),
                });
                return chosen;
            }
        }
    }
    if is_top && !matches!(same[chosen].form, OfferForm::Top) {
        let says_the_same = |other: &usize| {
            matches!(same[*other].form, OfferForm::Top)
                && usable[*other] == usable[chosen]
                && marks[*other].disagreement(&marks[chosen]).is_none()
        };
        chosen = (0..same.len()).find(says_the_same).unwrap_or(chosen);
    }
    chosen
}
