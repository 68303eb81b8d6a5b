//! `checksum`: what a pack digests to, as a folder or as an archive.

use std::io::{self, Read, Seek as _};
use std::path::PathBuf;

use clap::ValueEnum;
use fs_err::File;
use packd_format::archive::{self, ArchiveError, Format, Limits, PackError, PackOptions, Packing};
use packd_format::digest::Hasher;
use packd_format::error::without_path;
use packd_format::tree::{self, FileList, RootError, TreeError};
use packd_format::{Algorithm, Digest};
use packd_wire::Exit;
use serde::Serialize;

use super::place::{Place, PlaceError};
use crate::Ending;
use crate::command::folder;
use crate::output::{Failure, GOOD, Output, styled, text};

/// Bytes that are read at once.
const BUFFER: usize = 256 * 1024;
/// How much of a file tells what it is.
const HEAD_BYTES: u64 = 512;

/// Print the digest of a folder, an archive or a file
///
/// Of a folder it is the tree digest: that of the pack which `build` packs and packd installs, without `.git`, what ignore
/// files name, and what programs leave behind. Of a file it is the SHA-256 of its bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl checksum .                                the tree digest of the pack here
  packctl checksum . --json | jq -r .checksum       only the digest
  packctl checksum slack-2.1.0.tar.gz               what an index says of the archive
  packctl checksum slack-2.1.0.tar.gz --algorithm tree    the tree in the archive")]
pub(crate) struct Checksum {
    /// A folder, an archive or a file
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// What to compute: by default `tree` of a folder and `sha256` of a file
    #[arg(long, short, value_enum, value_name = "ALGORITHM")]
    algorithm: Option<Way>,
}

/// Ways to make a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Way {
    /// The files of a pack, in a folder or in an archive
    Tree,
    /// Attune's legacy checksum of a folder, only good to compare with one
    Attune,
    /// The bytes of a file
    Sha256,
    /// The bytes of a file
    Sha512,
}

/// What was computed.
#[derive(Debug, Serialize)]
struct ChecksumView {
    path: String,
    checksum: Digest,
    algorithm: Way,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
    bytes: u64,
}

/// Why there is no digest.
#[derive(Debug, thiserror::Error)]
enum ChecksumError {
    /// A folder has no bytes of its own.
    #[error("`{}` is a folder, and {} is of the bytes of a file", path.display(), name)]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What was asked for.
        name: &'static str,
    },
    /// Something in the folder is nothing that a pack may have.
    #[error("cannot compute the tree digest of `{}`", path.display())]
    Pack {
        /// The folder.
        path: PathBuf,
        /// What, and why not.
        source: PackError,
    },
    /// The folder cannot be gone through.
    #[error("cannot compute the checksum of `{}`", path.display())]
    Tree {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: TreeError,
    },
    /// The file has no tree in it.
    #[error("cannot compute the digest of the tree in `{}`", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ArchiveError,
    },
    /// The archive has no pack in it, or several.
    #[error("cannot find the pack in `{}`", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: RootError,
    },
    /// There is no room to unpack the archive.
    #[error("cannot unpack `{}` into a temporary folder", path.display())]
    Scratch {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ChecksumError {
    fn exit(&self) -> Exit {
        match self {
            Self::Folder { .. } => Exit::Usage,
            Self::Pack { .. }
            | Self::Tree { .. }
            | Self::Archive { .. }
            | Self::Root { .. }
            | Self::Scratch { .. } => Exit::Failed,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Folder { .. } => Some(
                "leave --algorithm out for the tree digest, or build the archive first".to_owned(),
            ),
            Self::Pack { source, .. } => source.hint(),
            Self::Archive { source, .. } => source.hint_for_makers(),
            Self::Root { source, .. } => source.hint(),
            Self::Tree { .. } | Self::Scratch { .. } => None,
        }
    }
}

impl From<ChecksumError> for Failure {
    fn from(error: ChecksumError) -> Self {
        let failure = Self::of_error(error.exit(), &error);
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

impl Checksum {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let place = Place::of(&self.path)?;
        if out.is_human() {
            out.say(&format!(
                "Calculating checksum for '{}'...",
                text::clean(&self.path.to_string_lossy())
            ));
        }
        let view = match place {
            Place::Folder => self.of_folder(out)?,
            Place::File(file) => self.of_file(file)?,
        };
        out.show(&view, || view.human());
        out.done(&format!(
            "{} Checksum calculated successfully",
            styled(GOOD, "✓")
        ));
        Ok(Ending::Exit(Exit::Done))
    }

    fn of_folder(&self, out: &mut Output) -> Result<ChecksumView, Failure> {
        let path = || self.path.clone();
        let way = self.algorithm.unwrap_or(Way::Tree);
        match way {
            Way::Tree => {
                // what installs it has limits of its own; the digest has none
                let options = PackOptions {
                    limits: Limits {
                        pack_bytes: u64::MAX,
                        file_bytes: u64::MAX,
                        entries: u64::MAX,
                        ..Limits::default()
                    },
                    ..folder::options(&self.path)
                };
                let failed = |source| ChecksumError::Pack {
                    path: path(),
                    source,
                };
                let packing = Packing::select(&self.path, &options).map_err(failed)?;
                folder::tell(&self.path, packing.left_out(), out);
                let files = packing.list().map_err(failed)?;
                Ok(self.view_of_tree(&files))
            }
            Way::Attune => {
                let made =
                    tree::attune_checksum(&self.path).map_err(|source| ChecksumError::Tree {
                        path: path(),
                        source,
                    })?;
                Ok(self.view(made.digest, way, Some(made.files), made.bytes))
            }
            Way::Sha256 | Way::Sha512 => Err(ChecksumError::Folder {
                path: path(),
                name: way.hash(),
            }
            .into()),
        }
    }

    fn of_file(&self, mut file: File) -> Result<ChecksumView, Failure> {
        let way = self.algorithm.unwrap_or(Way::Sha256);
        let algorithm = match way {
            Way::Tree => {
                let files = self.tree_in(&mut file)?;
                return Ok(self.view_of_tree(&files));
            }
            // of a single file, Attune's is of the bytes too
            Way::Attune | Way::Sha256 => Algorithm::Sha256,
            Way::Sha512 => Algorithm::Sha512,
        };
        let (digest, bytes) =
            digest_of(&mut file, algorithm).map_err(|error| PlaceError::Read {
                path: self.path.clone(),
                source: without_path(&error),
            })?;
        Ok(self.view(digest, way, None, bytes))
    }

    /// The files of the pack in an archive, unpacked as packd would.
    fn tree_in(&self, file: &mut File) -> Result<FileList, Failure> {
        let path = || self.path.clone();
        let failed = |source| ChecksumError::Archive {
            path: path(),
            source,
        };
        let unread = |error: io::Error| {
            failed(ArchiveError::Read {
                source: without_path(&error),
            })
        };
        let mut head = Vec::new();
        file.by_ref()
            .take(HEAD_BYTES)
            .read_to_end(&mut head)
            .and_then(|_| file.rewind())
            .map_err(unread)?;
        let format = Format::sniff(&head).map_err(failed)?;
        let folder = tempfile::tempdir().map_err(|source| ChecksumError::Scratch {
            path: path(),
            source,
        })?;
        let source = match format {
            Format::Zip => archive::Source::Zip(file.file()),
            Format::Tar | Format::TarGz | Format::TarZst => archive::Source::Stream(format, file),
        };
        let all =
            archive::unpack(source, folder.path(), &Limits::default(), &mut ()).map_err(failed)?;
        let lost = |source| ChecksumError::Root {
            path: path(),
            source,
        };
        let root = tree::find_pack_root(&all, None).map_err(lost)?;
        Ok(all.strip_root(&root).map_err(lost)?)
    }

    fn view_of_tree(&self, files: &FileList) -> ChecksumView {
        self.view(
            files.digest(),
            Way::Tree,
            Some(files.files()),
            files.bytes(),
        )
    }

    fn view(
        &self,
        checksum: Digest,
        algorithm: Way,
        files: Option<u64>,
        bytes: u64,
    ) -> ChecksumView {
        ChecksumView {
            path: self.path.to_string_lossy().into_owned(),
            checksum,
            algorithm,
            files,
            bytes,
        }
    }
}

impl Way {
    /// What is computed in the end.
    fn hash(self) -> &'static str {
        match self {
            Self::Tree | Self::Attune | Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

impl ChecksumView {
    fn human(&self) -> String {
        let size = text::bytes(self.bytes);
        let files = text::count(self.files.unwrap_or(1), "file", "files");
        let of = match self.algorithm {
            Way::Tree => format!("the tree ({files}, {size})"),
            Way::Attune => {
                format!(
                    "{files}, {size}, as Attune does it; good to compare with, and not to be trusted"
                )
            }
            Way::Sha256 | Way::Sha512 => format!("the bytes of the file ({size})"),
        };
        format!(
            "Checksum for: {path}\nAlgorithm: {algorithm}\nHash: {hash}\nFormatted: {checksum}\nOf: {of}\n",
            path = text::clean(&self.path),
            algorithm = self.algorithm.hash(),
            hash = self.checksum.hex(),
            checksum = self.checksum,
        )
    }
}

/// The digest of everything that is read, and how many bytes that was.
pub(super) fn digest_of(reader: &mut impl Read, algorithm: Algorithm) -> io::Result<(Digest, u64)> {
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; BUFFER];
    let mut bytes = 0;
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok((hasher.finish(), bytes)),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
