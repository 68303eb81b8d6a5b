//! The service manager's end of the notify protocol (`sd_notify(3)`).

use std::{
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::process::readable;

/// A bound notify socket, and every line that was sent to it.
#[derive(Debug)]
pub struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<String>,
}

impl NotifySocket {
    /// Binds the socket anew.
    #[must_use]
    pub fn bind(path: &Path) -> Self {
        let _gone_or_never_there = fs_err::remove_file(path);
        let socket = UnixDatagram::bind(path).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            path: path.to_owned(),
            heard: Vec::new(),
        }
    }

    /// What `NOTIFY_SOCKET` is set to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every line heard so far, in order.
    pub fn heard(&mut self) -> &[String] {
        self.listen();
        &self.heard
    }

    /// Waits for a line that begins so; `None` when the sender ended or the patience did.
    ///
    /// A line that was heard earlier counts.
    pub fn wait_for(&mut self, child: &Child, start: &str, patience: Duration) -> Option<String> {
        let until = Instant::now() + patience;
        // a child that has been reaped has no descriptor, and nothing more to say
        let end = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()?;
        loop {
            self.listen();
            if let Some(line) = self.heard.iter().find(|line| line.starts_with(start)) {
                return Some(line.clone());
            }
            let left = until.saturating_duration_since(Instant::now());
            let ready = readable(&[&self.socket, &end], left);
            if !ready[0] {
                return None;
            }
        }
    }

    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            self.heard.extend(message.lines().map(str::to_owned));
        }
    }
}
