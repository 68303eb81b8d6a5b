//! `key`: keys of signed registries, and one more signature of a file.

use std::path::PathBuf;

use packd_format::sign::{self, Fresh, IndexMeta, Key, RoleName, Root};
use packd_wire::Exit;
use serde::Serialize;

use super::secret::{KeyArgs, PasswordArgs, Secret, public_path};
use super::{Place, failure, lacks, must_be_in, must_read};
use crate::Ending;
use crate::output::table::Table;
use crate::output::{Failure, Output};

/// Keys of signed registries
///
/// The files are those of minisign: its program reads and writes them too.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum KeyVerb {
    Init(super::init::Init),
    Generate(Generate),
    Show(Show),
    Sign(Sign),
}

/// Make a new pair of keys: FILE, and beside it its public half with the ending .pub
#[derive(Debug, clap::Args)]
#[group(id = "key-generate")]
pub(crate) struct Generate {
    /// The secret key; it must not exist yet
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Do not encrypt it: whoever can read the file can sign
    #[arg(long, conflicts_with = "password")]
    unencrypted: bool,

    #[command(flatten)]
    password: PasswordArgs,
}

/// Show what public keys are called
#[derive(Debug, clap::Args)]
#[group(id = "key-show")]
pub(crate) struct Show {
    /// Public keys
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// Add a signature to a root, a description or a statement of freshness
///
/// What a threshold of more than one key needs: everybody signs the same file, each with their own key.
#[derive(Debug, clap::Args)]
#[group(id = "key-sign")]
pub(crate) struct Sign {
    /// The file, below the `packd` folder of the registry
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    keys: KeyArgs,
}

/// A key, for programs.
#[derive(Debug, Serialize)]
struct KeyView {
    file: String,
    keyid: String,
    /// The number that minisign shows.
    minisign: String,
    public: String,
}

/// What was signed.
#[derive(Debug, Serialize)]
struct SignedView {
    file: String,
    keyids: Vec<String>,
    /// How many signatures are still missing.
    missing: usize,
}

impl KeyVerb {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        match self {
            Self::Init(verb) => verb.run(out),
            Self::Generate(verb) => verb.run(out),
            Self::Show(verb) => verb.run(out),
            Self::Sign(verb) => verb.run(out),
        }
    }
}

impl Generate {
    fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let password = if self.unencrypted {
            None
        } else {
            Some(self.password.choose()?)
        };
        let secret = Secret::generate(&self.file, password.as_deref())?;
        let view = KeyView::of(secret.public(), &public_path(&self.file));
        out.show(&view, || format!("{}\n", view.keyid));
        out.done(&format!("made `{}` and `{}`", secret.shown(), view.file));
        Ok(Ending::Exit(Exit::Done))
    }
}

impl Show {
    fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let mut views = Vec::new();
        for file in &self.files {
            let text = String::from_utf8_lossy(&must_read(file)?).into_owned();
            let key: Key = text.parse().map_err(|error: sign::KeyError| {
                Failure::of(
                    Exit::Failed,
                    format!("cannot read `{}`", file.display()),
                    &error,
                )
                .with_hint("the public half is meant: the file with the ending .pub")
            })?;
            views.push(KeyView::of(&key, file));
        }
        let width = out.width();
        out.show_list(&views, &views, || {
            let mut table = Table::new(["KEY", "MINISIGN", "FILE"]);
            for view in &views {
                table.row([
                    view.keyid.as_str().into(),
                    view.minisign.as_str().into(),
                    view.file.as_str().into(),
                ]);
            }
            table.render(width)
        });
        Ok(Ending::Exit(Exit::Done))
    }
}

impl KeyView {
    fn of(key: &Key, file: &std::path::Path) -> Self {
        // minisign writes the number as one of 64 bits, the lowest byte first
        let number = u64::from_le_bytes(key.number());
        Self {
            file: file.display().to_string(),
            keyid: key.id().to_string(),
            minisign: format!("{number:016X}"),
            public: key.as_str().to_owned(),
        }
    }
}

impl Sign {
    fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let bytes = must_read(&self.file)?;
        let shown = self.file.display().to_string();
        let name = self.file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        // packd/root/N.json lies one folder deeper than the others
        let mut above = self.file.ancestors().skip(1);
        let parsed = Root::parse(&shown, &bytes);
        let depth = usize::from(parsed.is_ok()) + 1;
        let folder = above
            .nth(depth)
            .filter(|folder| *folder != std::path::Path::new(""));
        let place = Place::of(folder.unwrap_or(std::path::Path::new(".")));
        let newest = place.newest()?;
        let (file, role, says) = if let Ok(root) = parsed {
            let file = sign::root_path(root.version);
            (
                file,
                RoleName::Root,
                says(&root.registry_id, "root", root.version),
            )
        } else if let Ok(meta) = IndexMeta::parse(&shown, &bytes) {
            let says = says(&meta.registry_id, "index", meta.version);
            (sign::META.to_owned(), RoleName::Index, says)
        } else {
            let fresh = Fresh::parse(&shown, &bytes).map_err(|refused| failure(&refused))?;
            let says = says(&fresh.registry_id, "fresh", fresh.version);
            (sign::FRESH.to_owned(), RoleName::Fresh, says)
        };
        if !file.ends_with(&name) || place.read(&file)?.as_deref() != Some(bytes.as_slice()) {
            let message = format!("`{shown}` does not lie at `{file}` of a registry");
            return Err(Failure::new(Exit::Usage, message));
        }
        let secrets = self.keys.open()?;
        let mut root = newest.root;
        if role == RoleName::Root && root.version > 1 {
            // the keys of the root before have to sign too
            let before = sign::root_path(root.version - 1);
            let before = Root::parse(&before, &place.read(&before)?.unwrap_or_default());
            let before = before.map_err(|refused| failure(&refused))?;
            for (id, entry) in before.keys {
                if before.roles.root.keyids.contains(&id) {
                    root.add(RoleName::Root, entry.public, entry.comment);
                }
            }
        }
        must_be_in(&root, role, &secrets)?;
        place.sign(&file, &bytes, &says, &secrets)?;
        let missing = match role {
            RoleName::Root => super::root::lacks_root(&place, &file)?,
            RoleName::Index | RoleName::Fresh => lacks(&place, &root, role, &file)?,
        };
        let view = SignedView {
            file: shown,
            keyids: secrets.iter().map(|key| key.id().to_string()).collect(),
            missing,
        };
        out.show(&view, String::new);
        out.done(&format!("signed `{}`{}", view.file, still(missing)));
        Ok(Ending::Exit(Exit::Done))
    }
}

/// What people read in a signature.
pub(super) fn says(registry: &sign::RegistryId, what: &str, version: u64) -> String {
    format!("packd registry {registry} {what} {version}")
}

/// What to add about signatures that are missing.
pub(super) fn still(missing: usize) -> String {
    match missing {
        0 => String::new(),
        1 => "; one more signature is needed: `packctl key sign`".to_owned(),
        more => format!("; {more} more signatures are needed: `packctl key sign`"),
    }
}
