//! Which files tests can open, by Landlock: the system's programs and libraries to read, their own folders to write.
//!
//! It does not hide that a file is there, nor its size and owner: `stat` is not in Landlock's power.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope,
};

use super::spec::Spec;
use crate::config::SandboxLevel;

/// The newest Landlock whose rights are asked for.
const NEWEST: ABI = ABI::V6;

/// What programs are made of.
pub(super) const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
];

/// What programs read to find their way, none of it secret.
const SETTINGS: &[&str] = &[
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/debian_version",
    "/etc/group",
    "/etc/inputrc",
    "/etc/java-11-openjdk",
    "/etc/java-17-openjdk",
    "/etc/java-21-openjdk",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/locale.alias",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/perl",
    "/etc/pki/tls/certs",
    "/etc/python3",
    "/etc/python3.10",
    "/etc/python3.11",
    "/etc/python3.12",
    "/etc/python3.13",
    "/etc/python3.14",
    "/etc/python3.9",
    "/etc/R",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
    "/proc",
    "/sys/devices/system/cpu",
    "/sys/kernel/mm/transparent_hugepage",
];

/// What programs with a network read besides.
const NETWORK: &[&str] = &[
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/run/systemd/resolve/stub-resolv.conf",
];

/// Devices to read, and those that can be written to as well.
const DEVICES: [(&str, bool); 5] = [
    ("/dev/null", true),
    ("/dev/zero", true),
    ("/dev/full", true),
    ("/dev/random", false),
    ("/dev/urandom", false),
];

/// What Landlock keeps from this process and all that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// The version of Landlock that does it.
    pub(super) abi: u32,
    /// Whether it keeps other processes from signals.
    pub(super) signals: bool,
}

/// Restricts this process and all that it starts.
///
/// # Errors
/// What the host lacks.
pub(super) fn restrict(spec: &Spec) -> Result<Kept, String> {
    let minimum = match spec.level {
        SandboxLevel::Strict => ABI::V4,
        SandboxLevel::Standard => ABI::V3,
        SandboxLevel::Basic | SandboxLevel::None => ABI::V1,
    };
    let status = ruleset(spec).map_err(|error| {
        format!(
            "Landlock, whose rules could not be made ({})",
            packd_format::error::chain(&error)
        )
    })?;
    match status {
        LandlockStatus::Available { effective_abi, .. } if effective_abi >= minimum => Ok(Kept {
            abi: effective_abi as u32,
            signals: effective_abi >= ABI::V6,
        }),
        LandlockStatus::Available { effective_abi, .. } => Err(format!(
            "version {minimum} of Landlock, which `{}` demands (Linux {}); this kernel has version {effective_abi}",
            spec.level.as_str(),
            linux(minimum)
        )),
        LandlockStatus::NotEnabled => Err(
            "Landlock, which this kernel has, but which is not switched on (`lsm=landlock,…` on its command line)"
                .to_owned(),
        ),
        LandlockStatus::NotImplemented => Err(format!(
            "Landlock, which this kernel does not have (Linux {} does)",
            linux(minimum)
        )),
    }
}

/// The first Linux with a version of Landlock.
fn linux(abi: ABI) -> &'static str {
    match abi {
        ABI::V4 => "6.7",
        ABI::V3 => "6.2",
        _ => "5.13",
    }
}

fn ruleset(spec: &Spec) -> Result<LandlockStatus, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    // devices have no place in a pack, and neither has the power to talk to them
    let write = all & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .scope(Scope::from_all(NEWEST))?;
    if !spec.network {
        ruleset = ruleset.handle_access(AccessNet::from_all(NEWEST))?;
    }
    let mut ruleset = ruleset.create()?;
    let network = if spec.network { NETWORK } else { &[] };
    let own = spec.writable.iter().cloned().chain(spec.private());
    let rules = strings(SYSTEM, read)
        .chain(strings(SETTINGS, AccessFs::ReadFile | AccessFs::ReadDir))
        .chain(strings(network, AccessFs::ReadFile | AccessFs::ReadDir))
        .chain(spec.readable.iter().map(|path| (path.clone(), read)))
        .chain(own.map(|path| (path, write)))
        .chain(DEVICES.map(|(path, writable)| {
            let access = if writable {
                AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::Truncate
            } else {
                AccessFs::ReadFile.into()
            };
            (PathBuf::from(path), access)
        }));
    for (path, access) in rules {
        // what is not there needs no rule, and a rule that is not there lets nothing through
        let Ok(fd) = PathFd::new(&path) else { continue };
        let access = if is_folder(&path) {
            access
        } else {
            access & AccessFs::from_file(NEWEST)
        };
        ruleset = ruleset.add_rule(PathBeneath::new(fd, access))?;
    }
    Ok(ruleset.restrict_self()?.landlock)
}

fn strings(
    paths: &'static [&'static str],
    access: BitFlags<AccessFs>,
) -> impl Iterator<Item = (PathBuf, BitFlags<AccessFs>)> {
    paths.iter().map(move |path| (PathBuf::from(path), access))
}

fn is_folder(path: &Path) -> bool {
    path.is_dir()
}
