//! Every setting of the daemon: its meaning, unit and default, and where its value came from.
//!
//! Read once at start and again on reload: the file, the drop-ins beside it, the environment, the
//! command line, each stronger than the one before. Nothing else in the daemon reads the environment
//! or knows a default. What a setting causes is not here; each module takes the part it needs.

mod added;
mod args;
mod check;
mod diff;
mod environment;
mod file;
mod health;
mod hook;
mod host_secrets;
mod inputs;
mod layers;
mod layout;
mod load;
mod node;
mod origin;
mod parts;
mod pattern;
mod problem;
#[cfg(test)]
mod reference;
mod registry;
mod render;
mod runtime;
mod safe_url;
mod secret;
mod section;
mod sections;
mod setting;
mod shared;
mod socket;
mod units;
mod unknown;
mod updates;
mod window;

pub use added::{Added, Places, registry_of};
pub use args::{Args, LogFormat};
pub use check::{Objection, check};
pub use diff::diff;
pub use environment::Environment;
pub(crate) use file::open_regular;
pub use health::Health;
pub use hook::{Hook, HookEvents, HookFailure};
pub use host_secrets::HostSecrets;
pub use inputs::Inputs;
pub use layout::Layout;
pub use load::{Effective, load};
pub use origin::Origin;
pub use packd_wire::{RegistryUpdates, Trust, UpdateAllow, UpdateMode};
pub use pattern::{HostPatterns, RefPatterns};
pub use problem::{ConfigError, Problem};
pub use registry::Registry;
pub(crate) use registry::read_root;
pub use runtime::{Runtimes, VersionProbe};
pub use safe_url::{SafeUrl, UrlError};
pub use secret::{Secret, SecretError, TemplateError};
pub use sections::{
    Access, Git, Level, Limits, Log, Net, Proxy, Queue, Readers, Resolution, Routing, SandboxLevel,
    Service, Store, Tests,
};
pub use shared::{Refused, Shared};
pub use socket::{ExtraSocket, MOST_SOCKETS, SocketMode};
pub use units::{ByteSize, UnitError};
pub use updates::{PackUpdate, PackUpdates, Updates};
pub use window::{Window, Windows, Zone};

/// The whole configuration. Plain data; [`Shared`] hands it around.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Where packs come from, in the order they are asked: by priority, then by name.
    pub registries: Vec<Registry>,
    /// Where each registry of the configuration is written; those that were added are not in it.
    pub places: Places,
    /// Which of them a pack comes from.
    pub routing: Routing,
    /// How jobs are run.
    pub queue: Queue,
    /// How the pack store uses the disk.
    pub store: Store,
    /// What a pack or an index may at most be.
    pub limits: Limits,
    /// The tests that packs bring.
    pub tests: Tests,
    /// Runtimes beside those that are known, and other ways to ask for these, by name.
    pub runtimes: Runtimes,
    /// What is brought to newer versions by itself, and when.
    pub updates: Updates,
    /// What is run when something has happened, each with a name of its own.
    pub hooks: Vec<Hook>,
    /// Who may do what over the socket.
    pub access: Access,
    /// Sockets with fewer rights.
    pub sockets: Vec<ExtraSocket>,
    /// How packd reaches other hosts.
    pub net: Net,
    /// How packd reaches git repositories.
    pub git: Git,
    /// How packd runs as a service.
    pub service: Service,
    /// What is logged.
    pub log: Log,
}

impl Config {
    /// Whether a registry may offer a pack: its `refs` allow it, and no other one has it to itself.
    #[must_use]
    pub fn may_offer(&self, registry: &Registry, pack_ref: &str) -> bool {
        let has_it = |one: &Registry| one.exclusive && one.refs.allows(pack_ref);
        registry.refs.allows(pack_ref)
            && (registry.exclusive || !self.registries.iter().any(has_it))
    }

    /// The registry of this name, enabled or not.
    #[must_use]
    pub fn registry(&self, name: &str) -> Option<&Registry> {
        self.registries
            .iter()
            .find(|registry| registry.name == name)
    }
}
