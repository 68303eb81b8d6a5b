//! A client that is told nothing when packd dies, and asks again under the same key.

use std::{
    io,
    time::{Duration, Instant},
};

use packd_tests::{Connection, PATIENCE, Packd, Request};
use packd_wire::{JobView, Problem, path};

/// What came of asking.
#[derive(Debug)]
pub enum Said {
    /// Nothing: the connection ended.
    Nothing(io::Error),
    /// A refusal.
    Refused(Box<Problem>),
    /// A job, which may go on.
    Job(Box<JobView>),
}

/// Asks once under a key, and lets the daemon hold the answer until the job has ended.
pub fn ask(packd: &Packd, request: &Request, key: &str) -> Said {
    let mut request = request.clone().header("Idempotency-Key", key);
    request.target.push_str("?wait=20");
    said(packd, &request)
}

/// Asks under a key until there is a job that has ended.
pub fn insist(packd: &Packd, request: &Request, key: &str) -> JobView {
    let end = Instant::now() + PATIENCE;
    let mut last = ask(packd, request, key);
    while Instant::now() < end {
        last = match last {
            Said::Job(job) if job.status.is_finished() => return *job,
            Said::Job(job) => {
                let target = format!("{}?wait=20", path::job_wait(job.id));
                said(packd, &Request::get(&target))
            }
            Said::Refused(_) | Said::Nothing(_) => {
                // what is refused for a moment only is not asked for all the time
                std::thread::sleep(Duration::from_millis(100));
                ask(packd, request, key)
            }
        };
    }
    panic!("no job has ended: {last:#?}\n{}", packd.log());
}

fn said(packd: &Packd, request: &Request) -> Said {
    let answer = Connection::open(&packd.socket()).and_then(|mut connection| {
        connection.send(&request.bytes())?;
        connection.answer()
    });
    match answer {
        Err(error) => Said::Nothing(error),
        Ok(answer) if answer.status < 400 => Said::Job(Box::new(answer.json())),
        Ok(answer) => Said::Refused(Box::new(answer.json())),
    }
}
