//! The second harness: system calls on the state folder fail, or packd is ended at them, without any knowledge of
//! its code.
//!
//! A recorded run tells which calls touch what below the state folder. Each of them is a point: the n-th such call of
//! a thread on one path. What is left after it is held against [`sound`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    os::unix::process::ExitStatusExt as _,
    path::Path,
};

use packd_tests::{
    Packd, Strace,
    support::strace::{Call, Point},
};
use packd_wire::{ErrorKind, JobStatus};

use crate::{client, scenario::Scenario, scene::Scene, sound};

/// Stands for the state folder, which is another one in each run.
const STATE: &str = "STATE";

/// Calls that do the same, with the ways in which they are disturbed.
#[derive(Debug)]
struct Group {
    name: &'static str,
    calls: &'static str,
    faults: &'static [Fault],
}

/// What happens instead of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// packd is killed.
    Kill,
    /// The call fails.
    Error(&'static str),
}

const NO_SPACE: Fault = Fault::Error("ENOSPC");
const BROKEN: Fault = Fault::Error("EIO");

const GROUPS: &[Group] = &[
    Group {
        name: "write",
        calls: "write,pwrite64,writev,?pwritev",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "sync",
        calls: "fsync,fdatasync,?syncfs",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "rename",
        calls: "?rename,renameat,renameat2",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "link",
        calls: "?link,linkat",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "mkdir",
        calls: "?mkdir,mkdirat",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "unlink",
        calls: "?unlink,unlinkat,?rmdir",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "symlink",
        calls: "?symlink,symlinkat",
        faults: &[Fault::Kill, NO_SPACE, BROKEN],
    },
    Group {
        name: "open",
        calls: "?open,openat,?openat2",
        faults: &[Fault::Error("EMFILE")],
    },
];

/// One way to disturb a scenario.
#[derive(Debug, Clone)]
pub struct Disturbance {
    group: &'static Group,
    fault: Fault,
    point: Point,
}

impl Disturbance {
    /// What is disturbed: `write`, `sync`, ….
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.group.name
    }

    /// What happens instead: `KILL`, `ENOSPC`, ….
    #[must_use]
    pub fn fault(&self) -> &'static str {
        match self.fault {
            Fault::Kill => "KILL",
            Fault::Error(error) => error,
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, fault, Point { path, nth }) = (self.group(), self.fault(), &self.point);
        write!(f, "{fault} at {group} {nth} of `{path}`")
    }
}

/// What came of a disturbance.
#[derive(Debug)]
pub struct Found {
    /// Whether packd came to the call; which thread does what may be another one in each run.
    pub reached: bool,
    /// What is wrong with the host.
    pub wrong: Vec<String>,
}

/// A scenario, and the calls of its undisturbed run.
#[derive(Debug)]
pub struct Recorded {
    scene: Scene,
    disturbances: Vec<Disturbance>,
}

impl Recorded {
    /// Runs a scenario under strace, once for each group of calls.
    #[must_use]
    pub fn run(scenario: &'static Scenario) -> Self {
        let scene = Scene::of(scenario);
        let all: Vec<&str> = GROUPS.iter().map(|group| group.calls).collect();
        let mut packd = scene.host();
        let strace = Strace::recording_files(&all.join(","));
        packd.begin_under(&strace);
        let job = client::insist(&packd, &scene.request, "recorded");
        assert_eq!(job.status, JobStatus::Succeeded, "{job:#?}");
        packd.terminate();
        let calls = strace.calls();
        let state = packd.state_dir();
        let mut disturbances = Vec::new();
        for group in GROUPS {
            let names: Vec<&str> = group
                .calls
                .split(',')
                .map(|name| name.trim_start_matches('?'))
                .collect();
            let of_group: Vec<&Call> = calls
                .iter()
                .filter(|call| names.contains(&call.name.as_str()))
                .collect();
            for point in points(&of_group, &state) {
                disturbances.extend(group.faults.iter().map(|fault| Disturbance {
                    group,
                    fault: *fault,
                    point: point.clone(),
                }));
            }
        }
        assert!(
            disturbances.len() > 20,
            "strace has seen too little: {calls:#?}"
        );
        Self {
            scene,
            disturbances,
        }
    }

    /// Every disturbance.
    #[must_use]
    pub fn all(&self) -> &[Disturbance] {
        &self.disturbances
    }

    /// Some of them: in each scenario other ones, spread over groups and faults.
    #[must_use]
    pub fn sample(&self, number: usize, count: usize) -> Vec<&Disturbance> {
        let step = self.disturbances.len() / count;
        (0..count)
            .map(|n| &self.disturbances[n * step + (number * 5) % step])
            .collect()
    }

    /// Disturbs the scenario once.
    #[must_use]
    pub fn disturb(&self, disturbance: &Disturbance) -> Found {
        let Disturbance {
            group,
            fault,
            point,
        } = disturbance;
        let mut packd = self.scene.host();
        let point = Point {
            path: point
                .path
                .replace(STATE, packd.state_dir().to_str().unwrap()),
            nth: point.nth,
        };
        let strace = match fault {
            Fault::Kill => Strace::killing_at(group.calls, &point),
            Fault::Error(error) => Strace::failing_at(group.calls, &point, error),
        };
        let mut wrong = Vec::new();
        let reached = if packd.begins_under(&strace) {
            // what became of it, the second time under the same key tells
            let _said = client::ask(&packd, &self.scene.request, "disturbed");
            let killed = packd
                .ends()
                .is_some_and(|status| status.signal() == Some(9));
            killed || strace.has_failed_one()
        } else {
            // it was killed, or did not start: for no other reason than this
            true
        };

        packd.begin();
        let first = client::insist(&packd, &self.scene.request, "disturbed");
        match (first.status, &first.error) {
            (JobStatus::Succeeded, None) => {}
            (JobStatus::Failed, Some(problem)) if !problem.detail.is_empty() => {}
            _ => wrong.push(format!(
                "the job is neither done nor failed for a reason: {first:#?}"
            )),
        }
        let again = client::insist(&packd, &self.scene.request, "again");
        for job in [&first, &again] {
            if job.status == JobStatus::Succeeded && job.changed {
                (self.scene.scenario.after)(&packd, job.id);
            }
        }
        let nothing_left = self.scene.scenario.once && first.status == JobStatus::Succeeded;
        match (again.status, &again.error) {
            (JobStatus::Succeeded, None) => {}
            (_, Some(problem)) if nothing_left && problem.kind == ErrorKind::PlanOutdated => {}
            _ => wrong.push(format!("the same request does not succeed: {again:#?}")),
        }
        packd.terminate();
        wrong.extend(sound::faults(&packd.state_dir()));
        if !wrong.is_empty() {
            wrong.push(last_lines(&packd));
        }
        Found { reached, wrong }
    }
}

/// The points of these calls below the state folder, in order, each once.
fn points(calls: &[&Call], state: &Path) -> Vec<Point> {
    let state = state.to_str().unwrap();
    let mut counts: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    let (mut points, mut known) = (Vec::new(), BTreeSet::new());
    for call in calls {
        let names: BTreeSet<&str> = call
            .texts
            .iter()
            .chain(&call.files)
            .map(String::as_str)
            .collect();
        for name in &names {
            *counts.entry((call.thread, name)).or_default() += 1;
        }
        // a path that is relative is so to a folder of ours
        let inside = |name: &&String| name.starts_with(state) || !name.starts_with('/');
        let inner = call
            .texts
            .iter()
            .filter(|text| !text.is_empty())
            .find(inside);
        let Some(path) =
            inner.or_else(|| call.files.first().filter(|file| file.starts_with(state)))
        else {
            continue;
        };
        // files of temporary names cannot be found again
        if path.contains("/.tmp") || path.contains(".receiving-") || path.starts_with(".tmp") {
            continue;
        }
        let point = Point {
            path: path.replace(state, STATE),
            nth: counts[&(call.thread, path.as_str())],
        };
        if known.insert((point.path.clone(), point.nth)) {
            points.push(point);
        }
    }
    points
}

fn last_lines(packd: &Packd) -> String {
    let log = packd.log();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
