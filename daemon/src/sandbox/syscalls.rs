//! Which system calls tests have, by seccomp: all but those that lead out of the sandbox, or that only administer a host.
//!
//! Two programs for the kernel. The first turns away calls of other architectures and calls that are newer than this list or
//! take their arguments from memory, as if the kernel did not have them: programs then use what they used before. The
//! second refuses what is listed, some of it only with certain arguments.

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, sock_filter,
};

/// The first number of a system call that is newer than this list: `setxattrat` of Linux 6.13.
const FIRST_UNKNOWN: u32 = 463;

/// Calls that no test has a use for.
const NEVER: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_ioprio_set,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_mq_open,
    libc::SYS_msgget,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_semget,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_shmget,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_kexec_file_load,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Namespaces that `clone` can make.
const NAMESPACES: [u64; 7] = [
    0x0002_0000,
    0x0200_0000,
    0x0400_0000,
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
];

/// Bits of a mode that lend the rights of the file's owner or group.
const LENDING: [u64; 2] = [0o4000, 0o2000];

/// Calls that give a file its mode, and which of their arguments that is.
const MODES: &[(i64, u8)] = &[
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (libc::SYS_fchmodat2, 2),
    (libc::SYS_mknodat, 2),
    (libc::SYS_openat, 3),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 2),
];

/// Calls that make a node of the file system, and which of their arguments says of what kind.
const NODES: &[(i64, u8)] = &[
    (libc::SYS_mknodat, 2),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
];

/// Kinds of nodes that are devices: of characters, of blocks.
const DEVICES: [u64; 2] = [0o020_000, 0o060_000];

/// The part of a mode that is the kind of a node.
const KIND: u64 = 0o170_000;

/// What puts characters into the keyboard of a terminal, and what else a console can be told.
const TERMINAL: [u64; 2] = [0x5412, 0x541C];

/// The kind of a socket, without its flags, that talks to an address at a time; and its raw form.
const DATAGRAMS: [u64; 2] = [2, 3];

/// The part of a socket's type that is its kind.
const SOCKET_KIND: u64 = 0xf;

const STREAM: u64 = 1;
const TCP: u64 = 6;
const UNIX: u64 = 1;
const INET: u64 = 2;
const INET6: u64 = 10;

/// Takes the calls from this process and all that it starts.
///
/// # Errors
/// What the host lacks.
pub(super) fn restrict(network: bool) -> Result<(), String> {
    let missing = |error: &dyn std::error::Error| {
        format!("seccomp, whose filters could not be set ({error})")
    };
    let first = first().map_err(|error| missing(&error))?;
    let second = second(network).map_err(|error| missing(&error))?;
    for program in [first, second] {
        seccompiler::apply_filter(&program).map_err(|error| missing(&error))?;
    }
    Ok(())
}

fn architecture() -> Result<TargetArch, BackendError> {
    std::env::consts::ARCH.try_into()
}

/// Calls that are answered as if the kernel did not have them.
fn first() -> Result<BpfProgram, BackendError> {
    // linux/bpf_common.h, linux/seccomp.h, linux/audit.h
    const LOAD: u16 = 0x20;
    const IF_EQUAL: u16 = 0x15;
    const IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const NUMBER: u32 = 0;
    const ARCHITECTURE: u32 = 4;
    const ALLOW: u32 = 0x7fff_0000;
    const ERROR: u32 = 0x0005_0000;
    const KILL: u32 = 0x8000_0000;
    const NOT_THERE: u32 = 38;
    let architecture = match architecture()? {
        TargetArch::x86_64 => 0xc000_003e,
        TargetArch::aarch64 => 0xc000_00b7,
        TargetArch::riscv64 => 0xc000_00f3,
    };
    let line = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    let number = |call: i64| u32::try_from(call).unwrap_or(u32::MAX);
    Ok(vec![
        line(LOAD, 0, 0, ARCHITECTURE),
        line(IF_EQUAL, 0, 6, architecture),
        line(LOAD, 0, 0, NUMBER),
        // also where x86-64 has its calls with short pointers
        line(IF_AT_LEAST, 3, 0, FIRST_UNKNOWN),
        // their flags, modes and domains lie in memory, where a filter cannot look
        line(IF_EQUAL, 2, 0, number(libc::SYS_clone3)),
        line(IF_EQUAL, 1, 0, number(libc::SYS_openat2)),
        line(RETURN, 0, 0, ALLOW),
        line(RETURN, 0, 0, ERROR | NOT_THERE),
        line(RETURN, 0, 0, KILL),
    ])
}

/// Calls that are refused.
fn second(network: bool) -> Result<BpfProgram, BackendError> {
    use SeccompCmpOp::{MaskedEq, Ne};
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in NEVER {
        rules.insert(*call, Vec::new());
    }
    let mut refuse = |call: i64, when: Vec<SeccompCondition>| {
        let rule = SeccompRule::new(when)?;
        rules.entry(call).or_default().push(rule);
        Ok::<_, BackendError>(())
    };
    let is = |argument: u8, operator: SeccompCmpOp, value: u64| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
    };
    for flag in NAMESPACES {
        refuse(libc::SYS_clone, vec![is(0, MaskedEq(flag), flag)?])?;
    }
    for (call, argument) in MODES {
        for bit in LENDING {
            refuse(*call, vec![is(*argument, MaskedEq(bit), bit)?])?;
        }
    }
    for (call, argument) in NODES {
        for kind in DEVICES {
            refuse(*call, vec![is(*argument, MaskedEq(KIND), kind)?])?;
        }
    }
    for request in TERMINAL {
        refuse(libc::SYS_ioctl, vec![is(1, SeccompCmpOp::Eq, request)?])?;
    }
    // other processes of the same user are none of theirs
    refuse(libc::SYS_prlimit64, vec![is(0, Ne, 0)?])?;
    refuse(libc::SYS_setpriority, vec![is(0, Ne, 0)?])?;
    refuse(libc::SYS_setpriority, vec![is(1, Ne, 0)?])?;
    // pairs only talk to each other, but for those that can be given another address
    refuse(libc::SYS_socketpair, vec![is(0, Ne, UNIX)?])?;
    for kind in DATAGRAMS {
        refuse(
            libc::SYS_socketpair,
            vec![is(1, MaskedEq(SOCKET_KIND), kind)?],
        )?;
    }
    if network {
        refuse(libc::SYS_socket, vec![is(0, Ne, INET)?, is(0, Ne, INET6)?])?;
        for kind in (0..=SOCKET_KIND).filter(|kind| *kind != STREAM) {
            refuse(libc::SYS_socket, vec![is(1, MaskedEq(SOCKET_KIND), kind)?])?;
        }
        refuse(libc::SYS_socket, vec![is(2, Ne, 0)?, is(2, Ne, TCP)?])?;
    } else {
        rules.insert(libc::SYS_socket, Vec::new());
    }
    let refused = SeccompAction::Errno(1);
    SeccompFilter::new(rules, SeccompAction::Allow, refused, architecture()?)?.try_into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn the_programs_can_be_made_and_are_short_enough_for_the_kernel() {
        for network in [false, true] {
            let program = second(network).unwrap();
            assert!(program.len() < 4096, "{} lines", program.len());
        }
        assert_eq!(first().unwrap().len(), 9);
    }

    #[test]
    fn no_call_that_is_never_allowed_has_a_condition() {
        for (call, _) in MODES.iter().chain(NODES) {
            assert!(!NEVER.contains(call), "{call} is in two lists");
        }
    }
}
