//! `index-verify`: a registry as a host would judge it.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use packd_format::sign::{self, Fetched, Held, Policy, Refused, Root, Signed};
use packd_wire::Exit;
use serde::Serialize;

use super::index::local_archive;
use super::{Place, failure, must_read};
use crate::Ending;
use crate::clock::Clock;
use crate::output::{Failure, GOOD, Output, styled, text};

/// Check a signed registry as a host would, before it is published
///
/// Follows the roots from --root, checks every signature, the index and what it names, and the archives that lie below
/// its folder. The exit code is 0 when a host would believe it.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexVerify {
    /// The index file, or its folder
    #[arg(value_name = "INDEX|FOLDER")]
    path: PathBuf,

    /// The root that hosts have pinned
    #[arg(long, value_name = "FILE")]
    root: PathBuf,

    /// Where the folder of the index is published: archives below this URL are read from the folder
    #[arg(long, value_name = "URL")]
    base: Option<String>,

    /// The time that counts, instead of now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,

    #[command(flatten)]
    clock: Clock,
}

/// What was found, for programs.
#[derive(Debug, Serialize)]
struct VerifyView {
    registry_id: String,
    root_version: u64,
    version: u64,
    expires: String,
    targets: usize,
    /// Archives that were read and compared.
    archives: usize,
    warnings: Vec<String>,
}

impl IndexVerify {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let index = if self.path.is_dir() {
            self.path.join("index.json")
        } else {
            self.path.clone()
        };
        let place = Place::of(&index);
        let file = self.root.display().to_string();
        let pinned =
            Root::parse(&file, &must_read(&self.root)?).map_err(|refused| failure(&refused))?;
        let (roots, root) = follow(&place, &pinned)?;
        let fresh = match &root.roles.fresh {
            Some(role) => place.signed(sign::FRESH, &role.keyids)?,
            None => None,
        };
        let meta = place.signed(sign::META, &root.roles.index.keyids)?;
        let fetched = Fetched { roots, fresh, meta };
        let name = index.file_name().unwrap_or_default().to_string_lossy();
        let policy = Policy {
            index: &name,
            max_stale: SignedDuration::ZERO,
        };
        let at = self.at.unwrap_or_else(|| self.clock.time());
        let accepted = sign::verify(&pinned, &fetched, &Held::default(), at, policy);
        let accepted = accepted.map_err(|refused| failure(&refused))?;
        // a description that was not fetched is never accepted without an earlier one
        let meta = accepted.meta.ok_or_else(|| {
            let file = sign::META.to_owned();
            failure(&Refused::Missing { file })
        })?;
        let bytes = must_read(&index)?;
        sign::check_index(&meta.index, &bytes).map_err(|refused| failure(&refused))?;
        let unusable = |error: sign::TargetError| {
            Failure::of(
                Exit::Failed,
                format!("cannot read `{}`", index.display()),
                &error,
            )
        };
        let mut problems = meta.gaps(&bytes).map_err(unusable)?;
        let mut archives = 0;
        for (at, needed) in sign::needed(&bytes).map_err(unusable)? {
            match local_archive(&place, &needed, self.base.as_deref()) {
                Ok(Some(found)) if meta.targets.get(&at) == Some(&found) => archives += 1,
                Ok(Some(_)) => {
                    problems.push(format!("{}: `{at}` is not what was signed", needed.pack));
                }
                Ok(None) => {}
                Err(why) => problems.push(format!("{}: {why}", needed.pack)),
            }
        }
        if !problems.is_empty() {
            problems.truncate(10);
            return Err(Failure::new(Exit::Failed, problems.join("; "))
                .with_hint("sign the index again with `packctl index-sign`"));
        }
        let view = VerifyView {
            registry_id: accepted.root.registry_id.to_string(),
            root_version: accepted.root.version,
            version: meta.version,
            expires: accepted.expires.to_string(),
            targets: meta.targets.len(),
            archives,
            warnings: accepted.warnings.iter().map(ToString::to_string).collect(),
        };
        out.show(&view, || {
            format!(
                "{} root {}, index version {}, {} and {} compared, until {}\n",
                styled(GOOD, "✓"),
                view.root_version,
                view.version,
                text::count(view.targets as u64, "source", "sources"),
                text::count(view.archives as u64, "archive", "archives"),
                view.expires
            )
        });
        for warning in &view.warnings {
            out.warn(warning);
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// The roots after the pinned one, and the last of them.
fn follow(place: &Place, pinned: &Root) -> Result<(Vec<Signed>, Root), Failure> {
    let mut roots = Vec::new();
    let mut root = pinned.clone();
    while roots.len() < sign::MAX_ROOTS {
        let file = sign::root_path(root.version.saturating_add(1));
        let Some(mut signed) = place.signed(&file, &root.roles.root.keyids)? else {
            break;
        };
        let more = sign::next_keys(&root, &signed).map_err(|refused| failure(&refused))?;
        signed.signatures.extend(place.signatures(&file, &more)?);
        root = sign::succeeds(&root, &signed).map_err(|refused| failure(&refused))?;
        roots.push(signed);
    }
    Ok((roots, root))
}
