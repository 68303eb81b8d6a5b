//! `index-fresh`: the statement that a signed index is current, by a key that can say nothing else.

use std::path::PathBuf;

use jiff::SignedDuration;
use packd_format::Digest;
use packd_format::sign::{self, Fresh, IndexMeta, MetaMark, RoleName};
use packd_wire::Exit;
use serde::Serialize;

use super::key::{says, still};
use super::secret::KeyArgs;
use super::{Place, Times, failure, lacks, lifetime, must_be_in};
use crate::Ending;
use crate::output::{Failure, Output};

/// Say that a signed index is current
///
/// For registries whose root has a `fresh` role: a nightly job with a key of its own writes packd/fresh.json, so that
/// the index key can stay offline and nobody can keep hosts on an old index for longer than this says.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexFresh {
    /// The index file, or its folder
    #[arg(value_name = "INDEX")]
    index: PathBuf,

    #[command(flatten)]
    keys: KeyArgs,

    /// How long it may be believed
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = lifetime)]
    expires: SignedDuration,

    #[command(flatten)]
    times: Times,
}

/// What was said, for programs.
#[derive(Debug, Serialize)]
struct FreshView {
    file: String,
    version: u64,
    index_meta: u64,
    expires: String,
    missing: usize,
}

impl IndexFresh {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let place = Place::of(&self.index);
        let root = place.newest()?.root;
        let secrets = self.keys.open()?;
        must_be_in(&root, RoleName::Fresh, &secrets)?;
        let keys = &root.roles.index.keyids;
        let described = place.signed(sign::META, keys)?.ok_or_else(|| {
            Failure::new(Exit::NotFound, "the index is not signed yet")
                .with_hint("`packctl index-sign INDEX` comes first")
        })?;
        // nothing is called current that hosts would not believe
        let count = sign::count(&root, &root.roles.index, &described);
        if count.good < root.roles.index.threshold {
            let message = format!("`{}` has {count} of the signatures it needs", sign::META);
            return Err(Failure::new(Exit::Failed, message));
        }
        let meta =
            IndexMeta::parse(sign::META, &described.bytes).map_err(|refused| failure(&refused))?;
        let before = match place.read(sign::FRESH)? {
            None => 0,
            Some(bytes) => {
                Fresh::parse(sign::FRESH, &bytes)
                    .map_err(|refused| failure(&refused))?
                    .version
            }
        };
        let version = before
            .checked_add(1)
            .ok_or_else(|| Failure::new(Exit::Failed, "there is no version after the last one"))?;
        let (created, expires) = self.times.both(self.expires)?;
        let mark = MetaMark {
            version: meta.version,
            length: described.bytes.len() as u64,
            sha256: Digest::sha256_of(&described.bytes),
        };
        let fresh = Fresh::new(root.registry_id.clone(), version, (created, expires), mark);
        let bytes = fresh.to_bytes();
        place.replace(sign::FRESH, &bytes)?;
        let says = says(&root.registry_id, "fresh", version);
        place.sign(sign::FRESH, &bytes, &says, &secrets)?;
        let missing = lacks(&place, &root, RoleName::Fresh, sign::FRESH)?;
        let view = FreshView {
            file: place.path(sign::FRESH).display().to_string(),
            version,
            index_meta: meta.version,
            expires: expires.to_string(),
            missing,
        };
        out.show(&view, || {
            format!(
                "index version {} is current until {expires}\n",
                meta.version
            )
        });
        out.done(&format!("signed `{}`{}", view.file, still(missing)));
        Ok(Ending::Exit(Exit::Done))
    }
}
