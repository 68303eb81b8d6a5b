//! What changes, as a diff of what shall be.

use std::fmt::Write as _;

use packd_wire::{ChangeAction, PlanChange, PlanView};

use super::{RegistryAction, RegistryNote};
use crate::output::text::clean;
use crate::output::{BAD, GOOD, styled};

/// A line for each thing that goes and each that comes; empty when nothing is different.
pub(super) fn of(plan: &PlanView, registries: &[RegistryNote]) -> String {
    let mut lines = Lines::default();
    for note in registries {
        let sign = match note.action {
            RegistryAction::Add => '+',
            RegistryAction::Change => '~',
        };
        lines.add(sign, &format!("registry {} {}", note.name, note.url));
        for pack in &note.packs {
            lines.add('+', &format!("{pack} ({})", note.name));
        }
    }
    let mut changes: Vec<&PlanChange> = plan.changes.iter().collect();
    changes.sort_by(|a, b| a.pack_ref.cmp(&b.pack_ref));
    for change in changes {
        if change.action == ChangeAction::Keep {
            continue;
        }
        let name = change.pack_ref.as_deref().or(change.source.as_deref());
        let name = name.unwrap_or("?");
        if let Some(from) = &change.from {
            lines.add('-', &format!("{name} {from}"));
        }
        if change.action != ChangeAction::Remove {
            let from = change.registry.as_ref().or(change.source.as_ref());
            let from = from.map_or_else(String::new, |from| format!(" ({from})"));
            let to = change.to.as_deref().unwrap_or("?");
            lines.add('+', &format!("{name} {to}{from}"));
        }
    }
    for hold in &plan.holds {
        let sign = if hold.held { '+' } else { '-' };
        let until = hold.until.as_ref().map(|until| format!(" until {until}"));
        let reason = hold.reason.as_ref().map(|reason| format!(": {reason}"));
        let (until, reason) = (until.unwrap_or_default(), reason.unwrap_or_default());
        lines.add(sign, &format!("hold {}{until}{reason}", hold.pack_ref));
    }
    lines.0
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, sign: char, words: &str) {
        let line = format!("{sign}{}", clean(words));
        let line = match sign {
            '+' => styled(GOOD, &line),
            '-' => styled(BAD, &line),
            _ => line,
        };
        let written = writeln!(self.0, "{line}");
        debug_assert!(written.is_ok(), "a String takes every write");
    }
}
