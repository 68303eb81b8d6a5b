//! Processes, networks, mounts, IPC and host name of their own, where the host allows it.
//!
//! As root they are made whenever they can be; `strict` demands them of everybody, and a user who is not root needs a
//! kernel that lets it have a user namespace.

use std::path::Path;

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{
    CapabilitySet, capabilities, configure_capability_in_ambient_set, set_capabilities,
};

use super::spec::Spec;
use crate::config::SandboxLevel;

/// Folders that tests have no business in, replaced by empty ones. The first three can be written to.
const COVERED: [&str; 9] = [
    "/tmp", "/var/tmp", "/dev/shm", "/run", "/home", "/root", "/srv", "/mnt", "/media",
];

/// How many of them can be written to.
const WRITABLE: usize = 3;

/// How much a folder that can be written to takes.
const SIZE: &std::ffi::CStr = c"size=64m,mode=1777";

/// Makes the namespaces that the next process is started in, and gives their names; none where they are not wanted, or
/// not to be had and not demanded.
///
/// # Errors
/// What the host lacks, where they are demanded.
pub(super) fn enter(spec: &Spec) -> Result<Vec<String>, String> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let is_root = uid.is_root();
    let strict = spec.level == SandboxLevel::Strict;
    if spec.level == SandboxLevel::None || !(is_root || strict) {
        return Ok(Vec::new());
    }
    let mut flags = CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    let mut names = vec!["pid", "mount", "ipc", "uts"];
    if !spec.network {
        flags |= CloneFlags::CLONE_NEWNET;
        names.push("network");
    }
    if !is_root {
        flags |= CloneFlags::CLONE_NEWUSER;
        names.push("user");
    }
    match unshare(flags) {
        Ok(()) => {}
        Err(_) if !strict => return Ok(Vec::new()),
        Err(errno) => {
            return Err(format!(
                "namespaces of its own, which `strict` demands ({errno})"
            ));
        }
    }
    if !is_root {
        let map = |file: &str, text: String| {
            fs_err::write(format!("/proc/self/{file}"), text)
                .map_err(|error| format!("a user namespace, which `strict` demands ({error})"))
        };
        map("setgroups", "deny".to_owned())?;
        // the same as outside, and not root, which is somebody everywhere; what root could do there is passed on
        // to the next process by itself
        map("uid_map", format!("{0} {0} 1", uid.as_raw()))?;
        map("gid_map", format!("{0} {0} 1", gid.as_raw()))?;
        keep_mounting()
            .map_err(|errno| format!("mounts of its own, which `strict` demands ({errno})"))?;
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Lets the program that is started next mount, in the user namespace of this one.
fn keep_mounting() -> rustix::io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets)?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)
}

/// Mounts what makes the namespaces complete: `/proc` of its own processes, and empty folders over those of others. Run as
/// the first process in them.
///
/// # Errors
/// What the host does not allow, where it is demanded.
pub(super) fn furnish(spec: &mut Spec) -> Result<(), String> {
    let strict = spec.level == SandboxLevel::Strict;
    let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let own = mount_change("/", private)
        .and_then(|()| mount("proc", "/proc", "proc", flags | MountFlags::NOEXEC, None));
    if let Err(errno) = own {
        if strict {
            return Err(format!(
                "mounts of its own, which `strict` demands ({errno})"
            ));
        }
        return Ok(());
    }
    for (position, folder) in COVERED.into_iter().enumerate() {
        let folder = Path::new(folder);
        let needed = spec
            .writable
            .iter()
            .chain(&spec.readable)
            .any(|path| path.starts_with(folder));
        let is_link = fs_err::symlink_metadata(folder).is_ok_and(|meta| meta.is_symlink());
        if needed || is_link || !folder.is_dir() {
            continue;
        }
        let writable = position < WRITABLE;
        let (flags, data) = if writable {
            (flags, SIZE)
        } else {
            (flags | MountFlags::RDONLY, c"size=4k,mode=755")
        };
        match mount("tmpfs", folder, "tmpfs", flags, data) {
            Ok(()) if writable => spec.namespaces.push(format!("tmpfs:{}", folder.display())),
            Err(errno) if strict => {
                return Err(format!(
                    "an empty `{}` of its own, which `strict` demands ({errno})",
                    folder.display()
                ));
            }
            // what lies under one that is not empty is kept from tests by Landlock all the same
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
