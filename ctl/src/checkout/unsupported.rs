//! Repositories that git keeps in newer ways than the library reads: found by what their configuration says, since
//! the library fails on one of them without a word of why, and takes the other for an empty repository.

use std::path::Path;

use gix::config::{File, Source};

/// How a repository is kept that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// Its objects are named by SHA-256.
    Objects,
    /// Its branches and tags are in a table.
    Refs,
}

impl Unsupported {
    /// What keeps the repository of a folder from being read, if anything does.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let (place, _trust) = gix::discover::upwards(folder).ok()?;
        let (git_dir, _work_tree) = place.into_repository_and_work_tree_directories();
        // a linked work tree has the configuration of the repository that it belongs to
        let common = fs_err::read_to_string(git_dir.join("commondir"));
        let common = common.map_or_else(|_| git_dir.clone(), |to| git_dir.join(to.trim_end()));
        let config = File::from_path_no_includes(common.join("config"), Source::Local).ok()?;
        let is_other = |key: &str, usual: &str| {
            let value = config.string(key);
            value.is_some_and(|value| !value.eq_ignore_ascii_case(usual.as_bytes()))
        };
        if is_other("extensions.objectFormat", "sha1") {
            Some(Self::Objects)
        } else if is_other("extensions.refStorage", "files") {
            Some(Self::Refs)
        } else {
            None
        }
    }

    /// What is said of the repository.
    pub(super) fn said(self) -> &'static str {
        match self {
            Self::Objects => "names its objects by SHA-256",
            Self::Refs => "keeps its references in a reftable",
        }
    }

    /// One thing to try.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Objects => "publish an archive instead, and name it with --archive-url",
            Self::Refs => "convert it (git refs migrate --ref-format=files), and run this again",
        }
    }
}
