//! `registry`: where packs come from, and how these places fare.

mod add;

use std::fmt::Write as _;

use jiff::Timestamp;
use packd_wire::{
    Exit, RefreshRequest, RegistryList, RegistryRequest, RegistryState, RegistryView, TrustRequest,
};

use super::told::Told;
use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::ago;
use crate::output::{Failure, Output, Width};

/// Look at the registries that packs come from, and add others
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Registry {
    /// List the registries in the order they are asked
    #[command(visible_alias = "ls")]
    List,
    /// Show one registry in full
    Show(Named),
    Add(Box<add::Add>),
    /// Remove registries that were added; packs that came from them stay
    #[command(visible_alias = "rm")]
    Remove(Names),
    /// Ask registries again that were disabled
    Enable(Names),
    /// Ask registries no more; what is known of them is kept
    Disable(Names),
    /// Read the indexes of registries again, now
    Refresh(Refresh),
    /// Accept for good that a registry is not signed any more
    Trust(TrustVerb),
}

#[derive(Debug, clap::Args)]
#[group(id = "registry-trust")]
pub(crate) struct TrustVerb {
    /// The registry
    #[arg(value_name = "NAME", add = crate::complete::registries())]
    name: String,

    /// That it was signed is forgotten, and what it offers is believed without signatures
    #[arg(long, required = true)]
    accept_unsigned: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Named {
    /// The registry
    #[arg(value_name = "NAME", add = crate::complete::registries())]
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Names {
    /// The registries
    #[arg(required = true, value_name = "NAME", add = crate::complete::registries())]
    names: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Refresh {
    /// Only these; none: every enabled one
    #[arg(value_name = "NAME", add = crate::complete::registries())]
    names: Vec<String>,
}

impl Registry {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        match self {
            Self::List => {
                let list = client.registries().await?;
                if list.registries.is_empty() {
                    out.say("no registry is configured");
                    out.hint("`packctl registry add NAME URL` adds one, as does a line in packd.yaml, under `registries`");
                }
                show(out, &list);
                Ok(Ending::Exit(Exit::Done))
            }
            Self::Show(Named { name }) => {
                let registry = client.registry(&name).await?;
                out.show(&registry, || page(&registry, Timestamp::now()));
                complain(out, &registry);
                Ok(Ending::Exit(Exit::Done))
            }
            Self::Add(add) => add.run(client, out).await,
            Self::Remove(Names { names }) => {
                let mut told = Told::new();
                for name in &names {
                    told.take(out, client.remove_registry(name).await, |change| {
                        if change.changed {
                            format!("registry `{name}` is removed; packs that came from it stay")
                        } else {
                            format!("there is no registry `{name}`")
                        }
                    });
                }
                Ok(told.end(out, |changes| changes))
            }
            Self::Enable(names) => names.set_enabled(true, client, out).await,
            Self::Disable(names) => names.set_enabled(false, client, out).await,
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
        complain(out, registry);
    }
}

fn complain(out: &mut Output, registry: &RegistryView) {
    for complaint in complaints(registry) {
        out.warn(&complaint);
    }
    let hint = registry.health.hint.as_ref();
    if let Some(hint) = hint.filter(|_| is_failed(registry)) {
        out.hint(hint);
    }
}

impl Names {
    async fn set_enabled(
        self,
        enabled: bool,
        client: &Client,
        out: &mut Output,
    ) -> Result<Ending, Failure> {
        let request = RegistryRequest {
            enabled: Some(enabled),
            ..RegistryRequest::default()
        };
        let state = if enabled { "enabled" } else { "disabled" };
        let mut told = Told::new();
        for name in &self.names {
            // what would add one is asked for only of one that is there
            let answer = match client.registry(name).await {
                Ok(_) => client.change_registry(name, &request).await,
                Err(error) => Err(error),
            };
            told.take(out, answer, |change| {
                let already = if change.changed { "" } else { "already " };
                format!("registry `{name}` is {already}{state}")
            });
        }
        Ok(told.end(out, |changes| changes))
    }
}

/// A registry in full, a line for each thing to know.
fn page(registry: &RegistryView, now: Timestamp) -> String {
    let health = &registry.health;
    let any = |refs: &[String]| {
        if refs.is_empty() {
            "any".to_owned()
        } else {
            refs.join(" ")
        }
    };
    let read = |at: &Option<String>| at.as_deref().map_or("never".to_owned(), |at| ago(at, now));
    let mut lines = vec![
        ("name", registry.name.clone()),
        ("url", registry.url.clone()),
        ("state", health.state.as_str().to_owned()),
        ("packs", registry.packs.to_string()),
        ("read", read(&health.last_success)),
        ("trust", registry.trust.as_str().to_owned()),
        ("priority", registry.priority.to_string()),
        (
            "refs",
            if registry.exclusive {
                format!("{}, from nowhere else", any(&registry.refs))
            } else {
                any(&registry.refs)
            },
        ),
        (
            "defined at",
            registry
                .defined_at
                .clone()
                .unwrap_or_else(|| "added with packctl".to_owned()),
        ),
    ];
    if health.consecutive_failures > 0 {
        lines.push(("failures", health.consecutive_failures.to_string()));
    }
    if let Some(at) = &health.next_refresh {
        lines.push(("next read", crate::output::text::moment(at, now)));
    }
    let mut page = String::new();
    for (name, value) in lines {
        let written = writeln!(page, "{name:<11} {value}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    page
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
    let warnings = registry.warnings.iter().filter(|_| registry.enabled);
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
