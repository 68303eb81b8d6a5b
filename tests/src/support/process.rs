//! Running a program to its end, within a deadline.

use std::{
    fs::File,
    io::{Read, Seek},
    os::fd::AsFd,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use packd_wire::JobView;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use serde::de::DeserializeOwned;

/// The longest that a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A program that has ended.
#[derive(Debug)]
#[must_use = "whether it succeeded is not known yet"]
pub struct Ran {
    line: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// Runs a program without input until it ends.
    ///
    /// Its output goes to files, so that no full pipe can hold it.
    pub fn of(command: &mut Command) -> Self {
        Self::within(command, PATIENCE)
    }

    /// The same for one that may take longer, or must not take as long.
    pub fn within(command: &mut Command, patience: Duration) -> Self {
        let line = format!("{command:?}");
        let mut stdout = tempfile::tempfile().unwrap();
        let mut stderr = tempfile::tempfile().unwrap();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(stdout.try_clone().unwrap())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let Some(status) = wait(&mut child, patience) else {
            let _killed_or_gone = child.kill();
            let _reaped = child.wait();
            panic!(
                "{line} did not end within {patience:?}; it said:\n{}{}",
                text(&mut stdout),
                text(&mut stderr)
            );
        };
        Self {
            line,
            status,
            stdout: text(&mut stdout),
            stderr: text(&mut stderr),
        }
    }

    /// Insists on exit code 0.
    pub fn success(&self) -> &Self {
        self.failure(0)
    }

    /// Insists on this exit code.
    pub fn failure(&self, code: i32) -> &Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{} ended with {}, expected exit code {code}\n--- stdout\n{}--- stderr\n{}",
            self.line,
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The exit code, if it exited.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// What it wrote to its standard output.
    #[must_use]
    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    /// What it wrote to its standard error.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Its standard output as one JSON document.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!(
                "{} did not print the expected JSON: {error}\n--- stdout\n{}--- stderr\n{}",
                self.line, self.stdout, self.stderr
            )
        })
    }

    /// Its standard output as a job.
    #[must_use]
    pub fn job(&self) -> JobView {
        self.json()
    }

    /// Insists that standard output or standard error contains a text.
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "{} should have said {text:?}\n--- stdout\n{}--- stderr\n{}",
            self.line,
            self.stdout,
            self.stderr
        );
        self
    }
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for the end of a child; `None` when the patience is over first.
pub fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    if let Some(status) = child.try_wait().unwrap() {
        return Some(status);
    }
    let end = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    if !readable(&[&end], patience)[0] {
        return None;
    }
    // it has ended; where a tracer is its first reader, we get the status a moment later
    Some(child.wait().unwrap())
}

/// Waits until one of the descriptors can be read, and says which can.
#[must_use]
pub fn readable(descriptors: &[&dyn AsFd], patience: Duration) -> Vec<bool> {
    let until = Instant::now() + patience;
    let mut polled: Vec<_> = descriptors
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN))
        .collect();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(&mut polled, Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            ready => {
                ready.unwrap();
                return polled.iter().map(|fd| !fd.revents().is_empty()).collect();
            }
        }
    }
}
