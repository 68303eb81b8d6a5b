//! What a file or folder is like, as a number that is another one when it changes; and where that has to be asked for,
//! because the kernel hears of no change that somebody else makes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::{Subject, What};

/// So many files of a folder are looked at; what has more is looked at only in part.
const MOST: usize = 200_000;

/// File systems whose content others change as well, see `statfs(2)`, and those that are such by FUSE.
const SHARED: [rustix::fs::FsWord; 15] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x00c3_6400, // Ceph
    0x5346_414f, // AFS, of OpenAFS
    0x6b41_4653, // AFS, of the kernel
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x7461_636f, // OCFS2
    0x0116_1970, // GFS2
    0x0bd0_0bd0, // Lustre
    0x786f_4256, // VirtualBox
    0x4750_4653, // GPFS
    0x7375_7245, // Coda
];

/// Whether the kernel hears of every change below this path. What is not there is judged by where it would be. Blocks.
pub(super) fn has_news(path: &Path) -> bool {
    let Some(found) = path
        .ancestors()
        .find_map(|path| rustix::fs::statfs(path).ok())
    else {
        return true;
    };
    // it has 32 bits, whose sign may be carried into the others
    !SHARED.contains(&(found.f_type & 0xffff_ffff))
}

/// Whether a path inside of a folder counts for its subject.
pub(super) fn is_entry(path: &Path, what: What) -> bool {
    let What::Entries { extension } = what else {
        return true;
    };
    let is_hidden = path
        .file_name()
        .is_some_and(|name| name.as_bytes().starts_with(b"."));
    !is_hidden && extension.is_none_or(|wanted| path.extension().is_some_and(|is| is == wanted))
}

/// What a subject is like now. Blocks.
pub(super) fn of(subject: &Subject) -> u64 {
    let mut hasher = DefaultHasher::new();
    match subject.what {
        What::File => file(&subject.path, &mut hasher),
        What::Entries { .. } | What::Tree => {
            let mut left = MOST;
            folder(&subject.path, subject.what, &mut left, &mut hasher);
        }
    }
    hasher.finish()
}

/// Of a file, following links.
fn file(path: &Path, hasher: &mut DefaultHasher) {
    match fs_err::metadata(path) {
        Ok(found) => (
            found.dev(),
            found.ino(),
            found.size(),
            found.mode(),
            (found.mtime(), found.mtime_nsec()),
            (found.ctime(), found.ctime_nsec()),
        )
            .hash(hasher),
        Err(error) => error.kind().hash(hasher),
    }
}

fn folder(path: &Path, what: What, left: &mut usize, hasher: &mut DefaultHasher) {
    let names = fs_err::read_dir(path).map(|entries| {
        let mut names: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| is_entry(path, what))
            .take(*left)
            .collect();
        names.sort();
        names
    });
    let names = match names {
        Ok(names) => names,
        Err(error) => return error.kind().hash(hasher),
    };
    for name in names {
        if *left == 0 {
            return;
        }
        *left -= 1;
        name.hash(hasher);
        file(&name, hasher);
        let is_folder = fs_err::symlink_metadata(&name).is_ok_and(|found| found.is_dir());
        if what == What::Tree && is_folder {
            folder(&name, what, left, hasher);
        }
    }
}
