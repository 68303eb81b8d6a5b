//! `index-sign`: an index described and signed.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use jiff::SignedDuration;
use packd_format::Digest;
use packd_format::digest::{Algorithm, Reader};
use packd_format::sign::{self, Described, IndexMeta, Needed, RoleName, Target};
use packd_wire::Exit;
use serde::{Deserialize, Serialize};

use super::key::{says, still};
use super::secret::KeyArgs;
use super::{Place, Times, failure, lacks, lifetime, must_be_in, must_read};
use crate::Ending;
use crate::output::{Failure, Output, text};

/// Sign an index, and everything that it names
///
/// Writes packd/index.meta.json beside the index, which stays as it is: its digest, and the length and digest of each
/// archive, the commit of each repository. What the index does not say of an archive is read from the archive,
/// where it lies below the folder of the index, or taken from --digests. Nothing is fetched.
#[derive(Debug, clap::Args)]
pub(crate) struct IndexSign {
    /// The index file
    #[arg(value_name = "INDEX")]
    index: PathBuf,

    #[command(flatten)]
    keys: KeyArgs,

    /// How long it may be believed
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = lifetime)]
    expires: SignedDuration,

    #[command(flatten)]
    times: Times,

    /// Where the folder of the index is published: archives below this URL are read from the folder
    #[arg(long, value_name = "URL")]
    base: Option<String>,

    /// What the index does not say: a JSON object of places with `length` and `sha256`, or `commit`; or an earlier
    /// index.meta.json
    #[arg(long, value_name = "FILE")]
    digests: Option<PathBuf>,
}

/// What was signed, for programs.
#[derive(Debug, Serialize)]
struct SignView {
    file: String,
    version: u64,
    expires: String,
    targets: usize,
    missing: usize,
}

/// What `--digests` reads.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Digests {
    Meta { targets: BTreeMap<String, Target> },
    Table(BTreeMap<String, Target>),
}

impl IndexSign {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let place = Place::of(&self.index);
        let root = place.newest()?.root;
        let secrets = self.keys.open()?;
        must_be_in(&root, RoleName::Index, &secrets)?;
        let bytes = must_read(&self.index)?;
        let name = self.index.file_name().unwrap_or_default();
        let (created, expires) = self.times.both(self.expires)?;
        let before = self.before(&place)?;
        let version = before.checked_add(1).ok_or_else(|| {
            Failure::new(Exit::Failed, "there is no version after the last one")
                .with_hint("a root with other index keys begins anew: `packctl root rotate`")
        })?;
        let described = Described {
            path: name.to_string_lossy().into_owned(),
            length: bytes.len() as u64,
            sha256: Digest::sha256_of(&bytes),
        };
        let registry = (root.registry_id.clone(), root.version);
        let mut meta = IndexMeta::new(registry, version, (created, expires), described);
        meta.targets = self.targets(&place, &bytes)?;
        let written = meta.to_bytes();
        IndexMeta::parse(sign::META, &written).map_err(|refused| failure(&refused))?;
        place.replace(sign::META, &written)?;
        let says = says(&meta.registry_id, "index", version);
        place.sign(sign::META, &written, &says, &secrets)?;
        let missing = lacks(&place, &root, RoleName::Index, sign::META)?;
        let view = SignView {
            file: place.path(sign::META).display().to_string(),
            version,
            expires: expires.to_string(),
            targets: meta.targets.len(),
            missing,
        };
        out.show(&view, || {
            let sources = text::count(view.targets as u64, "source", "sources");
            format!("version {version} with {sources}, until {expires}\n")
        });
        out.done(&format!("signed `{}`{}", view.file, still(missing)));
        if root.roles.fresh.is_some() {
            out.hint("hosts also want `packctl index-fresh` from now on");
        }
        Ok(Ending::Exit(Exit::Done))
    }

    /// The version of the description that is there. One of before another set of keys counts too: higher is never wrong.
    #[expect(clippy::unused_self, reason = "it is a part of signing")]
    fn before(&self, place: &Place) -> Result<u64, Failure> {
        match place.read(sign::META)? {
            None => Ok(0),
            Some(bytes) => Ok(IndexMeta::parse(sign::META, &bytes)
                .map_err(|refused| failure(&refused))?
                .version),
        }
    }

    fn targets(&self, place: &Place, index: &[u8]) -> Result<BTreeMap<String, Target>, Failure> {
        let given = match &self.digests {
            None => BTreeMap::new(),
            Some(path) => {
                let digests = serde_json::from_slice(&must_read(path)?).map_err(|error| {
                    let doing = format!("cannot read the digests in `{}`", path.display());
                    Failure::of(Exit::Failed, doing, &error)
                })?;
                match digests {
                    Digests::Meta { targets } | Digests::Table(targets) => targets,
                }
            }
        };
        let needed = sign::needed(index).map_err(|error| {
            let doing = format!("cannot sign `{}`", self.index.display());
            Failure::of(Exit::Failed, doing, &error)
                .with_hint("`packctl index-validate` says what is wrong with it")
        })?;
        let mut targets = BTreeMap::new();
        let mut problems = Vec::new();
        for (at, needed) in needed {
            match target(place, &needed, self.base.as_deref(), given.get(&at)) {
                Ok(target) => drop(targets.insert(at, target)),
                Err(why) => problems.push(format!("{}: {why}", needed.pack)),
            }
        }
        if problems.is_empty() {
            return Ok(targets);
        }
        let count = text::count(problems.len() as u64, "source", "sources");
        problems.truncate(10);
        let message = format!("cannot describe {count}: {}", problems.join("; "));
        Err(Failure::new(Exit::Failed, message).with_hint(
            "put the archives below the folder of the index, or write what is missing into a file for --digests",
        ))
    }
}

/// What a source is: as its file says, as it was given, or as the index says.
fn target(
    place: &Place,
    needed: &Needed,
    base: Option<&str>,
    given: Option<&Target>,
) -> Result<Target, String> {
    let local = local_archive(place, needed, base)?;
    let found = local.as_ref().or(given);
    match found {
        Some(target) if needed.agrees(target) => Ok(target.clone()),
        Some(_) => Err(format!(
            "`{}` has other bytes than the index says",
            needed.url
        )),
        None => needed.target().ok_or_else(|| {
            let what = match (needed.is_git, needed.sha256) {
                (true, _) => "commit",
                (false, None) => "sha256",
                (false, Some(_)) => "length",
            };
            format!("nothing says the {what} of `{}`", needed.url)
        }),
    }
}

/// What an archive below the folder of the index is.
pub(super) fn local_archive(
    place: &Place,
    needed: &Needed,
    base: Option<&str>,
) -> Result<Option<Target>, String> {
    let below = base.and_then(|base| needed.url.strip_prefix(base.trim_end_matches('/')));
    let url = below.and_then(|rest| rest.strip_prefix('/'));
    let url = url.unwrap_or(&needed.url);
    let is_relative = !url.contains("://") && !url.starts_with('/');
    let climbs = url.split('/').any(|part| part == "..");
    if needed.is_git || !is_relative || climbs {
        return Ok(None);
    }
    let path = percent_encoding::percent_decode_str(url).decode_utf8_lossy();
    if path.split('/').any(|part| part == "..") {
        return Ok(None);
    }
    let path = place.path(&path);
    let Ok(file) = fs_err::File::open(&path) else {
        return Ok(None);
    };
    let mut reader = Reader::new(file, &[Algorithm::Sha256]);
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(format!("cannot read `{}`: {error}", path.display())),
        }
    }
    let length = reader.bytes_read();
    let digest = reader.finish().into_iter().next();
    Ok(digest.map(|digest| Target::archive(length, digest)))
}
