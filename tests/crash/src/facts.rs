//! Everything on a host that may not depend on whether packd was interrupted.

use std::{collections::BTreeMap, path::Path};

use packd_tests::Tree;
use rusqlite::Connection;

use crate::sound::names;

/// A host, ready to be compared. Times, attempts and caches do not count.
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// What lies in the state folder.
    names: Vec<String>,
    /// Where `current` and the links of each generation lead.
    links: BTreeMap<String, String>,
    /// What lies on each shelf of the store.
    shelves: BTreeMap<String, Vec<String>>,
    /// The trees of the active packs.
    trees: BTreeMap<String, Tree>,
    /// What was put away.
    quarantine: Vec<String>,
    /// The rows of packs and generations.
    packs: Vec<String>,
    /// The rows of jobs.
    jobs: Vec<String>,
    /// What was told of changes, in order.
    told: Vec<String>,
    /// How hooks ended, and those that are still to run.
    hooks: Vec<String>,
}

impl Facts {
    /// Reads the state folder of a daemon that does not run.
    #[must_use]
    pub fn of(state: &Path) -> Self {
        let (store, generations) = (state.join("store"), state.join("generations"));
        let target = |path: &Path| {
            let target = fs_err::read_link(path);
            target.map_or_else(
                |error| error.to_string(),
                |target| target.display().to_string(),
            )
        };
        let mut links = BTreeMap::from([("current".to_owned(), target(&state.join("current")))]);
        for number in names(&generations) {
            for name in names(&generations.join(&number)) {
                let path = generations.join(&number).join(&name);
                links.insert(format!("{number}/{name}"), target(&path));
            }
        }
        let active = names(&state.join("current")).into_iter();
        let shelves = names(&store).into_iter();
        let quarantine = names(&state.join("quarantine")).into_iter();
        // their folders have random names, and one that was made in vain is empty
        let mut quarantine: Vec<String> = quarantine
            .flat_map(|name| names(&state.join("quarantine").join(name)))
            .collect();
        quarantine.sort();
        let database = Connection::open(state.join("packd.db")).unwrap();
        Self {
            // SQLite's companions come and go, and a copy is made of a database whose migrations were cut short
            names: names(state)
                .into_iter()
                .filter(|name| !name.starts_with("packd.db-") && !name.starts_with("packd.db."))
                .collect(),
            links,
            shelves: shelves.map(|name| (name.clone(), names(&store.join(name)))).collect(),
            trees: active
                .map(|name| (name.clone(), Tree::of(&state.join("current").join(name))))
                .collect(),
            quarantine,
            packs: rows(
                &database,
                "SELECT g.number || ' ' || g.status || ' by ' || g.job || ': ' || i.ref || ' ' || i.version || ' ' || i.dir
                 FROM generation g LEFT JOIN generation_pack p ON p.generation = g.number
                 LEFT JOIN install i ON i.id = p.install ORDER BY g.number, i.ref",
            ),
            jobs: rows(
                &database,
                "SELECT id || ' ' || kind || ' ' || status || ' ' || changed || ' ' || ifnull(generation, '-') || ' '
                     || ifnull(error, '') || ' ' || ifnull(idempotency_key, '') FROM job ORDER BY id",
            ),
            told: rows(
                &database,
                "SELECT kind || ' ' || ifnull(job, '-') || ' ' || ifnull(ref, '-') FROM event WHERE kind IN
                     ('pack_installed', 'pack_updated', 'pack_removed', 'generation_activated', 'job_succeeded',
                      'job_failed', 'job_cancelled') ORDER BY seq",
            ),
            hooks: rows(
                &database,
                "SELECT kind || ' ' || job FROM event WHERE kind LIKE 'hook_%'
                 UNION ALL SELECT 'due: ' || hook FROM hook_due",
            ),
        }
    }
}

fn rows(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0));
    rows.unwrap()
        .map(|row| row.unwrap().unwrap_or_default())
        .collect()
}
