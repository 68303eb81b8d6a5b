//! What is interrupted. Whatever changes a host has a line in [`SCENARIOS`], and both harnesses take it from there.

use std::path::Path;

use packd_tests::{
    Format, PackTree, Packd, Request, Settings,
    support::{programs, tree::Tree},
};
use packd_wire::{EventKind, JobView, path};
use rusqlite::Connection;
use serde_json::json;

/// One thing that is asked of a host, and what the host is before.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called on the command line and in tables.
    pub name: &'static str,
    /// Makes the host what it is before; without this, packd has never run there.
    pub before: Option<fn(&Packd)>,
    /// What is asked, made on a host that is as before.
    pub request: fn(&Packd) -> Request,
    /// What befalls the state folder while packd does not run.
    pub damage: fn(&Path),
    /// What the configuration says beside where the registry is.
    pub settings: fn(Settings) -> Settings,
    /// Whether the same request, once it was done, is refused: nothing is left to do.
    pub once: bool,
    /// Waits for what follows from this job, which changed something, after its end.
    pub after: fn(&Packd, i64),
    /// The points that no other scenario comes by.
    pub own: &'static [&'static str],
}

/// What packs are on offer.
#[must_use]
pub fn packs() -> Vec<PackTree> {
    let pack = |name, version| {
        PackTree::new(name, version)
            .file("version", version)
            .folder("rules")
            .link("run", "actions/say.sh")
            .with_bulk(4, 2_000)
    };
    vec![
        pack("base", "1.0.0"),
        pack("app", "1.0.0").needs("base"),
        pack("app", "2.0.0").needs("base@^1"),
        pack("other", "1.0.0"),
    ]
}

/// Every scenario.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "install",
        before: Some(|packd| install(packd, "other")),
        request: |_| installing("app@1.0.0"),
        ..NOTHING
    },
    Scenario {
        name: "update",
        before: Some(|packd| install(packd, "app@1.0.0")),
        request: |_| installing("app@2.0.0"),
        ..NOTHING
    },
    Scenario {
        name: "remove",
        before: Some(|packd| {
            install(packd, "app@1.0.0");
            install(packd, "other");
        }),
        request: |_| Request::new("DELETE", &path::pack("app")),
        ..NOTHING
    },
    Scenario {
        name: "apply",
        before: Some(|packd| install(packd, "app@1.0.0")),
        request: |packd| {
            let dry = json!({"source": "app@2.0.0", "dry_run": true});
            let target = format!("{}?wait=20", path::INSTALL);
            let planned: JobView = packd.post(&target, &dry).expect(200).json();
            Request::post(path::APPLY, &json!({"plan": planned.plan}))
        },
        once: true,
        ..NOTHING
    },
    Scenario {
        name: "desired",
        before: Some(|packd| {
            install(packd, "app@1.0.0");
            install(packd, "other");
        }),
        request: |_| {
            let app = json!({"version": "2.0.0", "hold": {"reason": "a release"}});
            Request::post(path::APPLY, &json!({"packs": {"app": app}, "prune": true}))
        },
        ..NOTHING
    },
    Scenario {
        name: "upload",
        before: Some(|packd| install(packd, "other")),
        request: |_| {
            let archive = PackTree::new("sent", "1.0.0").archive(Format::TarGz);
            Request::new("POST", path::UPLOAD).body("application/gzip", archive.bytes)
        },
        own: &["upload.received"],
        ..NOTHING
    },
    Scenario {
        name: "reinstall",
        before: Some(|packd| install(packd, "other")),
        request: |_| Request::post(path::INSTALL, &json!({"source": "other", "force": true})),
        damage: |state| {
            let version = state.join("current/other/version");
            assert!(Tree::of(&state.join("current/other")).files() > 4);
            fs_err::write(version, "somebody was here").unwrap();
        },
        own: &["quarantine.begun", "quarantine.moved"],
        ..NOTHING
    },
    Scenario {
        name: "rollback",
        before: Some(|packd| {
            install(packd, "app@1.0.0");
            install(packd, "app@2.0.0");
        }),
        request: |_| Request::post(path::ROLLBACK, &json!({"generation": 1})),
        ..NOTHING
    },
    Scenario {
        name: "repair",
        before: Some(|packd| install(packd, "other")),
        request: |_| Request::post(path::VERIFY, &json!({"repair": true})),
        damage: |state| {
            fs_err::write(state.join("current/other/version"), "somebody was here").unwrap();
        },
        ..NOTHING
    },
    Scenario {
        name: "gc",
        before: Some(|packd| {
            install(packd, "app@1.0.0");
            install(packd, "other");
            install(packd, "app@2.0.0");
            packd.ctl(["remove", "other"]).success();
        }),
        request: |_| Request::post(path::GC, &json!({})),
        settings: |settings| {
            settings
                .set("store.keep_generations", 1)
                .set("store.keep_for", "0s")
        },
        own: &["gc.forgotten", "gc.taken", "gc.untold"],
        ..NOTHING
    },
    Scenario {
        name: "upgrade",
        before: Some(|_| {}),
        damage: of_before,
        request: |_| installing("other"),
        own: &["migration.uncommitted", "migration.committed"],
        ..NOTHING
    },
    Scenario {
        name: "hooked",
        before: Some(|packd| install(packd, "other")),
        request: |_| installing("app@1.0.0"),
        settings: |settings| {
            settings.hook(&json!({
                "name": "told",
                "on": ["generation_activated"],
                "command": ["/bin/sh", "-c", "cat >/dev/null"],
            }))
        },
        // an activation whose hook never runs is one that nobody is told of
        after: |packd, job| {
            packd.wait_for(job, |event| {
                matches!(event.kind, EventKind::HookSucceeded | EventKind::HookFailed)
            });
        },
        ..NOTHING
    },
    Scenario {
        name: "first",
        before: None,
        request: |_| installing("app@2.0.0"),
        ..NOTHING
    },
];

/// What a scenario is unless it says otherwise.
const NOTHING: Scenario = Scenario {
    name: "",
    before: None,
    request: |_| Request::get(path::STATUS),
    damage: |_| {},
    settings: |settings| settings,
    once: false,
    after: |_, _| {},
    own: &[],
};

/// Puts a database in the place of that of packd which lacks the last of its migrations.
fn of_before(state: &Path) {
    const MISSING: usize = 2;
    let folder = programs::source().join("daemon/src/store/schema");
    let mut files: Vec<_> = fs_err::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    files.sort();
    files.truncate(files.len() - MISSING);
    for name in ["packd.db", "packd.db-wal", "packd.db-shm", "numbers"] {
        let _not_there = fs_err::remove_file(state.join(name));
    }
    let database = Connection::open(state.join("packd.db")).unwrap();
    for file in &files {
        let sql = fs_err::read_to_string(file).unwrap();
        database.execute_batch(&sql).unwrap();
    }
    let number = i64::try_from(files.len()).unwrap();
    database
        .pragma_update(None, "user_version", number)
        .unwrap();
}

fn installing(source: &str) -> Request {
    Request::post(path::INSTALL, &json!({"source": source}))
}

fn install(packd: &Packd, source: &str) {
    packd.ctl(["install", source]).success();
}
