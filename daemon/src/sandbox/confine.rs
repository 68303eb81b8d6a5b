//! The last process before the suite: gives up everything that the suite must not have, for good.

use packd_runner::sandbox::Word;
use rustix::fs::Mode;
use rustix::process::{Signal, set_parent_process_death_signal, setsid, umask};
use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities, set_capabilities,
    set_capabilities_secure_bits, set_no_new_privs,
};
use serde_json::{Value, json};

use super::spec::Spec;
use super::{limits, paths, syscalls};
use crate::config::SandboxLevel;

/// Restricts this process, and says what was enforced.
///
/// # Errors
/// The word that says what could not be.
pub(super) fn run(spec: &Spec) -> Result<Value, Word> {
    // a session of its own; it is the first already if it cannot be had
    let _ = setsid();
    umask(Mode::from_raw_mode(0o022));
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Word::Failed(format!("{what} cannot be set: {error}"))
    };
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|errno| failed("the signal at its parent's end", &errno))?;
    give_up_capabilities().map_err(|errno| failed("no capabilities", &errno))?;
    limits::set(spec.limits).map_err(Word::Failed)?;
    let mut enforced = json!({
        "level": spec.level,
        "network": spec.network,
        "user": spec.user.map(|user| user.uid),
        "namespaces": spec.namespaces.iter().filter(|name| !name.contains(':')).collect::<Vec<_>>(),
        "limits": spec.limits,
    });
    if spec.level == SandboxLevel::None {
        return Ok(enforced);
    }
    set_no_new_privs(true).map_err(|errno| failed("no new privileges", &errno))?;
    let kept = paths::restrict(spec).map_err(Word::Unavailable)?;
    syscalls::restrict(spec.network).map_err(Word::Unavailable)?;
    let pid = spec.namespaces.iter().any(|name| name == "pid");
    enforced["landlock"] = json!(kept.abi);
    enforced["seccomp"] = json!(true);
    enforced["signals"] = json!(kept.signals || pid || spec.user.is_some());
    Ok(enforced)
}

/// Neither root, of a container with no other user, nor who may mount in a namespace keeps any power there.
fn give_up_capabilities() -> rustix::io::Result<()> {
    if rustix::process::geteuid().is_root() {
        set_capabilities_secure_bits(
            CapabilitiesSecureBits::NO_ROOT | CapabilitiesSecureBits::NO_ROOT_LOCKED,
        )?;
    }
    // with what is inheritable goes what is ambient
    let none = CapabilitySet::empty();
    let nothing = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    // packd.service allows to look, and not to set: there is nothing to give up under it
    if capabilities(None)? == nothing {
        return Ok(());
    }
    set_capabilities(None, nothing)
}
