//! Reading a file that may be large into memory, by all cores: copying it there takes as long as judging it.
//!
//! It is not mapped, since a mapped file that somebody cuts short ends the program that reads it.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;

use fs_err::File;

/// The least part that is worth a thread of its own, in bytes.
const PART: usize = 8 * 1024 * 1024;

/// The bytes of a file.
///
/// # Errors
/// What the system says.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    read_in(path, PART, cores)
}

/// The same in parts of at least `part` bytes, and at most `most` of them.
fn read_in(path: &Path, part: usize, most: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    let parts = most.min(length / part);
    let mut bytes = Vec::new();
    if metadata.is_file() && parts > 1 {
        bytes = vec![0; length];
        let size = length.div_ceil(parts);
        let whole = thread::scope(|scope| {
            let readers: Vec<_> = bytes
                .chunks_mut(size)
                .enumerate()
                .map(|(number, part)| {
                    let (file, start) = (file.file(), (number * size) as u64);
                    scope.spawn(move || file.read_exact_at(part, start))
                })
                .collect();
            readers
                .into_iter()
                .try_for_each(|reader| match reader.join() {
                    Ok(result) => result,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
        });
        match whole {
            Ok(()) => {}
            // it has become shorter: what there is now
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bytes.clear(),
            Err(error) => return Err(error),
        }
        file.seek(SeekFrom::Start(bytes.len() as u64))?;
    }
    // all of it, or what it has become longer by
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_file_is_read_whole_however_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..1000_u32).flat_map(u32::to_le_bytes).collect();
        for length in [0, 1, 2, 3, 999, 4000] {
            fs_err::write(&path, &bytes[..length]).unwrap();
            for (part, most) in [(1, 1), (1, 2), (1, 3), (7, 64), (5000, 8)] {
                let read = read_in(&path, part, most).unwrap();
                assert_eq!(
                    read,
                    bytes[..length],
                    "{length} bytes in {most} parts of {part}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_regular_file_is_read_too() {
        assert_eq!(read(Path::new("/dev/null")).unwrap(), b"");
        assert!(
            !read(Path::new("/proc/self/status")).unwrap().is_empty(),
            "its length is said to be 0"
        );
        assert_eq!(
            read(Path::new("/nowhere/file")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
