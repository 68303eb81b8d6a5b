//! `registry`: where packs come from, and how these places fare.

use jiff::Timestamp;
use packd_wire::{
    Exit, RefreshRequest, RegistryList, RegistryState, RegistryView, Trust, TrustRequest,
};

use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::ago;
use crate::output::{Failure, Output, Width};

/// Look at the registries that packs come from
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Registry {
    /// List the registries in the order they are asked
    #[command(visible_alias = "ls")]
    List,
    /// Read the indexes of registries again, now
    Refresh(Refresh),
    /// Accept for good that a registry is not signed any more
    Trust(TrustVerb),
}

#[derive(Debug, clap::Args)]
#[group(id = "registry-trust")]
pub(crate) struct TrustVerb {
    /// The registry
    #[arg(value_name = "NAME")]
    name: String,

    /// That it was signed is forgotten, and what it offers is believed without signatures
    #[arg(long, required = true)]
    accept_unsigned: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Refresh {
    /// Only these; none: every enabled one
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Registry {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        match self {
            Self::List => {
                let list = client.registries().await?;
                if list.registries.is_empty() {
                    out.say("no registry is configured");
                    out.hint("name one in /etc/packd/packd.yaml, under `registries`");
                }
                show(out, &list);
                Ok(Ending::Exit(Exit::Done))
            }
            Self::Refresh(Refresh { names }) => {
                let request = RefreshRequest { registries: names };
                let list = client.refresh(&request).await?;
                show(out, &list);
                let asked = |registry: &&RegistryView| {
                    registry.enabled
                        && (request.registries.is_empty()
                            || request.registries.contains(&registry.name))
                };
                Ok(Ending::Exit(exit(list.registries.iter().filter(asked))))
            }
            Self::Trust(TrustVerb {
                name,
                accept_unsigned,
            }) => {
                let request = TrustRequest { accept_unsigned };
                let list = client.trust(&name, request).await?;
                show(out, &list);
                Ok(Ending::Exit(Exit::Done))
            }
        }
    }
}

fn show(out: &mut Output, list: &RegistryList) {
    let width = out.width();
    out.show_list(list, &list.registries, || {
        table(&list.registries, Timestamp::now(), width)
    });
    for registry in &list.registries {
        for complaint in complaints(registry) {
            out.warn(&complaint);
        }
        let health = &registry.health;
        if let Some(hint) = health.hint.as_ref().filter(|_| is_failed(registry)) {
            out.hint(hint);
        }
    }
}

/// What a refresh exits with: that of a failure that stays, before that of one that may pass.
fn exit<'r>(registries: impl Iterator<Item = &'r RegistryView>) -> Exit {
    let mut exit = Exit::Done;
    for registry in registries.filter(|registry| is_failed(registry)) {
        let kind = registry.health.error_kind;
        match kind.map_or(Exit::Failed, packd_wire::ErrorKind::exit) {
            Exit::Transient => exit = Exit::Transient,
            // whoever only tries again would meet this one again
            _ => return Exit::Failed,
        }
    }
    exit
}

fn is_failed(registry: &RegistryView) -> bool {
    match registry.health.state {
        RegistryState::Stale | RegistryState::Failed => true,
        RegistryState::Ok | RegistryState::Unknown | RegistryState::Disabled => false,
    }
}

/// A line per registry; no header without registries.
pub(super) fn table(registries: &[RegistryView], now: Timestamp, width: Width) -> String {
    if registries.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["NAME", "STATE", "PACKS", "READ", "PRIORITY", "TRUST", "URL"]);
    for registry in registries {
        table.row([
            registry.name.as_str().into(),
            registry.health.state.as_str().into(),
            registry.packs.to_string().into(),
            registry
                .health
                .last_success
                .as_deref()
                .map_or("never".into(), |at| ago(at, now).into()),
            registry.priority.to_string().into(),
            registry.trust.as_str().into(),
            registry.url.as_str().into(),
        ]);
    }
    table.render(width)
}

/// What is wrong with a registry, a line each.
fn complaints(registry: &RegistryView) -> Vec<String> {
    let name = &registry.name;
    let mut complaints = Vec::new();
    if let Some(error) = registry
        .health
        .error
        .as_ref()
        .filter(|_| is_failed(registry))
    {
        let times = match registry.health.consecutive_failures {
            0 | 1 => String::new(),
            failures => format!(" ({failures} times in a row)"),
        };
        complaints.push(format!("registry `{name}`: {error}{times}"));
    }
    if registry.trust == Trust::Unverified && registry.enabled {
        complaints.push(format!(
            "registry `{name}`: nothing that comes from it is verified"
        ));
    }
    let warnings = registry.warnings.iter();
    complaints.extend(warnings.map(|warning| format!("registry `{name}`: {warning}")));
    complaints.extend(
        registry
            .problems
            .iter()
            .map(|problem| format!("registry `{name}`: {problem}")),
    );
    complaints
}

#[cfg(test)]
pub(crate) mod tests;
