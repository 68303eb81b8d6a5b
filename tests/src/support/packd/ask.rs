//! What is asked of a daemon: by packctl, over the socket, as somebody else.

use std::{ffi::OsStr, process::Command};

use packd_wire::{EventView, JobView, path};

use super::Packd;
use crate::support::{
    events::{EventStream, Framing},
    http::{self, Answer, Request},
    openapi::Contract,
    people::Person,
    process::Ran,
    programs,
};

impl Packd {
    /// Runs packctl.
    pub fn ctl<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ran {
        Ran::of(&mut self.ctl_command(arguments))
    }

    /// The same, not started yet.
    pub fn ctl_command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new(programs::packctl());
        command.args(arguments);
        self.clear(&mut command);
        command.env("PACKD_SOCKET", self.socket());
        command
    }

    /// Runs packctl as someone else.
    pub fn ctl_as<I: AsRef<OsStr>>(
        &self,
        person: &Person,
        arguments: impl IntoIterator<Item = I>,
    ) -> Ran {
        // where it was built, others may not be allowed to go
        let program = self.folder.path().join("packctl");
        if !program.exists() {
            fs_err::copy(programs::packctl(), &program).unwrap();
        }
        let mut command = person.command(program);
        command.args(arguments);
        self.clear(&mut command);
        command.env("PACKD_SOCKET", self.socket());
        Ran::of(&mut command)
    }

    /// Asks over the socket, and checks question and answer against the description of the API.
    pub fn ask(&self, request: &Request) -> Answer {
        let answer = http::ask(&self.socket(), request);
        Contract::get().check(&request.method, &request.target, &answer);
        answer
    }

    /// `GET`, as [`Packd::ask`].
    pub fn get(&self, target: &str) -> Answer {
        self.ask(&Request::get(target))
    }

    /// `POST` of a JSON document, as [`Packd::ask`].
    pub fn post(&self, target: &str, body: &serde_json::Value) -> Answer {
        self.ask(&Request::post(target, body))
    }

    /// Asks as someone else, through curl; checked as in [`Packd::ask`].
    pub fn ask_as(&self, person: &Person, request: &Request) -> Answer {
        let mut command = person.command("curl");
        self.clear(&mut command);
        command
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                "--unix-socket",
            ])
            .arg(self.socket())
            .args([
                "-H",
                "Accept:",
                "-o",
                "-",
                "-w",
                "\n%{http_code} %{content_type}",
            ])
            .args(["-X", &request.method]);
        for (name, value) in &request.headers {
            command.arg("-H").arg(format!("{name}: {value}"));
        }
        if request.method != "GET" {
            let body = String::from_utf8(request.body.clone()).unwrap();
            command.arg("--data-binary").arg(body);
        }
        command.arg(format!("http://packd{}", request.target));
        let ran = Ran::of(&mut command);
        ran.success();
        let (body, trailer) = ran.stdout().rsplit_once('\n').unwrap();
        let (status, content_type) = trailer.split_once(' ').unwrap();
        let answer = Answer {
            status: status.parse().unwrap(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        Contract::get().check(&request.method, &request.target, &answer);
        answer
    }

    /// Follows events as server-sent events.
    #[must_use]
    pub fn events(&self, query: &str) -> EventStream {
        EventStream::open(&self.socket(), Framing::Sse, query, &[])
    }

    /// Everything that happened to a job so far, and on until an event of it is as wanted.
    pub fn wait_for(&self, job: i64, wanted: impl FnMut(&EventView) -> bool) -> Vec<EventView> {
        let query = format!("?since=0&job={job}");
        let mut stream = EventStream::open(&self.socket(), Framing::Ndjson, &query, &[]);
        stream.until(wanted)
    }

    /// One job as it is now.
    #[must_use]
    pub fn job(&self, id: i64) -> JobView {
        self.get(&path::job(id)).expect(200).json()
    }

    /// One job, once it has ended.
    #[must_use]
    pub fn finished(&self, id: i64) -> JobView {
        // the daemon holds the answer; a few rounds cover its longest hold
        for _ in 0..6 {
            let answer = self.get(&format!("{}?wait=20", path::job_wait(id)));
            let job: JobView = answer.json();
            if job.status.is_finished() {
                return job;
            }
        }
        panic!("job {id} does not end: {:#?}\n{}", self.job(id), self.log());
    }
}
