//! What is decided about each ref, and what is said of it.

use std::cmp::Ordering;
use std::ops::Range;

use super::super::document::Form;
use super::super::lines::Lines;
use super::super::{MAX_ENTRY_BYTES, MAX_RELEASES, Place};
use super::marks::lacks_checksum;
use super::record::Record;
use super::{Conflict, Decision, Head, Input, MAX_NOTICES, Merged, Notice, compose, join};

/// What is decided about one ref.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Where its entries begin in the order of refs.
    pub(super) start: usize,
    /// How many there are.
    pub(super) length: usize,
    /// The number of the record whose text is the entry.
    pub(super) top: u32,
    /// Whether something in it changes; otherwise it is copied as it is.
    pub(super) is_joined: bool,
}

impl Plan {
    /// Its entries in the order of refs.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.length
    }
}

impl Merged<'_> {
    /// What was made of each entry whose ref was known already, in the order of the inputs.
    #[must_use]
    pub fn decisions(&self) -> Vec<Decision<'_>> {
        let mut decisions = Vec::new();
        for plan in &self.plans {
            let group = &self.order[plan.range()];
            let mut known = &self.records[group[0] as usize];
            for &number in &group[1..] {
                let other = &self.records[number as usize];
                let is_preferred = number == plan.top && known.version == other.version;
                let decision = Decision {
                    input: other.input as usize,
                    pack_ref: &other.name,
                    known: &known.version,
                    other: &other.version,
                    is_preferred,
                };
                if decision.order() == Ordering::Greater || is_preferred {
                    known = other;
                }
                decisions.push((number, decision));
            }
        }
        decisions.sort_unstable_by_key(|(number, _)| *number);
        decisions
            .into_iter()
            .map(|(_, decision)| decision)
            .collect()
    }

    /// Decides about each ref; what cannot be decided is returned.
    pub(super) fn plan(&mut self, inputs: &[Input<'_>], heads: &[Head<'_>]) -> Vec<Conflict> {
        let (mut start, mut conflicts) = (0_usize, Vec::new());
        // about which record, and what
        let mut said: Vec<(u32, String)> = Vec::new();
        while start < self.order.len() {
            let name = &self.records[self.order[start] as usize].name;
            let length = self.order[start..]
                .iter()
                .take_while(|number| self.records[**number as usize].name == *name)
                .count();
            let numbers = &self.order[start..start + length];
            let group: Vec<&Record<'_>> = numbers
                .iter()
                .map(|number| &self.records[*number as usize])
                .collect();
            let joined = join::join(&group, self.prefer, inputs, &mut conflicts);
            let (mut top, mut is_joined) = (0, false);
            if let Some(joined) = joined {
                top = joined.lead.record;
                is_joined = joined.is_changed;
                self.lost += joined.lost.len();
                let lost = joined.lost.iter();
                said.extend(lost.map(|lost| (numbers[lost.record], lost.why.clone())));
                said.extend(joined.withdrawn.iter().map(|(record, version)| {
                    let why = format!("version {version} is withdrawn here, and stays so");
                    (numbers[*record], why)
                }));
                self.unchecked += usize::from(joined.lead.sources.is_some_and(lacks_checksum));
                if is_joined && !compose::fits(&joined, &group) {
                    let (_, kept) = compose::text(&joined, &group);
                    let cut = joined.others.len() - kept;
                    if cut > 0 {
                        self.lost += cut;
                        said.push((numbers[top], cut_why(cut)));
                    }
                }
            } else {
                self.unchecked += usize::from(group[0].lacks_checksum);
            }
            self.plans.push(Plan {
                start,
                length,
                top: numbers[top],
                is_joined,
            });
            start += length;
        }
        self.say(said, heads);
        conflicts
    }

    /// Adds notices about records to those that there are.
    fn say(&mut self, mut said: Vec<(u32, String)>, heads: &[Head<'_>]) {
        // records are in the order of the inputs; stable, for several about one
        said.sort_by_key(|(number, _)| *number);
        let mut lines = Lines::new("");
        let mut of_input = None;
        for (number, why) in said {
            if self.notices.len() == MAX_NOTICES {
                self.unsaid += 1;
                continue;
            }
            let record = &self.records[number as usize];
            let input = record.input as usize;
            let head = &heads[input];
            if of_input != Some(input) {
                (lines, of_input) = (Lines::new(head.text), Some(input));
            }
            self.notices.push(Notice {
                input,
                place: match head.form {
                    Form::List => Place::Number(record.number),
                    Form::Map => Place::Key(record.name.to_string()),
                },
                line: lines.at(record.start),
                shown: Some(record.name.to_string()),
                why,
                left_out: false,
            });
        }
        self.notices
            .sort_by_key(|notice| (notice.input, notice.line));
    }
}

/// What is said of versions that have no room.
fn cut_why(cut: usize) -> String {
    let versions = if cut == 1 {
        "version is"
    } else {
        "versions are"
    };
    format!(
        "its oldest {cut} {versions} left out: readers take an entry of at most {MAX_ENTRY_BYTES} bytes with \
         {MAX_RELEASES} versions"
    )
}
