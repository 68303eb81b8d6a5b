//! `root`: the roots of a registry, and the next one.

use std::path::PathBuf;

use jiff::SignedDuration;
use packd_format::Digest;
use packd_format::sign::{self, Key, KeyId, RoleName, Root};
use packd_wire::Exit;
use serde::Serialize;

use super::key::{says, still};
use super::secret::KeyArgs;
use super::{Place, Times, failure, lacks, lifetime, must_be_in, must_read};
use crate::Ending;
use crate::output::table::Table;
use crate::output::{Failure, Output};

/// Roots of signed registries: which keys may sign what
#[derive(Debug, clap::Subcommand)]
pub(crate) enum RootVerb {
    Show(Show),
    Fingerprint(Fingerprint),
    Rotate(Box<Rotate>),
}

/// Show the keys and roles of a root
#[derive(Debug, clap::Args)]
#[group(id = "root-show")]
pub(crate) struct Show {
    /// A root, or the folder of a registry for its newest one
    #[arg(value_name = "FILE|FOLDER", default_value = ".")]
    path: PathBuf,
}

/// Print what stands for a root, to be compared by other means than the network
#[derive(Debug, clap::Args)]
#[group(id = "root-fingerprint")]
pub(crate) struct Fingerprint {
    /// A root, or the folder of a registry for its newest one
    #[arg(value_name = "FILE|FOLDER", default_value = ".")]
    path: PathBuf,
}

/// Make the next root: give and take keys, or only more time
///
/// It needs signatures by the root keys of before and by those it names itself; who is not there signs later, with
/// `packctl key sign`. Hosts follow by themselves. After a change of the index keys the index must be signed again.
#[derive(Debug, clap::Args)]
#[group(id = "root-rotate")]
pub(crate) struct Rotate {
    /// The folder of the index
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,

    /// Public keys to add to the role
    #[arg(long, value_name = "FILE")]
    add: Vec<PathBuf>,

    /// Keys to take from the role: names, or the beginning of them
    #[arg(long, value_name = "KEY")]
    remove: Vec<String>,

    /// The role
    #[arg(long, value_enum, value_name = "ROLE", default_value = "index")]
    role: RoleArg,

    /// How many keys of the role must sign
    #[arg(long, value_name = "NUMBER")]
    threshold: Option<usize>,

    /// How long it may be the newest one
    #[arg(long, value_name = "SPAN", default_value = "365d", value_parser = lifetime)]
    expires: SignedDuration,

    #[command(flatten)]
    times: Times,

    #[command(flatten)]
    keys: KeyArgs,
}

/// The roles, as they are typed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RoleArg {
    /// Signs roots
    Root,
    /// Signs the index
    Index,
    /// Says that it is current
    Fresh,
}

impl From<RoleArg> for RoleName {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Root => Self::Root,
            RoleArg::Index => Self::Index,
            RoleArg::Fresh => Self::Fresh,
        }
    }
}

/// A root, for programs.
#[derive(Debug, Serialize)]
struct RootView {
    file: String,
    fingerprint: String,
    #[serde(flatten)]
    root: Root,
    /// How many signatures are still missing.
    missing: usize,
}

impl RootVerb {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        match self {
            Self::Show(Show { path }) => {
                let (file, bytes, root) = open(&path)?;
                let view = RootView {
                    file,
                    fingerprint: fingerprint(&bytes),
                    root,
                    missing: 0,
                };
                let width = out.width();
                out.show(&view, || told(&view, width));
            }
            Self::Fingerprint(Fingerprint { path }) => {
                let (_, bytes, _) = open(&path)?;
                let fingerprint = fingerprint(&bytes);
                out.show(&serde_json::json!({"fingerprint": fingerprint}), || {
                    format!("{fingerprint}\n")
                });
            }
            Self::Rotate(verb) => return verb.run(out),
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// What stands for a root.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    Digest::sha256_of(bytes).to_string()
}

/// How many signatures a root lacks: by its own keys, and by those of the root before.
pub(super) fn lacks_root(place: &Place, file: &str) -> Result<usize, Failure> {
    let root = Root::parse(file, &place.read(file)?.unwrap_or_default())
        .map_err(|refused| failure(&refused))?;
    let own = lacks(place, &root, RoleName::Root, file)?;
    if root.version < 2 {
        return Ok(own);
    }
    let before = sign::root_path(root.version - 1);
    let before = Root::parse(&before, &place.read(&before)?.unwrap_or_default());
    let before = before.map_err(|refused| failure(&refused))?;
    Ok(own.max(lacks(place, &before, RoleName::Root, file)?))
}

fn open(path: &std::path::Path) -> Result<(String, Vec<u8>, Root), Failure> {
    let path = if path.is_dir() {
        let place = Place::of(path);
        place.path(&place.newest()?.file)
    } else {
        path.to_owned()
    };
    let file = path.display().to_string();
    let bytes = must_read(&path)?;
    let root = Root::parse(&file, &bytes).map_err(|refused| failure(&refused))?;
    Ok((file, bytes, root))
}

fn told(view: &RootView, width: crate::output::Width) -> String {
    let root = &view.root;
    let mut table = Table::new(["ROLE", "NEEDS", "KEY", "WHOSE"]);
    for name in [RoleName::Root, RoleName::Index, RoleName::Fresh] {
        let Some(role) = root.role(name) else {
            continue;
        };
        for id in &role.keyids {
            let comment = root.keys.get(id).and_then(|entry| entry.comment.as_deref());
            table.row([
                name.as_str().into(),
                format!("{} of {}", role.threshold, role.keyids.len()).into(),
                id.short().into(),
                crate::output::text::clean(comment.unwrap_or("-")),
            ]);
        }
    }
    format!(
        "Root {} of registry {}, from {} to {}\n{}\n{}",
        root.version,
        root.registry_id,
        root.created,
        root.expires,
        view.fingerprint,
        table.render(width)
    )
}

impl Rotate {
    fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let place = Place::of(&self.folder);
        let before = place.newest()?.root;
        let role = RoleName::from(self.role);
        let mut root = before.clone();
        root.version = before.version.checked_add(1).ok_or_else(|| {
            Failure::new(Exit::Failed, "there is no version after the newest root's")
        })?;
        (root.created, root.expires) = self.times.both(self.expires)?;
        for path in &self.add {
            let text = String::from_utf8_lossy(&must_read(path)?).into_owned();
            let key: Key = text.parse().map_err(|error: sign::KeyError| {
                Failure::of(
                    Exit::Failed,
                    format!("cannot read `{}`", path.display()),
                    &error,
                )
            })?;
            let comment = path
                .file_stem()
                .map(|name| name.to_string_lossy().into_owned());
            root.add(role, key, comment);
        }
        for text in &self.remove {
            let id = named(&before, role, text)?;
            root.remove(role, &id);
        }
        if let Some(threshold) = self.threshold {
            root.role_mut(role).threshold = threshold;
        }
        let file = sign::root_path(root.version);
        let bytes = root.to_bytes();
        Root::parse(&file, &bytes).map_err(|refused| failure(&refused))?;
        let secrets = self.keys.open()?;
        let mut either = root.clone();
        for (id, entry) in &before.keys {
            if before.roles.root.keyids.contains(id) {
                either.add(RoleName::Root, entry.public.clone(), None);
            }
        }
        must_be_in(&either, RoleName::Root, &secrets)?;
        place.replace(&file, &bytes)?;
        let says = says(&root.registry_id, "root", root.version);
        place.sign(&file, &bytes, &says, &secrets)?;
        let missing = lacks_root(&place, &file)?;
        let indexers = before.roles.index.keyids != root.roles.index.keyids
            || before.roles.index.threshold != root.roles.index.threshold;
        let view = RootView {
            file: place.path(&file).display().to_string(),
            fingerprint: fingerprint(&bytes),
            root,
            missing,
        };
        let width = out.width();
        out.show(&view, || told(&view, width));
        out.done(&format!("made `{}`{}", view.file, still(missing)));
        if indexers {
            out.hint("the keys of the index have changed: sign it again with `packctl index-sign`");
        }
        Ok(Ending::Exit(Exit::Done))
    }
}

/// The one key of a role whose name begins so.
fn named(root: &Root, role: RoleName, text: &str) -> Result<KeyId, Failure> {
    let keys = root.role(role).map(|role| role.keyids.clone());
    let keys = keys.unwrap_or_default();
    let mut fitting = keys.iter().filter(|id| id.as_str().starts_with(text));
    if let (Some(id), None, true) = (fitting.next(), fitting.next(), text.len() >= 8) {
        return Ok(id.clone());
    }
    let message = format!("`{text}` names no single {} key", role.as_str());
    Err(Failure::new(Exit::Usage, message)
        .with_hint("write at least the first 8 digits of its name, as `packctl root show` has it"))
}
