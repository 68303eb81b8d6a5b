//! Packs made for a test: a tree, and the archives of it.

use std::{
    fmt::Write as _,
    io::{Cursor, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use fs_err::os::unix::fs::symlink;
use sha2::{Digest, Sha256, Sha512};
use zip::{ZipWriter, write::SimpleFileOptions};

/// The kinds of archive that packs come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.tar.gz`
    TarGz,
    /// The same under its short name.
    Tgz,
    /// `.tar.zst`
    TarZst,
    /// `.tar`
    Tar,
    /// `.zip`
    Zip,
}

impl Format {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::TarGz, Self::Tgz, Self::TarZst, Self::Tar, Self::Zip];

    /// What its files' names end in.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Tgz => "tgz",
            Self::TarZst => "tar.zst",
            Self::Tar => "tar",
            Self::Zip => "zip",
        }
    }
}

/// The bytes of an archive.
#[derive(Debug, Clone)]
pub struct Archive {
    /// Its file name, such as `slack-2.1.0.tar.gz`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Archive {
    /// `sha256:<hex>`
    #[must_use]
    pub fn sha256(&self) -> String {
        format!("sha256:{}", hex::encode(Sha256::digest(&self.bytes)))
    }

    /// `sha512:<hex>`
    #[must_use]
    pub fn sha512(&self) -> String {
        format!("sha512:{}", hex::encode(Sha512::digest(&self.bytes)))
    }

    /// Writes it into a folder under its name.
    pub fn write_to(&self, folder: &Path) {
        fs_err::write(folder.join(&self.name), &self.bytes).unwrap();
    }
}

#[derive(Debug, Clone)]
enum Content {
    File { bytes: Vec<u8>, executable: bool },
    Link { target: String },
    Folder,
}

/// A pack.
#[derive(Debug, Clone)]
pub struct PackTree {
    name: String,
    version: String,
    label: Option<String>,
    dependencies: Vec<String>,
    content: Vec<(String, Content)>,
    folder: Option<String>,
    manifest: Option<String>,
}

impl PackTree {
    /// A pack with a `pack.yaml` and one action.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            label: None,
            dependencies: Vec::new(),
            content: Vec::new(),
            folder: None,
            manifest: None,
        }
        .file(
            "actions/say.yaml",
            format!("name: say\nrunner: shell\nversion: {version}\n"),
        )
        .executable(
            "actions/say.sh",
            format!("#!/bin/sh\necho {name} {version}\n"),
        )
    }

    /// Its ref.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it needs, as its `pack.yaml` says.
    #[must_use]
    pub fn dependencies(&self) -> &[String] {
        &self.dependencies
    }

    /// The same with a title.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    /// The same with a dependency, as `ref` or `ref@requirement`.
    #[must_use]
    pub fn needs(mut self, dependency: &str) -> Self {
        self.dependencies.push(dependency.to_owned());
        self
    }

    /// The same with one more file.
    #[must_use]
    pub fn file(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let content = Content::File {
            bytes: bytes.into(),
            executable: false,
        };
        self.content.push((path.to_owned(), content));
        self
    }

    /// The same with one more file that can be executed.
    #[must_use]
    pub fn executable(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let content = Content::File {
            bytes: bytes.into(),
            executable: true,
        };
        self.content.push((path.to_owned(), content));
        self
    }

    /// The same with one more symbolic link.
    #[must_use]
    pub fn link(mut self, path: &str, target: &str) -> Self {
        let content = Content::Link {
            target: target.to_owned(),
        };
        self.content.push((path.to_owned(), content));
        self
    }

    /// The same with one more folder, which stays empty.
    #[must_use]
    pub fn folder(mut self, path: &str) -> Self {
        self.content.push((path.to_owned(), Content::Folder));
        self
    }

    /// The same with many files, which do not compress, spread over folders.
    #[must_use]
    pub fn with_bulk(mut self, files: usize, bytes: usize) -> Self {
        for number in 0..files {
            let path = format!("lib/part{:03}/data{number:05}.bin", number / 25);
            self = self.file(&path, noise(number as u64 + 1, bytes));
        }
        self
    }

    /// The same, below one folder in its archives.
    #[must_use]
    pub fn inside(mut self, folder: &str) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// The same with this `pack.yaml`.
    #[must_use]
    pub fn saying(mut self, manifest: &str) -> Self {
        self.manifest = Some(manifest.to_owned());
        self
    }

    /// The text of its `pack.yaml`.
    #[must_use]
    pub fn manifest(&self) -> String {
        if let Some(manifest) = &self.manifest {
            return manifest.clone();
        }
        let mut text = format!(
            "ref: {}\nversion: \"{}\"\nlabel: {}\ndescription: Made for a test\nauthor: Tests\nlicense: Apache-2.0\n",
            self.name,
            self.version,
            self.label.as_deref().unwrap_or(&self.name),
        );
        if !self.dependencies.is_empty() {
            text.push_str("dependencies:\n");
            for dependency in &self.dependencies {
                writeln!(text, "  - \"{dependency}\"").unwrap();
            }
        }
        text
    }

    /// The archive of it.
    #[must_use]
    pub fn archive(&self, format: Format) -> Archive {
        let bytes = match format {
            Format::TarGz | Format::Tgz => {
                let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                gzip.write_all(&self.tar()).unwrap();
                gzip.finish().unwrap()
            }
            Format::TarZst => zstd::encode_all(self.tar().as_slice(), 1).unwrap(),
            Format::Tar => self.tar(),
            Format::Zip => self.zip(),
        };
        Archive {
            name: format!("{}-{}.{}", self.name, self.version, format.suffix()),
            bytes,
        }
    }

    /// Writes the tree into an existing folder.
    pub fn write_to(&self, root: &Path) {
        for (path, content) in self.entries() {
            let path = root.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            match content {
                Content::File { bytes, executable } => {
                    fs_err::write(&path, bytes).unwrap();
                    let mode = if executable { 0o755 } else { 0o644 };
                    fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
                }
                Content::Link { target } => symlink(target, &path).unwrap(),
                Content::Folder => fs_err::create_dir_all(&path).unwrap(),
            }
        }
    }

    fn entries(&self) -> Vec<(String, Content)> {
        let manifest = Content::File {
            bytes: self.manifest().into_bytes(),
            executable: false,
        };
        let mut entries = vec![("pack.yaml".to_owned(), manifest)];
        entries.extend(self.content.iter().cloned());
        if let Some(folder) = &self.folder {
            for (path, _) in &mut entries {
                *path = format!("{folder}/{path}");
            }
        }
        entries
    }

    fn tar(&self) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, content) in self.entries() {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(1_700_000_000);
            match content {
                Content::File { bytes, executable } => {
                    header.set_entry_type(tar::EntryType::Regular);
                    header.set_mode(if executable { 0o755 } else { 0o644 });
                    header.set_size(bytes.len() as u64);
                    tar.append_data(&mut header, path, bytes.as_slice())
                        .unwrap();
                }
                Content::Link { target } => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    tar.append_link(&mut header, path, target).unwrap();
                }
                Content::Folder => {
                    header.set_entry_type(tar::EntryType::Directory);
                    header.set_mode(0o755);
                    header.set_size(0);
                    tar.append_data(&mut header, path, std::io::empty())
                        .unwrap();
                }
            }
        }
        tar.into_inner().unwrap()
    }

    fn zip(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in self.entries() {
            let options = SimpleFileOptions::default();
            match content {
                Content::File { bytes, executable } => {
                    let mode = if executable { 0o755 } else { 0o644 };
                    zip.start_file(path, options.unix_permissions(mode))
                        .unwrap();
                    zip.write_all(&bytes).unwrap();
                }
                Content::Link { target } => zip.add_symlink(path, target, options).unwrap(),
                Content::Folder => {
                    zip.add_directory(path, options.unix_permissions(0o755))
                        .unwrap();
                }
            }
        }
        zip.finish().unwrap().into_inner()
    }
}

/// Bytes that do not compress, the same for the same seed (xorshift64*).
#[must_use]
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
