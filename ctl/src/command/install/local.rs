//! A folder or an archive on this machine, sent to the daemon as it is read.
//!
//! The daemon may not read the user's files, and must not on a user's word; so
//! they are read here, with the user's rights. A thread reads, the runtime sends,
//! and a bounded channel between them keeps either from running ahead.

use std::fs::Metadata;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fs_err::File;
use packd_format::archive::{ArchiveError, Format, LeftOut, PackError, Packing};
use packd_format::error::without_path;
use packd_format::manifest::FILE_NAME;
use packd_wire::{ErrorKind, Exit, JobView, UploadQuery};

use super::order::Seen;
use crate::client::Client;
use crate::client::body::{UploadWriter, upload};
use crate::command::folder;
use crate::output::Failure;
use crate::output::progress::Progress;

/// How often the bar of an upload moves.
const TICK: Duration = Duration::from_millis(100);
/// How much of a file tells what it is.
const HEAD_BYTES: u64 = 512;

/// Something on this machine that can be sent.
#[derive(Debug)]
pub(crate) struct Local {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Gone through already, and packed while it is sent.
    Folder(Box<Packing>),
    /// Sent as it is.
    Archive {
        file: File,
        bytes: u64,
        format: Format,
        /// When it was last changed, as it was opened.
        changed: Changed,
    },
}

/// When a file was last changed: its content, and whatever else of it.
#[derive(Debug, PartialEq, Eq)]
struct Changed([i64; 4]);

impl Changed {
    fn of(metadata: &Metadata) -> Self {
        Self([
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
        ])
    }
}

/// Why something on this machine cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalError {
    /// There is nothing of this name.
    #[error("`{}` does not exist", path.display())]
    Absent {
        /// What was typed.
        path: PathBuf,
    },
    /// It is neither a folder nor a regular file.
    #[error("`{}` is neither a folder nor a file", path.display())]
    Special {
        /// What was typed.
        path: PathBuf,
    },
    /// It is a folder without a pack in it.
    #[error("`{}` has no `pack.yaml`", path.display())]
    NoManifest {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// What makes it a pack is left out of it.
    #[error("`{}` is left out of what is sent: by an ignore file, or with a repository of its own", path.display())]
    Ignored {
        /// The file.
        path: PathBuf,
        /// The same, from the folder.
        manifest: String,
    },
    /// It is a file, but no archive.
    #[error("`{}` is no archive that packd can read", path.display())]
    NoArchive {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        source: ArchiveError,
    },
    /// The kernel does not let it be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// What was being read.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder has what no pack may have.
    #[error("cannot pack `{}`", path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// What no archive may have.
        source: ArchiveError,
    },
    /// Something in the folder cannot be packed.
    #[error("cannot pack `{}`", path.display())]
    Pack {
        /// The folder.
        path: PathBuf,
        /// What, and why not.
        source: PackError,
    },
    /// The file is not as it was when it was opened.
    #[error("`{}` changed while it was being sent", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl LocalError {
    fn exit(&self) -> Exit {
        match self {
            Self::Absent { .. } => Exit::NotFound,
            Self::NoManifest { .. } | Self::Ignored { .. } => ErrorKind::ManifestMissing.exit(),
            Self::NoArchive { .. } => ErrorKind::UnsupportedArchive.exit(),
            Self::Special { .. }
            | Self::Read { .. }
            | Self::Refused { .. }
            | Self::Pack { .. }
            | Self::Changed { .. } => Exit::Failed,
        }
    }

    fn of_packing(path: &Path, error: PackError) -> Self {
        let path = path.to_owned();
        match error {
            PackError::Refused { source, .. } => Self::Refused { path, source },
            source => Self::Pack { path, source },
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { path } if path.components().count() == 1 => Some(format!(
                "a pack of a registry has no ending and no slash: packctl search {}",
                stem(path)
            )),
            Self::NoManifest { .. } => Some(
                "a pack is a folder with a `pack.yaml`; --path names it inside the source"
                    .to_owned(),
            ),
            Self::Ignored { manifest, .. } => Some(format!(
                "a line `!/{manifest}` in the `.packignore` of the folder keeps it; a repository is installed by itself"
            )),
            Self::NoArchive { .. } => {
                Some("packd reads .tar.gz, .tgz, .tar.zst, .zip and .tar".to_owned())
            }
            Self::Changed { .. } => Some("run the same command again".to_owned()),
            Self::Refused { source, .. } => source.hint_for_makers(),
            Self::Pack { source, .. } => source.hint(),
            Self::Absent { .. } => {
                Some("the path counts from where the command runs: check it with `ls`".to_owned())
            }
            Self::Special { .. } => {
                Some("packctl sends folders, and archives that are files".to_owned())
            }
            Self::Read { .. } => Some("make it readable for you".to_owned()),
        }
    }
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        let failure = Self::of_error(error.exit(), &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

impl Local {
    /// Looks whether `path` is worth sending: there, readable, and a pack as far as can be seen.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn inspect(path: &Path, inner: Option<&str>) -> Result<Self, LocalError> {
        let read = |error| LocalError::Read {
            path: path.to_owned(),
            source: without_path(&error),
        };
        let metadata = match fs_err::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(LocalError::Absent {
                    path: path.to_owned(),
                });
            }
            Err(error) => return Err(read(error)),
        };
        let content = if metadata.is_dir() {
            let manifests = manifests(path, inner).map_err(read)?;
            let Some(first) = manifests.first() else {
                return Err(LocalError::NoManifest {
                    path: path.to_owned(),
                });
            };
            // what no pack may have is refused now, before anything is sent
            let packing = Packing::select(path, &folder::options(path));
            let packing = packing.map_err(|error| LocalError::of_packing(path, error))?;
            if !manifests.iter().any(|manifest| packing.has(manifest)) {
                return Err(LocalError::Ignored {
                    path: path.join(first),
                    manifest: first.clone(),
                });
            }
            Content::Folder(packing.into())
        } else if metadata.is_file() {
            let mut file = File::open(path).map_err(read)?;
            let metadata = file.metadata().map_err(read)?;
            let mut head = Vec::new();
            file.by_ref()
                .take(HEAD_BYTES)
                .read_to_end(&mut head)
                .map_err(read)?;
            file.rewind().map_err(read)?;
            let format = Format::sniff(&head).map_err(|source| LocalError::NoArchive {
                path: path.to_owned(),
                source,
            })?;
            Content::Archive {
                file,
                bytes: metadata.len(),
                format,
                changed: Changed::of(&metadata),
            }
        } else {
            return Err(LocalError::Special {
                path: path.to_owned(),
            });
        };
        Ok(Self {
            path: path.to_owned(),
            content,
        })
    }

    /// Which pack it is and what it needs, if that can be seen from here.
    pub(super) fn look(&mut self, inner: Option<&str>) -> Option<Seen> {
        match &mut self.content {
            Content::Folder(_) => Seen::in_folder(&self.path, inner),
            Content::Archive { file, format, .. } => {
                let seen = Seen::in_archive(file, *format, inner);
                // whatever was read of it, all of it is sent
                file.rewind().ok()?;
                seen
            }
        }
    }

    /// What the daemon is told that it is called: where it lies.
    pub(crate) fn name(&self) -> String {
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let name = absolute.to_string_lossy();
        match name.trim_end_matches('/') {
            "" => name.into_owned(),
            trimmed => trimmed.to_owned(),
        }
    }

    /// Where it is, as it was typed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Sends it; the job that comes of it, and what of the folder was left out.
    ///
    /// # Errors
    /// What could not be read here, before what the daemon says about its end.
    pub(crate) async fn send(
        self,
        client: &Client,
        progress: &mut Progress,
        query: &UploadQuery,
    ) -> Result<(JobView, LeftOut), Failure> {
        let label = stem(&self.path);
        let (content_type, length) = match &self.content {
            Content::Folder(_) => ("application/x-tar", None),
            Content::Archive { bytes, format, .. } => (content_type(*format), Some(*bytes)),
        };
        let sent = Arc::new(AtomicU64::new(0));
        let (writer, body) = upload(Arc::clone(&sent));
        let reading = tokio::task::spawn_blocking(move || self.write_to(writer));
        let mut answering = std::pin::pin!(client.upload(query, content_type, length, body));
        let mut tick = tokio::time::interval(TICK);
        let answer = loop {
            tokio::select! {
                answer = &mut answering => break answer,
                _ = tick.tick() => {
                    progress.transfer(&label, sent.load(Ordering::Relaxed), length);
                }
            }
        };
        progress.clear();
        match answer {
            // a job is made of the whole: the reading has come to its end
            Ok(job) => match reading.await {
                Ok(read) => Ok((job, read.unwrap_or_default())),
                Err(panic) => Err(Failure::of(Exit::Failed, "cannot read the source", &panic)),
            },
            // an answer that is a refusal is the reason, and ends the reading too
            Err(error @ crate::client::ClientError::Refused(_)) => Err(error.into()),
            Err(error) => match reading.await {
                Ok(Err(Some(read))) => Err(read.into()),
                Ok(_) => Err(error.into()),
                Err(panic) => Err(Failure::of(Exit::Failed, "cannot read the source", &panic)),
            },
        }
    }

    /// Writes the whole content, and says what of it was left out. An error that is only the daemon's having stopped to listen is
    /// nobody's fault here: nothing is said of it.
    fn write_to(self, mut writer: UploadWriter) -> Result<LeftOut, Option<LocalError>> {
        let path = self.path;
        let left_out = match self.content {
            Content::Folder(packing) => match packing.tar(&mut writer) {
                Ok(summary) => summary.left_out,
                Err(PackError::Write { .. }) => return Err(None),
                Err(error) => return Err(Some(LocalError::of_packing(&path, error))),
            },
            Content::Archive {
                file,
                bytes,
                changed,
                ..
            } => {
                let failed = |path: &Path, error| LocalError::Read {
                    path: path.to_owned(),
                    source: without_path(&error),
                };
                let mut exactly = file.take(bytes);
                let copied = match io::copy(&mut exactly, &mut writer) {
                    Ok(copied) => copied,
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(None),
                    Err(error) => return Err(Some(failed(&path, error))),
                };
                let after = exactly.into_inner().metadata();
                let after = after.map_err(|error| failed(&path, error))?;
                if copied != bytes || after.len() != bytes || Changed::of(&after) != changed {
                    return Err(Some(LocalError::Changed { path }));
                }
                LeftOut::default()
            }
        };
        writer.complete().map_err(|_| None)?;
        Ok(left_out)
    }
}

/// Each `pack.yaml` of a folder where one is looked for: where the request says, or else at the top and in the folders
/// there.
fn manifests(folder: &Path, inner: Option<&str>) -> io::Result<Vec<String>> {
    let mut within = vec![inner.unwrap_or_default().to_owned()];
    if inner.is_none() {
        for entry in fs_err::read_dir(folder)? {
            // what is not UTF-8 is no part of any pack
            within.extend(entry?.file_name().into_string());
        }
    }
    let manifests = within.into_iter().map(|within| {
        // as it is called in what is packed: `./slack/` is `slack` there
        let names = Path::new(&within)
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            });
        let names: Vec<_> = names.chain([FILE_NAME]).collect();
        names.join("/")
    });
    Ok(manifests
        .filter(|manifest| folder.join(manifest).is_file())
        .collect())
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Tar => "application/x-tar",
        Format::TarGz => "application/gzip",
        Format::TarZst => "application/zstd",
        Format::Zip => "application/zip",
    }
}

/// The last part of a path without the ending of an archive, for lines of progress.
fn stem(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute
        .file_name()
        .unwrap_or(absolute.as_os_str())
        .to_string_lossy();
    match Format::split_name(&name) {
        Some((stem, _)) => stem.to_owned(),
        None => name.into_owned(),
    }
}

#[cfg(test)]
mod tests;
