//! Limits that the kernel keeps, and manners.

use std::os::unix::fs::MetadataExt as _;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::spec::Limits;

/// How willingly tests give way to others, from 0 to 19.
const NICE: i32 = 10;

/// How early tests are killed when memory is short, from -1000 to 1000.
const OOM_SCORE: &str = "500";

/// Sets the limits of this process and all that it starts.
///
/// # Errors
/// What could not be limited, and why.
pub(super) fn set(limits: Limits) -> Result<(), String> {
    for (resource, limit) in [
        (Resource::As, limits.memory),
        (Resource::Fsize, limits.file),
        (Resource::Nofile, limits.files),
        (Resource::Nproc, limits.processes),
        (Resource::Cpu, limits.cpu),
        (Resource::Core, 0),
    ] {
        // never more than it has already, which only root could take
        let most = rustix::process::getrlimit(resource).maximum;
        let limit = most.map_or(limit, |most| most.min(limit));
        let limit = Rlimit {
            current: Some(limit),
            maximum: Some(limit),
        };
        setrlimit(resource, limit)
            .map_err(|errno| format!("{resource:?} cannot be limited: {errno}"))?;
    }
    // manners: a host that does not take them has no less security
    let _ = rustix::process::nice(NICE);
    drop(fs_err::write("/proc/self/oom_score_adj", OOM_SCORE));
    Ok(())
}

/// How many processes and threads a user has. Blocks.
#[must_use]
pub(super) fn processes_of(uid: u32) -> u64 {
    let Ok(entries) = fs_err::read_dir("/proc") else {
        return 0;
    };
    let own = entries.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        name.to_str()
            .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            && entry.metadata().is_ok_and(|meta| meta.uid() == uid)
    });
    let threads = |process: fs_err::DirEntry| {
        fs_err::read_dir(process.path().join("task")).map_or(1, |tasks| tasks.count() as u64)
    };
    own.map(threads).sum()
}
