//! Watching a daemon's system calls, and interfering with one of them.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::{self, JoinHandle},
    time::Instant,
};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

/// A way to run a program under strace(1), which needs the right to trace.
#[derive(Debug)]
pub struct Strace {
    options: Vec<String>,
    record: Option<Record>,
    /// Where strace says which calls it interfered with.
    said: Option<TempDir>,
}

/// A pipe that strace writes to: its end is the tracer's end, which is not our child's.
#[derive(Debug)]
struct Record {
    folder: TempDir,
    reader: JoinHandle<String>,
}

/// One system call of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The thread that made it.
    pub thread: u32,
    /// Its name.
    pub name: String,
    /// The texts among its arguments, in order.
    pub texts: Vec<String>,
    /// The paths of the descriptors among them, where they are recorded.
    pub files: Vec<String>,
}

/// Where to interfere: a path as the program writes it, and which call on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The path.
    pub path: String,
    /// The how manieth such call of one thread, from 1.
    pub nth: usize,
}

impl Strace {
    /// Records these system calls, separated by commas, and disturbs nothing.
    #[must_use]
    pub fn recording(calls: &str) -> Self {
        Self::recording_with(calls, &[])
    }

    /// The same, with the paths of descriptors, and nothing of what is written.
    #[must_use]
    pub fn recording_files(calls: &str) -> Self {
        Self::recording_with(calls, &["-y", "-s", "0"])
    }

    fn recording_with(calls: &str, more: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("packd-strace-")
            .tempdir()
            .unwrap();
        let pipe = folder.path().join("calls");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let reader = thread::spawn(move || fs_err::read_to_string(pipe).unwrap());
        let mut options = vec!["-e".into(), format!("trace={calls}")];
        options.extend(more.iter().map(ToString::to_string));
        Self {
            options,
            record: Some(Record { folder, reader }),
            said: None,
        }
    }

    /// Kills the daemon when one of its threads begins such a call at this point.
    #[must_use]
    pub fn killing_at(calls: &str, point: &Point) -> Self {
        Self::injecting(calls, point, "signal=KILL")
    }

    /// Lets such a call at this point fail with this error, such as `ENOSPC`.
    #[must_use]
    pub fn failing_at(calls: &str, point: &Point, error: &str) -> Self {
        Self {
            said: Some(tempfile::tempdir().unwrap()),
            ..Self::injecting(calls, point, &format!("error={error}"))
        }
    }

    /// Lets such a call at this point happen, and holds its thread before it goes on.
    #[must_use]
    pub fn holding_after(calls: &str, point: &Point) -> Self {
        let microseconds = super::process::PATIENCE.as_micros() * 2;
        Self::injecting(calls, point, &format!("delay_exit={microseconds}"))
    }

    /// What was recorded, once the daemon has ended.
    #[must_use]
    pub fn calls(self) -> Vec<Call> {
        let record = self.record.expect("recording");
        let text = record.reader.join().unwrap();
        text.lines().filter_map(call).collect()
    }

    /// Whether a call has failed so far, as it was to. strace says so before the program goes on.
    #[must_use]
    pub fn has_failed_one(&self) -> bool {
        let said = self.said.as_ref().map(|folder| folder.path().join("calls"));
        said.is_some_and(|file| fs_err::read_to_string(file).unwrap().contains("(INJECTED)"))
    }

    /// What comes before the program on the command line.
    ///
    /// `-D` leaves the program our child, and makes strace a stranger to us.
    #[must_use]
    pub fn prefix(&self) -> Vec<OsString> {
        let recorded = self.record.as_ref().map(|record| &record.folder);
        let output = recorded.or(self.said.as_ref()).map_or_else(
            || PathBuf::from("/dev/null"),
            |folder| folder.path().join("calls"),
        );
        let mut prefix: Vec<OsString> = ["strace", "-D", "-f", "-qq", "-s", "4096", "-o"]
            .map(OsString::from)
            .into();
        prefix.push(output.into());
        prefix.extend(self.options.iter().map(OsString::from));
        prefix
    }

    fn injecting(calls: &str, point: &Point, fault: &str) -> Self {
        let options = vec![
            "-P".into(),
            point.path.clone(),
            "-e".into(),
            format!("trace={calls}"),
            "-e".into(),
            format!("inject={calls}:{fault}:when={}", point.nth),
        ];
        Self {
            options,
            record: None,
            said: None,
        }
    }
}

/// While it lives, all such calls of a running program fail.
#[derive(Debug)]
pub struct Failing(Child);

impl Failing {
    /// Lets these calls, separated by commas, of the program `pid` fail with this error; in force when this returns.
    #[must_use]
    pub fn of(pid: u32, calls: &str, error: &str) -> Self {
        let child = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("trace={calls}"))
            .arg("-e")
            .arg(format!("inject={calls}:error={error}"))
            .arg("-p")
            .arg(pid.to_string())
            .spawn()
            .unwrap();
        // it is in force for each thread once that has stopped for it
        let traced = |task: &Path| {
            let status = fs_err::read_to_string(task.join("status")).unwrap_or_default();
            !status.contains("TracerPid:\t0\n")
        };
        let tasks = || fs_err::read_dir(format!("/proc/{pid}/task")).unwrap();
        let deadline = Instant::now() + super::process::PATIENCE;
        while !tasks().all(|task| traced(&task.unwrap().path())) {
            assert!(Instant::now() < deadline, "strace does not come");
            thread::yield_now();
        }
        Self(child)
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// The points at which a file of this name was touched, in order.
///
/// A rename to it is found again by the old name: strace does not match the path of a symlink that
/// exists when it starts, only what the link leads to.
#[must_use]
pub fn points(calls: &[Call], file_name: &str) -> Vec<Point> {
    let named = |text: &String| {
        Path::new(text)
            .file_name()
            .is_some_and(|name| name == file_name)
    };
    let mut points = Vec::new();
    for (position, call) in calls.iter().enumerate() {
        if !call.texts.last().is_some_and(named) {
            continue;
        }
        let path = &call.texts[0];
        let earlier = &calls[..position];
        let nth = earlier
            .iter()
            .filter(|c| c.thread == call.thread && c.texts.contains(path));
        points.push(Point {
            path: path.clone(),
            nth: nth.count() + 1,
        });
    }
    points
}

/// Reads a line such as `4711 renameat(3, "a", 3, "b") = 0`.
fn call(line: &str) -> Option<Call> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, arguments) = rest.trim_start().split_once('(')?;
    // the other half of a call that was seen begin: `<... accept4 resumed>`
    if name.starts_with('<') {
        return None;
    }
    let texts = arguments
        .split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    // `fsync(3</state/packd.db>) = 0`
    let outside = arguments.split('"').step_by(2);
    let files = outside.flat_map(|part| part.split('<').skip(1));
    let files = files.filter_map(|part| Some(part.split_once('>')?.0.to_owned()));
    Some(Call {
        thread: thread.parse().ok()?,
        name: name.to_owned(),
        files: files.collect(),
        texts,
    })
}
