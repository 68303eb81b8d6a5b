//! How much an archive may unpack to. Checked while reading, before the bytes are written.

use std::fmt;

/// The limits of one archive. The defaults suit packs; packd's configuration has the first three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together. Default 1 GiB. Against filling the disk.
    pub pack_bytes: u64,
    /// Bytes of one file. Default 512 MiB.
    pub file_bytes: u64,
    /// Files, links and folders, folders that are only implied included. Default 100,000. Against using up inodes.
    pub entries: u64,
    /// Levels of a path. Default 64. Against paths that no tool can walk.
    pub depth: usize,
    /// Bytes of a path, and of a link's target. Default 4,096, the most Linux takes in one call.
    pub path_bytes: usize,
    /// Bytes of one component of a path. Default 255, the most common file systems store.
    pub name_bytes: usize,
    /// How many times its compressed size an archive may unpack to. Default 200. Against bombs: text compresses
    /// about tenfold, deflate can do a thousandfold.
    pub ratio: u64,
    /// Unpacked bytes from where on [`ratio`](Self::ratio) is looked at. Default 64 MiB; below, it does no harm.
    pub ratio_after: u64,
}

impl Limits {
    /// Bytes of all paths and targets of links together, folders that are only implied included: 1 MiB, and 160 for each
    /// entry that there may be. Against filling the memory, which holds them until the archive is unpacked.
    #[must_use]
    pub fn all_names(&self) -> u64 {
        self.entries.saturating_mul(160).saturating_add(1024 * 1024)
    }
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            pack_bytes: 1024 * MIB,
            file_bytes: 512 * MIB,
            entries: 100_000,
            depth: 64,
            path_bytes: 4096,
            name_bytes: 255,
            ratio: 200,
            ratio_after: 64 * MIB,
        }
    }
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitKind {
    /// [`Limits::pack_bytes`].
    PackBytes,
    /// [`Limits::file_bytes`].
    FileBytes,
    /// [`Limits::entries`].
    Entries,
    /// [`Limits::depth`].
    Depth,
    /// [`Limits::path_bytes`].
    PathBytes,
    /// [`Limits::name_bytes`].
    NameBytes,
    /// [`Limits::all_names`].
    AllNames,
    /// [`Limits::ratio`].
    Ratio,
    /// The bytes of extension headers, which is not configurable.
    ExtensionBytes,
    /// The memory that zstd needs to look back, which is not configurable.
    Window,
}

impl LimitKind {
    /// What to do about a pack that goes beyond it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::PackBytes => "if the pack is to be that large, raise `limits.pack_bytes`",
            Self::FileBytes => "if the file is to be that large, raise `limits.file_bytes`",
            Self::Entries => "if the pack is to have that many, raise `limits.pack_entries`",
            Self::Depth => "this limit is fixed: the pack needs fewer folders in each other",
            Self::PathBytes | Self::NameBytes | Self::AllNames => {
                "this limit is fixed: the pack needs shorter names"
            }
            Self::Ratio => {
                "this limit is fixed: if it is no bomb, publish it as `.tar`, not compressed"
            }
            Self::ExtensionBytes => {
                "this limit is fixed: whoever made the archive has to pack it anew, for instance with `packctl build`"
            }
            Self::Window => {
                "this limit is fixed: compress the archive without `--long`, at level 21 or below"
            }
        }
    }
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PackBytes => "bytes unpacked",
            Self::FileBytes => "bytes in one file",
            Self::Entries => "entries",
            Self::Depth => "levels of folders",
            Self::PathBytes => "bytes in a path",
            Self::NameBytes => "bytes in a name",
            Self::AllNames => "bytes in all names",
            Self::Ratio => "times the compressed size",
            Self::ExtensionBytes => "bytes of extension headers",
            Self::Window => "bytes of window in a zstd frame",
        })
    }
}
