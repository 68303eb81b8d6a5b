//! What lies in a folder: names, contents, executable bits, links.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::Path, process::Command};

use sha2::{Digest, Sha256};

use super::{packs::Archive, process::Ran};

/// A folder, ready to be compared. Times and owners do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree(pub BTreeMap<String, Node>);

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Its length.
        length: u64,
        /// Its content.
        sha256: String,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: String,
    },
}

impl Tree {
    /// What lies in a folder.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let mut tree = Self::default();
        tree.read(folder, "");
        tree
    }

    /// What `tar x` makes of an archive, or `unzip` of a zip: the second opinion.
    #[must_use]
    pub fn unpacked_by_others(archive: &Archive) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(&archive.name);
        fs_err::write(&file, &archive.bytes).unwrap();
        let root = folder.path().join("root");
        fs_err::create_dir(&root).unwrap();
        let mut command = if archive.bytes.starts_with(b"PK") {
            let mut command = Command::new("unzip");
            command.arg("-q").arg(&file).arg("-d").arg(&root);
            command
        } else {
            let mut command = Command::new("tar");
            command.arg("xf").arg(&file).arg("-C").arg(&root);
            command
        };
        Ran::of(&mut command).success();
        Self::of(&root)
    }

    /// The part of the tree below a folder of it.
    #[must_use]
    pub fn below(&self, folder: &str) -> Self {
        let start = format!("{folder}/");
        let inside = self
            .0
            .iter()
            .filter_map(|(path, node)| Some((path.strip_prefix(&start)?.to_owned(), node.clone())));
        Self(inside.collect())
    }

    /// How many files there are.
    #[must_use]
    pub fn files(&self) -> usize {
        self.0
            .values()
            .filter(|node| matches!(node, Node::File { .. }))
            .count()
    }

    fn read(&mut self, folder: &Path, prefix: &str) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().unwrap();
            let node = if kind.is_dir() {
                self.read(&entry.path(), &format!("{name}/"));
                Node::Folder
            } else if kind.is_symlink() {
                let target = fs_err::read_link(entry.path()).unwrap();
                Node::Link {
                    target: target.to_string_lossy().into_owned(),
                }
            } else {
                let bytes = fs_err::read(entry.path()).unwrap();
                Node::File {
                    executable: entry.metadata().unwrap().permissions().mode() & 0o100 != 0,
                    length: bytes.len() as u64,
                    sha256: hex::encode(Sha256::digest(&bytes)),
                }
            };
            self.0.insert(name, node);
        }
    }
}
