//! A daemon of the test's own: how it begins and ends.

mod ask;
mod look;

use std::{
    ffi::{OsStr, OsString},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    notify::NotifySocket,
    people::Person,
    process::{self, PATIENCE},
    programs,
    settings::Settings,
    strace::Strace,
};

/// How long a daemon may take to stop when asked to.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A daemon with its own folders, and what can be done with it.
#[derive(Debug)]
pub struct Packd {
    folder: TempDir,
    environment: Vec<(OsString, OsString)>,
    /// Where the program is, if not where it was built.
    program: Option<PathBuf>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    notify: NotifySocket,
}

impl Packd {
    /// Starts a daemon with this configuration, and waits until it says READY.
    #[must_use]
    pub fn start(settings: &Settings) -> Self {
        let mut packd = Self::prepare(settings);
        packd.begin();
        packd
    }

    /// Makes the folders and the configuration, and starts nothing yet.
    #[must_use]
    pub fn prepare(settings: &Settings) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("packd-e2e-")
            .tempdir()
            .unwrap();
        // other users must be able to reach the socket: temporary folders are private
        fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        for name in ["run", "state", "home"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        let packd = Self {
            folder,
            environment: Vec::new(),
            program: None,
            running: None,
        };
        packd.configure(settings);
        packd
    }

    /// Writes another configuration; the running daemon does not know it yet.
    pub fn configure(&self, settings: &Settings) {
        self.configure_text(&settings.text());
    }

    /// The same, word by word.
    pub fn configure_text(&self, text: &str) {
        fs_err::write(self.config_file(), text).unwrap();
    }

    /// Gives the daemon one more variable, from its next start on.
    pub fn with_environment(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.environment
            .push((name.into(), value.as_ref().to_owned()));
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.path().join("packd.yaml")
    }

    /// The state folder.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/packd.sock")
    }

    /// What the daemon logged so far, all its starts together.
    #[must_use]
    pub fn log(&self) -> String {
        fs_err::read_to_string(self.folder.path().join("packd.log")).unwrap_or_default()
    }

    /// The daemon's command line.
    #[must_use]
    pub fn command_line(&self) -> Vec<OsString> {
        vec![
            self.program.clone().unwrap_or_else(programs::packd).into(),
            "--config".into(),
            self.config_file().into(),
            "--state-dir".into(),
            self.state_dir().into(),
            "--socket".into(),
            self.socket().into(),
        ]
    }

    /// A command with nothing in its environment but what the daemon gets.
    #[must_use]
    pub fn bare(&self, line: &[OsString]) -> Command {
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]);
        self.clear(&mut command);
        command
    }

    /// Starts the daemon, and waits until it says READY.
    pub fn begin(&mut self) {
        self.begin_with(&[]);
    }

    /// The same under strace.
    pub fn begin_under(&mut self, strace: &Strace) {
        self.begin_with(&strace.prefix());
    }

    /// Starts the daemon through another program, whose words these are, and waits until it says READY.
    pub fn begin_through(&mut self, words: &[&str]) {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        self.begin_with(&words);
    }

    /// Starts the daemon as someone else, whose all its folders become, and waits until it says READY.
    pub fn begin_as(&mut self, person: &Person) {
        // where it was built, others may not be allowed to go
        let program = self.folder.path().join("packd");
        fs_err::copy(programs::packd(), &program).unwrap();
        self.program = Some(program);
        let owned = [".", "run", "state", "home", "packd.yaml"];
        for path in owned.map(|path| self.folder.path().join(path)) {
            fs_err::os::unix::fs::chown(path, Some(person.uid), Some(person.uid)).unwrap();
        }
        self.begin_with(&person.prefix());
    }

    /// Starts the daemon, expecting that it ends by itself before it says READY.
    pub fn begin_in_vain(&mut self) -> ExitStatus {
        let mut running = self.spawn(&[]);
        let status = process::wait(&mut running.child, PATIENCE);
        let status = status.unwrap_or_else(|| {
            let _already_gone = running.child.kill();
            panic!("packd runs, and should have refused to:\n{}", self.log())
        });
        let ready = running.notify.heard().iter().any(|line| line == "READY=1");
        assert!(!ready, "packd said READY and then ended:\n{}", self.log());
        status
    }

    /// Starts the daemon; false when it ended by itself, or was killed, before it said READY.
    pub fn begins(&mut self) -> bool {
        self.begins_with(&[])
    }

    /// The same under strace.
    pub fn begins_under(&mut self, strace: &Strace) -> bool {
        self.begins_with(&strace.prefix())
    }

    /// The same through another program, whose words these are.
    pub fn begins_through(&mut self, words: &[&str]) -> bool {
        let words: Vec<OsString> = words.iter().map(Into::into).collect();
        self.begins_with(&words)
    }

    fn begins_with(&mut self, prefix: &[OsString]) -> bool {
        let mut running = self.spawn(prefix);
        let ready = running.notify.wait_for(&running.child, "READY=1", PATIENCE);
        if ready.is_none() {
            // it has ended, or has been given up
            let _already_gone = running.child.kill();
            running.child.wait().unwrap();
            return false;
        }
        self.running = Some(running);
        true
    }

    fn begin_with(&mut self, prefix: &[OsString]) {
        let mut running = self.spawn(prefix);
        let ready = running.notify.wait_for(&running.child, "READY=1", PATIENCE);
        self.running = Some(running);
        assert!(
            ready.is_some(),
            "packd did not become ready:\n{}",
            self.log()
        );
    }

    fn spawn(&self, prefix: &[OsString]) -> Running {
        assert!(self.running.is_none(), "packd runs already");
        let notify = NotifySocket::bind(&self.folder.path().join("run/notify"));
        // the daemon may be somebody else than the test
        fs_err::set_permissions(notify.path(), PermissionsExt::from_mode(0o777)).unwrap();
        let line = [prefix, &self.command_line()].concat();
        let log = fs_err::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.folder.path().join("packd.log"))
            .unwrap();
        let mut command = self.bare(&line);
        command
            .env("NOTIFY_SOCKET", notify.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.file().try_clone().unwrap())
            .stderr(log.file().try_clone().unwrap());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {line:?}: {error}"));
        Running { child, notify }
    }

    fn clear(&self, command: &mut Command) {
        command
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", self.folder.path().join("home"))
            .env("RUST_BACKTRACE", "1")
            .current_dir(self.folder.path().join("home"));
    }

    /// Ends it as a power cut would: SIGKILL.
    pub fn kill(&mut self) {
        let mut running = self.running.take().expect("packd runs");
        let tracer = tracer_of(running.child.id());
        running.child.kill().unwrap();
        if let Some(tracer) = tracer {
            // it would see the end only when the call that it holds back is due
            let _already_gone = kill_process(tracer, Signal::KILL);
        }
        running.child.wait().unwrap();
    }

    /// Ends it as [`Packd::kill`] does, after so long.
    pub fn wait_and_kill(&mut self, after: Duration) {
        let running = self.running.as_mut().expect("packd runs");
        let ended = process::wait(&mut running.child, after);
        assert!(ended.is_none(), "packd ended by itself: {ended:?}");
        self.kill();
    }

    /// Insists that it was killed by what the test arranged.
    pub fn wait_for_death(&mut self) {
        let mut running = self.running.take().expect("packd runs");
        let status = process::wait(&mut running.child, PATIENCE);
        let Some(status) = status else {
            running.child.kill().unwrap();
            panic!("packd lives, and should have been killed:\n{}", self.log());
        };
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(
            signal,
            Some(9),
            "packd ended with {status}:\n{}",
            self.log()
        );
    }

    /// Asks it to stop (SIGTERM), and insists that it does so in time, with exit code 0.
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
        let mut running = self.running.take().expect("packd runs");
        let Some(status) = process::wait(&mut running.child, STOP_WITHIN) else {
            running.child.kill().unwrap();
            panic!("packd did not stop within {STOP_WITHIN:?}:\n{}", self.log());
        };
        assert!(
            status.success(),
            "packd stopped with {status}:\n{}",
            self.log()
        );
    }

    /// Asks it to stop, if it runs, and says how it ended.
    pub fn ends(&mut self) -> Option<ExitStatus> {
        let mut running = self.running.take()?;
        if running.child.try_wait().unwrap().is_none() {
            let _already_gone = kill_process(Pid::from_child(&running.child), Signal::TERM);
        }
        let status = process::wait(&mut running.child, PATIENCE);
        if status.is_none() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
            panic!("packd did not stop within {PATIENCE:?}:\n{}", self.log());
        }
        status
    }

    /// Whether it runs: it may have been killed by what the test arranged.
    pub fn is_running(&mut self) -> bool {
        let child = self.running.as_mut().map(|running| &mut running.child);
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let running = self.running.as_ref().expect("packd runs");
        kill_process(Pid::from_child(&running.child), signal).unwrap();
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("packd runs").child.id()
    }

    /// Stops it in good order, if it runs, and starts it again.
    pub fn restart(&mut self) {
        if self.running.is_some() {
            self.terminate();
        }
        self.begin();
    }

    /// Waits for a line to the service manager that begins so.
    pub fn notifies(&mut self, start: &str) -> String {
        let running = self.running.as_mut().expect("packd runs");
        let heard = running.notify.wait_for(&running.child, start, PATIENCE);
        heard.unwrap_or_else(|| {
            panic!(
                "packd never said {start}, only {:?}",
                running.notify.heard()
            )
        })
    }

    /// Every line to the service manager since the last start.
    pub fn notified(&mut self) -> Vec<String> {
        self.running
            .as_mut()
            .expect("packd runs")
            .notify
            .heard()
            .to_vec()
    }

    /// Ends it with SIGTERM like [`Packd::terminate`], and says what it told the service manager.
    pub fn terminate_and_listen(&mut self) -> Vec<String> {
        self.signal(Signal::TERM);
        let running = self.running.as_mut().expect("packd runs");
        let status = process::wait(&mut running.child, STOP_WITHIN);
        let heard = running.notify.heard().to_vec();
        assert!(
            status.is_some_and(|status| status.success()),
            "packd stopped with {status:?}"
        );
        self.running = None;
        heard
    }
}

impl Drop for Packd {
    #[expect(
        clippy::print_stderr,
        reason = "a failed test shows what the daemon said"
    )]
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _already_gone = running.child.kill();
            let _reaped = running.child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(100)..];
            eprintln!("--- packd's log\n{}\n---", last.join("\n"));
        }
    }
}

/// Who traces a process.
fn tracer_of(pid: u32) -> Option<Pid> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    Pid::from_raw(line.unwrap().trim().parse().unwrap())
}
