//! What the verbs of signed registries share: the folder of a registry, secret keys, and files with their signatures.

pub(crate) mod fresh;
pub(crate) mod index;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod root;
mod secret;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use packd_format::error::without_path;
use packd_format::sign::{self, KeyId, Refused, RoleName, Root, Signature, Signed};
use packd_wire::Exit;

use crate::clock::Clock;
use crate::file::{self, FileError, Locked};
use crate::output::Failure;
use secret::Secret;

/// When something was made, and until when it may be believed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Times {
    /// When it counts as made: with the same time and input, the same bytes are written
    #[arg(long, value_name = "TIME")]
    created: Option<Timestamp>,

    #[command(flatten)]
    clock: Clock,
}

impl Times {
    /// The time itself, in whole seconds.
    fn created(self) -> Timestamp {
        let time = self.created.unwrap_or_else(|| self.clock.time());
        Timestamp::from_second(time.as_second()).unwrap_or(time)
    }

    /// Both times.
    fn both(self, lifetime: SignedDuration) -> Result<(Timestamp, Timestamp), Failure> {
        let created = self.created();
        let end = created.checked_add(lifetime);
        end.map(|end| (created, end))
            .map_err(|error| Failure::of(Exit::Usage, "the end is no time", &error))
    }
}

/// Reads a span of days or hours.
pub(crate) fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let hours = match text.split_at_checked(text.len().saturating_sub(1)) {
        Some((number, "d")) => number
            .parse()
            .ok()
            .and_then(|days: i64| days.checked_mul(24)),
        Some((number, "h")) => number.parse().ok(),
        _ => None,
    };
    hours
        .filter(|hours| (1..=24 * 366 * 20).contains(hours))
        .map(SignedDuration::from_hours)
        .ok_or_else(|| "write a span of days or hours, such as `30d` or `12h`".to_owned())
}

/// The folder of a registry: that of its index.
#[derive(Debug, Clone)]
struct Place {
    folder: PathBuf,
}

/// A root, and the file it is in.
#[derive(Debug, Clone)]
struct Newest {
    root: Root,
    file: String,
}

impl Place {
    /// The folder that a path means: itself, or the one of the index that it names.
    fn of(path: &Path) -> Self {
        let folder = if path.is_dir() {
            path
        } else {
            file::folder_of(path)
        };
        Self {
            folder: folder.to_owned(),
        }
    }

    /// The same of a registry that is about to be made, whose folder need not be there yet: only the file of an index
    /// means the folder that it is in.
    fn of_new(path: &Path) -> Self {
        let is_index = path.is_file() || path.extension().is_some_and(|end| end == "json");
        let folder = if is_index {
            file::folder_of(path)
        } else {
            path
        };
        Self {
            folder: folder.to_owned(),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// What a file holds, if there is one.
    fn read(&self, file: &str) -> Result<Option<Vec<u8>>, Failure> {
        read(&self.path(file))
    }

    /// The newest root, read but not judged: whoever signs trusts their own folder.
    fn newest(&self) -> Result<Newest, Failure> {
        let mut newest = None;
        for version in 1.. {
            let file = sign::root_path(version);
            let Some(bytes) = self.read(&file)? else {
                break;
            };
            let root = Root::parse(&file, &bytes).map_err(|refused| failure(&refused))?;
            newest = Some(Newest { root, file });
        }
        newest.ok_or_else(|| {
            let file = self.path(&sign::root_path(1));
            let message = format!("there is no root at `{}`", file.display());
            Failure::new(Exit::NotFound, message)
                .with_hint("`packctl key init FOLDER` makes keys and the first root of a registry")
        })
    }

    /// The signatures of a file by these keys, as far as there are any.
    fn signatures(&self, file: &str, keys: &[KeyId]) -> Result<Vec<Signature>, Failure> {
        let mut signatures = Vec::new();
        for key in keys {
            if let Some(bytes) = self.read(&sign::signature_path(file, key))? {
                let key = key.clone();
                signatures.push(Signature { key, bytes });
            }
        }
        Ok(signatures)
    }

    /// A file with its signatures by these keys.
    fn signed(&self, file: &str, keys: &[KeyId]) -> Result<Option<Signed>, Failure> {
        let Some(bytes) = self.read(file)? else {
            return Ok(None);
        };
        let signatures = self.signatures(file, keys)?;
        Ok(Some(Signed { bytes, signatures }))
    }

    /// Replaces a file; signatures of what it held before are gone.
    fn replace(&self, file: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.path(file);
        fs_err::create_dir_all(file::folder_of(&path)).map_err(FileError::io("create", &path))?;
        let old = self.read(file)?;
        write(&path, bytes)?;
        if old.as_deref() == Some(bytes) {
            return Ok(());
        }
        let prefix = format!("{}.minisig.", name_of(file));
        let folder = file::folder_of(&path);
        for entry in fs_err::read_dir(folder).map_err(FileError::io("read", folder))? {
            let entry = entry.map_err(FileError::io("read", folder))?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs_err::remove_file(entry.path())
                    .map_err(FileError::io("remove", &entry.path()))?;
            }
        }
        Ok(())
    }

    /// Signs a file with these keys.
    fn sign(&self, file: &str, bytes: &[u8], says: &str, keys: &[Secret]) -> Result<(), Failure> {
        for key in keys {
            let path = self.path(&sign::signature_path(file, &key.id()));
            write(&path, key.sign(bytes, says)?.as_bytes())?;
        }
        Ok(())
    }
}

/// Refuses a key that has no place in the role.
fn must_be_in(root: &Root, role: RoleName, keys: &[Secret]) -> Result<(), Failure> {
    let known = root.role(role).map(|role| role.keyids.clone());
    let known = known.unwrap_or_default();
    match keys.iter().find(|key| !known.contains(&key.id())) {
        None => Ok(()),
        Some(key) => {
            let message = format!(
                "`{}` is key {}, which is no {} key of root {}",
                key.shown(),
                key.id().short(),
                role.as_str(),
                root.version
            );
            Err(Failure::new(Exit::Usage, message).with_hint(
                "`packctl root show` lists the keys; `packctl root rotate --add KEY.pub --role ROLE` adds one",
            ))
        }
    }
}

/// How many signatures by the keys of a role a file lacks yet.
fn lacks(place: &Place, root: &Root, name: RoleName, file: &str) -> Result<usize, Failure> {
    let Some(role) = root.role(name) else {
        return Ok(0);
    };
    let signed = place.signed(file, &role.keyids)?.unwrap_or_default();
    let good = sign::count(root, role, &signed).good;
    Ok(role.threshold.saturating_sub(good))
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match fs_err::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_read(path, &error)),
    }
}

/// The same of a file that must be there.
fn must_read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs_err::read(path).map_err(|error| cannot_read(path, &error))
}

fn cannot_read(path: &Path, error: &io::Error) -> Failure {
    let exit = match error.kind() {
        io::ErrorKind::NotFound => Exit::NotFound,
        _ => Exit::Failed,
    };
    let doing = format!("cannot read `{}`", path.display());
    Failure::of(exit, doing, &without_path(error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let locked = Locked::new(path)?;
    Ok(locked.replace(|to| to.write_all(bytes).map_err(FileError::io("write", path)))?)
}

fn failure(refused: &Refused) -> Failure {
    Failure::new(Exit::Failed, refused.to_string())
}
