//! What a peer may do: a pure function of the kernel's credentials and the configuration.
//!
//! The first rule that matches wins, and what no rule allows is denied. Which route needs which role
//! is in `routes`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use packd_wire::Role;

use super::directory::{Directory, Names};
use super::peer::Peer;
use crate::config::{self, Access as Section, Config, Environment, Readers};

/// The user that packs' tests are run as where packd is root: no code of a pack gets to use the API.
const TEST_USER: &str = "packd-test";

/// The uid that the kernel shows when it cannot show the real one: nobody in particular.
const OVERFLOW_UID: u32 = 65_534;

/// Who started the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// systemd: its uid is a service's, which has no business at its own socket.
    BySystemd,
    /// A person, who is the admin of what they started.
    ByHand,
}

impl Started {
    /// Who started the process with this environment and pid. systemd says so to the process that it
    /// started itself, and to no child of it; a user's own systemd is that person.
    pub(crate) fn of(environment: &Environment, pid: u32) -> Self {
        let is_its_process = environment
            .get("SYSTEMD_EXEC_PID")
            .is_some_and(|text| text.parse() == Ok(pid));
        let is_a_persons = environment.get("MANAGERPID").is_some();
        if is_its_process && !is_a_persons {
            Self::BySystemd
        } else {
            Self::ByHand
        }
    }
}

/// The configured groups as numbers, and the two uids with a rule of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Groups whose members are admins.
    pub(crate) admins: Vec<u32>,
    /// Groups whose members are operators.
    pub(crate) operators: Vec<u32>,
    /// Who else may look.
    pub(crate) readers: Readers,
    /// The daemon's own uid.
    pub(crate) own_uid: u32,
    /// That of the tests of packs, if there is one.
    test_uid: Option<u32>,
    /// Who started it.
    pub(crate) started: Started,
}

impl Policy {
    /// The policy of a configuration; a group that does not exist has no members.
    pub(crate) fn new(section: &Section, names: &Names, own_uid: u32, started: Started) -> Self {
        let numbers = |groups: &[String]| {
            groups
                .iter()
                .filter_map(|group| names.group(group))
                .collect()
        };
        Self {
            admins: numbers(&section.admin_groups),
            operators: numbers(&section.operator_groups),
            readers: section.readers,
            own_uid,
            test_uid: names.uid(TEST_USER).filter(|uid| *uid != 0),
            started,
        }
    }

    /// What this peer may do.
    pub(crate) fn role(&self, peer: &Peer) -> Role {
        let member = |groups: &[u32]| groups.iter().any(|group| peer.groups.contains(group));
        if peer.uid == OVERFLOW_UID || Some(peer.uid) == self.test_uid {
            return Role::Denied;
        }
        if peer.uid == 0 {
            return Role::Admin;
        }
        if peer.uid == self.own_uid {
            return match self.started {
                Started::BySystemd => Role::Denied,
                Started::ByHand => Role::Admin,
            };
        }
        if member(&self.admins) {
            return Role::Admin;
        }
        if member(&self.operators) {
            return Role::Operator;
        }
        match self.readers {
            Readers::Everyone => Role::Reader,
            Readers::Operators => Role::Denied,
        }
    }
}

/// The policy in force: follows reloads of the configuration, and groups made after the start.
#[derive(Debug)]
pub(crate) struct Access {
    config: config::Shared,
    directory: Directory,
    own_uid: u32,
    started: Started,
    latest: Mutex<Latest>,
}

/// The names that were looked up last, and the policy that they and a configuration make.
#[derive(Debug, Default)]
struct Latest {
    names: Arc<Names>,
    policy: Option<(Arc<Config>, Arc<Policy>)>,
}

impl Access {
    /// The access rules of the configuration in force.
    pub(crate) fn new(config: config::Shared, directory: Directory, started: Started) -> Self {
        let own_uid = rustix::process::geteuid().as_raw();
        Self {
            config,
            directory,
            own_uid,
            started,
            latest: Mutex::default(),
        }
    }

    /// Looks users and groups up again, which is done for every connection: that is when a peer's groups
    /// are known. When they cannot be had within `patience`, those that are known already must do.
    pub(crate) async fn look(&self, patience: Duration) -> Arc<Names> {
        let looked = tokio::time::timeout(patience, self.directory.names()).await;
        let mut latest = self.latest();
        match looked {
            Ok(names) if Arc::ptr_eq(&names, &latest.names) => {}
            Ok(names) => {
                *latest = Latest {
                    names,
                    policy: None,
                }
            }
            Err(_) => {
                tracing::error!(
                    "cannot read the users and groups of this host; the old ones count"
                );
            }
        }
        Arc::clone(&latest.names)
    }

    /// What this peer may do now.
    pub(crate) fn role(&self, peer: &Peer) -> Role {
        self.policy().role(peer)
    }

    fn policy(&self) -> Arc<Policy> {
        let config = self.config.current();
        let mut latest = self.latest();
        match &latest.policy {
            Some((of, policy)) if Arc::ptr_eq(of, &config) => Arc::clone(policy),
            _ => {
                let policy = Policy::new(&config.access, &latest.names, self.own_uid, self.started);
                let policy = Arc::new(policy);
                latest.policy = Some((config, Arc::clone(&policy)));
                policy
            }
        }
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group that this peer could join for this role, as configured. Two uids are denied whatever
    /// groups they are in.
    pub(crate) fn group_for(&self, peer: &Peer, role: Role) -> Option<String> {
        if peer.uid == OVERFLOW_UID || peer.uid == self.own_uid {
            return None;
        }
        let config = self.config.current();
        let groups = match role {
            Role::Admin => &config.access.admin_groups,
            Role::Operator | Role::Reader => &config.access.operator_groups,
            Role::Denied => return None,
        };
        groups.first().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMINS: u32 = 991;
    const OPERATORS: u32 = 990;
    const OWN: u32 = 980;
    const TESTS: u32 = 979;

    /// Who, with which uid and groups; who may look; who started the daemon; the role.
    type Case = (&'static str, u32, &'static [u32], Readers, Started, Role);

    fn role(uid: u32, groups: &[u32], readers: Readers, started: Started) -> Role {
        let policy = Policy {
            admins: vec![ADMINS],
            operators: vec![OPERATORS],
            readers,
            own_uid: OWN,
            test_uid: Some(TESTS),
            started,
        };
        policy.role(&Peer {
            uid,
            pid: None,
            groups: groups.to_vec(),
            user: None,
        })
    }

    #[test]
    fn only_the_process_that_the_system_started_is_a_service() {
        let started =
            |variables: &[(&str, &str)]| Started::of(&variables.iter().copied().collect(), 42);
        assert_eq!(started(&[]), Started::ByHand, "no systemd at all");
        assert_eq!(
            started(&[("SYSTEMD_EXEC_PID", "42")]),
            Started::BySystemd,
            "its own process"
        );
        assert_eq!(
            started(&[("SYSTEMD_EXEC_PID", "7")]),
            Started::ByHand,
            "a shell in a service"
        );
        let user = [("SYSTEMD_EXEC_PID", "42"), ("MANAGERPID", "1")];
        assert_eq!(started(&user), Started::ByHand, "a person's own service");
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn the_first_rule_that_matches_decides() {
        use Readers::{Everyone, Operators};
        use Started::{ByHand, BySystemd};
        let table: &[Case] = &[
            ("root", 0, &[0], Everyone, BySystemd, Role::Admin),
            (
                "root in no group",
                0,
                &[],
                Operators,
                BySystemd,
                Role::Admin,
            ),
            (
                "a member of the admin group",
                1000,
                &[1000, ADMINS],
                Everyone,
                BySystemd,
                Role::Admin,
            ),
            (
                "a member of both groups",
                1000,
                &[1000, OPERATORS, ADMINS],
                Everyone,
                BySystemd,
                Role::Admin,
            ),
            (
                "a member of the operator group",
                1000,
                &[1000, OPERATORS],
                Everyone,
                BySystemd,
                Role::Operator,
            ),
            (
                "with it as the primary group",
                1000,
                &[OPERATORS],
                Everyone,
                BySystemd,
                Role::Operator,
            ),
            (
                "anybody else",
                1000,
                &[1000],
                Everyone,
                BySystemd,
                Role::Reader,
            ),
            (
                "anybody else, where they may not look",
                1000,
                &[1000],
                Operators,
                BySystemd,
                Role::Denied,
            ),
            (
                "an operator, where others may not look",
                1000,
                &[OPERATORS],
                Operators,
                BySystemd,
                Role::Operator,
            ),
            (
                "the service's own uid",
                OWN,
                &[OWN],
                Everyone,
                BySystemd,
                Role::Denied,
            ),
            (
                "the service's own uid in a group",
                OWN,
                &[OWN, ADMINS],
                Everyone,
                BySystemd,
                Role::Denied,
            ),
            (
                "the person who started it",
                OWN,
                &[OWN],
                Everyone,
                ByHand,
                Role::Admin,
            ),
            (
                "the same, where others may not look",
                OWN,
                &[OWN],
                Operators,
                ByHand,
                Role::Admin,
            ),
            (
                "the overflow uid",
                65_534,
                &[65_534],
                Everyone,
                BySystemd,
                Role::Denied,
            ),
            (
                "the overflow uid in a group",
                65_534,
                &[ADMINS],
                Everyone,
                ByHand,
                Role::Denied,
            ),
        ];
        for (who, uid, groups, readers, started, expected) in table {
            assert_eq!(role(*uid, groups, *readers, *started), *expected, "{who}");
        }
    }
}
