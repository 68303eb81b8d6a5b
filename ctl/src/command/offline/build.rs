//! `build`: the archive that a pack is published as, the same bytes for the same pack.

use std::io::{self, Seek as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use packd_format::archive::{Format, LeftOut, PackError, PackOptions, Packing};
use packd_format::error::without_path;
use packd_format::manifest::FILE_NAME;
use packd_format::tree::{RootError, find_pack_root};
use packd_format::{Algorithm, Digest, Manifest};
use packd_wire::Exit;
use serde::Serialize;

use super::checksum::digest_of;
use super::made::Made;
use super::place::{inside, manifest_of};
use crate::Ending;
use crate::command::folder;
use crate::file::{FileError, Locked, folder_of, refuse_dash};
use crate::output::{Failure, GOOD, Output, styled, text};

/// Build the archive that a pack is published as
///
/// The same files give the same bytes, wherever and whenever it is built. `.git`, what `.gitignore` and `.packignore`
/// name, and what programs leave behind are left out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  packctl build ./slack                      slack-2.1.0.tar.gz, in this folder
  packctl build . --output-dir dist --force  dist/slack-2.1.0.tar.gz, again
  packctl build . --file /tmp/slack.zip      the format is that of the name")]
pub(crate) struct Build {
    /// The folder of the pack
    #[arg(value_name = "PATH")]
    path: PathBuf,

    /// The archive to write, instead of REF-VERSION with the ending of the format
    #[arg(long, value_name = "FILE", conflicts_with = "output_dir")]
    file: Option<PathBuf>,

    /// The format: by default what the ending of FILE says, and tar.gz without one
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Kind>,

    /// The folder to put it into, made if there is none, instead of this one
    #[arg(long, value_name = "FOLDER")]
    output_dir: Option<PathBuf>,

    /// Replace a file that is there already
    #[arg(long, short)]
    force: bool,
}

/// Formats that are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
enum Kind {
    /// What everybody can read
    #[value(name = "tar.gz", alias = "tgz")]
    #[serde(rename = "tar.gz")]
    TarGz,
    /// What some systems want
    #[serde(rename = "zip")]
    Zip,
    /// What unpacks fastest
    #[value(name = "tar.zst", alias = "tzst")]
    #[serde(rename = "tar.zst")]
    TarZst,
}

impl Kind {
    /// What the name of a file says.
    fn of_name(path: &Path) -> Option<Self> {
        match Format::of_name(&path.file_name()?.to_string_lossy())? {
            Format::TarGz => Some(Self::TarGz),
            Format::TarZst => Some(Self::TarZst),
            Format::Zip => Some(Self::Zip),
            // nobody publishes one uncompressed
            Format::Tar => None,
        }
    }

    fn format(self) -> Format {
        match self {
            Self::TarGz => Format::TarGz,
            Self::Zip => Format::Zip,
            Self::TarZst => Format::TarZst,
        }
    }
}

/// What was built. `checksum`, `size` and `tree` are what an index says of the archive under these names.
#[derive(Debug, Serialize)]
struct BuildView {
    path: String,
    r#ref: String,
    version: String,
    format: Kind,
    checksum: Digest,
    size: u64,
    tree: Digest,
    files: u64,
}

/// Why no archive was built.
#[derive(Debug, thiserror::Error)]
enum BuildError {
    /// The name says one format, the option another.
    #[error("`{}` is not called as a {} is", path.display(), format.extension())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        format: Format,
    },
    /// The name says a format that no pack comes in, and no option says another.
    #[error("the ending of `{}` is none that an archive of a pack has", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
    },
    /// There is such a file.
    #[error("Output file already exists: {}. Use --force to overwrite.", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The folder has what no archive may have.
    #[error("cannot pack `{}`", path.display())]
    Pack {
        /// The folder.
        path: PathBuf,
        /// What, and why not.
        source: PackError,
    },
    /// `pack.yaml` is ignored.
    #[error("`{}` is left out by `.gitignore` or `.packignore`", path.display())]
    ManifestIgnored {
        /// The file.
        path: PathBuf,
    },
    /// packd would not find the pack in the archive.
    #[error("the archive of `{}` could not be installed", path.display())]
    Root {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: RootError,
    },
    /// A file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
}

impl BuildError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Format { .. } => {
                Some("leave --format out, or give the file another ending".to_owned())
            }
            Self::Ending { .. } => Some(
                "the endings are .tar.gz, .tgz, .tar.zst, .tzst and .zip; --format FORMAT goes with any name"
                    .to_owned(),
            ),
            Self::Pack { source, .. } => source.hint(),
            Self::Root { source, .. } => source.hint(),
            Self::ManifestIgnored { .. } => Some("add `!/pack.yaml` to `.packignore`".to_owned()),
            Self::Exists { .. } | Self::File(_) => None,
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let failure = match error {
            BuildError::File(error) => return error.into(),
            BuildError::Format { .. } | BuildError::Ending { .. } => {
                Self::of_error(Exit::Usage, &error)
            }
            BuildError::Exists { .. }
            | BuildError::Pack { .. }
            | BuildError::ManifestIgnored { .. }
            | BuildError::Root { .. } => Self::of_error(Exit::Failed, &error),
        };
        match error.hint() {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

impl Build {
    pub(crate) fn run(self, out: &mut Output) -> Result<Ending, Failure> {
        let manifest = manifest_of(&self.path, out)?;
        // the version becomes part of a file name, as it does in the store
        let version = manifest.version.to_string().replace('+', "_");
        let stem = format!("{}-{version}", manifest.pack_ref);
        let (target, kind) = self.target(&stem)?;
        refuse_dash(&target)?;
        let (view, left_out) = self.build(&manifest, stem, &target, kind)?;
        folder::tell(&self.path, &left_out, out);
        if let Some(inner) = inside(&self.path, &target)
            && Packing::select(&self.path, &folder::options(&self.path))
                .is_ok_and(|next| next.has(&inner))
        {
            out.warn(&format!(
                "`{inner}` lies in the pack, and its next digest will count it"
            ));
            out.hint(&format!("name `/{inner}` in `.packignore`"));
        }
        out.show(&view, || view.human());
        out.done(&format!(
            "{} Built {}",
            styled(GOOD, "✓"),
            text::clean(&view.path)
        ));
        Ok(Ending::Exit(Exit::Done))
    }

    /// The file to write, and its format.
    fn target(&self, stem: &str) -> Result<(PathBuf, Kind), BuildError> {
        let named = self.file.as_deref().and_then(Kind::of_name);
        let kind = match (self.format.or(named), &self.file) {
            (Some(kind), _) => kind,
            (None, None) => Kind::TarGz,
            (None, Some(file)) if file.extension().is_none() => Kind::TarGz,
            (None, Some(file)) => {
                return Err(BuildError::Ending { path: file.clone() });
            }
        };
        let target = match (&self.file, &self.output_dir) {
            (Some(file), _) => {
                if named.is_some_and(|named| named != kind) {
                    return Err(BuildError::Format {
                        path: file.clone(),
                        format: kind.format(),
                    });
                }
                file.clone()
            }
            (None, folder) => {
                let name = format!("{stem}{}", kind.format().extension());
                folder.as_deref().unwrap_or(Path::new("")).join(name)
            }
        };
        Ok((target, kind))
    }

    fn build(
        &self,
        manifest: &Manifest,
        stem: String,
        target: &Path,
        kind: Kind,
    ) -> Result<(BuildView, LeftOut), BuildError> {
        let refuse_existing = |exists: bool| {
            if exists && !self.force {
                return Err(BuildError::Exists {
                    path: target.to_owned(),
                });
            }
            Ok(())
        };
        refuse_existing(target.exists())?;
        let options = PackOptions {
            top_folder: Some(stem),
            leave_out: inside(&self.path, target),
            ..folder::options(&self.path)
        };
        let pack = |source| BuildError::Pack {
            path: self.path.clone(),
            source,
        };
        let packing = Packing::select(&self.path, &options).map_err(pack)?;
        if !packing.has(FILE_NAME) {
            return Err(BuildError::ManifestIgnored {
                path: self.path.join(FILE_NAME),
            });
        }
        let made_folders = Made::folders(self.output_dir.as_deref())?;
        // what is not complete has no name, so that nothing has to be cleaned up however this ends
        let folder = folder_of(target);
        let mut whole = tempfile::tempfile_in(folder).map_err(FileError::io("write", target))?;
        let summary = packing.write(kind.format(), &mut whole).map_err(pack)?;
        find_pack_root(&summary.files, None).map_err(|source| BuildError::Root {
            path: self.path.clone(),
            source,
        })?;
        let unreadable = |error: io::Error| FileError::io("read", target)(without_path(&error));
        whole.rewind().map_err(unreadable)?;
        let (checksum, size) = digest_of(&mut whole, Algorithm::Sha256).map_err(unreadable)?;
        whole.rewind().map_err(unreadable)?;

        let locked = Locked::new(target)?;
        refuse_existing(locked.exists())?;
        locked.replace::<BuildError>(|out| {
            io::copy(&mut whole, out).map_err(FileError::io("write", target))?;
            Ok(())
        })?;
        made_folders.keep();
        let view = BuildView {
            path: target.to_string_lossy().into_owned(),
            r#ref: manifest.pack_ref.to_string(),
            version: manifest.version.to_string(),
            format: kind,
            checksum,
            size,
            tree: summary.files.digest(),
            files: summary.files.files(),
        };
        Ok((view, summary.left_out))
    }
}

impl BuildView {
    fn human(&self) -> String {
        format!(
            "Pack: {name} v{version}\nArchive: {path}\nChecksum: {checksum}\nSize: {size} bytes\nTree: {tree} ({files})\n",
            name = self.r#ref,
            version = self.version,
            path = text::clean(&self.path),
            checksum = self.checksum,
            size = self.size,
            tree = self.tree,
            files = text::count(self.files, "file", "files"),
        )
    }
}

#[cfg(test)]
mod tests;
