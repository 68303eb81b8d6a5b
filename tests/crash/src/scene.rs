//! A host as it is before, made once and copied for each run.

use std::{path::Path, process::Command};

use packd_tests::{Packd, Ran, Request, Settings, Site};
use tempfile::TempDir;

use crate::scenario::{Scenario, packs};

/// A scenario that was made ready.
#[derive(Debug)]
pub struct Scene {
    /// Which.
    pub scenario: &'static Scenario,
    /// What is asked.
    pub request: Request,
    site: Site,
    before: TempDir,
}

impl Scene {
    /// Makes it ready.
    #[must_use]
    pub fn of(scenario: &'static Scenario) -> Self {
        let packs = packs();
        let site = Site::serving(&packs);
        let mut packd = Packd::start(&(scenario.settings)(Settings::for_site(&site)));
        if let Some(before) = scenario.before {
            before(&packd);
        }
        let request = (scenario.request)(&packd);
        packd.terminate();
        let before = tempfile::Builder::new()
            .prefix("packd-before-")
            .tempdir()
            .unwrap();
        if scenario.before.is_some() {
            (scenario.damage)(&packd.state_dir());
            copy(&packd.state_dir(), before.path());
        }
        Self {
            scenario,
            request,
            site,
            before,
        }
    }

    /// A host of its own that is as before; packd does not run there yet.
    #[must_use]
    pub fn host(&self) -> Packd {
        let settings = (self.scenario.settings)(Settings::for_site(&self.site));
        let packd = Packd::prepare(&settings);
        copy(self.before.path(), &packd.state_dir());
        packd
    }
}

/// Copies what lies in a folder, hard links as hard links.
fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.arg("-a").arg(from.join(".")).arg(to);
    Ran::of(&mut command).success();
}
