//! `key init`: the keys and the first root of a registry.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use packd_format::sign::{self, RegistryId, RoleName, Root};
use packd_wire::Exit;
use serde::Serialize;

use super::key::says;
use super::root::fingerprint;
use super::secret::{PasswordArgs, Secret};
use super::{Place, Times, failure, lifetime};
use crate::Ending;
use crate::file::FileError;
use crate::output::{Failure, Output};

/// Make the keys and the first root of a registry
///
/// The keys go into a folder of their own, which is never published; the root goes to packd/root/1.json beside the
/// index. Keep the root keys offline: they are needed once a year, or when another key has to be replaced.
#[derive(Debug, clap::Args)]
#[group(id = "key-init")]
pub(crate) struct Init {
    /// The folder of the index; it is made if it is not there
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,

    /// Where the keys go
    #[arg(long, value_name = "FOLDER")]
    keys: PathBuf,

    /// How many root keys
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    root_keys: usize,

    /// How many of them must sign a root
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    threshold: usize,

    /// How many index keys
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    index_keys: usize,

    /// How many of them must sign an index
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    index_threshold: usize,

    /// Also make a key that only says that the index is current, for a nightly job
    #[arg(long)]
    fresh_key: bool,

    /// Only refs like this may be published; again for each
    #[arg(long, value_name = "PATTERN")]
    namespace: Vec<String>,

    /// How long the root may be the newest one
    #[arg(long, value_name = "SPAN", default_value = "365d", value_parser = lifetime)]
    expires: SignedDuration,

    #[command(flatten)]
    times: Times,

    /// Do not encrypt the keys: whoever can read them can sign
    #[arg(long, conflicts_with = "password")]
    unencrypted: bool,

    #[command(flatten)]
    password: PasswordArgs,
}

/// What was made, for programs.
#[derive(Debug, Serialize)]
struct InitView {
    root: String,
    fingerprint: String,
    registry_id: String,
    keys: Vec<String>,
}

impl Init {
    pub(super) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let place = Place::of_new(&self.folder);
        let file = sign::root_path(1);
        if place.read(&file)?.is_some() {
            let message = format!(
                "`{}` exists: this registry has a root",
                place.path(&file).display()
            );
            return Err(Failure::new(Exit::Failed, message)
                .with_hint("`packctl root rotate` changes its keys"));
        }
        let (created, expires) = self.times.both(self.expires)?;
        let password = if self.unencrypted {
            None
        } else {
            Some(self.password.choose()?)
        };
        fs_err::create_dir_all(&self.keys).map_err(FileError::io("create", &self.keys))?;
        let mut root = Root::new(random_id()?, created, expires);
        root.namespaces.clone_from(&self.namespace);
        let mut paths = Vec::new();
        let mut signers = Vec::new();
        let roles = [
            (RoleName::Root, self.root_keys),
            (RoleName::Index, self.index_keys),
            (RoleName::Fresh, usize::from(self.fresh_key)),
        ];
        for (role, count) in roles {
            for path in key_paths(&self.keys, role, count) {
                let secret = Secret::generate(&path, password.as_deref())?;
                let comment = path
                    .file_stem()
                    .map(|name| name.to_string_lossy().into_owned());
                root.add(role, secret.public().clone(), comment);
                paths.push(path.display().to_string());
                if role == RoleName::Root {
                    signers.push(secret);
                }
            }
        }
        root.roles.root.threshold = self.threshold;
        root.roles.index.threshold = self.index_threshold;
        let bytes = root.to_bytes();
        Root::parse(&file, &bytes).map_err(|refused| failure(&refused))?;
        place.replace(&file, &bytes)?;
        place.sign(&file, &bytes, &says(&root.registry_id, "root", 1), &signers)?;
        let view = InitView {
            root: place.path(&file).display().to_string(),
            fingerprint: fingerprint(&bytes),
            registry_id: root.registry_id.to_string(),
            keys: paths,
        };
        out.show(&view, || format!("{}\n", view.fingerprint));
        out.done(&format!(
            "made `{}` and the keys {}",
            view.root,
            view.keys.join(", ")
        ));
        out.hint("hosts pin the root: `trust: signed` and `root: FILE`; then sign with `packctl index-sign`");
        Ok(Ending::Exit(Exit::Done))
    }
}

fn key_paths(folder: &Path, role: RoleName, count: usize) -> Vec<PathBuf> {
    let name = role.as_str();
    match count {
        1 => vec![folder.join(format!("{name}.key"))],
        _ => (1..=count)
            .map(|number| folder.join(format!("{name}-{number}.key")))
            .collect(),
    }
}

fn random_id() -> Result<RegistryId, Failure> {
    let mut bits = [0; 16];
    let got = rustix::rand::getrandom(&mut bits, rustix::rand::GetRandomFlags::empty());
    match got {
        Ok(16) => Ok(RegistryId::of(bits)),
        Ok(_) => Err(Failure::new(
            Exit::Failed,
            "the system gave too few random bytes",
        )),
        Err(error) => Err(Failure::of(Exit::Failed, "cannot get random bytes", &error)),
    }
}
