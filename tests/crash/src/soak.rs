//! packd under load, killed again and again: no job is lost, no event missed, nothing grows.
//!
//! Jobs are queued in heaps, each under a key of its own, while followers read every event and others poll. What
//! must come of it is known beforehand: jobs on one pack run in the order of their numbers.

mod signs;

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _},
    path::Path,
    sync::{
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use packd_tests::{Connection, PATIENCE, PackTree, Packd, Request, Settings, support::site};
use packd_wire::{JobStatus, JobView, PackList, path};
use rusqlite::Connection as Database;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::signs::{Sign, Signs};
use crate::sound;

/// How much of everything.
#[derive(Debug, Clone)]
pub struct Load {
    /// How long jobs are added.
    pub time: Duration,
    /// How many jobs are queued at once; half as many are added whenever half of the last ones are done.
    pub jobs: usize,
    /// How many followers read all events.
    pub followers: usize,
    /// How many clients ask all the time.
    pub pollers: usize,
    /// How long packd lives.
    pub life: Duration,
}

impl Load {
    /// What packd has to bear, for so many minutes.
    #[must_use]
    pub fn of_minutes(minutes: u64) -> Self {
        Self {
            time: Duration::from_mins(minutes),
            jobs: 1_000,
            followers: 200,
            pollers: 50,
            life: Duration::from_secs(20),
        }
    }
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// Jobs that were queued, all of which have ended.
    pub jobs: usize,
    /// Events that each follower has read.
    pub events: i64,
    /// How often packd was killed.
    pub kills: usize,
    /// Resident kilobytes at the end of each life, so always at the same age and under the same load.
    pub memory: Vec<u64>,
    /// Open descriptors, idle: before, and after all that.
    pub descriptors: (usize, usize),
}

/// Threads that queue jobs at the same time.
const HANDS: usize = 8;
/// How many packs there are; a heap of jobs has several for each.
const PACKS: usize = 100;

/// The time between two questions of one client.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// A request with its key.
type Asked = (String, Request);

/// Runs the load, insists on everything but the memory, and says what was seen.
#[must_use]
pub fn run(load: &Load) -> Seen {
    let names: Vec<String> = (0..PACKS)
        .map(|number| format!("pack{number:03}"))
        .collect();
    let registry = offered(&names);
    let url = format!("file://{}/index.json", registry.path().display());
    let connections = load.followers + load.pollers + 64;
    let settings = Settings::new()
        .registry("local", &url, &json!({}))
        .set("access.max_connections", connections)
        .set("access.max_per_uid", connections);
    let mut packd = Packd::start(&settings);
    packd.ctl(["install", &names[0]]).success();
    packd.restart();
    // what begins after READY has its descriptors then: what watches registries, and what looks for updates
    packd.ctl(["registry", "refresh"]).success();
    packd.ctl(["install", &names[0], "--force"]).success();
    let before = descriptors(&packd);
    let socket = packd.socket();

    let (signs, last) = (Signs::default(), AtomicI64::new(i64::MAX));
    let mut seen = Seen {
        jobs: 0,
        events: 0,
        kills: 0,
        memory: Vec::new(),
        descriptors: (before, 0),
    };
    let mut ledger: BTreeMap<i64, Asked> = BTreeMap::new();
    thread::scope(|scope| {
        let followers: Vec<_> = (0..load.followers)
            .map(|_| scope.spawn(|| follow(&socket, &signs, &last)))
            .collect();
        for number in 0..load.pollers {
            let (socket, signs) = (&socket, &signs);
            scope.spawn(move || poll(socket, number, signs));
        }
        let end = Instant::now() + load.time;
        let mut death = Instant::now() + load.life;
        let (queued, heaps) = mpsc::channel();
        let mut made = 0;
        let mut add = |count: usize| {
            let heap = heap(&names, made, count);
            made += count;
            let (socket, signs, queued) = (&socket, &signs, queued.clone());
            scope.spawn(move || {
                let asked = queue(socket, signs, &heap);
                // when half of it is done, there is room for more
                let ids: Vec<i64> = asked.iter().map(|(id, _)| *id).collect();
                until_ended(socket, signs, ids[ids.len() / 2]);
                queued.send(asked).unwrap();
            });
        };
        add(load.jobs);
        while Instant::now() < end {
            let next = death.min(end).saturating_duration_since(Instant::now());
            if let Ok(asked) = heaps.recv_timeout(next) {
                ledger.extend(asked);
                add(load.jobs / 2);
            }
            if Instant::now() >= death {
                seen.memory.push(resident(&packd));
                signs.set(Sign::Dead);
                packd.kill();
                packd.begin();
                signs.set(Sign::Alive);
                seen.kills += 1;
                death = Instant::now() + load.life;
            }
        }
        // what is being added now is the last
        let last_one = heaps.recv_timeout(load.time + PATIENCE * 5);
        ledger.extend(last_one.unwrap_or_else(|_| panic!("jobs are stuck:\n{}", packd.log())));
        seen.jobs = made;
        for id in ledger.keys() {
            until_ended(&socket, &signs, *id);
        }
        signs.set(Sign::Over);
        // followers end there; what comes later is for nobody
        let newest = newest(&packd);
        last.store(newest, Ordering::SeqCst);
        packd.ctl(["install", &names[0]]).success();
        for follower in followers {
            seen.events = follower.join().unwrap();
            assert!(
                seen.events >= newest,
                "a follower has read up to {} only",
                seen.events
            );
        }
    });

    assert_eq!(ledger.len(), seen.jobs, "each key has a job of its own");
    known(&socket, &signs, &ledger);
    seen.descriptors.1 = descriptors_at_rest(&packd, before);
    assert!(
        seen.descriptors.1 <= before,
        "descriptors leak: {:?}",
        seen.descriptors
    );
    let active = active(&packd);
    packd.terminate();
    judge(&packd, &ledger, &names, &active);
    seen
}

/// A registry with these packs, each in two versions.
fn offered(names: &[String]) -> TempDir {
    let versions = ["1.0.0", "2.0.0"].into_iter();
    let packs: Vec<PackTree> = versions
        .flat_map(|version| names.iter().map(move |name| PackTree::new(name, version)))
        .collect();
    site::folder_with(&packs)
}

/// So many requests, several for each pack: install, update, remove, all over.
fn heap(names: &[String], from: usize, count: usize) -> Vec<Asked> {
    let request = |number: usize| {
        // neither the packs nor what is done to one come in a simple rhythm
        let name = &names[number * 7 % names.len()];
        match (number / names.len() + number) % 3 {
            0 => Request::post(path::INSTALL, &json!({"source": format!("{name}@1.0.0")})),
            1 => Request::post(path::INSTALL, &json!({"source": format!("{name}@2.0.0")})),
            _ => Request::new("DELETE", &path::pack(name)),
        }
    };
    (from..from + count)
        .map(|number| (format!("key-{number}"), request(number)))
        .collect()
}

/// Queues a heap from several hands, each request until it is known to be queued.
fn queue(socket: &Path, signs: &Signs, heap: &[Asked]) -> Vec<(i64, Asked)> {
    let each = heap.len().div_ceil(HANDS);
    thread::scope(|scope| {
        let hands: Vec<_> = heap
            .chunks(each)
            .map(|part| {
                let queue = |(key, request): &Asked| {
                    let keyed = request.clone().header("Idempotency-Key", key);
                    let job: JobView =
                        serde_json::from_value(until_answered(socket, signs, &keyed)).unwrap();
                    (job.id, (key.clone(), request.clone()))
                };
                scope.spawn(move || part.iter().map(queue).collect::<Vec<_>>())
            })
            .collect();
        hands
            .into_iter()
            .flat_map(|hand| hand.join().unwrap())
            .collect()
    })
}

/// Asks again until packd lives long enough to answer.
fn until_answered(socket: &Path, signs: &Signs, request: &Request) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        match once(socket, request) {
            Ok(answer) if answer.status < 400 => return answer.json(),
            Ok(answer) => assert!(Instant::now() < end, "refused: {}", answer.text()),
            Err(error) => assert!(Instant::now() < end, "no answer: {error}"),
        }
        signs.while_dead();
    }
}

/// Waits for the end of a job, however often packd is killed meanwhile.
fn until_ended(socket: &Path, signs: &Signs, job: i64) {
    let request = Request::get(&format!("{}?wait=20", path::job_wait(job)));
    loop {
        let view: JobView =
            serde_json::from_value(until_answered(socket, signs, &request)).unwrap();
        if view.status.is_finished() {
            return;
        }
    }
}

fn once(socket: &Path, request: &Request) -> io::Result<packd_tests::Answer> {
    let mut connection = Connection::open(socket)?;
    connection.send(&request.bytes())?;
    connection.answer()
}

/// Reads every event from the first on, resumes after each kill, and insists that none is missing or comes twice.
fn follow(socket: &Path, signs: &Signs, last: &AtomicI64) -> i64 {
    let mut read = 0;
    while read < last.load(Ordering::SeqCst) {
        let request = Request::get(path::EVENTS)
            .header("Accept", "text/event-stream")
            .header("Last-Event-ID", &read.to_string());
        let opened = Connection::open(socket).and_then(|mut connection| {
            connection.send(&request.bytes())?;
            let head = connection.head()?;
            Ok((head.status == 200).then(|| connection.stream()))
        });
        let Ok(Some(lines)) = opened else {
            signs.while_dead();
            continue;
        };
        for line in lines.lines() {
            let Ok(line) = line else { break };
            let Some(id) = line.strip_prefix("id:") else {
                continue;
            };
            let seq: i64 = id.trim().parse().unwrap();
            assert_eq!(seq, read + 1, "an event is missing, or came twice");
            read = seq;
            if read >= last.load(Ordering::SeqCst) {
                break;
            }
        }
    }
    read
}

/// Asks one thing after the other on one connection, until all is over.
fn poll(socket: &Path, number: usize, signs: &Signs) {
    const WHAT: [&str; 4] = [path::STATUS, path::PACKS, path::JOBS, path::METRICS];
    let request = Request::get(WHAT[number % WHAT.len()]).bytes();
    while !signs.are_over_within(Duration::ZERO) {
        let Ok(mut connection) = Connection::open(socket) else {
            signs.while_dead();
            continue;
        };
        while !signs.are_over_within(POLL_EVERY) {
            let answer = connection.send(&request).and_then(|()| connection.answer());
            let Ok(answer) = answer else { break };
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
}

/// Each request, sent once more under its key, is the same job.
fn known(socket: &Path, signs: &Signs, ledger: &BTreeMap<i64, Asked>) {
    for (id, (key, request)) in ledger {
        let answer = until_answered(
            socket,
            signs,
            &request.clone().header("Idempotency-Key", key),
        );
        assert_eq!(answer["id"], *id, "`{key}` was a job already");
    }
}

/// Holds what is left against what the ledger says must be.
fn judge(
    packd: &Packd,
    ledger: &BTreeMap<i64, Asked>,
    names: &[String],
    active: &BTreeMap<String, String>,
) {
    let faults = sound::faults(&packd.state_dir());
    assert!(faults.is_empty(), "{faults:#?}");
    let mut wanted = BTreeMap::from([(names[0].clone(), "2.0.0".to_owned())]);
    for (_, request) in ledger.values() {
        if request.method == "DELETE" {
            wanted.remove(request.target.rsplit('/').next().unwrap());
        } else {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let (name, version) = body["source"].as_str().unwrap().split_once('@').unwrap();
            wanted.insert(name.to_owned(), version.to_owned());
        }
    }
    // the last request of all, which asks for any version, found or brought one
    wanted
        .entry(names[0].clone())
        .or_insert_with(|| "2.0.0".to_owned());
    assert_eq!(
        *active, wanted,
        "jobs on one pack run in their order, and each once"
    );

    let database = Database::open(packd.state_dir().join("packd.db")).unwrap();
    let mut jobs = database
        .prepare("SELECT id, status FROM job ORDER BY id")
        .unwrap();
    let jobs = jobs.query_map([], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    let jobs: BTreeMap<i64, String> = jobs.unwrap().map(Result::unwrap).collect();
    for id in ledger.keys() {
        let status = jobs.get(id).map(String::as_str);
        assert_eq!(status, Some("succeeded"), "job {id}");
    }
    let twice = "SELECT count(*) FROM (SELECT 1 FROM event WHERE job IS NOT NULL AND kind IN
                 ('pack_installed', 'pack_updated', 'pack_removed', 'generation_activated')
                 GROUP BY job, kind HAVING count(*) > 1)";
    let twice: i64 = database.query_row(twice, [], |row| row.get(0)).unwrap();
    assert_eq!(twice, 0, "jobs that had their effect twice");
}

fn active(packd: &Packd) -> BTreeMap<String, String> {
    let list: PackList = packd.get(path::PACKS).expect(200).json();
    let packs = list.packs.into_iter();
    packs.map(|pack| (pack.pack_ref, pack.version)).collect()
}

fn newest(packd: &Packd) -> i64 {
    let job = packd.ctl(["-j", "install", "pack000"]).success().job();
    assert_eq!(job.status, JobStatus::Succeeded);
    let events = packd.wait_for(job.id, |event| {
        event.kind == packd_wire::EventKind::JobSucceeded
    });
    events.iter().filter_map(|event| event.seq).max().unwrap()
}

fn descriptors(packd: &Packd) -> usize {
    sound::names(Path::new(&format!("/proc/{}/fd", packd.pid()))).len()
}

/// How many descriptors packd has once it has closed what it can, or has had the time to.
fn descriptors_at_rest(packd: &Packd, before: usize) -> usize {
    let end = Instant::now() + PATIENCE;
    while descriptors(packd) > before && Instant::now() < end {
        // it is busy with this for a moment, and with nothing else
        packd.get(path::STATUS).expect(200);
    }
    descriptors(packd)
}

fn resident(packd: &Packd) -> u64 {
    let status = fs_err::read_to_string(format!("/proc/{}/status", packd.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
