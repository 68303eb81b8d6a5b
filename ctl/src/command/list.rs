//! `list`: the active packs.

use jiff::Timestamp;
use packd_wire::{Exit, PackList, PackView};

use crate::Ending;
use crate::client::Client;
use crate::output::table::{Table, or_dash};
use crate::output::text::ago;
use crate::output::{Failure, Output, Width};

/// List the packs that are installed
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only packs of which a newer version is available
    #[arg(long)]
    outdated: bool,

    /// Only these; none: every pack
    #[arg(value_name = "REF", add = crate::complete::packs())]
    refs: Vec<String>,
}

impl List {
    /// The list of one pack, or of all.
    pub(crate) fn of(pack_ref: Option<String>) -> Self {
        Self {
            outdated: false,
            refs: pack_ref.into_iter().collect(),
        }
    }

    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let mut list = client.packs().await?;
        if !self.refs.is_empty() {
            list.packs.retain(|pack| self.refs.contains(&pack.pack_ref));
        }
        if self.outdated {
            list.packs.retain(|pack| pack.available.is_some());
        }
        if list.packs.is_empty() {
            out.say(if self.outdated {
                "nothing newer is available"
            } else if !self.refs.is_empty() {
                "none of these is installed"
            } else {
                "no pack is installed"
            });
        }
        let width = out.width();
        out.show_list(&list, &list.packs, || table(&list, Timestamp::now(), width));
        Ok(Ending::Exit(Exit::Done))
    }
}

/// A line per pack; no header without packs, and no column of newer versions without one.
fn table(list: &PackList, now: Timestamp, width: Width) -> String {
    if list.packs.is_empty() {
        return String::new();
    }
    let mut table = Table::new([
        "REF",
        "VERSION",
        "AVAILABLE",
        "REGISTRY",
        "INSTALLED",
        "STATE",
    ]);
    for pack in &list.packs {
        table.row([
            pack.pack_ref.as_str().into(),
            pack.version.as_str().into(),
            or_dash(pack.available.as_deref()),
            or_dash(pack.registry.as_deref()),
            ago(&pack.installed_at, now).into(),
            state(pack).into(),
        ]);
    }
    table.keep(2, list.packs.iter().any(|pack| pack.available.is_some()));
    table.render(width)
}

/// `ok`, `ok, held`.
fn state(pack: &PackView) -> String {
    let state = pack.state.as_str();
    if pack.hold.is_some() {
        format!("{state}, held")
    } else {
        state.to_owned()
    }
}

#[cfg(test)]
mod tests;
