//! A client that is told nothing when packd dies, and asks again under the same key.

use std::{io, time::Instant};

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
                // packd may be about to say something else
                std::thread::yield_now();
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
