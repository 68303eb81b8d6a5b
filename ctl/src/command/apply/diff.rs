//! What changes, as a diff of what shall be.

use std::fmt::Write as _;

use packd_wire::{ChangeAction, PlanChange, PlanView};

use super::{Notes, RegistryAction};
use crate::output::text::clean;
use crate::output::{BAD, GOOD, styled};

/// A line for each thing that goes and each that comes; empty when nothing is different.
pub(super) fn of(plan: &PlanView, notes: &Notes) -> String {
    let mut lines = Lines::default();
    for note in &notes.registries {
        let sign = match note.action {
            RegistryAction::Add => '+',
            RegistryAction::Change => '~',
        };
        lines.add(sign, &format!("registry {} {}", note.name, note.url));
    }
    for pack in &notes.unplanned {
        lines.add('+', pack);
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

#[cfg(test)]
mod tests {
    use packd_wire::HoldChange;

    use super::*;
    use crate::command::apply::RegistryNote;
    use crate::command::changes::tests::change;

    #[test]
    fn a_line_goes_or_comes_for_all_that_is_different() {
        let mut upgrade = change("slack", ChangeAction::Upgrade, Some("2.0.0"), Some("2.1.0"));
        upgrade.registry = Some("acme".to_owned());
        let plan = PlanView {
            changes: vec![
                upgrade,
                change("old", ChangeAction::Remove, Some("1.0.0"), None),
                change("jira", ChangeAction::Keep, Some("1.2.3"), Some("1.2.3")),
            ],
            holds: vec![HoldChange {
                pack_ref: "jira".to_owned(),
                held: true,
                until: None,
                reason: Some("a release".to_owned()),
            }],
            ..PlanView::default()
        };
        let notes = Notes {
            registries: vec![RegistryNote {
                name: "acme".to_owned(),
                action: RegistryAction::Add,
                url: "https://acme.example/index.json".to_owned(),
            }],
            unplanned: vec!["teams ^2".to_owned()],
        };
        let text = anstream::adapter::strip_str(&of(&plan, &notes)).to_string();
        assert_eq!(
            text,
            "+registry acme https://acme.example/index.json\n+teams ^2\n-old 1.0.0\n-slack 2.0.0\n\
             +slack 2.1.0 (acme)\n+hold jira: a release\n"
        );
        assert_eq!(of(&PlanView::default(), &Notes::default()), "");
    }
}
