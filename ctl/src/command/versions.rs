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
    #[arg(value_name = "REF", add = crate::complete::offers())]
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
            let hint = did_you_mean(&list.nearest)
                .unwrap_or_else(|| "`packctl search WORD` shows what there is".to_owned());
            return Err(Failure::new(ErrorKind::PackNotFound.exit(), message).with_hint(hint));
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// Whether one of these was meant, if there are any.
pub(super) fn did_you_mean(nearest: &[String]) -> Option<String> {
    let names: Vec<_> = nearest
        .iter()
        .map(|name| format!("`{}`", clean(name)))
        .collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
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
