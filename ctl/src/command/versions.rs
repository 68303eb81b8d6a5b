//! `versions`: every version of one pack that registries offer.

use packd_wire::{AvailableList, AvailableView, ErrorKind, Exit};

use crate::Ending;
use crate::client::Client;
use crate::output::table::Table;
use crate::output::text::clean;
use crate::output::{Failure, Output, Width};

/// List the versions of a pack that registries offer
#[derive(Debug, clap::Args)]
pub(crate) struct Versions {
    /// The pack
    #[arg(value_name = "REF")]
    pack_ref: String,
}

impl Versions {
    pub(crate) async fn run(self, client: &Client, out: &mut Output) -> Result<Ending, Failure> {
        let list = client.available(&self.pack_ref).await?;
        for warning in &list.warnings {
            out.warn(warning);
        }
        let width = out.width();
        out.show_list(&list, &list.versions, || table(&list, width));
        if list.versions.is_empty() {
            let message = format!("no registry offers `{}`", list.pack_ref);
            let hint = match list.nearest.as_slice() {
                [] => "`packctl search WORD` shows what there is".to_owned(),
                names => {
                    let names: Vec<_> = names
                        .iter()
                        .map(|name| format!("`{}`", clean(name)))
                        .collect();
                    format!("did you mean {}?", names.join(" or "))
                }
            };
            return Err(Failure::new(ErrorKind::PackNotFound.exit(), message).with_hint(hint));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// A line per version, newest first; no header without versions.
fn table(list: &AvailableList, width: Width) -> String {
    if list.versions.is_empty() {
        return String::new();
    }
    let mut table = Table::new(["VERSION", "REGISTRY", "NOTE"]);
    for version in &list.versions {
        table.row([
            version.version.as_str().into(),
            version.registry.as_str().into(),
            note(version).into(),
        ]);
    }
    table.render(width)
}

fn note(version: &AvailableView) -> String {
    [
        (version.installed, "installed"),
        (version.yanked, "yanked"),
        (version.shadowed, "shadowed"),
    ]
    .into_iter()
    .filter(|(is, _)| *is)
    .map(|(_, word)| word)
    .collect::<Vec<_>>()
    .join(", ")
}

#[cfg(test)]
mod tests;
