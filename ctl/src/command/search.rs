//! `search`: what the registries offer, by text.

use packd_format::PackRef;
use packd_wire::{Exit, SearchList, SearchQuery};

use super::versions::did_you_mean;
use crate::Ending;
use crate::client::Client;
use crate::output::table::{Table, or_dash};
use crate::output::text::quality;
use crate::output::{Failure, Output, Width};

/// Search the registries for packs
#[derive(Debug, clap::Args)]
pub(crate) struct Search {
    /// Words in the ref, label, description or keywords; none: every pack
    #[arg(value_name = "TEXT")]
    text: Vec<String>,

    /// Ask only this registry
    #[arg(long, short, value_name = "NAME", add = crate::complete::registries())]
    registry: Option<String>,

    /// Show at most this many
    #[arg(long, short = 'n', value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

impl Search {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let query = SearchQuery {
            q: self.text.join(" "),
            registry: self.registry,
            limit: self.limit,
        };
        let list = client.search(&query).await?;
        for warning in &list.warnings {
            out.warn(warning);
        }
        if list.packs.is_empty() {
            out.say(&match query.q.as_str() {
                "" => "the registries offer no pack".to_owned(),
                text => format!("no pack found for `{text}`"),
            });
            // what was typed may be nearly the name of one; that nobody could be asked was said before
            if let [word] = self.text.as_slice()
                && PackRef::is_legal(word)
                && let Ok(offered) = client.available(word).await
                && let Some(hint) = did_you_mean(&offered.nearest)
            {
                out.hint(&hint);
            }
        }
        let width = out.width();
        out.show_list(&list, &list.packs, || table(&list, width));
        if list.truncated {
            out.hint("there are more; --limit shows them, another word narrows them");
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// A line per hit, best first; no header without hits.
fn table(list: &SearchList, width: Width) -> String {
    if list.packs.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        "REF",
        "VERSION",
        "INSTALLED",
        "HERE",
        "REGISTRY",
        "DESCRIPTION",
    ]);
    for pack in &list.packs {
        let registry = if pack.shadowed {
            format!("{} (shadowed)", pack.registry)
        } else {
            pack.registry.clone()
        };
        table.row([
            pack.pack_ref.as_str().into(),
            pack.version.as_str().into(),
            or_dash(pack.installed.as_deref()),
            or_dash(pack.quality.map(quality).as_deref()),
            registry.into(),
            or_dash(pack.description.as_deref().or(pack.label.as_deref())),
        ]);
    }
    table.keep(2, list.packs.iter().any(|pack| pack.installed.is_some()));
    table.keep(3, list.packs.iter().any(|pack| pack.quality.is_some()));
    table.render(width)
}

#[cfg(test)]
mod tests;
