//! Who is on the other end of a connection, as the kernel says.
//!
//! Read once per connection and attached to it as a typed value; nothing that a client sends can
//! become part of it. What a peer may do is decided in `access`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use packd_wire::Requester;
use tokio::net::UnixStream;

use super::directory::Names;

/// More groups than any host gives one user (`NGROUPS_MAX`).
const MOST_GROUPS: usize = 65_536;

/// The process that connected, with the credentials it had at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// User id.
    pub(crate) uid: u32,
    /// Process id, when the kernel knows it in our namespace.
    pub(crate) pid: Option<i32>,
    /// Every group it was in, the primary one first.
    pub(crate) groups: Vec<u32>,
    /// Login name, when `/etc/passwd` has one.
    pub(crate) user: Option<String>,
}

impl Peer {
    /// Asks the kernel who connected.
    ///
    /// # Errors
    /// When the socket is no longer connected: there is nobody to talk to then.
    pub(crate) fn of(stream: &UnixStream, names: &Names) -> io::Result<Self> {
        let credentials = stream.peer_cred()?;
        let mut groups = vec![credentials.gid()];
        // a kernel without the option leaves the primary group, which takes rights away, never gives
        groups.extend(supplementary_groups(stream).unwrap_or_default());
        Ok(Self {
            uid: credentials.uid(),
            pid: credentials.pid(),
            groups,
            user: names.user(credentials.uid()),
        })
    }

    /// The same as it is recorded with jobs and in the audit.
    pub(crate) fn requester(&self, agent: Option<String>) -> Requester {
        Requester {
            uid: self.uid,
            user: self.user.clone(),
            pid: self.pid,
            agent,
        }
    }

    /// What to call it in a message.
    pub(crate) fn name(&self) -> String {
        match &self.user {
            Some(user) => format!("user `{user}`"),
            None => format!("uid {}", self.uid),
        }
    }
}

/// `SO_PEERGROUPS`: the supplementary groups that the peer had when it connected.
fn supplementary_groups(stream: &UnixStream) -> io::Result<Vec<u32>> {
    use std::os::fd::AsFd as _;
    let socket = stream.as_fd();
    let mut groups = vec![0_u32; 64];
    loop {
        match peer_groups(socket, &mut groups) {
            Ok(found) => {
                groups.truncate(found);
                return Ok(groups);
            }
            Err(error)
                if error.raw_os_error() == Some(libc::ERANGE) && groups.len() < MOST_GROUPS =>
            {
                groups.resize(groups.len() * 8, 0);
            }
            Err(error) => return Err(error),
        }
    }
}

/// One call of `getsockopt(SO_PEERGROUPS)`; answers how many groups it wrote.
#[expect(
    unsafe_code,
    reason = "no safe crate wraps SO_PEERGROUPS; docs/adr/0001"
)]
fn peer_groups(socket: BorrowedFd<'_>, groups: &mut [u32]) -> io::Result<usize> {
    let mut bytes = libc::socklen_t::try_from(size_of_val(groups))
        .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    // SAFETY: the descriptor is open for the length of the borrow. `groups` is valid for writes of
    // `bytes` bytes, which is its exact size; the kernel writes whole `gid_t`s, which are `u32`, for
    // which every bit pattern is valid, and stores in `bytes` how much it wrote.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut bytes,
        )
    };
    if result == 0 {
        Ok(usize::try_from(bytes).unwrap_or_default() / size_of::<libc::gid_t>())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn the_kernel_names_this_process_and_all_its_groups() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = Peer::of(&ours, &Names::default()).unwrap();
        assert_eq!(peer.uid, rustix::process::getuid().as_raw(), "our own uid");
        assert_eq!(
            peer.pid,
            Some(std::process::id().try_into().unwrap()),
            "our own pid"
        );
        assert_eq!(
            peer.groups[0],
            rustix::process::getgid().as_raw(),
            "the primary group is first"
        );
        let mut expected: Vec<u32> = rustix::process::getgroups()
            .unwrap()
            .iter()
            .map(|group| group.as_raw())
            .collect();
        let mut found = peer.groups[1..].to_vec();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "the supplementary groups follow");
    }
}
