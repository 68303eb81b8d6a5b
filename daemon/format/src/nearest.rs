//! The one rule for "did you mean": which of the known names another one was probably meant to be.
//!
//! A known name is near when
//!
//! - it is a slip of the fingers away: one letter for every three of the wanted name, at least one and at
//!   most three, where two letters that changed places count once; or
//! - it goes on where the wanted name ends: `slack` for `sla`; or
//! - it is the same word with another ending: `retries` for `retry`.
//!
//! Upper case and `-` for `_` are no difference. The nearest is the one that takes the fewest changes; of
//! those that take as many, one that begins alike, since few slips are in the first letter.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Shorter beginnings are those of too many names.
const BEGINNING: usize = 3;

/// How much two words with other endings must have in common.
const STEM: usize = 4;

/// How long their endings may be, the shorter and the longer one.
const ENDINGS: (usize, usize) = (1, 3);

/// Collects the names that are nearly another one, of names that are looked at one by one, however
/// many they are.
#[derive(Debug)]
pub struct Nearest<'a> {
    wanted: Cow<'a, str>,
    found: BTreeSet<(Rank, String)>,
}

/// How near a name is; the smaller, the nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    changes: usize,
    begins_otherwise: bool,
}

impl<'a> Nearest<'a> {
    /// How many are kept while looking.
    const KEPT: usize = 16;

    /// Nothing found yet for `wanted`.
    #[must_use]
    pub fn new(wanted: &'a str) -> Self {
        Self {
            wanted: folded(wanted),
            found: BTreeSet::new(),
        }
    }

    /// Looks at one of the known names.
    pub fn consider(&mut self, known: &str) {
        if let Some(rank) = rank(&self.wanted, &folded(known)) {
            self.found.insert((rank, known.to_owned()));
            if self.found.len() > Self::KEPT {
                self.found.pop_last();
            }
        }
    }

    /// At most `count` of those that are near, the nearest first.
    #[must_use]
    pub fn best(self, count: usize) -> Vec<String> {
        let found = self.found.into_iter().take(count);
        found.map(|(_, known)| known).collect()
    }
}

/// The known name that `wanted` was probably meant to be.
#[must_use]
pub fn nearest<'k>(wanted: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let wanted = folded(wanted);
    let near = known
        .into_iter()
        .filter_map(|known| Some((rank(&wanted, &folded(known))?, known)));
    near.min().map(|(_, known)| known)
}

/// How near two folded names are, if they are.
fn rank(wanted: &str, known: &str) -> Option<Rank> {
    let letters = wanted.chars().count();
    let slip = (letters / 3).clamp(1, 3);
    let goes_on = letters >= BEGINNING && known.starts_with(wanted);
    let may_be_slip = known.chars().count().abs_diff(letters) <= slip;
    let other_ending = has_other_ending(wanted, known);
    if !(goes_on || may_be_slip || other_ending) {
        return None;
    }
    let changes = strsim::damerau_levenshtein(wanted, known);
    (goes_on || other_ending || changes <= slip).then(|| Rank {
        changes,
        begins_otherwise: wanted.chars().next() != known.chars().next(),
    })
}

fn has_other_ending(wanted: &str, known: &str) -> bool {
    let stem = wanted
        .chars()
        .zip(known.chars())
        .take_while(|(left, right)| left == right)
        .count();
    let (left, right) = (
        wanted.chars().count().saturating_sub(stem),
        known.chars().count().saturating_sub(stem),
    );
    stem >= STEM && left.min(right) <= ENDINGS.0 && left.max(right) <= ENDINGS.1
}

fn folded(name: &str) -> Cow<'_, str> {
    if name.contains(|letter: char| letter == '-' || letter.is_uppercase()) {
        Cow::Owned(name.to_lowercase().replace('-', "_"))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found_and_what_is_not_is_not() {
        let known = [
            "slack", "http", "smtp", "retries", "jira", "aws_ec2", "dry_run",
        ];
        for (wanted, meant) in [
            ("slakc", Some("slack")),
            ("sla", Some("slack")),
            ("Slack", Some("slack")),
            ("jria", Some("jira")),
            ("retry", Some("retries")),
            ("dry-run", Some("dry_run")),
            ("dry", Some("dry_run")),
            ("aws_ec", Some("aws_ec2")),
            ("htp", Some("http")),
            // another word of as many letters, or a beginning that means nothing
            ("ftps", None),
            ("aws_s3", None),
            ("sl", None),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, known), meant, "`{wanted}`");
        }
    }

    #[test]
    fn the_fewest_changes_come_first_and_then_those_that_begin_alike() {
        let mut near = Nearest::new("slac");
        for known in ["slacks", "flac", "slack", "teams"] {
            near.consider(known);
        }
        assert_eq!(near.best(3), ["slack", "flac", "slacks"]);
    }

    #[test]
    fn of_very_many_only_the_nearest_are_kept() {
        let mut near = Nearest::new("pack");
        for number in 0..10_000 {
            near.consider(&format!("pack_{number}"));
        }
        near.consider("pakc");
        assert!(near.found.len() <= Nearest::KEPT, "what is kept is bounded");
        assert_eq!(near.best(2), ["pakc", "pack_0"], "the nearest stay");
    }
}
