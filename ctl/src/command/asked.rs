//! What was asked for, which is the shape of the data that comes of it.

use packd_wire::JobView;
use serde::Serialize;

use super::apply::{Notes, RegistryNote};
use crate::output::Output;

/// How many things were asked for, which is the shape of the data that comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked<'a> {
    /// One: its job.
    One,
    /// What shall be: its job, with what is done about registries, and whether anything is different.
    Desired(&'a Notes),
    /// Several: an array of jobs, however many came of it.
    Several,
}

/// What came of it that something shall be.
#[derive(Debug, Serialize)]
struct Applied<'a> {
    /// Whether anything is, or would be, different.
    changed: bool,
    /// The registries that were, or would be, added or changed.
    registries: &'a [RegistryNote],
    /// Packs of which a check can say nothing before these registries are there.
    unplanned: &'a [String],
    /// The job that did the rest.
    job: &'a JobView,
}

impl Asked<'_> {
    /// Of the number of things that were named.
    pub(crate) fn of(count: usize) -> Self {
        if count == 1 { Self::One } else { Self::Several }
    }

    /// Shows jobs as data.
    pub(crate) fn show(self, out: &mut Output, jobs: &[JobView]) {
        if out.is_human() {
            return;
        }
        match (self, jobs) {
            (Asked::One, [job]) => out.show(job, String::new),
            (Asked::Desired(notes), [job]) => {
                let planned = job.plan.as_ref().is_some_and(|plan| plan.changed);
                let is_dry = job.request["dry_run"] == true;
                let applied = Applied {
                    changed: job.changed || !notes.registries.is_empty() || (is_dry && planned),
                    registries: &notes.registries,
                    unplanned: &notes.unplanned,
                    job,
                };
                out.show(&applied, String::new);
            }
            _ => out.show_list(&jobs, jobs, String::new),
        }
    }
}
